"""Binding the control socket: the file of a dead process is replaced, that of a living supervisor is not.

All functions block, and belong in a thread.
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

# Seconds to wait for another process that binds a socket in the same folder at the same time.
LOCK_TIMEOUT: Final = 2.0


@dataclass(frozen=True, slots=True)
class BoundSocket:
    """A listening socket and its file."""

    socket: socket.socket
    path: Path
    # The identity of the file: by the end another supervisor may have replaced it.
    inode: int

    def add_alias(self, names: Sequence[Place]) -> Path | None:
        """Link to the socket from the first of these places that is possible.

        Returns:
            The path of the link, or None if no place is possible.
        """
        for place in names:
            with suppress(OSError):
                _make_folder(place)
                if place.problem() is None:
                    # Renamed into place, so that a client finds either the old link or the new one.
                    new = place.path.with_suffix(f".{os.getpid()}")
                    new.symlink_to(self.path.absolute())
                    new.replace(place.path)
                    return place.path
        return None

    def remove_alias(self, name: Path) -> None:
        """Remove a link, unless it leads to another socket by now."""
        with suppress(OSError):
            if name.readlink() == self.path.absolute():
                name.unlink()

    def unlink(self) -> None:
        """Remove the file, unless it belongs to another socket by now. To be called before the socket is closed."""
        with suppress(OSError):
            if self.path.lstat().st_ino == self.inode:
                self.path.unlink()


def bind_first(places: Sequence[Place]) -> BoundSocket | None:
    """Listen in the first possible place, for connections of this user only.

    Returns:
        The socket, or None with a warning in the log if no place is possible.

    Raises:
        SupervisorRunsError: A living supervisor has the place.
    """
    problems = []
    for place in places:
        try:
            return _bind(place)
        except OSError as exc:
            problems.append(f"{place.path}: {exc.strerror or exc}")
    logger.warning("no control socket, so `status` and the like cannot reach this ward: {}", "; ".join(problems))
    return None


def _bind(place: Place) -> BoundSocket:
    _make_folder(place)
    problem = place.problem()
    if problem is not None:
        raise OSError(problem)
    # Locked, since between the probe and the removal of a stale socket another process might bind its own there.
    with _socket_lock(place.path.parent):
        _remove_stale(place.path)
        return _listening(place.path)


def _make_folder(place: Place) -> None:
    if place.private:
        with suppress(FileExistsError):
            place.path.parent.mkdir(mode=0o700)


@contextmanager
def _socket_lock(folder: Path) -> Iterator[None]:
    """Lock a folder against other processes that bind sockets there. Raises BlockingIOError after LOCK_TIMEOUT."""
    # The lock ends with the process, and leaves no file.
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + LOCK_TIMEOUT
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


def _remove_stale(path: Path) -> None:
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
        except BlockingIOError:  # the queue of a living listener is full
            pass
    raise SupervisorRunsError(path)


def _listening(path: Path) -> BoundSocket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.bind(os.fspath(path))
        # Before listen() nobody can connect, so other users never can.
        path.chmod(0o600)
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return BoundSocket(listener, path, path.lstat().st_ino)
