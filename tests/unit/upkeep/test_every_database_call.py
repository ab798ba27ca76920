"""The Nth call of the database fails, for every N: no reading is deleted that is not rolled up, and all is done."""

import itertools
import logging
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, get_args

import anyio
import pytest

from icu.config.retention import Retention
from icu.errors import is_transient
from icu.messages import Position
from icu.store.retention.deleting import Deleted
from icu.store.rollups.step import RolledUp
from icu.store.upkeep import open_upkeep
from icu.store.writer import open_writer
from tests.rollups import HOUR, MINUTE, stored
from tests.samples import ANNA, BORIS, observation
from tests.sqlite_faults import Fault, Place, error, injected
from tests.stores import NOON, execute, rows, store

# Milliseconds since 1970: three hours are there, and one is kept.
NOW: Final = NOON + 3 * HOUR + 10 * MINUTE

# How a call fails.
KINDS: Final = ("BUSY", "FULL", "IOERR")

# Readings and roll-ups that are left: the third hour of both patients, and all minutes and hours.
DONE: Final = {
    "wrong": [],
    "state": [(NOON + 2 * HOUR, None, None, NOON + 3 * HOUR + 8 * MINUTE)],
    "readings": [(NOON + 2 * HOUR, 2 * 6)],
    "minutes": [(2 * 18, 2 * 18 + 1)],
    "hours": [(2 * 3, 2 * 18 + 1)],
    "dead letters": [(0,)],
    "integrity": [("ok",)],
}


@pytest.mark.parametrize("step", [2 * len(KINDS), pytest.param(1, marks=pytest.mark.endurance)])
@pytest.mark.parametrize("place", get_args(Place))
@pytest.mark.parametrize("how", KINDS)
def test_whichever_call_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, place: Place, step: int
) -> None:
    """A full disk, an I/O error or a lock costs a repetition: roll-ups and horizons are as without it."""
    # Records of the pool's errors, which pytest keeps, would keep their connections too.
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    ready = tmp_path / "ready.db"
    anyio.run(fill, f"sqlite:///{ready}")
    # Where there is no time for each call to fail in each way, the ways take turns.
    for number in itertools.count(1 + KINDS.index(how) % step, step):
        path = tmp_path / f"{number}.db"
        shutil.copy(ready, path)
        url = f"sqlite:///{path}"
        with injected(Fault(number, place, error(how))) as fault:
            anyio.run(look_after, url)
        assert (f"call {number}, {how} {place}", left_in(url)) == (f"call {number}, {how} {place}", DONE)
        if not fault.reached:
            break
    assert number > 60


async def fill(url: str) -> None:
    """Store a reading of two patients each ten minutes of three hours, one late, and an old dead letter."""
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(600 * n, patient=each) for n in range(18) for each in (ANNA, BORIS)])
        async with open_upkeep(url) as upkeep:
            await until_done(upkeep.roll_up, NOON + HOUR + 2 * MINUTE)
        await store(writer, [observation(30)], start=36)
    letter = 'INSERT INTO dead_letters (topic, log, partition, "offset", reason, detail, size, arrived)'
    execute(url, f"{letter} VALUES ('icu.test', 1, 0, 99, 'malformed', '', 0, 1)")


async def look_after(url: str) -> None:
    """Roll up and delete, as the loop does, until there is nothing left to do."""
    async with open_upkeep(url, Retention(raw="1h")) as upkeep:
        await until_done(upkeep.roll_up, NOW)
        await until_done(upkeep.delete, NOW)


async def until_done(step: Callable[[int], Awaitable[RolledUp | Deleted]], now: int) -> None:
    """Repeat a step, also after an error that passes by itself."""
    done = False
    while not done:
        try:
            done = (await step(now)).done
        except Exception as exc:
            if not is_transient(exc):
                raise


def left_in(url: str) -> dict[str, object]:
    """Read what there is."""
    return {
        "wrong": stored(url).wrong(),
        "state": rows(url, "SELECT raw_horizon, minute_horizon, hour_horizon, rolled_until FROM upkeep_state"),
        "readings": rows(url, "SELECT min(timestamp), count(*) FROM patient_metrics"),
        "minutes": rows(url, "SELECT count(*), sum(pulse_count) FROM minute_rollups"),
        "hours": rows(url, "SELECT count(*), sum(pulse_count) FROM hour_rollups"),
        "dead letters": rows(url, "SELECT count(*) FROM dead_letters"),
        "integrity": rows(url, "PRAGMA integrity_check"),
    }
