"""File of keys, for containers: a line for each key, `NAME ROLE SHA256HEX [EXPIRES]`. It holds no key itself.

Messages about mistakes quote nothing of the file: a key may stand there in the place of its hash.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from icu.access.principals import check_principal_name
from icu.access.roles import GIVEN, Role

# Bytes of a file at most.
LONGEST_FILE: Final = 1_000_000

_HASH: Final = re.compile(r"\A[0-9a-fA-F]{64}\Z")
_DATE: Final = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_MAKE_ONE: Final = "make a file with a key: python -m icu keys add NAME --role viewer --file FILE"
_FORM: Final = "NAME ROLE SHA256HEX [EXPIRES]"


class FileKey(Struct, frozen=True):
    """Key of a file."""

    name: str
    role: Role
    # Of the key's text, 64 hexadecimal digits in lower case.
    sha256: str
    # From then on it is no longer valid; None for never.
    expires: datetime | None


class LineMistake(Struct, frozen=True):
    """Line that gives no key."""

    # Counted from 1.
    line: int
    # Mistake, and what to write.
    why: str


def parse_keys(text: str) -> tuple[Sequence[FileKey], Sequence[LineMistake]]:
    """Parse a file of keys. Empty lines, and all from a `#` on, are comments.

    Returns:
        The keys of all lines without a mistake, and the mistakes of the others.
    """
    keys: dict[str, FileKey] = {}
    mistakes = []
    hashes: set[str] = set()
    for number, words in _lines(text):
        try:
            key = _key(words)
            _check_new(key, keys, hashes)
        except ValueError as exc:
            mistakes.append(LineMistake(number, str(exc)))
        else:
            keys[key.name] = key
            hashes.add(key.sha256)
    return list(keys.values()), mistakes


def why_unreadable(error: OSError) -> str:
    """Say why a file of keys cannot be read, and what to do."""
    match error:
        case FileNotFoundError():
            return f"does not exist: {_MAKE_ONE}"
        case IsADirectoryError():
            return f"is a folder, as Docker makes one in place of a missing file: remove it. Then {_MAKE_ONE}"
        case _:
            return f"cannot be read: {error.strerror}"


def format_key(key: FileKey) -> str:
    """Format the line of a key, without its end."""
    words = [key.name, key.role.value, key.sha256]
    if key.expires is not None:
        words.append(key.expires.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    return " ".join(words)


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    # Not splitlines: editors count other ends of lines as part of the line.
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        if words := line.partition("#")[0].split():
            yield number, words


def _key(words: Sequence[str]) -> FileKey:
    if not 3 <= len(words) <= 4:
        raise ValueError(f"has {len(words)} words: write {_FORM}")
    name, role, sha256, *rest = words
    if role not in GIVEN:
        raise ValueError(f"the second word is no role: write one of {', '.join(GIVEN)}")
    if not _HASH.match(sha256):
        raise ValueError(
            "the third word is no SHA-256 of 64 hexadecimal digits: write the hash of the key, never the key itself"
        )
    return FileKey(check_principal_name(name), Role(role), sha256.lower(), _moment(rest[0]) if rest else None)


def _moment(word: str) -> datetime:
    """Parse the end of a key. A date is its beginning in UTC."""
    try:
        moment = datetime.fromisoformat(f"{word}T00:00:00Z" if _DATE.match(word) else word)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("the fourth word is no time: write for instance 2027-01-31 or 2027-01-31T12:00:00Z")


def _check_new(key: FileKey, keys: dict[str, FileKey], hashes: set[str]) -> None:
    if key.name in keys:
        raise ValueError("this name has a key above: write another name")
    if key.sha256 in hashes:
        raise ValueError("this hash stands above, under another name: make a key of its own for each name")
