"""Freshness of the ward: the heartbeats of its sinks, and what is behind where readings do not come.

The age of the heartbeat runs on a clock that is never set, from the moment at which this monitor first saw it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

import anyio
from msgspec import Struct
from msgspec.structs import replace

from icu.alarms.blind import BLIND_AFTER, blind_since, ward_blind
from icu.alarms.episodes import Episode
from icu.ops.steady import steady
from icu.store.errors import StoreError
from icu.store.heartbeats import Heartbeat
from icu.store.reader import Reader
from icu.store.readings import milliseconds

# Seconds between two looks at the heartbeat.
LOOK_EVERY: Final = 1.0

Behind: TypeAlias = Literal["patient", "transport", "sink"]


def behind(*, stale: bool, silent: bool, away: bool) -> Behind | None:
    """Decide what is behind where readings do not come.

    Args:
        stale: True if the patient's last reading is too old.
        silent: True if the sink gives no sign of life.
        away: True if the sink cannot read the topic.

    Returns:
        None where nothing is: readings come.
    """
    if silent:
        return "sink"
    if away:
        return "transport"
    return "patient" if stale else None


class _Sink(Struct, frozen=True):
    """Sink as it was heard last."""

    heartbeat: Heartbeat
    # Steady time at which the heartbeat was new.
    beaten_at: float

    def blind_since(self, now: float) -> int | None:
        """Return the time since which it reads nothing, at this steady time; None while it does."""
        at, away = milliseconds(self.heartbeat.at), self.heartbeat.away_since
        since = None if away is None else milliseconds(away)
        return blind_since(at, since, at + round((now - self.beaten_at) * 1000))

    def behind(self, now: float) -> Behind | None:
        """Decide what is behind for all of its patients, at this steady time."""
        silent = (now - self.beaten_at) * 1000 >= BLIND_AFTER
        return behind(stale=False, silent=silent, away=self.blind_since(now) is not None)

    @property
    def name(self) -> str:
        """Its name in messages."""
        return f"the sink {self.heartbeat.member}" if self.heartbeat.member else "the sink"


class Freshness:
    """Watch of the heartbeats of the sinks. The ward is blind where all of them are, and else the patients of some.

    Args:
        reader: The store.
        wall: Seconds since 1970, on a clock that people may set.
        steady: Seconds on a clock that is never set.
    """

    def __init__(
        self, reader: Reader, *, wall: Callable[[], float] = time.time, steady: Callable[[], float] = steady
    ) -> None:
        self._reader = reader
        self._wall = wall
        self._steady = steady
        # By name; those that have partitions alone, if any has.
        self._sinks: Mapping[str, _Sink] = {}
        # What is behind for the patients of sinks that are blind while others read, by the patient's key in the store.
        self.unwatched: Mapping[int, Behind] = {}

    async def run(self) -> None:
        """Look at the heartbeats until cancelled."""
        while True:
            await self.look()
            await anyio.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Look at the heartbeats once. While the database cannot be read, the last ones grow old."""
        try:
            self._hear(await self._reader.heartbeats())
            self.unwatched = await self._find_unwatched()
        except StoreError:
            return  # reported where the database is used

    def now(self) -> datetime:
        """Return the time on the wall clock, UTC."""
        return datetime.fromtimestamp(self._wall(), UTC)

    @property
    def heartbeat(self) -> Heartbeat | None:
        """Last heartbeat, with the sums and the last times of all sinks; None before the first."""
        all_of = [each.heartbeat for each in self._sinks.values()]
        if not all_of:
            return None
        return replace(
            max(all_of, key=lambda each: each.seeing),
            lag=sum(each.lag for each in all_of),
            committed=max((each.committed for each in all_of if each.committed), default=None),
            stored=max((each.stored for each in all_of if each.stored), default=None),
        )

    @property
    def age(self) -> float | None:
        """Seconds since the last heartbeat; None before the first."""
        now = self._steady()
        return min((now - each.beaten_at for each in self._sinks.values()), default=None)

    @property
    def blind_since(self) -> datetime | None:
        """Time since which nobody in the ward is watched; None while all is well, and before the first heartbeat."""
        since = self._blind_since()
        return None if since is None else datetime.fromtimestamp(since / 1000, UTC)

    @property
    def blind(self) -> Episode | None:
        """The ward's own alarm `ward.blind`, unacknowledged; None while the ward is watched."""
        since = self._blind_since()
        return None if since is None else ward_blind(since)

    def behind(self, *, stale: bool = False) -> Behind | None:
        """Decide what is behind, for the ward or for a patient whose last reading is too old."""
        silent = self.age is not None and self.age * 1000 >= BLIND_AFTER
        return behind(stale=stale, silent=silent, away=self._blind_since() is not None)

    async def trouble(self) -> str | None:
        """Say what is behind, in words for people; None while all is well."""
        if self.heartbeat is None:
            return None
        match self.behind():
            case "sink":
                return f"the sink has given no sign of life for {self.age:.0f} s: start it, or look at its log"
            case "transport":
                return f"the sink cannot read the topic: {self.heartbeat.away}"
            case _:
                return next(filter(None, map(self._trouble_of, self._sinks.values())), None)

    def _hear(self, found: Sequence[Heartbeat]) -> None:
        if found:
            # One that shares with nobody has left what others, of a time before, have written.
            sharing = [each for each in found if each.partitions] or found
            reading = sharing if found[0].partitions is not None else found[:1]
            self._sinks = {each.member: self._heard(each) for each in reading}

    async def _find_unwatched(self) -> Mapping[int, Behind]:
        now = self._steady()
        found = {each.heartbeat.run: each.behind(now) for each in self._sinks.values()}
        blind = {run: each for run, each in found.items() if each is not None}
        if len(blind) == len(found):  # all of them, or none
            return {}
        return {key: each for run, each in blind.items() for key in await self._reader.owned_by(run)}

    def _heard(self, found: Heartbeat) -> _Sink:
        before = self._sinks.get(found.member)
        if before is not None and before.heartbeat == found:
            return before
        # Of the first one only the wall clock tells how old it is: the sink may have ended long ago.
        age = 0.0 if self._sinks else max(0.0, self._wall() - found.at.timestamp())
        return _Sink(found, self._steady() - age)

    def _trouble_of(self, sink: _Sink) -> str | None:
        """Say what is behind with one of several sinks, of which others read."""
        now = self._steady()
        match sink.behind(now):
            case "sink":
                silence = f"{sink.name} has given no sign of life for {now - sink.beaten_at:.0f} s"
                return f"{silence}: {len(self.unwatched)} patients are blind until another sink takes them over"
            case "transport":
                return f"{sink.name} cannot read its partitions: {sink.heartbeat.away}"
            case _:
                return sink.heartbeat.degraded

    def _blind_since(self) -> int | None:
        now = self._steady()
        times = [each.blind_since(now) for each in self._sinks.values()]
        seen = [each for each in times if each is not None]
        return max(seen) if seen and len(seen) == len(times) else None
