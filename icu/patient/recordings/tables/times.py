"""Columns of times: dates, clocks and counts become seconds.

A column is looked at whole before it is read, for a single value often has several meanings: 20240501100050 is a date
or a count, 03/04/2024 is in March or in April, 1430 is a clock or a number. A column that allows several meanings as a
whole is refused.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final, Protocol, TypeAlias

from icu.bounds import LAST_YEAR
from icu.patient.recordings.tables import dates
from icu.patient.recordings.tables.cells import KNOWN, number

# Returns seconds since any beginning. Raises ValueError for a text that is no time.
Reader: TypeAlias = Callable[[str], float]

# Seconds.
DAY: Final = 86_400.0

_LAST: Final = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp()
# Units of a second, and the range in which numbers of that unit lie in our years. The ranges do not overlap.
_EPOCHS: Final = ((1.0, -_LAST, _LAST), (1e3, 1e11, _LAST * 1e3), (1e6, 1e14, _LAST * 1e6), (1e9, 1e17, _LAST * 1e9))
# Seconds. Smaller numbers are no date of a measurement: they count from a beginning.
_FIRST_EPOCH: Final = 1e8
# 1970 and 2100, in a spreadsheet's days (from 1899-12-30).
_SPREADSHEET: Final = (25_569.0, 73_051.0)


class _Form(Protocol):
    """A way to write times, which a column follows as long as it accepts every value."""

    def takes(self, text: str) -> bool:
        """Tell if the form accepts this value beside those before it."""
        ...

    def reader(self) -> Reader:
        """Return how to read the column, of which every value was accepted.

        Raises:
            ValueError: The column allows several readings.
        """
        ...


class _Written:
    """A form that a single value decides."""

    def __init__(self, read: Reader) -> None:
        self._read = read

    def takes(self, text: str) -> bool:
        return _or_none(self._read, text) is not None

    def reader(self) -> Reader:
        return self._read


class _Compact(_Written):
    """20260131, 202601311200 or 20260131120000, one of them throughout."""

    def __init__(self) -> None:
        super().__init__(dates.compact)
        self._length = 0

    def takes(self, text: str) -> bool:
        self._length = self._length or len(text)
        return len(text) == self._length and super().takes(text)


class _Dated:
    """Day and month, in the order that the whole column allows."""

    def __init__(self) -> None:
        self._orders = {True, False}

    def takes(self, text: str) -> bool:
        self._orders = {
            each for each in self._orders if _or_none(partial(dates.dated, day_first=each), text) is not None
        }
        return bool(self._orders)

    def reader(self) -> Reader:
        if len(self._orders) > 1:
            raise ValueError("which is the day and which the month cannot be told: write dates as 2026-01-31")
        return partial(dates.dated, day_first=self._orders == {True})


class _Number:
    """A count of some unit, an epoch, a spreadsheet's day, or a clock without its colon."""

    def __init__(self) -> None:
        self.low, self.high = float("inf"), float("-inf")
        self.whole = True
        # True while no value has four decimals, as a spreadsheet's minutes have.
        self._short = True
        # True while each value could be 1420 for 14:20.
        self._clock = True
        # True while each value could be 142005 for 14:20:05.
        self._long_clock = True

    def takes(self, text: str) -> bool:
        value = _or_none(_exact, text)
        if value is None:
            return False
        self.low, self.high = min(self.low, value), max(self.high, value)
        self.whole = self.whole and value == value // 1
        self._short = self._short and len(text.partition(".")[2]) < 4
        self._clock = self._clock and self.whole and 0 <= value < 2_400 and value % 100 < 60
        self._long_clock = self._long_clock and self.whole and 0 <= value < 240_000 and value % 100 < 60
        self._long_clock = self._long_clock and value // 100 % 100 < 60
        return True

    def reader(self) -> Reader:
        per_second = next((each for each, low, high in _EPOCHS if low <= self.low and self.high < high), None)
        if per_second is None:
            raise ValueError(_untold(f"{self.low:g} to {self.high:g}"))
        if per_second == 1 and _SPREADSHEET[0] <= self.low and self.high < _SPREADSHEET[1]:
            return self._spreadsheet()
        if self._clock and self.high >= 100:
            raise ValueError(_untold("a clock, 1420 for 14:20, or a count"))
        return lambda text: number(text) / per_second

    def _spreadsheet(self) -> Reader:
        if self.whole or self._short:
            raise ValueError(_untold("seconds, or days as spreadsheets count them"))
        return lambda text: number(text) * DAY

    def day_reader(self) -> Reader | None:
        """Return how to read the numbers as days; None where they are none."""
        if self.whole and _SPREADSHEET[0] <= self.low and self.high < _SPREADSHEET[1]:
            return lambda text: number(text) * DAY
        return None

    def clock_reader(self) -> Reader | None:
        """Return how to read the numbers as times of a day that another column names; None where they are none."""
        if self._clock:
            return lambda text: dates.clock_of_digits(number(text) * 100)
        if self._long_clock:
            return lambda text: dates.clock_of_digits(number(text))
        if self.low >= 0 and self.high < 1:
            return lambda text: number(text) * DAY
        return None

    @property
    def is_count(self) -> bool:
        """True where the numbers count from a beginning of their own."""
        return self.high < _FIRST_EPOCH and not _SPREADSHEET[0] <= self.low < self.high < _SPREADSHEET[1]


