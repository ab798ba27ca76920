"""Keys: of programs, and of wall screens. The key itself is returned once, when it is made."""

from datetime import datetime
from typing import Final

from msgspec import Struct
from sqlalchemy import text

from icu.access.roles import Role
from icu.config.settings import Secret
from icu.store.access.changes import note_change, note_first
from icu.store.access.errors import UnknownPrincipalError
from icu.store.access.names import checked_name
from icu.store.access.tokens import hash_of, new_key
from icu.store.commands.door import Author, Desk, Door
from icu.store.commands.errors import CommandConflictError, SenselessCommandError
from icu.store.decisions.audit import DONE, UNCHANGED
from icu.store.engines.base import Connection, Transaction
from icu.store.readings import from_milliseconds, milliseconds

_COLUMNS: Final = 'name, role, created, "by", expires, revoked'
_ALL: Final = text(f"SELECT {_COLUMNS} FROM api_keys ORDER BY created, name")  # noqa: S608 - names of our own
_ONE: Final = text(f"SELECT {_COLUMNS} FROM api_keys WHERE name = :name")  # noqa: S608 - names of our own
_INSERT: Final = text(
    'INSERT INTO api_keys (name, role, sha256, created, "by", expires)'
    " VALUES (:name, :role, :sha256, :now, :by, :expires)"
)
_REVOKE: Final = text("UPDATE api_keys SET revoked = :now WHERE name = :name")
_END_SESSIONS: Final = text("DELETE FROM sessions WHERE key_sha256 = (SELECT sha256 FROM api_keys WHERE name = :name)")


class KeyState(Struct, frozen=True):
    """Key, without what would let anybody in."""

    name: str
    role: Role
    created: datetime
    # Author, as in the audit.
    by: str
    expires: datetime | None
    revoked: datetime | None


async def add_key(door: Door, name: str, role: Role, author: Author, *, expires: datetime | None = None) -> Secret:
    """Make a key, and return it: it can be read nowhere else, and never again.

    Args:
        door: Door to the database.
        name: Name, which no other key ever had.
        role: Role of its requests, but for PUBLIC.
        author: Person who adds it.
        expires: Time from which it is no longer valid; None for never.

    Raises:
        SenselessCommandError: The name cannot be one, or it expires in the past.
        CommandConflictError: There is, or was, a key of this name.
        StoreError: See Door.carry_out.
    """
    name, key = checked_name(name), new_key()

    async def work(desk: Desk) -> Secret | CommandConflictError:
        before = await _find(desk.transaction, name)
        if before is not None:
            why = "was revoked, but stays in the audit" if before.revoked else "exists"
            await desk.note("name taken", before=before)
            return CommandConflictError(f"the key {name} {why}: choose another name", before)
        if expires is not None and milliseconds(expires) <= desk.now:
            raise SenselessCommandError("the key would expire in the past: name a later time")
        await _insert(desk, name, role, key, expires)
        await desk.note(DONE, after=await _find(desk.transaction, name))
        return key

    return await door.carry_out("key.add", author, work)


async def revoke_key(door: Door, name: str, author: Author) -> None:
    """Revoke a key, and end all sessions that began with it. Revoking it again changes nothing.

    Raises:
        SenselessCommandError: The name cannot be one.
        UnknownPrincipalError: There is no key of this name.
        StoreError: See Door.carry_out.
    """
    name = checked_name(name)

    async def work(desk: Desk) -> None:
        before = await _find(desk.transaction, name)
        if before is None:
            raise UnknownPrincipalError("there is no key of this name: python -m icu keys list shows all")
        if before.revoked is not None:
            await desk.note(UNCHANGED, before=before)
            return
        await desk.transaction.execute(_REVOKE, [{"name": name, "now": desk.now}])
        await desk.transaction.execute(_END_SESSIONS, [{"name": name}])
        await note_change(desk.transaction)
        await desk.note(DONE, before=before, after=await _find(desk.transaction, name))

    await door.carry_out("key.revoke", author, work)


async def list_keys(connection: Connection) -> list[KeyState]:
    """Read all keys, the oldest first, the revoked among them."""
    return [_state(*row) for row in await connection.rows(_ALL)]


async def _insert(desk: Desk, name: str, role: Role, key: Secret, expires: datetime | None) -> None:
    values = {
        "name": name,
        "role": role.value,
        "sha256": hash_of(key.reveal()),
        "now": desk.now,
        "by": desk.author.by,
        "expires": None if expires is None else milliseconds(expires),
    }
    await desk.transaction.execute(_INSERT, [values])
    await note_first(desk.transaction, desk.now)


async def _find(transaction: Transaction, name: str) -> KeyState | None:
    rows = await transaction.rows(_ONE, {"name": name})
    return _state(*rows[0]) if rows else None


def _state(name: str, role: str, created: int, by: str, expires: int | None, revoked: int | None) -> KeyState:
    return KeyState(
        name,
        Role(role),
        from_milliseconds(created),
        by,
        None if expires is None else from_milliseconds(expires),
        None if revoked is None else from_milliseconds(revoked),
    )
