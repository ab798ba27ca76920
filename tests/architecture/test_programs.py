"""Programs that tests start: they start with the same signals wherever the tests run, and end with them."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.conftest import Spawn
from tests.processes import TIMEOUT, running

ROOT = Path(__file__).parents[2]

STARTS_ONE = """
import signal, subprocess, sys
from tests.processes import keep_ignored_signals_from_children, running
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
keep_ignored_signals_from_children()
signal.raise_signal(signal.SIGINT)
with running(["sh", "-c", "sleep 600 & echo $!; wait"], stdout=subprocess.PIPE, text=True) as program:
    print(program.pid, program.stdout.readline().strip(), flush=True)
    program.wait()
    print("it has ended", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def tests(spawn: Spawn) -> subprocess.Popen[str]:
    """Start a process in place of pytest, by `nohup ... &`; its program has a child process."""
    command = [sys.executable, "-c", STARTS_ONE]
    return spawn(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def programs(tests: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the program and its child process."""
    assert tests.stdout is not None
    return [psutil.Process(int(pid)) for pid in tests.stdout.readline().split()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_the_tests_ignore_ends_their_programs(
    tests: subprocess.Popen[str], number: signal.Signals
) -> None:
    """A signal ends the programs, although the tests ignore it, as their caller wants."""
    both = programs(tests)
    both[0].send_signal(number)
    assert tests.stdout is not None
    assert tests.stdout.readline() == "it has ended\n"
    assert tests.poll() is None
    tests.kill()
    assert psutil.wait_procs(both, timeout=TIMEOUT)[1] == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_program_outlives_the_tests(tests: subprocess.Popen[str], number: signal.Signals) -> None:
    """A program and its child processes end with the tests."""
    both = programs(tests)
    tests.send_signal(number)
    assert psutil.wait_procs(both, timeout=TIMEOUT)[1] == []


def test_a_program_is_killed_with_all_that_it_has_started() -> None:
    """The end of a test kills its programs and their child processes, which would disturb the next test."""
    words = ["sh", "-c", "trap '' TERM INT; sleep 600 & echo $!; wait"]
    with running(words, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        both = [psutil.Process(program.pid), psutil.Process(int(program.stdout.readline()))]
    assert psutil.wait_procs(both, timeout=TIMEOUT)[1] == []


def test_each_test_has_a_limit(pytestconfig: pytest.Config) -> None:
    """A test that waits for ever fails, and says where it waits."""
    assert 0 < float(pytestconfig.getini("timeout")) <= 600
