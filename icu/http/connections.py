"""How many HTTP connections a process may have, over all its faces, and which of them goes when there are too many.

Each takes a descriptor, and so do the database, the broker and the control socket: they are left a share that no client
can take. An idle connection makes way for a new one. Where all are at work, a few more are let in to be told so.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

from loguru import logger

# Connections, however many descriptors there may be: each takes some 20 KB.
MOST: Final = 20_000

# Connections that are being refused at one time.
MOST_REFUSED: Final = 64

# Seconds between two lines about connections that are refused.
FULL_EVERY: Final = 30.0


class Connection(Protocol):
    """A connection that can be told to make way."""

    def cut(self) -> None:
        """Close it now; what was not sent yet is lost."""


class Room:
    """A number of places for connections. One that is idle makes way where there is no other place."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._inside: set[Connection] = set()
        self._idle: OrderedDict[Connection, None] = OrderedDict()  # the longest idle first

    def __len__(self) -> int:
        return len(self._inside)

    def enter(self, connection: Connection) -> bool:
        """Take in a connection, idle at first, in place of the longest idle one if need be; whether that can be."""
        if len(self._inside) >= self.size and not self._make_way():
            return False
        self._inside.add(connection)
        self._idle[connection] = None
        return True

    def begin_work(self, connection: Connection) -> None:
        """From now on it does not make way: a request arrives, or is served."""
        self._idle.pop(connection, None)

    def end_work(self, connection: Connection) -> None:
        """From now on it is idle."""
        if connection in self._inside:
            self._idle[connection] = None

    def leave(self, connection: Connection) -> None:
        """It is closed. One that has made way has left already."""
        self._inside.discard(connection)
        self._idle.pop(connection, None)

    def _make_way(self) -> bool:
        if not self._idle:
            return False
        longest, _ = self._idle.popitem(last=False)
        self._inside.discard(longest)
        longest.cut()
        return True


class Connections:
    """All connections of a process: `served`, up to a cap, and beyond it the few that are `refused`."""

    def __init__(self, *, cap: int, refused: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.served = Room(cap)
        self.refused = Room(refused)
        self._clock = clock
        self._next_line = 0.0

    @classmethod
    def within(cls, descriptors: float) -> "Connections":
        """As many as a process may have with so many descriptors: three quarters, and a sixteenth for those refused."""
        return cls(cap=int(min(MOST, descriptors * 3 / 4)), refused=int(min(MOST_REFUSED, descriptors / 16)))

    def admit(self, connection: Connection) -> Room | None:
        """The room that takes in a new connection; None where it has to be closed at once."""
        if self.served.enter(connection):
            return self.served
        self._complain()
        return self.refused if self.refused.enter(connection) else None

    def _complain(self) -> None:
        if self._clock() >= self._next_line:
            self._next_line = self._clock() + FULL_EVERY
            logger.warning(
                "all {} HTTP connections that this process may have are at work, and more are refused: see whose they "
                "are, or raise the limit of open files (`ulimit -n`, LimitNOFILE= under systemd)",
                self.served.size,
            )
