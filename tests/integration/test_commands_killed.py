"""A monitor that is killed between the commit of a command and its answer: the command is stored once."""

import signal
import subprocess
import sys
from textwrap import dedent

import anyio
import pytest

from icu.store.commands.alarms import acknowledge
from icu.store.commands.beds import pause
from icu.store.commands.door import Author, Door
from icu.store.writer import Writer
from tests.samples import ANNA, observation
from tests.stores import desaturation, put_alarm, rows, store

PROGRAM = dedent("""
    import os, signal, sys
    from uuid import UUID
    import anyio
    from icu.store.commands.alarms import acknowledge
    from icu.store.commands.door import Author, Door
    from icu.store.engines.sqlite.engine import SqliteEngine

    transact = SqliteEngine.transact

    async def killed(self, work):
        await transact(self, work)
        os.kill(os.getpid(), signal.SIGKILL)

    SqliteEngine.transact = killed
    author = Author("Anna", "127.0.0.1")
    anyio.run(lambda: acknowledge(Door(sys.argv[1]), UUID(sys.argv[2]), author, why=None, seen=1))
""")


@pytest.fixture
async def alarm(writer: Writer, url: str) -> str:
    """Id of an alarm that sounds."""
    await store(writer, [observation(0)])
    await put_alarm(url, desaturation())
    return str(desaturation().id)


async def test_killed_after_the_commit(writer: Writer, url: str, alarm: str) -> None:
    """The acknowledgement stands, and the person who asks again gets it; the sink goes on beside it."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM, url, alarm], check=False, timeout=60)  # noqa: ASYNC221 - a whole program
    assert ended.returncode == -signal.SIGKILL
    known = writer.guard.patients
    assert (await store(writer, [observation(1)], start=1)).stored == 1
    assert writer.guard.patients is known
    again = await acknowledge(Door(url), desaturation().id, Author("Boris", "127.0.0.1"), why=None, seen=1)
    assert again.acknowledged is not None
    assert again.acknowledged.by == "Anna"
    assert rows(url, 'SELECT "by", result FROM audit ORDER BY id') == [("Anna", "done"), ("Boris", "unchanged")]
    # Refusals and repetitions count, too: each commits a line of the audit.
    assert rows(url, "SELECT count FROM command_count") == [(2,)]
    assert rows(url, "SELECT event FROM outbox") == [("update",)]


async def test_commands_without_a_sink(url: str, alarm: str) -> None:
    """Doors of several monitors take turns: no command is lost, none is done twice."""

    async def command(number: int) -> None:
        await pause(Door(url), ANNA, Author(f"Person {number}", "127.0.0.1"), seconds=60)

    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(command, number)
    assert rows(url, "SELECT count FROM command_count") == [(8,)]
    assert rows(url, "SELECT version FROM bed_states") == [(8,)]
    assert rows(url, "SELECT count(DISTINCT \"by\") FROM audit WHERE result = 'done'") == [(8,)]
