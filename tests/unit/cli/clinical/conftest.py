"""A real monitor on a socket, over a real database, which the commands find by ICU_URL."""

import contextlib
import io
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio.from_thread
import pytest
from anyio.from_thread import BlockingPortal
from msgspec.structs import replace

from icu.access.roles import Role
from icu.alarms.episodes import Episode, episode_id
from icu.bootstrap.roles import monitor
from icu.bootstrap.shared import Shared
from icu.config.api import Api
from icu.config.settings import Database, Settings
from icu.messages import Position, uuid_of_name
from icu.store.readings import from_milliseconds
from icu.store.writer import open_writer
from tests import web
from tests.faces import add_keys, serving
from tests.samples import observation
from tests.stores import desaturation, execute, put_alarm, rows, store
from tests.unit.cli.conftest import Run

PETROVA = uuid_of_name("Anna Petrova")
NAMES = ("Anna Petrova", "Boris", "Anna Weiß")


class Ward:
    """Ward of three patients, in the beds 1 to 3, and its database."""

    def __init__(self, portal: BlockingPortal, database: str, url: str) -> None:
        self.database = database
        self.url = url
        self._offset = len(NAMES)
        self._portal = portal

    def alarm(self, name: str = "Anna Petrova", condition: str = "spo2.low", **fields: Any) -> Episode:
        """Store an alarm that was raised a minute ago, as the sink does."""
        patient, now = uuid_of_name(name), round(datetime.now(UTC).timestamp() * 1000)
        identity = episode_id(patient, condition, now, now)
        raised = desaturation(**{"onsets": (now, None), "raised": now - 60_000, **fields})
        episode = replace(raised, id=identity, patient=patient, condition=condition)
        self._portal.call(put_alarm, self.database, episode)
        return episode

    def reading(self, name: str, *, ago: float = 0, **fields: Any) -> None:
        """Store a reading that was made and arrived so many seconds ago, and wait until the monitor lists it."""
        self._portal.call(partial(_store, self.database, self._offset, [name], ago=ago, **fields))
        self._offset += 1
        [(newest,)] = rows(
            self.database,
            f"SELECT max(timestamp) FROM patient_metrics JOIN patients ON id = patient_id WHERE name = '{name}'",
        )
        time = from_milliseconds(newest).isoformat(timespec="milliseconds").removesuffix("+00:00")
        while time not in web.get(f"{self.url}/patients").text:
            pass  # the monitor follows the journal

    def close(self) -> dict[Role, str]:
        """Add a key of each role, and wait until the monitor asks for one."""
        keys = self._portal.call(add_keys, self.database)
        while web.get(f"{self.url}/patients").status_code != 401:
            pass  # it looks twice a second
        return keys

    def execute(self, sql: str) -> None:
        """Change the database as another program does."""
        execute(self.database, sql)

    def audit(self) -> list[tuple[Any, ...]]:
        """Commands with their authors and results."""
        return rows(self.database, 'SELECT command, "by", result FROM audit ORDER BY id')


class Stage(io.TextIOWrapper):
    """Standard output at whose first line something happens."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)
        self._act: Callable[[], None] | None = act

    def write(self, text: str) -> int:
        """Write, after it has happened."""
        if self._act is not None:
            act, self._act = self._act, None
            act()
        return super().write(text)


async def _store(database: str, offset: int, names: Sequence[str], *, ago: float = 0, **fields: Any) -> None:
    then = datetime.now(UTC) - timedelta(seconds=ago)
    async with open_writer(database, topic="icu.test") as writer:
        await writer.begin({0: Position(offset, "m")}, other_logs=frozenset())
        readings = [
            replace(observation(patient=uuid_of_name(name), patient_name=name, map=93, **fields), timestamp=then)
            for name in names
        ]
        await store(writer, readings, start=offset, arrived=round(then.timestamp() * 1000))


@contextlib.asynccontextmanager
async def _monitor(database: str, host: str) -> AsyncIterator[str]:
    shared = Shared(Settings(database=Database(database), api=Api(prefix="/api")))
    async with serving(lambda: monitor.app(shared, host)[0]) as face:
        yield f"{str(face.client.base_url).rstrip('/')}/api"


@pytest.fixture
def host() -> str:
    """The address for which the monitor is built; a test may override it."""
    return "127.0.0.1"


@pytest.fixture
def ward(icu: Run, host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ward]:
    """A ward whose monitor the commands find; no alarm yet."""
    database = f"sqlite:///{tmp_path / 'icu.db'}"
    with anyio.from_thread.start_blocking_portal() as portal:
        portal.call(partial(_store, database, 0, NAMES, ago=5))
        with portal.wrap_async_context_manager(_monitor(database, host)) as url:
            monkeypatch.setenv("ICU_URL", url)
            ward = Ward(portal, database, url)
            yield ward
