"""Tools of the server's own, and the size of a database."""

import shlex
from pathlib import Path
from typing import Final

import psycopg

from icu.errors import UsageError
from icu.store.engines.base import Storage
from icu.store.engines.postgres.address import Address
from icu.store.engines.postgres.connections import NAME
from icu.store.engines.postgres.translation import translated
from icu.store.tables.metadata import METADATA

# Each table with its parts, their indexes, and what lies beside the rows.
_SIZE: Final = b"""
WITH ours AS (SELECT to_regclass(name) AS relation FROM unnest(%s::text[]) AS names (name)),
  parts AS (SELECT relation FROM ours UNION SELECT inhrelid FROM pg_inherits JOIN ours ON inhparent = relation)
SELECT coalesce(sum(pg_total_relation_size(relation)), 0)::bigint FROM parts WHERE relation IS NOT NULL
"""


def measure(address: Address) -> Storage:
    """See icu.store.engines.base.Engine.storage. Of the server's log and disk nothing is known here."""
    with translated(address), psycopg.connect(**address.parameters(NAME, read_only=True)) as connection:
        [(size,)] = connection.execute(_SIZE, (list(METADATA.tables),)).fetchall()
    return Storage(size, 0, size, 0, None)


def use_pg_dump(address: Address, target: Path) -> UsageError:
    """Make the error that names the tool for backups."""
    words = ["pg_dump", "--format=custom", f"--file={target}", address.location]
    return UsageError(f"a database of PostgreSQL is backed up by its own tool, while all goes on: {shlex.join(words)}")


def use_pg_restore(address: Address, source: Path) -> UsageError:
    """Make the error that names the tool for restoring."""
    words = ["pg_restore", "--exit-on-error", "--single-transaction"]
    words += [f"--dbname={address.location}", str(source)]
    return UsageError(
        "a database of PostgreSQL is restored by its own tool into an empty one, while sinks, monitors and upkeep are"
        f" stopped: {shlex.join(words)}"
    )
