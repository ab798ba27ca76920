"""Fixtures for the whole suite."""

import asyncio
import gc
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import hypothesis
import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from loguru import logger

from icu.messages import Position
from icu.store.engines.sqlite.upgrading import upgrade
from icu.store.engines.table import engine_of
from icu.store.reader import Reader
from icu.store.writer import Writer, open_writer
from tests.brokers import Broker, shared_broker
from tests.postgres import PostgresServer, own_postgres, renumbered
from tests.processes import keep_ignored_signals_from_children, running
from tests.stores import copy_tables, is_new_file

Spawn = Callable[..., subprocess.Popen[Any]]

# Without hypothesis' own judgements of time: on a busy machine they fail tests whose code is right.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")


# Files of unit tests that take half of the time of all: they start programs, or simulate wards for days.
SLOW: Final = frozenset(
    {
        "test_cohort.py",
        "test_copying.py",
        "test_description.py",
        "test_doors.py",
        "test_emulator.py",
        "test_endurance.py",
        "test_every_database_call.py",
        "test_files_exchanged.py",
        "test_mutants.py",
        "test_orphans.py",
        "test_origins.py",
        "test_overview.py",
        "test_pictures.py",
        "test_process.py",
        "test_programs.py",
        "test_protocol.py",
        "test_replayed.py",
        "test_schema.py",
        "test_scorecard.py",
        "test_signals.py",
        "test_simulation.py",
        "test_sources.py",
        "test_study.py",
        "test_wheel.py",
    }
)


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that need no broker and no processes as `fast`, for a developer to run again and again."""
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        slow = item.path.name in SLOW or item.get_closest_marker("endurance") is not None
        needs = {"broker", "postgres", "spawn"} & set(getattr(item, "fixturenames", ()))
        if folder in {"unit", "architecture"} and not slow and not needs:
            item.add_marker(pytest.mark.fast)


def pytest_xdist_auto_num_workers() -> int:
    """Start a worker more than there are processors: tests wait for a fifth of their time.

    More of them would only make each test slower, and its programs late.
    """
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session", autouse=True)
def no_blocking_calls() -> Iterator[BlockBuster]:
    """Raise an error where our code blocks the event loop."""
    with blockbuster_ctx("icu") as blockbuster:
        # AnyIO looks, on the loop, whether a socket's path is taken.
        blockbuster.functions["os.stat"].can_block_in("anyio/_core/_sockets.py", {"setup_unix_local_socket"})
        yield blockbuster


@pytest.fixture(autouse=True)
def quiet_logs() -> Iterator[None]:
    """Remove the log handlers; tests that look at log records add one of their own."""
    logger.remove()
    yield
    logger.remove()


@pytest.fixture(scope="session", autouse=True)
def small_collections() -> Iterator[None]:
    """Exempt all imported objects from garbage collection: going through them takes a third of a second each time."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def signals() -> None:
    """Start programs with default signals, although `nohup` or a script's `&` has the tests ignore some."""
    keep_ignored_signals_from_children()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Broker]:
    """The best Kafka broker, shared by the session and all its workers: each test has a topic of its own."""
    own = tmp_path_factory.getbasetemp()
    with shared_broker(own if worker_id == "master" else own.parent) as broker:
        yield broker


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL, of each worker its own; each test has databases of its own. Skipped where there is none."""
    with own_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_tables(postgres: PostgresServer) -> Iterator[str]:
    """Name of a database with tables, to make others from: in 50 ms, where an upgrade takes ten times as long."""
    with postgres.database() as name:
        asyncio.run(engine_of(postgres.url(name)).upgrade())
        yield name


@pytest.fixture(scope="session")
def postgres_days(postgres: PostgresServer, postgres_tables: str) -> Iterator[str]:
    """Name of a database with tables, as a sink leaves it: with partitions for the days to come."""
    with postgres.database(template=postgres_tables) as name:
        asyncio.run(_make_room(postgres.url(name)))
        yield name


async def _make_room(url: str) -> None:
    engine = engine_of(url)
    await engine.make_room(round(time.time() * 1_000))
    await engine.aclose()


@pytest.fixture
def postgres_url(postgres: PostgresServer, postgres_days: str) -> Iterator[str]:
    """URL of a new database with tables, on a real PostgreSQL."""
    with postgres.database(template=postgres_days) as name:
        yield renumbered(postgres.url(name))


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """A function that starts a program, which is killed at the end of the test."""
    with ExitStack() as stack:
        yield lambda words, **how: stack.enter_context(running(words, **how))


@pytest.fixture
def anyio_backend() -> str:
    """asyncio, on which the real store and HTTP run; suites on virtual time override this."""
    return "asyncio"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The database's URL."""
    return f"sqlite:///{tmp_path / 'icu.db'}"


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with tables, to make others from: in a twentieth of the time that an upgrade takes."""
    path = tmp_path_factory.mktemp("tables") / "icu.db"
    upgrade(path)
    return path


@pytest.fixture
async def writer(url: str, sqlite_tables: Path) -> AsyncIterator[Writer]:
    """A writer whose topic has one partition, at offset 0 of the log `m`."""
    if is_new_file(url):
        copy_tables(sqlite_tables, url)
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        yield writer


@pytest.fixture
async def reader(url: str, writer: Writer) -> AsyncIterator[Reader]:
    """A reader of the database that `writer` fills."""
    reader = Reader(url)
    yield reader
    await reader.aclose()
