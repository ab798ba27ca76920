"""The whole ward in one process, from the first command to Ctrl-C."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from icu.messages import uuid_of_name
from tests import web
from tests.conftest import Spawn
from tests.e2e.conftest import TIMEOUT, Start
from tests.ports import free_port

NAMES = 8


def everyone(response: httpx.Response) -> bool:
    """Check that all beds of the built-in ward have sent something."""
    return response.status_code == 200 and sum(each["latest"] is not None for each in response.json()) == NAMES


def count(folder: Path) -> int:
    """Count the readings in the database."""
    connection = sqlite3.connect(folder / "icu.db")
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return int(connection.execute("SELECT count(*) FROM patient_metrics").fetchone()[0])
    finally:
        connection.close()


def test_a_ward_lives_and_stops(start: Start, tmp_path: Path) -> None:
    """Eight named beds are stored and served; Ctrl-C stops beds, monitor and sink in this order, with exit code 0.

    The upkeep stops together with the monitor.
    """
    ward = start("supervise")
    patients = ward.until("/patients", everyone).json()
    assert {each["uuid"] for each in patients} == {str(uuid_of_name(each["name"])) for each in patients}
    assert all(each["latest_age_seconds"] < 5 for each in patients)
    anna = next(each for each in patients if each["name"] == "Anna Petrova")
    readings = ward.until(
        f"/patient/{anna['uuid']}/metrics", lambda response: response.is_success and len(response.json()) >= 3
    ).json()
    assert {"timestamp", "pulse", "resp_rate", "bp", "spo2", "temperature"} <= set(readings[0])
    checks = ward.ready().get("/health/ready").json()["checks"]
    names = ("sink", "transport", "database", "children", "alarms", "engine", "heartbeat", "upkeep")
    assert checks == dict.fromkeys(names, "ok")
    # A child is running when it has been up for a second.
    bed = 'icu_child_state{child="bed-8",state="running"} 1.0'
    figures = ward.until("/metrics", lambda response: bed in response.text).text
    assert "icu_sink_stored_total" in figures
    assert "icu_patient_delivered_total" in figures
    assert ward.stop() == 0
    stopped = [each["child"] for each in ward.records() if each["message"] == "stopped"]
    assert sorted(stopped[:8]) == [f"bed-{n}" for n in range(1, 9)]
    assert [stopped[8], sorted(stopped[9:11]), *stopped[11:]] == ["beds", ["monitor", "upkeep"], "sink"]
    assert count(tmp_path) >= NAMES
    assert not (tmp_path / "icu.db-wal").exists()


def test_logs_have_the_six_keys_and_no_names(start: Start) -> None:
    """Every line is JSON with the brief's keys in front, and none has the name of a patient."""
    ward = start("supervise").ready()
    assert ward.stop() == 0
    for record in ward.records():
        assert list(record)[:6] == ["timestamp", "level", "message", "module", "function", "line"]
    assert "Petrova" not in ward.log()


def test_the_first_readings_come_soon(start: Start) -> None:
    """The first readings are sent at once, even with a METRICS_INTERVAL of an hour."""
    ward = start("supervise", METRICS_INTERVAL="3600")
    ward.until("/patients", everyone)
    assert ward.stop() == 0


def test_settings_of_the_brief(start: Start) -> None:
    """API_PREFIX stands before the brief's paths and not before health."""
    ward = start("supervise", API_PREFIX="/api/v1").ready()
    ward.until("/api/v1/patients", everyone)
    assert ward.get("/patients").status_code == 404
    assert ward.stop(signal.SIGTERM) == 0


def test_a_restart_is_the_same_ward(start: Start, tmp_path: Path) -> None:
    """After kill -9 and a new start, the patients are the same, and their readings go on."""
    first = start("supervise")
    first.until("/patients", everyone)
    first.process.kill()
    first.wait()
    before = count(tmp_path)
    second = start("supervise")
    second.until("/patients", everyone)
    second.until("/metrics", lambda response: "icu_sink_stored_total 8.0" in response.text or count(tmp_path) > before)
    assert len(second.get("/patients").json()) == NAMES
    assert second.stop() == 0


def test_a_second_signal_ends_at_once(start: Start) -> None:
    """A second signal ends the ward without waiting for the stop."""
    ward = start("supervise").ready()
    ward.process.send_signal(signal.SIGSTOP)
    for _ in range(2):
        ward.process.send_signal(signal.SIGINT)
        ward.process.send_signal(signal.SIGTERM)
    ward.process.send_signal(signal.SIGCONT)
    assert ward.wait() in {0, 130}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("delay", [0.1, 0.3, 0.5, 0.7, 0.9, 1.5])
