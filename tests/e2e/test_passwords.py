"""Passwords on a real terminal: unseen, typed twice, in no list of processes."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.e2e.conftest import TIMEOUT
from tests.stores import rows

PASSWORD = "four random words"  # noqa: S105 - of nobody


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, ours: int, process: subprocess.Popen[bytes]) -> None:
        self._ours = ours
        self.process = process
        self.text = ""

    def until(self, words: str) -> None:
        """Read the output until it contains these words again."""
        before = self.text.count(words)
        while self.text.count(words) == before:
            self.text += os.read(self._ours, 65_536).decode()

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._ours, f"{line}\n".encode())

    def end(self) -> int:
        """Read the rest of the output, and return the exit code."""
        try:
            while data := os.read(self._ours, 65_536):
                self.text += data.decode()
        except OSError:  # the command has closed the terminal
            pass
        return self.process.wait(TIMEOUT)


@contextmanager
def terminal(*words: str, folder: Path, environ: dict[str, str]) -> Iterator[Terminal]:
    """Run `python -m icu` with these words on a terminal."""
    ours, theirs = pty.openpty()
    # A session of its own: the password would be asked for on the terminal of the tests.
    process = subprocess.Popen(
        [sys.executable, "-m", "icu", *words],
        cwd=folder,
        env={"TERM": "xterm", **environ},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(ours, process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_the_password_is_not_seen(tmp_path: Path, environ: dict[str, str]) -> None:
    """A person types the password twice; screen, list of processes and database show it nowhere."""
    with terminal("users", "add", "anna", "--role", "nurse", folder=tmp_path, environ=environ) as screen:
        screen.until("Password: ")
        shown = psutil.Process(screen.process.pid).cmdline() + list(screen.process.args)
        screen.type(PASSWORD)
        screen.until("Once more: ")
        screen.type(PASSWORD)
        assert screen.end() == 0, screen.text
    assert "the user anna (nurse) is in " in screen.text
    assert PASSWORD not in screen.text + "".join(shown)
    files = b"".join(path.read_bytes() for path in tmp_path.glob("icu.db*"))
    assert b"anna" in files
    assert PASSWORD.encode() not in files


def test_a_mistyped_password(tmp_path: Path, environ: dict[str, str]) -> None:
    """Two different passwords are asked for again, and Ctrl-C ends with nobody added."""
    with terminal("users", "add", "anna", "--role", "nurse", folder=tmp_path, environ=environ) as screen:
        screen.until("Password: ")
        screen.type(PASSWORD)
        screen.until("Once more: ")
        screen.type("four random wodrs")
        screen.until("Password: ")
        screen.process.send_signal(2)
        assert screen.end() not in {0, 70}
    assert "do not match" in screen.text
    assert "words" not in screen.text
    assert "Traceback" not in screen.text
    assert not (tmp_path / "icu.db").exists() or rows(environ["DATABASE_URL"], "SELECT * FROM users") == []
