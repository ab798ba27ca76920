"""Paths of the control socket, and its binding."""

import fcntl
import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest
from loguru import logger

from icu.config.errors import ConfigurationError
from icu.config.load import load
from icu.config.settings import Database, Settings, Supervision
from icu.control import listener
from icu.control.errors import SupervisorRunsError
from icu.control.listener import bind_first
from icu.control.places import LONGEST, Place, places


def paths(settings: Settings, **environ: str) -> list[Path]:
    """Return the paths of the places."""
    return [place.path for place in places(settings, environ)]


def test_the_runtime_folders() -> None:
    """The socket is in systemd's runtime folder, else in the user's, else in one of ours beside other temporary
    files."""
    own = Path(tempfile.gettempdir()) / f"icu-{os.getuid()}"
    folders = [path.parent for path in paths(Settings(), RUNTIME_DIRECTORY="/run/icu:/run/b", XDG_RUNTIME_DIR="/run/u")]
    assert folders == [Path("/run/icu"), Path("/run/u/icu"), own]
    assert [path.parent for path in paths(Settings(), XDG_RUNTIME_DIR="")] == [own]


def test_one_database_is_one_socket(tmp_path: Path) -> None:
    """All spellings of a database's path give one socket; another database gives another one."""
    (tmp_path / "ward").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "ward")
    urls = [
        f"sqlite:///{tmp_path}/ward/icu.db",
        f"sqlite+aiosqlite:///{tmp_path}/ward/icu.db?timeout=5",
        f"sqlite:///{tmp_path}/ward/../ward/icu.db",
        f"sqlite:///{tmp_path}/link/icu.db",
    ]
    names = {path.name for url in urls for path in paths(Settings(database=Database(url)))}
    assert len(names) == 1
    assert len(names | {path.name for path in paths(Settings(database=Database("sqlite:///other.db")))}) == 2


def test_a_socket_of_ones_own(tmp_path: Path) -> None:
    """The socket's path comes from the file, relative to the file's folder, or from the environment."""
    (tmp_path / "supervisor.toml").write_text('[supervisor]\nsocket = "icu.sock"\n[[child]]\nrole = "sink"\n')
    assert paths(load(tmp_path / "supervisor.toml", {})) == [tmp_path / "icu.sock"]
    environ = {"ICU_SUPERVISOR_SOCKET": "/run/x.sock"}
    assert paths(load(tmp_path / "supervisor.toml", environ)) == [Path("/run/x.sock")]


def test_paths_that_are_too_long() -> None:
    """A configured path that is too long is a mistake; of the default folders, a shorter one is used."""
    long = Path("/run") / ("x" * LONGEST)
    with pytest.raises(ConfigurationError, match=r"supervisor\.socket: .* more than 100 bytes"):
        places(Settings(supervisor=Supervision(socket=long)))
    first, second = places(Settings(), {"XDG_RUNTIME_DIR": str(long)})
    assert "100 bytes" in str(first.problem())
    assert second.problem() is None


def test_the_folder_is_made_for_its_owner(folder: Path) -> None:
    """Only the owner may use folder and socket, whatever the umask is."""
    before = os.umask(0)
    try:
        bound = bind_first([Place(folder / "icu" / "x.sock", private=True)])
    finally:
        os.umask(before)
    assert bound is not None
    assert stat.S_IMODE(bound.path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(bound.path.stat().st_mode) == 0o600
    bound.unlink()
    bound.socket.close()
    assert not bound.path.exists()


@pytest.mark.parametrize("kind", ["open to the group", "a link", "a file", "of a missing folder"])
def test_folders_that_are_not_ours_are_passed_by(folder: Path, kind: str) -> None:
    """A folder of another user is skipped without a message, and the next one is used."""
    bad, good = folder / "bad", folder / "good"
    match kind:
        case "open to the group":
            bad.mkdir()
            bad.chmod(0o770)
        case "a link":
            (folder / "elsewhere").mkdir(mode=0o700)
            bad.symlink_to(folder / "elsewhere")
        case "a file":
            bad.write_text("")
        case _:
            bad = folder / "missing" / "icu"
    bound = bind_first([Place(bad / "x.sock", private=True), Place(good / "x.sock", private=True)])
    assert bound is not None
    assert bound.path.parent == good
    bound.socket.close()


def test_what_a_dead_process_left_is_replaced(folder: Path) -> None:
    """The socket that kill -9 leaves, without a listener, is replaced."""
    path = folder / "x.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    bound = bind_first([Place(path, private=True)])
    assert bound is not None
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    bound.socket.close()


def test_a_living_one_is_refused(folder: Path) -> None:
    """A second supervisor on a live socket is refused, even if the socket's queue is full."""
    path = folder / "x.sock"
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(str(path))
        living.listen(0)
        clients = [socket.socket(socket.AF_UNIX) for _ in range(2)]
        for client in clients:
            client.setblocking(False)
            if client.connect_ex(str(path)) == 0:
                with pytest.raises(SupervisorRunsError, match=r"x\.sock.*status shows it.*another database"):
                    bind_first([Place(path, private=True)])
        for client in clients:
            client.close()
    assert path.is_socket()


def test_what_is_no_socket_stays(folder: Path) -> None:
    """A file that is no socket is never deleted."""
    path = folder / "x.sock"
    path.write_text("precious")
    logged: list[str] = []
    logger.add(logged.append, format="{message}")
    assert bind_first([Place(path, private=True)]) is None
    assert "there is something else" in logged[0]
    assert path.read_text() == "precious"


def test_two_that_start_at_once_take_turns(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another supervisor holds the socket lock, nothing in the folder is changed."""
    monkeypatch.setattr(listener, "LOCK_TIMEOUT", 0.1)
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    assert bind_first([Place(folder / "x.sock", private=True)]) is None
    os.close(handle)
    bound = bind_first([Place(folder / "x.sock", private=True)])
    assert bound is not None
    bound.socket.close()
