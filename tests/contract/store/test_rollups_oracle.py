"""Roll-ups against a naive oracle, whatever a sink and an upkeep do in turn."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icu.messages import Observation, Position, uuid_of_name
from icu.store.engines.base import Transaction
from icu.store.engines.table import engine_of
from icu.store.readings import milliseconds
from icu.store.rollups.rolling import DELAY
from icu.store.upkeep import Upkeep
from icu.store.writer import Writer, open_writer
from tests.histories import QUALITIES, VALUES
from tests.rollups import HOUR, MINUTE, Stored, roll_up, stored
from tests.samples import ANNA, BORIS, observation
from tests.stores import NOON, execute, store

T = TypeVar("T")

PATIENTS: Sequence[UUID] = (ANNA, BORIS, uuid_of_name("Clara"))
# Minutes before now at which readings were measured.
FIELDS = st.fixed_dictionaries(
    {**{name: st.sampled_from(choice) for name, choice in VALUES.items()}, "quality": st.sampled_from(QUALITIES)}
)
READINGS = st.lists(
    st.tuples(
        st.sampled_from(PATIENTS), st.one_of(st.integers(-3, 5), st.integers(-1, 300)), st.integers(0, 59), FIELDS
    ),
    min_size=1,
    max_size=8,
)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("store"), READINGS),
        st.tuples(st.just("meanwhile"), READINGS),
        st.tuples(st.just("again"), st.none()),
        st.tuples(st.just("steps"), st.integers(1, 6)),
        st.tuples(st.just("crash"), st.integers(0, 4)),
        st.tuples(st.just("minutes"), st.one_of(st.integers(1, 5), st.integers(20, 1_500), st.integers(-200, -1))),
        st.tuples(st.just("expire"), st.integers(1, 6)),
    ),
    max_size=25,
)


@pytest.fixture
async def template(tmp_path: Path) -> Path:
    """A database without rows."""
    path = tmp_path / "template.db"
    async with open_writer(f"sqlite:///{path}", topic="icu.test"):
        pass
    return path


class KilledError(Exception):
    """The upkeep is killed beside a commit."""


class Dying(Upkeep):
    """Upkeep that is killed after so many commits; None: never."""

    commits: int | None = None
    # What the sink does between the reading and the writing of the next step.
    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        if self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            await act()
        result = await super().transact(work)
        if self.commits is not None:
            self.commits -= 1
            if self.commits < 0:
                raise KilledError
        return result


class Ward:
    """A sink and an upkeep, which act in turn."""

    def __init__(self, url: str, writer: Writer, size: int) -> None:
        self._url = url
        self._writer = writer
        self._size = size
        self._sent: list[Observation] = []
        self._offset = 0
        # Begin of what is kept, and the roll-ups before it.
        self._horizon = 0
        self._kept: Sequence[object] = [{}, {}]
        self.now = NOON + 30_000
        self.latest = self.now
        self.upkeep = self._new()

    def _new(self) -> Dying:
        # A clock on which each transaction takes as long as it should: they stay as small as the first.
        return Dying(engine_of(self._url), clock=count(0, 0.01).__next__, minutes=self._size)

    async def act(self, action: str, value: Any) -> None:
        """Do one thing."""
        if action == "store":
            await self._put(value)
        elif action == "meanwhile":
            self.upkeep.meanwhile = partial(self._put, value)
        elif action == "again":
            await self._store(self._sent[-5:])
        elif action == "crash":
            await self.crash(value)
        elif action == "minutes":
            self.now += value * MINUTE
            self.latest = max(self.latest, self.now)
        elif action == "expire":
            await self._expire(self.now // HOUR * HOUR - value * HOUR)
        else:
            for _ in range(value):
                await self.upkeep.roll_up(self.now)
                self.check()
        self.check()

    def check(self) -> Stored:
        """Compare with the oracle. What was rolled up of deleted readings has to stay as it was."""
        found = stored(self._url)
        assert found.wrong() == []
        assert before(found, self._horizon) == self._kept
        return found

    async def crash(self, commits: int) -> None:
        """The upkeep dies after so many commits, or once there is nothing left to do, and another one begins."""
        self.upkeep.commits = commits
        with suppress(KilledError):
            await roll_up(self.upkeep, self.now)
        await self.aclose()
        self.upkeep = self._new()

    async def aclose(self) -> None:
        """Close the upkeep."""
        await self.upkeep._engine.aclose()

    async def _expire(self, horizon: int) -> None:
        """Delete the readings before a time, all of which are rolled up."""
        self.upkeep.meanwhile = None
        await roll_up(self.upkeep, self.now)
        found = stored(self._url)
        if self._horizon < horizon <= found.rolled_until:
            assert not [each for each in found.late if each[1] < horizon]
            self._horizon, self._kept = horizon, before(found, horizon)
            execute(self._url, f"UPDATE upkeep_state SET raw_horizon = {horizon}, commits = commits + 1")
            execute(self._url, f"DELETE FROM patient_metrics WHERE timestamp < {horizon}")

    async def _put(self, readings: Sequence[tuple[Any, ...]]) -> None:
        await self._store([self._made(*each) for each in readings])

    async def _store(self, observations: Sequence[Observation]) -> None:
        # The sink stores nothing before the horizon.
        observations = [each for each in observations if milliseconds(each.timestamp) >= self._horizon]
        self._sent += observations
        result = await store(self._writer, observations, start=self._offset, arrived=self.now)
        self._offset += len(observations)
        assert len(result.refusals) + result.duplicates + result.stored == len(observations)

    def _made(self, patient: UUID, minutes: int, second: int, fields: Mapping[str, Any]) -> Observation:
        seconds = (self.now - NOON) // 1000 // 60 * 60 - 60 * minutes + second
        return observation(seconds, patient=patient, **fields)


@asynccontextmanager
async def ward(template: Path, size: int) -> AsyncIterator[Ward]:
    """A ward with a database of its own."""
    with tempfile.TemporaryDirectory(dir=template.parent) as folder:
        url = f"sqlite:///{shutil.copy(template, folder)}"
        async with open_writer(url, topic="icu.test") as writer:
            await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
            made = Ward(url, writer, size)
            try:
                yield made
            finally:
                await made.aclose()


def before(found: Stored, horizon: int) -> Sequence[object]:
    """The roll-ups before a time."""
    return [{key: each for key, each in rolled.items() if key[1] < horizon} for rolled in (found.minutes, found.hours)]


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS, size=st.sampled_from([1, 30, 300]))
async def test_rollups_are_those_of_a_naive_oracle(
    template: Path, actions: Sequence[tuple[str, Any]], size: int
) -> None:
    """Whatever comes late or again, and wherever the upkeep dies: no roll-up lacks a reading without a mark."""
    async with ward(template, size) as made:
        for action, value in actions:
            await made.act(action, value)
        # An hour behind all that happened, every hour has passed.
        made.now = made.latest + HOUR + DELAY
        made.upkeep.meanwhile = None
        await roll_up(made.upkeep, made.now)
        found = made.check()
        assert found.late == set()
        assert found.rolled_until == (made.now - DELAY) // MINUTE * MINUTE
