"""Tables of keys, users and sessions. Keys, passwords and tokens of sessions are stored as hashes alone.

Times are milliseconds since 1970 UTC.
"""

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from icu.access.principals import LONGEST_NAME
from icu.store.tables.base import Base


class ApiKey(Base):
    """Key of a program or a wall screen. Revoked ones are kept: in the audit, a name means one key for ever."""

    __tablename__ = "api_keys"

    name: Mapped[str] = mapped_column(String(LONGEST_NAME), primary_key=True)
    role: Mapped[str]
    # SHA-256, in hexadecimal digits. Enough for 32 random bytes, which nobody can guess.
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created: Mapped[int] = mapped_column(BigInteger)
    # Author, as in the audit.
    by: Mapped[str]
    # NULL for never.
    expires: Mapped[int | None] = mapped_column(BigInteger)
    revoked: Mapped[int | None] = mapped_column(BigInteger)


class User(Base):
    """Person with a password."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(String(LONGEST_NAME), primary_key=True)
    role: Mapped[str]
    # Of the password, by argon2id, with its parameters and salt.
    hash: Mapped[str]
    created: Mapped[int] = mapped_column(BigInteger)
    # Author, as in the audit.
    by: Mapped[str]
    # Of the password.
    changed: Mapped[int] = mapped_column(BigInteger)


class Session(Base):
    """Session that began with a log-in. It ends with its key or user."""

    __tablename__ = "sessions"
    __table_args__ = (Index("sessions_by_principal", "kind", "name", "created"),)

    # Of the token, in hexadecimal digits.
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    # key or user.
    kind: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    created: Mapped[int] = mapped_column(BigInteger)
    # From then on it has the role of a viewer; NULL if it always has.
    role_until: Mapped[int | None] = mapped_column(BigInteger)
    # End, which moves with use.
    ends: Mapped[int] = mapped_column(BigInteger)
    # Hash of the key that it began with; NULL for that of a user.
    key_sha256: Mapped[str | None] = mapped_column(String(64))


class LogInAttempt(Base):
    """Failures in a row, by a name or from an address."""

    __tablename__ = "login_attempts"
    __table_args__ = (Index("login_attempts_by_time", "last"),)

    # Hash of the name or address: people sometimes type their password as the name.
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    last: Mapped[int] = mapped_column(BigInteger)


class AccessState(Base):
    """One row: what tells monitors that keys, users or sessions have changed."""

    __tablename__ = "access_state"

    id: Mapped[int] = mapped_column(primary_key=True)
    # Number of changes that may take rights away. What monitors know of principals is valid until it rises.
    changes: Mapped[int] = mapped_column(BigInteger)
    # When the first key or user was added: from then on nobody comes in without. NULL before.
    closed_since: Mapped[int | None] = mapped_column(BigInteger)
