"""Translation of the errors of psycopg, libpq and SQLAlchemy into the store's, a sentence each for what people mend."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import errors
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from icu.store.engines.deadline import TRANSACTION_DEADLINE
from icu.store.engines.postgres.address import Address
from icu.store.errors import (
    StoreCorruptError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
    StoreUnreachableError,
)

# Classes of SQLSTATE that end by themselves, or by what people do to the server: its connections, its transactions,
# its resources, its operators, and its machine.
_PASSING: Final = frozenset({"08", "40", "53", "55", "57", "58"})
# Sentences of libpq, before there is a SQLSTATE.
_REFUSALS: Final = (
    ("password authentication failed", "the password of {user} is wrong, or there is no such user"),
    ("no password supplied", "the server wants a password of {user}: write it in the URL, or in ~/.pgpass"),
    (
        "(?s)^(?!.*SSL encryption).*no encryption",
        "the server lets {user} not in from this host without TLS: write sslmode=require in the URL",
    ),
    ("no pg_hba.conf entry", "the server lets {user} not in from this host: add a line to its pg_hba.conf"),
    ("role .* does not exist", "there is no user {user} on the server: CREATE ROLE {user} LOGIN PASSWORD '...'"),
    (
        'database ".*" does not exist',
        "there is no database {database} on the server: CREATE DATABASE {database} OWNER {user}",
    ),
    ("not permitted to log in", "{user} may not log in on the server: ALTER ROLE {user} LOGIN"),
    ("permission denied for database", "{user} may not connect: GRANT CONNECT ON DATABASE {database} TO {user}"),
    (
        "server does not support SSL",
        "the URL demands TLS (sslmode), and the server has none: set it up there (ssl = on)",
    ),
    (
        "SSL error|certificate|root.crt",
        "TLS failed ({reason}), so the server may be another one: see sslmode and sslrootcert",
    ),
)
_CROWDED: Final = "the server has no connection left: raise max_connections there, or stop other programs"
_SENTENCES: Final = (
    (errors.DiskFull, "the disk of the server is full: make room there"),
    (errors.TooManyConnections, _CROWDED),
    (errors.IdleInTransactionSessionTimeout, "this program stood still in a transaction, which the server has ended"),
)


@contextmanager
def translated(address: Address) -> Iterator[None]:
    """Translate errors of the driver and of SQLAlchemy; the location is part of their text."""
    try:
        yield
    except DBAPIError as exc:
        raise store_error(exc.orig or exc, address) from _without_statement(exc)
    except psycopg.Error as exc:
        raise store_error(exc, address) from exc
    except TimeoutError as exc:
        raise StoreUnavailableError(f"{address.location} did not answer within {TRANSACTION_DEADLINE:g} s") from exc
    except SQLAlchemyError as exc:
        raise StoreError(f"{address.location}: {exc}") from exc


def store_error(exc: BaseException, address: Address) -> StoreError:
    """Return the store's error for one of the driver; the location is part of its text."""
    where = address.location
    text = _first_line(exc)
    for kind, sentence in _SENTENCES:
        if isinstance(exc, kind):
            return StoreUnavailableError(f"{where}: {sentence} ({text})")
    if isinstance(exc, (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)):
        return StoreDeniedError(f"{where}: {text}: {_grant(text, address)}")
    if isinstance(exc, (errors.DataCorrupted, errors.IndexCorrupted)):
        return StoreCorruptError(f"{where} is damaged ({text}): restore it from a backup, nothing was changed")
    state = getattr(exc, "sqlstate", None) or ""
    if isinstance(exc, psycopg.OperationalError) and not state:
        return _unconnected(str(exc), text, address)
    kind_of_error = StoreUnavailableError if state[:2] in _PASSING else StoreError
    return kind_of_error(f"{where}: {text}")


def _unconnected(whole: str, text: str, address: Address) -> StoreError:
    """Return the error of a connection that was refused, or has ended."""
    user, database = address.user or "this user", address.database
    if re.search("too many clients|remaining connection slots|too many connections", whole):
        return StoreUnreachableError(f"{address.location}: {_CROWDED}")
    for pattern, sentence in _REFUSALS:
        if re.search(pattern, whole):
            reason = text.rpartition(" failed: ")[2]
            told = sentence.format(user=user, database=database, reason=reason)
            return StoreDeniedError(f"{address.location}: {told}")
    return StoreUnreachableError(f"{address.location} cannot be reached: {text}")


def _grant(text: str, address: Address) -> str:
    user = address.user or "this user"
    if "schema" in text:
        return f"GRANT USAGE, CREATE ON SCHEMA public TO {user}, as the owner of the database"
    return (
        f"the user may only read: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user};"
        f" GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {user}, as the owner of the tables"
    )


def _first_line(exc: BaseException) -> str:
    lines = str(exc).strip().splitlines()
    return lines[0].rstrip(":") if lines else type(exc).__name__


def _without_statement(exc: DBAPIError) -> BaseException:
    return exc.orig if isinstance(exc.orig, BaseException) else exc
