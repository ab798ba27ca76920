"""The monitor's door: it reads, and cannot write.

A missing database, or tables of another version, are an answer (503, what to start) and never a crash: the reader looks
again at each use until it has seen the right version.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any, Final, Literal, TypeAlias, TypeVar
from uuid import UUID

import anyio
from msgspec import Struct
from sqlalchemy import text

from icu.alarms.episodes import BedState, Episode
from icu.errors import PatientNotFoundError
from icu.store import schema
from icu.store.alarms.episodes import episode, open_episodes
from icu.store.alarms.history import AlarmPage, Chosen, Cursor, alarm_page
from icu.store.alarms.owners import owned_by
from icu.store.alarms.statistics import Found, find_statistics
from icu.store.commands.limits import read_all_limits, read_limits
from icu.store.commands.states import AllLimits, LimitsState
from icu.store.current.latest import read_latest, read_latest_of
from icu.store.current.newest import Newest, read_newest
from icu.store.decisions.audit import AuditEntry, audit
from icu.store.decisions.beds import Place, bed_states, places
from icu.store.decisions.entered import all_entered
from icu.store.engines.base import Connection
from icu.store.engines.columns import read_columns
from icu.store.engines.table import engine_of
from icu.store.errors import StoreMovedError
from icu.store.heartbeats import Heartbeat, read_heartbeats
from icu.store.journal.following import Batch, Follower, JournalPatients
from icu.store.readings import (
    LAG,
    TIMESTAMP,
    Columns,
    Reading,
    from_milliseconds,
    milliseconds,
    to_reading,
)
from icu.store.rollups.coverage import BEFORE_ALL, BEHIND_ALL, READINGS, Coverage, Kept
from icu.store.tables.readings import COLUMNS
from icu.store.upkeep_state import read_upkeep_state
from icu.vitals.news2.inputs import MaxAges
from icu.vitals.news2.score import Entered

T = TypeVar("T")

Order: TypeAlias = Literal["asc", "desc"]

# Long answers of which parts are read at the same time: no machine reads faster with more of them, and half of an
# engine's connections stay free.
LONG: Final = 3

# Of a page, whose patient is known.
PAGE_COLUMNS: Final = tuple(name for name in COLUMNS if name != "patient_id")

_KNOWN: Final = text("SELECT 1 FROM patients WHERE uuid = :uuid")
_PAGE: Final = {
    order: text(
        f"SELECT {', '.join(PAGE_COLUMNS)} FROM patient_metrics"  # noqa: S608 - names of our own
        " WHERE patient_id = (SELECT id FROM patients WHERE uuid = :uuid)"
        " AND timestamp >= (SELECT coalesce(raw_horizon, :first) FROM upkeep_state)"
        f" AND timestamp >= :first AND timestamp < :end ORDER BY timestamp {order} LIMIT :limit"
    )
    for order in ("asc", "desc")
}


class PatientState(Struct, frozen=True):
    """A patient, with the latest reading and when it arrived; both None before the first."""

    uuid: UUID
    name: str | None
    latest: Reading | None
    arrived: datetime | None


class Page(Struct, frozen=True):
    """Some readings of one patient, by column."""

    readings: Columns
    # Time of the last reading, behind which the next page goes on; None where there is none.
    last: datetime | None
    # What is left of the span, on the page with its oldest readings.
    kept: Kept = Kept(None, None)


class Reader:
    """Reads what the sink has stored. See engine_of for the arguments."""

    def __init__(self, url: str, *, name: str = "icu") -> None:
        self._engine = engine_of(url, name=name)
        self._long = anyio.Semaphore(LONG, fast_acquire=True)
        # The database that was last seen with tables that can be read; None before.
        self._identity: Hashable | None = None
        # Of that database, as its journal was followed.
        self._journal_patients = JournalPatients()
        # Of that database, too: those whose streams were asked for.
        self._known: set[UUID] = set()

    def check_location(self) -> None:
        """Raise ConfigurationError where there can never be a database. Blocks: it may look at the disk."""
        self._engine.check_location()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._engine.aclose()

    async def check(self) -> None:
        """SchemaError or StoreUnavailableError unless the database can be read."""
        await self._ask(lambda connection: schema.check(connection, self._engine.location))

    async def patients(self, *, now: datetime) -> list[PatientState]:
        """All patients, in the order in which they were first seen."""
        return [_state(row) for row in await self._ask(partial(read_latest, now=now))]

    async def newest(self, *, now: datetime, max_ages: MaxAges) -> list[Newest]:
        """All patients with the newest reading by its timestamp, to keep the latest ones in memory from `now` on."""
        return await self._ask(lambda connection: read_newest(connection, now, max_ages))

    async def entered(self) -> dict[int, Entered]:
        """Read the inputs of NEWS2 that people entered, by the patient's key."""
        return await self._ask(all_entered)

    async def patient(self, uuid: UUID, *, now: datetime) -> PatientState:
        """One patient. PatientNotFoundError for an unknown one."""
        row = await self._ask(partial(read_latest_of, uuid=uuid, now=now))
        if row is None:
            raise PatientNotFoundError(uuid)
        return _state(row)

    async def check_known(self, uuid: UUID) -> None:
        """PatientNotFoundError for an unknown patient."""
        # Each time: a backup that was restored into the database may have other patients.
        if not await self._ask(lambda connection: connection.rows(_KNOWN, {"uuid": str(uuid)})):
            raise PatientNotFoundError(uuid)

    async def check_followed(self, uuid: UUID) -> None:
        """PatientNotFoundError for an unknown patient, for streams: a crowd of them asks for a known one once."""
        known = self._known  # of the database that is there now, or of the one before
        if uuid not in known:
            await self.check_known(uuid)
            known.add(uuid)

    async def page(
        self,
        uuid: UUID,
        *,
        limit: int,
        order: Order,
        since: datetime | None = None,
        until: datetime | None = None,
        after: datetime | None = None,
    ) -> Page:
        """Up to `limit` readings of the patient with `since` <= timestamp < `until`, beyond `after` in the order.

        One range read of the clustered table, wherever the page lies. PatientNotFoundError for an unknown patient.
        """
        first, end = _span(order, since, until, after)
        columns = await self._ask(lambda connection: _page(connection, uuid, order, (first, end), limit + 1))
        times, last = columns["timestamp"], None
        if not times:
            await self.check_known(uuid)
        if len(times) > limit:
            columns = {name: column[:limit] for name, column in columns.items()}
            last = from_milliseconds(times[limit - 1])
        if (after if order == "asc" else last) is not None:
            return Page(columns, last)
        state = await self._ask(read_upkeep_state)
        kept = Coverage(state, None).kept(first, end)
        return Page(columns, last, kept)

    async def heartbeats(self) -> Sequence[Heartbeat]:
        """The last sign of life of each sink, the latest first; none before the first."""
        return await self._ask(read_heartbeats)

    async def owned_by(self, run: int) -> Sequence[int]:
        """Read the keys of the patients whom one run of a sink watches, where several share the database."""
        return await self._ask(lambda connection: owned_by(connection, run))

    async def beds(self) -> list[BedState]:
        """Read the beds of all patients who ever had one; the discharged have no label."""
        return await self._ask(bed_states)

    async def places(self) -> dict[int, Place]:
        """Read what the list of patients shows of their beds, by the patient's key."""
        return await self._ask(places)

    async def horizon(self) -> int:
        """Read the time before which no reading is served, in milliseconds since 1970 UTC; BEFORE_ALL without one."""
        return READINGS.horizon(await self._ask(read_upkeep_state))

    async def open_alarms(self, patient: UUID | None = None) -> list[Episode]:
        """Read the open alarms of all and of the ward, or of a patient. PatientNotFoundError for an unknown one."""
        if patient is not None:
            await self.check_known(patient)
        return await self._ask(lambda connection: open_episodes(connection, patient))

    async def alarm(self, identity: UUID) -> Episode | None:
        """Read one alarm, open or ended; None for an unknown id."""
        return await self._ask(lambda connection: episode(connection, identity))

    async def alarm_page(self, chosen: Chosen, *, limit: int, after: Cursor | None = None) -> AlarmPage:
        """Read a page of the history of alarms. PatientNotFoundError for an unknown patient."""
        if chosen.patient is not None:
            await self.check_known(chosen.patient)
        return await self._ask(lambda connection: alarm_page(connection, chosen, limit=limit, after=after))

    async def alarm_statistics(self, since: int, until: int, patient: UUID | None, *, most: int) -> Found:
        """Read what there was of alarms: see icu.store.alarms.statistics. PatientNotFoundError for an unknown one."""
        if patient is not None:
            await self.check_known(patient)
        return await self._ask(lambda connection: find_statistics(connection, since, until, patient, most=most))

    async def limits(self, patient: UUID | None = None) -> LimitsState:
        """Read the limits of the ward, or of a patient. PatientNotFoundError for an unknown one."""
        if patient is not None:
            await self.check_known(patient)
        return await self._ask(lambda connection: read_limits(connection, patient))

    async def all_limits(self) -> AllLimits:
        """Read the limits of the ward, and of each patient with own ones."""
        return await self._ask(read_all_limits)

    async def audit(self, *, limit: int, patient: UUID | None = None, before: int | None = None) -> list[AuditEntry]:
        """Read the newest entries of the audit: see icu.store.decisions.audit."""
        return await self._ask(lambda connection: audit(connection, limit=limit, patient=patient, before=before))

    async def after(self, batch: int, *, limit: int) -> Sequence[Batch] | None:
        """See Follower.after. For one look, without following."""
        return await self._ask(
            lambda connection: Follower(connection, self._journal_patients).after(batch, limit=limit)
        )

    @asynccontextmanager
    async def follow(self) -> AsyncIterator[Follower]:
        """Follow the journal, on a connection of its own."""
        identity = await self.look()
        async with self._engine.connection(identity) as connection:
            yield Follower(connection, self._journal_patients)

    @asynccontextmanager
    async def connection(self, identity: Hashable) -> AsyncIterator[Connection]:
        """Lend a connection to the database of this identity, an answer of `look`, for a part of a long answer.

        Few are lent at a time, in turn: however many long answers are asked for, each goes on, and connections are left
        for all that is answered in a moment. See Engine.connection.
        """
        # Waiting for its turn has no deadline: an answer that has begun would be cut off only because others are read.
        async with self._long, self._engine.connection(identity) as connection:
            yield connection

    async def _ask(self, question: Callable[[Connection], Awaitable[T]]) -> T:
        """Ask the database that there is now: no answer comes from one that has been replaced."""
        identity = self._identity or await self.look()
        try:
            async with self._engine.connection(identity) as connection:
                return await question(connection)
        except StoreMovedError:
            async with self._engine.connection(await self.look()) as connection:
                return await question(connection)

    async def look(self) -> Hashable:
        """Return the identity of the database that there is now, once its tables can be read.

        Of another database nothing is kept.

        Raises:
            SchemaError: There is none, or with tables of another version.
            StoreUnavailableError: It cannot be read now.
        """
        identity = await schema.find(self._engine)
        if identity != self._identity:
            async with self._engine.connection(identity) as connection:
                await schema.check(connection, self._engine.location)
        # Another task may have found it meanwhile: what that one has learnt is kept.
        if identity != self._identity:
            self._identity, self._journal_patients, self._known = identity, JournalPatients(), set()
        return identity


