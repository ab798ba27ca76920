"""Keys and users, for the command line. Tables are made, or upgraded, where a command needs them."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

import anyio

from icu.access.roles import Role
from icu.bootstrap.database import upgrade_database
from icu.config.settings import Secret, Settings

if TYPE_CHECKING:
    from icu.store.access.keys import KeyState
    from icu.store.access.users import UserState
    from icu.store.commands.door import Author, Door
    from icu.store.engines.base import Connection

T = TypeVar("T")

# Place in the audit of what was commanded here, where others have an address.
_SOURCE: Final = "command line"


def add_key(settings: Settings, name: str, role: Role, by: str, *, expires: datetime | None) -> Secret:
    """Add a key to the database: see icu.store.access.keys.add_key."""
    from icu.store.access import keys

    upgrade_database(settings)
    return _carry_out(settings, by, lambda door, author: keys.add_key(door, name, role, author, expires=expires))


def revoke_key(settings: Settings, name: str, by: str) -> None:
    """Revoke a key of the database: see icu.store.access.keys.revoke_key."""
    from icu.store.access import keys

    _carry_out(settings, by, lambda door, author: keys.revoke_key(door, name, author))


def list_keys(settings: Settings) -> "Sequence[KeyState]":
    """Read the keys of the database."""
    from icu.store.access import keys

    return _ask(settings, keys.list_keys)


def add_user(settings: Settings, name: str, role: Role, by: str, *, password: Secret) -> None:
    """Add a user: see icu.store.access.users.add_user."""
    from icu.store.access import users

    upgrade_database(settings)
    _carry_out(settings, by, lambda door, author: users.add_user(door, name, role, author, password=password))


def remove_user(settings: Settings, name: str, by: str) -> None:
    """Remove a user: see icu.store.access.users.remove_user."""
    from icu.store.access import users

    _carry_out(settings, by, lambda door, author: users.remove_user(door, name, author))


def set_password(settings: Settings, name: str, by: str, *, password: Secret) -> None:
    """Set the password of a user: see icu.store.access.users.set_password."""
    from icu.store.access import users

    _carry_out(settings, by, lambda door, author: users.set_password(door, name, author, password=password))


def list_users(settings: Settings) -> "Sequence[UserState]":
    """Read the users."""
    from icu.store.access import users

    return _ask(settings, users.list_users)


def _carry_out(settings: Settings, by: str, command: "Callable[[Door, Author], Awaitable[T]]") -> T:
    from icu.store.commands.door import Author, Door

    async def carry_out() -> T:
        return await command(Door(settings.database.url), Author(by, _SOURCE))

    return anyio.run(carry_out)


def _ask(settings: Settings, question: "Callable[[Connection], Awaitable[T]]") -> T:
    from icu.store.access.lookup import Access

    async def ask() -> T:
        async with aclosing(Access(settings.database.url)) as access:
            return await access.ask(question)

    return anyio.run(ask)
