"""Options of the commands that ask a monitor."""

import getpass
from collections.abc import Callable
from typing import Any, Final, TypeVar

import rich_click as click

from icu.cli.options import config_option
from icu.errors import UsageError

_Command = TypeVar("_Command", bound=Callable[..., Any])

patient_option: Final = click.option("--patient", metavar="WHO", help="Only this patient's: bed, name or uuid.")
by_option: Final = click.option(
    "--by", metavar="NAME", help="Your name, which nobody checks; the login name when not given."
)


def monitor_options(command: _Command) -> _Command:
    """Add the options `--url` and `--config`, for `find_monitor`."""
    url = click.option(
        "--url",
        envvar="ICU_URL",
        help="The monitor, such as http://127.0.0.1:8000; by the settings (and ICU_URL) when not given.",
    )
    return url(config_option(command))


def author(by: str | None) -> str:
    """Return the name of the person who commands.

    Raises:
        UsageError: None is given, and the login has none.
    """
    if by is not None:
        return by
    try:
        return getpass.getuser()
    except (OSError, KeyError) as exc:  # KeyError before Python 3.13
        raise UsageError("the login has no name: say who you are, with --by NAME") from exc
