"""Smallest age of a sender's readings at their arrival, of the last ten minutes: the offset of its clock.

A reading that is much older comes from a backlog, whatever the offset: a sender whose clock is two minutes slow has
alarms as anybody.
"""

from typing import Final

from msgspec import Struct

# Two halves of the ten minutes, of which the older one is dropped as a whole. Milliseconds.
_HALF: Final = 300_000
# Least age of a backlog above the smallest one.
_BACKLOG: Final = 60_000
# Offset of a clock that is wrong, and the time for which it must hold.
_OFFSET: Final = 60_000


class Ages(Struct, frozen=True, gc=False):
    """Smallest ages, in milliseconds; negative if the sender's clock is ahead. Times are the server's."""

    # First arrival.
    since: int
    # End of the running half, its smallest age, and that of the half before it.
    until: int
    running: int
    before: int | None = None

    @property
    def least(self) -> int:
        """Smallest age."""
        return self.running if self.before is None else min(self.running, self.before)

    def backlog_from(self, interval: int) -> int:
        """Return the age above which a reading is history. `interval` is the sender's, in milliseconds."""
        return self.least + max(_BACKLOG, 3 * interval)

    def is_off(self, now: int) -> bool:
        """Tell if the sender's clock is off by over a minute, and steadily."""
        return now - self.since >= _OFFSET and abs(self.least) > _OFFSET

    def look_at(self, now: int) -> int:
        """Return the arrival from which an ordinary age must be noted, too."""
        known = self.since + _OFFSET
        return min(known, self.until) if now < known else self.until


def note(ages: Ages | None, age: int, now: int) -> Ages:
    """Add an age."""
    if ages is None:
        return Ages(now, now + _HALF, age)
    if now >= ages.until:
        # After a long silence too: the offset of before is the best guess of a reading's age.
        return Ages(ages.since, now + _HALF, age, ages.running)
    if age < ages.running:
        return Ages(ages.since, ages.until, age, ages.before)
    return ages
