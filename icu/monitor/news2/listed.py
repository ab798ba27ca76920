"""NEWS2 in the list of patients: the same as the route's, from values that are kept in memory.

A text is made when a reading has changed, or when a value has become too old: it says for how long it holds.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

import msgspec

from icu.monitor.news2.answers import listed_answer
from icu.store.doubts import words_of
from icu.store.readings import LAG, TIMESTAMP, Cache, ReadingRow
from icu.store.tables.readings import COLUMNS
from icu.vitals.catalogue import SPO2, SYSTOLIC
from icu.vitals.news2.chart import Consciousness, Scale
from icu.vitals.news2.inputs import MaxAges
from icu.vitals.news2.score import ASSUMED, SIGNS, Entered, Inputs, bands_of, points_entered

# Of a row: the signs in their order.
_PLACES: Final = tuple(COLUMNS.index(each.name) for each in SIGNS)
_SYSTOLIC: Final = SIGNS.index(SYSTOLIC)
_SPO2: Final = COLUMNS.index(SPO2.name)
_SPAN: Final = slice(min(_PLACES), max(_PLACES) + 1)
_MEASURED: Final = COLUMNS.index("bp_measured_at")
_QUALITY: Final = COLUMNS.index("quality")

# Milliseconds: beyond all ages.
_EVER: Final = 1 << 62

_Points: TypeAlias = tuple[int | None, ...]


class Text(NamedTuple):
    """Score as JSON."""

    json: str
    # Ages of the latest reading, in milliseconds, between which it holds; of the first no more.
    since: int
    until: int


class Scoring:
    """Last valid values of a patient, and what else the score depends on.

    Args:
        max_ages: Rule for the greatest ages of values.
        interval: Of the sender, in seconds; None if it states none.
        rows: Readings with the last valid values, in any order.
    """

    __slots__ = (
        "_ages",
        "_arrived",
        "_candidates",
        "_complete",
        "_entered",
        "_least",
        "_max_ages",
        "_points",
        "_pressure",
        "_texts",
        "_time",
    )

    def __init__(self, max_ages: MaxAges, interval: float | None, rows: Iterable[ReadingRow]) -> None:
        self._max_ages = max_ages
        self.state(interval)
        self._entered = ASSUMED
        self._points, self._texts = _tables(ASSUMED.oxygen, ASSUMED.consciousness, ASSUMED.scale, assumed=True)
        # By sign, readings with a valid value, the newest first. Behind it stand only such as arrived later: they count
        # once the arrival of the first is too long ago, which a clock that was ahead had dated wrong.
        self._candidates: Sequence[Sequence[ReadingRow]] = ((),) * len(SIGNS)
        # Reading that has the last valid value of all signs; None if there are several.
        self._complete: ReadingRow | None = None
        # Newest time, arrival, and time of a pressure, of all readings.
        self._time = self._arrived = self._pressure = -_EVER
        for row in rows:
            self.take(row)

    def state(self, interval: float | None) -> None:
        """Take in the interval that the sender states."""
        self._ages = self._max_ages.of(interval)
        self._least = min(self._ages)

    def enter(self, entered: Entered) -> bool:
        """Take in the inputs that people enter. Tell if they are others than before."""
        if entered == self._entered:
            return False
        self._entered = entered
        self._points, self._texts = _tables(
            entered.oxygen, entered.consciousness, entered.scale, assumed=entered == ASSUMED
        )
        return True

    def take(self, row: ReadingRow) -> None:
        """Take in a reading that was stored, in any order of time."""
        time, measured = row[TIMESTAMP], row[_MEASURED]
        arrived, pressure = time + row[LAG], time if measured is None else measured
        if time > self._time and arrived >= self._arrived and pressure >= self._pressure:
            self._time, self._arrived, self._pressure = time, arrived, pressure
            if row[_QUALITY] is None and None not in row[_SPAN] and row[_SPO2]:
                self._complete = row  # as nearly all readings are
                return
            self._take(row, lambda _candidates, _place: (row,))
        else:
            self._time, self._arrived = max(time, self._time), max(arrived, self._arrived)
            self._pressure = max(pressure, self._pressure)
            self._take(row, lambda candidates, place: _with(row, candidates, place))

    def text(self, latest: ReadingRow) -> tuple[str, int]:
        """Encode the score of the moment at which the latest reading arrived.

        Returns:
            JSON, and the milliseconds for which it holds.
        """
        # Unpacked by name, for this is done for nearly all readings.
        _, time, _, pulse, resp_rate, systolic, _, spo2, temperature, _, measured, _ = latest
        until = self._least
        if measured is not None:
            until = min(until, self._ages.systolic - time + measured)
        if self._complete is not latest or until < 0:
            aged = self.aged(latest, 0)
            return aged.json, aged.until
        rates, saturations, pressures, pulses, temperatures = self._points
        points = rates[resp_rate], saturations[spo2], pressures[systolic], pulses[pulse], temperatures[temperature]
        return self._texts[points], until

    def aged(self, latest: ReadingRow, age: int) -> Text:
        """Encode the score at another moment.

        Args:
            latest: The latest reading: it says what time it is by the sender's clock.
            age: Milliseconds since it arrived.
        """
        since, until = -1, _EVER
        points: list[int | None] = []
        for place, candidates in enumerate(self._all_candidates()):
            for row in candidates:
                left = self._ages[place] - _ahead(latest, row, place)
                if left >= age:
                    until = min(until, left)
                    points.append(self._points[place][row[_PLACES[place]]])
                    break
                since = max(since, left)
            else:
                points.append(None)
        return Text(self._texts[tuple(points)], since, until)

    def _take(self, row: ReadingRow, add: Callable[[Sequence[ReadingRow], int], Sequence[ReadingRow]]) -> None:
        self._candidates = [
            add(each, place) if _counts(row, place) else each for place, each in enumerate(self._all_candidates())
        ]
        self._complete = None

    def _all_candidates(self) -> Sequence[Sequence[ReadingRow]]:
        return self._candidates if self._complete is None else ((self._complete,),) * len(SIGNS)


def _with(row: ReadingRow, candidates: Sequence[ReadingRow], place: int) -> Sequence[ReadingRow]:
    """Add a reading to the candidates of a sign, and leave out those that can never count any more."""
    order, arrived = _order(row, place), _arrived(row)
    if any(_order(each, place) >= order and _arrived(each) >= arrived for each in candidates):
        return candidates
    left = [each for each in candidates if _order(each, place) > order or _arrived(each) > arrived]
    return sorted([*left, row], key=lambda each: _order(each, place), reverse=True)


def _counts(row: ReadingRow, place: int) -> bool:
    value, quality = row[_PLACES[place]], row[_QUALITY]
    if value is None or (not value and _PLACES[place] == _SPO2):
        return False
    return quality is None or SIGNS[place].name not in words_of(quality)


def _order(row: ReadingRow, place: int) -> tuple[int, int]:
    return _valid_at(row, place), row[TIMESTAMP]


def _valid_at(row: ReadingRow, place: int) -> int:
    measured = row[_MEASURED] if place == _SYSTOLIC else None
    return int(row[TIMESTAMP] if measured is None else measured)


def _arrived(row: ReadingRow) -> int:
    return int(row[TIMESTAMP] + row[LAG])


def _ahead(latest: ReadingRow, row: ReadingRow, place: int) -> int:
    """Milliseconds that the latest reading is ahead of a value, by the sender's clock or by arrival."""
    return max(int(latest[TIMESTAMP]) - _valid_at(row, place), _arrived(latest) - _arrived(row))


# As many as there are ways to enter them.
@lru_cache(maxsize=64)
def _tables(
    oxygen: bool,
    consciousness: Consciousness,
    scale: Scale,
    *,
    assumed: bool,
) -> tuple[Sequence[Cache[int, int]], Cache[_Points, str]]:
    """Points of each sign by value in hundredths, and scores as JSON by the points of the signs."""
    entered = Entered(oxygen, consciousness, scale)

    def encode(points: _Points) -> str:
        known = {name: each for name, each in zip(Inputs._fields, points, strict=True) if each is not None}
        return msgspec.json.encode(listed_answer({**known, **points_entered(entered)}, assumed=assumed)).decode()

    return [Cache(each.score) for each in bands_of(entered)], Cache(encode)
