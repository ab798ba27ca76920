"""Queries to the ward's supervisor from another process, such as a monitor."""

from collections.abc import Sequence
from typing import Final, TypeVar

from anyio import to_thread

from icu.config.settings import Settings
from icu.control.client import ANSWER_DEADLINE, ask
from icu.control.errors import NobodyListensError, NoSupervisorError, NotEmulatedError
from icu.control.places import places
from icu.control.protocol import Answer, ControlOrder, Supervisors
from icu.supervisor.view import ChildView
from icu.ward.orders import Tree

# Seconds for an answer that the supervisor may have to fetch from a child: it has a deadline of its own for that.
FORWARDED_DEADLINE: Final = ANSWER_DEADLINE + 1.0

_Answer = TypeVar("_Answer", bound=Answer)


async def fetch_children(settings: Settings) -> Sequence[ChildView]:
    """Fetch all children of the supervisor that runs with these settings.

    Raises:
        NoSupervisorError: No supervisor answers.
    """
    return (await _tree(settings)).children


async def fetch_unready(settings: Settings) -> str | None:
    """Fetch the reason why the ward is not ready; None if it is, or if no supervisor answers."""
    try:
        return (await _tree(settings)).unready
    except NoSupervisorError:
        return None


async def send(settings: Settings, order: ControlOrder, kind: type[_Answer]) -> _Answer:
    """Send an order about an emulated patient to the supervisor that runs with these settings, and return the answer.

    Raises:
        NotEmulatedError: No supervisor runs.
        NoSupervisorError: The supervisor gave no answer in time.
        OrderRefusedError: It refused the order.
    """
    where = await to_thread.run_sync(places, settings)
    try:
        return await ask(where, order, kind, deadline=FORWARDED_DEADLINE)
    except NobodyListensError as exc:
        raise NotEmulatedError(
            "no supervisor runs on this database here, so no patient is emulated: start one (python -m icu supervise)"
        ) from exc


async def _tree(settings: Settings) -> Supervisors:
    return await ask(await to_thread.run_sync(places, settings), Tree(), Supervisors, deadline=ANSWER_DEADLINE)
