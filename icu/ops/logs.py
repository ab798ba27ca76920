"""Log records in one form: JSON lines for machines, coloured text for people.

Each JSON record begins with the brief's six keys; the logger's context follows. Records of the standard library's
logging (uvicorn, Litestar, SQLAlchemy, Alembic) take the same way.
"""

import io
import logging
import os
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO, TypeAlias

import msgspec
from loguru import logger

from icu.ops.descriptors import AcceptErrors
from icu.ops.line_writer import LineWriter

if TYPE_CHECKING:
    from loguru import Message, Record

Form: TypeAlias = Literal["auto", "json", "text"]

_encoder: Final = msgspec.json.Encoder(enc_hook=str)

# Loggers that may have handlers of their own: another ASGI server configures them before it loads the application.
_FOREIGN_LOGGERS: Final = ("uvicorn", "uvicorn.error", "uvicorn.access", "litestar")

# Loggers whose INFO lines report each start and stop, as the supervisor's records do.
_NOISY_LOGGERS: Final = ("uvicorn", "alembic", "asyncio")

# The Kafka client. It logs several lines a second while a broker is away, which our own lines report now and then, and
# it leaves failed tasks to asyncio, which logs each of them. All of that goes to DEBUG.
_KAFKA_LOGGER: Final = "aiokafka"

# uvicorn's logger of malformed requests: one or two warnings for each, which go to DEBUG. Its errors stay.
_REQUESTS_LOGGER: Final = "uvicorn.error"

_ACCEPT_ERRORS: Final = AcceptErrors()

# Priorities of systemd's journal, for `journalctl -p warning`: see sd-daemon(3).
_PRIORITIES: Final = {"CRITICAL": 2, "ERROR": 3, "WARNING": 4, "SUCCESS": 5, "INFO": 6, "DEBUG": 7, "TRACE": 7}


def configure(*, level: str, form: Form = "auto", stream: TextIO | None = None) -> None:
    """Send all records of this process, those of the standard library's logging too, to one stream.

    Args:
        level: The lowest level that is logged.
        form: "json", "text", or "auto" for text on a terminal and JSON elsewhere.
        stream: The stream; None for whatever `sys.stderr` is at the time of each record. The process's own standard
            error is written by a thread, for its reader may stall.
    """
    terminal = _current(stream).isatty()
    as_json = form == "json" or (form == "auto" and not terminal)
    logger.remove()
    logger.add(
        _Lines(stream, as_json=as_json),
        level=level,
        format="{message}" if as_json else _text_format,
        colorize=terminal and _takes_colours(),
        backtrace=False,
        diagnose=False,  # True would print the values of local variables, secrets among them
    )
    logging.basicConfig(handlers=[_Intercept()], level=logging.INFO, force=True)
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _FOREIGN_LOGGERS:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.getLogger("asyncio").addFilter(_ACCEPT_ERRORS)
    logging.captureWarnings(True)


def _takes_colours() -> bool:
    # no-color.org, and terminals that cannot show any
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in {"dumb", "unknown"}


def say(text: str) -> None:
    """Write a line that is no log record to standard error, behind the records so far, and flush it."""
    stream = _current(None)
    _write(stream, _with_priority(f"{text}\n", "ERROR", stream))
    _writer.flush()


def unwrapped(error: BaseException) -> BaseException:
    """Unwrap an error from the exception groups of one that task groups make."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


class _Lines:
    """Loguru sink that writes each record to the stream."""

    def __init__(self, stream: TextIO | None, *, as_json: bool) -> None:
        self._stream = stream
        self._as_json = as_json

    def __call__(self, message: "Message") -> None:
        stream = _current(self._stream)
        text = _json(message.record) if self._as_json else str(message)
        _write(stream, _with_priority(text, message.record["level"].name, stream))


def _is_journal(stream: TextIO) -> bool:
    # systemd names the stream that it has connected to the journal by device and inode: see systemd.exec(5).
    journal = os.environ.get("JOURNAL_STREAM")
    with suppress(OSError, ValueError):  # a stream without a descriptor, or a closed one
        if journal:
            status = os.fstat(stream.fileno())
            return journal == f"{status.st_dev}:{status.st_ino}"
    return False


def _with_priority(text: str, level: str, stream: TextIO) -> str:
    """Put the priority in front of each line, which the journal strips. Other streams get the text as it is."""
    if not _is_journal(stream):
        return text
    mark = f"<{_PRIORITIES.get(level, 6)}>"
    return mark + text.rstrip("\n").replace("\n", f"\n{mark}") + "\n"


def _current(stream: TextIO | None) -> TextIO:
    # Python has None for a standard stream that was closed before it started.
    return stream or sys.stderr or io.StringIO()


def _write(stream: TextIO, line: str) -> None:
    # A stream whose reader has gone is no error of ours, and there is no other place to report it.
    with suppress(OSError, ValueError):
        if stream is sys.__stderr__:
            _writer.put(stream.fileno(), line.encode("utf-8", "backslashreplace"))
        else:
            stream.write(line)
            stream.flush()


def _report_dropped(lines: int) -> None:
    logger.warning("{} lines of this log were dropped: its reader was too slow", lines)


_writer: Final = LineWriter(_report_dropped)


class _Intercept(logging.Handler):
    """Handler that passes records of the standard library's logging to loguru, with their module, function and line."""

    def emit(self, record: logging.LogRecord) -> None:
        def place(ours: "Record") -> None:
            ours["name"] = record.name
            ours["module"] = record.module
            ours["function"] = record.funcName
            ours["line"] = record.lineno

        log = logger.patch(place).opt(exception=record.exc_info)
        log.log(_level(record), "{}", record.getMessage())


def _level(record: logging.LogRecord) -> str | int:
    if record.name.startswith(_KAFKA_LOGGER) or (record.name == "asyncio" and _KAFKA_LOGGER in record.getMessage()):
        return "DEBUG"
    if record.name == _REQUESTS_LOGGER and record.levelno == logging.WARNING:
        return "DEBUG"
    try:
        return logger.level(record.levelname).name
    except ValueError:  # a library's own level, which loguru does not know
        return record.levelno


def _json(record: "Record") -> str:
    fields: dict[str, Any] = {
        "timestamp": record["time"].isoformat(timespec="milliseconds"),
        "level": record["level"].name,
        "message": record["message"],
        "module": record["module"],
        "function": record["function"],
        "line": record["line"],
    }
    for name, value in record["extra"].items():
        fields.setdefault(name, value)
    if record["exception"] is not None and record["exception"].value is not None:
        fields["exception"] = "".join(traceback.format_exception(unwrapped(record["exception"].value)))
    return _encoder.encode(fields).decode() + "\n"


def _text_format(record: "Record") -> str:
    # A template, into which loguru fills the values afterwards: nothing in them is read as markup.
    context = "".join(f" <dim>{name}={{extra[{name}]}}</dim>" for name in record["extra"])
    return (
        "<green>{time:HH:mm:ss.SSS}</green> <level>{level: <7}</level> <level>{message}</level>"
        f"{context} <dim>({{module}}.{{function}}:{{line}})</dim>\n{{exception}}"
    )
