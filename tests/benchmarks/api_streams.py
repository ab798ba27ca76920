"""Reconnection of all streams at once, as of browsers after a restart: refused clients, and the time until all are
served."""

import selectors
import socket
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple
from urllib.request import urlopen

from icu.ops.descriptors import raise_limit
from tests.benchmarks.wards import free_port, running, until

STREAMS: Final = 2_000
DEADLINE: Final = 30.0


class Return(NamedTuple):
    """Result of a crowd's reconnection: seconds to the first event of each served client, and the others by outcome."""

    served: list[float]
    others: Counter[str]


def main(rounds: int) -> None:
    """Print the number of served clients, and the time of the last one (goal: all within 2 s)."""
    print(
        f"\n{STREAMS:,} streams at once, with Last-Event-ID, when a monitor has just started; a ward of 8 beds goes on"
    )
    raise_limit()  # each stream takes a file
    with tempfile.TemporaryDirectory() as folder:
        environ = {"METRICS_INTERVAL": "1", "DATABASE_URL": f"sqlite:///{Path(folder) / 'icu.db'}"}
        ward_port = free_port()
        with running(["supervise", "--port", str(ward_port)], folder, **environ):
            until(f"http://127.0.0.1:{ward_port}/patients", b'"pulse"')
            returns = []
            for _ in range(rounds):
                last = newest_event(ward_port)
                port = free_port()
                with running(["run", "monitor", "--port", str(port)], folder, **environ):
                    until(f"http://127.0.0.1:{port}/health/live", b"")
                    returns.append(come_back(port, last))
    last_ones = [max(each.served, default=DEADLINE) for each in returns]
    others = sum((each.others for each in returns), Counter[str]())
    print(f"served, the fewest and the usual      {min(len(each.served) for each in returns):,}", end=", ")
    print(f"{median(len(each.served) for each in returns):,.0f} of {STREAMS:,}")
    fastest, slowest = min(last_ones), max(last_ones)
    print(f"the last of them is served after      {median(last_ones):.2f} s ({fastest:.2f} to {slowest:.2f})")
    for what, count in others.most_common():
        print(f"not served                            {count / rounds:,.0f} a round: {what}")


def newest_event(port: int) -> str:
    """Return the id from which a client of the stream goes on."""
    with urlopen(f"http://127.0.0.1:{port}/stream", timeout=30) as answer:
        for line in answer:
            if line.startswith(b"id: "):
                return str(line[4:].decode().strip())
    raise ConnectionError("the stream ended before its first event")


def come_back(port: int, last: str) -> Return:
    """Connect all clients at once; a browser that gets an answer other than a stream does not come back."""
    asked = f"GET /stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {last}\r\n\r\n".encode()
    found = Return([], Counter())
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        began = time.perf_counter()
        for _ in range(STREAMS):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            selector.register(client, selectors.EVENT_WRITE, [client])
        while selector.get_map() and time.perf_counter() - began < DEADLINE:
            for key, events in selector.select(1):
                client, *received_bytes = key.data
                if events & selectors.EVENT_WRITE and not client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    client.send(asked)
                    selector.modify(client, selectors.EVENT_READ, [client, b""])
                    continue
                received_bytes = b"".join(received_bytes) + (news := received(client))
                outcome = judged(received_bytes, ended=not news)
                if outcome is None:
                    selector.modify(client, selectors.EVENT_READ, [client, received_bytes])
                    continue
                selector.unregister(client)
                if outcome:
                    found.others[outcome] += 1
                else:
                    found.served.append(time.perf_counter() - began)
        found.others[f"no event within {DEADLINE:.0f} s"] += len(selector.get_map())
    return Return(found.served, +found.others)


def received(client: socket.socket) -> bytes:
    """Read the bytes that have arrived; none where the connection has ended, in order or not."""
    try:
        return client.recv(65_536)
    except OSError:
        return b""


def judged(received_bytes: bytes, *, ended: bool) -> str | None:
    """Return why a client is not served: empty where it is, None where that is not known yet."""
    head, whole, body = received_bytes.partition(b"\r\n\r\n")
    status = head.partition(b"\r\n")[0].decode()
    if whole and " 200 " not in status:
        return status
    if whole and b"content-length" in head.lower():
        return "told to come back later"
    if b"event: readings" in body:
        return ""
    return "ended before the first event" if ended else None
