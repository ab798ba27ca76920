"""`python -m icu`."""

import gc
import os
import signal
import sys
from types import FrameType

# Commands that run until they are stopped: a stop signal while they still load is no failure. For other commands it is,
# since they did not finish.
ROLE_COMMANDS = ("supervise", "run")

# Exit code after Ctrl-C, as in shells: 128 and the number of SIGINT.
INTERRUPTED = 130


def start() -> None:
    """Run the command line. A stop signal during its imports ends the process in silence."""
    reopen_closed_streams()
    # Imports make ten thousands of objects that stay: the search for garbage among them is a tenth of a start.
    gc.set_threshold(20_000)
    if sys.argv[1:2] and sys.argv[1] in ROLE_COMMANDS:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` ignores SIGHUP, and it stays ignored
                signal.signal(number, exit_now)
    try:
        from icu.cli.main import main  # noqa: PLC0415 - the import takes time: the handlers have to stand before it

        main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def reopen_closed_streams() -> None:
    """Reopen closed standard streams (`>&-`) on /dev/null."""
    # For a closed stream Python has None, and the next file to be opened gets its number: print would write into it.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - no pathlib yet; never closed


def exit_now(_number: int, _frame: FrameType | None) -> None:
    """Exit with 0 at a stop signal during the imports: nothing is open yet."""
    # Not by KeyboardInterrupt: once one has passed through generated code of a library, Python ends by the signal.
    os._exit(0)


if __name__ == "__main__":
    start()
