"""Price of a key: CPU time of a monitor for GET /patients with a key, against one that is open."""

import tempfile
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path
from statistics import median
from typing import Final

import anyio
import psutil

from icu.access.roles import Role
from icu.messages import Position, uuid_of_name
from icu.store.access.keys import add_key
from icu.store.commands.door import Author, Door
from icu.store.writer import open_writer
from tests.benchmarks.load import Clients, Server, request
from tests.benchmarks.wards import free_port, running, until
from tests.samples import observation
from tests.stores import store

PATIENTS: Final = 8
CLIENTS: Final = 8
SECONDS: Final = 2.0
ROUNDS: Final = 9
# Goal for the ratio.
MOST: Final = 1.05


def main() -> None:
    """Print both costs, and their ratio: rounds of the two in turn, on databases that differ by the key alone."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        urls = {name: f"sqlite:///{Path(folder) / name}.db" for name in ("open", "key")}
        for url in urls.values():
            anyio.run(fill, url)
        key = anyio.run(make_key, urls["key"])
        asked = {"open": request("/patients"), "key": with_key(request("/patients"), key)}
        clients = {}
        for name, url in urls.items():
            port = free_port()
            process = stack.enter_context(running(["run", "monitor", "--port", str(port)], folder, DATABASE_URL=url))
            until(f"http://127.0.0.1:{port}/health/live", b"")
            server = Server(port, psutil.Process(process.pid))
            clients[name] = Clients(server, CLIENTS, repeat([asked[name]]))
            clients[name].work(SECONDS)
        costs: dict[str, list[float]] = {name: [] for name in clients}
        for _ in range(ROUNDS):
            for name, each in clients.items():
                costs[name].append(each.work(SECONDS).cost)
    for name, found in costs.items():
        print(f"{name:6} {median(found):7.1f} us ({min(found):.1f} to {max(found):.1f})")
    ratios = [one / other for one, other in zip(costs["key"], costs["open"], strict=True)]
    print(f"with a key / open: {median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}); goal {MOST}")


async def fill(url: str) -> None:
    """Make a database of a few patients."""
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        for number in range(PATIENTS):
            await store(writer, [observation(0, patient=uuid_of_name(str(number)))], start=number)


async def make_key(url: str) -> str:
    """Add a key of a viewer, and return it."""
    return (await add_key(Door(url), "benchmark", Role.VIEWER, Author("benchmark", "here"))).reveal()


def with_key(request: bytes, key: str) -> bytes:
    """Add the key to a request."""
    return request.removesuffix(b"\r\n") + f"Authorization: Bearer {key}\r\n\r\n".encode()
