"""The command line. Every mistake is one line on standard error, and an exit code that scripts can rely on.

0 stopped on request, 64 wrong usage, 70 the supervisor gave up, or an unexpected error, 74 the output cannot be
written, 75 something needed is away, 78 a wrong setting. Commands for a running supervisor also end with
supervisorctl's codes: 3 some requested children do not run, 4 there is no such child.
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
from icu.cli.clinical.alarms import alarms
from icu.cli.clinical.limits import limits
from icu.cli.clinical.patients import patients
from icu.cli.control import COMMANDS
from icu.cli.db import db
from icu.cli.dead_letters import dead_letters
from icu.cli.keys import keys
from icu.cli.mistakes import explain
from icu.cli.options import (
    PORT,
    SPAN,
    SPEED,
    STEP,
    config_option,
    given,
    help_without_command,
    insecure_option,
    log_format_option,
    parse_start,
    prepare,
    transport_option,
)
from icu.cli.run import run
from icu.cli.study import picture, scorecard, simulate
from icu.cli.topics import topics
from icu.cli.users import users
from icu.cli.welcome import where_to_look
from icu.config.load import chosen_file, load
from icu.config.settings import LogForm, Settings, TransportKind
from icu.errors import IcuError, OutputError, UsageError
from icu.ops import logs

# Errors of writing to standard output. All other files are written through the store, which has errors of its own.
_OUTPUT_ERRNOS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def main() -> NoReturn:
    """Run the command line, and end the process with its exit code."""
    try:
        # Not standalone: click would print its own errors and end with its own codes. A command's code is returned.
        code = cli.main(standalone_mode=False, prog_name="python -m icu")
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as exc:
        _fail(UsageError(_hint_for_brief_syntax(sys.argv[1:]) or explain(exc)))
    except (BrokenPipeError, SystemExit):  # the reader of our output is gone; click turns that into an exit
        _exit(0)
    except Exception as exc:  # noqa: BLE001 - the outermost handler
        _fail(_as_icu_error(logs.unwrapped(exc)))
    lost = _flush_error(sys.stdout)
    if lost is not None and not isinstance(lost, BrokenPipeError):
        _fail(OutputError(lost))
    _exit(code or 0)


def _as_icu_error(error: BaseException) -> IcuError:
    """Convert an error to one of ours. The stack of an unexpected error is shown, for nothing else can explain it."""
    if isinstance(error, IcuError):
        return error
    if isinstance(error, OSError) and error.errno in _OUTPUT_ERRNOS:
        return OutputError(error)
    logs.say("".join(traceback.format_exception(error)).rstrip())
    return IcuError(f"this was not foreseen, please report it: {type(error).__name__}: {error}")


def _fail(error: IcuError) -> NoReturn:
    logs.say(f"icu: {error}")
    _exit(error.exit_code)


def _exit(code: int) -> NoReturn:
    """End with this code. Output is flushed first: the interpreter's own flush would change the code where no reader is
    left."""
    for stream in (sys.stdout, sys.stderr):
        _flush_error(stream)
    sys.exit(code)


def _flush_error(stream: TextIO) -> OSError | None:
    """Flush a stream.

    Returns:
        The error, if the rest of the output cannot be written; it is discarded then.
    """
    try:
        stream.flush()
    except OSError as exc:
        # Onto /dev/null, so that the interpreter's flush at the end cannot fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return exc
    return None


def _hint_for_brief_syntax(words: Sequence[str]) -> str | None:
    """Suggest the command for the brief's own spelling, `-name1 -8080`; None for any other mistake."""
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
for command in (
    *COMMANDS,
    simulate,
    scorecard,
    picture,
    alarms,
    limits,
    patients,
    topics,
    db,
    dead_letters,
    keys,
    users,
):
    cli.add_command(command)


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
@click.option("--port", type=PORT, help="The port of the API, in place of the first monitor's.")
@insecure_option
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
    *,
    insecure: bool,
) -> None:
    """Run the whole ward in this process: patients, sink and monitor, watched and restarted."""
    history = _history_options(backfill, speed, parse_start(start), recordings=recordings is not None)
    if recordings is None and step is not None:
        raise UsageError("--step is for --recordings FOLDER: name the folder too")
    # The file is chosen once: if it is deleted later, a reload must not fall back to the built-in ward.
    config = chosen_file(config, os.environ)
    from icu.bootstrap import overrides
    from icu.bootstrap.history import after_stored_readings
    from icu.bootstrap.sinks import mistakes
    from icu.bootstrap.supervising import run_supervisor

    settings = prepare(config, log_format, transport=transport, check=mistakes)
    from icu.cli.overview import overview

    if backfill is not None:
        history["start"] = after_stored_readings(settings, history["start"])

    def with_options(settings: Settings) -> Settings:
        """Replace the file's settings by the options of the command line, at each reload too."""
        if recordings is not None:
            settings = overrides.with_recordings(settings, recordings, **history, **given(step=step))
        elif history:
            settings = overrides.with_history(settings, **history)
        settings = overrides.insecurely(settings) if insecure else settings
        return settings if port is None else overrides.with_port(settings, port)

    settings = with_options(settings)
    if sys.stderr.isatty() and (log_format or settings.log.format) != "json":
        for sentence in where_to_look(settings, config):
            logger.info("{}", sentence)
    run_supervisor(
        settings,
        config=config,
        reread=lambda: with_options(load(config, transport=transport, check=mistakes)),
        overview=overview if _shows_overview(log_format) else None,
    )


def _history_options(
    backfill: float | None, speed: float | None, start: datetime | None, *, recordings: bool
) -> dict[str, Any]:
    """Combine the options about the first readings and the pace since them; only those that were given.

    Raises:
        UsageError: They contradict each other.
    """
    if backfill is None:
        if speed is not None and start is None and not recordings:
            raise UsageError("--speed is for --recordings FOLDER, or for the time since --start: give one of them too")
        return given(speed=speed, start=start)
    if recordings or start is not None:
        raise UsageError(
            "--backfill is for simulated patients, and a start by itself: leave --recordings and --start out"
        )
    return {"start": datetime.now(UTC) - timedelta(seconds=backfill), "speed": speed or math.inf}


def _shows_overview(log_format: LogForm | None) -> bool:
    from icu.cli.screen import is_screen

    return is_screen(sys.stderr) and log_format != "json"
