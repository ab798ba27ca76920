"""Look-up of principals by their token, for each request: what was found is kept until the database says otherwise."""

import time
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

import anyio
import msgspec
from anyio import to_thread
from loguru import logger
from msgspec import Struct
from sqlalchemy import text

from icu.access.principals import Principal
from icu.access.roles import Role
from icu.config.settings import Secret
from icu.store import schema
from icu.store.access.changes import read_changes
from icu.store.access.file_keys import FileKeys
from icu.store.access.grants import Grant
from icu.store.access.sessions import renew_session
from icu.store.access.tokens import digest, is_session_token
from icu.store.commands.door import Door
from icu.store.engines.base import Connection
from icu.store.engines.table import engine_of
from icu.store.errors import StoreError, StoreMovedError
from icu.store.readings import from_milliseconds

T = TypeVar("T")

# Seconds between two looks at the changes: a revoked key is refused everywhere within a second.
LOOK_INTERVAL: Final = 0.5
# Grants that are kept at most; the oldest one goes.
_MOST: Final = 4_096

_KEY: Final = text("SELECT name, role, expires FROM api_keys WHERE sha256 = :sha256 AND revoked IS NULL")
_SESSION: Final = text(
    "SELECT session.name, session.kind, session.role, session.ends, session.role_until, session.key_sha256,"
    " key.name, key.expires FROM sessions AS session"
    " LEFT JOIN api_keys AS key ON key.sha256 = session.key_sha256 AND key.revoked IS NULL"
    " WHERE session.sha256 = :sha256"
)
_EXISTING: Final = text(
    "SELECT (SELECT count(*) FROM api_keys WHERE revoked IS NULL AND coalesce(expires > :now, true)),"
    " (SELECT count(*) FROM users), closed_since FROM access_state"
)


class Existing(Struct, frozen=True):
    """Keys and users that there are."""

    # Keys of the database that are valid now.
    keys: int
    users: int
    # Keys of the file, the expired among them: the end of the last one opens nothing.
    file_keys: int
    # When the first key or user was added to the database; None if there never was one.
    closed_since: datetime | None

    @property
    def closed(self) -> bool:
        """True if nobody may come in without a key or a password. It stays so when the last one is revoked."""
        return self.closed_since is not None or self.file_keys > 0


