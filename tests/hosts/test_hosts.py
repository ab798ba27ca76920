"""Three sinks, two monitors and patients on hosts of their own, whose cables are cut."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.evidence import ledger, log_of
from tests.hosts.hospital import TOPIC, Hospital, Placed, opened, until
from tests.hosts.network import possible

pytestmark = pytest.mark.hosts


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    """A hospital that has stored and serves readings of all its patients."""
    if not possible():
        pytest.skip("namespaces need root, and iproute2")
    with opened(tmp_path) as hospital:
        until(hospital.is_served, "no monitor serves all patients")
        yield hospital


def test_what_is_sent_is_stored_whichever_cable_is_cut(hospital: Hospital) -> None:
    """Readings that were acknowledged to patients are in the topic and in the database once, after any cut."""
    for fault in (cut_a_sink, cut_the_patients, cut_the_data, cut_a_monitor, kill_a_sink):
        fault(hospital)
        until(fresh(hospital), f"not all patients are stored after {fault.__name__}")
    for patient in hospital.patients:
        patient.stop()
    until(hospital.is_drained, "the sinks did not reach the end of the topic")
    sent = {each.reading.key for patient in hospital.patients for each in ledger(patient.logs)}
    logged = {each.key for each in log_of(hospital.broker.bootstrap, TOPIC)}
    stored = hospital.stored()
    print(f"{len(sent)} sent, {len(logged)} in the topic, {len(stored)} stored, {len(set(stored))} of them distinct")
    assert sent <= logged == set(stored)
    assert len(stored) == len(set(stored))
    assert not [each.fallen for each in hospital.actors if each.fallen]


def cut_a_sink(hospital: Hospital) -> None:
    """Cut the first sink off, until the others have stored its patients."""
    [sink, *_] = hospital.sinks
    sink.host.cut()
    until(fresh(hospital), "the other sinks have not taken over")
    sink.host.mend()
    until(sink.is_ready, "the sink has not come back")


def cut_the_patients(hospital: Hospital) -> None:
    """Cut two patients off, until they know; they keep what they measure meanwhile."""
    cut(hospital.patients[:2])


def cut_the_data(hospital: Hospital) -> None:
    """Cut Kafka and PostgreSQL off from everybody, until all sinks know."""
    hospital.data.cut()
    until(lambda: not any(each.is_ready() for each in hospital.sinks), "the sinks have not noticed")
    hospital.data.mend()


def cut_a_monitor(hospital: Hospital) -> None:
    """Cut a monitor off: nginx asks the other one."""
    [monitor, other] = hospital.monitors
    for each in (monitor, other):
        each.host.cut()
        until(hospital.is_served, f"{each.name} is missed")
        each.host.mend()
        until(each.is_ready, f"{each.name} has not come back")


def kill_a_sink(hospital: Hospital) -> None:
    """Kill the last sink with -9, and start it again with its name."""
    sink = hospital.sinks[-1]
    sink.kill()
    sink.start()
    until(sink.is_ready, "the sink has not come back")


def cut(actors: list[Placed]) -> None:
    """Cut hosts off, until their programs say that they are not ready."""
    for each in actors:
        each.host.cut()
    until(lambda: not any(each.is_ready() for each in actors), "the programs have not noticed")
    for each in actors:
        each.host.mend()


def fresh(hospital: Hospital) -> Callable[[], bool]:
    """Return a check that a reading of each patient from now on is stored."""
    since = time.time() * 1000
    return lambda: all(at > since for at in hospital.newest().values())
