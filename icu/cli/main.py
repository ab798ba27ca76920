"""The command line. Every mistake is one line on standard error, and an exit code that scripts can rely on.

0 stopped on request, 64 wrong usage, 70 the supervisor gave up, 75 something needed is away, 78 a wrong setting.
"""

import math
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NoReturn

import rich_click as click
from loguru import logger

from icu import __version__
from icu.config.environment import misspelt
from icu.config.load import load
from icu.config.settings import LogForm, Settings
from icu.errors import IcuError, UsageError
from icu.ops import logs

_CONFIG: Final = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The settings; ./supervisor.toml, or else the built-in ward, when not given.",
)
_LOG_FORMAT: Final = click.option(
    "--log-format",
    type=click.Choice(["auto", "json", "text"]),
    help="text on a terminal and JSON elsewhere, or always one.",
)


class _Number(click.FloatRange):
    """A number within bounds; click's own range lets NaN through, which is within none."""

    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


_PORT: Final = click.IntRange(1, 65_535)
_SPEED: Final = _Number(0.001, 1_000_000)
_STEP: Final = _Number(0.001, 86_400)


def main() -> NoReturn:
    """Run the command line and end the process."""
    try:
        cli.main(standalone_mode=False, prog_name="python -m icu")
    except click.exceptions.Exit as exc:  # type: ignore[attr-defined] # rich_click hands it on untyped
        _end(exc.exit_code)
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as exc:
        _fail(UsageError(" ".join(exc.format_message().split())))
    except (BrokenPipeError, SystemExit):  # the reader of our output went away; click makes an exit of it
        _end(0)
    except Exception as exc:
        error = logs.unwrapped(exc)
        if not isinstance(error, IcuError):
            raise
        _fail(error)
    _end(0)


def _fail(error: IcuError) -> NoReturn:
    print(f"icu: {error}", file=sys.stderr)  # noqa: T201 - the one line that the person sees
    _end(error.exit_code)


def _end(code: int) -> NoReturn:
    """End with the code, though whoever read our output may be gone: Python's own flush at the end would change it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="icu")
@click.pass_context
def cli(context: click.Context) -> None:
    """A live intensive-care ward: emulated patients, stored exactly once, served over HTTP. Not a medical device.

    Begin with `supervise`, then look at http://127.0.0.1:8000/patients and /schema.
    """
    _help_without_command(context)


@cli.command()
@_CONFIG
@_LOG_FORMAT
@click.option(
    "--recordings",
    type=click.Path(path_type=Path),
    help="Replay every CSV or PSV file of this folder, one bed each, in place of the configured patients.",
)
@click.option("--speed", type=_SPEED, default=1.0, help="How many times faster than real time recordings are replayed.")
@click.option("--step", type=_STEP, default=3600.0, help="Seconds between rows, where a recording has no time column.")
@click.option("--start", metavar="TIME", help="When the first row was measured, for instance 2026-01-31T12:00:00Z.")
@click.option("--port", type=_PORT, help="The port of the API, in place of the configured one.")
def supervise(
    config: Path | None,
    log_format: LogForm | None,
    recordings: Path | None,
    speed: float,
    step: float,
    start: str | None,
    port: int | None,
) -> None:
    """Run the whole ward in this process: patients, sink and monitor, watched and restarted."""
    settings = _prepare(config, log_format)
    from icu import bootstrap  # noqa: PLC0415 - the rooms cost a second to import, which help and mistakes need not wait for
    from icu.cli.overview import overview  # noqa: PLC0415

    if recordings is not None:
        settings = bootstrap.with_recordings(settings, recordings, speed=speed, step=step, start=_moment(start))
    elif start is not None or speed != 1.0:
        raise UsageError("--speed and --start are for --recordings FOLDER: name the folder too")
    if port is not None:
        settings = bootstrap.with_port(settings, port)
    bootstrap.run_supervisor(settings, overview if _shows_overview(log_format) else None)


@cli.group(invoke_without_command=True)
@click.pass_context
def run(context: click.Context) -> None:
    """Run one role in this process, without a supervisor."""
    _help_without_command(context)


@run.command()
@_CONFIG
@_LOG_FORMAT
@click.option("--host", help="The address to listen on; 127.0.0.1 unless set.")
@click.option("--port", type=_PORT, help="The port to listen on, in place of the configured one.")
def monitor(config: Path | None, log_format: LogForm | None, host: str | None, port: int | None) -> None:
    """Serve the API on the database, beside a running `supervise` too."""
    settings = _prepare(config, log_format)
    from icu import bootstrap  # noqa: PLC0415 - as above

    bootstrap.run_monitor(settings, host=host, port=port)


@cli.group(invoke_without_command=True)
@click.pass_context
def db(context: click.Context) -> None:
    """Look after the database."""
    _help_without_command(context)


@db.command()
@_CONFIG
def upgrade(config: Path | None) -> None:
    """Make the tables, or bring them to this version. The sink does the same when it starts."""
    settings = _prepare(config, None)
    from icu import bootstrap  # noqa: PLC0415 - as above

    click.echo(bootstrap.upgrade_database(settings))


def _help_without_command(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _prepare(config: Path | None, log_format: LogForm | None) -> Settings:
    settings = load(config)
    logs.configure(level=settings.log_level, form=log_format or settings.log.format)
    for sentence in misspelt(os.environ):
        logger.warning("{}", sentence)
    return settings


def _shows_overview(log_format: LogForm | None) -> bool:
    return sys.stderr.isatty() and log_format != "json"


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise UsageError(f"--start {text!r} is no time: write for instance 2026-01-31T12:00:00Z") from exc
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