class Access:
    """Principals of a database and a file of keys. Monitors of one database share them.

    Args:
        url: URL of the database. Making the object opens nothing.
        name: Name of its sessions: see engine_of.
        keys_file: File of further keys; None for none. `load_file` reads it first.
        wall: Seconds since 1970.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "icu",
        keys_file: Path | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine_of(url, name=name)
        self._door = Door(url, name=name, wall=wall)
        self._file = FileKeys(keys_file)
        self._wall = wall
        self._lock = anyio.Lock()
        # Database that was last seen with tables that can be read; None before.
        self._identity: Hashable | None = None
        # All that the grants depend on, as of the last look, and its time; None before the first.
        self._state: Hashable = None
        self._looked: float | None = None
        # By the hash of the token.
        self._grants: dict[str, Grant] = {}

    def load_file(self) -> None:
        """Read the file of keys, if there is one. Blocks.

        Raises:
            ConfigurationError: It cannot be read, or a line gives no key.
        """
        self._file.load()

    @property
    def has_file_keys(self) -> bool:
        """True if the file gave a key, which may have expired, when it was last read."""
        return bool(self._file.grants)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._engine.aclose()

    async def principal(self, token: str) -> Principal | None:
        """Return the principal of a key or a session's token; None if it is not valid now.

        Cheap, to be asked for each request, and again and again for an open stream. A session in use is renewed.

        Raises:
            SchemaError: There is no database, or with tables of another version.
            StoreUnavailableError: It cannot be read now.
        """
        sha256 = digest(token)
        if sha256 is None:
            return None
        await self._look()
        now = self._now()
        grant = self._grants.get(sha256)
        if grant is None or grant.at(now) is None:  # another monitor may have renewed it
            grant = await self._find(sha256, is_session=is_session_token(token))
        if grant is None:
            return None
        await self._renew(sha256, grant, now)
        return grant.at(now)

    async def key(self, key: Secret) -> Grant | None:
        """Return the rights of a key; None if it is not valid now. See `principal`."""
        sha256 = digest(key.reveal())
        if sha256 is None or is_session_token(key.reveal()):
            return None
        await self._look()
        grant = await self._find(sha256, is_session=False)
        return grant if grant is not None and grant.at(self._now()) is not None else None

    async def existing(self) -> Existing:
        """Count keys and users.

        Raises:
            SchemaError: There is no database yet, or with tables of another version.
            StoreUnavailableError: It cannot be read now.
        """
        await self._look()
        now = self._now()
        [(keys, users, since)] = await self.ask(lambda connection: connection.rows(_EXISTING, {"now": now}))
        return Existing(keys, users, len(self._file.grants), None if since is None else from_milliseconds(since))

    async def ask(self, question: Callable[[Connection], Awaitable[T]]) -> T:
        """Ask the database that there is now, for lists of keys and users.

        Raises:
            SchemaError: There is no database yet, or with tables of another version.
            StoreUnavailableError: It cannot be read now.
        """
        identity = self._identity or await self._identify()
        try:
            async with self._engine.connection(identity) as connection:
                return await question(connection)
        except StoreMovedError:
            async with self._engine.connection(await self._identify()) as connection:
                return await question(connection)

    async def _look(self) -> None:
        """Forget all grants if something has changed since the last look, unless that was a moment ago."""
        if not self._is_due():
            return
        async with self._lock:
            if not self._is_due():  # another task has looked meanwhile
                return
            began = anyio.current_time()
            await to_thread.run_sync(self._file.refresh)
            changes = await self.ask(read_changes)
            state = (self._identity, changes, self._file.version)
            if state != self._state:
                self._state, self._grants = state, {}
            self._looked = began

    def _is_due(self) -> bool:
        return self._looked is None or anyio.current_time() - self._looked >= LOOK_INTERVAL

    async def _identify(self) -> Hashable:
        identity = await schema.find(self._engine)
        if identity != self._identity:
            async with self._engine.connection(identity) as connection:
                await schema.check(connection, self._engine.location)
        self._identity = identity
        return identity

    async def _find(self, sha256: str, *, is_session: bool) -> Grant | None:
        state = self._state
        grant = await (self._session(sha256) if is_session else self._key(sha256))
        # What was read before a change, and comes after the look that noticed it, is not kept.
        if grant is not None and state == self._state:
            if len(self._grants) >= _MOST:
                del self._grants[next(iter(self._grants))]
            self._grants[sha256] = grant
        return grant

    async def _key(self, sha256: str) -> Grant | None:
        if sha256 in self._file.grants:
            return self._file.grants[sha256]
        rows = await self.ask(lambda connection: connection.rows(_KEY, {"sha256": sha256}))
        return Grant(rows[0][0], "key", Role(rows[0][1]), rows[0][2]) if rows else None

    async def _session(self, sha256: str) -> Grant | None:
        rows = await self.ask(lambda connection: connection.rows(_SESSION, {"sha256": sha256}))
        if not rows:
            return None
        name, kind, role, ends, role_until, key_sha256, key_name, key_ends = rows[0]
        if key_sha256 in self._file.grants:
            key_ends = self._file.grants[key_sha256].ends
        elif key_sha256 is not None and key_name is None:  # revoked, or no longer in the file
            return None
        ends = ends if key_ends is None else min(ends, key_ends)
        return Grant(name, kind, Role(role), ends, role_until, is_session=True, key_ends=key_ends)

    async def _renew(self, sha256: str, grant: Grant, now: int) -> None:
        ends = grant.renewed(now)
        if ends is None:
            return
        # First, so that requests at the same time write once. One that is not kept may be outdated.
        if sha256 in self._grants:
            self._grants[sha256] = msgspec.structs.replace(grant, ends=ends)
        try:
            await renew_session(self._door, sha256, ends)
        except StoreError as exc:
            # A monitor may have nothing to write to; the session is valid all the same.
            logger.warning("a session was not renewed: {}", exc)

    def _now(self) -> int:
        return round(self._wall() * 1000)
