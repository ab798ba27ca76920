"""Places of the control socket: in a runtime folder of the user, under a name derived from the database's URL.

One database has one sink, and so one ward: every program with the same settings finds the socket.
"""

import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from icu.config.databases import without_password
from icu.config.errors import ConfigurationError
from icu.config.load import FILE_NAME
from icu.config.settings import Settings

# Bytes of a path: the system's limit is 104 (macOS) or 108 (Linux), with the NUL at the end.
LONGEST: Final = 100

# Environment variables that override the settings from which the place is derived.
CHOOSE: Final = ("DATABASE_URL", "ICU_DATABASE_URL", "ICU_SUPERVISOR_SOCKET")


@dataclass(frozen=True, slots=True)
class Place:
    """A possible path of the socket."""

    path: Path
    # True if the folder is made for the socket, and no other user may have access to it.
    private: bool

    def problem(self) -> str | None:
        """Explain why a socket here cannot be trusted; None if it can, or if the folder is missing."""
        if len(os.fsencode(self.path)) > LONGEST:
            return f"{self.path} has more than {LONGEST} bytes, which no Unix socket can have"
        if not self.private:
            return None
        try:
            status = self.path.parent.lstat()
        except FileNotFoundError:
            return None
        except OSError as exc:
            return f"{self.path.parent} cannot be looked into: {exc.strerror}"
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
            return f"{self.path.parent} is no folder of this user's alone (owner, mode 700)"
        return None


def places(settings: Settings, environ: Mapping[str, str] = os.environ) -> list[Place]:
    """List the places of the socket by the settings, the best first.

    Raises:
        ConfigurationError: The path in the settings is too long.
    """
    chosen = settings.supervisor.socket
    if chosen is not None:
        place = Place(chosen, private=False)
        problem = place.problem()
        if problem is not None:
            raise ConfigurationError(f"supervisor.socket: {problem}: write a shorter one")
        return [place]
    return _named(f"{_digest(without_password(settings.database.url))}.sock", environ)


def names_of(config: Path | None, environ: Mapping[str, str] = os.environ) -> list[Place]:
    """List the places of links to the socket, by the path of the settings' file.

    A command with the same file and environment finds the supervisor by them, even if the file has been changed.

    Args:
        config: The path of the file; None for the one in the current folder.
        environ: The environment of the process.
    """
    path = FILE_NAME if config is None else os.fspath(config)
    file = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))  # noqa: PTH118, PTH119, PTH120 - as text
    chosen = [environ.get(name, "") for name in CHOOSE]
    return _named(f"{_hash('|'.join([file, *chosen]))}.file.sock", environ)


def _named(name: str, environ: Mapping[str, str]) -> list[Place]:
    own = Path(tempfile.gettempdir()) / f"icu-{os.getuid()}"
    found = [Place(own / name, private=True)]
    if environ.get("XDG_RUNTIME_DIR"):
        found.insert(0, Place(Path(environ["XDG_RUNTIME_DIR"]) / "icu" / name, private=True))
    if environ.get("RUNTIME_DIRECTORY"):
        # systemd creates these folders, with the unit's rights. There may be several.
        found.insert(0, Place(Path(environ["RUNTIME_DIRECTORY"].partition(":")[0]) / name, private=False))
    return found


def _digest(url: str) -> str:
    # The same for every spelling of the path of a database file.
    scheme, _, path = url.partition(":///")
    same = os.path.realpath(unquote(path.partition("?")[0])) if scheme.startswith("sqlite") else url
    return _hash(same)


def _hash(text: str) -> str:
    return sha256(os.fsencode(text)).hexdigest()[:12]
