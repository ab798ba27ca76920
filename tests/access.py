"""A database with keys, users and sessions, at a time that tests set."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from icu.access.principals import Principal
from icu.access.roles import Role
from icu.config.settings import Secret
from icu.store.access import passwords
from icu.store.access.keys import add_key, revoke_key
from icu.store.access.log_in import log_in, log_in_with_key
from icu.store.access.lookup import LOOK_INTERVAL, Access
from icu.store.access.sessions import NewSession
from icu.store.access.users import add_user
from icu.store.commands.door import Author, Door
from icu.store.engines.table import engine_of
from tests.clocks import pass_time
from tests.samples import START
from tests.stores import rows

HOUR, DAY = 3_600, 86_400
EVA = Author("Eva", "command line")
PASSWORD = Secret("four random words")
WRONG = Secret("five random words")
ADDRESS = "192.0.2.7"


def cheapen_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords as the program does, but a thousand times cheaper: half of the time of log-ins otherwise."""
    hasher = PasswordHash((Argon2Hasher(memory_cost=64, time_cost=1, parallelism=1),))
    monkeypatch.setattr(passwords, "_HASHER", hasher)
    monkeypatch.setattr(passwords, "_NOBODYS", hasher.hash("nobody's"))


class Gate:
    """Database of which a test changes keys and users, and which it asks for principals.

    Args:
        url: URL of the database.
        keys_file: File of further keys.
    """

    def __init__(self, url: str, keys_file: Path | None = None) -> None:
        self.url = url
        # Seconds since 1970.
        self.now = START.timestamp()
        self.door = Door(url, wall=lambda: self.now)
        self.monitors: list[Access] = []
        self.access = self.monitor(keys_file)

    def monitor(self, keys_file: Path | None = None) -> Access:
        """Return what one more monitor would ask."""
        self.monitors.append(Access(self.url, keys_file=keys_file, wall=lambda: self.now))
        return self.monitors[-1]

    def later(self, seconds: float = LOOK_INTERVAL) -> None:
        """Pass time; by default, until the next look at the changes is due."""
        self.now += seconds
        pass_time(seconds)

    async def key(self, name: str = "wall", role: Role = Role.NURSE, expires: datetime | None = None) -> Secret:
        """Add a key."""
        return await add_key(self.door, name, role, EVA, expires=expires)

    async def revoke(self, name: str = "wall") -> None:
        """Revoke a key."""
        await revoke_key(self.door, name, EVA)

    async def user(self, name: str = "anna", role: Role = Role.NURSE) -> None:
        """Add a user with the password PASSWORD."""
        await add_user(self.door, name, role, EVA, password=PASSWORD)

    async def log_in(self, name: str = "anna", password: Secret = PASSWORD, source: str = ADDRESS) -> NewSession:
        """Log a user in."""
        return await log_in(self.door, name, password, source)

    async def log_in_with(self, key: Secret) -> NewSession:
        """Log in with a key."""
        return await log_in_with_key(self.door, self.access, key, ADDRESS)

    async def who(self, token: Secret) -> Principal | None:
        """Ask whose a token is."""
        return await self.access.principal(token.reveal())

    def audit(self) -> list[tuple[str, str, str, dict[str, Any] | None, dict[str, Any] | None, str]]:
        """Return author, source, command, state before, state after and result of each line of the audit."""
        found = rows(self.url, 'SELECT "by", source, command, "before", "after", result FROM audit ORDER BY id')
        return [(*line[:3], *(each and json.loads(each) for each in line[3:5]), line[5]) for line in found]

    def commands(self) -> list[str]:
        """Return the command of each line of the audit."""
        return [line[2] for line in self.audit()]


@asynccontextmanager
async def gate(url: str, keys_file: Path | None = None) -> AsyncIterator[Gate]:
    """Make the tables, and close all at the end."""
    await engine_of(url).upgrade()
    made = Gate(url, keys_file)
    try:
        yield made
    finally:
        for each in made.monitors:
            await each.aclose()
