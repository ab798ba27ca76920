"""Passwords: argon2id, in threads, two at once: a hash takes 64 MiB and a twentieth of a second of a core."""

import unicodedata
from typing import Final

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from icu.config.settings import Secret
from icu.store.commands.errors import SenselessCommandError

# Characters of a password.
SHORTEST: Final = 12
LONGEST: Final = 1_000

# Second recommendation of RFC 9106, section 4: KiB, passes, lanes. Written here, so that all hashes, and _NOBODYS, take
# equally long.
_HASHER: Final = PasswordHash((Argon2Hasher(memory_cost=65_536, time_cost=3, parallelism=4),))
# Hash of a password that nobody has: to verify against it takes as long as for a name that exists.
_NOBODYS: Final = "$argon2id$v=19$m=65536,t=3,p=4$MgUfNi0xGN+IyKZqu2+uwg$UYgmRcuRBK5VMY521+bU1mTcY59/lWdicvpDFHtnWqA"

_places: Final = RunVar[CapacityLimiter]("places of passwords")


def check_password(password: Secret) -> None:
    """Check that a new password is long enough. Raises SenselessCommandError."""
    length = len(password.reveal())
    if length < SHORTEST:
        raise SenselessCommandError(
            f"the password has {length} characters, and needs at least {SHORTEST}: four random words are easy to keep"
        )
    if length > LONGEST:
        raise SenselessCommandError(f"the password has over {LONGEST} characters: choose a shorter one")


async def hash_password(password: Secret) -> str:
    """Hash a password with a salt of its own."""
    return await to_thread.run_sync(_HASHER.hash, _normal(password), limiter=_limiter())


async def verify_password(password: Secret, hashed: str | None) -> bool:
    """Check a password against a hash. Takes as long where there is none, and is False then."""
    found = await to_thread.run_sync(_HASHER.verify, _normal(password), hashed or _NOBODYS, limiter=_limiter())
    return found and hashed is not None


def _normal(password: Secret) -> bytes:
    """Return the password in its normal form, the same from all keyboards. It is cut: nobody has a longer one."""
    return unicodedata.normalize("NFC", password.reveal()[: LONGEST + 1]).encode("utf-8", "surrogatepass")


def _limiter() -> CapacityLimiter:
    try:
        return _places.get()
    except LookupError:
        _places.set(CapacityLimiter(2))
        return _places.get()
