"""Effects of an evaluation: changes to store, counts for statistics, refusals of commands."""

from collections.abc import Iterator
from typing import Literal, TypeAlias
from uuid import UUID

from msgspec import Struct, field

from icu.alarms.episodes import BedState, Episode

# Kind of an event in the outbox: an alarm starts, sounds again, changed, escalates, ends.
EventKind: TypeAlias = Literal["start", "continue", "update", "escalate", "end"]


# Reason why a command changed nothing: the episode has ended, or was never raised; it is another than its author saw;
# its priority or condition cannot be silenced so.
Refusal: TypeAlias = Literal["ended", "not raised", "seen before", "not to be shelved"]


class Change(Struct, frozen=True):
    """Episode to store, in place of its version before."""

    episode: Episode
    # Version in the store now, to compare and set. 0: it is new there.
    before: int
    # Event for the outbox. None: stored in silence, since people see no alarm of it (pending, or a new worst value).
    event: EventKind | None


class Outcome(Struct, frozen=True):
    """Outcome of one step."""

    # Open episode of the condition from now on. None: there is none.
    episode: Episode | None
    # In order. An episode may occur more than once, in rising versions.
    changes: tuple[Change, ...] = ()
    # Pending alarms that ended before their delay was over.
    suppressed: int = 0
    refused: Refusal | None = None


class BedChange(Struct, frozen=True):
    """Bed to store, in place of its version before. 0: it is new there."""

    bed: BedState
    before: int


class Suppressed(Struct, frozen=True):
    """Pending alarm that ended before its delay was over."""

    patient: UUID
    condition: str
    at: int


class Count(Struct, frozen=True):
    """Amount that is added to a sum of one patient and hour."""

    patient: UUID
    # Its beginning.
    hour: int
    # As in the table of counts.
    kind: str
    subject: str
    amount: int


class Effects(Struct):
    """Effects of an evaluation, in their order."""

    changes: list[Change] = field(default_factory=list)
    beds: list[BedChange] = field(default_factory=list)
    suppressed: list[Suppressed] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    # Readings that came late, and changed no state.
    late: int = 0

    def __bool__(self) -> bool:
        """Tell if there is anything to store."""
        return bool(self.changes or self.beds or self.suppressed or self.counts)

    @property
    def rows(self) -> list[Change]:
        """Episodes to store, one change each: the version in the store, and the last one."""
        rows: dict[UUID, Change] = {}
        for change in self.changes:
            first = rows.get(change.episode.id, change)
            rows[change.episode.id] = Change(change.episode, first.before, change.event)
        return list(rows.values())

    @property
    def bed_rows(self) -> list[BedChange]:
        """Beds to store, one change each."""
        rows: dict[UUID, BedChange] = {}
        for change in self.beds:
            first = rows.get(change.bed.patient, change)
            rows[change.bed.patient] = BedChange(change.bed, first.before)
        return list(rows.values())

    @property
    def events(self) -> Iterator[Change]:
        """Changes for the outbox."""
        return (each for each in self.changes if each.event is not None)
