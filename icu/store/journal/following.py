"""Followers of the journal: batches of readings, and of patients who are new or have changed."""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text

from icu.store.engines.base import Connection
from icu.store.journal.entries import AlarmNews, PatientNews, decode
from icu.store.readings import PatientReading, ReadingRow, to_patient_reading

_NEWEST_BATCH: Final = text("SELECT max(batch) FROM journal")
_BATCHES: Final = text("SELECT batch, payload FROM journal WHERE batch >= :batch ORDER BY batch LIMIT :limit")
_SIGNS: Final = text(
    "SELECT (SELECT coalesce(max(at), 0) FROM heartbeats), (SELECT coalesce(max(count), 0) FROM command_count),"
    " commits, coalesce(raw_horizon, 0) FROM upkeep_state"
)
_PATIENTS: Final = text("SELECT id, uuid, name, interval FROM patients")


class Batch(Struct, frozen=True):
    """Entry of the journal: the readings that one transaction stored, or the patients or alarms that it changed."""

    number: int
    readings: Sequence[PatientReading] = ()
    # Those whose first readings are in the same batch, where the sink is of a version that has no entries of patients.
    news: Sequence[PatientNews] = ()
    # Events of alarms, in their order.
    alarms: Sequence[AlarmNews] = ()
    # The readings, as they are kept.
    rows: Sequence[ReadingRow] = ()
    # False where the database may have changed in other ways, too.
    complete: bool = True


class Signs(NamedTuple):
    """Marks that commits of the sink, of commands and of the upkeep leave where the journal does not tell of them."""

    # Time of the sink's last heartbeat, in milliseconds.
    beat: int
    # Number of commands.
    commands: int
    # Number of transactions of the upkeep.
    upkeep: int
    # Milliseconds: readings before it are no longer served.
    horizon: int

    def explain(self, before: "Signs | None") -> bool:
        """Tell if only these have committed since, and dropped no readings. Restored copies have older marks."""
        if before is None or self.horizon != before.horizon:
            return False
        return self != before and all(now >= then for now, then in zip(self, before, strict=True))


class JournalPatients:
    """Patients of a database, as far as its journal was followed."""

    def __init__(self) -> None:
        # By key; None until they are read.
        self.uuids: dict[int, UUID] | None = None
        # Those whom no entry introduced, by the number of the batch with their first readings. Clients that come back
        # read the batch again, and are told again.
        self.found: dict[int, Sequence[PatientNews]] = {}


class Follower:
    """Tells cheaply whether anything was stored, and what."""

    def __init__(self, connection: Connection, patients: JournalPatients) -> None:
        self._connection = connection
        self._patients = patients

    async def version(self) -> int:
        """A number that changes whenever another connection, of any process, commits.

        StoreUnavailableError when the database was removed or replaced: follow anew then.
        """
        return await self._connection.data_version()

    async def signs(self) -> Signs:
        """Read the marks of commits."""
        [signs] = await self._connection.rows(_SIGNS)
        return Signs(*signs)

    async def end(self) -> int:
        """The newest batch's number; 0 before the first."""
        # Before the end is read: who is new behind it is found by comparison with these.
        await self._uuids()
        [(newest,)] = await self._connection.rows(_NEWEST_BATCH)
        return newest or 0

    async def after(self, batch: int, *, limit: int) -> Sequence[Batch] | None:
        """The next batches behind `batch`, at most `limit`; 0 is before the first.

        None where the journal does not hold `batch`: then some that followed it may be gone too.
        """
        uuids = await self._uuids()
        rows = await self._connection.rows(_BATCHES, {"batch": batch, "limit": limit + 1})
        if batch:
            if not rows or rows[0][0] != batch:
                # Entries of patients may be gone too, or a backup with other patients was restored.
                self._patients.uuids = None
                self._patients.found.clear()
                return None
            rows = rows[1:]
        return [await self._batch(number, payload, uuids) for number, payload in rows[:limit]]

    async def _batch(self, number: int, payload: bytes, uuids: dict[int, UUID]) -> Batch:
        entry = decode(payload)
        if entry.anew:
            uuids.clear()
            uuids |= await self._read_uuids()
        uuids |= {each.key: each.uuid for each in entry.news}
        unknown = {row[0] for row in entry.rows} - uuids.keys()
        if unknown:
            found = await self._find(unknown)
            uuids |= {each.key: each.uuid for each in found}
            if not entry.introduced:
                self._patients.found[number] = found
        readings = [to_patient_reading(row, uuids[row[0]]) for row in entry.rows]
        news = self._patients.found.get(number, entry.news)
        return Batch(number, readings, news, entry.alarms, entry.rows, entry.complete)

    async def _uuids(self) -> dict[int, UUID]:
        """Return the uuids of all patients by key, of which later batches bring more."""
        if self._patients.uuids is None:
            self._patients.uuids = await self._read_uuids()
        return self._patients.uuids

    async def _read_uuids(self) -> dict[int, UUID]:
        return {key: UUID(uuid) for key, uuid, _, _ in await self._connection.rows(_PATIENTS)}

    async def _find(self, keys: Collection[int]) -> Sequence[PatientNews]:
        rows = await self._connection.rows(_PATIENTS)
        return [PatientNews(key, UUID(uuid), name, interval) for key, uuid, name, interval in rows if key in keys]
