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
from tests.processes import TIMEOUT
from tests.rollups import HOUR, Stored, stored
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
        end(programs[role])
        assert stored(url).wrong() == []
        programs[role] = await to_thread.run_sync(start, role)
    await until(url, lambda found: len(found.minutes) > 100)
    end(programs["upkeep"])
    await until(url, lambda found: bool(found.late))
    end(programs["sink"])
    assert rows(url, "PRAGMA integrity_check") == [("ok",)]
    assert stored(url).wrong() == []
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
        end(programs[role])
        found = stored(url)
        assert found.wrong() == []
        horizons.add(found.raw_horizon)
        programs[role] = await to_thread.run_sync(start, role)
    await until(url, lambda found: found.raw_horizon > min(horizons))
    for each in programs.values():
        end(each)
    assert rows(url, "PRAGMA integrity_check") == [("ok",)]
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


def end(program: "Popen[str]") -> None:
    """Kill a program."""
    program.kill()
    program.wait()


async def until(url: str, condition: Callable[[Stored], bool]) -> None:
    """Wait until the programs have brought the database to a state."""
    with anyio.fail_after(TIMEOUT):
        while not condition(stored(url)):
            await anyio.sleep(0.05)


def starter(spawn: Spawn, url: str, began: float) -> Callable[[str], "Popen[str]"]:
    """A function that starts a program, and waits until it is at work."""

    def start(role: str) -> "Popen[str]":
        program = spawn([sys.executable, str(PROGRAM), url, role, str(began)], stdout=PIPE, text=True)
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        return program

    return start
