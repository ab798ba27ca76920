"""Delay from the sink to the screen, of one page beside many other clients of the stream."""

import math
import sqlite3
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import anyio
import psutil
from playwright.sync_api import Page

from tests.benchmarks.wards import aside

CLIENTS: Final = 49
# Seconds until all clients are served, of the measurement, and until its last readings are on the screen.
WARMING: Final = 3.0
SECONDS: Final = 60.0
SETTLING: Final = 5.0
# Kinds of other numbers that are printed.
EXAMPLES: Final = 5

_ARRIVED: Final = """
SELECT uuid, timestamp, timestamp + lag FROM patient_metrics JOIN patients ON patients.id = patient_id
WHERE timestamp + lag BETWEEN ? AND ?
"""

# Uuid of the patient, and timestamp. All times are milliseconds since 1970: page and ward have one clock.
Key: TypeAlias = tuple[str, int]


def print_delays(page: Page, port: int, database: Path, ward: psutil.Process) -> None:
    """Print the delays of the readings that change a number of a tile (goal: 1 s at most).

    A delay begins when the sink takes the reading from the log, before it stores it: this time is stored with the
    reading, that of the commit is not. It ends when the frame begins that follows the one in which the page showed the
    reading, or a newer one of the same bed: the page's part of the painting is done then, the screen's is not known.

    Args:
        page: The ward, with painted.js.
        port: Of the monitor.
        database: SQLite file.
        ward: Process of the sink and the monitor.
    """
    with aside(listen, str(port)) as clients:
        page.wait_for_timeout(WARMING * 1000)
        since, cpu_before = now(), sum(ward.cpu_times()[:2])
        page.wait_for_timeout(SECONDS * 1000)
        end, cpu = now(), sum(ward.cpu_times()[:2]) - cpu_before
        page.wait_for_timeout(SETTLING * 1000)
        served = sum(each.status == psutil.CONN_ESTABLISHED for each in clients.net_connections("tcp"))
    noted = page.evaluate("noted")
    print(f"\none page and {served} other clients of the stream, {SECONDS:.0f} s; ward {cpu / SECONDS:.0%} of a core")
    print_notes(noted, arrivals(database, since, end))


def print_notes(noted: Mapping[str, Any], arrived: Mapping[Key, int]) -> None:
    """Print what the page has noted of the readings that arrived meanwhile."""
    received = {(patient, made): changes for patient, made, changes in noted["readings"]}
    changing = [key for key in arrived if received.get(key)]
    paints = Paints(noted["paints"])
    delays = [paints.of(key) - arrived[key] for key in changing]
    print(f"readings                       {len(arrived)}, {len(arrived.keys() - received)} not received by the page")
    print(f"of which change a number       {len(changing)}, {delays.count(math.inf)} not shown")
    print(f"changes of tiles               {paints.count}, {len(paints.others)} to others than the newest reading's")
    for other, times in Counter(paints.others).most_common(EXAMPLES):
        print(f"                               {times} times {other}")
    print(f"sink to painted                {spread(delays)} (goal: p99 1 s)")
    print(f"measured to painted            {spread([paints.of(key) - key[1] for key in changing])}")


async def listen(port: str) -> None:
    """Read the stream as many clients, and drop it."""

    async def client() -> None:
        async with await anyio.connect_tcp("127.0.0.1", int(port)) as stream:
            await stream.send(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            async for _ in stream:
                pass
        raise RuntimeError("the monitor has ended a stream")

    async with anyio.create_task_group() as group:
        for _ in range(CLIENTS):
            group.start_soon(client)


def now() -> int:
    """Return the time of this machine."""
    return time.time_ns() // 1_000_000


def arrivals(database: Path, since: int, until: int) -> Mapping[Key, int]:
    """Read when the sink took the readings of this time."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return {(uuid, made): arrived for uuid, made, arrived in connection.execute(_ARRIVED, (since, until))}


class Paints:
    """Times at which readings were on the screen.

    Args:
        paints: Notes of painted.js, in their order.
    """

    def __init__(self, paints: Sequence[tuple[str, int, str, int]]) -> None:
        self.count = len(paints)
        # Numbers that a tile showed for those of the newest reading that the page had received.
        self.others = [other for _, _, other, _ in paints if other]
        self._made: dict[str, list[int]] = defaultdict(list)
        self._painted: dict[str, list[int]] = defaultdict(list)
        for patient, made, _, painted in paints:
            self._made[patient].append(made)
            self._painted[patient].append(painted)

    def of(self, key: Key) -> float:
        """Return the time of this reading or a newer one of the patient; infinite where there is none."""
        patient, made = key
        place = bisect_left(self._made[patient], made)
        return self._painted[patient][place] if place < len(self._made[patient]) else math.inf


def spread(milliseconds: Sequence[float]) -> str:
    """Return median, 99th percentile and greatest delay as text."""
    found = sorted(milliseconds)
    p50, p99 = (found[min(len(found) - 1, int(len(found) * part))] / 1000 for part in (0.5, 0.99))
    return f"p50 {p50:.3f} s, p99 {p99:.3f} s, most {found[-1] / 1000:.3f} s"
