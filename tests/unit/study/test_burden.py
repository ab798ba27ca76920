"""Burden of alarms: courses by hand, and simulated ones against a naive count."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from icu.alarms.defaults import WARD
from icu.alarms.statistics import Statistics
from icu.messages import Observation
from icu.patient.errors import RecordingError
from icu.study import burden
from icu.study.burden import SETTINGS, Batch, measure
from icu.study.simulation import Plan
from tests.samples import BORIS, observation

NAMES = ["thresholds alone", "with delay", "with hysteresis", "with all"]


def course(sign: str, values: Sequence[float | None], *, every: float = 5, **fields: Any) -> Iterator[Batch]:
    """A patient with these values of a sign, and healthy ones of the others."""
    for place, value in enumerate(values):
        yield [observation(place * every, interval=every, map=93, **{sign: value}, **fields)]


def raised(found: dict[str, Statistics], condition: str = "spo2.low") -> list[int]:
    """Alarms of a condition by setting."""
    groups = [each.by_condition.get(condition) for each in found.values()]
    return [0 if each is None else each.raised for each in groups]


def test_the_settings_add_one_thing_each() -> None:
    """The last one is the ward's own limits, and the first has nothing but values."""
    assert [each.name for each in SETTINGS] == NAMES
    assert SETTINGS[-1].limits == WARD
    for name, whole in WARD.conditions.items():
        parts = [each.limits.conditions[name] for each in SETTINGS]
        assert [each.values for each in parts] == [whole.values] * 4
        assert [each.delays for each in parts] == [{}, whole.delays, whole.delays, whole.delays]
        assert [each.hysteresis for each in parts] == [0, 0, whole.hysteresis, whole.hysteresis]
        assert [each.off_delay for each in parts] == [0, 0, 0, whole.off_delay]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # A dip that a delay outlasts.
        ([96, 89, 89, 96], [1, 0, 0, 0]),
        # At the limit, to and fro.
        ([96, *[89, 90] * 50], [50, 0, 0, 0]),
        # Low for long, then to and fro: each time for longer than the delay.
        ([96, *[89] * 5, *[90, 89, 89, 89, 89] * 9], [10, 10, 1, 1]),
        # Better by more than the hysteresis, for less than the off-delay.
        ([96, *[89] * 5, 96, *[89] * 5, *[96] * 5], [2, 2, 2, 1]),
    ],
)
def test_what_each_thing_takes_away(values: list[float], expected: list[int]) -> None:
    """Alarms of one condition, counted by hand."""
    assert raised(measure([course("spo2", values)])) == expected


def test_what_a_delay_suppressed_is_counted() -> None:
    """Beside the alarms that there were."""
    found = measure([course("spo2", [96, 89, 89, 96])])
    assert [each.all.suppressed for each in found.values()] == [0, 1, 1, 1]


def test_a_delay_ends_between_two_readings() -> None:
    """A reading an hour is an alarm after its delay, as the ward's own clock would have it."""
    found = measure([course("spo2", [85, 95], every=3_600)])
    assert raised(found) == [1, 1, 1, 1]
    assert [each.by_condition["spo2.low"].duration.longest for each in found.values()][:2] == [3_600, 3_585]


def test_silence_is_an_alarm_too() -> None:
    """A minute without readings, in the middle of a recording, was stale data from 15 s on."""
    readings = [observation(second, interval=5) for second in (0, 5, 10, 70, 75, 80)]
    found = measure([[[each] for each in readings]])
    assert raised(found, "data.stale") == [1, 1, 1, 1]
    assert found["with all"].by_condition["data.stale"].duration.longest == 45


def test_a_latched_alarm_counts_each_time() -> None:
    """Nobody acknowledges it: it is one alarm that was raised again."""
    values = [96, *[78] * 4, *[96] * 4, *[78] * 4, *[96] * 4]
    group = measure([course("spo2", values)])["with all"].by_condition["spo2.low"]
    assert (group.raised, group.raised_again, group.audible) == (1, 1, 1)


def test_beds_have_the_time_of_their_readings() -> None:
    """From the first to the last, and its interval; courses have patients of their own."""
    courses = [course("spo2", [96] * 12), course("spo2", [89] * 24, patient=BORIS)]
    found = measure(courses)["thresholds alone"]
    assert (found.beds, found.watched_hours, found.monitored_hours) == (2, 0.05, None)
    assert found.all.per_bed_day == 480


def test_readings_are_told_as_they_are_replayed() -> None:
    """For a progress bar, each once."""
    told: list[int] = []
    measure([course("spo2", [96] * 3), course("spo2", [96] * 4, patient=BORIS)], on_readings=told.append)
    assert sum(told) == 7


def naive(readings: Sequence[Observation]) -> Counter[str]:
    """Count how often each patient's values went beyond a threshold; flagged and absent ones change nothing."""
    beyond: dict[tuple[object, str], bool] = {}
    counts: Counter[str] = Counter()
    for each in readings:
        for name in ("pulse", "resp_rate", "spo2", "temperature"):
            value = getattr(each, name)
            if value is None or (each.quality is not None and getattr(each.quality, name) is not None):
                continue
            for side, sign in (("low", 1), ("high", -1)):
                part = WARD.conditions.get(f"{name}.{side}")
                if part is None:
                    continue
                limits = [sign * limit for limit in part.values.values() if limit is not None]
                key = each.patient_uuid, f"{name}.{side}"
                now = sign * value < max(limits)
                counts[key[1]] += now and not beyond.get(key, False)
                beyond[key] = now
    return +counts


@pytest.mark.parametrize("seed", [1, 4])
def test_thresholds_alone_are_a_naive_count(seed: int) -> None:
    """Of a simulated ward with artefacts and illness, condition by condition."""
    plan = Plan(patients=10, hours=1, every=5, seed=seed, artefacts=3)
    expected = naive([each for one in burden.simulated(plan) for batch in one for each in batch])
    found = measure(burden.simulated(plan))["thresholds alone"]
    assert {name: raised({"": found}, name)[0] for name in expected} == expected
    assert expected.total() > 20
    assert found.beds == 10


def test_the_same_plan_has_the_same_figures() -> None:
    """And less burden with each setting."""
    plan = Plan(patients=6, hours=1, every=5, seed=3)
    one, other = measure(burden.simulated(plan)), measure(burden.simulated(plan))
    assert one == other
    counts = [each.by_kind["physiological"].raised for each in one.values()]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1] > 0


def test_recordings(tmp_path: Path) -> None:
    """Each file is a patient; missing values raise nothing."""
    (tmp_path / "a.csv").write_text("time,pulse,spo2\n0,70,96\n60,,\n120,70,85\n180,70,\n240,70,96\n")
    (tmp_path / "b.csv").write_text("time,pulse,spo2\n0,130,96\n60,130,96\n")
    found = measure(burden.recorded(tmp_path))
    assert raised(found) == [1, 1, 1, 1]
    assert raised(found, "pulse.high") == [1, 1, 1, 1]
    assert found["with all"].beds == 2


def test_a_folder_without_recordings(tmp_path: Path) -> None:
    """Is an error that says what to put there."""
    with pytest.raises(RecordingError, match="holds no recording"):
        measure(burden.recorded(tmp_path))


def test_readings_of_one_time_are_of_different_patients() -> None:
    """Each patient has alarms of their own."""
    batches = [[observation(5 * place, spo2=89), observation(5 * place, patient=BORIS, spo2=96)] for place in range(9)]
    found = measure([batches])["with all"]
    assert (found.beds, raised({"": found}), found.all.top_tenth_share) == (2, [1], 1)
