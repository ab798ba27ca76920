"""Three sinks, each a process of one ward: they share a topic of Kafka and a database of PostgreSQL."""

import json
import os
import re
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests import web
from tests.brokers import Broker
from tests.chaos.evidence import Key, ends_of, ledger, log_of
from tests.chaos.link import Link
from tests.e2e.conftest import TIMEOUT, Icu, Program, Start
from tests.postgres import ask

SINKS = ("sink-1", "sink-2", "sink-3")
# So many that each partition has some.
PATIENTS = 24
FILE = """
[log]
level = "DEBUG"
[supervisor]
restarts = 100
watchdog = 60
[transport]
kind = "kafka"
[[child]]
role = "sink"
id = "sink"
count = 3
process = true
[[child]]
role = "monitor"
[[child]]
role = "patient"
id = "icu"
name = "Bed"
patients = 24
"""


@pytest.fixture
def shared(kafka: Start, broker: Broker, postgres_url: str, tmp_path: Path) -> Callable[..., Program]:
    """A function that starts a role on Kafka and PostgreSQL."""
    if not broker.real:
        pytest.skip("the mock has no static members")
    (tmp_path / "supervisor.toml").write_text(FILE)

    def run(*words: str, **environ: str) -> Program:
        return kafka(*words, DATABASE_URL=postgres_url, **environ)

    return run


