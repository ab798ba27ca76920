"""Roles as process 1 of a container without an init, or as a subreaper: no orphan is left."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import TIMEOUT, Program, Start

# Runs a command that orphans below it are given to (PR_SET_CHILD_SUBREAPER).
SUBREAPER = "import ctypes, os, sys; ctypes.CDLL(None).prctl(36, 1, 0, 0, 0); os.execvp(sys.argv[1], sys.argv[1:])"

# Leaves two of them to a command: one ends while it loads, the other when the pipe is closed.
ORPHANS = '(true &); (cat pipe &); exec "$@"'


def launcher(kind: str) -> tuple[str, ...]:
    """Return the words before a command that make it such a process. Skips the test without the right to."""
    if sys.platform != "linux":
        pytest.skip("only Linux has process namespaces and subreapers")
    if kind == "subreaper":
        return (sys.executable, "-c", SUBREAPER)
    words = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    if shutil.which("unshare") is None or subprocess.run([*words, "true"], check=False).returncode:
        pytest.skip("a process namespace of its own takes `unshare`, and the right to make one")
    return words


def reaper(program: Program) -> psutil.Process:
    """Return the process of the role: the launcher itself, or its one child."""
    process = psutil.Process(program.process.pid)
    return next(iter(process.children()), process) if process.name() == "unshare" else process


def orphans(process: psutil.Process) -> list[str]:
    """Names of its children that are not ours: those run Python, by whatever name."""
    names = []
    for child in process.children():
        with suppress(psutil.NoSuchProcess):  # one may be reaped between the two looks
            names.append(child.name())
    return [name for name in names if not name.startswith("python")]


@pytest.mark.parametrize("role", [("supervise",), ("run", "sink"), ("run", "monitor")], ids=" ".join)
@pytest.mark.parametrize("kind", ["process 1", "subreaper"])
def test_orphans_are_waited_for(start: Start, tmp_path: Path, kind: str, role: tuple[str, ...]) -> None:
    """Orphans from before the start and later ones are reaped, and a child's own exit code stays exact."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "supervisor.toml").write_text(
        '[[child]]\nrole = "sink"\n[[child]]\nrole = "monitor"\nprocess = true\n'
        '[[child]]\nrole = "patient"\nname = "Anna"\n'
    )
    command = (*launcher(kind), "sh", "-c", ORPHANS, "sh", sys.executable, "-m", "icu")
    program = start(*role, command=command, ICU_KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9")
    program.until("/health/live", lambda response: response.status_code == 200)
    process = reaper(program)
    assert orphans(process) == ["cat"]
    (tmp_path / "pipe").open("w").close()
    deadline = time.monotonic() + TIMEOUT
    while orphans(process):
        assert time.monotonic() < deadline, process.children()
        time.sleep(0.02)
    for child in process.children():
        child.kill()
        while "signal SIGKILL" not in program.log():
            assert time.monotonic() < deadline, program.log()
            time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert program.wait() == 0, program.log()
