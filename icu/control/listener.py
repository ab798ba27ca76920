"""Taking the control socket's place: what a dead process has left is replaced, a living supervisor is not.

All of it blocks, and belongs in a thread.
"""

import errno
import fcntl
import os
import socket
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loguru import logger

from icu.control.errors import SupervisorRunsError
from icu.control.places import Place

# Seconds to wait for another one that takes a place in the same folder at the same time.
LOCK_PATIENCE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Seat:
    """A listening socket, and the file by which it is found."""

    socket: socket.socket
    path: Path
    inode: int

    def call(self, names: Sequence[Place]) -> Path | None:
        """Let it be found by another name too, in the first place where that can be."""
        for place in names:
            with suppress(OSError):
                _make_folder(place)
                if place.problem() is None:
                    new = place.path.with_suffix(f".{os.getpid()}")
                    new.symlink_to(self.path.absolute())
                    new.replace(place.path)
                    return place.path
        return None

    def forget(self, name: Path) -> None:
        """Take the other name away, unless it is another one's by now."""
        with suppress(OSError):
            if name.readlink() == self.path.absolute():
                name.unlink()

    def leave(self) -> None:
        """Take the file away, unless it is another one's by now. To be called before the socket is closed."""
        with suppress(OSError):
            if self.path.lstat().st_ino == self.inode:
                self.path.unlink()


def take(places: Sequence[Place]) -> Seat | None:
    """Listen in the first place where that can be, so that the owner alone can connect.

    None, and a warning, where it can be nowhere. SupervisorRunsError where a living supervisor has the place.
    """
    problems = []
    for place in places:
        try:
            return _take(place)
        except OSError as exc:
            problems.append(f"{place.path}: {exc.strerror or exc}")
    logger.warning("no control socket, so `status` and the like cannot reach this ward: {}", "; ".join(problems))
    return None


def _take(place: Place) -> Seat:
    _make_folder(place)
    problem = place.problem()
    if problem is not None:
        raise OSError(problem)
    with _turn(place.path.parent):
        _clear(place.path)
        return _bound(place.path)


def _make_folder(place: Place) -> None:
    if place.private:
        with suppress(FileExistsError):
            place.path.parent.mkdir(mode=0o700)


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Let one process at a time look at the folder's sockets and change them."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + LOCK_PATIENCE
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield
    finally:
        os.close(handle)


def _clear(path: Path) -> None:
    """Remove the socket of a dead process. Anything but a socket stays, and is an error."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise OSError(errno.EEXIST, "there is something else")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:  # so many wait there that one more cannot: somebody is there
            pass
    raise SupervisorRunsError(path)


def _bound(path: Path) -> Seat:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.bind(os.fspath(path))
        # Nobody can connect before it listens, so there is no moment at which others could.
        path.chmod(0o600)
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return Seat(listener, path, path.lstat().st_ino)
