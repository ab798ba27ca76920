"""An order is one entry: what travels, who obeys, and the command are made from it."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import anyio
import pytest

from icu.cli.control import COMMANDS, _command
from icu.config.settings import Settings, Supervision
from icu.control.client import ask
from icu.control.errors import OrderRefusedError
from icu.control.places import places
from icu.control.protocol import ControlOrder, Done, Pattern, Patterns
from icu.control.records import RecentRecords
from icu.control.server import serve
from icu.ward.orders import ORDERS
from tests.unit.control.conftest import Ward


@pytest.fixture
def settings() -> Iterator[Settings]:
    """Settings with a socket of their own, in a folder with a short name."""
    with tempfile.TemporaryDirectory(prefix="icu-") as name:
        yield Settings(supervisor=Supervision(socket=Path(name) / "icu.sock"))


class Greet(ControlOrder, frozen=True):
    """Say hello to children."""

    ids: Patterns
    word: Pattern

    async def carry_out(self, ward: Ward) -> Done:
        """Politely."""
        return Done(f"{self.word}, {', '.join(child.id for child in ward.matching(self.ids))}")


async def test_a_new_order_is_obeyed(settings: Settings) -> None:
    """By whoever is given its entry; to others it is no request."""
    async with anyio.create_task_group() as group:
        await group.start(partial(serve, Ward(), (*ORDERS, Greet), RecentRecords(), places(settings)))
        said = await ask(places(settings), Greet(("sink", "bed-1"), "Hello"), Done)
        group.cancel_scope.cancel()
    assert said.what == "Hello, sink, bed-1"
    async with anyio.create_task_group() as group:
        await group.start(partial(serve, Ward(), ORDERS, RecentRecords(), places(settings)))
        with pytest.raises(OrderRefusedError, match="that is no request"):
            await ask(places(settings), Greet(("sink",), "Hello"), Done)
        group.cancel_scope.cancel()


def test_the_orders_of_people() -> None:
    """All that the file defines, in its order, which is that of the commands; none of a process's, whoever is first."""
    look = "import icu.ward.remote; from icu.ward.orders import ORDERS; print(*[each.__name__ for each in ORDERS])"
    done = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["Status", "Tree", "Start", "Stop", "Restart", "Scale", "Reload", "BeginScenario"]


def test_a_new_order_is_a_command() -> None:
    """Its name, its help and its arguments come from the entry."""
    command = _command(Greet)
    assert (command.name, command.help) == ("greet", "Say hello to children.")
    assert [each.name for each in command.params if each.param_type_name == "argument"] == ["ids", "word"]


def test_every_order_has_a_command() -> None:
    """Nobody has to list it there."""
    assert {str(each.__struct_config__.tag) for each in ORDERS} - {"befall"} < {each.name for each in COMMANDS}
