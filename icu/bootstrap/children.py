"""The children of a ward as its supervisors see them: how each is started, and what is asked of it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from anyio.abc import TaskStatus
from loguru import logger
from msgspec.structs import replace

from icu.bootstrap import sinks
from icu.bootstrap.patients import Patients, RemotePatients
from icu.bootstrap.ward import Ward
from icu.config.errors import ConfigurationError
from icu.config.groups import all_instances
from icu.config.settings import AnyChild, MonitorChild, PatientChild, Settings, SinkChild
from icu.config.siblings import mistakes_between
from icu.supervisor.events import Handler
from icu.supervisor.spec import ChildSpec, Restart, Start
from icu.ward.children import Member
from icu.ward.processes import ProcessChild, Processes
from icu.ward.tree import Tree

_GRACE: Final[Mapping[type[AnyChild], float]] = {
    SinkChild: 7.0,  # 2 s to store what is left and 5 s for the transaction that it began: none is ever cut
    MonitorChild: 3.0,  # all that are neighbours together; after 2 s the server cuts what is still open
    PatientChild: 3.0,
}
"""Seconds that a role may take to stop."""

_PROCESS_GRACE: Final = 1.0
"""Seconds more for a process, which is killed when its role's grace is over."""

_BEDS_GRACE: Final = _GRACE[PatientChild] + 2 * _PROCESS_GRACE
"""Seconds that the patients may take together: one of them who hangs must not keep the sink from storing the rest."""


def supervised(
    ward: Ward,
    processes: Processes,
    *,
    reread: Callable[[], Settings] | None = None,
    on_event: Handler = lambda _: None,
    on_giving_up: Callable[[], None] = lambda: None,
) -> Tree:
    """The ward's children below their supervisors. ConfigurationError where one cannot be had as it is configured."""
    return Tree(
        ward.settings,
        partial(_members, ward, processes),
        beds_grace=_BEDS_GRACE,
        check_scenario=ward.check_scenario,
        reread=reread,
        on_event=on_event,
        on_giving_up=on_giving_up,
    )


def _members(ward: Ward, processes: Processes, settings: Settings) -> Sequence[Member]:
    if not settings.child:
        raise ConfigurationError("no child is configured: write [[child]] tables in supervisor.toml")
    for _, why in (*mistakes_between(settings.child), *sinks.mistakes(settings)):
        raise ConfigurationError(why)
    return [_member(ward, processes, child) for child in all_instances(settings.child)]


def _member(ward: Ward, processes: Processes, child: AnyChild) -> Member:
    return Member(
        config=child,
        build=partial(_spec, ward, processes, child),
        is_bed=isinstance(child, PatientChild),
        critical=isinstance(child, SinkChild) if child.critical is None else child.critical,
        patients=_patients(ward, processes, child) if isinstance(child, PatientChild) else None,
    )


def _patients(ward: Ward, processes: Processes, child: PatientChild) -> Patients:
    return RemotePatients(child, processes) if child.process else Patients(child, ward.beds)


def _spec(ward: Ward, processes: Processes, child: AnyChild) -> ChildSpec:
    grace = _GRACE[type(child)]
    process = _process(ward.settings, child, grace) if child.process else None
    actor = partial(processes.run, process) if process else ward.actor(child)
    return ChildSpec(
        id=str(child.id),
        start=partial(_named, actor, str(child.id)),
        restart=Restart(child.restart),
        stage=child.role if isinstance(child, MonitorChild) else None,
        shutdown=grace + _PROCESS_GRACE if process else grace,
        condition=process.condition if process else ward.condition(child),
    )


def _process(settings: Settings, child: AnyChild, grace: float) -> ProcessChild:
    if not isinstance(child, MonitorChild) and settings.transport.kind == "memory":
        raise ConfigurationError(
            f"{child.id}: a process of its own cannot use the in-memory transport: "
            'write kind = "kafka" below [transport], or leave `process` out'
        )
    return ProcessChild(_repeatable(child), settings, grace=grace)


def _repeatable(child: AnyChild) -> AnyChild:
    """The child, with a seed if it has a past: each life of the process begins there anew, and must say the same."""
    if isinstance(child, PatientChild) and child.start is not None and child.seed is None:
        return replace(child, seed=int(child.start.timestamp()))
    return child


async def _named(start: Start, child_id: str, *, task_status: TaskStatus[str | None]) -> None:
    """Run an actor whose log records all carry its id."""
    with logger.contextualize(child=child_id):
        await start(task_status=task_status)
