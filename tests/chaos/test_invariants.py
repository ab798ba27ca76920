"""Tests of the invariants: each fails where its rule is broken."""

from pathlib import Path

import pytest

from tests.chaos import invariants
from tests.chaos.actors import Actor, Stop
from tests.chaos.evidence import Acknowledged, Reading, Stored
from tests.chaos.faults import Happening
from tests.chaos.invariants import Recovery, Verdict

FIRST, SECOND = Reading(("anna", 1_000), (7_200, None)), Reading(("anna", 2_000), (7_300, None))
BOTH = [FIRST, SECOND]
LEDGER = [Acknowledged(10.5, FIRST), Acknowledged(11.5, SECOND)]
KEY = {"patient_id", "timestamp"}


def database(*readings: Reading, dead_letters: int = 0, key: set[str] = KEY) -> Stored:
    """Make a database with these rows."""
    return Stored(list(readings), dead_letters, {}, key)


def actor(*stops: Stop, fallen: tuple[str, ...] = ()) -> Actor:
    """Make an actor that never ran, with a history."""
    made = Actor("sink", [], Path())
    made.stops, made.fallen = list(stops), list(fallen)
    return made


def test_good_evidence_passes(tmp_path: Path) -> None:
    """A duplicate in the log, a dead letter and an unused offset break no invariant."""
    log = tmp_path / "sink-1.log"
    log.write_text("all is well\n")
    good = [
        invariants.nothing_lost(LEDGER, database(*BOTH)),
        invariants.exactly_once(database(*BOTH)),
        invariants.in_order([FIRST, SECOND, FIRST]),
        invariants.never_ahead([({0: 1}, {0: 2})]),
        invariants.all_accounted_for([FIRST, SECOND, FIRST], {0: 2, 1: 1}, database(*BOTH)),
        invariants.stops_in_time([actor(Stop(14, 0))]),
        invariants.resumes_soon([Recovery(10, 2.9, 0), Recovery(11, 3.5, 0.6)], [], LEDGER),
        invariants.no_one_fell([actor()]),
        invariants.nothing_left([], [log]),
    ]
    assert not [str(each) for each in good if not each.holds]


@pytest.mark.parametrize(
    "verdict",
    [
        pytest.param(invariants.nothing_lost([], database()), id="nothing was acknowledged"),
        pytest.param(invariants.nothing_lost(LEDGER, database(FIRST)), id="one is missing"),
        pytest.param(
            invariants.nothing_lost(LEDGER, database(FIRST, SECOND._replace(signs=(1, 1)))), id="other values"
        ),
        pytest.param(invariants.exactly_once(database(FIRST, FIRST)), id="stored twice"),
        pytest.param(invariants.exactly_once(database(FIRST, key=set())), id="could be stored twice"),
        pytest.param(invariants.in_order([SECOND, FIRST]), id="out of order"),
        pytest.param(invariants.never_ahead([({0: 1}, {0: 1}), ({0: 2}, {0: 1})]), id="committed too early"),
        pytest.param(invariants.all_accounted_for(BOTH, {0: 2}, database(FIRST)), id="a row too few"),
        pytest.param(invariants.all_accounted_for([FIRST], {0: 1}, database(*BOTH)), id="a row too many"),
        pytest.param(invariants.all_accounted_for([FIRST], {0: 2}, database(*BOTH)), id="a log that was not read"),
        pytest.param(invariants.stops_in_time([actor(Stop(15.1, 0))]), id="stopped too late"),
        pytest.param(invariants.stops_in_time([actor(Stop(1, 70))]), id="stopped badly"),
        pytest.param(invariants.stops_in_time([actor()]), id="never stopped"),
        pytest.param(invariants.resumes_soon([Recovery(10, 3.1, 0)], [], LEDGER), id="resumed too late"),
        pytest.param(
            invariants.resumes_soon([Recovery(10, 1, 0)], [Happening("broker", "kill", 9, 12)], LEDGER),
            id="nothing could be measured",
        ),
        pytest.param(invariants.resumes_soon([Recovery(20, 1, 0)], [], LEDGER), id="nothing was to be stored"),
        pytest.param(invariants.no_one_fell([actor(fallen=("sink-1.log",))]), id="ended by itself"),
        pytest.param(invariants.nothing_left(["port 8000"], []), id="a port is held"),
    ],
)
def test_bad_evidence_does_not(verdict: Verdict) -> None:
    """Evidence that breaks an invariant makes it fail."""
    assert not verdict.holds, str(verdict)


@pytest.mark.parametrize("stain", ["Task was destroyed but it is pending", "exception was never retrieved", "Unclosed"])
def test_a_stain_in_a_log_does_not(tmp_path: Path, stain: str) -> None:
    """A leak that only a log mentions makes the invariant fail."""
    log = tmp_path / "sink-1.log"
    log.write_text(f"all is well\n{stain} ...\n")
    assert not invariants.nothing_left([], [log]).holds
