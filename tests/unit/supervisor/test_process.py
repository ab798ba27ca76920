"""A process as a child: start, output, stop and kill. With real processes and signals."""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import anyio
import anyio.lowlevel
import psutil
import pytest
from anyio.abc import TaskStatus

from icu.supervisor.errors import ProcessEndedError, ProcessKilledError, ProcessSilentError
from icu.supervisor.own_processes import OwnProcesses
from icu.supervisor.process import run_process
from icu.supervisor.view import WorkStatus

READY = """
import os, signal, socket, sys, time
teller = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
def tell(text): teller.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
tell("READY=1\\nSTATUS=at your service")
"""


@pytest.fixture
def anyio_backend() -> str:
    """Real time, for processes, on each event loop of the supervisor."""
    return "asyncio"


class StartStatus(TaskStatus[str]):
    """A record of the values passed to `started`."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.event = anyio.Event()

    def started(self, value: str | None = None) -> None:
        self.text = value
        self.event.set()

    @property
    def pid(self) -> int:
        """Return the pid of the started process."""
        assert self.text is not None
        return int(self.text.split(",")[0].removeprefix("pid "))


def program(
    code: str, *, status: StartStatus, lines: list[str], grace: float = 5, watchdog: float = 30, settings_line: str = ""
) -> Callable[..., Awaitable[None]]:
    """Make a child that runs this Python code."""
    return partial(
        run_process,
        [sys.executable, "-c", code],
        grace=grace,
        watchdog=watchdog,
        on_line=lambda line: lines.append(line) or line,  # type: ignore[func-returns-value] # append returns None: `or line`
        environ=os.environ,
        settings_line=settings_line,
        task_status=status,
    )


async def test_a_process_says_that_it_has_started_and_what_it_writes_is_handed_on() -> None:
    """READY=1 is `started`, with pid and status; lines of both outputs come in order, also a last one without an
    end."""
    status, lines = StartStatus(), list[str]()
    code = READY + 'print("one", flush=True); print("two", file=sys.stderr, flush=True); sys.stdout.write("three")'
    with anyio.fail_after(30):
        await program(code, status=status, lines=lines)()
    assert lines == ["one", "two", "three"]
    assert status.text == f"pid {status.pid}, at your service"


async def test_its_last_words_are_what_somebody_makes_of_its_lines() -> None:
    """The reason of a death comes from the lines that the callback selects."""
    code = "print('ERROR no luck'); print('INFO lunch'); raise SystemExit(1)"
    run = partial(program(code, status=StartStatus(), lines=[]), on_line=lambda line: line if "ERROR" in line else None)
    with anyio.fail_after(30), pytest.raises(ProcessEndedError, match=r"\Aexit code 1: ERROR no luck\Z"):
        await run()


async def test_no_line_is_its_death() -> None:
    """An error of the callback for lines becomes a warning, and the process runs on to its end."""

    def refuse(line: str) -> None:
        raise TypeError(line)

    run = partial(program(READY + 'print("one")', status=StartStatus(), lines=[]), on_line=refuse)
    with anyio.fail_after(30), pytest.warns(RuntimeWarning, match="TypeError.*one"):
        await run()


@pytest.mark.parametrize(
    ("code", "words", "exit_code"),
    [
        ("import sys; print('no luck'); sys.exit(70)", r"exit code 70: no luck", 70),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", r"signal SIGKILL", 137),
        ("raise SystemExit(78)", r"exit code 78", 78),
    ],
)
async def test_its_end_is_reported(code: str, words: str, exit_code: int) -> None:
    """The error of a process has its exit code or signal, and its last lines."""
    with anyio.fail_after(30), pytest.raises(ProcessEndedError, match=words) as caught:
        await program(code, status=StartStatus(), lines=[])()
    assert caught.value.exit_code == exit_code


async def started(code: str, status: StartStatus, lines: list[str] | None = None, **how: float) -> None:
    """Run a child until it has started, and then cancel it."""
    async with anyio.create_task_group() as group:
        group.start_soon(program(code, status=status, lines=[] if lines is None else lines, **how))  # type: ignore[arg-type] # keywords of any kind
        with anyio.fail_after(30):
            await status.event.wait()
        group.cancel_scope.cancel()


def is_alive(pid: int) -> bool:
    """Check if a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_it_is_asked_to_stop() -> None:
    """A cancelled child gets SIGTERM and its grace."""
    status = StartStatus()
    await started(READY + "time.sleep(600)", status, grace=60)
    assert not is_alive(status.pid)


async def test_what_it_says_while_it_stops_is_handed_on() -> None:
    """Lines during the stop arrive, such as the number of lost readings, with an unfinished one from before."""
    status, lines = StartStatus(), list[str]()
    code = (
        "import signal, sys\ndef stop(*_): print(' and after', flush=True); print('farewell'); sys.exit()\n"
        "signal.signal(signal.SIGTERM, stop)\nprint('before', end='', flush=True)\n"
    )
    await started(code + READY + "time.sleep(600)", status, lines)
    assert lines == ["before and after", "farewell"]


async def test_nobody_waits_long_for_others_that_hold_its_output() -> None:
    """A grandchild that holds the output open delays the end only for a moment."""
    status, lines = StartStatus(), list[str]()
    code = "import subprocess\nprint(subprocess.Popen(['sleep', '600']).pid, flush=True)\n" + READY + "time.sleep(600)"
    with anyio.fail_after(30):
        await started(code, status, lines)
    os.kill(int(lines[0]), signal.SIGKILL)


