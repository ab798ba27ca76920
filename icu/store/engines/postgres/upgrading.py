"""Upgrade of a database's tables: Alembic's, and then what is PostgreSQL's own."""

import secrets
from typing import Final

import psycopg
from sqlalchemy import Connection, NullPool, create_engine, inspect, text

from icu.store import schema
from icu.store.engines.postgres.address import Address
from icu.store.engines.postgres.connections import NAME
from icu.store.engines.postgres.days import PARTITION
from icu.store.engines.postgres.locks import SPACE, UPGRADE
from icu.store.engines.postgres.translation import translated

# Until the transaction ends: programs that start together take turns.
_TAKE_TURNS: Final = text(f"SELECT pg_advisory_xact_lock({SPACE}, {UPGRADE})")

# The random number tells these tables from others in the same place. Of the journal nothing is found by its content,
# which is as good as random: to compress it costs the sink a fifth of its time. Patients are never deleted, and to look
# for the patient of each reading took half of the time in which it is stored.
_OWN: Final = (
    "CREATE TABLE generation (number bigint NOT NULL)",
    "INSERT INTO generation (number) VALUES (:number)",
    "ALTER TABLE journal ALTER COLUMN payload SET STORAGE EXTERNAL",
    "ALTER TABLE patient_metrics DROP CONSTRAINT patient_metrics_patient_id_fkey",
    *PARTITION,
)


def upgrade(address: Address) -> str | None:
    """Upgrade the tables: `Engine.upgrade`, but blocking. All or nothing."""
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(**address.parameters(NAME, limits=False)),
        poolclass=NullPool,
    )
    with translated(address), engine.begin() as connection:
        connection.execute(_TAKE_TURNS)
        version = schema.upgrade(connection)
        if not inspect(connection).has_table("generation"):
            _make_own(connection)
        return version


def _make_own(connection: Connection) -> None:
    for statement in _OWN:
        values = {"number": 1 + secrets.randbelow(2**62)} if ":number" in statement else {}
        connection.execute(text(statement), values)
