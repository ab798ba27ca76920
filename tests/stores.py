"""Store observations without a sink, and read the database as another program does."""

import secrets
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from psycopg.rows import dict_row
from sqlalchemy import create_engine

from icu.alarms.episodes import Episode, episode_id
from icu.messages import Observation, Position, Refusal
from icu.store.alarms import episodes
from icu.store.engines.postgres.reading import PostgresConnection
from icu.store.engines.postgres.transaction import PostgresTransaction
from icu.store.engines.sqlite.held import SqliteConnection
from icu.store.engines.sqlite.transaction import SqliteTransaction
from icu.store.engines.table import engine_of
from icu.store.reader import Page
from icu.store.readings import ObservedRow, Reading, to_observed, to_reading
from icu.store.tables.readings import COLUMNS
from icu.store.writer import Writer
from icu.store.writing.offsets import Move
from icu.store.writing.requests import WriteRequest, WriteResult
from tests.postgres import ask
from tests.samples import ANNA, START, delivery

NOON = round(START.timestamp() * 1000)

# The patients change their keys, 1 and 2.
EXCHANGED = """
UPDATE patient_metrics SET patient_id = patient_id + 10; UPDATE patients SET id = id + 10;
UPDATE patient_metrics SET patient_id = 13 - patient_id; UPDATE patients SET id = 13 - id;
"""

# Of each engine.
TRANSACTIONS = (SqliteTransaction, PostgresTransaction)
CONNECTIONS = (SqliteConnection, PostgresConnection)

# For tests of what only files know: that they are exchanged, and changed by hand while they are open.
SQLITE_ALONE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)

_SQLITE = "sqlite:///"

# First bytes of an entry of patients, behind its length.
_PATIENTS = f"a8{b'patients'.hex()}"
_OLDER_SINK = f"""
CREATE TRIGGER older_sink AFTER INSERT ON journal BEGIN
  DELETE FROM journal WHERE batch = NEW.batch AND substr(NEW.payload, 2, 9) = X'{_PATIENTS}';
  UPDATE journal SET payload = CAST(X'93' || substr(NEW.payload, 2, length(NEW.payload) - 2) AS BLOB)
    WHERE batch = NEW.batch;
END
"""
_OLDER_POSTGRES_SINK = f"""
CREATE FUNCTION older_sink() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF substr(NEW.payload, 2, 9) = '\\x{_PATIENTS}'::bytea THEN RETURN NULL; END IF;
  NEW.payload = '\\x93'::bytea || substr(NEW.payload, 2, length(NEW.payload) - 2);
  RETURN NEW;
END $$;
CREATE TRIGGER older_sink BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION older_sink()
"""


class Offsets:
    """Offsets of the partition, which go on from one example to the next."""

    def __init__(self) -> None:
        self._next = 0

    def take(self, count: int) -> int:
        """Take so many; returns the first of them."""
        self._next += count
        return self._next - count


def is_new_file(url: str) -> bool:
    """Tell if the URL is that of a file which does not exist yet."""
    return is_file(url) and not Path(url.removeprefix(_SQLITE)).exists()


def copy_tables(tables: Path, url: str) -> str:
    """Make a new file at this URL by a copy of one with tables, but with a number of its own, and return the URL."""
    shutil.copy(tables, url.removeprefix(_SQLITE))
    execute(url, f"PRAGMA user_version = {1 + secrets.randbelow(2**31 - 1)}")
    return url


def connected(url: str) -> sqlite3.Connection:
    """Open another program's connection, which never waits for a lock and begins no transaction by itself."""
    return sqlite3.connect(url.removeprefix(_SQLITE), timeout=0, isolation_level=None)


def is_file(url: str) -> bool:
    """Tell if the database is a file."""
    return url.startswith("sqlite")


def execute(url: str, sql: str) -> None:
    """Run and commit one statement of another program."""
    if not is_file(url):
        ask(url, sql)
        return
    with closing(connected(url)) as connection:
        connection.execute(sql)


def restored(url: str, script: str) -> None:
    """Restore another database into this one by SQLite itself: a copy of it, changed."""
    with closing(sqlite3.connect(":memory:")) as other, closing(connected(url)) as target:
        target.backup(other)
        other.executescript(script)
        other.backup(target)


