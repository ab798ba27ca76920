"""`python -m icu`."""

import os
import signal
import sys
from types import FrameType

# Roles run until they are told to stop: being told while they still load is no failure. Other commands were to finish.
ROLES = ("supervise", "run")
INTERRUPTED = 130


def start() -> None:
    """Run the command line; a signal that comes before anybody listens ends it without a word."""
    if sys.argv[1:2] and sys.argv[1] in ROLES:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, leave)
    try:
        from icu.cli.main import main  # noqa: PLC0415 - signals have to be minded first

        main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def leave(_number: int, _frame: FrameType | None) -> None:
    """End at once: nothing is open yet.

    No KeyboardInterrupt, for Python ends by the signal when one has passed through the code that a library generates.
    """
    os._exit(0)


if __name__ == "__main__":
    start()
