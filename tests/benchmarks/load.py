"""Clients that cost little: sockets that stay open, and a loop that does not parse the answers.

They are this process, while the server is another one: on two cores none is in the other's way.
"""

import re
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Final, NamedTuple, Self, TypeAlias

import psutil

from tests.benchmarks.contest import Lap

# Requests that follow each other on a connection, and are counted as one.
Job: TypeAlias = Sequence[bytes]

# Seconds that the light client waits after an answer.
PAUSE: Final = 0.01

_LENGTH: Final = re.compile(rb"\r\ncontent-length: ([0-9]+)\r\n", re.IGNORECASE)
_LAST_CHUNK: Final = b"0\r\n\r\n"


class Server(NamedTuple):
    """A process that serves on a port of this machine."""

    port: int
    process: psutil.Process

    def spent(self) -> float:
        """CPU time so far in seconds, including the system's for the process."""
        return float(sum(self.process.cpu_times()[:2]))


def request(path: str, *, gzip: bool = False) -> bytes:
    """Make a GET of this path."""
    encoding = "gzip" if gzip else "identity"
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {encoding}\r\n\r\n".encode()


class Connection:
    """A client that sends one request at a time."""

    # What was read last, of any of them: nobody looks at it.
    _buffer = bytearray(2**20)

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)
        # Bytes of the answer so far, its head among them.
        self.received = 0
        # Bytes that it has, None where it comes in chunks.
        self._whole: int | None = None
        self._tail = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, request: bytes) -> None:
        """Send a request."""
        self.received = 0
        self.socket.send(request)

    def receive(self) -> bool:
        """Read the available bytes. True once the answer is complete; ConnectionError for any status but 200."""
        count = self.socket.recv_into(self._buffer)
        if not count:
            raise ConnectionError("the server closed the connection")
        if not self.received:
            self._begin(bytes(self._buffer[: self._buffer.index(b"\r\n\r\n", 0, count) + 4]))
        self.received += count
        self._tail = (self._tail + self._buffer[max(0, count - 5) : count])[-5:]
        return self._tail == _LAST_CHUNK if self._whole is None else self.received >= self._whole

    def _begin(self, head: bytes) -> None:
        if b" 200 " not in head[:15]:
            raise ConnectionError(f"the server answered with {head.decode()}")
        length = _LENGTH.search(head)
        self._whole = len(head) + int(length[1]) if length else None


class Clients:
    """Clients of one server; each asks again as soon as it is answered."""

    def __init__(self, server: Server, number: int, jobs: Iterator[Job]) -> None:
        self._server = server
        self._number = number
        self._jobs = jobs
        # Microseconds of our own CPU time for each job, by lap.
        self.costs: list[float] = []

    def work(self, seconds: float) -> Lap:
        """Begin jobs for this time, and end them. Returns jobs a second, and the server's CPU time for each."""
        with ExitStack() as stack:
            connections = [stack.enter_context(Connection(self._server.port)) for _ in range(self._number)]
            began, own, spent = time.perf_counter(), time.process_time(), self._server.spent()
            done = self._exchange(connections, until=began + seconds)
            self.costs.append((time.process_time() - own) / done * 1e6)
            cost = (self._server.spent() - spent) / done * 1e6
            return Lap(done / (time.perf_counter() - began), cost)

    def _exchange(self, connections: Sequence[Connection], *, until: float) -> int:
        done = 0
        with selectors.DefaultSelector() as selector:
            for connection in connections:
                left = list(next(self._jobs))
                connection.ask(left.pop(0))
                selector.register(connection.socket, selectors.EVENT_READ, (connection, left))
            while selector.get_map():
                for key, _ in selector.select():
                    connection, left = key.data
                    if not connection.receive():
                        continue
                    if not left:
                        done += 1
                        if time.perf_counter() > until:
                            selector.unregister(connection.socket)
                            continue
                        left += next(self._jobs)
                    connection.ask(left.pop(0))
        return done


def watch(port: int, light: bytes, heavy: Iterator[bytes], *, clients: int, seconds: float) -> list[float]:
    """Measure the milliseconds of light requests, beside clients that ask for heavy ones without a pause."""
    delays: list[float] = []
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        idler, *others = [stack.enter_context(Connection(port)) for _ in range(1 + clients)]
        for each in (idler, *others):
            selector.register(each.socket, selectors.EVENT_READ, each)
        for each in others:
            each.ask(next(heavy))
        due = now = time.perf_counter()
        end = now + seconds
        asked: float | None = None
        while (now := time.perf_counter()) < end:
            if asked is None and now >= due:
                asked = now
                idler.ask(light)
            for key, _ in selector.select(max(0.0, due - now) if asked is None else None):
                if not key.data.receive():
                    continue
                if key.data is not idler:
                    key.data.ask(next(heavy))
                elif asked is not None:
                    delays.append((time.perf_counter() - asked) * 1_000)
                    asked, due = None, time.perf_counter() + PAUSE
    return delays