def until(condition: Callable[[], bool], program: Program) -> None:
    """Look until a condition holds."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, program.log()
        time.sleep(0.1)


def shares(url: str) -> Mapping[str, list[int]]:
    """Return the partitions of each sink, by the end of its name."""
    found = ask(url, "SELECT member, partitions FROM heartbeats WHERE partitions IS NOT NULL")
    return {member.rpartition("/")[2]: json.loads(partitions) for member, partitions in found}


def dealt(url: str, *sinks: str) -> Callable[[], bool]:
    """Return a check that these sinks, and no others, have all partitions, as many each."""

    def check() -> bool:
        found = shares(url)
        counts = {len(each) for each in found.values()}
        partitions = sorted(partition for each in found.values() for partition in each)
        return set(found) == set(sinks) and partitions == list(range(6)) and len(counts) == 1

    return check


def fresh(url: str) -> Callable[[], bool]:
    """Return a check that a reading from now on of each patient is stored."""
    since = round(time.time() * 1000)
    sql = f"SELECT count(DISTINCT patient_id) FROM patient_metrics WHERE timestamp > {since}"
    return lambda: ask(url, sql) == [(PATIENTS,)]


def stored(url: str) -> list[Key]:
    """Return the keys of all stored readings."""
    return list(ask(url, "SELECT uuid, timestamp FROM patient_metrics JOIN patients ON id = patient_id"))


def until_event(events: Iterator[tuple[str, list[dict[str, Any]]]], kind: str) -> list[dict[str, Any]]:
    """Read a stream up to an event of a kind, and return what it tells."""
    return next(data for found, data in events if found == kind)


def set_low_limits(monitor: Program) -> None:
    """Set limits that each pulse is beyond."""
    limits = {
        "pulse.high": {"values": {"medium": 20, "high": 30}, "delays": {"medium": 0, "high": 0}},
        "pulse.low": {"values": {"medium": 10, "high": 5}},
    }
    asked = {"by": "Eva", "version": 0, "conditions": limits}
    answer = httpx.put(f"{monitor.url}/limits", json=asked, timeout=TIMEOUT, verify=web.NO_TLS)
    assert answer.status_code == 200, answer.text


def test_three_sinks_in_a_ward(
    shared: Callable[..., Program], icu: Icu, broker: Broker, topic: str, postgres_url: str
) -> None:
    """They share the partitions; one is killed, one is taken away and added again: each reading is stored once.

    Limits that are set at one monitor are in force at each sink, whose alarms another monitor tells.
    """
    ward = shared("supervise").ready()
    until(dealt(postgres_url, *SINKS), ward)
    until(fresh(postgres_url), ward)
    states = _status(icu, postgres_url)
    assert {each: states[each]["state"] for each in SINKS} == dict.fromkeys(SINKS, "running")
    other = shared("run", "monitor").ready()
    patients = {each["uuid"] for each in ward.get("/patients").json()}
    with other.stream() as events:
        until_event(events, "readings")
        set_low_limits(ward)
        alarmed: set[str] = set()
        while alarmed < patients:
            alarmed |= {each["patient_uuid"] for each in until_event(events, "alarms")}
    assert other.stop() == 0
    os.kill(_pids(ward, "sink-2")[-1], signal.SIGKILL)
    until(lambda: len(_pids(ward, "sink-2")) == 2, ward)
    until(fresh(postgres_url), ward)
    until(dealt(postgres_url, *SINKS), ward)
    scaled = icu("scale", "sink", "2", DATABASE_URL=postgres_url)
    assert scaled.stdout.splitlines()[0] == "stopped: sink-3"
    until(dealt(postgres_url, "sink-1", "sink-2"), ward)
    assert icu("scale", "sink", "3", DATABASE_URL=postgres_url).stdout.splitlines()[0] == "started: sink-3"
    until(dealt(postgres_url, *SINKS), ward)
    until(fresh(postgres_url), ward)
    assert icu("stop", "icu", DATABASE_URL=postgres_url).returncode == 0
    until(
        lambda: (
            dict(ask(postgres_url, "SELECT partition, next FROM consumer_offsets")) == ends_of(broker.bootstrap, topic)
        ),
        ward,
    )
    ward.ready()
    assert len(ward.get("/patients").json()) == PATIENTS
    assert ward.stop() == 0
    sent = {each.reading.key for each in ledger([ward._log])}
    found = stored(postgres_url)
    assert sent
    assert sent <= {each.key for each in log_of(broker.bootstrap, topic)} == set(found)
    assert len(found) == len(set(found))


def test_a_sink_whom_the_database_does_not_let_in(
    kafka: Start, shared: Callable[..., Program], tmp_path: Path, postgres_url: str
) -> None:
    """One that is cut from the database, or may only read there, leaves the partitions to the other one."""
    (tmp_path / "supervisor.toml").write_text(FILE.replace("count = 3", 'member = "near"'))
    ward = shared("supervise").ready()
    until(dealt(postgres_url, "near"), ward)
    with cut_off(postgres_url) as (link, url):
        far = kafka("run", "sink", "--member", "far", DATABASE_URL=url)
        until(dealt(postgres_url, "near", "far"), ward)
        until(fresh(postgres_url), ward)
        link.kill()
        until(dealt(postgres_url, "near"), ward)
        until(fresh(postgres_url), ward)
        assert "cannot be reached" in far.get("/health/ready").text
        link.start()
        until(dealt(postgres_url, "near", "far"), ward)
        assert far.ready().stop() == 0
    until(dealt(postgres_url, "near"), ward)
    with reader_of(postgres_url) as url:
        reading = kafka("run", "sink", "--member", "reading", DATABASE_URL=url)
        reading.until("/health/ready", lambda answer: "the user may only read: GRANT" in answer.text)
        until(fresh(postgres_url), ward)
        assert "partitions of" not in reading.log()
        assert reading.stop() == 0
    assert ward.stop() == 0


def test_the_older_of_two_namesakes_ends(shared: Callable[..., Program], postgres_url: str) -> None:
    """A second sink of a name takes the place of the first, which ends with 78, and says what to change."""
    older = shared("run", "sink", "--member", "ward@host/sink-1").ready()
    newer = shared("run", "sink", "--member", "ward@host/sink-1").ready()
    assert older.wait() == 78
    assert "run sink --member NAME" in older.log().splitlines()[-1]
    until(dealt(postgres_url, "sink-1"), newer)
    assert newer.process.poll() is None
    assert newer.stop() == 0


@contextmanager
def cut_off(url: str) -> Iterator[tuple[Link, str]]:
    """Make a link to the server, and the URL that goes by it."""
    port = urlsplit(url).port
    assert port is not None
    link = Link(port)
    link.start()
    try:
        yield link, url.replace(f":{port}/", f":{link.port}/")
    finally:
        link.close()


@contextmanager
def reader_of(url: str) -> Iterator[str]:
    """Make a user who may read all tables, and write none. Yields the URL of this user."""
    role = f"reader_{secrets.token_hex(4)}"
    ask(url, f"CREATE ROLE {role} LOGIN PASSWORD 'reader'")
    ask(url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    try:
        yield url.replace(urlsplit(url).netloc.partition("@")[0], f"{role}:reader")
    finally:
        ask(url, f"DROP OWNED BY {role}")
        ask(url, f"DROP ROLE {role}")


def _pids(ward: Program, child: str) -> list[int]:
    """Return the processes of a child so far, the current one last."""
    return [int(each) for each in re.findall(rf'"started on pid (\d+)[^\n]*"child":"{child}"', ward.log())]


def _status(icu: Icu, url: str) -> dict[str, Any]:
    """Return the status of each child, by its id."""
    found = json.loads(icu("status", "--json", DATABASE_URL=url).stdout)
    return {each["id"]: each for each in found}
