"""Supervision of anyio tasks as in Erlang/OTP: started in order, watched, restarted, stopped in reverse order.

The names of the library stand here, each loaded when it is first asked for: commands that only show children
(`icu.supervisor.view`) would wait for anyio otherwise. Events stand in `icu.supervisor.events`, errors in `.errors`.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from icu.supervisor.backoff import Backoff
    from icu.supervisor.intensity import Intensity
    from icu.supervisor.process import run_process
    from icu.supervisor.spec import BRUTAL_KILL, AutoShutdown, ChildSpec, Restart, Start, Strategy
    from icu.supervisor.tree import Supervisor
    from icu.supervisor.view import ChildState, ChildView, WorkStatus

__all__ = [
    "BRUTAL_KILL",
    "AutoShutdown",
    "Backoff",
    "ChildSpec",
    "ChildState",
    "ChildView",
    "Intensity",
    "Restart",
    "Start",
    "Strategy",
    "Supervisor",
    "WorkStatus",
    "run_process",
]

# Module of each name that is not in `spec`.
_MODULES: Final[Mapping[str, str]] = {
    "Backoff": "backoff",
    "ChildState": "view",
    "ChildView": "view",
    "Intensity": "intensity",
    "Supervisor": "tree",
    "WorkStatus": "view",
    "run_process": "process",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any of the names (PEP 562)
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'spec')}"), name)
