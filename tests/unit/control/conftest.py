"""A control room over a real socket, with a ward that only records its orders."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import anyio
import pytest

from icu.config.settings import Settings, Supervision
from icu.control.errors import UnknownChildError
from icu.control.places import places
from icu.control.protocol import ScenarioStarted, Supervisors
from icu.control.records import RecentRecords
from icu.control.server import serve
from icu.supervisor.view import ChildState, ChildView
from icu.ward.changes import Change
from icu.ward.orders import ORDERS
from icu.ward.outcomes import Outcomes


class Ward:
    """A ward of two children that do nothing."""

    def __init__(self) -> None:
        self.outcomes = Outcomes(self)
        self.changes = self.scenarios = self
        self.children = [ChildView("sink", ChildState.RUNNING, uptime=5.0), ChildView("bed-1", ChildState.BACKOFF)]
        self.carried_out: list[object] = []
        self.scaled = ["bed-1"]
        self.error: Exception | None = None
        self.gate = anyio.Event()
        self.gate.set()

    def view(self) -> Sequence[ChildView]:
        """Return all children."""
        return self.children

    async def supervisors(self) -> Supervisors:
        """Return its one supervisor."""
        return Supervisors(os.getpid(), {"": "one_for_one"}, self.view())

    def matching(self, patterns: Iterable[str]) -> Sequence[ChildView]:
        """Return the child with this id; patterns are ids here."""
        wanted = list(patterns)
        for name in wanted:
            if name not in {child.id for child in self.children}:
                raise UnknownChildError(name, [child.id for child in self.children])
        return [child for child in self.children if not wanted or child.id in wanted]

    async def start(self, *patterns: str) -> dict[str, str | None]:
        """Note it."""
        return await self._record("start", patterns)

    async def stop(self, *patterns: str) -> dict[str, str | None]:
        """Note it."""
        return await self._record("stop", patterns)

    async def restart(self, *patterns: str) -> dict[str, str | None]:
        """Note it; the bed is in trouble."""
        return {**await self._record("restart", patterns), "bed-1": "no bed"}

    async def scale(self, group: str, count: int) -> Change:
        """Note it; the bed is started for it."""
        await self._record("scale", (group, count))
        return Change(f"{group} is {count} now", self.scaled)

    async def reload(self) -> Change:
        """Note it."""
        await self._record("reload", ())
        return Change("nothing changed")

    async def begin_scenario(self, bed: str, scenario: str) -> ScenarioStarted:
        """Note it; a pattern means so many patients that they are not named, and the recording is none of them."""
        await self._record("begin_scenario", (bed, scenario))
        if bed == "*":
            return ScenarioStarted([f"Bed {number}" for number in range(21)], ["Rec is a recording"])
        return ScenarioStarted(["Anna", "Иван"])

    async def _record(self, *words: object) -> dict[str, str | None]:
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.carried_out.append(words)
        return {"sink": None}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name, for a socket."""
    with tempfile.TemporaryDirectory(prefix="icu-") as name:
        yield Path(name)


@pytest.fixture
def settings(folder: Path) -> Settings:
    """Settings with a socket of their own."""
    return Settings(supervisor=Supervision(socket=folder / "icu.sock"))


@pytest.fixture
def ward() -> Ward:
    """The ward of the control server."""
    return Ward()


@pytest.fixture
def records() -> RecentRecords:
    """The log of the control server."""
    return RecentRecords(kept=100)


@pytest.fixture
async def room(settings: Settings, ward: Ward, records: RecentRecords) -> AsyncIterator[Path]:
    """A running control server; the path of its socket."""
    async with anyio.create_task_group() as group:
        await group.start(partial(serve, ward, ORDERS, records, places(settings)))
        assert settings.supervisor.socket is not None
        yield settings.supervisor.socket
        group.cancel_scope.cancel()
