"""A sink that is killed beside a monitor that goes on: nobody is watched, and everything says so."""

import json
import signal
from datetime import UTC, datetime

import httpx

from tests.e2e.conftest import Start


def watched(response: httpx.Response) -> bool:
    """Tell if there are patients, and the readings of all are fresh."""
    found = response.json() if response.status_code == 200 else []
    return bool(found) and all(each["stale"] is False and each["behind"] is None for each in found)


def blind(response: httpx.Response) -> bool:
    """Tell if no patient has a fresh reading, because of the sink."""
    found = response.json() if response.status_code == 200 else []
    return bool(found) and all(each["stale"] is True and each["behind"] == "sink" for each in found)


def test_a_sink_that_is_killed(start: Start) -> None:
    """Every bed is blind, the alarm of the ward is the first, the stream beats it, and health says what to do; with
    the next sink all is well again."""
    monitor, ward = start("run", "monitor"), start("supervise").ready()
    monitor.until("/patients", watched)
    killed = datetime.now(UTC)
    assert ward.stop(signal.SIGKILL) == -signal.SIGKILL
    found = monitor.until("/patients", blind).json()
    assert all(each["latest"] is not None and each["latest_age_seconds"] > 5 for each in found)
    alarm = monitor.get("/alarms").json()[0]
    assert (alarm["condition"], alarm["priority"], alarm["signal"]) == ("ward.blind", "high", "on")
    state = monitor.get("/ward").json()
    assert (state["behind"], state["blind_since"]) == ("sink", alarm["onset"])
    assert (killed - datetime.fromisoformat(state["blind_since"])).total_seconds() < 5
    report = monitor.get("/health/ready").json()["checks"]
    assert "no sign of life" in report["heartbeat"]
    with httpx.stream("GET", f"{monitor.url}/stream", timeout=30) as response:
        beats = (line for line in response.iter_lines() if line.startswith('data: {"time"'))
        assert json.loads(next(beats).removeprefix("data: "))["behind"] == "sink"
    start("supervise").ready()
    monitor.until("/patients", watched)
    monitor.until("/alarms", lambda answer: all(each["condition"] != "ward.blind" for each in answer.json()))
    history = monitor.until("/alarms/history?condition=ward.blind", lambda answer: answer.json()).json()
    assert [(each["id"], each["end_reason"]) for each in history] == [(alarm["id"], "itself")]
