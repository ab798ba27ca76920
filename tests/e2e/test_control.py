"""Orders to real wards, as an operator types them."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Spawn
from tests.e2e.conftest import TIMEOUT, Icu, Program, Start

FILE = """
[[child]]
role = "sink"
[[child]]
role = "monitor"
[[child]]
role = "patient"
name = "Anna"
[[child]]
role = "patient"
id = "icu"
name = "Bed"
count = 3
"""
ALL = ["sink", "monitor", "bed-1", "icu-1", "icu-2", "icu-3"]


@pytest.fixture
def ward(start: Start, tmp_path: Path) -> Program:
    """A ward whose children all run."""
    (tmp_path / "supervisor.toml").write_text(FILE)
    return start("supervise").ready()


def until(enough: Callable[[], Any]) -> Any:
    """Look until a condition holds."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        found = enough()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"it never was so: {found!r}")


def children(icu: Icu, *words: str, **others: Any) -> dict[str, dict[str, Any]]:
    """Return the children, as `status --json` prints them."""
    done = icu("status", "--json", *words, **others)
    return {each["id"]: each for each in json.loads(done.stdout)} if done.stdout else {}


def test_status_from_the_first_moment(start: Start, icu: Icu, tmp_path: Path) -> None:
    """`status` is right before there is a ward, while it starts, while it runs, and after its end."""
    assert icu("status").returncode == 75
    (tmp_path / "supervisor.toml").write_text(FILE)
    ward = start("supervise")
    first = until(lambda: children(icu))
    assert list(first) == ALL
    assert first["icu-3"]["state"] in {"pending", "starting"}
    ward.ready()
    done = icu("status")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == ALL
    assert lines[1][3] == ward.url
    assert ward.stop() == 0
    done = icu("status")
    assert (done.returncode, done.stdout) == (75, "")
    assert "start one (python -m icu supervise)" in done.stderr


def test_orders(ward: Program, icu: Icu) -> None:
    """Stop, start and restart take ids and patterns; the other children run on, and so does the API."""
    until(lambda: icu("status").returncode == 0)
    done = icu("stop", "icu-*", "bed-1")
    assert done.returncode == 0
    assert [line.split() for line in done.stdout.splitlines()] == [[name, "stopped"] for name in ALL[2:]]
    assert icu("status").returncode == 3
    assert icu("status", "sink", "monitor").returncode == 0
    assert icu("start", "icu-2").returncode == 0
    assert {name: each["state"] for name, each in children(icu, "icu-*").items()} == {
        "icu-1": "stopped",
        "icu-2": "running",
        "icu-3": "stopped",
    }
    assert icu("start", "beds").returncode == 0
    before = children(icu)
    assert icu("restart", "sink", "monitor").returncode == 0
    after = children(icu)
    assert after["sink"]["uptime"] < after["bed-1"]["uptime"]
    assert after["bed-1"]["uptime"] > before["bed-1"]["uptime"]
    assert after["sink"]["restarts"] == 0
    ward.ready()
    for words in (["stop", "sink", "bed-9"], ["status", "bed-9"], ["logs", "bed-9"], ["scale", "bed-9", "3"]):
        done = icu(*words)
        assert (done.returncode, done.stdout) == (4, "")
        assert "did you mean bed-1" in done.stderr or words[0] == "scale"
    assert children(icu)["sink"]["state"] != "stopped"
    assert ward.stop() == 0


def test_scaling(ward: Program, icu: Icu) -> None:
    """A group grows and shrinks; the children that stay are not restarted."""
    before = children(icu)
    first, hint, *rows = icu("scale", "icu", "5").stdout.splitlines()
    assert first == "started: icu-4, icu-5"
    assert hint.startswith("icu runs 5 times until the next reload")
    assert [row.split()[:2] for row in rows] == [["icu-4", "running"], ["icu-5", "running"]]
    assert icu("scale", "icu", "1").stdout.splitlines()[0] == "stopped: icu-2, icu-3, icu-4, icu-5"
    for one in ("bed-1", "beds"):
        done = icu("scale", one, "2")
        assert (done.returncode, done.stdout) == (78, "")
        assert "only such a one can be scaled: scale icu" in done.stderr
    after = children(icu)
    assert list(after) == ["sink", "monitor", "bed-1", "icu-1"]
    assert all(after[name]["uptime"] > before[name]["uptime"] for name in after)
    assert ward.stop() == 0


