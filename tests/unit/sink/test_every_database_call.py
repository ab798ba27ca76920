"""The Nth call of the database fails, for every N: each reading is stored once and none is lost."""

import asyncio
import gc
import itertools
import logging
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final, get_args

import anyio
import pytest
from prometheus_client import CollectorRegistry

from icu.errors import IcuError
from icu.messages import Record, encode
from icu.sink.batching import Batching
from icu.sink.consumer import consume
from icu.sink.telemetry import Telemetry
from icu.store.engines.sqlite.upgrading import upgrade
from icu.store.journal import entries as journal
from icu.transports.memory import MemoryTransport
from tests.samples import ANNA, BORIS, START, observation
from tests.sqlite_faults import Fault, Place, error, injected
from tests.stores import rows

# Seconds until a run that takes some hundredths has certainly come to a stop.
TIMEOUT: Final = 10.0

KEY: Final = encode([observation()])[0].key
# For several transactions: new patients, a record that cannot be read, readings twice, and one with other values.
RECORDS: Final[Sequence[Record]] = [
    *encode([observation(n, patient=patient) for n in range(10) for patient in (ANNA, BORIS)]),
    Record(KEY, b"no observation"),
    *encode([observation(n) for n in range(8, 14)]),
    *encode([observation(3, pulse=99)]),
    *encode([observation(n, patient=BORIS) for n in range(10, 20)]),
]

# How a call fails.
KINDS: Final = ("BUSY", "FULL", "IOERR", "cancelled")

STORED: Final = {
    "readings": 34,
    "journalised once": True,
    "numbers rise": True,
    "announced once": ["Anna", "Boris"],
    "dead letters": [("conflict", 1), ("malformed", 1)],
    "offsets": len(RECORDS),
    "patients": 2,
}


class Ward:
    """A sink that is restarted whenever it ends, as by a supervisor."""

    def __init__(self, url: str) -> None:
        self.transport = MemoryTransport(topic="icu.test", partitions=2)
        self.telemetry = Telemetry(CollectorRegistry())
        self.deaths: list[IcuError] = []
        self._url = url

    async def run(self) -> None:
        """Run until all is stored and the sink has stopped."""
        self._loop = asyncio.get_running_loop()
        await self.transport.publish(RECORDS)
        async with anyio.create_task_group() as group:
            group.start_soon(self._live)
            with anyio.fail_after(TIMEOUT):
                await self.transport.until_stored(0)
            group.cancel_scope.cancel()

    def cancel(self) -> None:
        """Cancel this run of the sink during the failing call of the database."""
        done = threading.Event()

        def cancel() -> None:
            self._life.cancel()
            done.set()

        self._loop.call_soon_threadsafe(cancel)
        assert done.wait(TIMEOUT)

    async def _live(self) -> None:
        while True:
            with anyio.CancelScope() as self._life:
                try:
                    await self._consume()
                except IcuError as exc:
                    self.deaths.append(exc)

    async def _consume(self) -> None:
        await consume(
            transport=self.transport,
            alarms=MemoryTransport(topic="icu.alarms", waits_for_commits=False),
            database_url=self._url,
            telemetry=self.telemetry,
            batching=Batching(max_records=12, linger=0),
            now=START.timestamp,
        )


@pytest.mark.parametrize("step", [len(KINDS), pytest.param(1, marks=pytest.mark.endurance)])
@pytest.mark.parametrize("place", get_args(Place))
@pytest.mark.parametrize("how", KINDS)
def test_whichever_call_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, place: Place, step: int
) -> None:
    """Each reading and each dead letter is stored once, the offsets are at the end, and nothing is kept back or
    left open."""
    # Full jitter may as well be none: what is looked for is no matter of time.
    monkeypatch.setattr("tenacity.wait.random.uniform", lambda low, _high: low)
    # Records of the pool's errors, which pytest keeps, would keep their connections too.
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    ready = tmp_path / "ready.db"
    upgrade(ready)
    # Where there is no time for each call to fail in each way, the ways take turns.
    for number in itertools.count(1 + KINDS.index(how) % step, step):
        path = tmp_path / f"{number}.db"
        shutil.copy(ready, path)
        ward = Ward(f"sqlite:///{path}")
        cause = ward.cancel if how == "cancelled" else error(how)
        with injected(Fault(number, place, cause)) as fault:
            anyio.run(ward.run)
        where = f"call {number}, {how} {place}"
        assert (where, ward.transport.unstored, ward.telemetry.trouble, ward.deaths) == (where, 0, None, [])
        assert (where, stored(f"sqlite:///{path}")) == (where, STORED)
        assert (where, left_open(path)) == (where, [])
        if not fault.reached:
            break
    assert number > 60


def stored(url: str) -> dict[str, object]:
    """Return the content of the file."""
    readings = rows(url, "SELECT patient_id, timestamp FROM patient_metrics ORDER BY 1, 2")
    payloads = rows(url, "SELECT batch, payload FROM journal ORDER BY batch")
    entries = [(batch, journal.decode(payload).rows) for batch, payload in payloads]
    sizes = [(batch, len(entry) or 1) for batch, entry in entries]
    announced = [each.name for _, payload in payloads for each in journal.decode(payload).news]
    return {
        "readings": len(readings),
        "journalised once": sorted(row[:2] for _, entry in entries for row in entry) == readings,
        "numbers rise": all(first + size == batch for (first, _), (batch, size) in itertools.pairwise(sizes)),
        "announced once": sorted(map(str, announced)),
        "dead letters": rows(url, "SELECT reason, count(*) FROM dead_letters GROUP BY reason ORDER BY reason"),
        "offsets": rows(url, "SELECT sum(next) FROM consumer_offsets")[0][0],
        "patients": rows(url, "SELECT count(*) FROM patients")[0][0],
    }


def left_open(path: Path) -> list[str]:
    """Return the threads of open connections, and the files that the last connection removes."""
    if any(path.parent.glob(f"{path.name}-*")):
        gc.collect()  # one that could not be closed is closed by its end
    threads = [each for each in threading.enumerate() if "_connection_worker_thread" in each.name]
    for thread in threads:
        thread.join(1)
    files = [each.name for each in path.parent.glob(f"{path.name}-*")]
    return [each.name for each in threads if each.is_alive()] + files
