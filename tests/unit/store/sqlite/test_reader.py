"""The monitor's door: cancelled requests leave nothing behind, and followers notice another file."""

import threading

import anyio
import pytest

from icu.store.engines.sqlite.engine import SqliteEngine
from icu.store.engines.sqlite.sealed import File
from icu.store.errors import StoreUnavailableError
from icu.store.reader import Reader
from icu.store.writer import Writer


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
    writer: Writer, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection to one file is never taken for one to the next, whose patients have the same keys."""
    await reader.check()
    there = await reader._engine.identity()
    answers = [there, there, File(1, 2, None)]

    async def identity(_: SqliteEngine) -> object:
        return answers.pop(0)

    monkeypatch.setattr(SqliteEngine, "identity", identity)
    with pytest.raises(StoreUnavailableError, match="replaced"):
        async with reader.follow():
            pass
