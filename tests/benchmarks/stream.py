"""Cost of live streams: CPU time of a monitor with 200 clients at 40 readings a second, and the readings' delay."""

import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import anyio
import psutil

from tests.benchmarks.wards import free_port, running, until

CLIENTS = 200
READINGS_PER_SECOND = 40
BEDS = 8
SECONDS = 20.0


def main() -> None:
    """Print the monitor's share of a core, and the delays at one client."""
    ward_port, port = free_port(), free_port()
    interval = str(BEDS / READINGS_PER_SECOND)
    with tempfile.TemporaryDirectory() as folder:
        environ = {"METRICS_INTERVAL": interval, "DATABASE_URL": f"sqlite:///{Path(folder) / 'icu.db'}"}
        with (
            running(["supervise", "--port", str(ward_port)], folder, **environ),
            running(["run", "monitor", "--port", str(port)], folder, **environ) as monitor,
        ):
            until(f"http://127.0.0.1:{port}/patients", b'"pulse"')
            process = psutil.Process(monitor.pid)
            idle = share(process, SECONDS / 4)
            busy, delays, received = anyio.run(follow, port, process)
    print(f"monitor without clients    {idle:6.1%} of a core")
    print(f"monitor with {CLIENTS} clients   {busy:6.1%} of a core, {received / SECONDS / CLIENTS:.1f} readings/s each")
    print(
        f"measured to client         p50 {delays[len(delays) // 2]:.3f} s, p99 {delays[len(delays) * 99 // 100]:.3f} s"
    )


def share(process: psutil.Process, seconds: float) -> float:
    """Measure CPU time a second."""
    before = sum(process.cpu_times()[:2])
    time.sleep(seconds)
    return float(sum(process.cpu_times()[:2]) - before) / seconds


async def follow(port: int, process: psutil.Process) -> tuple[float, list[float], int]:
    """Connect all clients, and measure the monitor while they read."""
    delays: list[float] = []
    received = 0

    async def client(number: int) -> None:
        nonlocal received
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while True:
                data = await stream.receive()
                received += data.count(b'"patient_uuid"')
                if number == 0:
                    delays.extend(delays_of(data))

    async with anyio.create_task_group() as group:
        for number in range(CLIENTS):
            group.start_soon(client, number)
        await anyio.sleep(3)
        delays.clear()
        received = 0
        before = sum(process.cpu_times()[:2])
        await anyio.sleep(SECONDS)
        busy = (sum(process.cpu_times()[:2]) - before) / SECONDS
        group.cancel_scope.cancel()
    return float(busy), sorted(delays), received


def delays_of(data: bytes) -> list[float]:
    """Compute the seconds from each reading's own timestamp to now."""
    now = datetime.now(UTC)
    return [
        (now - datetime.fromisoformat(reading["timestamp"])).total_seconds()
        for line in data.splitlines()
        if line.startswith(b"data: [") and line.endswith(b"]")
        for reading in json.loads(line[6:])
        if "timestamp" in reading  # not of a patient who is new
    ]
