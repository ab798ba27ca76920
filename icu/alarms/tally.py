"""Times of a patient for the statistics: with valid data, and with flagged or absent signs.

They are added up in memory, and stored now and then together with the time up to which they are counted. A program that
was killed goes on from there with the readings in the table: each millisecond counts once. Times are the sender's.
"""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias
from uuid import UUID

from msgspec import Struct, field
from msgspec.structs import replace

from icu.alarms.effects import Count, Effects
from icu.alarms.sample import Sample
from icu.vitals.catalogue import SIGNS

# Kinds of counts. `counted` is the time up to which the others are.
MONITORED: Final = "monitored"
FLAGGED: Final = "flagged"
COUNTED: Final = "counted"
# The sender's time at which counting began, of a patient who was heard before.
BEGUN: Final = "counted_from"

HOUR: Final = 3_600_000
# Milliseconds of a patient's readings between two times at which they are stored: by the key it is up to so much more,
# so that not all patients of a ward come at once.
_STORE_EVERY: Final = 60_000
_SPREAD: Final = 60
# The same, where a batch catches up: a program that is killed has no more to count again.
_CATCHING_UP: Final = 600_000

# Beginning of an hour, kind, and subject: field of a flagged sign, or nothing.
_Place: TypeAlias = tuple[int, str, str]


class Tally(Struct, frozen=True, gc=False):
    """Times of one patient."""

    # Time up to which they are counted; -1 before the first reading.
    until: int = -1
    # The same, of those in the table.
    stored: int = -1
    # Time from which they are counted. 0: all are.
    since: int = 0
    # Milliseconds that are not in the table yet.
    amounts: Mapping[_Place, int] = field(default_factory=dict)

    def counted(self, sample: Sample | None, had: tuple[str, ...], end: int, at: int) -> "Tally":
        """Count up to a reading.

        Args:
            sample: Values until then; None if nobody watched.
            had: Names of the signs that the patient had.
            end: Time until which these values held: less than `at` where readings are missing.
            at: Time of the reading.
        """
        if sample is None or not 0 <= self.until < end:
            return replace(self, until=max(self.until, at))
        amounts = dict(self.amounts)
        subjects = [(FLAGGED, name) for name in _lost(sample, had)]
        if sample.has_valid:
            subjects.append((MONITORED, ""))
        for hour, time in _by_hour(self.until, min(end, at)):
            for kind, subject in subjects:
                amounts[hour, kind, subject] = amounts.get((hour, kind, subject), 0) + time
        return replace(self, until=at, amounts=amounts)

    def is_due(self, key: int, at: int) -> bool:
        """Tell if it is time to store them: at once for a patient who never was, so that times of others count.

        Args:
            key: The patient's.
            at: Time of the last reading.
        """
        return at >= 0 and (self.stored < 0 or at - self.stored >= _STORE_EVERY + key % _SPREAD * 1_000)

    def is_long_due(self, at: int) -> bool:
        """Tell if it must not wait, in a batch that catches up."""
        return at - max(self.stored, self.since) >= _CATCHING_UP

    def moved(self, shift: int) -> "Tally":
        """Return the times on another clock of the sender. There was a reading before."""
        return replace(self, until=self.until + shift)

    def store(self, patient: UUID, effects: Effects) -> "Tally":
        """Add what is to be stored to the effects. Returns the times as they stand then."""
        effects.counts += [Count(patient, *place, amount) for place, amount in self.amounts.items()]
        # Counts in the table are added to.
        effects.counts.append(Count(patient, 0, COUNTED, "", self.until - max(self.stored, 0)))
        if self.stored < 0 and self.since:
            effects.counts.append(Count(patient, 0, BEGUN, "", self.since))
        return Tally(self.until, self.until, self.since)


def _lost(sample: Sample, had: tuple[str, ...]) -> set[str]:
    """Return the fields of the signs that are flagged or absent, of those that the patient had."""
    valid = zip(SIGNS, sample.valid, strict=True)
    return {sign.field for sign, value in valid if value is None and sign.name in had}


def _by_hour(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the hours of a span, each with its milliseconds of it."""
    while begin < end:
        hour = begin - begin % HOUR
        yield hour, min(end, hour + HOUR) - begin
        begin = hour + HOUR