def test_reloading(ward: Program, icu: Icu, tmp_path: Path) -> None:
    """A reload applies the difference between the files; the other children run on."""
    before = children(icu)
    assert icu("reload").stdout == "nothing changed\n"
    changed = FILE.replace('"Anna"', '"Boris"').replace("count = 3", "count = 2")
    (tmp_path / "supervisor.toml").write_text("metrics_interval = 1\n" + changed)
    summary, row = icu("reload").stdout.splitlines()
    assert summary == "stopped: icu-3; changed: bed-1"  # METRICS_INTERVAL is in the environment
    assert row.split()[:2] == ["bed-1", "running"]
    after = children(icu)
    assert after["bed-1"]["uptime"] < after["icu-1"]["uptime"]
    assert all(after[name]["uptime"] > before[name]["uptime"] for name in after if name != "bed-1")
    ward.until("/patients", lambda response: "Boris" in response.text)
    assert ward.stop() == 0


def test_a_bad_file_changes_nothing(ward: Program, icu: Icu, tmp_path: Path) -> None:
    """A settings file with a mistake, or a missing one, changes nothing; every command names file and line."""
    before = children(icu)
    path = tmp_path / "supervisor.toml"
    two_monitors = FILE + '[[child]]\nrole = "monitor"\n'
    for text in ("[[child", FILE.replace('"sink"', '"sinc"'), two_monitors, "debug = true\n", None):
        path.unlink() if text is None else path.write_text(text)
        done = icu("reload")
        assert (done.returncode, done.stdout) == (78, ""), text
        assert done.stderr.startswith("icu: ")
        assert "supervisor.toml" in done.stderr
        assert done.stderr.count("\n") == 1
    after = children(icu)
    assert list(after) == list(before)
    assert all(after[name]["uptime"] > before[name]["uptime"] for name in after)
    assert ward.stop() == 0


@pytest.fixture
def follow(spawn: Spawn, environ: dict[str, str], tmp_path: Path) -> Spawn:
    """A function that runs `python -m icu logs -f`."""

    def run(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "icu", "logs", "-f", *words]
        return spawn(command, cwd=tmp_path, env=environ, stdout=-1, stderr=-1, text=True)

    return run


def test_the_log(ward: Program, icu: Icu, follow: Spawn) -> None:
    """`logs` prints the last records of all children or of one; `-f` goes on until Ctrl-C or the end of the ward."""
    before = len(ward.records())
    tail = icu("logs").stdout
    assert "monitor: started on http://" in tail
    assert before <= len(tail.splitlines()) <= len(ward.records())
    assert [line.split()[2] for line in icu("logs", "icu-*").stdout.splitlines()] == ["icu-1:", "icu-2:", "icu-3:"]
    one, everybody = follow("icu-2"), follow()
    assert one.stdout is not None
    assert everybody.stdout is not None
    assert "icu-2: started" in one.stdout.readline()
    icu("restart", "icu-1", "icu-2")
    assert "icu-2: stopped" in one.stdout.readline()
    assert "icu-2: started" in one.stdout.readline()
    one.send_signal(signal.SIGINT)
    assert one.wait(TIMEOUT) == 130
    assert one.stderr is not None
    assert "Traceback" not in one.stderr.read()
    assert ward.stop() == 0
    assert everybody.wait(TIMEOUT) == 75
    last = everybody.stdout.read()
    assert "icu-1: stopped" in last
    assert "SIGINT: stopping" in last.splitlines()[-1]


