"""Wrong usage in plain words: what to type, in place of click's messages."""

import re
from collections.abc import Sequence
from typing import Final

import rich_click as click

_TOO_MANY: Final = re.compile(r"\AGot unexpected extra arguments? \((?P<words>.*)\)\Z", re.DOTALL)


def explain(error: click.ClickException) -> str:
    """Explain in one line the mistake in a command line. Unknown errors keep click's message."""
    return " ".join(_explain(error).split())


def _explain(error: click.ClickException) -> str:
    match error:
        case click.MissingParameter():
            return f"{_name(error)} is missing{_see_help(error)}"
        case click.BadParameter():
            return f"{_name(error)}: {error.message}"
        case click.NoSuchOption():
            return f"there is no option {error.option_name} here{_suggest(error.possibilities) or _see_help(error)}"
        case click.BadOptionUsage():
            return f"{error.option_name} {'takes no' if 'does not take' in error.message else 'needs a'} value"
        case click.UsageError():
            return _explain_usage(error)
        case _:
            return error.format_message()


def _explain_usage(error: click.UsageError) -> str:
    too_many = _TOO_MANY.match(error.message)
    if too_many:
        return f"too many words: {too_many['words']}{_see_help(error)}"
    command = getattr(error, "command_name", None)  # of NoSuchCommand, which click has had since 8.4
    if command is None:
        return error.format_message()
    return f"there is no command {command!r} here{_suggest(getattr(error, 'possibilities', None)) or _see_help(error)}"


def _name(error: click.BadParameter) -> str:
    """Return a parameter as it is typed: `--port`, or `ID`."""
    hint = error.param.get_error_hint(error.ctx) if error.param else error.param_hint or "a value"
    return str(hint).replace("'", "")


def _suggest(near: Sequence[str] | None) -> str:
    return f"; did you mean {near[0]}?" if near else ""


def _see_help(error: click.UsageError) -> str:
    return f" (see {error.ctx.command_path} --help)" if error.ctx else ""
