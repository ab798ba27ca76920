"""Log-ins, with a password or a key. A refusal takes as long for a name that nobody has, and says the same."""

from collections.abc import Sequence
from typing import Final

import anyio
from msgspec import Struct
from sqlalchemy import text

from icu.access.principals import check_principal_name
from icu.access.roles import Role
from icu.config.settings import Secret
from icu.store.access.attempts import count_attempt, delay_after, forget_failures, is_noted, subjects
from icu.store.access.errors import LogInRefusedError
from icu.store.access.grants import Grant
from icu.store.access.lookup import Access
from icu.store.access.passwords import verify_password
from icu.store.access.sessions import NewSession, begin_session
from icu.store.access.tokens import hash_of
from icu.store.commands.door import Author, Desk, Door

# Author in the audit of a failure under a name that nobody has: people sometimes type their password as the name.
UNKNOWN: Final = "unknown"

_USER: Final = text("SELECT role, hash FROM users WHERE name = :name")


class Failures(Struct, frozen=True):
    """Failed log-ins, as the audit shows them."""

    # In a row, by this name or from this address. From some number on, not each has a line of its own.
    failures: int


async def log_in(door: Door, name: str, password: Secret, source: str) -> NewSession:
    """Log a user in. After some failures in a row, by the name or from the address, it takes some seconds.

    Args:
        door: Door to the database.
        name: Name as typed.
        password: Password as typed.
        source: Address of the client.

    Raises:
        LogInRefusedError: Name or password is wrong.
        StoreError: See Door.carry_out.
    """
    counted = subjects(name, source)
    name = _normal(name)
    hashed, failures = await _begin_attempt(door, name, counted, source)
    await anyio.sleep(delay_after(failures - 1))
    author = Author(UNKNOWN if hashed is None else name, source)
    if not await verify_password(password, hashed):
        await _note_failure(door, author, failures)
        raise LogInRefusedError("name or password is wrong")

    async def work(desk: Desk) -> NewSession | LogInRefusedError:
        rows = await desk.transaction.rows(_USER, {"name": name})
        if not rows or rows[0][1] != hashed:
            await desk.note("user removed or password changed meanwhile")
            return LogInRefusedError("name or password is wrong")
        await forget_failures(desk.transaction, counted)
        return await begin_session(desk, Grant(name, "user", Role(rows[0][0]), ends=None))

    return await door.carry_out("login", author, work)


async def log_in_with_key(door: Door, access: Access, key: Secret, source: str) -> NewSession:
    """Begin a session with a key, of the database or of the file. It ends with the key.

    Nobody can guess a key, so failures cost other log-ins no time: a wall of screens begins its sessions at once.

    Args:
        door: Door to the database.
        access: Keys that there are.
        key: Key as sent.
        source: Address of the client.

    Raises:
        LogInRefusedError: The key is not valid.
        StoreError: See Door.carry_out.
    """
    grant = await access.key(key)
    if grant is None:
        _, failures = await _begin_attempt(door, "", subjects(None, source), source)
        await _note_failure(door, Author(UNKNOWN, source), failures)
        await anyio.sleep(delay_after(failures - 1))
        raise LogInRefusedError("the key is not valid: it may have expired, or have been revoked")

    async def work(desk: Desk) -> NewSession:
        return await begin_session(desk, grant, key_sha256=hash_of(key.reveal()))

    return await door.carry_out("login", Author(f"key:{grant.name}", source), work)


def _normal(name: str) -> str:
    """Return the name in its normal form; nobody's, the empty one, for a text that cannot be a name."""
    try:
        return check_principal_name(name)
    except ValueError:
        return ""


async def _begin_attempt(door: Door, name: str, counted: Sequence[str], source: str) -> tuple[str | None, int]:
    """Count an attempt.

    Returns:
        Hash of the user's password, None if there is no such user; and the failures, this attempt among them.
    """

    async def work(desk: Desk) -> tuple[str | None, int]:
        failures = await count_attempt(desk.transaction, counted, desk.now)
        rows = await desk.transaction.rows(_USER, {"name": name})
        return (rows[0][1] if rows else None), failures

    return await door.carry_out("login.attempt", Author(UNKNOWN, source), work)


async def _note_failure(door: Door, author: Author, failures: int) -> None:
    async def work(desk: Desk) -> None:
        await desk.note("refused", after=Failures(failures))

    if is_noted(failures):
        await door.carry_out("login.failed", author, work)
