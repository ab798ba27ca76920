"""Orders as single classes, from which message, receiver and command are made."""

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
        """Greet the children."""
        return Done(f"{self.word}, {', '.join(child.id for child in ward.matching(self.ids))}")


async def test_a_new_order_is_carried_out(settings: Settings) -> None:
    """A server that knows the class carries the order out; to others it is no request."""
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
    """Orders of the file, in the order of the commands; none of other files, in any order of imports."""
    look = "import icu.ward.remote; from icu.ward.orders import ORDERS; print(*[each.__name__ for each in ORDERS])"
    done = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["Status", "Tree", "Start", "Stop", "Restart", "Scale", "Reload", "BeginScenario"]


def test_a_new_order_is_a_command() -> None:
    """Name, help and arguments of a command come from the order."""
    command = _command(Greet)
    assert (command.name, command.help) == ("greet", "Say hello to children.")
    assert [each.name for each in command.params if each.param_type_name == "argument"] == ["ids", "word"]


def test_every_order_has_a_command() -> None:
    """Every order has a command without being listed."""
    assert {str(each.__struct_config__.tag) for each in ORDERS} - {"befall"} < {each.name for each in COMMANDS}
