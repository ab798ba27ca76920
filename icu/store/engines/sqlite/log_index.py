"""Index of SQLite's write-ahead log: the progress of checkpoints, shared by all programs that have the database open.

A checkpoint that readers keep from completing leaves pages of several moments in the database's file, which is
consistent only together with its log. So only the index tells if a checkpoint wrote to the file, and if the file can be
read without the log. Format: https://www.sqlite.org/walformat.html, chapter 2.
"""

import os
from pathlib import Path
from struct import Struct as Layout
from typing import Final

from msgspec import Struct

# First copy of the header: mxFrame at byte 16, aSalt at byte 32.
_HEADER: Final = Layout("=16xI12x8s8x")

# Checkpoint information behind both copies: nBackfill at byte 0, nBackfillAttempted at byte 32.
_CHECKPOINTS: Final = Layout("=I28xI")

_SIZE: Final = 2 * _HEADER.size + _CHECKPOINTS.size

# Descriptors by device and inode. Closing one would drop the locks that SQLite has on that index in this process, so
# each stays open as long as its file has a name.
_descriptors: Final[dict[tuple[int, int], int]] = {}


class Progress(Struct, frozen=True):
    """Progress of checkpoints."""

    # Of the log's present content: the first write after a complete checkpoint changes them.
    salts: bytes
    # Frames in the log.
    frames: int
    # Frames that a checkpoint has begun to copy into the file.
    attempted: int
    # Frames that were copied into the file.
    copied: int

    @property
    def is_whole(self) -> bool:
        """True if the file is consistent without its log: it holds all frames of the log, or none."""
        return not self.attempted or self.copied == self.frames

    @property
    def is_under_way(self) -> bool:
        """True during a checkpoint, or after an interrupted one: it may write to the file and change nothing here."""
        return self.attempted != self.copied

    def is_untouched_since(self, before: "Progress | None") -> bool:
        """Tell if certainly no checkpoint has written to the file since `before`."""
        if before is None or before.is_under_way:
            return False
        return (self.salts, self.attempted) == (before.salts, before.attempted)


def progress(index: Path) -> Progress | None:
    """Read the index of a log; None where there is none, or while it is being changed."""
    try:
        data = os.pread(_descriptor(index), _SIZE, 0)
    except OSError:
        return None
    # SQLite writes the header twice: two different copies are a change under way.
    header, copy = data[: _HEADER.size], data[_HEADER.size : 2 * _HEADER.size]
    if len(data) < _SIZE or header != copy:
        return None
    frames, salts = _HEADER.unpack(header)
    copied, attempted = _CHECKPOINTS.unpack(data[2 * _HEADER.size :])
    return Progress(salts, frames, attempted, copied)


def _descriptor(index: Path) -> int:
    status = index.stat()
    known = _descriptors.get((status.st_dev, status.st_ino))
    return _open(index) if known is None else known


def _open(index: Path) -> int:
    # Indexes without a name are in use by nobody: only those may be closed.
    for identity in [each for each, descriptor in _descriptors.items() if not os.fstat(descriptor).st_nlink]:
        os.close(_descriptors.pop(identity))
    descriptor = os.open(index, os.O_RDONLY | os.O_CLOEXEC)
    status = os.fstat(descriptor)
    _descriptors[status.st_dev, status.st_ino] = descriptor
    return descriptor
