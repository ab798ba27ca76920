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
    open_streams()
    if sys.argv[1:2] and sys.argv[1] in ROLES:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` wants it
                signal.signal(number, leave)
    try:
        from icu.cli.main import main  # noqa: PLC0415 - signals have to be minded first

        main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def open_streams() -> None:
    """Give what was closed by whoever started us (`>&-`) to nobody.

    Python has None for it then, and the next file that is opened would get its number, and all that is printed.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - no pathlib yet; never closed


def leave(_number: int, _frame: FrameType | None) -> None:
    """End at once: nothing is open yet.

    No KeyboardInterrupt, for Python ends by the signal when one has passed through the code that a library generates.
    """
    os._exit(0)


if __name__ == "__main__":
    start()
