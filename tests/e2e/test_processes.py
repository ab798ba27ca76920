"""A ward whose children are processes: when one is killed or suspended, the others go on, and none is left over."""

import os
import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from icu.messages import uuid_of_name
from tests.e2e.conftest import TIMEOUT, Icu, Program, Start
from tests.ports import free_port

CHILDREN = ["sink", "monitor", "icu-1", "icu-2"]


@pytest.fixture
def ward(request: pytest.FixtureRequest, kafka: Start, tmp_path: Path) -> Program:
    """A ward of sink, monitor and two patients, each a process, all running.

    The parameter is its watchdog, in seconds: many by default, for on a busy machine a process starts for some.
    """
    watchdog = getattr(request, "param", 60)
    (tmp_path / "supervisor.toml").write_text(
        f"[supervisor]\nrestarts = 100\nbed_restarts = 100\nwatchdog = {watchdog}\n"
        '[transport]\nkind = "kafka"\n'
        '[[child]]\nrole = "sink"\nprocess = true\n'
        '[[child]]\nrole = "monitor"\nprocess = true\n'
        '[[child]]\nrole = "patient"\nid = "icu"\nname = "Bed"\ncount = 2\nprocess = true\n'
    )
    ward = kafka("supervise")
    ward.until("/patients", lambda response: response.status_code == 200 and len(response.json()) == 2)
    return ward


def until(ward: Program, enough: Callable[[], bool]) -> None:
    """Look until a condition holds."""
    deadline = time.monotonic() + TIMEOUT
    while not enough():
        assert time.monotonic() < deadline, ward.log()
        time.sleep(0.05)


def pids(ward: Program, child: str) -> list[int]:
    """Return the processes of a child so far, the current one last."""
    # As text: the last line may not be whole yet, and the very last one of a ward is no record.
    return [int(each) for each in re.findall(rf'"started on pid (\d+)[^\n]*"child":"{child}"', ward.log())]


def stored(ward: Program) -> int:
    """Count the readings of the first patient in the API."""
    patient = ward.get("/patients").json()[0]["uuid"]
    return len(ward.get(f"/patient/{patient}/metrics").json())


@pytest.mark.parametrize(("ward", "number"), [(60, signal.SIGKILL), (6, signal.SIGSTOP)], indirect=["ward"])
def test_whichever_child_is_lost_the_others_go_on(ward: Program, number: signal.Signals) -> None:
    """Each child, killed or suspended past its watchdog, is restarted in turn, and readings are stored again."""
    before = {child: pids(ward, child) for child in CHILDREN}
    for child in CHILDREN:
        os.kill(pids(ward, child)[-1], number)
        until(ward, lambda child=child: len(pids(ward, child)) == 2)  # type: ignore[misc] # mypy cannot infer a default
    for child in CHILDREN:
        assert pids(ward, child)[0] == before[child][0]
        assert len(pids(ward, child)) == 2
    deaths = [each["message"] for each in ward.records() if each["message"].startswith("died: ")]
    expected = "signal SIGKILL" if number == signal.SIGKILL else "no sign of life for 6 s"
    assert all(expected in message for message in deaths)
    ward.until("/patients", lambda response: response.status_code == 200)
    already = stored(ward)
    until(ward, lambda: stored(ward) > already)
    assert ward.stop() == 0


def test_nothing_is_left_behind_by_a_supervisor_that_is_killed(ward: Program) -> None:
    """The children of a killed supervisor notice its end, and stop."""
    children = psutil.Process(ward.process.pid).children(recursive=True)
    assert len(children) == len(CHILDREN)
    ward.process.kill()
    ward.wait()
    _, left = psutil.wait_procs(children, timeout=TIMEOUT)
    assert left == []
    socket.create_server(("127.0.0.1", ward.port)).close()


def test_it_stops_in_order(ward: Program) -> None:
    """Processes stop in the same order as tasks: patients together, then the monitor, then the sink."""
    children = psutil.Process(ward.process.pid).children(recursive=True)
    began = time.monotonic()
    assert ward.stop(signal.SIGTERM) == 0
    assert time.monotonic() - began < 15
    stopped = [each["child"] for each in ward.records() if each["message"] == "stopped"]
    assert sorted(stopped[:2]) == ["icu-1", "icu-2"]
    assert stopped[2:] == ["beds", "monitor", "sink"]
    assert not any(each.is_running() for each in children)


