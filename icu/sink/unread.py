"""Partitions that may hold unread readings: no deadline of their patients passes before those are evaluated."""

from collections.abc import Collection, Iterable
from operator import itemgetter
from typing import Final

from icu.alarms.watch import BACKLOG_END
from icu.store.evaluating import StoredReadings
from icu.store.readings import PATIENT

_patient: Final = itemgetter(PATIENT)


class Unread:
    """Patients with unread readings, as a container of their keys in the store. Times are the server's."""

    def __init__(self) -> None:
        # By partition: time until which it counts as unread. One that brings nothing for so long cannot be read.
        self._until: dict[int, int] = {}
        # Partition of each patient that was heard.
        self._partitions: dict[int, int] = {}

    def begin(self, partitions: Iterable[int], now: int) -> None:
        """Note that these partitions are read from now on: nobody knows what they hold."""
        self._until = dict.fromkeys(partitions, now + BACKLOG_END)

    def note(self, fetched: Iterable[int], backlog: Collection[int], now: int) -> None:
        """Note partitions of a fetch, and those of them that held more."""
        for partition in fetched:
            if partition in backlog:
                self._until[partition] = now + BACKLOG_END
            else:
                self._until.pop(partition, None)

    def learn(self, readings: StoredReadings, patients: int) -> None:
        """Note the partitions of patients, of whom there are so many. They stay the same: it costs nothing later."""
        if self._until or len(self._partitions) < patients:
            self._partitions.update(zip(map(_patient, readings.rows), readings.partitions, strict=True))

    def clear(self) -> None:
        """Note that all was read."""
        self._until.clear()

    def drop(self, now: int) -> None:
        """Drop the partitions that have brought nothing for too long."""
        if self._until:
            self._until = {each: until for each, until in self._until.items() if now < until}

    def __contains__(self, key: object) -> bool:
        if not self._until:
            return False
        partition = self._partitions.get(key)  # type: ignore[call-overload] # a key of any type is asked for
        return partition is None or partition in self._until