def test_the_reader_of_the_log_goes_away(
    ward: Program, icu: Icu, spawn: Spawn, environ: dict[str, str], tmp_path: Path
) -> None:
    """`logs -f | head -1` ends with the next record, without an error."""
    command = f"{sys.executable} -m icu logs -f 2>errors | head -1"
    process = spawn(["sh", "-c", command], cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline()
    icu("restart", "icu-1")
    assert process.wait(TIMEOUT) == 0
    assert (tmp_path / "errors").read_text() == ""
    process.stdout.close()
    assert ward.stop() == 0


def test_the_tree(ward: Program, icu: Icu) -> None:
    """`tree` prints each supervisor with its children and its limit of deaths."""
    done = icu("tree")
    first, *others = done.stdout.splitlines()
    assert first == f"ward (pid {ward.process.pid}): one_for_one, gives up at more than 5 deaths in 30 s"
    assert [line.split()[0] for line in others] == ["sink", "monitor", "beds", *ALL[2:]]
    assert "more than 10 deaths in 60 s" in others[2]
    assert others[3].startswith("    bed-1")
    assert ward.stop() == 0


def test_watching(ward: Program, spawn: Spawn, environ: dict[str, str], tmp_path: Path) -> None:
    """`status --watch` looks again every second, until Ctrl-C."""
    command = [sys.executable, "-m", "icu", "status", "--watch", "--json", "sink"]
    process = spawn(command, cwd=tmp_path, env=environ, stdout=-1, stderr=-1, text=True)
    assert process.stdout is not None
    first, second = (json.loads(process.stdout.readline())[0]["uptime"] for _ in range(2))
    assert 0.9 < second - first < 5
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, errors.strip()) == (130, "")
    assert ward.stop() == 0


def test_nobody_else_gets_in(ward: Program, runtime: Path) -> None:
    """Only the owner may use the folder and the socket, and both are removed with the ward."""
    [path] = [each for each in (runtime / "icu").iterdir() if not each.is_symlink()]
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert ward.stop() == 0
    assert not list((runtime / "icu").iterdir())


def test_after_kill_9(ward: Program, start: Start, icu: Icu, runtime: Path) -> None:
    """The socket of a killed ward counts as no supervisor, and does not keep the next one from starting."""
    ward.process.kill()
    ward.wait()
    assert list((runtime / "icu").iterdir())
    assert icu("status").returncode == 75
    second = start("supervise").ready()
    assert icu("tree").stdout.startswith(f"ward (pid {second.process.pid})")
    assert second.stop() == 0


def test_one_that_stands_still(ward: Program, icu: Icu) -> None:
    """A command to a suspended ward ends within seconds, with a message."""
    ward.process.send_signal(signal.SIGSTOP)
    done = icu("status")
    assert done.returncode == 75
    assert "gave no answer within 5 s" in done.stderr
    ward.process.send_signal(signal.SIGCONT)
    assert icu("status").returncode == 0
    assert ward.stop() == 0


def test_two_wards_side_by_side(ward: Program, start: Start, icu: Icu, tmp_path: Path) -> None:
    """Each database has its own control socket; a second ward on one of them is refused, and the first runs on."""
    other = tmp_path / "other"
    other.mkdir()
    url = f"sqlite:///{other / 'icu.db'}"
    second = start("supervise", folder=other, DATABASE_URL=url).ready()
    here, there = icu("tree"), icu("tree", DATABASE_URL=url)
    assert here.stdout.startswith(f"ward (pid {ward.process.pid})")
    assert there.stdout.startswith(f"ward (pid {second.process.pid})")
    third = start("supervise")
    assert third.wait() == 78
    assert "a supervisor of this database runs already" in third.log().splitlines()[-1]
    assert icu("stop", "*", DATABASE_URL=url).returncode == 0
    assert icu("status").returncode == 0
    assert second.stop() == ward.stop() == 0


def ask_and_leave(path: Path, said: bytes, count: int) -> list[socket.socket]:
    """Run clients that send a request and read no answer."""
    clients = []
    for _ in range(count):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(TIMEOUT)
        client.connect(os.fspath(path))
        client.send(said)
        clients.append(client)
    return clients


