"""Size of the upkeep's transactions, by the time that they take."""

import pytest

from icu.store.rollups.pace import LEAST, MOST, TARGET, Pace


class Machine:
    """A machine on which each minute takes so many seconds to write, and each transaction some more."""

    def __init__(self, minute: float, transaction: float = 0.0) -> None:
        self.minute = minute
        self.transaction = transaction
        self._now = 0.0

    def clock(self) -> float:
        """Seconds of a steady clock."""
        return self._now

    def write(self, pace: Pace, *, minutes: int = 1) -> float:
        """Write a transaction of as many units as the pace says. Returns the seconds that it took."""
        written = minutes * pace.units(minutes)
        pace.begin()
        taken = self.transaction + written * self.minute
        self._now += taken
        pace.end(written)
        return taken


@pytest.mark.parametrize("minute", [1e-6, 1e-5, 1e-4])
@pytest.mark.parametrize("first", [1, 300, MOST])
def test_transactions_take_as_long_as_they_should(minute: float, first: int) -> None:
    """Whatever a minute takes, and however large the first was."""
    machine = Machine(minute)
    pace = Pace(machine.clock, first)
    for _ in range(30):
        machine.write(pace)
    expected = min(TARGET, MOST * minute)
    assert expected / 2 <= machine.write(pace) <= expected * 1.01


def test_slow_transactions_become_smaller() -> None:
    """A disk that has become slow is noticed within a few transactions, down to an hour of one patient."""
    machine = Machine(1e-5)
    pace = Pace(machine.clock, 300)
    for _ in range(10):
        machine.write(pace)
    machine.minute = 1.0
    for _ in range(12):
        machine.write(pace)
    assert pace.units(1) == LEAST
    assert pace.units(LEAST) == 1


def test_one_slow_transaction_says_little() -> None:
    """A checkpoint that falls into a transaction halves the next one, and no more."""
    machine = Machine(1e-5)
    pace = Pace(machine.clock, 300)
    for _ in range(10):
        machine.write(pace)
    usual = pace.units(1)
    machine.transaction = 5.0
    machine.write(pace)
    assert pace.units(1) == usual // 2


def test_a_transaction_that_takes_no_time() -> None:
    """A clock that stands still for one does no harm."""
    machine = Machine(0.0)
    pace = Pace(machine.clock, 300)
    for _ in range(20):
        machine.write(pace)
    assert pace.units(1) == MOST
