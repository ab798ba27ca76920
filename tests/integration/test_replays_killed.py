"""A sink that is killed while it replays dead letters: each reading is stored once, and each letter says so."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from icu.messages import Position
from icu.store.commands.dead_letters import ask_replay_of
from icu.store.commands.door import Author, Door
from icu.store.dead_letters.pages import Chosen
from icu.store.writer import open_writer
from tests.letters import LATER, decode, refused, store_letters
from tests.samples import observation
from tests.stores import rows

PROGRAM = Path(__file__).with_name("dying_replays.py")


@pytest.mark.parametrize(("step", "done"), [("before", 3), ("after", 6)])
async def test_killed_beside_the_commit(url: str, step: str, done: int) -> None:
    """Readings and marks are stored together: no letter is a duplicate of its own reading afterwards."""
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "before")}, other_logs=frozenset())
        await store_letters(writer, refused(*(observation(n) for n in range(10))))
    await ask_replay_of(Door(url), Author("Ines", "command line"), Chosen(), again=False)
    ended = subprocess.run([sys.executable, str(PROGRAM), url, step], check=False, timeout=120)  # noqa: ASYNC221 - a whole program
    assert ended.returncode == -signal.SIGKILL
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(done,)]
    assert rows(url, "SELECT count(*) FROM dead_letters WHERE outcome = 'stored'") == [(done,)]
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({}, other_logs=frozenset())
        while (await writer.replay(decode, most=3, now=LATER)).outcomes:
            pass
    assert rows(url, "SELECT outcome, count(*) FROM dead_letters GROUP BY outcome") == [("stored", 10)]
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(10,)]
    assert rows(url, "PRAGMA integrity_check") == [("ok",)]
