"""Tokens of keys and sessions: 32 random bytes, of which only the hash is stored."""

import re
import secrets
from hashlib import sha256
from typing import Final

from icu.config.settings import Secret

# A session's token cannot be taken for a key, nor a key for a session's.
_KEY: Final = "icu_"
_SESSION: Final = "icus_"
_BYTES: Final = 32
# Others are never valid: nobody can use a short key, whatever hash stands in a file.
_TOKEN: Final = re.compile(r"\Aicus?_[A-Za-z0-9_-]{43}\Z")


def new_key() -> Secret:
    """Make a key."""
    return Secret(_KEY + secrets.token_urlsafe(_BYTES))


def new_session_token() -> Secret:
    """Make the token of a session."""
    return Secret(_SESSION + secrets.token_urlsafe(_BYTES))


def is_session_token(token: str) -> bool:
    """Tell a session's token from a key."""
    return token.startswith(_SESSION)


def digest(token: str) -> str | None:
    """Return the hash of a token; None for a text that is no token."""
    return hash_of(token) if _TOKEN.match(token) else None


def hash_of(token: str) -> str:
    """Return the SHA-256 of a token that was made here, in hexadecimal digits."""
    return sha256(token.encode()).hexdigest()
