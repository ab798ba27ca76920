"""Queries to the ward's supervisor from another process, such as a monitor."""

from collections.abc import Sequence

from anyio import to_thread

from icu.config.settings import Settings
from icu.control.client import ANSWER_DEADLINE, ask
from icu.control.errors import NoSupervisorError
from icu.control.places import places
from icu.control.protocol import Supervisors
from icu.supervisor.view import ChildView
from icu.ward.orders import Tree


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


async def _tree(settings: Settings) -> Supervisors:
    return await ask(await to_thread.run_sync(places, settings), Tree(), Supervisors, deadline=ANSWER_DEADLINE)
