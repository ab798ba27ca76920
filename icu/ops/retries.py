"""One way to wait for something that is away: for ever, with back-off, and never in silence."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio
from loguru import logger
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from icu.errors import IcuError, is_transient

# Seconds between two lines about the same trouble.
LOG_EVERY: Final = 30.0

T = TypeVar("T")


class Waiting:
    """Something that may be away, and that any number of tasks wait for: its trouble is told once for all of them.

    `on_trouble` is told what is wrong each time, and None once it works.
    """

    def __init__(self, doing: str, *, on_trouble: Callable[[str | None], None]) -> None:
        self._doing = doing
        self._on_trouble = on_trouble
        self._said_at: float | None = None
        # The trouble, where it does not end before somebody mends something.
        self.needs_people: str | None = None

    async def until_it_works(self, work: Callable[[], Awaitable[T]]) -> T:
        """Await `work()` again after each transient error, until cancelled; other errors leave at once.

        Waits 0.1 s to 5 s, growing, with full jitter.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception(is_transient),
            wait=wait_random_exponential(multiplier=0.1, max=5.0),
            sleep=anyio.sleep,
            before_sleep=self._complain,
            reraise=True,
        )
        result: T = await retrying(work)
        self._rejoice()
        return result

    def _complain(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        trouble = f"{self._doing}: {error}"
        self.needs_people = trouble if isinstance(error, IcuError) and error.needs_people else None
        self._on_trouble(trouble)
        if self._said_at is None or anyio.current_time() - self._said_at >= LOG_EVERY:
            self._said_at = anyio.current_time()
            logger.warning("{}, waiting: {}", self._doing, error)

    def _rejoice(self) -> None:
        self.needs_people = None
        self._on_trouble(None)
        if self._said_at is not None:
            self._said_at = None
            logger.info("{}: works again", self._doing)


async def until_it_works(
    doing: str, work: Callable[[], Awaitable[T]], *, on_trouble: Callable[[str | None], None]
) -> T:
    """Await `work()` again after each transient error, as the only one who waits."""
    return await Waiting(doing, on_trouble=on_trouble).until_it_works(work)
