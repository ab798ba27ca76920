"""What monitors stored themselves: series of one sign each, at times of their own, become rows.

Such a series is no careful table. A sign may have several sources, a 0 stands where the probe was off, and a line that
is flushed or zeroed leaves pressures that nobody has. Nothing is made up for what is missing, and nothing is averaged:
a row holds the first value that was measured in its second. A second begins half of one before the whole one, so that
a monitor whose seconds are a little short or long does not lose every other value.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from icu.errors import RecordingError
from icu.patient.recordings.recording import DECIMALS, LONGEST, RANGES, YEARS, Recording, Row
from icu.vitals.signs import VitalSigns, plain

Series: TypeAlias = Sequence[tuple[float, float]]
"""Seconds since any beginning, and values; NaN is none."""

_APART: Final = 0.002
"""Seconds between two rows at least: more than the store's resolution, whatever binary fractions make of it."""

_FOREIGN: Final = frozenset({"kpa", "f", "degf", "fahrenheit"})


class Name(NamedTuple):
    """A source of signs by the names that monitors give it, written as `known_as` writes them."""

    signs: Mapping[str, str]
    """Sign to name. A pressure belongs together: its parts are never taken from two sources."""
    electrodes: bool = False
    """Whether it comes from the electrodes on the chest."""


class Source(NamedTuple):
    """Where signs come from in one recording."""

    signs: Mapping[str, Series]
    electrodes: bool = False


@dataclass(slots=True)
class _Second:
    """What was stored in one second: the time of it, and for each source, by its position, the measured values."""

    begin: float
    measured: dict[int, dict[str, float]] = field(default_factory=dict)


def known_as(name: str) -> str:
    """A name without what differs between monitors: `ABP Sys` and `ABPSys`, `%SpO2` and `SpO2`."""
    return "".join(filter(str.isalnum, name.lower()))


def check_unit(path: Path, name: str, unit: str) -> None:
    """Refuse a sign that is measured in another unit than ours, before its values are taken for a patient's."""
    if known_as(unit) in _FOREIGN:
        raise RecordingError(f"{path}: {name} is in {unit}: a recording has pressures in mmHg and temperatures in C")


def recording_of(path: Path, sources: Sequence[Source]) -> Recording:
    """Rows from sources, the preferred ones first. RecordingError where nothing was measured."""
    seconds, impossible = _seconds(path, sources)
    rows: list[Row] = []
    last = -_APART
    for second in seconds:
        last = max(second.begin, last + _APART)
        signs, wrong = _combined(second.measured, sources)
        impossible += wrong
        if signs:
            rows.append(Row(last, VitalSigns(**signs)))
    if not rows:
        raise RecordingError(f"{path} holds no vital sign that was measured")
    return Recording(rows, last, len(seconds) - len(rows), impossible)


def _seconds(path: Path, sources: Sequence[Source]) -> tuple[list[_Second], int]:
    """All that was stored, by second, and how many values cannot have been measured."""
    found: dict[int, _Second] = {}
    begin = _begin(path, sources)
    impossible = sum(
        _sort_in(found, position, sign, begin, source.signs[sign])
        for position, source in enumerate(sources)
        for sign in source.signs
    )
    return [found[number] for number in sorted(found)], impossible


def _sort_in(found: dict[int, _Second], position: int, sign: str, begin: float, series: Series) -> int:
    """Put each value into its second; returns how many cannot have been measured."""
    low, high = RANGES[sign]
    impossible = 0
    for moment, stored in sorted(series, key=itemgetter(0)):
        elapsed = moment - begin
        number = math.floor(elapsed + 0.5)
        second = found.get(number)
        if second is None:
            second = found[number] = _Second(elapsed)
        elif elapsed < second.begin:
            second.begin = elapsed
        value = round(stored, DECIMALS)  # before it is compared with 0: a scaled 0 is not always quite one
        if low <= value <= high and (value or sign == "resp_rate"):
            second.measured.setdefault(position, {}).setdefault(sign, plain(value))
        elif value and not math.isnan(value):
            impossible += 1
    return impossible


def _begin(path: Path, sources: Sequence[Source]) -> float:
    """The time of the first value. RecordingError where the times are no course of a patient."""
    moments = [moment for source in sources for series in source.signs.values() for moment, _ in series]
    if not moments:
        raise RecordingError(f"{path} holds no vital sign that was measured")
    if not max(moments) - min(moments) <= LONGEST or not all(map(math.isfinite, moments)):
        raise RecordingError(f"{path}: its times do not lie within {YEARS} years of each other")
    return min(moments)


def _combined(
    measured: Mapping[int, Mapping[str, float]], sources: Sequence[Source]
) -> tuple[Mapping[str, float], int]:
    """The signs of one second from the best source of each that has some, and how many values were impossible."""
    signs: dict[str, float] = {}
    wrong = 0
    beats = False
    for position in sorted(measured):
        found = measured[position]
        if found.get("systolic", math.inf) < found.get("diastolic", -math.inf):
            wrong += len(found)
        elif not signs.keys() & sources[position].signs.keys():
            electrodes = sources[position].electrodes
            beats |= electrodes and "pulse" in found
            signs |= _without_idle_breaths(found, apnoea=electrodes and beats)
    return signs, wrong


def _without_idle_breaths(found: Mapping[str, float], *, apnoea: bool) -> Mapping[str, float]:
    """No breaths are apnoea while the electrodes that count them count heart beats, and a sensor that is off else."""
    return found if apnoea or found.get("resp_rate") != 0 else {}


def chosen(names: Iterable[Name], series: Mapping[str, Series]) -> Iterator[Source]:
    """The sources that a recording has, of those that are known, in the same order."""
    for name in names:
        signs = {sign: series[known] for sign, known in name.signs.items() if known in series}
        if signs:
            yield Source(signs, name.electrodes)