def test_a_stop_request_while_it_starts(start: Start, delay: float, number: signal.Signals) -> None:
    """A signal at any moment of the start ends the ward without an error."""
    ward = start("supervise")
    time.sleep(delay)
    code = ward.stop(number)
    # Python itself, interrupted before we have a word, may show where: then nothing of ours was at work yet.
    early = code == 1 and "init_import_site" in ward.log()
    assert code in {0, -number} or early
    assert "Traceback" not in ward.log() or early or (code == -number and "in start" not in ward.log())
    assert "ERROR" not in ward.log()


def test_an_open_stream_does_not_hold_the_stop_up(start: Start) -> None:
    """With twenty live streams and as many idle connections the ward stops within its 15 seconds."""
    ward = start("supervise").ready()
    with httpx.Client(timeout=TIMEOUT, limits=httpx.Limits(max_connections=100)) as client:
        streams = [client.send(client.build_request("GET", f"{ward.url}/stream"), stream=True) for _ in range(20)]
        for _ in range(20):
            client.get(f"{ward.url}/patients")
        began = time.monotonic()
        assert ward.stop() == 0
        assert time.monotonic() - began < 15
        for stream in streams:
            stream.close()


def test_a_stream_brings_what_is_stored(start: Start) -> None:
    """The stream sends readings as server-sent events, each of which the database has."""
    ward = start("supervise").ready()
    ward.until("/patients", everyone)
    with ward.stream() as events:
        [reading, *_] = next(found for kind, found in events if kind == "readings")
    assert {"pulse", "bp"} <= set(reading)
    stored = ward.get(f"/patient/{reading['patient_uuid']}/metrics").json()
    assert reading["timestamp"] in {each["timestamp"] for each in stored}
    assert ward.stop() == 0


def test_the_monitor_alone_beside_a_ward(start: Start) -> None:
    """A monitor in another process serves the same database, live; without a database it says what to start."""
    monitor = start("run", "monitor")
    problem = monitor.until("/patients", lambda response: response.status_code == 503).json()
    assert "start the sink" in problem["detail"]
    ward = start("supervise").ready()
    monitor.until("/patients", everyone)
    monitor.ready()
    with monitor.stream() as events:
        assert next(found for kind, found in events if kind == "readings")
    assert ward.stop() == 0
    assert everyone(monitor.get("/patients"))
    assert monitor.stop(signal.SIGTERM) == 0


def test_bare_litestar_run(start: Start) -> None:
    """Litestar's own command serves the monitor, and stops although a stream is open."""
    ward = start("supervise").ready()
    litestar = start(command=(str(Path(sys.executable).with_name("litestar")), "run"))
    litestar.until("/patients", everyone)
    with httpx.Client(timeout=TIMEOUT) as client:
        stream = client.send(client.build_request("GET", f"{litestar.url}/stream"), stream=True)
        began = time.monotonic()
        litestar.process.send_signal(signal.SIGTERM)
        assert litestar.wait() in {0, -signal.SIGTERM}
        assert time.monotonic() - began < 10
        stream.close()
    assert ward.stop() == 0


def test_a_damaged_database_ends_with_70(start: Start, tmp_path: Path) -> None:
    """A damaged database escalates past restarts: exit code and log say so, without a stack."""
    (tmp_path / "supervisor.toml").write_text(
        "[supervisor]\nrestarts = 1\n"
        '[[child]]\nrole = "sink"\n[[child]]\nrole = "monitor"\n[[child]]\nrole = "patient"\nname = "Anna"\n'
    )
    ward = start("supervise").ready()
    for name in ("icu.db", "icu.db-wal"):
        (tmp_path / name).write_bytes(b"no database any more" * 1_000)
    assert ward.wait() == 70
    assert "giving up" in ward.log()
    assert re.match(r"icu: (sink|monitor) died 2 times within 30 s, .* is damaged", ward.log().splitlines()[-1])


def test_a_damaged_database_is_not_even_started(start: Start, tmp_path: Path) -> None:
    """A database that is damaged at the first start ends the ward at once."""
    (tmp_path / "icu.db").write_bytes(b"no database" * 1_000)
    ward = start("supervise")
    assert ward.wait() == 70
    assert ward.log().splitlines()[-1].startswith("icu: ")
    assert "damaged" in ward.log()


