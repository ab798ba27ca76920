"""Invariants, which hold after any storm. Each returns its findings and a verdict."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.chaos.actors import Actor
from tests.chaos.evidence import Acknowledged, Key, Reading, Signs, Stored
from tests.chaos.faults import Happening

# Seconds from SIGTERM to the end.
STOPPED = 15.0

# Seconds from kill -9 of the sink to the next row.
RESUMED = 3.0

# What no log holds, however its process was treated.
STAINS = "Task was destroyed|never retrieved|Unclosed|Traceback"


class Verdict(NamedTuple):
    """Outcome of an invariant."""

    name: str
    holds: bool
    figures: str

    def __str__(self) -> str:
        return f"{self.name} {'PASS' if self.holds else 'FAIL'} {self.figures}"


class Recovery(NamedTuple):
    """A kill -9 of the sink, in seconds since 1970, and the seconds until the next row, or until the wait was given up.

    `starved` seconds of them the sink waited for a processor: other roles are started on the same few.
    """

    at: float
    seconds: float
    starved: float


def nothing_lost(acknowledged: Sequence[Acknowledged], found: Stored) -> Verdict:
    """I1: every acknowledged reading is in the database, with its values."""
    kept = dict(found.readings)
    missing = [each for each in acknowledged if each.reading.key not in kept]
    other = [each for each in acknowledged if kept.get(each.reading.key, each.reading.signs) != each.reading.signs]
    figures = f"{len(acknowledged)} readings acknowledged, {len(missing)} missing, {len(other)} with other values"
    return Verdict("I1", bool(acknowledged) and not missing and not other, figures)


def exactly_once(found: Stored) -> Verdict:
    """I2: no reading is stored twice, nor can be."""
    distinct = len({reading.key for reading in found.readings})
    guarded = found.primary_key == {"patient_id", "timestamp"}
    figures = f"{len(found.readings)} rows, {distinct} of them distinct, {'a' if guarded else 'no'} primary key"
    return Verdict("I2", distinct == len(found.readings) and guarded, figures)


def in_order(log: Iterable[Reading]) -> Verdict:
    """I3: the readings of each patient are in the log in the order of their times."""
    last: dict[str, int] = {}
    late = 0
    first = _first(log)
    for patient, timestamp in first:
        late += timestamp < last.get(patient, 0)
        last[patient] = max(timestamp, last.get(patient, 0))
    return Verdict(
        "I3", bool(first) and not late, f"{len(first)} readings of {len(last)} patients, {late} out of order"
    )


def never_ahead(moments: Sequence[tuple[Mapping[int, int], Mapping[int, int]]]) -> Verdict:
    """I4: every offset committed to the broker is stored. Each moment holds the committed and the stored offsets."""
    ahead = [
        f"{partition}: {offset} > {offsets.get(partition, 0)}"
        for committed, offsets in moments
        for partition, offset in committed.items()
        if offset > offsets.get(partition, 0)
    ]
    sums = ", ".join(f"{sum(committed.values())} of {sum(offsets.values())}" for committed, offsets in moments)
    return Verdict("I4", bool(moments) and not ahead, f"committed of stored: {sums}; ahead: {ahead or 'none'}")


def all_accounted_for(log: Sequence[Reading], ends: Mapping[int, int], found: Stored) -> Verdict:
    """I5: each record of the log is a row, a dead letter or a repetition of an earlier record."""
    first = _first(log)
    again = len(log) - len(first)
    contradictions = sum(first[reading.key] != reading.signs for reading in log)
    end, rows = sum(ends.values()), len(found.readings)
    holds = end == len(log) == rows + again + found.dead_letters and not contradictions
    figures = f"log end {end} = {rows} rows + {found.dead_letters} dead letters + {again} duplicates"
    return Verdict("I5", holds, f"{figures}, {contradictions} contradictions")


def stops_in_time(actors: Sequence[Actor]) -> Verdict:
    """I8: every role stops within its time, with exit code 0."""
    longest = {each.name: max((stop.seconds for stop in each.stops), default=None) for each in actors}
    bad = [(each.name, *stop) for each in actors for stop in each.stops if stop.seconds > STOPPED or stop.code]
    seconds_each = ", ".join(f"{name} {seconds:.1f}" for name, seconds in longest.items() if seconds is not None)
    figures = (
        f"{sum(len(each.stops) for each in actors)} stops, the longest in s: {seconds_each}; bad ones: {bad or 'none'}"
    )
    return Verdict("I8", not bad and None not in longest.values(), figures)


def resumes_soon(
    recoveries: Sequence[Recovery], storm: Sequence[Happening], acknowledged: Sequence[Acknowledged]
) -> Verdict:
    """I10: with the broker up and something to store, the next row comes soon after kill -9 of the sink."""
    measured = [each for each in recoveries if _is_fair(each, storm, acknowledged)]
    # The broker, whose answers it needs, waits for a processor as long as the sink does.
    holds = bool(measured) and all(each.seconds - 2 * each.starved <= RESUMED for each in measured)
    times = " ".join(
        f"{each.seconds:.2f}-{each.starved:.2f}" for each in sorted(measured, key=lambda each: each.seconds)
    )
    figures = (
        f"{len(measured)} of {len(recoveries)} kills of the sink measured, seconds less twice those without a processor"
    )
    return Verdict("I10", holds, f"{figures}: {times}")


def no_one_fell(actors: Iterable[Actor]) -> Verdict:
    """No role ends by itself."""
    fallen = [life for actor in actors for life in actor.fallen]
    return Verdict("Alive", not fallen, f"ended by themselves: {fallen or 'none'}")


def nothing_left(remains: Sequence[str], logs: Sequence[Path]) -> Verdict:
    """I13: no process, port or lock is left, and no log mentions a leak."""
    lines = [(log.name, line) for log in logs for line in log.read_text().splitlines() if re.search(STAINS, line)]
    stains = [f"{name}: {line[:300]}" for name, line in lines]
    figures = f"{len(logs)} logs, left behind: {remains or 'nothing'}, stains: {stains or 'none'}"
    return Verdict("I13", not remains and not stains, figures)


def _first(log: Iterable[Reading]) -> dict[Key, Signs]:
    """Return the first record of each reading, in the order of the log."""
    first: dict[Key, Signs] = {}
    for reading in log:
        first.setdefault(reading.key, reading.signs)
    return first


def _is_fair(kill: Recovery, storm: Iterable[Happening], acknowledged: Iterable[Acknowledged]) -> bool:
    """Check that no fault hit the broker meanwhile, and that it accepted a reading soon after the kill."""
    begin, end = kill.at - 2, kill.at + max(kill.seconds, RESUMED)
    broken = any(each.victim == "broker" and each.began < end and each.ended > begin for each in storm)
    return not broken and any(kill.at < each.at < kill.at + RESUMED / 2 for each in acknowledged)
