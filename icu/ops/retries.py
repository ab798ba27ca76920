"""One way to wait for something that is away: for ever, with back-off, and never in silence."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio
from loguru import logger
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from icu.errors import is_transient

LOG_EVERY: Final = 30.0
"""Seconds between two lines about the same trouble."""

T = TypeVar("T")


async def until_it_works(
    doing: str, work: Callable[[], Awaitable[T]], *, on_trouble: Callable[[str | None], None]
) -> T:
    """Await `work()` again after each transient error, until cancelled; other errors leave at once.

    Waits 0.1 s to 5 s, growing, with full jitter. `on_trouble` is told what is wrong each time, and None once it works.
    """
    said_at = -LOG_EVERY

    def say(state: RetryCallState) -> None:
        nonlocal said_at
        error = state.outcome.exception() if state.outcome else None
        on_trouble(f"{doing}: {error}")
        if anyio.current_time() - said_at >= LOG_EVERY:
            said_at = anyio.current_time()
            logger.warning("{}, waiting: {}", doing, error)

    retrying = AsyncRetrying(
        retry=retry_if_exception(is_transient),
        wait=wait_random_exponential(multiplier=0.1, max=5.0),
        sleep=anyio.sleep,
        before_sleep=say,
        reraise=True,
    )
    result: T = await retrying(work)
    on_trouble(None)
    if said_at > -LOG_EVERY:
        logger.info("{}: works again", doing)
    return result
