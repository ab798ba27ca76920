"""Where the control socket is: in a runtime folder of this user's, under a name made from the database's.

One database has one sink, so it has one ward: who knows the settings finds the socket.
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

from icu.config.errors import ConfigurationError
from icu.config.load import FILE_NAME
from icu.config.settings import Settings

# Bytes of the path: systems have room for 104 or 108, with the zero at its end.
LONGEST: Final = 100

# The variables that win over what a file says of the place.
CHOOSE: Final = ("DATABASE_URL", "ICU_DATABASE_URL", "ICU_SUPERVISOR_SOCKET")


@dataclass(frozen=True, slots=True)
class Place:
    """A path where the socket may be. `private`: its folder is made for it, and must be this user's alone."""

    path: Path
    private: bool

    def problem(self) -> str | None:
        """Why no socket here can be trusted; None where one can, or where there is no such folder."""
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
    """Where to look for the socket, the best place first. ConfigurationError for a path that is too long."""
    chosen = settings.supervisor.socket
    if chosen is not None:
        place = Place(chosen, private=False)
        problem = place.problem()
        if problem is not None:
            raise ConfigurationError(f"supervisor.socket: {problem}: write a shorter one")
        return [place]
    return _named(f"{_digest(settings.database.url)}.sock", environ)


def names_of(config: Path | None, environ: Mapping[str, str] = os.environ) -> list[Place]:
    """Where else the socket of a supervisor with this file is found, None being the one of the current folder.

    So it is found by who has the same file and the same environment, whatever stands in that file by now.
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
        # systemd's, which may name several. It makes them, with the rights that the unit says.
        found.insert(0, Place(Path(environ["RUNTIME_DIRECTORY"].partition(":")[0]) / name, private=False))
    return found


def _digest(url: str) -> str:
    """Short, and the same for each way to write the path of a database file."""
    _, colon, path = url.partition(":///")
    same = os.path.realpath(unquote(path.partition("?")[0])) if colon else url
    return _hash(same)


def _hash(text: str) -> str:
    return sha256(os.fsencode(text)).hexdigest()[:12]
