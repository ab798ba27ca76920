"""Orders to patients in processes of their own, without a broker: each is taken, or refused with a reason."""

import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from icu.store.engines.sqlite.upgrading import upgrade
from tests.e2e.conftest import TIMEOUT, Icu, Program, Start

FILE = """
[supervisor]
watchdog = 600
[transport]
kind = "kafka"
[[child]]
role = "monitor"
[[child]]
role = "patient"
id = "icu"
name = "Bed"
count = 2
process = true
[[child]]
role = "patient"
id = "rec"
name = "Rec"
recording = "rec.csv"
process = true
"""


@pytest.fixture
def ward(start: Start, tmp_path: Path) -> Program:
    """Two simulated patients and a recorded one, each a process that runs and waits for a broker."""
    (tmp_path / "supervisor.toml").write_text(FILE)
    (tmp_path / "rec.csv").write_text("HR,hours\n70,0\n71,9\n")
    # No sink makes it, and a monitor is closed until a database tells if there are keys.
    upgrade(tmp_path / "icu.db")
    ward = start("supervise", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    up(ward, {"icu-1", "icu-2", "rec"})
    return ward


def up(ward: Program, wanted: set[str]) -> None:
    """Wait until these beds run, and no others."""
    ward.until("/supervisor", lambda response: response.status_code == 200 and running(response.json()) == wanted)


def running(children: list[dict[str, object]]) -> set[str]:
    """Return the ids of the running beds."""
    [beds] = [each["children"] for each in children if each["id"] == "beds"]
    assert isinstance(beds, list)
    return {each["id"] for each in beds if each["state"] in {"running", "waiting"}}


def pid(ward: Program, child: str) -> int:
    """Return the current process of a child."""
    return int(re.findall(rf'"started on pid (\d+)[^\n]*"child":"{child}"', ward.log())[-1])


def test_taken_or_refused(ward: Program, icu: Icu) -> None:
    """The process begins the scenario, or says why it cannot, and the command fails then."""
    said = icu("scenario", "beds", "sepsis")
    assert (said.returncode, said.stdout) == (3, "Bed 1\nBed 2\n")
    assert said.stderr == "icu: Rec is a recording: what happened has happened, and nobody wrote down why\n"
    said = icu("scenario", "Bed 1", "stable")
    assert (said.returncode, said.stdout, said.stderr) == (0, "Bed 1\n", "")
    assert ward.stop() == 0


def test_a_refused_reload_changes_nothing(ward: Program, icu: Icu, tmp_path: Path) -> None:
    """After a refused reload, the processes still take orders; after a good one, only those that remain or are new
    do."""
    (tmp_path / "bad.csv").write_text("HR\nmuch\n")
    bad = '[[child]]\nrole = "patient"\nname = "Bad"\nrecording = "bad.csv"\n'
    (tmp_path / "supervisor.toml").write_text(FILE.replace('"Bed"', '"Bay"') + bad)
    assert icu("reload").returncode == 78
    said = icu("scenario", "icu-*", "sepsis")
    assert (said.returncode, said.stdout, said.stderr) == (0, "Bed 1\nBed 2\n", "")
    (tmp_path / "supervisor.toml").write_text(FILE.replace('"Bed"', '"Bay"'))
    assert icu("reload").stdout.splitlines()[0] == "changed: icu-1, icu-2"
    assert icu("scale", "icu", "1").stdout.splitlines()[0] == "stopped: icu-2"
    up(ward, {"icu-1", "rec"})
    said = icu("scenario", "icu-*", "sepsis")
    assert (said.returncode, said.stdout, said.stderr) == (0, "Bay 1\n", "")
    assert icu("scenario", "Bay 2", "sepsis").returncode == 4
    assert icu("stop", "icu-1").returncode == 0
    said = icu("scenario", "icu-1", "sepsis")
    assert (said.returncode, said.stdout) == (3, "")
    assert said.stderr == "icu: icu-1 does not run (stopped): python -m icu start icu-1\n"
    assert ward.stop() == 0


def test_a_process_that_does_not_answer(ward: Program, icu: Icu) -> None:
    """The answer names a suspended process, and the order reaches the others without delay."""
    os.kill(pid(ward, "icu-1"), signal.SIGSTOP)
    said = icu("scenario", "icu-*", "sepsis")
    assert (said.returncode, said.stdout) == (3, "Bed 2\n")
    assert said.stderr == "icu: icu-1 gave no answer within 5 s, and may do so yet: python -m icu status icu-1\n"
    os.kill(pid(ward, "icu-1"), signal.SIGCONT)
    assert icu("scenario", "icu-1", "stable").stdout == "Bed 1\n"
    assert ward.stop() == 0


def kill_with_an_order(number: int) -> None:
    """Kill a suspended process after an order has been sent to it."""
    environ = dict(each.split("=", 1) for each in Path(f"/proc/{number}/environ").read_text().split("\0") if each)
    orders = Path(environ["NOTIFY_SOCKET"]).with_name("orders")
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        # One line of the socket that listens, and one of each that waits to be taken in.
        if sum(line.endswith(f" {orders}") for line in Path("/proc/net/unix").read_text().splitlines()) > 1:
            break
        time.sleep(0.02)
    os.kill(number, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc shows who waits to be heard")
def test_a_process_that_dies_meanwhile(ward: Program, icu: Icu) -> None:
    """The answer to an order says that the process died, and the next process takes the next order."""
    first = pid(ward, "icu-1")
    os.kill(first, signal.SIGSTOP)
    killer = threading.Thread(target=kill_with_an_order, args=(first,))
    killer.start()
    said = icu("scenario", "icu-1", "sepsis")
    killer.join()
    assert (said.returncode, said.stdout) == (3, "")
    assert said.stderr == "icu: icu-1 ended before it had answered: python -m icu status icu-1\n"
    ward.until("/supervisor", lambda response: pid(ward, "icu-1") != first)
    assert icu("scenario", "icu-1", "sepsis").stdout == "Bed 1\n"
    assert ward.stop() == 0
