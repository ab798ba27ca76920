"""Partitions that may hold unread readings: no deadline of their patients passes before those are evaluated.

Times are the server's, in milliseconds since 1970 UTC.
"""

from collections.abc import Container, Iterable, Mapping
from math import inf
from operator import itemgetter
from typing import Final

from icu.alarms.blind import BLIND_AFTER
from icu.alarms.watch import BACKLOG_END
from icu.store.alarms.evaluating import StoredReadings
from icu.store.readings import PATIENT

# Longest time between two fetches that counts as silence of a partition: a sink that is held up hears nobody.
_LONGEST: Final = 1_000

_patient: Final = itemgetter(PATIENT)


class Unread:
    """Times up to which the partitions of patients are read."""

    def __init__(self) -> None:
        # By partition: time up to which it is read.
        self._read: dict[int, float] = {}
        # By partition: milliseconds without progress.
        self._silent: dict[int, float] = {}
        # Time up to which deadlines may pass, by partition, and of patients whose partition is not known.
        self._passable: dict[int, float] = {}
        self._least = inf
        self._noted_at = 0
        # Time up to which any partition was read, and the one since which there was no outage.
        self.until = -inf
        self._since = 0
        # Partition of each patient that was heard.
        self._partitions: dict[int, int] = {}

    def begin(self, partitions: Iterable[int], now: int, *, others: bool = False) -> None:
        """Note that these partitions are read from now on: nobody knows what they hold.

        Args:
            partitions: Those that are read.
            now: Present time.
            others: True where other sinks may read those that are not: they take over their patients first.
        """
        self._read = dict.fromkeys([*partitions, *(self._read if others else ())], -inf)
        self._silent = dict.fromkeys(self._read, 0)
        self._noted_at = now
        self._decide()

    def note(self, read_until: Mapping[int, float], fetched: Container[int], now: int) -> None:
        """Note the outcome of a fetch, once its readings are evaluated.

        Args:
            read_until: By partition, the time up to which it is read.
            fetched: Partitions that have brought records.
            now: Present time.
        """
        passed = min(max(0, now - self._noted_at), _LONGEST)
        self._noted_at = now
        for partition, before in self._read.items():
            until = read_until.get(partition, -inf)
            # A time that lies ahead was taken before the clock was set back.
            self._read[partition] = until = until if until <= now else -inf
            self._note_until(until)
            moves = until != before or partition in fetched
            self._silent[partition] = 0 if moves else self._silent[partition] + passed
        self._decide()

    def since(self, now: int) -> int:
        """Return the time since which the topic is read without an outage: now, if there is one."""
        return now if now - self.until > BLIND_AFTER else self._since

    def learn(self, readings: StoredReadings, patients: int) -> None:
        """Note the partitions of patients, of whom there are so many. They stay the same: it costs nothing later."""
        if readings.backlog or self._least == -inf or len(self._partitions) < patients:
            self._partitions.update(zip(map(_patient, readings.rows), readings.partitions, strict=True))

    def read_until(self, key: int) -> float:
        """Return the time up to which the partition of a patient is read; infinite if it holds up nobody."""
        partition = self._partitions.get(key)
        return self._least if partition is None else self._passable.get(partition, inf)

    def _note_until(self, until: float) -> None:
        if until > self.until:
            self._since = self.since(int(until))
            self.until = until

    def _decide(self) -> None:
        # A partition without progress for so long cannot be read.
        self._passable = {
            each: until if self._silent[each] < BACKLOG_END else inf for each, until in self._read.items()
        }
        self._least = min(self._passable.values(), default=inf)
