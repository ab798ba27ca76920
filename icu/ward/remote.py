"""Orders to a child in a process of its own: those that people give to the ward, at a socket of the process's own."""

import os
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

import anyio

from icu.control.client import DEADLINE, ask
from icu.control.places import Place
from icu.control.protocol import Befallen
from icu.control.server import obeying
from icu.errors import NoSupervisorError, OrderRefusedError
from icu.ward.orders import Befall

_NAME: Final = "orders"
"""Of the socket, which is in the folder that a process shares with its supervisor."""


def place_in(folder: Path) -> Place:
    """Where a process takes orders, as its supervisor sees it."""
    return Place(folder / _NAME, private=False)


def obeying_supervisor(ward: object, environ: Mapping[str, str] = os.environ) -> AbstractAsyncContextManager[None]:
    """Take orders in this process while the block runs. `ward` obeys them."""
    return obeying(Path(environ["NOTIFY_SOCKET"]).with_name(_NAME), ward, (Befall,))


async def forward(order: Befall, child_id: str, place: Place) -> Befallen:
    """What a process answers to an order, or why there is no answer."""
    look = f"python -m icu status {child_id}"
    try:
        with anyio.fail_after(DEADLINE):
            return await ask([place], order, Befallen)
    except TimeoutError:
        why = f"{child_id} gave no answer within {DEADLINE:g} s, and may do so yet: {look}"
    except OrderRefusedError as exc:
        why = str(exc)
    except NoSupervisorError as exc:
        if isinstance(exc.__cause__, OSError):
            why = f"{child_id} cannot be reached: {exc.__cause__.strerror}: {look}"
        else:
            why = f"{child_id} ended before it had answered: {look}"
    return Befallen([], [why])
