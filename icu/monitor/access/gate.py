"""The monitor's gate: it is open, or asks for a key, as the database and the settings say at the start."""

from collections.abc import Sequence
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from litestar.types import Scope
from loguru import logger
from msgspec import Struct

from icu.access.principals import Principal
from icu.access.roles import Role
from icu.http.clients import is_encrypted, is_forwarded, is_local
from icu.http.gate import AnyConnection
from icu.http.hosts import over_loopback
from icu.monitor.access.credentials import Trust, bearer, check_origin, proxied_person, session_token
from icu.monitor.access.errors import (
    ADD_A_KEY,
    KeylessError,
    PlainError,
    ProxiedWithoutKeysError,
    RemoteWithoutKeysError,
    RoleError,
    UndecidedError,
    UnknownClientError,
)
from icu.store.access.lookup import Access
from icu.store.errors import StoreError

# Seconds between two looks for the first key. From then on nobody comes in without one.
LOOK_EVERY: Final = 0.5

# Key in the state of a request.
_CALLER: Final = "icu.caller"


class Policy(Struct, frozen=True, kw_only=True):
    """Settings of the gate."""

    # Address that the monitor listens on.
    host: str
    bound_to_loopback: bool
    # True to let everybody in where there are no keys, from other machines too.
    insecure: bool = False
    # True to refuse plain HTTP from other machines.
    require_tls: bool = False
    # Origins of pages that may command with a cookie, beside the server's own.
    origins: Sequence[str] = ()
    trust: Trust | None = None


class Caller(Struct, frozen=True):
    """Client of a request, as its credential tells."""

    principal: Principal
    # Token of its key or session; None for a person whom a proxy has let in.
    token: str | None


class WardGate:
    """Gate of a monitor.

    Args:
        access: Keys and sessions. Closed by its owner.
        policy: Settings.
    """

    figures = Role.VIEWER

    def __init__(self, access: Access, policy: Policy) -> None:
        self.access = access
        self._policy = policy
        # None until the database has told if there are keys; never again True after False.
        self._open: bool | None = False if policy.trust is not None or access.has_file_keys else None
        self._why = "it was not asked yet"
        # Set once it is known that there are no keys, and others can reach the monitor.
        self._forbidden: KeylessError | None = None

    @property
    def is_open(self) -> bool:
        """True where nobody needs a key."""
        return self._open is True

    @property
    def is_closed(self) -> bool:
        """True if nobody comes in without a key, whatever the database holds."""
        return self._open is False

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Decide if the monitor is open, and close it with the first key. Waits for the database.

        Raises:
            KeylessError: Others can reach the monitor, and there are no keys.
        """
        await self._decide()
        self._check_place()
        task_status.started()
        while not self.is_closed:
            await anyio.sleep(LOOK_EVERY)
            await self._decide()
            self._check_place()

    async def _decide(self) -> None:
        """Ask the database if there are keys."""
        if self.is_closed:
            return
        try:
            existing = await self.access.existing()
        except StoreError as exc:
            self._why = str(exc)
            return
        if existing.closed:
            if self._open:
                logger.info("the first key was added: from now on nobody comes in without one")
            self._open = False
        elif self._open is None:
            self._begin_open()

    def _begin_open(self) -> None:
        host = self._policy.host
        if self._policy.insecure:
            logger.warning(
                "INSECURE: there are no keys. Everybody who reaches {} sees all patients, and commands. Close it: {}",
                host,
                ADD_A_KEY,
            )
        elif self._policy.bound_to_loopback:
            logger.info("there are no keys: the ward is open to everybody on this machine. Close it: {}", ADD_A_KEY)
        else:
            self._forbidden = KeylessError(host)
            return
        self._open = True

    def _check_place(self) -> None:
        if self._forbidden is not None and not self.is_closed:
            raise self._forbidden

    async def admit(self, connection: AnyConnection, needed: Role) -> None:
        if self._policy.require_tls and not (is_encrypted(connection.scope) or is_local(connection.scope)):
            raise PlainError("this ward takes nothing")
        if self._open is None:
            await self._decide()
        if self._open:
            self._check_near(connection)
            return
        if needed is Role.PUBLIC:
            return
        caller = await self.caller(connection)
        if caller is None:
            raise self._unknown(connection)
        if not caller.principal.role.allows(needed):
            raise RoleError(caller.principal, needed)
        connection.scope["state"][_CALLER] = caller

    async def caller(self, connection: AnyConnection) -> Caller | None:
        """Return the client by its credential: a key, what a trusted proxy says, or the cookie of a session.

        Returns:
            None if it has none that is valid now.

        Raises:
            CookieOriginError: A page of another server commands with the cookie.
            UnknownClientError: A proxy names somebody who cannot be.
            StoreError: The database cannot be read now.
        """
        token = bearer(connection.headers)
        if token is not None:
            return await self._holder(token)
        person = proxied_person(connection, self._policy.trust)
        if person is not None:
            check_origin(connection, self._policy.origins)
            return Caller(person, None)
        token = session_token(connection)
        if token is None:
            return None
        caller = await self._holder(token)
        if caller is not None:
            check_origin(connection, self._policy.origins)
        return caller

    async def _holder(self, token: str) -> Caller | None:
        principal = await self.access.principal(token)
        return None if principal is None else Caller(principal, token)

    def _check_near(self, connection: AnyConnection) -> None:
        """Check that a request without a key comes from this machine, unless that was switched off."""
        if self._policy.insecure:
            return
        if is_forwarded(connection.headers):
            raise ProxiedWithoutKeysError
        # Another server than ours may listen on any address.
        if not over_loopback(connection.scope):
            raise RemoteWithoutKeysError

    def _unknown(self, connection: AnyConnection) -> UndecidedError | UnknownClientError:
        if bearer(connection.headers) is not None or session_token(connection) is not None:
            return UnknownClientError("the key or session is not valid: it may have expired, or have been revoked")
        if self._open is None:
            return UndecidedError(self._why)
        return UnknownClientError("this needs a key (Authorization: Bearer KEY), or a log-in on the page")


def caller_of(scope: Scope) -> Caller | None:
    """Return the client of a request that was let in; None where nobody needs a key."""
    caller: Caller | None = scope["state"].get(_CALLER)
    return caller