async def _page(
    connection: Connection, uuid: UUID, order: Order, span: tuple[int, int], most: int
) -> dict[str, list[Any]]:
    """Read up to `most` readings of a span, by column: of the parts of it in their order, until there are enough."""
    page: dict[str, list[Any]] = {}
    left = most
    for first, end in connection.spans(*span, newest_first=order == "desc"):
        values = {"uuid": str(uuid), "first": first, "end": end, "limit": left}
        columns = await read_columns(connection, _PAGE[order], PAGE_COLUMNS, values)
        page = {name: page[name] + column for name, column in columns.items()} if page else columns
        left -= len(columns["timestamp"])
        if not left:
            break
    return page


def _state(row: Sequence[Any]) -> PatientState:
    uuid, name, *metric = row
    if metric[0] is None:
        return PatientState(UUID(uuid), name, None, None)
    timestamp, lag = metric[TIMESTAMP], metric[LAG]
    return PatientState(UUID(uuid), name, to_reading(tuple(metric)), from_milliseconds(timestamp + lag))


def _span(order: Order, since: datetime | None, until: datetime | None, after: datetime | None) -> tuple[int, int]:
    """Milliseconds since 1970 of the first reading that may be on a page, and of the first behind it."""
    first = BEFORE_ALL if since is None else milliseconds(since)
    end = BEHIND_ALL if until is None else milliseconds(until)
    if after is None:
        return first, end
    seen = milliseconds(after)
    return (first, min(end, seen)) if order == "desc" else (max(first, seen + 1), end)