def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Read rows as another program does."""
    if not is_file(url):
        return ask(url, sql)
    connection = sqlite3.connect(url.removeprefix(_SQLITE))
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def snapshot(url: str, statements: Sequence[str]) -> list[list[dict[str, Any]]]:
    """Read what statements find as another program does, in one transaction: rows by the names of their columns."""
    if is_file(url):
        with closing(connected(url)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN")
            return [[dict(row) for row in connection.execute(each)] for each in statements]
    with psycopg.connect(url, row_factory=dict_row) as server:
        server.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return [server.execute(each.encode()).fetchall() for each in statements]


def note_statements(
    monkeypatch: pytest.MonkeyPatch, names: Sequence[str], *, kinds: Sequence[type[Any]] = TRANSACTIONS
) -> list[str]:
    """Note the statements that are run from now on, of any engine.

    Args:
        monkeypatch: Of the test.
        names: Methods to run them by.
        kinds: Classes that have these: TRANSACTIONS, or CONNECTIONS.
    """
    found: list[str] = []

    def noting(original: Callable[..., Any]) -> Callable[..., Any]:
        async def noted(self: object, statement: object, *values: object) -> object:
            found.append(str(statement))
            return await original(self, statement, *values)

        return noted

    for kind in kinds:
        for name in names:
            monkeypatch.setattr(kind, name, noting(getattr(kind, name)))
    return found


def literal(url: str, content: bytes) -> str:
    """Write bytes as a literal in SQL."""
    return f"X'{content.hex()}'" if is_file(url) else f"'\\x{content.hex()}'::bytea"


def make_sink_older(url: str) -> None:
    """Make the writer's journal that of an older sink, which has no entries of patients and does not say so.

    That is ["readings", columns, rows] for ["readings", columns, rows, true].
    """
    execute(url, _OLDER_SINK if is_file(url) else _OLDER_POSTGRES_SINK)


def refuse_updates(url: str, table: str) -> None:
    """Have the database refuse to change the rows of a table, as if its disk were full. `allow_updates` ends it."""
    if is_file(url):
        execute(url, f"CREATE TRIGGER full_{table} BEFORE UPDATE ON {table} BEGIN SELECT RAISE(FAIL, 'disk full'); END")
        return
    body = "RAISE EXCEPTION 'disk full'"
    execute(
        url,
        f"CREATE FUNCTION full_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; END $$;"
        f"CREATE TRIGGER full_{table} BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION full_{table}()",
    )


def allow_updates(url: str, table: str) -> None:
    """Undo `refuse_updates`."""
    execute(url, f"DROP TRIGGER full_{table}" if is_file(url) else f"DROP FUNCTION full_{table} CASCADE")


def readings_of(page: Page) -> list[Reading]:
    """The readings of a page, one by one."""
    columns = {"patient_id": [0] * len(page.readings["timestamp"]), **page.readings}
    return [to_reading(row) for row in zip(*(columns[name] for name in COLUMNS), strict=True)]


async def store(
    writer: Writer,
    observations: Sequence[Observation],
    *,
    start: int = 0,
    refusals: Sequence[Refusal] = (),
    arrived: int = NOON,
    partition: int = 0,
) -> WriteResult:
    """Store the observations as offsets `start` and following of a partition."""
    asked = request(observations, start=start, refusals=refusals, partition=partition)
    return await writer.write(asked, arrived=arrived)


def request(
    observations: Sequence[Observation], *, start: int = 0, refusals: Sequence[Refusal] = (), partition: int = 0
) -> WriteRequest:
    """Make the request to store the observations as offsets `start` and following of a partition."""
    deliveries = [delivery(each, offset=start + index, partition=partition) for index, each in enumerate(observations)]
    end = start + len(observations) + len(refusals)
    move = Move(partition, start, Position(end, "m"))
    return WriteRequest(observed(*observations), deliveries, refusals, [move])


def observed(*observations: Observation) -> list[ObservedRow]:
    """The values of observations, as the sink decodes them."""
    return [to_observed(each, each.patient_uuid.int) for each in observations]


def older(path: Path, version: str) -> None:
    """Make the tables of an older program."""
    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", "icu.store:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    engine.dispose()


async def put_alarm(url: str, episode: Episode) -> None:
    """Store an episode as the sink does."""
    engine = engine_of(url)
    try:
        await engine.transact(lambda transaction: episodes.insert(transaction, episode))
    finally:
        await engine.aclose()


async def alarm_in(url: str, identity: UUID) -> Episode | None:
    """Read an episode."""
    engine = engine_of(url)
    try:
        return await engine.transact(lambda transaction: episodes.episode(transaction, identity))
    finally:
        await engine.aclose()


def desaturation(**fields: Any) -> Episode:
    """Make an episode of Anna's: SpO2 below 90 since noon, raised 15 s later, and it sounds."""
    values: dict[str, Any] = {
        "presence": "present",
        "signal": "on",
        "tier": 0,
        "onsets": (NOON, None),
        "dues": (None, None),
        "raised": NOON + 15_000,
        "value": 8_900,
        "limit": 9_000,
        "worst": 8_850,
        "seen": 1,
    }
    return Episode(
        id=episode_id(ANNA, "spo2.low", NOON, NOON),
        patient=ANNA,
        condition="spo2.low",
        onset=NOON,
        **{**values, **fields},
    )