class Times:
    """A column of times. Every value is looked at first, and decides how they are read.

    Args:
        unit: Seconds in a unit of a count; None where the header does not say.
    """

    def __init__(self, unit: float | None = None) -> None:
        self._unit = unit
        self._seen: set[str] = set()
        self._number = _Number()
        self._clock = _Written(dates.clock)
        self._forms: Sequence[_Form] = (
            [self._number] if unit is not None else [*_dates(), _Compact(), self._clock, self._number]
        )

    def look(self, text: str) -> None:
        """Look at a value.

        Raises:
            ValueError: It is no time, or not written as those before it.
        """
        if text in self._seen:
            return
        if not text:
            raise ValueError("there is no time in this row")
        self._forms = [each for each in self._forms if each.takes(text)]
        if not self._forms:
            kind = "time, or not written as those before it" if self._unit is None else "number, or a rounded one"
            raise ValueError(f"{text[:40]!r} is no {kind}: write 2026-01-31T12:00:00Z, or a count with its unit")
        if len(self._seen) >= KNOWN:
            self._seen.clear()
        self._seen.add(text)

    def reader(self) -> Reader:
        """Return how to read the column by itself.

        Raises:
            ValueError: It allows several readings.
        """
        unit = self._unit
        return self._forms[0].reader() if unit is None else lambda text: number(text) * unit

    @property
    def lacks_unit(self) -> bool:
        """True where it counts from a beginning, in a unit that the header does not say."""
        return self._unit is None and self._forms[0] is self._number and self._number.is_count

    @property
    def may_be_of_a_day(self) -> bool:
        """True where all its numbers fit into a day, in their unit."""
        return (
            self._forms[0] is self._number and self._number.low >= 0 and (self._number.high * (self._unit or 1) <= DAY)
        )

    def clock_reader(self) -> Reader | None:
        """Return how to read the column as times of a day that another column names; None where it has dates."""
        if self._forms[0] is self._clock:
            return dates.clock
        return self._number.clock_reader() if self._unit is None and self._forms[0] is self._number else None

    def day_reader(self) -> Reader:
        """Return how to read the column as days.

        Raises:
            ValueError: It has none.
        """
        if self._forms[0] is self._number and (reader := self._number.day_reader()):
            return reader
        if self._forms[0] in (self._number, self._clock):
            raise ValueError("is no date: write dates as 2026-01-31")
        return partial(_whole_day, self._forms[0].reader())


def looks_like_date(text: str) -> bool:
    """Tell if a cell is a date with a time, whatever the name of its column."""
    return len(text) > len("2026-01-31") and any(each.takes(text) for each in _dates())


def _dates() -> Sequence[_Form]:
    return [_Written(dates.iso), _Written(dates.year_first), _Dated()]


def _untold(meanings: str) -> str:
    return f"what its numbers mean cannot be told ({meanings}): write the unit into the header, such as time (s)"


def _or_none(read: Reader, text: str) -> float | None:
    try:
        return read(text)
    except (ValueError, OverflowError):
        return None


def _exact(text: str) -> float:
    """Parse a number with all its digits: a spreadsheet's 1.71456E+12 has lost the seconds."""
    value = number(text)
    mantissa, _, exponent = text.lower().partition("e")
    if exponent and int(exponent) > len(mantissa.partition(".")[2]):
        raise ValueError(f"{text[:40]!r} is a rounded number")
    return value


def _whole_day(reader: Reader, text: str) -> float:
    seconds = reader(text)
    if seconds % DAY:
        raise ValueError(f"{text[:40]!r} is more than a day, and another column has the time: remove one")
    return seconds
