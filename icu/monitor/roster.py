"""Patients with their newest readings in memory, as the journal tells of them.

The newest reading by its time is nearly always the latest one. Where it may not be (see icu.store.current.newest), the
patient is unsure, and the store has to be asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import Final
from uuid import UUID

import msgspec
from msgspec import UNSET

from icu.monitor.news2.listed import Scoring, Text
from icu.sorting import natural
from icu.store.alarms.served import Alarm
from icu.store.current.newest import Newest
from icu.store.decisions.beds import Place
from icu.store.journal.entries import PatientNews
from icu.store.journal.following import Batch
from icu.store.readings import CLOCK_TOLERANCE_MS, LAG, TIMESTAMP, ReadingRow
from icu.vitals.news2.inputs import MaxAges
from icu.vitals.news2.score import ASSUMED, Entered
from icu.vitals.staleness import GAPS, stale_after

_alarms: Final = msgspec.json.Decoder(Alarm)


class Kept:
    """A patient, with the newest reading."""

    __slots__ = (
        "_times",
        "aged",
        "alarms",
        "arrived",
        "head",
        "interval",
        "key",
        "last_arrival",
        "name",
        "number",
        "place",
        "reading",
        "row",
        "scoring",
        "stale_after",
        "text",
        "until",
        "uuid",
    )

    def __init__(self, found: Newest, scoring: Scoring) -> None:
        self.key = found.key
        self.uuid = found.uuid
        # The uuid as an integer.
        self.number = found.uuid.int
        self.name = found.name
        self.interval = found.interval
        self.row = found.row
        self.last_arrival = found.last_arrival
        self._times: Sequence[int] = found.times
        # Seconds of age.
        self.stale_after = self._stale_after()
        # Open alarms by id, and the bed; None without one.
        self.alarms: dict[UUID, Alarm] = {}
        self.place: Place | None = None
        # NEWS2.
        self.scoring = scoring
        # JSON of all before NEWS2, see icu.monitor.listing; empty after a change.
        self.head = ""
        # JSON of `row`, and its arrival in seconds since 1970.
        self.reading = "null"
        self.arrived: float | None = None
        # JSON of all up to the age, and the age in seconds up to which it holds: then a value of NEWS2 is too old. The
        # text is empty after a change.
        self.text = ""
        self.until = inf
        # NEWS2 beyond that, once somebody has asked.
        self.aged: Text | None = None

    def learn(self, news: PatientNews) -> None:
        """Take in another name or interval."""
        if news.name is not UNSET:
            self.name, self.head, self.text = news.name, "", ""
        if news.interval is not UNSET:
            self.interval = news.interval
            self.stale_after = self._stale_after()
            self.scoring.state(self.interval)
            self.text = ""

    def take(self, row: ReadingRow) -> None:
        """Take in a reading that was stored, in any order of time."""
        self.last_arrival = max(self.last_arrival, row[TIMESTAMP] + row[LAG])
        if self.interval is None:
            self._times = sorted({*self._times, row[TIMESTAMP]})[-GAPS - 1 :]
            self.stale_after = self._stale_after()
        self.scoring.take(row)
        if self.row is None or row[TIMESTAMP] > self.row[TIMESTAMP]:
            self.row = row
        self.text = ""

    def forget(self) -> None:
        """Forget the newest reading, which is deleted: there is none now."""
        self.row, self.last_arrival, self.reading, self.arrived, self.text = None, 0, "null", None, ""

    def tell(self, alarm: Alarm) -> None:
        """Take in an alarm as it stands now. An older state than the known one changes nothing."""
        known = self.alarms.get(alarm.id)
        if known is not None and known.version >= alarm.version:
            return
        if alarm.ended is None:
            self.alarms[alarm.id] = alarm
        else:
            self.alarms.pop(alarm.id, None)
        self.head = self.text = ""

    def lay(self, place: Place | None, entered: Entered) -> None:
        """Take in the bed, and the inputs of NEWS2 that people enter, as they are now."""
        if place != self.place:
            self.place, self.head, self.text = place, "", ""
        if self.scoring.enter(entered):
            self.text = ""

    @property
    def is_last(self) -> bool:
        """True where nothing arrived after the newest reading: it is the latest then, whatever the time."""
        return self.row is None or self.row[TIMESTAMP] + self.row[LAG] >= self.last_arrival

    def is_latest(self, now: int) -> bool:
        """Tell if the newest reading is certainly the latest one.

        Args:
            now: Milliseconds since 1970.
        """
        return self.is_last or (
            self.row is not None and self.row[TIMESTAMP] <= now and self.row[LAG] >= -CLOCK_TOLERANCE_MS
        )

    def _stale_after(self) -> float:
        stated = None if self.interval is None else round(1_000 * self.interval)
        return stale_after(stated, [after - before for before, after in pairwise(self._times)]) / 1_000


class Roster:
    """All patients of a database.

    Args:
        found: As the store has them.
        alarms: Their open alarms.
        max_ages: Rule for the greatest ages of values that count for NEWS2.
    """

    def __init__(self, found: Iterable[Newest], alarms: Iterable[Alarm], max_ages: MaxAges) -> None:
        self._max_ages = max_ages
        # By key in the store.
        self._kept = {each.key: self._keep(each) for each in found}
        self._by_uuid = {each.uuid: each for each in self._kept.values()}
        for alarm in alarms:
            self._tell(alarm)
        # Those of them whose newest reading may not be the latest.
        self._unsure = {each.key: each for each in self._kept.values() if not each.is_last}
        # True while somebody may have a bed that is not known.
        self.has_new = True
        # Sorted by name; None after a change of names.
        self._order: Sequence[Kept] | None = None

    def take(self, batch: Batch) -> bool:
        """Take in a batch of the journal. To take one twice changes nothing.

        Returns:
            False where it may have changed what it does not tell of: the patients have to be read anew.
        """
        if not batch.complete:
            return False
        for news in batch.news:
            self._learn(news)
        for row in batch.rows:
            patient = self._kept.get(row[0])
            if patient is None:
                return False  # of another database than the one that was read
            patient.take(row)
            if patient.is_last:
                self._unsure.pop(patient.key, None)
            else:
                self._unsure[patient.key] = patient
        for told in batch.alarms:
            self._tell(_alarms.decode(told.alarm))
        return True

    def lay(self, places: Mapping[int, Place], entered: Mapping[int, Entered]) -> None:
        """Take in the beds of all patients, and their inputs of NEWS2, as they are now, by key."""
        for key, patient in self._kept.items():
            patient.lay(places.get(key), entered.get(key, ASSUMED))
        self.has_new = False

    def forget_before(self, horizon: int) -> None:
        """Forget newest readings from before this time, in milliseconds since 1970."""
        for patient in self._kept.values():
            if patient.row is not None and patient.row[TIMESTAMP] < horizon:
                patient.forget()
                self._unsure.pop(patient.key, None)

    def unsure(self, now: int) -> list[Kept]:
        """Return those whose newest reading may not be the latest.

        Args:
            now: Milliseconds since 1970.
        """
        return [each for each in self._unsure.values() if not each.is_latest(now)]

    def by_name(self) -> Sequence[Kept]:
        """Return all, sorted by name: Bed 2 before Bed 10, and patients without a name at the end."""
        if self._order is None:
            self._order = sorted(self._kept.values(), key=_by_name)
        return self._order

    def _keep(self, found: Newest) -> Kept:
        newest = () if found.row is None else (found.row,)
        return Kept(found, Scoring(self._max_ages, found.interval, (*found.values, *newest)))

    def _tell(self, alarm: Alarm) -> None:
        # The ward's own one is nobody's.
        if alarm.patient_uuid in self._by_uuid:
            self._by_uuid[alarm.patient_uuid].tell(alarm)

    def _learn(self, news: PatientNews) -> None:
        patient = self._kept.get(news.key)
        if patient is None:
            patient = self._kept[news.key] = self._keep(Newest(news.key, news.uuid, None, None, None, 0))
            self._by_uuid[news.uuid] = patient
            self.has_new = True
        patient.learn(news)
        self._order = None


def _by_name(patient: Kept) -> tuple[bool, tuple[str | int, ...], str]:
    return patient.name is None, natural(patient.name or ""), str(patient.uuid)
