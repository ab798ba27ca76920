"""The history API on twenty million readings, beside the usual way, the limit, and bytes prepared in advance.

CPU time is the server's process's, user and system, for each request of clients that ask again as soon as they are
answered. All servers run in this environment, with uvicorn and the parser and loop that it finds, on the same file in
WAL, and take turns. The limit's readings are ours byte by byte, which is looked at first.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from importlib.util import find_spec
from itertools import cycle
from statistics import median
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import urlencode, urljoin
from urllib.request import urlopen

from tests.benchmarks import api_light, api_streams
from tests.benchmarks.api_servers import BARE, NAIVE, OURS, STATIC, check, fetched, servers
from tests.benchmarks.contest import compare
from tests.benchmarks.dataset import EVERY, DataSet, data_set
from tests.benchmarks.load import Clients, Job, Server, request

CLIENTS: Final = 16
SECONDS: Final = 2.0
WARMING: Final = 0.5

_DAY: Final = timedelta(days=1)
# Patients of the second file, with few readings each.
_MANY: Final = 10_000
_EACH: Final = 20
# Clients of what takes the naive service half a second and more.
_FEW: Final = 2
# Patients whose days are asked for in turn.
_DAYS: Final = 20

# Jobs, as the paths of their requests.
Paths: TypeAlias = Sequence[Sequence[str]]


class Work(NamedTuple):
    """A job of the benchmark: paths by contestant."""

    title: str
    jobs: Mapping[str, Paths]
    # Whether answers are compressed for who takes gzip.
    large: bool = False
    clients: int = CLIENTS


def main(readings: int, rounds: int) -> None:
    """Print CPU time a request and ratios (goals: a page 12 x the naive one's and 1 x the bare one's)."""
    if find_spec("fastapi") is None:
        print("left out, for want of FastAPI, with which the naive service is written: pip install -e '.[bench]'")
        return
    data = data_set(readings)
    with servers(data) as found:
        check(found, data)
        for work in works(found, data):
            measure(found, work, rounds)
        api_light.main(found, data.uuids(), rounds)
    with servers(data_set(_MANY * _EACH, patients=_MANY)) as found:
        work = Work(f"GET /patients, {_MANY:,} of them", for_all([["/patients"]]), large=True, clients=_FEW)
        measure(found, work, min(rounds, 3))
    api_streams.main(min(rounds, 3))


def works(found: Mapping[str, Server], data: DataSet) -> Iterator[Work]:
    """Make the jobs on the file with few patients and many readings."""
    uuids = [str(uuid) for uuid in data.uuids()]
    random.Random(0).shuffle(uuids)
    pages = [[[f"/patient/{uuid}/metrics?limit={limit}"] for uuid in uuids] for limit in (1_000, 100)]
    yield Work("page of 1,000", for_all(pages[0]), large=True)
    yield Work("page of 100", for_all(pages[1]))
    yield Work("latest of one", for_all([[f"/patient/{uuid}/metrics/latest"] for uuid in uuids]))
    yield Work(f"GET /patients, {data.patients:,} of them", for_all([["/patients"]]), large=True)
    yield from days(found[OURS], data, uuids[:_DAYS])


def days(ours: Server, data: DataSet, uuids: Sequence[str]) -> Iterator[Work]:
    """Make the jobs for a patient's last day: as rows, of which the API returns 10,000 at a time, and as columns."""
    since = max(data.first, data.end - _DAY)
    count = int((data.end - since).total_seconds()) // EVERY
    whole = [[span(uuid, since, data.end, limit=count)] for uuid in uuids]
    paged = [list(following(ours.port, span(uuid, since, data.end, limit=10_000))) for uuid in uuids]
    jobs = {NAIVE: whole, BARE: whole, OURS: paged}
    yield Work(f"a day of a patient, {count:,} readings, as rows", jobs, large=True, clients=_FEW)
    by_column = {BARE: [[f"{path}&format=columns"] for [path] in whole]}
    if has_columns(ours.port):
        by_column[OURS] = [[span(uuid, since, data.end, format="columns")] for uuid in uuids]
    else:
        print("\nthe API has no columns yet: they are measured without it, beside the naive service's rows")
    jobs = {NAIVE: whole, **by_column}
    yield Work(f"a day of a patient, {count:,} readings, as columns", jobs, large=True, clients=_FEW)


def span(uuid: str, since: datetime, until: datetime, **more: object) -> str:
    """Make the path of a patient's readings in a span of time."""
    return f"/patient/{uuid}/metrics?{urlencode({'from': since.isoformat(), 'to': until.isoformat(), **more})}"


def following(port: int, path: str | None) -> Iterator[str]:
    """Return the paths of a page and of those that follow."""
    while path:
        yield path
        with urlopen(f"http://127.0.0.1:{port}{path}") as answer:
            link = answer.headers.get("Link")
        path = urljoin(path, link[1 : link.index(">")]) if link else None


def has_columns(port: int) -> bool:
    """Check if the API can return readings by column, by its own description."""
    with urlopen(f"http://127.0.0.1:{port}/schema/openapi.json") as answer:
        paths = json.load(answer)["paths"]
    [metrics] = [each["get"] for path, each in paths.items() if path.endswith("/metrics") and path != "/metrics"]
    return any(each["name"] == "format" for each in metrics["parameters"])


def for_all(paths: Paths) -> dict[str, Paths]:
    """Give all contestants the same paths."""
    return dict.fromkeys((NAIVE, BARE, OURS), paths)


def measure(found: Mapping[str, Server], work: Work, rounds: int) -> None:
    """Print CPU time a request of each server, without gzip and, where it is used, with it."""
    for gzip in (False, True) if work.large else (False,):
        sizes = {name: len(fetched(found[name], paths[0], gzip=gzip)) for name, paths in work.jobs.items()}
        encoding = "gzip level 1" if gzip else "identity"
        print(f"\n{work.title}, {encoding}; {work.clients} clients; {listed(sizes)}")
        jobs = {**work.jobs, STATIC: [[f"/static/{sizes.get(OURS) or sizes[BARE]}"]]}
        clients = {
            name: Clients(found.get(name, found[BARE]), work.clients, cycle(requests(paths, gzip=gzip)))
            for name, paths in jobs.items()
        }
        for each in clients.values():
            each.work(WARMING)
        compare(
            rounds,
            {name: partial(each.work, SECONDS) for name, each in clients.items()},
            beside=[NAIVE, BARE],
            unit="answers",
        )
        costs = [cost for each in clients.values() for cost in each.costs]
        print(f"the clients' own CPU time: {median(costs):.1f} us each, {max(costs):.1f} at most")


def requests(paths: Paths, *, gzip: bool) -> list[Job]:
    """Make the requests for these paths."""
    return [[request(path, gzip=gzip) for path in job] for job in paths]


def listed(sizes: Mapping[str, int]) -> str:
    """Format the sizes of answers."""
    return ", ".join(f"{name.partition(':')[0]} {size:,} bytes" for name, size in sizes.items())
