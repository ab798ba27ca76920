"""Users: people with a password."""

from datetime import datetime
from typing import Final

from msgspec import Struct
from sqlalchemy import text

from icu.access.roles import Role
from icu.config.settings import Secret
from icu.store.access.changes import note_change, note_first
from icu.store.access.errors import UnknownPrincipalError
from icu.store.access.names import checked_name
from icu.store.access.passwords import check_password, hash_password
from icu.store.commands.door import Author, Desk, Door
from icu.store.commands.errors import CommandConflictError
from icu.store.decisions.audit import DONE
from icu.store.engines.base import Connection, Transaction
from icu.store.readings import from_milliseconds

_COLUMNS: Final = 'name, role, created, "by", changed'
_ALL: Final = text(f"SELECT {_COLUMNS} FROM users ORDER BY created, name")  # noqa: S608 - names of our own
_ONE: Final = text(f"SELECT {_COLUMNS} FROM users WHERE name = :name")  # noqa: S608 - names of our own
_INSERT: Final = text(
    'INSERT INTO users (name, role, hash, created, "by", changed) VALUES (:name, :role, :hash, :now, :by, :now)'
)
_REMOVE: Final = text("DELETE FROM users WHERE name = :name")
_CHANGE: Final = text("UPDATE users SET hash = :hash, changed = :now WHERE name = :name")
_END_SESSIONS: Final = text("DELETE FROM sessions WHERE kind = 'user' AND name = :name")


class UserState(Struct, frozen=True):
    """User, without the hash of the password."""

    name: str
    role: Role
    created: datetime
    # Author, as in the audit.
    by: str
    # When the password was last changed.
    changed: datetime


async def add_user(door: Door, name: str, role: Role, author: Author, *, password: Secret) -> UserState:
    """Add a user.

    Args:
        door: Door to the database.
        name: Name, which no other user has now.
        role: Role after a log-in, but for PUBLIC.
        author: Person who adds the user.
        password: Password, which is stored as a hash alone.

    Raises:
        SenselessCommandError: The name cannot be one, or the password is too short.
        CommandConflictError: There is a user of this name.
        StoreError: See Door.carry_out.
    """
    name = checked_name(name)
    check_password(password)
    hashed = await hash_password(password)

    async def work(desk: Desk) -> UserState | CommandConflictError:
        before = await _find(desk.transaction, name)
        if before is not None:
            await desk.note("name taken", before=before)
            return CommandConflictError(f"the user {name} exists: choose another name", before)
        values = {"name": name, "role": role.value, "hash": hashed, "now": desk.now, "by": desk.author.by}
        await desk.transaction.execute(_INSERT, [values])
        await note_first(desk.transaction, desk.now)
        after = UserState(name, role, from_milliseconds(desk.now), desk.author.by, from_milliseconds(desk.now))
        await desk.note(DONE, after=after)
        return after

    return await door.carry_out("user.add", author, work)


async def remove_user(door: Door, name: str, author: Author) -> None:
    """Remove a user, and end all their sessions.

    Raises:
        SenselessCommandError: The name cannot be one.
        UnknownPrincipalError: There is no user of this name.
        StoreError: See Door.carry_out.
    """
    name = checked_name(name)

    async def work(desk: Desk) -> None:
        before = await _known(desk.transaction, name)
        await desk.transaction.execute(_REMOVE, [{"name": name}])
        await _end_sessions(desk, name)
        await desk.note(DONE, before=before)

    await door.carry_out("user.remove", author, work)


async def set_password(door: Door, name: str, author: Author, *, password: Secret) -> None:
    """Set the password of a user, and end all their sessions: somebody else may have known the old one.

    Raises:
        SenselessCommandError: It is too short, or the name cannot be one.
        UnknownPrincipalError: There is no user of this name.
        StoreError: See Door.carry_out.
    """
    name = checked_name(name)
    check_password(password)
    hashed = await hash_password(password)

    async def work(desk: Desk) -> None:
        before = await _known(desk.transaction, name)
        await desk.transaction.execute(_CHANGE, [{"name": name, "hash": hashed, "now": desk.now}])
        await _end_sessions(desk, name)
        await desk.note(DONE, before=before, after=await _find(desk.transaction, name))

    await door.carry_out("user.password", author, work)


async def list_users(connection: Connection) -> list[UserState]:
    """Read all users, the oldest first."""
    return [_state(*row) for row in await connection.rows(_ALL)]


async def _known(transaction: Transaction, name: str) -> UserState:
    found = await _find(transaction, name)
    if found is None:
        raise UnknownPrincipalError("there is no user of this name: python -m icu users list shows all")
    return found


async def _find(transaction: Transaction, name: str) -> UserState | None:
    rows = await transaction.rows(_ONE, {"name": name})
    return _state(*rows[0]) if rows else None


async def _end_sessions(desk: Desk, name: str) -> None:
    await desk.transaction.execute(_END_SESSIONS, [{"name": name}])
    await note_change(desk.transaction)


def _state(name: str, role: str, created: int, by: str, changed: int) -> UserState:
    return UserState(name, Role(role), from_milliseconds(created), by, from_milliseconds(changed))
