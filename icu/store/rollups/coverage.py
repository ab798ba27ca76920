"""Sources of a history: the readings and their roll-ups, and which of them holds which part of a span.

Times are milliseconds since 1970 UTC; ends of spans are excluded. See icu.store.upkeep_state for how far the roll-ups
have come, and what was deleted.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from icu.store.upkeep_state import UpkeepState

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE

# Before all that can be stored.
BEFORE_ALL: Final = -(2**62)
BEHIND_ALL: Final = 2**62


class Source(NamedTuple):
    """Table that histories are read from."""

    table: str
    # Column of the time at which a row begins.
    time: str
    # Milliseconds that a row stands for.
    unit: int
    # Column of the upkeep's state: the time before which none of it is served.
    limit: str

    def horizon(self, state: UpkeepState) -> int:
        """Return the time before which none of it is served; BEFORE_ALL where nothing is deleted."""
        limit: int | None = getattr(state, self.limit)
        return BEFORE_ALL if limit is None else limit


READINGS: Final = Source("patient_metrics", "timestamp", 1, "raw_horizon")
MINUTES: Final = Source("minute_rollups", "bucket", MINUTE, "minute_horizon")
HOURS: Final = Source("hour_rollups", "bucket", HOUR, "hour_horizon")


class Piece(NamedTuple):
    """Part of a span, and the source that it is read from: rows that begin in `since` <= time < `until`."""

    source: Source
    since: int
    until: int


class Kept(NamedTuple):
    """Rest of a span, where parts of it were deleted. None leaves an end as it was asked for."""

    since: int | None
    until: int | None


# Whole buckets of one source in one piece, or a bucket that several pieces share.
Run: TypeAlias = Sequence[Piece]


class Coverage:
    """Part of a span that can be answered for, and how.

    Args:
        state: Of the upkeep.
        every: Milliseconds of a bucket; None for readings. Roll-ups are used where their unit divides it.
    """

    def __init__(self, state: UpkeepState, every: int | None) -> None:
        self._rolled_until = state.rolled_until or 0
        rollups = () if every is None else tuple(each for each in (HOURS, MINUTES) if every % each.unit == 0)
        # The coarsest first: it has the fewest rows, and its horizon is the oldest.
        self.sources: Final = (*rollups, READINGS)
        self.horizons: Final = {each: each.horizon(state) for each in self.sources}

    def clip(self, since: int, until: int) -> tuple[int, int]:
        """Leave out what is deleted, and what is asked for of a minute or hour that is kept as a whole alone."""
        begin = min(up(max(since, self.horizons[each]), each.unit) for each in self.sources)
        finest = next((each for each in reversed(self.sources) if until > self.horizons[each]), READINGS)
        return begin, max(begin, down(until, finest.unit))

    def kept(self, since: int, until: int) -> Kept:
        """Tell what `clip` leaves out."""
        begin, end = self.clip(since, until)
        return Kept(begin if begin > since else None, end if end < until else None)

    def widened(self, since: int, until: int, span: tuple[int, int]) -> tuple[int, int]:
        """Widen a part of a span to whole roll-ups, so that it does not end in readings for want of a few seconds."""
        unit = self.sources[0].unit
        end = up(until, unit)
        return max(down(since, unit), span[0]), end if end <= min(span[1], self._rolled_until) else until

    def pieces(self, since: int, until: int, late_hours: Iterable[int]) -> list[Piece]:
        """Divide a span into pieces, the oldest first.

        Args:
            since: Begin, within what `clip` leaves.
            until: End, within what `clip` leaves.
            late_hours: Hours whose roll-ups lack readings, in their order.
        """
        # Before their horizon there are no readings to take their place.
        late = [(each, each + HOUR) for each in late_hours if each >= self.horizons[READINGS]]
        found: list[Piece] = []
        for hole in (*late, (self._rolled_until, until)):
            begin, end = (min(max(each, since), until) for each in hole)
            found += [*_layers(since, begin, self.sources), Piece(READINGS, begin, end)]
            since = end
        return list(_joined(each for each in found if each.since < each.until))


def runs(pieces: Iterable[Piece], every: int) -> Iterator[Run]:
    """Cut pieces at the buckets that they share with their neighbours."""
    shared: list[Piece] = []
    for piece in pieces:
        since = piece.since
        if shared:
            since = min(down(since, every) + every, piece.until)
            shared.append(piece._replace(until=since))
            if since % every:
                continue
            yield shared
            shared = []
        whole = max(since, down(piece.until, every))
        if since < whole:
            yield [Piece(piece.source, since, whole)]
        if whole < piece.until:
            shared = [Piece(piece.source, whole, piece.until)]
    if shared:
        yield shared


def down(moment: int, unit: int) -> int:
    """Round to a whole multiple of the unit, at or before the moment: the beginning of its bucket."""
    return moment - moment % unit


def up(moment: int, unit: int) -> int:
    """Round to a whole multiple of the unit, at or behind the moment."""
    return moment + -moment % unit


def _layers(since: int, until: int, sources: Sequence[Source]) -> Iterator[Piece]:
    """Divide a span that is rolled up: its middle from the coarsest source, its ends from finer ones."""
    source, *finer = sources
    first, last = up(since, source.unit), down(until, source.unit)
    if first < last:
        yield from _layers(since, first, finer) if finer else ()
        yield Piece(source, first, last)
        yield from _layers(last, until, finer) if finer else ()
    elif since < until:
        yield from _layers(since, until, finer)


def _joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join neighbours of the same source."""
    held: Piece | None = None
    for piece in pieces:
        if held and held.source == piece.source:
            held = held._replace(until=piece.until)
            continue
        if held:
            yield held
        held = piece
    if held:
        yield held
