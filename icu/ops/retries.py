"""Retries for everything that may be away: without end, with back-off, and never in silence."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio
from loguru import logger
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from icu.errors import IcuError, is_transient

# Seconds between two log lines about the same trouble: an outage of a night must not fill the log.
LOG_EVERY: Final = 30.0

T = TypeVar("T")


class Retries:
    """Retries of any number of tasks that need the same service. Its trouble is logged once for all of them."""

    def __init__(self, doing: str, *, on_trouble: Callable[[str | None], None]) -> None:
        """Share the state of a service between the tasks that need it.

        Args:
            doing: The beginning of each log line, such as "sending to Kafka".
            on_trouble: Called with the error's text after each failure, and with None after each success.
        """
        self._doing = doing
        self._on_trouble = on_trouble
        self._logged_at: float | None = None
        # The trouble, where it cannot end before a person mends something.
        self.needs_people: str | None = None

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Await `work()`, again after each transient error, until it succeeds. Other errors are raised at once."""
        retrying = AsyncRetrying(
            retry=retry_if_exception(is_transient),
            # Short at first, since a hiccup should not cost a second; then up to 5 s. Full jitter spreads the children
            # of a ward, so that they do not all come back at once.
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
            # The next outage is another one, and is logged at once.
            self._logged_at = None
            logger.info("{}: works again", self._doing)


async def retry(doing: str, work: Callable[[], Awaitable[T]], *, on_trouble: Callable[[str | None], None]) -> T:
    """Retry `work()` as `Retries.run` does, for a service that only one task needs."""
    return await Retries(doing, on_trouble=on_trouble).run(work)
