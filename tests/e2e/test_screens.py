"""Output of a ward on real terminals, and through pipes."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import TIMEOUT, Icu, Program, Start, free_port

FILE = """
[[child]]
role = "sink"
[[child]]
role = "monitor"
[[child]]
role = "patient"
name = "Anna"
"""


class Screen:
    """A program on a terminal of its own, and its output."""

    def __init__(self, words: list[str], folder: Path, environ: dict[str, str], columns: int) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environ = {"TERM": "xterm", **environ}
        self.process = subprocess.Popen(words, cwd=folder, env=environ, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self._ours = ours
        self._written = b""
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def until(self, words: str) -> str:
        """Return the output once it contains these words."""
        with self._changed:
            assert self._changed.wait_for(lambda: words in self.text, TIMEOUT), self.text
        return self.text

    def type(self, text: str) -> None:
        """Type on the keyboard."""
        os.write(self._ours, text.encode())

    @property
    def text(self) -> str:
        """The output so far."""
        return self._written.decode(errors="replace")

    def end(self) -> str:
        """Return the whole output at the end."""
        self.process.wait(TIMEOUT)
        self._reader.join(TIMEOUT)
        return self.text

    def close(self) -> None:
        """End the program, and close the terminal."""
        self.process.kill()
        self.end()
        os.close(self._ours)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._ours, 65_536)
            except OSError:  # the last one who had the terminal has gone
                return
            with self._changed:
                self._written += data
                self._changed.notify_all()


Show = Callable[..., Screen]


@pytest.fixture
def show(tmp_path: Path, environ: dict[str, str]) -> Iterator[Show]:
    """A function that runs `python -m icu` with these words on a terminal."""
    screens: list[Screen] = []

    def run(*words: str, columns: int = 80, **others: str) -> Screen:
        screens.append(Screen([sys.executable, "-m", "icu", *words], tmp_path, {**environ, **others}, columns))
        return screens[-1]

    yield run
    for screen in screens:
        screen.close()


@pytest.fixture
def ward(start: Start, tmp_path: Path) -> Program:
    """A ward with one bed."""
    (tmp_path / "supervisor.toml").write_text(FILE)
    return start("supervise").ready()


def test_status(ward: Program, show: Show, icu: Icu) -> None:
    """`status` prints sections on a terminal of any width; one line a child on pipes and simple terminals."""
    assert icu("stop", "bed-1").returncode == 0
    # A child counts as starting for a while after its start, which a fast machine is still in.
    while "starting" in icu("status").stdout:
        pass
    for columns in (80, 44):
        text = show("status", columns=columns).end()
        lines = text.splitlines()
        assert "Not running" in text
        assert "python -m icu start bed-1" in text
        assert lines[-1].removesuffix("\x1b[0m").endswith("run; 1 stopped") or columns == 44
        assert "\x1b[" in text
    piped = icu("status").stdout
    assert "\x1b" not in piped
    assert piped.splitlines()[-1] == "bed-1    stopped"
    assert [line.split()[:2] for line in show("status", TERM="dumb").end().splitlines()] == [
        line.split()[:2] for line in piped.splitlines()
    ]
    coloured = show("status", NO_COLOR="1").end()
    assert "\x1b[3" not in coloured
    assert ward.stop() == 0


@pytest.mark.parametrize("columns", [80, 44])
def test_the_overview(show: Show, tmp_path: Path, columns: int) -> None:
    """`supervise` shows children, vital signs and totals on a terminal; a simple terminal gets the log alone."""
    (tmp_path / "supervisor.toml").write_text(FILE)
    port = str(free_port())
    screen = show("supervise", "--port", port, columns=columns, METRICS_INTERVAL="0.2")
    screen.until("1 of 1 bed and 2 of 2 services run")
    text = screen.until("Anna")
    assert "mm[Hg]" in text
    screen.process.send_signal(signal.SIGINT)
    screen.end()
    assert screen.process.returncode == 0
    plain = show("supervise", "--port", port, columns=columns, TERM="dumb")
    plain.until("started child=beds")
    plain.process.send_signal(signal.SIGINT)
    text = plain.end()
    assert "Ctrl-C stops it" not in text
    assert "\x1b" not in text


def test_the_log_begins_with_where_to_look(show: Show, start: Start, tmp_path: Path) -> None:
    """The log begins with addresses and commands once, for people: neither in JSON nor through a pipe."""
    (tmp_path / "supervisor.toml").write_text(FILE)
    port = str(free_port())
    screen = show("supervise", "--port", port, columns=200, TERM="dumb")
    screen.until("started child=beds")
    lines = screen.text.splitlines()
    assert f"the ward, in a browser: http://127.0.0.1:{port}/" in lines[0]
    assert f"the API: http://127.0.0.1:{port}/patients, described at http://127.0.0.1:{port}/schema" in lines[1]
    assert f"python -m icu status --config {tmp_path}/supervisor.toml" in lines[2]
    assert f"the database: sqlite:///{tmp_path}/icu.db" in lines[3]
    assert screen.text.count("the database: ") == 1
    screen.process.send_signal(signal.SIGINT)
    screen.end()
    records = show("supervise", "--port", port, "--log-format", "json")
    records.until('"started"')
    records.process.send_signal(signal.SIGINT)
    assert "the database: " not in records.end()
    piped = start("supervise").ready()
    assert piped.stop() == 0
    assert "the database: " not in piped.log()


# Every patient's pulse is beyond it, at once.
ALARM = ("pulse.low", "high=off", "medium=off", "pulse.high", "medium=36", "high=off", "delay=0")


@pytest.mark.parametrize("columns", [80, 44])
def test_alarms(ward: Program, show: Show, icu: Icu, columns: int) -> None:
    """`alarms --watch` shows alarms and answers until Ctrl-C, and none while the monitor is away."""
    url = ("--url", ward.url)
    assert icu("limits", "set", *ALARM, *url).returncode == 0
    screen = show("alarms", "--watch", *url, columns=columns)
    screen.until("pulse.high")
    assert icu("stop", "monitor").returncode == 0
    screen.until("no alarms can be shown")
    assert icu("start", "monitor").returncode == 0
    assert icu("alarms", "ack", "1", "pulse.high", "--by", "Ann", *url).returncode == 0
    assert "\x1b[1;33m!!  medium" in screen.until("by Ann")
    screen.process.send_signal(signal.SIGINT)
    screen.end()
    assert screen.process.returncode == 130
    shown = show("alarms", *url, columns=columns)
    assert "\x1b[" in shown.end()
    assert shown.process.returncode == 0
    piped = icu("alarms", *url).stdout
    assert "\x1b" not in piped
    # She may have others, of her own.
    assert re.search(r"^!!  medium  1  Anna  pulse\.high", piped, re.MULTILINE)
    assert ward.stop() == 0


def test_limits_that_somebody_is_asked_for(ward: Program, show: Show, icu: Icu) -> None:
    """`limits auto` shows what will change, and changes it once a person has said yes."""
    url = ("--url", ward.url)
    ward.until("/patients", lambda response: any(each["latest"] for each in response.json()))
    screen = show("limits", "auto", "Anna", *url)
    screen.until("[y/N]: ")
    assert icu("limits", "show", "Anna", *url).stdout.count("patient\n") == 0
    screen.type("y\n")
    assert "bed 1, Anna: version 1, by " in screen.end()
    assert screen.process.returncode == 0
    assert icu("limits", "show", "Anna", *url).stdout.count("patient\n") > 0
    assert ward.stop() == 0
