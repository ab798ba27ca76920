"""A process that adopts orphans reaps them, and none of its own children. With real processes."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")

# Seconds until a program that takes a few has certainly failed.
TIMEOUT = 120

STORM = """
import ctypes, json, os, sys
from functools import partial
import anyio, psutil
from icu.supervisor.errors import ProcessEndedError
from icu.ops.signals import until_stopped
from icu.supervisor.own_processes import OwnProcesses
from icu.supervisor.process import run_process

own_processes, codes, lines = OwnProcesses(), {}, []
# A shell that ends before those that it has started.
ORPHANS = "for i in $(seq 100); do (true &); (exec sleep 0.0$i &); done"

async def child(code):
    how = dict(grace=5, watchdog=60, on_line=lambda line: line, environ=os.environ, own_processes=own_processes)
    try:
        await run_process(["sh", "-c", f"exit {code}"], **how)
        codes[code] = 0
    except ProcessEndedError as exc:
        codes[code] = exc.exit_code

async def storm(scope):
    for _ in range(5):
        await run_process(["sh", "-c", ORPHANS], grace=5, watchdog=60, on_line=lines.append, environ=os.environ,
                          own_processes=own_processes)
    scope.cancel()

async def work():
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(storm, scope)
            while True:
                async with anyio.create_task_group() as some:
                    for code in range(20):
                        some.start_soon(child, code)
                wrong.extend((expected, code) for expected, code in codes.items() if expected != code)
    with anyio.fail_after(30):
        while psutil.Process().children():
            await anyio.sleep(0.02)

wrong = []
if sys.argv[1:] == ["reaper"]:
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
anyio.run(until_stopped, work, None, own_processes.__contains__)
print(json.dumps([sorted(codes), wrong]))
"""

BEFORE = """
import ctypes, os, subprocess
import anyio, psutil
from icu.ops.signals import until_stopped

async def work():
    with anyio.fail_after(30):
        while psutil.Process().children():
            await anyio.sleep(0.02)

ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
subprocess.run(["sh", "-c", "(true &)"], check=True)
while [each.status() for each in psutil.Process().children()] != [psutil.STATUS_ZOMBIE]:
    pass
anyio.run(until_stopped, work)
"""

NO_REAPER = """
import subprocess, sys
import anyio
from icu.ops.signals import until_stopped

async def work():
    program = subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"])
    await anyio.sleep(1)
    print(program.wait())

anyio.run(until_stopped, work)
"""


def run(code: str, *words: str) -> str:
    """Run code in a program that must end well, and return its output."""
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Unknown child process" not in done.stderr
    return done.stdout


def test_a_storm_of_orphans() -> None:
    """All orphans are reaped, and each child's own exit code stays exact."""
    assert run(STORM, "reaper") == f"[{list(range(20))}, []]\n"


def test_those_that_ended_before_anybody_listened() -> None:
    """Orphans that ended before the reaper began, while Python was loading, are reaped."""
    run(BEFORE)


def test_a_process_without_orphans_reaps_none() -> None:
    """A process that adopts no orphans reaps none: a library waits for its own processes."""
    assert run(NO_REAPER) == "7\n"
