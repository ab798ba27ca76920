"""Identities of episodes: no two are the same, and so no event of one is taken for a repeat of another's."""

from icu.alarms.defaults import WARD
from icu.alarms.limits import NO_OVERRIDES, ConditionLimits, change
from tests.alarms import NORMAL, Bed, row_of


def events(bed: Bed) -> list[tuple[object, int]]:
    """Return what tells the events of the outbox apart: consumers drop repeats of it."""
    return [(each.episode.id, each.episode.version) for each in bed.outbox]


def test_limits_that_change_twice_in_a_millisecond() -> None:
    """A pending alarm that other limits end, and yet others begin anew, is another one; it is raised by its delay."""
    bed = Bed()
    bed.send(0)
    bed.send(5, spo2=85)
    bed.limit(spo2_low={"medium": 85})
    bed.limit(spo2_low={"medium": 90})
    assert [each.end_reason for each in bed.table.values()] == ["limits changed", None]
    for seconds in (10, 15, 20):
        bed.send(seconds, spo2=85)
    assert bed.one("spo2.low").is_open


def test_an_alarm_at_once_by_limits_that_change_twice() -> None:
    """An alarm that limits have raised, ended and raised again within a millisecond is told twice, as two."""
    bed = Bed()
    bed.send(0, spo2=85)
    patient = NO_OVERRIDES
    for value in (80, 90, 80, 90):
        patient = change(patient, {"spo2.low": ConditionLimits({"medium": value}, {"medium": 0})})
        bed.use(WARD, patient)
    assert bed.events("spo2.low") == ["start", "end", "start"]
    assert len(bed.alarms("spo2.low")) == 2
    assert len(set(events(bed))) == len(events(bed))


def test_measurements_ahead_of_their_arrival_in_one_batch() -> None:
    """A cuff's low pressures between good ones are an alarm each, though their event is the same: their arrival."""
    bed = Bed()
    bed.send(0)
    rows = []
    for number, mean in enumerate((45, 93, 45, 93)):
        time = bed.on_clock(600 + 5 * number)
        rows.append(row_of(time, bed.now, {**NORMAL, "map": mean}, time))
    bed.take(rows)
    assert [each for each in bed.events("map.low") if each != "update"] == ["start", "end"] * 2
    assert len(bed.alarms("map.low")) == 2
    assert len(set(events(bed))) == len(events(bed))
