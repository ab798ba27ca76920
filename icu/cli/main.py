"""The command line. Every mistake is one line on standard error, and an exit code that scripts can rely on.

0 stopped on request, 64 wrong usage, 70 the supervisor gave up, or an error that nobody foresaw, 74 the output cannot
be written, 75 something needed is away, 78 a wrong setting. Of the commands for a running supervisor also
supervisorctl's: 3 not all that was asked for runs, 4 there is no such child.
"""

import errno
import math
import os
import re
import shlex
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NoReturn, TextIO

import rich_click as click
from loguru import logger

from icu import __version__
from icu.cli.control import COMMANDS
from icu.cli.mistakes import explained
from icu.cli.options import (
    PORT,
    SPAN,
    SPEED,
    STEP,
    config_option,
    given,
    help_without_command,
    log_format_option,
    moment,
    prepare,
    transport_option,
)
from icu.cli.run import run
from icu.cli.study import picture, scorecard, simulate
from icu.cli.topics import topics
from icu.cli.welcome import where_to_look
from icu.config.load import chosen_file, load
from icu.config.settings import LogForm, Settings, TransportKind
from icu.errors import IcuError, OutputError, UsageError
from icu.ops import logs

# What the program writes besides, it writes through the store, whose errors are others.
_OF_OUTPUT: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def main() -> NoReturn:
    """Run the command line and end the process."""
    try:
        # A command that ends with a code of its own has it returned here; others return nothing.
        code = cli.main(standalone_mode=False, prog_name="python -m icu")
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as exc:
        _fail(UsageError(_in_the_briefs_spelling(sys.argv[1:]) or explained(exc)))
    except (BrokenPipeError, SystemExit):  # the reader of our output went away; click makes an exit of it
        _end(0)
    except Exception as exc:  # noqa: BLE001 - nothing is above us
        _fail(_known(logs.unwrapped(exc)))
    lost = _unwritten(sys.stdout)
    if lost is not None and not isinstance(lost, BrokenPipeError):
        _fail(OutputError(lost))
    _end(code or 0)


def _known(error: BaseException) -> IcuError:
    """The error as one of ours. The stack of what nobody foresaw is shown: only who reads it can mend that."""
    if isinstance(error, IcuError):
        return error
    if isinstance(error, OSError) and error.errno in _OF_OUTPUT:
        return OutputError(error)
    logs.say("".join(traceback.format_exception(error)).rstrip())
    return IcuError(f"this was not foreseen, please report it: {type(error).__name__}: {error}")


def _fail(error: IcuError) -> NoReturn:
    logs.say(f"icu: {error}")
    _end(error.exit_code)


def _end(code: int) -> NoReturn:
    """End with the code, though whoever read our output may be gone: Python's own flush at the end would change it."""
    for stream in (sys.stdout, sys.stderr):
        _unwritten(stream)
    sys.exit(code)


def _unwritten(stream: TextIO) -> OSError | None:
    """Why the rest of what was printed cannot be written, if so: it is thrown away then."""
    try:
        stream.flush()
    except OSError as exc:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return exc
    return None


def _in_the_briefs_spelling(words: Sequence[str]) -> str | None:
    """What to type in place of the brief's own `-name1 -8080`."""
    names = [word[1:] for word in words if re.match(r"-[^\W\d_]\w+\Z", word)]
    ports = [word[1:] for word in words if re.match(r"-[0-9]+\Z", word)]
    if len(names) != 1 or len(ports) != 1:
        return None
    return f"name and port are options here: python -m icu run patient --name {shlex.quote(names[0])} --port {ports[0]}"


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="icu")
@click.pass_context
def cli(context: click.Context) -> None:
    """A live intensive-care ward: emulated patients, stored exactly once, served over HTTP. Not a medical device.

    Begin with `supervise`, then look at http://127.0.0.1:8000/patients and /schema.
    """
    help_without_command(context)


cli.add_command(run)
for command in (*COMMANDS, simulate, scorecard, picture):
    cli.add_command(command)
cli.add_command(topics)


@cli.command()
@config_option
@log_format_option
@transport_option
@click.option(
    "--recordings",
    type=click.Path(path_type=Path),
    help="Replay every recording of this folder, a bed for each patient, in place of the configured patients.",
)
@click.option(
    "--backfill", type=SPAN, help="Begin so long ago (24h, 7d), as fast as can be: a ward with a history on day one."
)
@click.option("--speed", type=SPEED, help="How many times faster recordings, or the time since --start, pass; or max.")
@click.option("--step", type=STEP, help="Seconds between rows, where a recording has no times; 3600 when not given.")
@click.option("--start", metavar="TIME", help="When the first reading was made, for instance 2026-01-31T12:00:00Z.")
@click.option("--port", type=PORT, help="The port of the API, in place of the configured one.")
def supervise(
    config: Path | None,
    log_format: LogForm | None,
    transport: TransportKind | None,
    recordings: Path | None,
    backfill: float | None,
    speed: float | None,
    step: float | None,
    start: str | None,
    port: int | None,
) -> None:
    """Run the whole ward in this process: patients, sink and monitor, watched and restarted."""
    history = _history(backfill, speed, moment(start), recordings=recordings is not None)
    if recordings is None and step is not None:
        raise UsageError("--step is for --recordings FOLDER: name the folder too")
    # From here on this file and no other: once it is gone, a reload must not find the built-in ward in its place.
    config = chosen_file(config, os.environ)
    settings = prepare(config, log_format, transport=transport)
    from icu import bootstrap
    from icu.cli.overview import overview

    if backfill is not None:
        history["start"] = bootstrap.behind_what_is_stored(settings, history["start"])

    def told(settings: Settings) -> Settings:
        """With what the command line says in place of what the file says."""
        if recordings is not None:
            settings = bootstrap.with_recordings(settings, recordings, **history, **given(step=step))
        elif history:
            settings = bootstrap.with_history(settings, **history)
        return settings if port is None else bootstrap.with_port(settings, port)

    settings = told(settings)
    if sys.stderr.isatty() and (log_format or settings.log.format) != "json":
        for sentence in where_to_look(settings, config):
            logger.info("{}", sentence)
    bootstrap.run_supervisor(
        settings,
        config=config,
        reread=lambda: told(load(config, transport=transport)),
        overview=overview if _shows_overview(log_format) else None,
    )


def _history(
    backfill: float | None, speed: float | None, start: datetime | None, *, recordings: bool
) -> dict[str, Any]:
    """When the first readings were made, and how fast the time since passes, as far as it was said."""
    if backfill is None:
        if speed is not None and start is None and not recordings:
            raise UsageError("--speed is for --recordings FOLDER, or for the time since --start: give one of them too")
        return given(speed=speed, start=start)
    if recordings or start is not None:
        raise UsageError(
            "--backfill is for simulated patients, and a start by itself: leave --recordings and --start out"
        )
    return {"start": datetime.now(UTC) - timedelta(seconds=backfill), "speed": speed or math.inf}


@cli.group(invoke_without_command=True)
@click.pass_context
def db(context: click.Context) -> None:
    """Look after the database."""
    help_without_command(context)


@db.command()
@config_option
def upgrade(config: Path | None) -> None:
    """Make the tables, or bring them to this version. The sink does the same when it starts."""
    settings = prepare(config, None)
    from icu import bootstrap

    click.echo(bootstrap.upgrade_database(settings))


def _shows_overview(log_format: LogForm | None) -> bool:
    from icu.cli.screen import is_screen

    return is_screen(sys.stderr) and log_format != "json"
