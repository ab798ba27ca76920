"""Options that several commands share, and the settings that commands begin with."""

import math
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, get_args
from uuid import UUID

import msgspec
import rich_click as click
from loguru import logger

from icu.access.roles import GIVEN
from icu.bounds import parse_duration, parse_number, parse_whole
from icu.config.environment import unknown_variables
from icu.config.load import Check, load
from icu.config.settings import LogForm, Settings, TransportKind
from icu.errors import UsageError
from icu.mistakes import describe, explain_choice
from icu.ops import logs


class Whole(click.IntRange):
    """A whole number within bounds, in the digits 0 to 9: click's own type takes digits of all scripts, and
    underscores."""

    name = "integer"

    def _describe_range(self) -> str:
        return "" if self.min is None and self.max is None else super()._describe_range()

    def convert(self, value: int | str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            found = parse_whole(value) if isinstance(value, str) else value
        except ValueError as exc:
            self.fail(str(exc), param, ctx)
        _check_bounds(self, int, value, found)
        return found


class Number(click.FloatRange):
    """A number within bounds, in the digits 0 to 9."""

    def convert(self, value: float | str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            found = parse_number(value) if isinstance(value, str) else value
        except ValueError as exc:
            self.fail(str(exc), param, ctx)
        _check_bounds(self, float, value, found)
        return found


def _check_bounds(option: click.IntRange | click.FloatRange, kind: type, value: object, found: float) -> None:
    """Refuse a number out of the option's bounds, in our words."""
    least, most = option.min, option.max
    if (least is not None and found < least) or (most is not None and found > most):
        option.fail(f"{describe(kind, msgspec.Meta(ge=least, le=most))}, not {str(value)[:80]!r}")


class Word(click.Choice):  # type: ignore[type-arg] # generic to mypy alone
    """One of some words."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word, or a usage error."""
        if value not in self.choices:
            self.fail(explain_choice(value, list(self.choices)), param, ctx)
        return value


class Speed(Number):
    """A factor on the pace; `max` for as fast as possible."""

    def convert(self, value: float | str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        return super().convert(math.inf if value in {"max", "inf"} else value, param, ctx)


class Uuid(click.ParamType):  # type: ignore[type-arg] # generic to mypy alone
    """A patient's uuid, in the same forms as the API and PATIENT_UUID."""

    name = "uuid"

    def convert(self, value: UUID | str, param: click.Parameter | None, ctx: click.Context | None) -> UUID:
        try:
            return msgspec.convert(value, UUID)
        except msgspec.ValidationError:
            self.fail(f"{str(value)[:80]!r} is not a uuid", param, ctx)


class Span(click.ParamType):  # type: ignore[type-arg] # generic to mypy alone
    """A span of time with its unit, converted to seconds: `30s`, `5min`, `24h`, `7d`."""

    name = "span"

    def convert(self, value: float | str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        try:
            seconds = parse_duration(value)
        except ValueError as exc:
            self.fail(str(exc), param, ctx)
        if not 0 < seconds <= LONGEST_SPAN:
            self.fail(f"{value[:80]!r} is no span of time: write for instance 30s, 5min, 24h or 7d", param, ctx)
        return seconds


# Seconds: ten years.
LONGEST_SPAN: Final = 3_650 * 86_400.0

# Bounds of the settings in supervisor.toml too; the command line reports a mistake with the option's name.
PORT: Final = Whole(1, 65_535)
SECONDS: Final = Number(0.1, 86_400)
SPEED: Final = Speed(0.001)
SEED: Final = Whole()
UUID_OF_PATIENT: Final = Uuid()
PATIENTS: Final = Whole(1, 100_000)
SPAN: Final = Span()
RATE: Final = Number(0, 1_000)
STEP: Final = Number(0.001, 86_400)
ROLE: Final = Word(GIVEN)

config_option: Final = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The settings; ./supervisor.toml, or else the built-in ward, when not given.",
)
log_format_option: Final = click.option(
    "--log-format",
    type=Word(["auto", "json", "text"]),
    help="text on a terminal and JSON elsewhere, or always one.",
)
insecure_option: Final = click.option(
    "--insecure", is_flag=True, help="Let everybody who reaches the monitor in, where there are no keys."
)
transport_option: Final = click.option(
    "--transport", type=Word(get_args(TransportKind)), help="Where readings travel, in place of the configured one."
)


def prepare(
    config: Path | None,
    log_format: LogForm | None,
    environ: Mapping[str, str] = os.environ,
    transport: TransportKind | None = None,
    check: Check = lambda _: (),
) -> Settings:
    """Load the settings and configure the log.

    Args:
        config: The file; None for ./supervisor.toml, or else the built-in ward.
        log_format: In place of the configured one.
        environ: Source of the variables.
        transport: In place of the configured one.
        check: Finds mistakes that the configuration knows nothing of, as `load` does.

    Raises:
        ConfigurationError: A setting is wrong; the message names file, line and key.
    """
    settings = load(config, environ, transport=transport, check=check)
    logs.configure(level=settings.log_level, form=log_format or settings.log.format)
    for sentence in unknown_variables(environ):
        logger.warning("{}", sentence)
    return settings


def parse_start(text: str | None) -> datetime | None:
    """Parse the time of `--start`; without a zone it is UTC.

    Raises:
        UsageError: It is no time.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as exc:
        raise UsageError(f"--start {text!r} is no time: write for instance 2026-01-31T12:00:00Z") from exc
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def given(**options: object) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def print_any_letter() -> None:
    """Escape what the locale has no letters for: a patient's name must not end a command."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # text files both


def help_without_command(context: click.Context) -> None:
    """Print the help of a group that was called without a command."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
