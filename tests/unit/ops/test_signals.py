"""A process that shows its life, and ends when it cannot, or when nobody is left who started it."""

import os
import subprocess
import sys
from functools import partial

import anyio
import pytest

from icu.ops.signals import until_told

PATIENCE = 60
"""Seconds until a program that takes one or two has certainly failed."""

BLOCKED = """
import time, anyio
from icu.ops.signals import until_told

async def work():
    await anyio.sleep(0.1)
    this_line_blocks()

def this_line_blocks():
    time.sleep(600)

anyio.run(until_told, work)
"""

ORPHAN = """
import anyio
from icu.ops.signals import end_with_parent, until_told

async def work():
    print("started", flush=True)
    await anyio.sleep(SECONDS)

end_with_parent()
anyio.run(until_told, work)
print("ended in order", flush=True)
"""


def run(code: str, **environ: str) -> subprocess.Popen[str]:
    """A program of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ},
    )


def test_a_blocked_loop_ends_with_a_stack_that_names_the_line() -> None:
    """Whoever set the watchdog starts it again; the stack tells what held it up."""
    program = run(BLOCKED, WATCHDOG_USEC="500000")
    _, err = program.communicate(timeout=PATIENCE)
    assert program.returncode == 1
    assert "this_line_blocks" in err


async def test_the_stack_comes_before_whoever_set_the_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for signs of life kills at the end of that time, and the stack is to be printed by then."""
    seconds = list[float]()
    monkeypatch.setattr("faulthandler.dump_traceback_later", lambda later, **_: seconds.append(later))
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    await until_told(partial(anyio.sleep, 0.05))
    assert seconds == [27.0]


def test_a_child_ends_in_order_when_its_parent_is_gone() -> None:
    """Its standard input ends, and it stops as if it had been told to."""
    program = run(ORPHAN.replace("SECONDS", "600"), ICU_SUPERVISED="1")
    assert program.stdout is not None
    assert program.stdout.readline() == "started\n"
    out, _ = program.communicate(timeout=PATIENCE)
    assert (out, program.returncode) == ("ended in order\n", 0)


def test_who_was_started_by_hand_does_not_mind_its_input() -> None:
    """Only a supervisor of ours promises to keep the other end open."""
    program = run(ORPHAN.replace("SECONDS", "0.5"))
    out, _ = program.communicate(timeout=PATIENCE)
    assert (out, program.returncode) == ("started\nended in order\n", 0)
