"""Password of a command: from the terminal, unseen, or from standard input; never from the command line."""

import sys
from typing import Final

import rich_click as click

from icu.config.settings import Secret
from icu.errors import UsageError

# Bytes of a line at most: a longer one is no password.
_LONGEST: Final = 10_000


def read_password() -> Secret:
    """Read a new password: twice from a terminal, else the first line of standard input.

    Raises:
        UsageError: There is none, or it is not written in UTF-8.
    """
    try:
        found = _from_terminal() if sys.stdin.isatty() else _first_line()
    except UnicodeDecodeError:
        # Not chained: the error holds the bytes.
        raise UsageError("the password is not written in UTF-8: check the encoding of the terminal") from None
    if not found:
        raise UsageError("standard input holds no password: write it there as one line, or call from a terminal")
    return Secret(found)


def _from_terminal() -> str:
    return str(click.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True))


def _first_line() -> str:
    return sys.stdin.buffer.readline(_LONGEST).decode().rstrip("\r\n")
