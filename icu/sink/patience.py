"""Patience of the sink with its database: without end, but for partitions that other sinks could store from.

A sink that shares its topic keeps its partitions while the broker hears it, whatever becomes of its database. So where
the server cannot be reached from here, or refuses this sink, it gives them up after a while: others, who may reach it,
take its patients over. What holds up all sinks alike, such as a full disk, is waited for.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio

from icu.ops.retries import Retries
from icu.sink.errors import GivenUpError
from icu.store.errors import StoreDeniedError, StoreUnreachableError

# Seconds of failures after which a sink gives its partitions up: as long as the group waits for one that is silent.
GIVE_UP_AFTER: Final = 6.0

T = TypeVar("T")


class Patience:
    """Patience of one run of the sink.

    Args:
        on_trouble: Called after each failure with the error's text, and with the same text where a person has to mend
            something, else None; after each success with None twice.
    """

    def __init__(self, on_trouble: Callable[[str | None, str | None], None]) -> None:
        self._on_trouble = on_trouble
        # True while this sink has partitions that others could store from.
        self.ends = False

    async def retry(self, doing: str, work: Callable[[], Awaitable[T]]) -> T:
        """Await `work()`, again after each transient error, until it succeeds.

        Args:
            doing: The beginning of the log line, such as "storing readings".
            work: Uses the database.

        Raises:
            GivenUpError: It has failed for long, and others may do better.
        """
        failing_since: float | None = None

        async def attempt() -> T:
            nonlocal failing_since
            try:
                return await work()
            except (StoreDeniedError, StoreUnreachableError) as exc:
                now = anyio.current_time()
                failing_since = now if failing_since is None else failing_since
                if self.ends and now - failing_since >= GIVE_UP_AFTER:
                    raise GivenUpError(f"{doing}: {exc}") from exc
                raise

        retries = Retries(doing, on_trouble=lambda trouble: self._on_trouble(trouble, retries.needs_people))
        return await retries.run(attempt)