async def test_one_that_does_not_listen_is_killed_after_its_grace() -> None:
    """A process that ignores SIGTERM is killed after its grace, and that is reported."""
    status = StartStatus()
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + READY + "time.sleep(600)"
    with pytest.RaisesGroup(pytest.RaisesExc(ProcessKilledError, match=r"did not stop within 0\.2 s: killed")):
        await started(code, status, grace=0.2)
    assert not is_alive(status.pid)


async def test_one_that_stands_still_is_killed() -> None:
    """A suspended process is killed by its watchdog, since it sends no sign of life and takes no other signal."""
    status = StartStatus()
    async with anyio.create_task_group() as group:

        async def watched() -> None:
            with pytest.raises(ProcessSilentError):
                await program(READY + "time.sleep(600)", status=status, lines=[], grace=0.2, watchdog=1.0)()

        group.start_soon(watched)
        with anyio.fail_after(30):
            await status.event.wait()
            os.kill(status.pid, signal.SIGSTOP)
    assert not is_alive(status.pid)


async def test_signs_of_life_are_heard() -> None:
    """A process that sends WATCHDOG=1 in time lives on."""
    code = READY + '\nfor _ in range(15): time.sleep(0.1); tell("WATCHDOG=1")'
    with anyio.fail_after(30):
        await program(code, status=StartStatus(), lines=[], watchdog=0.9)()


async def test_it_is_known_for_our_own_until_its_end() -> None:
    """The reaper of orphans leaves the process alone from the beginning, before it has a pid."""
    status, own_processes, seen = StartStatus(), OwnProcesses(), list[bool]()
    others = {each.pid for each in psutil.Process().children()}  # a broker that other tests share
    async with anyio.create_task_group() as group:
        group.start_soon(
            partial(program(READY + "time.sleep(600)", status=status, lines=[]), own_processes=own_processes)
        )
        await anyio.lowlevel.checkpoint()
        with anyio.fail_after(30):
            while not status.event.is_set():
                seen.append(
                    all(each.pid in own_processes or each.pid in others for each in psutil.Process().children())
                )
                await anyio.lowlevel.checkpoint()
        assert status.pid in own_processes
        assert os.getpid() not in own_processes
        group.cancel_scope.cancel()
    assert status.pid not in own_processes
    assert seen
    assert all(seen)


async def test_it_gets_its_settings_line() -> None:
    """The process gets its settings line on standard input, at any length, and nobody else can read it."""
    status, lines, settings_line = StartStatus(), list[str](), "secret " * 100_000
    with anyio.fail_after(30):
        await program(
            READY + "print(len(sys.stdin.readline()))", status=status, lines=lines, settings_line=settings_line
        )()
    assert lines == [str(len(settings_line) + 1)]


async def test_one_that_does_not_read_its_settings_line() -> None:
    """A process that does not read its settings line ends as usual."""
    with anyio.fail_after(30), pytest.raises(ProcessEndedError, match="exit code 3"):
        await program("raise SystemExit(3)", status=StartStatus(), lines=[], settings_line="secret " * 100_000)()


async def test_it_tells_what_it_waits_for() -> None:
    """It reports trouble and degradation at each change; an empty value is the end of it."""
    reported: list[WorkStatus] = []
    code = READY + (
        'tell("X_TROUBLE=no broker\\nX_DEGRADED="); tell("WATCHDOG=1"); tell("X_TROUBLE=\\nX_DEGRADED=a hole"); '
        'tell("X_TROUBLE=\\nX_DEGRADED="); time.sleep(600)'
    )
    async with anyio.create_task_group() as group:
        run = partial(program(code, status=StartStatus(), lines=[]), on_work_status=reported.append)
        group.start_soon(run)
        with anyio.fail_after(30):
            while len(reported) < 3:
                await anyio.sleep(0.02)
        group.cancel_scope.cancel()
    assert reported == [WorkStatus("no broker"), WorkStatus(None, "a hole"), WorkStatus()]


async def test_it_shares_a_folder_with_its_owner() -> None:
    """A file in the shared folder can be found once the process is ready, and is removed at its end."""
    found: list[Path] = []
    mine = "import os, pathlib; pathlib.Path(os.environ['NOTIFY_SOCKET']).with_name('mine').write_text('here')\n"
    status = StartStatus()
    async with anyio.create_task_group() as group:
        code = mine + READY + "time.sleep(600)"
        group.start_soon(partial(program(code, status=status, lines=[]), on_ready=found.append))
        with anyio.fail_after(30):
            await status.event.wait()
        assert await anyio.Path(found[0] / "mine").read_text() == "here"
        group.cancel_scope.cancel()
    assert not await anyio.Path(found[0]).exists()


async def test_it_knows_when_its_parent_is_gone() -> None:
    """The process notices the end of its parent by its standard input."""
    status, lines = StartStatus(), list[str]()
    code = READY + (
        "sys.stdin.readline(); os.set_blocking(0, False)\n"
        "try: os.read(0, 1); print('ended')\nexcept BlockingIOError: print('open')"
    )
    with anyio.fail_after(30):
        await program(code, status=status, lines=lines)()
    assert lines == ["open"]


BLOCKED = """
import anyio, time
from icu.ops.signals import until_stopped

async def work():
    await anyio.sleep(0.1)
    this_line_blocks()

def this_line_blocks():
    time.sleep(600)

anyio.run(until_stopped, work)
"""


async def test_one_that_is_blocked_leaves_its_stack() -> None:
    """A blocked process prints its stack before it is killed."""
    lines: list[str] = []
    with anyio.fail_after(30), pytest.raises(ProcessSilentError, match=r"no sign of life for 6 s: killed"):
        await program(BLOCKED, status=StartStatus(), lines=lines, watchdog=6)()
    assert any("this_line_blocks" in line for line in lines)
