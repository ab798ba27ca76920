"""A control server on a real socket, with a ward that records the orders."""

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
        self.told: list[object] = []
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
        """Record the order."""
        return await self._obey("start", patterns)

    async def stop(self, *patterns: str) -> dict[str, str | None]:
        """Record the order."""
        return await self._obey("stop", patterns)

    async def restart(self, *patterns: str) -> dict[str, str | None]:
        """Record the order; the bed reports trouble."""
        return {**await self._obey("restart", patterns), "bed-1": "no bed"}

    async def scale(self, group: str, count: int) -> Change:
        """Record the order; the bed is started for it."""
        await self._obey("scale", (group, count))
        return Change(f"{group} is {count} now", self.scaled)

    async def reload(self) -> Change:
        """Record the order."""
        await self._obey("reload", ())
        return Change("nothing changed")

    async def befall(self, bed: str, scenario: str) -> ScenarioStarted:
        """Record the order; a pattern stands for too many patients to name, and a recording is refused."""
        await self._obey("befall", (bed, scenario))
        if bed == "*":
            return ScenarioStarted([f"Bed {number}" for number in range(21)], ["Rec is a recording"])
        return ScenarioStarted(["Anna", "Иван"])

    async def _obey(self, *words: object) -> dict[str, str | None]:
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.told.append(words)
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
