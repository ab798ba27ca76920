"""The limit of open files, and errors of accept."""

import asyncio
import io
import json
import logging
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import anyio
import httpx
import pytest
from loguru import logger

from icu.ops.descriptors import ACCEPT_ERRORS_EVERY, AcceptErrors, raise_limit
from icu.ops.logs import configure
from tests.unit.http.test_asgi import hello, serving


@contextmanager
def limited(soft: int) -> Iterator[None]:
    """Run this process with another soft limit."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def record(error: BaseException, text: str = "socket.accept() out of system resource\nsocket: <x>") -> Any:
    """Make a record of asyncio's logger about an error."""
    return logging.LogRecord("asyncio", logging.ERROR, "", 1, text, (), (type(error), error, None))


def test_the_soft_limit_becomes_the_hard_one() -> None:
    """The soft limit becomes the hard one; the second time nothing changes."""
    with limited(512):
        for _ in range(2):
            raise_limit()
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            assert soft == hard


def test_a_system_that_refuses_causes_a_warning() -> None:
    """A system that refuses, such as a sandbox, causes a warning, and the program runs with the limit it has."""
    lines: list[str] = []
    logger.add(lines.append, format="{level} {message}")

    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    with limited(512), pytest.MonkeyPatch.context() as patch:
        patch.setattr(resource, "setrlimit", refuse)
        raise_limit()
    [line] = lines
    assert line.startswith("WARNING the limit of open files stays at 512")
    assert "not allowed" in line


def test_accept_errors_are_logged_once_a_second() -> None:
    """Errors of accept are logged once a second, in one line with advice and without a stack."""
    now = 10.0
    errors = AcceptErrors(clock=lambda: now)
    error_record = record(OSError(24, "Too many open files"))
    assert errors.filter(error_record)
    assert error_record.exc_info is None
    assert "Too many open files" in error_record.getMessage()
    assert "ulimit -n" in error_record.getMessage()
    assert not any(errors.filter(record(OSError(24, "Too many open files"))) for _ in range(100))
    now += ACCEPT_ERRORS_EVERY
    lack = record(OSError(12, "Cannot allocate memory"))
    assert errors.filter(lack)
    assert "ulimit" not in lack.getMessage()


def test_other_records_of_asyncio_are_left_alone() -> None:
    """Other records of asyncio all pass, with or without an error."""
    errors = AcceptErrors(clock=lambda: 10.0)
    for _ in range(2):
        other = record(OSError(24, "Too many open files"), "Task exception was never retrieved")
        assert errors.filter(other)
        assert other.exc_info is not None
        assert errors.filter(logging.LogRecord("asyncio", logging.ERROR, "", 1, "socket.accept()", (), None))


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log of a program, with its configuration."""
    handlers, level = logging.root.handlers[:], logging.root.level
    stream = io.StringIO()
    configure(level="WARNING", stream=stream)
    yield stream
    logging.root.handlers[:], logging.root.level = handlers, level
    logging.captureWarnings(False)


def exhausted() -> AbstractContextManager[None]:
    """Take all descriptors below the highest one."""
    taken = [os.dup(0) for _ in range(100)]
    for each in taken[1:]:
        os.close(each)
    os.close(taken[0])
    return limited(taken[0])


async def test_without_descriptors_it_waits_and_recovers(log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients beyond the descriptors cause one line, and the next client is served once there are descriptors again."""
    monkeypatch.setattr(asyncio.constants, "ACCEPT_RETRY_DELAY", 0.01)
    monkeypatch.setattr(asyncio.get_running_loop(), "_exception_handler", None)  # AnyIO's, which fails the test
    async with serving(hello) as address, httpx.AsyncClient() as client:
        assert (await client.get(address)).text == "hello"
        clients = [socket.socket() for _ in range(20)]
        with exhausted():
            for each in clients:
                each.connect(("127.0.0.1", int(address.rpartition(":")[2])))
            while not log.getvalue():
                await anyio.sleep(0.01)
            await anyio.sleep(0.1)  # ten more attempts
        for each in clients:
            each.close()
        async with httpx.AsyncClient() as another:
            assert (await another.get(address)).text == "hello"
    [line] = [json.loads(line) for line in log.getvalue().splitlines()]
    assert line["level"] == "ERROR"
    assert "cannot be accepted" in line["message"]
    assert "exception" not in line
