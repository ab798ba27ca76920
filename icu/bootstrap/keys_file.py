"""File of keys, for the command line: a new key, and its line at the end of the file."""

from datetime import datetime
from pathlib import Path

from icu.access.keys_file import LONGEST_FILE, FileKey, format_key, parse_keys, why_unreadable
from icu.access.principals import check_principal_name
from icu.access.roles import Role
from icu.bounds import read_small
from icu.config.errors import ConfigurationError
from icu.config.settings import Secret
from icu.errors import OutputError, UsageError


def add_file_key(path: Path, name: str, role: Role, *, expires: datetime | None) -> Secret:
    """Make a key, and append its line to a file of keys, which is made if there is none.

    Args:
        path: The file.
        name: Name, which no other key of the file has.
        role: Role of the key's requests.
        expires: Time from which it is no longer valid; None for never.

    Raises:
        UsageError: The name cannot be one, or has a key in the file.
        ConfigurationError: The file cannot be read, or has a line that gives no key.
        OutputError: It cannot be written.
    """
    from icu.store.access.tokens import hash_of, new_key

    text = _text_of(path)
    name = _new_name(path, text, name)
    key = new_key()
    line = format_key(FileKey(name, role, hash_of(key.reveal()), expires))
    begin = "\n" if text and not text.endswith("\n") else ""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{begin}{line}\n")
    except OSError as exc:
        raise OutputError(exc) from exc
    return key


def _text_of(path: Path) -> str:
    try:
        return read_small(path, most=LONGEST_FILE).decode()
    except FileNotFoundError:
        return ""
    except OSError as exc:
        raise ConfigurationError(f"{path} {why_unreadable(exc)}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigurationError(f"{path} is not written in UTF-8 (byte {exc.start}): save it as UTF-8") from exc
    except ValueError as exc:
        raise ConfigurationError(f"{path} {exc}") from exc


def _new_name(path: Path, text: str, name: str) -> str:
    """Return the name in its normal form, if it is a new one for this file."""
    try:
        name = check_principal_name(name)
    except ValueError as exc:
        raise UsageError(str(exc)) from exc
    keys, mistakes = parse_keys(text)
    for each in mistakes:
        raise ConfigurationError(f"{path}:{each.line}: {each.why}")
    if name in {each.name for each in keys}:
        raise UsageError(f"{path} has a key {name}: choose another name, or delete its line")
    return name