def test_a_crowd_at_the_socket(ward: Program, icu: Icu, runtime: Path) -> None:
    """With many clients on the socket, orders are carried out; a follower of the log may be refused."""
    [path] = [each for each in (runtime / "icu").glob("*.sock") if not each.is_symlink()]
    for said in (b'{"ask":"logs","follow":true}\n', b'{"ask":"logs"', b'{"ask":"status"}\n' * 50):
        crowd = ask_and_leave(path, said, 120)
        assert icu("status").returncode in {0, 3}, said
        assert icu("restart", "bed-1").returncode == 0, said
        if b"follow" in said:
            done = icu("logs", "-f")
            assert (done.returncode, done.stdout) == (75, "")
            assert "clients that follow the log at once already: end some of them" in done.stderr
        for client in crowd:
            client.close()
    assert ward.stop() == 0


def test_without_a_socket(start: Start, icu: Icu, tmp_path: Path) -> None:
    """A ward that cannot make a socket runs, with a warning; its own monitor still shows the children."""
    (tmp_path / "supervisor.toml").write_text('[supervisor]\nsocket = "missing/icu.sock"\n' + FILE)
    ward = start("supervise").ready()
    [warning] = [each["message"] for each in ward.records() if each["level"] == "WARNING"]
    assert warning.startswith("no control socket")
    assert icu("status").returncode == 75
    assert len(ward.get("/supervisor").json()) == 3
    assert ward.stop() == 0


def test_clients_never_hold_the_stop_up(ward: Program, icu: Icu, follow: Spawn, runtime: Path) -> None:
    """Clients that follow, are suspended or say nothing do not delay the stop of a ward."""
    for stands_still in (False, True) * 3:
        process = follow()
        assert process.stdout is not None
        process.stdout.readline()
        if stands_still:
            process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    assert ward.stop() == 0
    assert time.monotonic() - began < 5


def shown(response: httpx.Response) -> list[str]:
    """Return the children that `/supervisor` shows, with those of the patients' supervisor."""
    return [each["id"] for child in response.json() for each in (child["children"] or [child])]


def test_over_http(ward: Program, start: Start) -> None:
    """The monitor in the ward and those in other processes show the same children; without a ward they say what to
    start."""
    assert shown(ward.get("/supervisor")) == ALL
    alone = start("run", "monitor")
    litestar = start(command=(str(Path(sys.executable).with_name("litestar")), "run"))
    for monitor in (alone, litestar):
        there = monitor.until("/supervisor", lambda response: response.status_code == 200)
        assert shown(there) == ALL
        beds = there.json()[2]
        assert beds["id"] == "beds"
        assert set(beds) == {"id", "state", "restarts", "uptime", "detail", "last_error", "children"}
    assert ward.stop() == 0
    for monitor in (alone, litestar):
        response = monitor.get("/supervisor")
        assert (response.status_code, response.headers["content-type"]) == (503, "application/problem+json")
        assert "python -m icu supervise" in response.json()["detail"]
    assert alone.stop() == 0
    litestar.process.send_signal(signal.SIGTERM)
    litestar.wait()


def test_a_monitor_in_a_process_of_its_own(start: Start, icu: Icu, tmp_path: Path) -> None:
    """A monitor child asks the ward for the children; killed, it is restarted, and `status` shows both."""
    (tmp_path / "supervisor.toml").write_text(FILE.replace('"monitor"', '"monitor"\nprocess = true'))
    ward = start("supervise")
    assert shown(ward.until("/supervisor", lambda response: response.status_code == 200)) == ALL
    detail = children(icu)["monitor"]["detail"]
    assert detail.endswith(ward.url)
    os.kill(int(detail.split()[1].rstrip(",")), signal.SIGKILL)
    down = until(lambda: [each for each in children(icu, "monitor").values() if each["restarts"] == 1])
    assert "signal SIGKILL" in down[0]["last_error"]
    until(lambda: icu("status").returncode == 0)
    assert shown(ward.get("/supervisor")) == ALL
    assert ward.stop() == 0
