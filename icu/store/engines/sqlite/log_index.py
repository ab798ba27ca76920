"""The index of SQLite's write-ahead log: which checkpoints were made, as everybody who has the database open sees it.

A checkpoint that readers keep from being whole leaves pages of several moments in the database's file, which is sound
only together with its log. So of a file that was written to, the index alone can say whether a checkpoint did it, and
whether the file can be read without the log. Its form is documented: https://www.sqlite.org/walformat.html, chapter 2.
"""

import os
from pathlib import Path
from struct import Struct as Layout
from typing import Final

from msgspec import Struct

# Frames in the log, and the salts of its generation, which the first write behind a whole checkpoint begins.
_HEADER: Final = Layout("=16xI12x8s8x")

# Frames that were brought into the file, and those of them or behind them that one began to bring there.
_CHECKPOINTS: Final = Layout("=I28xI")

_SIZE: Final = 2 * _HEADER.size + _CHECKPOINTS.size

# Descriptors by device and inode. To close one would drop the locks that SQLite has on that index in this process, so
# each stays open as long as its file has a name.
_open: Final[dict[tuple[int, int], int]] = {}


class Progress(Struct, frozen=True):
    """How far checkpoints have come."""

    generation: bytes
    frames: int
    begun: int
    done: int

    @property
    def is_whole(self) -> bool:
        """Tell if the file is sound without its log: it holds all of this generation, or what was before it."""
        return not self.begun or self.done == self.frames

    @property
    def is_under_way(self) -> bool:
        """Tell if a checkpoint is at work, or was broken off: it may write to the file without a sign of it here."""
        return self.begun != self.done

    def is_untouched_since(self, before: "Progress | None") -> bool:
        """Tell if certainly no checkpoint has written to the file since then."""
        if before is None or before.is_under_way:
            return False
        return (self.generation, self.begun) == (before.generation, before.begun)


def progress(index: Path) -> Progress | None:
    """Read the index of a log; None where there is none, or it is being changed."""
    try:
        data = os.pread(_descriptor(index), _SIZE, 0)
    except OSError:
        return None
    header, copy = data[: _HEADER.size], data[_HEADER.size : 2 * _HEADER.size]
    if len(data) < _SIZE or header != copy:
        return None
    frames, generation = _HEADER.unpack(header)
    done, begun = _CHECKPOINTS.unpack(data[2 * _HEADER.size :])
    return Progress(generation, frames, begun, done)


def _descriptor(index: Path) -> int:
    found = index.stat()
    known = _open.get((found.st_dev, found.st_ino))
    return _opened(index) if known is None else known


def _opened(index: Path) -> int:
    for identity in [each for each, descriptor in _open.items() if not os.fstat(descriptor).st_nlink]:
        os.close(_open.pop(identity))
    descriptor = os.open(index, os.O_RDONLY | os.O_CLOEXEC)
    status = os.fstat(descriptor)
    _open[status.st_dev, status.st_ino] = descriptor
    return descriptor
