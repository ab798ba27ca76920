"""More connections than descriptors, to a ward with few of them."""

import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests import web
from tests.e2e.conftest import TIMEOUT, Icu, Program, Start
from tests.ports import free_port

# Descriptors that the ward may have.
FEW = 256


def limited(to: int, *, kind: str = "") -> tuple[str, ...]:
    """Return the words that start the program with this many descriptors; kind `S` for the soft limit alone."""
    return ("sh", "-c", f'ulimit -{kind}n {to}; exec "$@"', "sh", sys.executable, "-m", "icu")


def stored(folder: Path) -> int:
    """Count the readings in the database."""
    with closing(sqlite3.connect(f"file:{folder / 'icu.db'}?mode=ro", uri=True)) as database:
        return int(database.execute("SELECT count(*) FROM patient_metrics").fetchone()[0])


def until_stored(folder: Path, more: int) -> None:
    """Wait until so many more readings are stored."""
    wanted = stored(folder) + more
    deadline = time.monotonic() + TIMEOUT
    while stored(folder) < wanted:
        assert time.monotonic() < deadline, f"{stored(folder)} readings of {wanted}"
        time.sleep(0.05)


@contextmanager
def flooded(*ports: int) -> Iterator[list[socket.socket]]:
    """Open more and more silent connections and close none; the first 2 * FEW are open already."""
    held: list[socket.socket] = []
    enough, stop = threading.Event(), threading.Event()

    def flood() -> None:
        while not stop.is_set():
            client = socket.socket()
            client.settimeout(0.01)  # where nobody accepts any more, the rest waits outside
            held.append(client)
            client.connect_ex(("127.0.0.1", ports[len(held) % len(ports)]))
            if len(held) >= 2 * FEW:
                enough.set()
                held[len(held) - 2 * FEW].close()
                stop.wait(0.005)  # some hundred new ones a second, and time for the ward

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        assert enough.wait(TIMEOUT)
        yield held
    finally:
        stop.set()
        thread.join()
        for each in held:
            each.close()


def noise(program: Program) -> list[str]:
    """Return the log records from warnings upwards."""
    return [record["message"] for record in program.records() if record["level"] in {"WARNING", "ERROR", "CRITICAL"}]


def test_idle_connections_stop_nothing(start: Start, icu: Icu, tmp_path: Path) -> None:
    """Silent connections to two servers of a process stop neither the sink nor the control socket nor the API."""
    bed = free_port()
    (tmp_path / "supervisor.toml").write_text(
        '[[child]]\nrole = "sink"\n[[child]]\nrole = "monitor"\n'
        f'[[child]]\nrole = "patient"\nname = "Anna"\nport = {bed}\n'
    )
    ward = start("supervise", command=limited(FEW)).ready()
    before = len(ward.records())
    with flooded(ward.port, bed):
        until_stored(tmp_path, 10)
        for _ in range(3):
            assert icu("status").returncode == 0
            assert ward.get("/health/ready").status_code == 200
            assert web.get(f"http://127.0.0.1:{bed}/", timeout=TIMEOUT).status_code == 200
        until_stored(tmp_path, 10)
        assert not noise(ward)
        assert len(ward.records()) - before < 20
    assert ward.stop() == 0


def test_not_even_a_share_that_is_too_small_stops_storing(start: Start, icu: Icu, tmp_path: Path) -> None:
    """A quarter of few descriptors is too small: connections wait, with a warning now and then, and readings are
    stored."""
    ward = start("supervise", command=limited(64)).ready()
    with flooded(ward.port):
        until_stored(tmp_path, 200)
        warnings = noise(ward)
        # The second is SQLite's word for it.
        assert all("Too many open files" in each or "unable to open" in each for each in warnings), warnings
        assert len(warnings) < 200
    ward.ready()
    assert icu("status").returncode == 0
    assert ward.stop() == 0


@pytest.mark.parametrize("command", [("supervise",), ("run", "monitor")])
def test_the_soft_limit_is_raised(start: Start, icu: Icu, command: tuple[str, ...]) -> None:
    """The program raises a shell's low soft limit to the hard limit."""
    assert icu("db", "upgrade").returncode == 0
    program = start(*command, command=limited(200, kind="S"))
    figures = program.until("/metrics", lambda response: response.status_code == 200).text
    [line] = [line for line in figures.splitlines() if line.startswith("process_max_fds ")]
    assert float(line.split()[1]) > 200
    assert program.stop() == 0
