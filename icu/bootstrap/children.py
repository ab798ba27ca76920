"""Children of a ward, built from their settings and roles for its supervisors."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from anyio.abc import TaskStatus
from loguru import logger

from icu.bootstrap import sinks
from icu.bootstrap.roles import ROLES
from icu.bootstrap.roles.base import Role
from icu.bootstrap.shared import Shared
from icu.config.errors import ConfigurationError
from icu.config.groups import all_instances
from icu.config.settings import AnyChild, Settings
from icu.config.siblings import mistakes_between
from icu.supervisor.events import Handler
from icu.supervisor.spec import ChildSpec, Restart, Start
from icu.ward.children import Member
from icu.ward.processes import ProcessChild, Processes
from icu.ward.tree import Ward

# Extra seconds for a process: it is killed at the end of its role's grace, and its death has to be noticed.
_PROCESS_GRACE: Final = 1.0

# Seconds that all patients may take together to stop: a hanging one must not keep the sink from storing the rest.
_PATIENTS_GRACE: Final = max(role.grace for role in ROLES.values() if role.patients) + 2 * _PROCESS_GRACE


def build_ward(
    shared: Shared,
    processes: Processes,
    *,
    reread: Callable[[], Settings] | None = None,
    on_event: Handler = lambda _: None,
    on_giving_up: Callable[[], None] = lambda: None,
) -> Ward:
    """Build the supervised ward. Starts nothing yet.

    Args:
        shared: Parts that all roles use; its settings say which children there are.
        processes: Registry of the children that run in processes of their own.
        reread: Reads the settings anew, for the order `reload`; by default the same settings are used again.
        on_event: Called with each event of the supervisors.
        on_giving_up: Called before all are stopped because the root supervisor gives up.

    Raises:
        ConfigurationError: A child cannot run as it is configured.
    """
    return Ward(
        shared.settings,
        partial(_members, shared, processes),
        patients_grace=_PATIENTS_GRACE,
        check_scenario=shared.check_scenario,
        reread=reread,
        on_event=on_event,
        on_giving_up=on_giving_up,
    )


def _members(shared: Shared, processes: Processes, settings: Settings) -> Sequence[Member]:
    if not settings.child:
        raise ConfigurationError("no child is configured: write [[child]] tables in supervisor.toml")
    for _, why in (*mistakes_between(settings.child), *sinks.mistakes(settings)):
        raise ConfigurationError(why)
    return [_member(shared, processes, child) for child in all_instances(settings.child)]


def _member(shared: Shared, processes: Processes, child: AnyChild) -> Member:
    role = ROLES[type(child)]
    return Member(
        config=child,
        build=partial(_spec, shared, processes, child),
        is_patient=role.patients is not None,
        critical=role.critical if child.critical is None else child.critical,
        is_shared=role.is_shared,
        patients=role.patients(child, shared, processes) if role.patients else None,
    )


def _spec(shared: Shared, processes: Processes, child: AnyChild) -> ChildSpec:
    role = ROLES[type(child)]
    process = _process(role, shared.settings, child) if child.process else None
    actor = partial(processes.run, process) if process else role.actor(child, shared)
    return ChildSpec(
        id=str(child.id),
        start=partial(_run_with_log_id, actor, str(child.id)),
        restart=Restart(child.restart),
        stage=role.stage,
        shutdown=role.grace + _PROCESS_GRACE if process else role.grace,
        work_status=process.work_status if process else partial(role.work_status, shared),
    )


def _process(role: Role[Any], settings: Settings, child: AnyChild) -> ProcessChild:
    if role.needs_transport and settings.transport.kind == "memory":
        raise ConfigurationError(
            f"{child.id}: a process of its own cannot use the in-memory transport: "
            'write kind = "kafka" below [transport], or leave `process` out'
        )
    return ProcessChild(role.repeatable(child), settings, grace=role.grace)


async def _run_with_log_id(start: Start, child_id: str, *, task_status: TaskStatus[str | None]) -> None:
    """Run an actor with the child's id in each of its log records."""
    with logger.contextualize(child=child_id):
        await start(task_status=task_status)
