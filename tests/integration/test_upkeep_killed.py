"""Sink and upkeep that are killed at random, side by side on one database."""

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE, Popen

import anyio
from anyio import to_thread

from icu.config.retention import Retention
from icu.store.upkeep import open_upkeep
from icu.store.writer import open_writer
from tests.conftest import Spawn
from tests.rollups import HOUR, stored
from tests.stores import NOON, rows

PROGRAM = Path(__file__).with_name("dying_upkeep.py")


async def test_killed_at_any_moment(url: str, spawn: Spawn) -> None:
    """No roll-up ever lacks a reading without a mark, and what is left to do is done afterwards."""
    async with open_writer(url, topic="icu.test"):
        pass
    began = time.time()
    start = starter(spawn, url, began)
    seed = random.randrange(1_000_000)
    print("seed", seed)
    rng = random.Random(seed)
    programs = {role: await to_thread.run_sync(start, role) for role in ("sink", "upkeep")}
    for role in ("upkeep", "sink", "upkeep", "sink", "upkeep"):
        await anyio.sleep(rng.random())  # any moment is the right one
        assert {each.poll() for each in programs.values()} == {None}
        programs[role].kill()
        programs[role].wait()
        assert stored(url).wrong() == []
        programs[role] = await to_thread.run_sync(start, role)
    for each in programs.values():
        each.kill()
        each.wait()
    assert rows(url, "PRAGMA integrity_check") == [("ok",)]
    found = stored(url)
    assert found.wrong() == []
    assert found.late
    assert len(found.minutes) > 100
    now = NOON + round((time.time() - began) * HOUR / 2) + 2 * HOUR
    async with open_upkeep(url) as upkeep:
        while not (await upkeep.roll_up(now)).done:
            pass
    found = stored(url)
    assert (found.wrong(), found.late) == ([], set())


async def test_killed_while_it_deletes(url: str, spawn: Spawn) -> None:
    """No hour is deleted that is not rolled up as a whole, and what was about to be deleted is so afterwards."""
    async with open_writer(url, topic="icu.test"):
        pass
    began = time.time() - 20  # ten hours
    start = starter(spawn, url, began)
    seed = random.randrange(1_000_000)
    print("seed", seed)
    rng = random.Random(seed)
    programs = {role: await to_thread.run_sync(start, role) for role in ("sink", "keeper")}
    horizons = set()
    for role in ("keeper", "sink", "keeper", "keeper", "sink", "keeper"):
        await anyio.sleep(0.5 + rng.random())  # any moment is the right one
        assert {each.poll() for each in programs.values()} == {None}
        programs[role].kill()
        programs[role].wait()
        found = stored(url)
        assert found.wrong() == []
        horizons.add(found.raw_horizon)
        programs[role] = await to_thread.run_sync(start, role)
    for each in programs.values():
        each.kill()
        each.wait()
    assert rows(url, "PRAGMA integrity_check") == [("ok",)]
    assert len(horizons) > 1
    now = NOON + round((time.time() - began) * HOUR / 2)
    async with open_upkeep(url, Retention(raw="1h")) as upkeep:
        while not (await upkeep.roll_up(now)).done:
            pass
        while not (await upkeep.delete(now)).done:
            pass
    found = stored(url)
    assert found.wrong() == []
    assert found.raw_horizon >= max(horizons)
    assert min(each["timestamp"] for each in found.readings) >= found.raw_horizon


def starter(spawn: Spawn, url: str, began: float) -> Callable[[str], "Popen[str]"]:
    """A function that starts a program, and waits until it is at work."""

    def start(role: str) -> "Popen[str]":
        program = spawn([sys.executable, str(PROGRAM), url, role, str(began)], stdout=PIPE, text=True)
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        return program

    return start
