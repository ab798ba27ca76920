"""`python -m icu`."""

import signal
import sys

# Roles run until they are told to stop: being told while they still load is no failure. Other commands were to finish.
ROLES = ("supervise", "run")
INTERRUPTED = 130


def start() -> None:
    """Run the command line; a signal that comes before anybody listens ends it without a word."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from icu.cli.main import main  # noqa: PLC0415 - signals have to be minded first

        main()
    except KeyboardInterrupt:
        sys.exit(0 if sys.argv[1:2] and sys.argv[1] in ROLES else INTERRUPTED)


if __name__ == "__main__":
    start()
