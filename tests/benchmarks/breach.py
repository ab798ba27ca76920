"""Delay from the end of an alarm's own delay to a client of the live stream, in a ward of 10,000 patients."""

import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import anyio
import psutil

from tests.benchmarks.wards import free_port, running, until

PATIENTS: Final = 10_000
# Seconds until the ward's first alarms are over, and of the measurement.
WARMING: Final = 40.0
SECONDS: Final = 60.0

WARD: Final = """
[[child]]
role = "sink"

[[child]]
role = "patient"
name = "Patient"
patients = {patients}
"""


def main() -> None:
    """Print the delays of the alarms that began (goal: 1 s)."""
    ward_port, port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "supervisor.toml").write_text(WARD.format(patients=PATIENTS), "utf-8")
        environ = {"DATABASE_URL": f"sqlite:///{Path(folder) / 'icu.db'}"}
        with (
            running(["supervise", "--port", str(ward_port)], folder, **environ) as ward,
            running(["run", "monitor", "--port", str(port)], folder, **environ) as monitor,
        ):
            until(f"http://127.0.0.1:{port}/patients", b'"pulse"')
            processes = [psutil.Process(each.pid) for each in (ward, monitor)]
            delays, shares = anyio.run(follow, port, processes)
    print(f"{PATIENTS:,} patients, {len(delays)} alarms in {SECONDS:.0f} s")
    print(f"breach to client, beyond the delay   p50 {at(delays, 0.5):.3f} s, p99 {at(delays, 0.99):.3f} s (goal 1 s)")
    print(f"ward, monitor                        {shares[0]:.1%}, {shares[1]:.1%} of a core")


def at(delays: list[float], part: float) -> float:
    """Return the delay that this part of all does not exceed. Sorted before."""
    return delays[min(len(delays) - 1, int(len(delays) * part))]


async def follow(port: int, processes: list[psutil.Process]) -> tuple[list[float], list[float]]:
    """Follow the alarms of the stream, and measure the processes meanwhile."""
    delays: dict[str, float] = {}

    async def client() -> None:
        since = datetime.now(UTC)
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            data = b""
            while True:
                data += await stream.receive()
                now = datetime.now(UTC)
                *events, data = data.split(b"\n\n")
                for alarm, raised in (each for event in events for each in alarms_in(event)):
                    if raised > since:
                        delays.setdefault(alarm, (now - raised).total_seconds())

    async with anyio.create_task_group() as group:
        group.start_soon(client)
        await anyio.sleep(WARMING)
        warm = set(delays)
        before = [spent(each) for each in processes]
        await anyio.sleep(SECONDS)
        shares = [(spent(each) - was) / SECONDS for each, was in zip(processes, before, strict=True)]
        group.cancel_scope.cancel()
    return sorted(delay for alarm, delay in delays.items() if alarm not in warm), shares


def spent(process: psutil.Process) -> float:
    """Return the CPU seconds of a process."""
    return float(sum(process.cpu_times()[:2]))


def alarms_in(event: bytes) -> Iterator[tuple[str, datetime]]:
    """Return the alarms of an event, with the time at which each was raised on its sender's clock."""
    kind, _, rest = event.partition(b"event: ")[2].partition(b"\n")
    if kind == b"alarms":
        for each in json.loads(rest.partition(b"data: ")[2]):
            if each["kind"] == "physiological" and each["raised"] is not None and not each["late"]:
                yield each["id"], datetime.fromisoformat(each["raised"])
