"""The limit of open files, connections among them, and log lines about connections beyond it."""

import errno
import logging
import resource
import time
from collections.abc import Callable
from typing import Final

from loguru import logger

# Seconds between two log lines about connections that cannot be accepted.
ACCEPT_ERRORS_EVERY: Final = 1.0

# The most that macOS grants where the hard limit is infinite: see setrlimit(2) there.
_OPEN_MAX: Final = 10_240


def limit() -> float:
    """Number of descriptors that this process may have open; infinity if there is no limit."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return float("inf") if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> None:
    """Raise the soft limit to the hard one, or log that the system (a sandbox, for instance) refuses it."""
    # The soft limit is low for programs that call select(2), which cannot use descriptors above 1023. Ours does not.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, _OPEN_MAX) if hard == resource.RLIM_INFINITY else hard
    if soft in {wanted, resource.RLIM_INFINITY}:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as exc:
        logger.warning("the limit of open files stays at {}, it cannot be raised to {}: {}", soft, wanted, exc)


class AcceptErrors(logging.Filter):
    """Filter that turns asyncio's accept errors into one line a second, which says what to do.

    asyncio logs a stack for each attempt, and makes as many attempts as its backlog is long before it pauses for 1 s.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite a record about an accept error, and drop all but one of them a second. Others pass."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, OSError) or not record.getMessage().startswith("socket.accept()"):
            return True
        if self._clock() < self._next:
            return False
        self._next = self._clock() + ACCEPT_ERRORS_EVERY
        record.msg, record.args, record.exc_info = _sentence(error), (), None
        return True


def _sentence(error: OSError) -> str:
    sentence = f"connections have to wait, they cannot be accepted: {error.strerror}"
    if error.errno == errno.EMFILE:
        sentence += f"; this process may have {limit():.0f}: raise the limit (`ulimit -n`, LimitNOFILE= under systemd)"
    return sentence
