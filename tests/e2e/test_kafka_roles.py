"""Each role in a process of its own, with Kafka between them."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from icu.messages import uuid_of_name
from tests.brokers import ApacheKafka, Broker
from tests.e2e.conftest import TIMEOUT, Program, Start
from tests.e2e.kafka import figure, reached

# Seconds within which every role stops, whatever the broker does.
STOPPED = 15

# An address where no broker listens.
NOBODY = "127.0.0.1:9"

# What no log holds of a role that did its work.
STAINS = "ERROR|Traceback|Unclosed|Task was destroyed|never retrieved"

ROLES = {
    "patient": ("run", "patient", "--name", "Anna"),
    "sink": ("run", "sink"),
    "ward": ("supervise", "--transport", "kafka"),
}


def names(*wanted: str) -> Callable[[httpx.Response], bool]:
    """Check if the monitor knows these patients, each with a reading."""
    return lambda response: (
        response.status_code == 200 and {each["name"] for each in response.json() if each["latest"]} == set(wanted)
    )


def fresh(response: httpx.Response) -> bool:
    """Check if each patient's latest reading is a few seconds old: on a busy machine, not in every answer."""
    return all(each["latest_age_seconds"] < 5 for each in response.json())


def all_roles(start: Start, bootstrap: str) -> dict[str, Program]:
    """Start one process of each role; each sink has a file of its own."""
    return {
        role: start(*words, KAFKA_BOOTSTRAP_SERVERS=bootstrap, DATABASE_URL=f"sqlite:///{role}.db")
        for role, words in ROLES.items()
    }


def waits_for(bootstrap: str, program: Program) -> None:
    """Check that a role is alive and not ready, and says why and what to do."""
    program.until("/metrics", lambda response: figure(response, "icu_transport_up") == 0)
    assert program.get("/health/live").status_code == 200
    answer = program.until("/health/ready", lambda response: response.status_code == 503).json()
    assert bootstrap in answer["checks"]["transport"]
    complaint = next(each["message"] for each in program.records() if each["level"] == "WARNING")
    assert bootstrap in complaint
    assert "docker compose up -d" in complaint


