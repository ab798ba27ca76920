"""Freshness of the whole ward: the sink's heartbeat, and what is behind where readings do not come.

The age of the heartbeat runs on a clock that is never set, from the moment at which this monitor first saw it.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

import anyio

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


class Freshness:
    """Watch of the sink's heartbeat.

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
        # Last heartbeat; None before the first.
        self.heartbeat: Heartbeat | None = None
        # Steady time at which the heartbeat was new.
        self._beaten_at = 0.0

    async def run(self) -> None:
        """Look at the heartbeat until cancelled."""
        while True:
            await self.look()
            await anyio.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Look at the heartbeat once. While the database cannot be read, the last one grows old."""
        try:
            found = await self._reader.heartbeat()
        except StoreError:
            return  # reported where the database is used
        if found is None or found == self.heartbeat:
            return
        # Of the first one only the wall clock tells how old it is: the sink may have ended long ago.
        age = max(0.0, self._wall() - found.at.timestamp()) if self.heartbeat is None else 0.0
        self.heartbeat, self._beaten_at = found, self._steady() - age

    def now(self) -> datetime:
        """Return the time on the wall clock, UTC."""
        return datetime.fromtimestamp(self._wall(), UTC)

    @property
    def age(self) -> float | None:
        """Seconds since the last heartbeat; None before the first."""
        return None if self.heartbeat is None else self._steady() - self._beaten_at

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
                return self.heartbeat.degraded

    def _blind_since(self) -> int | None:
        if self.heartbeat is None or self.age is None:
            return None
        at, away = milliseconds(self.heartbeat.at), self.heartbeat.away_since
        now = at + round(self.age * 1000)
        return blind_since(at, None if away is None else milliseconds(away), now)
