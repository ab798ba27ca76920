"""A process that sends signs of life, and ends when it is blocked or when its parent is gone."""

import os
import select
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.conftest import Spawn
from tests.processes import TIMEOUT

BLOCKED = """
import re, resource, time, anyio
from icu.ops.signals import until_stopped

resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)

async def work():
    await anyio.sleep(0.1)
    this_line_blocks()

def this_line_blocks():
    print("core", resource.getrlimit(resource.RLIMIT_CORE)[0], flush=True)
    HOLD

anyio.run(until_stopped, work)
"""

HANGING = """
import anyio
from anyio import CancelScope
from icu.ops import signals
from icu.ops.signals import Shutdown, until_stopped

signals.STOP_DEADLINE = 0.5

async def work():
    shutdown.begin()
    with CancelScope(shield=True):
        await this_hangs()

async def this_hangs():
    await anyio.sleep(600)

shutdown = Shutdown()
anyio.run(until_stopped, work, shutdown)
"""

STOPPING = """
import anyio
from icu.ops.signals import until_stopped

async def work():
    try:
        print("started", flush=True)
        await anyio.sleep(600)
    finally:
        with anyio.CancelScope(shield=True):
            print("stopping", flush=True)
            await anyio.sleep(0.5)

anyio.run(until_stopped, work)
print("ended in order", flush=True)
"""

SLOW_ORPHAN = f"from icu.ops.signals import watch_parent; watch_parent()\n{STOPPING}"

ORPHAN = """
import anyio
from icu.ops.signals import watch_parent, until_stopped

async def work():
    print("started", flush=True)
    await anyio.sleep(600)

watch_parent()
anyio.run(until_stopped, work)
print("ended in order", flush=True)
"""


@pytest.fixture
def run(spawn: Spawn) -> Spawn:
    """A function that runs code as a program of its own."""

    def run(code: str, **environ: str) -> subprocess.Popen[str]:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return spawn([sys.executable, "-c", code], text=True, env={**os.environ, **environ}, **pipes)

    return run


@pytest.mark.parametrize("hold", ["time.sleep(600)", "re.match('(x+x+)+y', 'x' * 99)"], ids=["sleeps", "holds Python"])
def test_a_blocked_loop_ends_with_a_stack_that_names_the_line(run: Spawn, hold: str) -> None:
    """SIGABRT, from the parent as from systemd, ends a blocked process with its stack and without a core file."""
    program = run(BLOCKED.replace("HOLD", hold), WATCHDOG_USEC="500000")
    assert program.stdout is not None
    assert program.stdout.readline() == "core 0\n"
    program.send_signal(signal.SIGABRT)
    _, err = program.communicate(timeout=TIMEOUT)
    assert program.returncode == -signal.SIGABRT
    assert "this_line_blocks" in err


def test_a_stop_may_be_interrupted(run: Spawn) -> None:
    """A suspension (Ctrl-Z, `docker pause`) does not count against the deadline of a stop."""
    program = run(f"from icu.ops import signals; signals.STOP_DEADLINE = 2\n{STOPPING}")
    assert program.stdout is not None
    assert program.stdout.readline() == "started\n"
    program.send_signal(signal.SIGTERM)
    assert program.stdout.readline() == "stopping\n"
    stand_still(program, 3)
    out, err = program.communicate(timeout=TIMEOUT)
    assert (out, program.returncode) == ("ended in order\n", 0), err


def test_an_orphan_may_be_interrupted(run: Spawn) -> None:
    """A suspended orphan has the same time for its stop as others."""
    program = run(f"from icu.ops import signals; signals.STOP_DEADLINE = 2\n{SLOW_ORPHAN}")
    assert program.stdin is not None
    assert program.stdout is not None
    assert program.stdout.readline() == "started\n"
    program.stdin.close()
    program.stdin = None  # or `communicate` would flush it
    assert program.stdout.readline() == "stopping\n"
    stand_still(program, 3)
    out, err = program.communicate(timeout=TIMEOUT)
    assert (out, program.returncode) == ("ended in order\n", 0), err


def stand_still(program: subprocess.Popen[str], seconds: float) -> None:
    """Suspend a program for a time, and resume it."""
    program.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, program.pid, os.WSTOPPED | os.WNOWAIT)
    time.sleep(seconds)
    program.send_signal(signal.SIGCONT)


def test_a_child_ends_in_order_when_its_parent_is_gone(run: Spawn) -> None:
    """A child whose standard input ends stops as after a stop request."""
    program = run(ORPHAN)
    assert program.stdout is not None
    assert program.stdout.readline() == "started\n"
    out, _ = program.communicate(timeout=TIMEOUT)
    assert (out, program.returncode) == ("ended in order\n", 0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux wakes it")
def test_also_one_that_stands_still(run: Spawn) -> None:
    """A suspended child is ended too when its parent is gone, though it can notice nothing."""
    parent = run(f"""
import os, subprocess, signal, sys
child = subprocess.Popen([sys.executable, "-c", {ORPHAN!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
os.kill(child.pid, signal.SIGSTOP)
os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
print(child.pid, flush=True)
os._exit(0)
""")
    assert parent.stdout is not None
    orphan = psutil.Process(int(parent.stdout.readline()))
    parent.communicate(timeout=TIMEOUT)
    assert psutil.wait_procs([orphan], timeout=TIMEOUT)[1] == []


@pytest.mark.parametrize("watchdog", ["", "300000"])
def test_a_stop_that_hangs_has_an_end(run: Spawn, watchdog: str) -> None:
    """A stop that hangs is ended, also one without a request; the watchdog is over by then."""
    program = run(HANGING, WATCHDOG_USEC=watchdog)
    _, err = program.communicate(timeout=TIMEOUT)
    assert program.returncode == 1
    assert "it has not stopped within 0.5 s" in err
    assert "most recent call first" in err


def test_a_terminal_that_is_closed_is_a_request_to_stop(run: Spawn) -> None:
    """Any number of SIGHUPs is one stop request."""
    program = run(STOPPING)
    assert program.stdout is not None
    for line in ("started\n", "stopping\n"):
        assert program.stdout.readline() == line
        program.send_signal(signal.SIGHUP)
    out, _ = program.communicate(timeout=TIMEOUT)
    assert (out, program.returncode) == ("ended in order\n", 0)


def test_nohup_is_respected(run: Spawn) -> None:
    """SIGHUP stays ignored if it was ignored at the start."""
    program = run(f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{STOPPING}")
    assert program.stdout is not None
    assert program.stdout.readline() == "started\n"
    program.send_signal(signal.SIGHUP)
    assert not select.select([program.stdout], [], [], 0.5)[0]
    program.send_signal(signal.SIGTERM)
    out, _ = program.communicate(timeout=TIMEOUT)
    assert out == "stopping\nended in order\n"
