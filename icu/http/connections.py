"""The cap on HTTP connections of a process, over all its faces.

Each connection takes a descriptor, and so do the database, the broker and the control socket: a share of descriptors is
reserved for them. An idle connection makes way for a new one. If all are busy, a few more are accepted, and get a
response that says so.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

from loguru import logger

# Connections of a process, however many descriptors it may have: each takes some 20 KB of memory.
MAX_CONNECTIONS: Final = 20_000

# Connections beyond the cap that are being refused at the same time.
MAX_REFUSED: Final = 64

# Seconds between two log lines about refused connections.
FULL_LOG_INTERVAL: Final = 30.0


class Connection(Protocol):
    """A connection that can make way for another one."""

    def cut(self) -> None:
        """Close the connection now. Pending data are lost."""


class ConnectionSlots:
    """A number of slots for connections. Idle connections make way when all are taken."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._open: set[Connection] = set()
        self._idle: OrderedDict[Connection, None] = OrderedDict()  # the longest idle first

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, connection: Connection) -> bool:
        """Give a slot to a new connection, if need be that of the longest idle one.

        Returns:
            False if all connections are busy.
        """
        if len(self._open) >= self.size and not self._make_way():
            return False
        self._open.add(connection)
        self._idle[connection] = None
        return True

    def begin_work(self, connection: Connection) -> None:
        """Mark a connection as busy: a request arrives, or is served."""
        self._idle.pop(connection, None)

    def end_work(self, connection: Connection) -> None:
        """Mark a connection as idle."""
        if connection in self._open:
            self._idle[connection] = None

    def leave(self, connection: Connection) -> None:
        """Free the slot of a closed connection. One that has made way has none any more."""
        self._open.discard(connection)
        self._idle.pop(connection, None)

    def _make_way(self) -> bool:
        if not self._idle:
            return False
        longest, _ = self._idle.popitem(last=False)
        self._open.discard(longest)
        longest.cut()
        return True


class Connections:
    """All connections of a process: `served` up to the cap, and a few beyond it that are `refused`."""

    def __init__(self, *, cap: int, refused: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.served = ConnectionSlots(cap)
        self.refused = ConnectionSlots(refused)
        self._clock = clock
        self._next_line = 0.0

    @classmethod
    def within(cls, descriptors: float) -> "Connections":
        """Set the caps for a process with so many descriptors."""
        # Three quarters for served connections and a sixteenth for refused ones leave three sixteenths for the rest.
        return cls(cap=int(min(MAX_CONNECTIONS, descriptors * 3 / 4)), refused=int(min(MAX_REFUSED, descriptors / 16)))

    def admit(self, connection: Connection) -> ConnectionSlots | None:
        """Give a slot to a new connection.

        Returns:
            The slots that have it, or None if it has to be closed at once.
        """
        if self.served.enter(connection):
            return self.served
        self._log_full()
        return self.refused if self.refused.enter(connection) else None

    def _log_full(self) -> None:
        if self._clock() >= self._next_line:
            self._next_line = self._clock() + FULL_LOG_INTERVAL
            logger.warning(
                "all {} HTTP connections that this process may have are at work, and more are refused: see whose they "
                "are, or raise the limit of open files (`ulimit -n`, LimitNOFILE= under systemd)",
                self.served.size,
            )
