"""A storm over three sinks that share Kafka and PostgreSQL: each reading is stored once, in order, with its alarms."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from icu.messages import uuid_of_name
from tests.brokers import ApacheKafka
from tests.chaos import faults, invariants
from tests.chaos.alarm_oracle import SEEN, WAITING, judge, set_limits, unpublished, verdict_of
from tests.chaos.evidence import Reading, appends_of, ends_of, ledger, log_of
from tests.chaos.invariants import Verdict
from tests.chaos.overtaking import overtake
from tests.chaos.several import PATIENTS, SharedStage, raised
from tests.chaos.stage import TOPIC, until
from tests.chaos.test_chaos import apache, judged, seed
from tests.postgres import PostgresServer, ask, own_postgres

__all__ = ["apache", "seed"]

# Patients whose records have keys.
KEYED = frozenset(str(uuid_of_name(each)) for each in PATIENTS)
# Faults of one storm, and the number of long ones: 200 faults in all, in parts that end within a test's time.
SHORT, LONG, STORMS = 4, 50, 4


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A real server for this test alone."""
    with own_postgres() as server:
        yield server


@pytest.mark.parametrize(
    ("count", "number"),
    [
        pytest.param(SHORT, 0, id="short"),
        *(pytest.param(LONG, each, id=f"{LONG}-{each}", marks=pytest.mark.endurance) for each in range(STORMS)),
    ],
)
def test_a_storm(
    apache: ApacheKafka, server: PostgresServer, tmp_path: Path, seed: int, count: int, number: int
) -> None:
    """Sinks, broker and database are killed and held up, sinks join and end, and each invariant holds."""
    with raised(apache, server, tmp_path) as stage:
        stage.note_moves_back()
        limits = {each: stage.usual_pulse(each) for each in KEYED}
        [(since,)] = ask(stage.url, "SELECT max(timestamp) FROM patient_metrics")
        asyncio.run(set_limits(stage.url, limits))
        storm = [overtake(stage)]
        lots = stage.lots(freezes=count > SHORT)
        storm += faults.storm(lots, seed=seed + number, goes_on=faults.so_many(count))
        until(lambda: all(actor.is_ready() for actor in stage.actors), "not everybody has recovered")
        rest(stage)
        proof = evidence(stage)
        appends = appends_of(apache.bootstrap, TOPIC)
        found = [
            judge(stage.episodes(each), stage.pulses(each, appends), limit, since=since + 2_000)
            for each, limit in limits.items()
        ]
        events = unpublished(apache.bootstrap, ask(stage.url, SEEN), ask(stage.url, WAITING))
        apache.stop()
        judged(
            seed,
            storm,
            *proof,
            verdict_of(found),
            Verdict("Events", not events, f"{events[:5]}"),
            invariants.nothing_left(stage.remains(), stage.logs),
        )


def rest(stage: SharedStage) -> None:
    """Stop the senders, let the sinks store the rest, and stop them."""
    for patient in stage.patients:
        patient.stop()
    stage.keyless.stop()
    until(stage.has_all, "the sinks did not reach the end of the topic, and of the outbox")
    for sink in stage.sinks:
        sink.stop()


def evidence(stage: SharedStage) -> list[Verdict]:
    """Judge what was sent, what the topic has, and what was stored."""
    bootstrap, found = stage.broker.bootstrap, stage.stored()
    acknowledged = [*ledger([log for each in stage.patients for log in each.logs]), *stage.keyless.acknowledged]
    log, followed, back = log_of(bootstrap, TOPIC), stage.followed(), stage.moves_back()
    keyed = [each for each in log if each.key[0] in KEYED]
    told = [Reading(key, ()) for key in followed if key[0] in KEYED]
    in_log, in_journal = invariants.in_order(keyed), invariants.in_order(told)
    once = len(followed) == len(set(followed)) and set(followed) == {each.key for each in found.readings}
    return [
        invariants.nothing_lost(acknowledged, found),
        invariants.exactly_once(found),
        in_log,
        in_journal._replace(name="Journal", holds=in_journal.holds and once),
        invariants.never_ahead([(stage.committed(), found.offsets)]),
        Verdict("Back", not back, f"offsets that moved back: {back or 'none'}"),
        invariants.all_accounted_for(log, ends_of(bootstrap, TOPIC), found),
        invariants.stops_in_time(stage.actors),
        invariants.no_one_fell([*stage.actors, stage.guest]),
        Verdict("Keyless", not stage.keyless.refused, f"{len(stage.keyless.acknowledged)} readings without keys"),
    ]
