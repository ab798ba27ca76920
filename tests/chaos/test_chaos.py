"""Real processes under kill -9, SIGSTOP and SIGTERM: every acknowledged reading is stored once, in order, and soon."""

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from tests.brokers import ApacheKafka, own_kafka
from tests.chaos import faults, invariants
from tests.chaos.evidence import Acknowledged, Reading, Stored, count, ends_of, ledger, log_of, stored
from tests.chaos.faults import Happening, Lot, Victim
from tests.chaos.invariants import Verdict
from tests.chaos.stage import TOPIC, Stage, raised, until

# Seconds of faults in which most are hit.
SHORT = 8.0

# Seconds of faults that are enough for a naive sink to fail.
ENOUGH = 12.0

# Seconds of faults in which each role and the broker are hit several times.
LONG = 45.0

# Deaths of the sink while all is well, which can always be measured.
KILLS_IN_PEACE = 2

# Rows between two deaths, so that the second one comes in the midst of work.
SOME = 20


@pytest.fixture
def apache(tmp_path: Path) -> Iterator[ApacheKafka]:
    """A real broker that does not run yet."""
    with own_kafka(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def seed() -> int:
    """The seed of all faults: another one each time, unless ICU_CHAOS_SEED repeats one."""
    seed = int(os.environ.get("ICU_CHAOS_SEED") or secrets.randbelow(1_000_000))
    print(_repro(seed))
    return seed


class Proof(NamedTuple):
    """All evidence of a stage, collected at the end."""

    acknowledged: list[Acknowledged]
    log: list[Reading]
    ends: Mapping[int, int]
    found: Stored


@pytest.mark.parametrize("seconds", [SHORT, pytest.param(LONG, marks=pytest.mark.endurance)])
def test_a_storm(apache: ApacheKafka, tmp_path: Path, seed: int, seconds: float) -> None:
    """Every role and the broker are killed, suspended and stopped at random, and each invariant holds."""
    with raised(apache, tmp_path) as stage:
        storm = faults.storm(_lots(stage), seed=seed, goes_on=faults.within(seconds))
        until(lambda: all(actor.is_ready() for actor in stage.actors), "not everybody has recovered")
        for _ in range(KILLS_IN_PEACE):
            stage.kill_sink()
        rows = count(stage.database)
        until(lambda: count(stage.database) > rows + SOME, "nobody goes on")
        stage.sink.kill()
        moments = [(stage.committed(), stored(stage.database).offsets)]
        stage.sink.start()
        proof = _end(stage)
        moments.append((stage.committed(), proof.found.offsets))
        apache.stop()
        judged(
            seed,
            storm,
            invariants.nothing_lost(proof.acknowledged, proof.found),
            invariants.exactly_once(proof.found),
            invariants.in_order(proof.log),
            invariants.never_ahead(moments),
            invariants.all_accounted_for(proof.log, proof.ends, proof.found),
            invariants.stops_in_time(stage.actors),
            invariants.resumes_soon(stage.recoveries, storm, proof.acknowledged),
            invariants.no_one_fell(stage.actors),
            invariants.nothing_left(stage.remains(), stage.logs),
        )


@pytest.mark.endurance
def test_a_naive_sink_does_not_pass(apache: ApacheKafka, tmp_path: Path, seed: int) -> None:
    """The invariants tell a sink that commits by itself and inserts row by row from ours."""
    with raised(apache, tmp_path, naive=True) as stage:
        faults.storm(_lots(stage), seed=seed, goes_on=faults.within(ENOUGH))
        # In the storm it may never get a partition: its group waits for a killed member until the next kill.
        for _ in range(KILLS_IN_PEACE):
            stage.kill_sink()
        proof = _end(stage)
        lost = invariants.nothing_lost(proof.acknowledged, proof.found)
        accounted = invariants.all_accounted_for(proof.log, proof.ends, proof.found)
        print(lost, invariants.exactly_once(proof.found), accounted, sep="\n")
        assert not (lost.holds and accounted.holds), _repro(seed)


def _lots(stage: Stage) -> dict[str, Lot]:
    """Return the possible faults of each victim."""

    def kill_sink(victim: Victim, random: Random) -> None:
        stage.kill_sink()

    usual = (faults.kill, faults.suspend, faults.stop)
    return {
        "broker": Lot(stage.broker, (faults.kill, faults.kill, faults.suspend, faults.freeze), (6, 10)),
        "sink": Lot(stage.sink, (kill_sink, kill_sink, faults.suspend, faults.stop), (1, 3)),
        **{actor.name: Lot(actor, usual, (3, 7)) for actor in (stage.monitor, *stage.patients)},
    }


def _end(stage: Stage) -> Proof:
    """Stop the patients, let the sink store the rest, stop the other actors, and read all evidence."""
    for patient in stage.patients:
        patient.stop()
    until(stage.is_drained, "the sink did not reach the log's end")
    for actor in (stage.sink, stage.monitor):
        actor.stop()
    bootstrap = stage.broker.bootstrap
    logs = [log for patient in stage.patients for log in patient.logs]
    return Proof(ledger(logs), log_of(bootstrap, TOPIC), ends_of(bootstrap, TOPIC), stored(stage.database))


def judged(seed: int, storm: Sequence[Happening], *verdicts: Verdict) -> None:
    """Print all verdicts, and fail where one is bad."""
    for each in storm:
        print(f"{each.began - storm[0].began:5.1f} s: {each.fault} {each.victim}, {each.ended - each.began:.1f} s")
    print(*verdicts, sep="\n")
    failures = [str(each) for each in verdicts if not each.holds]
    assert not failures, "\n".join([_repro(seed), *failures])


def _repro(seed: int) -> str:
    return f"ICU_CHAOS_SEED={seed} python -m pytest tests/chaos -m 'endurance or not endurance'"
