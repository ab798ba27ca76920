"""Sessions: they begin with a log-in, are in the database, and so are shared by all monitors."""

from datetime import datetime
from typing import Final

from msgspec import Struct
from sqlalchemy import text

from icu.access.principals import Principal
from icu.access.roles import Role
from icu.config.settings import Secret
from icu.store.access.changes import note_change
from icu.store.access.errors import LogInRefusedError
from icu.store.access.grants import FULL_ROLE, Grant, session_end
from icu.store.access.tokens import digest, hash_of, new_session_token
from icu.store.commands.door import Author, Desk, Door
from icu.store.decisions.audit import DONE
from icu.store.readings import from_milliseconds

# Sessions of one principal at most: a key that everybody knows begins any number of them.
MOST: Final = 1_000

_INSERT: Final = text(
    "INSERT INTO sessions (sha256, kind, name, role, created, role_until, ends, key_sha256)"
    " VALUES (:sha256, :kind, :name, :role, :now, :role_until, :ends, :key_sha256)"
)
_DELETE_ENDED: Final = text("DELETE FROM sessions WHERE ends <= :now")
_DELETE_OLDEST: Final = text(
    "DELETE FROM sessions WHERE sha256 IN (SELECT sha256 FROM sessions WHERE kind = :kind AND name = :name"
    " ORDER BY created DESC, sha256 LIMIT 1000000000 OFFSET :most)"
)
_DELETE: Final = text("DELETE FROM sessions WHERE sha256 = :sha256")
_RENEW: Final = text("UPDATE sessions SET ends = :ends WHERE sha256 = :sha256 AND ends < :ends")


class NewSession(Struct, frozen=True):
    """Session that has just begun."""

    # For the client alone.
    token: Secret
    principal: Principal
    # End of the session, unless it is used before.
    ends: datetime


class SessionState(Struct, frozen=True):
    """Session, as the audit shows it."""

    role: Role
    # End of a role above a viewer's.
    role_until: datetime | None


async def begin_session(desk: Desk, principal: Grant, *, key_sha256: str | None = None) -> NewSession:
    """Begin a session in the transaction of a log-in, and delete those that are over.

    Args:
        desk: Tools of the log-in.
        principal: Rights of the user or key.
        key_sha256: Hash of the key; None for a user.

    Raises:
        LogInRefusedError: The key expired a moment ago.
    """
    token = new_session_token()
    role_until = None if principal.role is Role.VIEWER else desk.now + FULL_ROLE
    ends = session_end(desk.now, principal.ends)
    grant = Grant(principal.name, principal.kind, principal.role, ends, role_until, True, principal.ends)
    begun = grant.at(desk.now)
    if begun is None:
        raise LogInRefusedError("the key has expired")
    await _make_room(desk, grant)
    values = {
        "sha256": hash_of(token.reveal()),
        "kind": grant.kind,
        "name": grant.name,
        "role": grant.role.value,
        "now": desk.now,
        "role_until": role_until,
        "ends": ends,
        "key_sha256": key_sha256,
    }
    await desk.transaction.execute(_INSERT, [values])
    until = None if role_until is None else from_milliseconds(role_until)
    await desk.note(DONE, after=SessionState(grant.role, until))
    return NewSession(token, begun, from_milliseconds(ends))


async def log_out(door: Door, token: str, author: Author) -> None:
    """End a session. One that has ended already, or never began, is no error.

    Raises:
        StoreError: See Door.carry_out.
    """

    async def work(desk: Desk) -> None:
        if await desk.transaction.execute(_DELETE, [{"sha256": digest(token)}]):
            await note_change(desk.transaction)
            await desk.note(DONE)

    await door.carry_out("logout", author, work)


async def renew_session(door: Door, sha256: str, ends: int) -> None:
    """Move the end of a session. It is no command of a person, and not in the audit.

    Args:
        door: Door to the database.
        sha256: Hash of its token.
        ends: New end, milliseconds since 1970 UTC. An earlier one than it has changes nothing.

    Raises:
        StoreError: See Door.carry_out.
    """

    async def work(desk: Desk) -> None:
        await desk.transaction.execute(_RENEW, [{"sha256": sha256, "ends": ends}])

    await door.carry_out("session.renew", Author("", ""), work)


async def _make_room(desk: Desk, grant: Grant) -> None:
    await desk.transaction.execute(_DELETE_ENDED, [{"now": desk.now}])
    values = {"kind": grant.kind, "name": grant.name, "most": MOST - 1}
    if await desk.transaction.execute(_DELETE_OLDEST, [values]):
        await note_change(desk.transaction)
