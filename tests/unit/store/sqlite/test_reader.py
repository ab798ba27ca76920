"""The monitor's door: cancelled requests leave nothing behind, and followers notice another file."""

import threading
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import anyio
import pytest
from sqlalchemy import text

from icu.store.engines import deadline, lending
from icu.store.engines.lending import MOST
from icu.store.errors import StoreError, StoreUnavailableError
from icu.store.history.patient import History
from icu.store.reader import LONG, Reader
from icu.store.writer import Writer
from tests.samples import ANNA, START, observation
from tests.stores import store


def connections() -> int:
    """Threads of connections. Others come and go as they like."""
    return sum("_connection_worker_thread" in each.name for each in threading.enumerate())


async def test_cancelled_reads_leak_nothing(writer: Writer, reader: Reader, caplog: pytest.LogCaptureFixture) -> None:
    """Clients that come and go at any moment of a read cost no connection, which is a thread, and no line of log."""
    await reader.check()
    before = connections()
    assert before
    for place in range(100):
        with anyio.move_on_after(place % 20 * 0.0002):
            await reader.check()
    with anyio.fail_after(60):  # one that is being closed ends on a busy machine when it can
        while connections() > before:
            await anyio.sleep(0.01)
    assert not caplog.records


async def test_a_file_that_is_replaced_while_it_is_opened_is_not_followed(
    writer: Writer, reader: Reader, tmp_path: Path
) -> None:
    """A connection to one file is never taken for one to the next, whose patients have the same keys."""
    engine = reader._engine
    there = await engine.identity()
    assert there is not None
    (tmp_path / "other.db").write_bytes((tmp_path / "icu.db").read_bytes())
    await anyio.Path(tmp_path / "other.db").replace(tmp_path / "icu.db")
    with pytest.raises(StoreUnavailableError, match="replaced"):
        async with engine.connection(there) as connection:
            await connection.data_version()


async def test_connections_stay_open_and_are_few(writer: Writer, reader: Reader) -> None:
    """However many ask: one after another share one, and those that come at once wait for their turn."""
    before = connections()
    for _ in range(5):
        await reader.patients(now=START)
    assert connections() == before + 1
    async with anyio.create_task_group() as group:
        for _ in range(10 * MOST):
            group.start_soon(partial(reader.patients, now=START))
    assert connections() <= before + MOST


async def test_a_connection_that_failed_is_not_lent_again(writer: Writer, reader: Reader) -> None:
    """Its error may be its own: the next one who asks has another."""
    engine = reader._engine
    there = await engine.identity()
    assert there is not None
    async with engine.connection(there) as failed:
        with pytest.raises(StoreError, match="no such table"):
            await failed.rows(text("SELECT * FROM nowhere"))
    async with engine.connection(there) as fresh:
        assert fresh is not failed
        assert await fresh.rows(text("SELECT 1")) == [(1,)]


async def test_an_answer_that_takes_too_long_is_given_up(
    writer: Writer, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement is ended, and its thread with it: nothing of it is left to the next one who asks."""
    await reader.check()
    before = connections()
    monkeypatch.setattr(deadline, "TRANSACTION_DEADLINE", 0.1)
    endless = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
    there = await reader._engine.identity()
    assert there is not None
    with pytest.raises(StoreUnavailableError, match="did not answer"):
        async with reader._engine.connection(there) as connection:
            await connection.rows(endless)
    monkeypatch.undo()
    await reader.check()
    with anyio.fail_after(60):
        while connections() > before:
            await anyio.sleep(0.01)


async def test_long_answers_wait_for_each_other_as_long_as_it_takes(
    writer: Writer, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their number is no error: an answer that has begun would be cut off by those that others asked for."""
    monkeypatch.setattr(lending, "TRANSACTION_DEADLINE", 0.01)
    await store(writer, [observation(0)])
    found = await History.find(reader, ANNA, most=10)
    there = await reader.look()
    rows = []

    async def read() -> None:
        rows.extend([each.count async for each in found.slices()])

    async with anyio.create_task_group() as group, AsyncExitStack() as stack:
        for _ in range(LONG):
            await stack.enter_async_context(reader.connection(there))
        group.start_soon(read)
        await anyio.sleep(0.2)  # past the deadline for a connection
        assert rows == []
    assert rows == [1]
