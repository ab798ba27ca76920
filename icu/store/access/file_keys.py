"""Keys of a file, for containers, whose database may be made anew. It is read again within a second of a change.

At the start, a mistake in it is one of the settings. Later it costs its line alone, and a file that is gone costs all:
a key that cannot be read is not valid. Both are logged.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

from loguru import logger

from icu.access.keys_file import LONGEST_FILE, FileKey, LineMistake, parse_keys, why_unreadable
from icu.bounds import read_small
from icu.config.errors import ConfigurationError
from icu.store.access.grants import Grant
from icu.store.readings import milliseconds

# Device, inode, size and time of the last change in nanoseconds; None where there is no file.
_Stamp: TypeAlias = tuple[int, int, int, int] | None


class FileKeys:
    """Keys of a file.

    Args:
        path: The file; None for none.
    """

    def __init__(self, path: Path | None) -> None:
        self._path: Final = path
        self._stamp: _Stamp = None
        # By the hash of the key.
        self.grants: Mapping[str, Grant] = {}
        # Rises with each change.
        self.version = 0

    def load(self) -> None:
        """Read the file. Blocks.

        Raises:
            ConfigurationError: It cannot be read, or a line gives no key.
        """
        if self._path is None:
            return
        self._stamp = _stamp_of(self._path)
        try:
            mistakes = self._read(self._path)
        except ValueError as exc:
            raise ConfigurationError(f"the file of keys {self._path} {exc}") from exc
        for each in mistakes:
            raise ConfigurationError(f"{self._path}:{each.line}: {each.why}")

    def refresh(self) -> None:
        """Read the file again if it has changed. Blocks."""
        if self._path is None or _stamp_of(self._path) == self._stamp:
            return
        # Before the file is read: a change that comes between is noticed the next time.
        self._stamp = _stamp_of(self._path)
        self.version += 1
        try:
            mistakes = self._read(self._path)
        except ValueError as exc:
            self.grants = {}
            logger.error("no key of the file {} is valid any more: it {}", self._path, exc)
            return
        for each in mistakes:
            logger.error("{}:{}: {}; until then this line gives no key", self._path, each.line, each.why)
        logger.info("{} was read again: {} keys", self._path, len(self.grants))

    def _read(self, path: Path) -> list[LineMistake]:
        """Read the keys. Raises ValueError if there is no file that can be read."""
        try:
            keys, mistakes = parse_keys(read_small(path, most=LONGEST_FILE).decode())
        except UnicodeDecodeError as exc:
            raise ValueError(f"is not written in UTF-8 (byte {exc.start}): save it as UTF-8") from exc
        except OSError as exc:
            raise ValueError(why_unreadable(exc)) from exc
        self.grants = {each.sha256: _grant(each) for each in keys}
        return list(mistakes)


def _grant(key: FileKey) -> Grant:
    return Grant(key.name, "key", key.role, None if key.expires is None else milliseconds(key.expires))


def _stamp_of(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
