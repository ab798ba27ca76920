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


class Retries:
    """Something that may be away, and that any number of tasks wait for: its trouble is told once for all of them.

    `on_trouble` is told what is wrong each time, and None once it works.
    """

    def __init__(self, doing: str, *, on_trouble: Callable[[str | None], None]) -> None:
        self._doing = doing
        self._on_trouble = on_trouble
        self._logged_at: float | None = None
        # The trouble, where it does not end before somebody mends something.
        self.needs_people: str | None = None

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Await `work()` again after each transient error, until cancelled; other errors leave at once.

        Waits 0.1 s to 5 s, growing, with full jitter.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception(is_transient),
            wait=wait_random_exponential(multiplier=0.1, max=5.0),
            sleep=anyio.sleep,
            before_sleep=self._on_failure,
            reraise=True,
        )
        result: T = await retrying(work)
        self._on_recovery()
        return result

    def _on_failure(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        trouble = f"{self._doing}: {error}"
        self.needs_people = trouble if isinstance(error, IcuError) and error.needs_people else None
        self._on_trouble(trouble)
        if self._logged_at is None or anyio.current_time() - self._logged_at >= LOG_EVERY:
            self._logged_at = anyio.current_time()
            logger.warning("{}, waiting: {}", self._doing, error)

    def _on_recovery(self) -> None:
        self.needs_people = None
        self._on_trouble(None)
        if self._logged_at is not None:
            self._logged_at = None
            logger.info("{}: works again", self._doing)


async def retry(doing: str, work: Callable[[], Awaitable[T]], *, on_trouble: Callable[[str | None], None]) -> T:
    """Await `work()` again after each transient error, as the only one who waits."""
    return await Retries(doing, on_trouble=on_trouble).run(work)