def test_systemd_gets_notifications(start: Start, tmp_path: Path) -> None:
    """systemd gets READY=1 when all have started, WATCHDOG=1 while the loop runs, STOPPING=1 at the end."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(TIMEOUT)
        ward = start("supervise", NOTIFY_SOCKET=str(path), WATCHDOG_USEC="1500000")
        notices = [listener.recv(1_000)]
        while notices.count(b"WATCHDOG=1") < 3 or b"READY=1" not in notices:
            notices.append(listener.recv(1_000))
        assert ward.stop(signal.SIGTERM) == 0
        while notices[-1] != b"STOPPING=1":
            notices.append(listener.recv(1_000))
    assert set(notices) == {b"READY=1", b"WATCHDOG=1", b"STOPPING=1"}


def test_a_child_that_ends_the_ward_says_why(kafka: Start, tmp_path: Path) -> None:
    """A child with wrong settings ends the ward, which has its exit code and its last line."""
    (tmp_path / "supervisor.toml").write_text(
        '[transport]\nkind = "kafka"\n[[child]]\nrole = "sink"\nprocess = true\n'
        f'[[child]]\nrole = "monitor"\n[[child]]\nrole = "patient"\nname = "A"\nprocess = true\nport = {free_port()}\n'
    )
    ward = kafka("supervise", DATABASE_URL="sqlite:///no/such/folder/icu.db")
    assert ward.wait() == 78
    assert "does not exist: create it" in ward.log().splitlines()[-1]


def test_a_restarted_child_is_as_its_supervisor(ward: Program, tmp_path: Path) -> None:
    """A restarted process has its supervisor's settings, whatever the file says by then."""
    path = tmp_path / "supervisor.toml"
    path.write_text(path.read_text().replace('kind = "kafka"', 'kind = "kafka"\ntopic = "icu.elsewhere"'))
    for text in (path.read_text(), "oops ["):
        path.write_text(text)
        before = {child: len(pids(ward, child)) for child in CHILDREN}
        for child in CHILDREN:
            os.kill(pids(ward, child)[-1], signal.SIGKILL)
        until(ward, lambda before=before: all(len(pids(ward, child)) > before[child] for child in CHILDREN))  # type: ignore[misc] # mypy cannot infer a default
    ward.until("/patients", lambda response: response.status_code == 200)
    already = stored(ward)
    until(ward, lambda: stored(ward) > already)
    assert ward.stop() == 0


def test_a_process_carries_all_its_patients(kafka: Start, tmp_path: Path) -> None:
    """There are `count` processes with `patients` each; settings of another bed of the same name do not matter."""
    (tmp_path / "supervisor.toml").write_text(
        '[transport]\nkind = "kafka"\n[[child]]\nrole = "sink"\n[[child]]\nrole = "monitor"\n'
        '[[child]]\nrole = "patient"\nid = "icu"\nname = "Bed"\ncount = 2\npatients = 3\nprocess = true\n'
    )
    ward = kafka("supervise")
    patients = ward.until("/patients", lambda response: response.is_success and len(response.json()) == 6).json()
    names = [f"Bed {number} {bed}" for number in (1, 2) for bed in (1, 2, 3)]
    assert sorted(each["name"] for each in patients) == names
    assert ward.stop() == 0


def test_a_scenario_reaches_a_process(icu: Icu, kafka: Start, tmp_path: Path) -> None:
    """An order reaches a process without a port, by its supervisor's socket, and only the named patient changes."""
    (tmp_path / "supervisor.toml").write_text(
        'metrics_interval = 0.5\n[transport]\nkind = "kafka"\n[[child]]\nrole = "sink"\n[[child]]\nrole = "monitor"\n'
        '[[child]]\nrole = "patient"\nid = "icu"\nname = "Bed"\ncount = 2\nprocess = true\n'
        'scenario = "stable"\nartefacts = 0\nseed = 7\n'
    )
    ward = kafka("supervise")
    before = pulses(ward.until("/patients", lambda response: response.is_success and len(response.json()) == 2))
    said = icu("scenario", "icu-2", "tachyarrhythmia")
    assert (said.returncode, said.stdout) == (0, "Bed 2\n")
    after = pulses(ward.until("/patients", lambda response: pulses(response)["Bed 2"] > 1.3 * before["Bed 2"]))
    assert after["Bed 1"] < 1.3 * before["Bed 1"]
    assert ward.stop() == 0


def test_a_recording_goes_on_in_a_new_process(kafka: Start, tmp_path: Path) -> None:
    """A new process replays by the first launch: repeated rows have the same times, and are stored once."""
    (tmp_path / "supervisor.toml").write_text(
        '[transport]\nkind = "kafka"\n[[child]]\nrole = "sink"\n[[child]]\nrole = "monitor"\n'
        '[[child]]\nrole = "patient"\nid = "rec"\nname = "Rec"\nrecording = "rec.csv"\nprocess = true\n'
    )
    (tmp_path / "rec.csv").write_text("HR,hours\n70,0\n71,1\n")
    ward = kafka("supervise")
    ward.until("/patients", lambda response: response.status_code == 200 and bool(response.json()))
    [before] = ward.get(f"/patient/{uuid_of_name('Rec')}/metrics").json()
    os.kill(pids(ward, "rec")[-1], signal.SIGKILL)
    ward.until("/metrics", lambda response: "icu_sink_duplicates_total 1.0" in response.text)
    assert ward.get(f"/patient/{uuid_of_name('Rec')}/metrics").json() == [before]
    assert ward.stop() == 0


def pulses(response: httpx.Response) -> dict[str, float]:
    """Return the patients' heart rates, by name; 0 where there is none."""
    return {each["name"]: each["latest"]["pulse"] or 0 for each in response.json()}


def test_what_a_process_waits_for(start: Start, tmp_path: Path) -> None:
    """Without a broker a process waits and the ward is not ready; a monitor in another process shows the reason."""
    (tmp_path / "supervisor.toml").write_text(
        '[transport]\nkind = "kafka"\n'
        '[[child]]\nrole = "sink"\nprocess = true\n'
        '[[child]]\nrole = "monitor"\nprocess = true\n'
    )
    ward = start("supervise", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    waiting = ward.until("/supervisor", lambda response: response.json()[0]["state"] == "waiting")
    assert "no connection to Kafka" in waiting.json()[0]["detail"]
    ready = ward.get("/health/ready")
    assert (ready.status_code, ready.json()["checks"]["children"]) == (503, "sink is waiting")
    assert ward.stop() == 0