def test_faces_of_their_own(start: Start, tmp_path: Path) -> None:
    """A patient and a sink with ports serve identity, current reading, health and metrics."""
    sink_port, bed_port = free_port(), free_port()
    (tmp_path / "supervisor.toml").write_text(
        f'[[child]]\nrole = "sink"\nport = {sink_port}\n[[child]]\nrole = "monitor"\n'
        f'[[child]]\nrole = "patient"\nname = "Иван Петров"\nport = {bed_port}\nseed = 7\n',
        encoding="utf-8",
    )
    ward = start("supervise").ready()
    ward.until("/supervisor", lambda response: '"starting"' not in response.text)
    bed = f"http://127.0.0.1:{bed_port}"
    assert web.get(bed).json() == {"uuid": str(uuid_of_name("Иван Петров")), "name": "Иван Петров"}
    current = web.get(f"{bed}/current").json()
    assert current["patient_uuid"] == str(uuid_of_name("Иван Петров"))
    assert current["pulse"] > 0
    for face in (bed, f"http://127.0.0.1:{sink_port}"):
        assert web.get(f"{face}/health/live").status_code == 200
        assert web.get(f"{face}/health/ready").status_code == 200
        assert "icu_sink_stored_total" in web.get(f"{face}/metrics").text
    assert ward.stop() == 0
    for port in (sink_port, bed_port, ward.port):
        socket.create_server(("127.0.0.1", port)).close()


def test_the_log_survives_its_reader(spawn: Spawn, tmp_path: Path) -> None:
    """The ward runs on when the reader of its log goes away."""
    port = free_port()
    ward = spawn(
        [sys.executable, "-m", "icu", "supervise", "--port", str(port)],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "METRICS_INTERVAL": "0.2"},
    )
    assert ward.stderr is not None
    ward.stderr.readline()
    ward.stderr.close()
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        try:
            if everyone(web.get(f"http://127.0.0.1:{port}/patients")):
                break
        except httpx.TransportError:
            time.sleep(0.1)
    ward.send_signal(signal.SIGTERM)
    assert ward.wait(TIMEOUT) == 0


@pytest.mark.parametrize("words", [["--help"], ["supervise", "--help"]])
def test_a_closed_output_is_no_error(spawn: Spawn, words: list[str]) -> None:
    """`icu --help | head -1` ends without an error."""
    process = spawn([sys.executable, "-m", "icu", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, err) == (0, b"")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("--help >&-", 0),
        ("--version >&- 2>&-", 0),
        ("db upgrade <&- >&- 2>&-", 0),
        ("supervize 2>&-", 64),
        ("supervize 2>/dev/full", 64),
        ("--help >/dev/full", 74),
        ("--version >/dev/full", 74),
        ("db upgrade >/dev/full", 74),
        ("db upgrade 2>&- >/dev/full", 74),
    ],
)
def test_outputs_that_cannot_be_written(tmp_path: Path, command: str, code: int, unbuffered: str) -> None:
    """A closed output is not written to, and a full device is reported in one line."""
    if "full" in command and not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m icu {command}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        timeout=TIMEOUT,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    reported = code == 74 and "2>" not in command
    assert done.stderr == ("icu: the output cannot be written: No space left on device\n" if reported else "")
    assert "db" not in command or count(tmp_path) == 0  # nothing was printed into the database


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_ward_whose_outputs_are_closed(start: Start, tmp_path: Path, closed: str) -> None:
    """A ward with closed outputs runs and stops like any other."""
    ward = start("supervise", command=("sh", "-c", f'exec {sys.executable} -m icu "$@" {closed}', "sh"))
    ward.until("/patients", everyone)
    assert ward.stop() == 0
    assert "Traceback" not in ward.log()
    assert count(tmp_path) >= NAMES


def test_names_in_a_narrow_locale(start: Start, tmp_path: Path) -> None:
    """With LANG=C, a Cyrillic name is still read, stored and served."""
    (tmp_path / "supervisor.toml").write_text(
        '[[child]]\nrole = "sink"\n[[child]]\nrole = "monitor"\n[[child]]\nrole = "patient"\nname = "Иван Петров"\n',
        encoding="utf-8",
    )
    ward = start("supervise", LANG="C", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    ward.until("/patients", lambda response: response.status_code == 200 and bool(response.json()))
    assert ward.get("/patients").json()[0]["name"] == "Иван Петров"
    assert ward.stop() == 0


def test_a_database_that_is_removed_while_it_is_used(start: Start, tmp_path: Path) -> None:
    """After its file is removed, the ward begins a new database, serves it, and says so in the log."""
    ward = start("supervise").ready()
    ward.until("/patients", everyone)
    for path in tmp_path.glob("icu.db*"):
        path.unlink()
    ward.until("/health/live", lambda _: "was removed or replaced while the sink wrote to it" in ward.log())
    ward.until("/patients", everyone)
    ward.ready()
    assert set(ward.restarts().values()) == {0}
    assert ward.stop() == 0
    assert count(tmp_path) >= NAMES
