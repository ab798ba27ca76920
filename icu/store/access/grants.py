"""Rights that a token gives, as they change with time."""

from datetime import datetime
from typing import Final

from msgspec import Struct

from icu.access.principals import Principal, PrincipalKind
from icu.access.roles import Role
from icu.store.readings import from_milliseconds

_HOUR: Final = 3_600_000
_DAY: Final = 24 * _HOUR

# Milliseconds for which a session has a role above a viewer's: about a shift.
FULL_ROLE: Final = 8 * _HOUR
# Milliseconds without use after which a session ends.
IDLE: Final = 30 * _DAY
# A session in use is renewed so long before it would end: once a day, since each renewal is a write.
RENEWED_BEFORE: Final = IDLE - _DAY


class Grant(Struct, frozen=True):
    """Rights of a key or a session. Times are milliseconds since 1970 UTC; None for never."""

    name: str
    kind: PrincipalKind
    role: Role
    # End of the key or session.
    ends: int | None
    # From then on a session has the role of a viewer.
    role_until: int | None = None
    is_session: bool = False
    # End of the key that a session began with.
    key_ends: int | None = None

    def at(self, now: int) -> Principal | None:
        """Return the principal with its role of this time; None once the grant has ended."""
        if self.ends is not None and now >= self.ends:
            return None
        if self.role_until is not None and now >= self.role_until:
            return Principal(self.name, self.kind, Role.VIEWER, lapsed=self.role)
        return Principal(self.name, self.kind, self.role, expires=_moment(self._role_ends()))

    def renewed(self, now: int) -> int | None:
        """Return the new end of a session in use, if it is time to renew it."""
        if not self.is_session or self.ends is None or self.ends - now > RENEWED_BEFORE:
            return None
        ends = session_end(now, self.key_ends)
        return ends if ends > self.ends else None

    def _role_ends(self) -> int | None:
        """Return the end of the role: a viewer's session has none but its key's, since it is renewed."""
        ends = [self.role_until, self.key_ends if self.is_session else self.ends]
        return min((each for each in ends if each is not None), default=None)


def session_end(now: int, key_ends: int | None) -> int:
    """Return the end of a session that is used now: not after that of its key."""
    return now + IDLE if key_ends is None else min(now + IDLE, key_ends)


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_milliseconds(milliseconds)
