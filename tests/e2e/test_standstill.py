"""A ward that is suspended for longer than its deadlines (Ctrl-Z, `docker pause`) and resumed: no child is killed."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from icu.control.client import ANSWER_DEADLINE
from tests.e2e.conftest import TIMEOUT, Program, Start

# Seconds.
WATCHDOG = 2


@pytest.fixture
def ward(start: Start, tmp_path: Path) -> Program:
    """A ward with a child in a process of its own."""
    (tmp_path / "supervisor.toml").write_text(
        f"[supervisor]\nwatchdog = {WATCHDOG}\n"
        '[[child]]\nrole = "sink"\n[[child]]\nrole = "monitor"\nprocess = true\n'
        '[[child]]\nrole = "patient"\nname = "Anna"\n'
    )
    return start("supervise").ready()


def stand_still(processes: Sequence[psutil.Process], seconds: float) -> None:
    """Suspend all processes, and resume them in the same order."""
    for each in processes:
        each.send_signal(signal.SIGSTOP)
    for each in processes:
        while each.status() != psutil.STATUS_STOPPED:
            time.sleep(0.01)
    time.sleep(seconds)
    for each in processes:
        each.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("together", [False, True], ids=["the supervisor alone", "all"])
def test_nobody_dies_of_a_standstill(ward: Program, *, together: bool) -> None:
    """The child's process survives a suspension of the ward, and works; one that is suspended alone is killed."""
    supervisor = psutil.Process(ward.process.pid)
    [child] = supervisor.children()
    stand_still([supervisor, child] if together else [supervisor], 2 * WATCHDOG + 1)
    time.sleep(WATCHDOG)  # whoever was to be killed for its silence has been
    assert supervisor.children() == [child], ward.log()
    ward.ready()
    child.send_signal(signal.SIGSTOP)
    assert psutil.wait_procs([child], timeout=TIMEOUT)[1] == []
    assert ward.stop() == 0
    assert f"no sign of life for {WATCHDOG} s: killed" in ward.log()


def test_a_command_may_be_suspended_too(ward: Program, environ: dict[str, str], tmp_path: Path) -> None:
    """A suspended command still takes an answer that came meanwhile."""
    supervisor = psutil.Process(ward.process.pid)
    supervisor.send_signal(signal.SIGSTOP)
    with subprocess.Popen([sys.executable, "-m", "icu", "status"], cwd=tmp_path, env=environ) as asking:
        client = psutil.Process(asking.pid)
        while len(client.net_connections("unix")) < 3:  # two are the loop's own
            time.sleep(0.01)
        client.send_signal(signal.SIGSTOP)
        supervisor.send_signal(signal.SIGCONT)
        time.sleep(ANSWER_DEADLINE + 1)
        client.send_signal(signal.SIGCONT)
        assert asking.wait(TIMEOUT) == 0
    assert ward.stop() == 0