def topics(bootstrap: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `topics`, and return its output."""
    return subprocess.run(
        [sys.executable, "-m", "icu", "topics", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
        env={"PATH": "/usr/bin:/bin", "KAFKA_BOOTSTRAP_SERVERS": bootstrap, **environ},
    )


def described(bootstrap: str, topic: str) -> list[list[int]]:
    """Parse the offsets of each partition."""
    title, *lines = topics(bootstrap, "describe", topic).stdout.splitlines()
    assert title.split("\t") == ["partition", "leader", "replicas", "in sync", "begin", "end", "records"]
    return [[int(field) for field in line.split("\t")] for line in lines]


def test_a_new_patient_appears_by_itself(kafka: Start) -> None:
    """Sink and monitor serve a patient that is started later, with a name in any alphabet, without a restart.

    The live stream names the patient before the first reading.
    """
    monitor, _ = kafka("run", "monitor"), kafka("run", "sink")
    kafka("run", "patient", "--name", "Anna")
    monitor.until("/patients", names("Anna"))
    ivan = str(uuid_of_name("Иван Петров"))
    with monitor.stream() as events:
        kafka("run", "patient", "--name", "Иван Петров")
        told: list[dict[str, Any]] = []
        for kind, found in events:
            told += found if kind == "patients" else []
            if kind == "readings" and any(each["patient_uuid"] == ivan for each in found):
                break
    assert {"uuid": ivan, "name": "Иван Петров"} in told
    both = names("Anna", "Иван Петров")
    patients = monitor.until("/patients", lambda response: both(response) and fresh(response)).json()
    assert {each["uuid"] for each in patients} == {str(uuid_of_name("Anna")), ivan}


def test_each_role_tells_how_it_is(kafka: Start) -> None:
    """Each role is ready, with its own checks, and its metrics agree with those of the others."""
    sink, patient = kafka("run", "sink"), kafka("run", "patient", "--name", "Иван Петров")
    monitor = kafka("run", "monitor").ready()
    for role in (sink, patient):
        assert role.ready().get("/health/live").status_code == 200
        role.until("/metrics", lambda response: figure(response, "icu_transport_up") == 1)
    checks = sink.get("/health/ready").json()["checks"]
    assert checks == {"transport": "ok", "sink": "ok", "alarms": "ok", "engine": "ok"}
    assert patient.get("/health/ready").json()["checks"] == {"transport": "ok"}
    assert patient.get("/").json() == {"uuid": str(uuid_of_name("Иван Петров")), "name": "Иван Петров"}
    assert patient.get("/current").json()["patient_uuid"] == str(uuid_of_name("Иван Петров"))
    delivered = figure(
        patient.until("/metrics", reached("icu_patient_delivered_total", 5)), "icu_patient_delivered_total"
    )
    figures = sink.until("/metrics", reached("icu_sink_stored_total", delivered or 0))
    assert figure(figures, "icu_sink_duplicates_total") == 0
    assert (figure(figures, "icu_sink_lag_records") or 0) < 10
    assert figure(figures, "icu_sink_batch_records_sum") == figure(figures, "icu_sink_stored_total")
    assert (figure(figures, "icu_sink_reading_age_seconds_count") or 0) > 0
    monitor.until("/patients", names("Иван Петров"))


def test_what_a_patient_counts(kafka: Start) -> None:
    """Observations produced are those delivered plus those pending, and none is dropped."""
    patient = kafka("run", "patient", "--name", "Anna")
    figures = patient.until("/metrics", reached("icu_patient_delivered_total", 3))
    produced, delivered, waiting = (
        figure(figures, f"icu_patient_{name}") for name in ("produced_total", "delivered_total", "buffered")
    )
    assert produced == (delivered or 0) + (waiting or 0)
    assert figure(figures, "icu_patient_dropped_total") == 0


def test_a_patient_whose_past_fits_no_batch(start: Start, broker: Broker) -> None:
    """A patient's past is larger than the topic's batches: it is sent in pieces, and the patient runs on."""
    if not broker.real:
        pytest.skip("the mock's topics have no settings: needs a real Kafka")
    topic = f"icu.test-{uuid4().hex[:12]}"
    broker.create_topic(topic, 6, {"max.message.bytes": "2000"})
    # Half of what the send buffer holds: however long the start takes, the present pushes out nothing of the past.
    past = (datetime.now(UTC) - timedelta(minutes=30)).isoformat()
    words = ("run", "patient", "--name", "Anna", "--start", past, "--speed", "max", "--interval", "5")
    patient = start(*words, KAFKA_BOOTSTRAP_SERVERS=broker.bootstrap, KAFKA_TOPIC=topic)
    figures = patient.until("/metrics", reached("icu_patient_delivered_total", 360))
    assert figure(figures, "icu_patient_dropped_total") == 0, patient.log()
    assert patient.stop(signal.SIGTERM) == 0
    assert not re.search(STAINS, patient.log())


def test_the_sink_by_the_briefs_name(kafka: Start) -> None:
    """`run data` starts the sink."""
    sink = kafka("run", "data").ready()
    kafka("run", "patient", "--name", "Anna")
    sink.until("/metrics", reached("icu_sink_stored_total", 1))
    assert sink.stop(signal.SIGTERM) == 0


def test_a_ward_over_kafka(kafka: Start) -> None:
    """`supervise --transport kafka` is the same ward, and serves patients that run beside it."""
    ward = kafka("supervise", "--transport", "kafka").ready()
    ward.until("/patients", lambda response: response.is_success and len(response.json()) == 8)
    kafka("run", "patient", "--name", "Zoe")
    ward.until("/patients", lambda response: "Zoe" in {each["name"] for each in response.json()})
    assert ward.stop() == 0
    assert not re.search(STAINS, ward.log())


def test_roles_that_run_alone_use_kafka_whatever_the_file_says(kafka: Start, tmp_path: Path) -> None:
    """A supervisor.toml for the in-memory ward also serves roles that run alone."""
    (tmp_path / "supervisor.toml").write_text(
        '[transport]\nkind = "memory"\n[[child]]\nrole = "sink"\n[[child]]\nrole = "patient"\nname = "Anna"\n'
    )
    sink = kafka("run", "sink")
    kafka("run", "patient", "--name", "Anna")
    sink.until("/metrics", reached("icu_sink_stored_total", 1))


def test_a_sink_that_was_killed(kafka: Start, broker: Broker, topic: str) -> None:
    """After kill -9, the next sink goes on where the database ends: each record is stored, once."""
    patient, sink = kafka("run", "patient", "--name", "Anna"), kafka("run", "sink")
    sink.until("/metrics", reached("icu_sink_stored_total", 3))
    assert sink.stop(signal.SIGKILL) == -signal.SIGKILL
    patient.until("/metrics", reached("icu_patient_delivered_total", 10))
    assert patient.stop(signal.SIGTERM) == 0
    heir, monitor = kafka("run", "sink"), kafka("run", "monitor")
    records = sum(records for *_, records in described(broker.bootstrap, topic))
    monitor.until(f"/patient/{uuid_of_name('Anna')}/metrics", lambda response: len(response.json()) == records)
    assert heir.ready().stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("role", ["patient", "sink"])
def test_alone_in_memory_is_wrong_usage(kafka: Start, role: str) -> None:
    """A role alone with the in-memory transport ends with 64 and says why: no other process could read its records."""
    program = kafka(*ROLES[role], "--transport", "memory")
    assert program.wait() == 64
    assert "lives inside one process" in program.log()
    assert "python -m icu supervise" in program.log()


def test_a_second_sink_is_refused(kafka: Start) -> None:
    """A second sink on the same file ends with a message that says what to do; the first runs on."""
    first = kafka("run", "sink").ready()
    second = kafka("run", "sink")
    assert second.wait() == 78
    assert second.log().splitlines()[-1].startswith("icu: another sink writes to ")
    assert "choose another database" in second.log()
    kafka("run", "patient", "--name", "Anna")
    first.until("/metrics", reached("icu_sink_stored_total", 1))


def test_no_broker_is_waited_for(start: Start) -> None:
    """Without a broker each role says how to start one, is alive and not ready, and stops on request."""
    for program in all_roles(start, NOBODY).values():
        waits_for(NOBODY, program)
        assert program.stop(signal.SIGTERM) == 0
        assert not re.search(STAINS, program.log())


def test_a_broker_that_comes_late(start: Start, apache: ApacheKafka) -> None:
    """When the broker starts, each role goes on by itself, without a restart by a supervisor."""
    programs = all_roles(start, apache.bootstrap)
    for program in programs.values():
        waits_for(apache.bootstrap, program)
    apache.start()
    for program in programs.values():
        program.ready()
        assert any("works again" in each["message"] for each in program.records())
    programs["patient"].until("/metrics", reached("icu_patient_delivered_total", 1))
    programs["ward"].until("/metrics", reached("icu_sink_stored_total", 8))
    assert set(programs["ward"].restarts().values()) == {0}


@pytest.mark.parametrize("role", ["patient", "sink"])
def test_a_required_broker_that_is_away(start: Start, role: str) -> None:
    """A role that requires a broker ends with 75 within seconds, in one line with the address."""
    began = time.monotonic()
    program = start(*ROLES[role], "--require-broker", KAFKA_BOOTSTRAP_SERVERS=NOBODY)
    assert program.wait() == 75
    assert time.monotonic() - began < 10
    assert program.log().splitlines()[-1].startswith(f"icu: no connection to Kafka at {NOBODY}: nothing listens there")
    assert "Traceback" not in program.log()


@pytest.mark.parametrize("role", ["patient", "sink"])
def test_a_required_broker_that_is_there(kafka: Start, role: str) -> None:
    """A role that requires a broker starts as usual when there is one."""
    assert kafka(*ROLES[role], "--require-broker").ready().stop(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("fault", "noticed"),
    [
        pytest.param(None, False, id="up"),
        pytest.param(ApacheKafka.kill, False, id="killed"),
        pytest.param(ApacheKafka.suspend, False, id="suspended"),
        pytest.param(ApacheKafka.suspend, True, id="suspended for long"),
    ],
)
def test_a_stop_request(
    start: Start, apache: ApacheKafka, fault: Callable[[ApacheKafka], None] | None, *, noticed: bool
) -> None:
    """Each role stops with 0 in its time, whatever state the broker is in, and leaves nothing open."""
    apache.start()
    programs = all_roles(start, apache.bootstrap)
    for program in programs.values():
        program.ready().until("/metrics", reached("icu_transport_up", 1))
    programs["sink"].until("/metrics", reached("icu_sink_stored_total", 1))
    if fault is not None:
        fault(apache)
    if noticed:
        for program in programs.values():
            program.until("/health/ready", lambda response: response.status_code == 503)
    began = time.monotonic()
    for program in programs.values():
        program.process.send_signal(signal.SIGTERM)
    for program in programs.values():
        assert program.wait() == 0, program.log()
        assert time.monotonic() - began < STOPPED
        assert not re.search(STAINS, program.log()), program.log()


def test_topics_are_listed_and_described(kafka: Start, broker: Broker, topic: str) -> None:
    """`topics` lists names and partitions; for one topic, the leader and offsets of each partition."""
    patient = kafka("run", "patient", "--name", "Anna")
    patient.until("/metrics", reached("icu_patient_delivered_total", 2))
    assert patient.stop(signal.SIGTERM) == 0
    listed = topics(broker.bootstrap, "list").stdout.splitlines()
    assert f"{topic}\t6 partitions" in listed
    assert listed == sorted(listed)
    partitions = described(broker.bootstrap, topic)
    assert [number for number, *_ in partitions] == list(range(6))
    assert all(leader == replica == in_sync for _, leader, replica, in_sync, *_ in partitions)
    assert sum(records for *_, records in partitions) >= 2


def test_a_topic_is_created_once(broker: Broker) -> None:
    """A topic is created with the configured or the requested partitions; an existing one is no error."""
    if not broker.real:
        pytest.skip("the mock creates no topics: needs a real Kafka")
    name = f"icu.test-{uuid4().hex[:12]}"
    assert topics(broker.bootstrap, "create", name).stdout == f"{name} was created with 6 partitions\n"
    again = topics(broker.bootstrap, "create", name)
    assert (again.returncode, again.stdout) == (0, f"{name} is there already\n")
    topics(broker.bootstrap, "create", f"{name}.small", "--partitions", "2")
    assert f"{name}.small\t2 partitions" in topics(broker.bootstrap, "list").stdout.splitlines()


def test_both_topics_are_created_without_a_name(broker: Broker) -> None:
    """Without a name, the topics of readings and of alarms are created."""
    if not broker.real:
        pytest.skip("the mock creates no topics: needs a real Kafka")
    name = f"icu.test-{uuid4().hex[:12]}"
    created = topics(broker.bootstrap, "create", KAFKA_TOPIC=name, ICU_TRANSPORT_ALARMS=f"{name}.alarms").stdout
    assert created.splitlines() == [
        f"{name} was created with 6 partitions",
        f"{name}.alarms was created with 6 partitions",
    ]


def test_topics_that_cannot_be_had(broker: Broker) -> None:
    """An unknown topic ends with 64 and says what to type, a broker that is away ends with 75."""
    missing = topics(broker.bootstrap, "describe", "icu.nowhere")
    assert missing.returncode == 64
    assert missing.stderr == "icu: there is no topic icu.nowhere: python -m icu topics create icu.nowhere\n"
    away = topics(NOBODY, "list")
    assert away.returncode == 75
    assert away.stderr.startswith(f"icu: no connection to Kafka at {NOBODY}: nothing listens there")


def test_a_role_makes_the_topic(start: Start, broker: Broker) -> None:
    """The first role that needs a missing topic creates it, the sink that of alarms before there is one."""
    if not broker.real:
        pytest.skip("the mock creates no topics: needs a real Kafka")
    name = f"icu.test-{uuid4().hex[:12]}"
    environ = {"KAFKA_TOPIC": name, "ICU_TRANSPORT_ALARMS": f"{name}.alarms", "ICU_TRANSPORT_PARTITIONS": "4"}
    sink = start("run", "sink", KAFKA_BOOTSTRAP_SERVERS=broker.bootstrap, **environ).ready()
    found = topics(broker.bootstrap, "list").stdout.splitlines()
    assert {f"{name}\t4 partitions", f"{name}.alarms\t4 partitions"} <= set(found)
    assert sink.stop(signal.SIGTERM) == 0
