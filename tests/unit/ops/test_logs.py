"""One form of log for all records, with six keys first and without secrets."""

import io
import json
import logging
import os
import warnings
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from icu.ops.logs import configure

SIX = ["timestamp", "level", "message", "module", "function", "line"]


@pytest.fixture
def stream() -> io.StringIO:
    """A stream for records that is no terminal."""
    return io.StringIO()


@pytest.fixture(autouse=True)
def restored() -> Any:
    """Restore the standard library's logging at the end."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:], logging.root.level = handlers, level
    logging.captureWarnings(False)


def records(stream: io.StringIO) -> list[dict[str, Any]]:
    """Parse the lines, each a JSON object."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_the_six_keys_and_what_was_bound(stream: io.StringIO) -> None:
    """A record has `timestamp, level, message, module, function, line`, then the context."""
    configure(level="INFO", stream=stream)
    logger.bind(child="sink", attempt=2).info("started {}", "again")
    [record] = records(stream)
    assert list(record) == [*SIX, "child", "attempt"]
    assert (record["level"], record["message"], record["module"]) == ("INFO", "started again", "test_logs")
    assert record["function"] == "test_the_six_keys_and_what_was_bound"


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("uvicorn.error", "DEBUG"),  # a line for each request of a scanner, or of `curl --http2`
        ("litestar", "WARNING"),
        ("sqlalchemy.engine", "WARNING"),
        ("aiokafka.conn", "DEBUG"),  # it repeats itself several times a second while a broker is away
    ],
)
def test_libraries_write_in_the_same_form(stream: io.StringIO, name: str, level: str) -> None:
    """Records of the standard library's logging have their origin, as ours do."""
    configure(level="DEBUG", stream=stream)
    logging.getLogger(name).warning("cannot %s", "bind")
    [record] = records(stream)
    assert (record["level"], record["message"], record["module"]) == (level, "cannot bind", "test_logs")


def test_errors_of_the_server_are_logged(stream: io.StringIO) -> None:
    """Malformed requests are no errors in the log, exceptions of the application are."""
    configure(level="INFO", stream=stream)
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    logging.getLogger("uvicorn.error").error("Exception in ASGI application")
    assert [record["message"] for record in records(stream)] == ["Exception in ASGI application"]


def test_text_of_users_is_no_format_and_no_markup(stream: io.StringIO) -> None:
    """Braces, colour tags and line feeds in a message stay text, on one line."""
    configure(level="INFO", stream=stream)
    nasty = "{0} {x} <red>\n[ERROR] forged"
    logger.bind(name=nasty).info("got {}", nasty)
    logging.getLogger("other").warning(nasty)
    assert [record["message"] for record in records(stream)] == [f"got {nasty}", nasty]


def test_an_exception_is_logged_without_the_values_of_variables(stream: io.StringIO) -> None:
    """A stack trace is a field of the record, without values of variables, which may be passwords."""
    configure(level="INFO", stream=stream)
    password = "hunter2"  # noqa: S105 - the point of the test
    try:
        _ = {}[len(password)]  # type: ignore[var-annotated] # never filled
    except KeyError:
        logger.exception("failed")
    [record] = records(stream)
    assert "KeyError" in record["exception"]
    assert "hunter2" not in stream.getvalue()


def test_a_group_of_one_is_unwrapped(stream: io.StringIO) -> None:
    """A record has the error itself, without the groups of one around it."""
    configure(level="INFO", stream=stream)
    try:
        raise ExceptionGroup("outer", [ExceptionGroup("inner", [RuntimeError("the point")])])
    except ExceptionGroup as exc:
        logger.opt(exception=exc).error("failed")
    [record] = records(stream)
    assert "ExceptionGroup" not in record["exception"].splitlines()[-1]
    assert "the point" in record["exception"]


def test_the_level_holds_and_warnings_are_records(stream: io.StringIO) -> None:
    """Records below the level are not written, and Python's warnings are records."""
    configure(level="WARNING", stream=stream)
    logger.info("no")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("yes", RuntimeWarning, stacklevel=1)
    [record] = records(stream)
    assert "yes" in record["message"]


def test_text_for_people(stream: io.StringIO) -> None:
    """`text` is one readable line, without colours where there is no terminal."""
    configure(level="INFO", form="text", stream=stream)
    logger.bind(child="sink").info("started")
    assert "started" in stream.getvalue()
    assert "child=sink" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_the_journal_gets_priorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line begins with its priority for systemd's journal, also within a text of several lines."""
    with (tmp_path / "journal").open("w+") as stream:
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        configure(level="DEBUG", stream=stream)
        for level in ("debug", "info", "warning", "error", "critical"):
            getattr(logger, level)("a line\u2028and its rest")
        configure(level="INFO", form="text", stream=stream)
        logger.opt(exception=RuntimeError("the point")).error("failed")
        stream.seek(0)
        marked = stream.read().rstrip("\n").split("\n")
    assert [line[:4] for line in marked[:5]] == ["<7>{", "<6>{", "<4>{", "<3>{", "<2>{"]
    assert all(json.loads(line[3:])["message"] == "a line\u2028and its rest" for line in marked[:5])
    assert len(marked) >= 7
    assert all(line.startswith("<3>") for line in marked[5:])


def test_others_than_the_journal_get_no_priorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child with another output writes no priorities, although it inherits the journal's variable."""
    other = tmp_path.stat()
    monkeypatch.setenv("JOURNAL_STREAM", f"{other.st_dev}:{other.st_ino}")
    with (tmp_path / "log").open("w+") as stream:
        configure(level="INFO", stream=stream)
        logger.info("started")
        stream.seek(0)
        assert json.loads(stream.read())["message"] == "started"


def test_a_closed_stream_harms_nobody() -> None:
    """The program goes on when the reader of its log is gone."""
    stream = io.StringIO()
    configure(level="INFO", stream=stream)
    stream.close()
    logger.info("into the void")


def test_no_stream_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program runs with standard error closed, for which Python has None."""
    monkeypatch.setattr("sys.stderr", None)
    configure(level="INFO")
    logger.info("into the void")
