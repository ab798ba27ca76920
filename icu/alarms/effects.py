"""Effects of an evaluation: changes to store, counts for statistics, refusals of commands."""

from typing import Literal, TypeAlias

from msgspec import Struct

from icu.alarms.episodes import Episode

# Kind of an event in the outbox: an alarm starts, sounds again, changed, escalates, ends.
EventKind: TypeAlias = Literal["start", "continue", "update", "escalate", "end"]


class Change(Struct, frozen=True):
    """Episode to store, in place of its version before."""

    episode: Episode
    # Version in the store now, to compare and set. 0: it is new there.
    before: int
    # Event for the outbox. None: stored in silence, since people see no alarm of it (pending, or a new worst value).
    event: EventKind | None
