"""Servers of the same file, which answer the same questions, each in a process of its own."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from urllib.request import Request, urlopen

import psutil

from tests.benchmarks.dataset import DataSet
from tests.benchmarks.load import Server
from tests.benchmarks.wards import free_port, running, until

NAIVE: Final = "naive: FastAPI, ORM"
BARE: Final = "bare: sqlite3, msgspec"
OURS: Final = "icu"
STATIC: Final = "static bytes"

_ROOT: Final = Path(__file__).parents[2]
_MODULES: Final = {NAIVE: "tests.benchmarks.api_naive", BARE: "tests.benchmarks.api_bare"}
# Patients whose readings are compared.
_CHECKED: Final = 20


@contextmanager
def servers(data: DataSet) -> Iterator[dict[str, Server]]:
    """Start all servers, by name; the bare one has the static bytes too."""
    with ExitStack() as stack:
        found = {}
        for name in (NAIVE, BARE, OURS):
            port = free_port()
            process = stack.enter_context(
                running(["run", "monitor", "--port", str(port)], data.path.parent, DATABASE_URL=data.url)
                if name == OURS
                else running([str(data.path), str(port)], _ROOT, module=_MODULES[name])
            )
            until(f"http://127.0.0.1:{port}/health/live", b"")
            found[name] = Server(port, psutil.Process(process.pid))
        yield found


def check(found: Mapping[str, Server], data: DataSet) -> None:
    """Raise an error unless the limit answers with the same bytes as the API."""
    for uuid in data.uuids()[:_CHECKED]:
        for path in (f"/patient/{uuid}/metrics", f"/patient/{uuid}/metrics/latest"):
            ours, bare = (fetched(found[name], [path]) for name in (OURS, BARE))
            if ours != bare:
                raise ValueError(f"{path}: {ours[:300]!r} is not {bare[:300]!r}")


def fetched(server: Server, paths: Sequence[str], *, gzip: bool = False) -> bytes:
    """Fetch the bodies of a job, one after the other."""
    bodies = []
    for path in paths:
        headers = {"Accept-Encoding": "gzip" if gzip else "identity"}
        asked = Request(f"http://127.0.0.1:{server.port}{path}", headers=headers)
        with urlopen(asked) as answer:
            bodies.append(answer.read())
    return b"".join(bodies)
