"""Log records in one form, whoever writes them: JSON lines for machines, colours for people.

Each JSON record begins with the brief's six keys; what was bound to the logger follows. Records of the standard
library's logging (uvicorn, Litestar, SQLAlchemy, Alembic) take the same way.
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
# A server that is not ours has given these loggers handlers of their own before it loads the application.
_INDEPENDENT: Final = ("uvicorn", "uvicorn.error", "uvicorn.access", "litestar")
# Their INFO lines tell of each start and stop, which the supervisor's own records say too.
_CHATTY: Final = ("uvicorn", "alembic", "aiosqlite", "asyncio")
# It writes of an absent broker several times a second, for as long as that lasts; our own lines say so now and then.
# And it leaves tasks that failed to asyncio, which complains of each.
_ANXIOUS: Final = "aiokafka"

# Its warnings, unlike its errors, tell what clients sent that is no HTTP, or no HTTP of ours: a line or two a request.
_CLIENTS: Final = "uvicorn.error"

_ACCEPT_ERRORS: Final = AcceptErrors()

# The journal's, for `journalctl -p warning`; see sd-daemon(3).
_PRIORITIES: Final = {"CRITICAL": 2, "ERROR": 3, "WARNING": 4, "SUCCESS": 5, "INFO": 6, "DEBUG": 7, "TRACE": 7}


def configure(*, level: str, form: Form = "auto", stream: TextIO | None = None) -> None:
    """Send all records of this process to one stream, by default to what `sys.stderr` is at each moment.

    The process's own standard error is written to from a thread, for its reader may stall; other streams at once.
    """
    terminal = _present(stream).isatty()
    as_json = form == "json" or (form == "auto" and not terminal)
    logger.remove()
    logger.add(
        _Lines(stream, as_json=as_json),
        level=level,
        format="{message}" if as_json else _text_format,
        colorize=terminal and _takes_colours(),
        backtrace=False,
        diagnose=False,  # it would print the values of local variables, secrets too
    )
    logging.basicConfig(handlers=[_Intercept()], level=logging.INFO, force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _INDEPENDENT:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.getLogger("asyncio").addFilter(_ACCEPT_ERRORS)
    logging.captureWarnings(True)


def _takes_colours() -> bool:
    """Whether people at this terminal want colours, and it can show them (no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in {"dumb", "unknown"}


def say(text: str) -> None:
    """Write a line that is no record to standard error, after the records so far, and wait for it a moment."""
    stream = _present(None)
    _write(stream, _marked(f"{text}\n", "ERROR", stream))
    _writer.flush()


def unwrapped(error: BaseException) -> BaseException:
    """The one error inside groups of one: task groups wrap whatever leaves them."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


class _Lines:
    """Writes one line a record."""

    def __init__(self, stream: TextIO | None, *, as_json: bool) -> None:
        self._stream = stream
        self._as_json = as_json

    def __call__(self, message: "Message") -> None:
        stream = _present(self._stream)
        text = _json(message.record) if self._as_json else str(message)
        _write(stream, _marked(text, message.record["level"].name, stream))


def _is_journal(stream: TextIO) -> bool:
    """Whether systemd's journal reads the stream: it tells by device and inode what it has connected to itself."""
    journal = os.environ.get("JOURNAL_STREAM")
    with suppress(OSError, ValueError):  # no file, or a closed one
        if journal:
            status = os.fstat(stream.fileno())
            return journal == f"{status.st_dev}:{status.st_ino}"
    return False


def _marked(text: str, level: str, stream: TextIO) -> str:
    """For the journal, with each line's priority in front, which it takes off again."""
    if not _is_journal(stream):
        return text
    mark = f"<{_PRIORITIES.get(level, 6)}>"
    return mark + text.rstrip("\n").replace("\n", f"\n{mark}") + "\n"


def _present(stream: TextIO | None) -> TextIO:
    """The stream, or what `sys.stderr` is now: Python has None for one that was closed before it started."""
    return stream or sys.stderr or io.StringIO()


def _write(stream: TextIO, line: str) -> None:
    # A stream whose reader went away is no error of ours, and there is nowhere to tell of it.
    with suppress(OSError, ValueError):
        if stream is sys.__stderr__:
            _writer.put(stream.fileno(), line.encode("utf-8", "backslashreplace"))
        else:
            stream.write(line)
            stream.flush()


def _tell_dropped(lines: int) -> None:
    logger.warning("{} lines of this log were dropped: its reader was too slow", lines)


_writer: Final = LineWriter(_tell_dropped)


class _Intercept(logging.Handler):
    """Hands records of the standard library's logging to loguru, with the place that they came from."""

    def emit(self, record: logging.LogRecord) -> None:
        """Hand on one record."""

        def place(ours: "Record") -> None:
            ours["name"] = record.name
            ours["module"] = record.module
            ours["function"] = record.funcName
            ours["line"] = record.lineno

        log = logger.patch(place).opt(exception=record.exc_info)
        log.log(_level(record), "{}", record.getMessage())


def _level(record: logging.LogRecord) -> str | int:
    if record.name.startswith(_ANXIOUS) or (record.name == "asyncio" and _ANXIOUS in record.getMessage()):
        return "DEBUG"
    if record.name == _CLIENTS and record.levelno == logging.WARNING:
        return "DEBUG"
    try:
        return logger.level(record.levelname).name
    except ValueError:  # a level of the library's own
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
    """loguru's template for one record: values are filled in afterwards, so that nothing in them is read as markup."""
    context = "".join(f" <dim>{name}={{extra[{name}]}}</dim>" for name in record["extra"])
    return (
        "<green>{time:HH:mm:ss.SSS}</green> <level>{level: <7}</level> <level>{message}</level>"
        f"{context} <dim>({{module}}.{{function}}:{{line}})</dim>\n{{exception}}"
    )
