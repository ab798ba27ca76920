"""The ward as a tree of supervisors, and the orders that people give to it.

Patients have a supervisor of their own, so that beds which die one after the other never use up what the sink and the
monitor may need; and they stop together, for nothing runs between them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Final

from anyio.abc import TaskStatus
from loguru import logger
from msgspec.structs import replace

from icu.bootstrap.events import log_event
from icu.bootstrap.processes import process_actor
from icu.bootstrap.ward import Ward
from icu.config.groups import all_instances, mistake_in
from icu.config.settings import AnyChild, MonitorChild, PatientChild, Settings, SinkChild
from icu.errors import ConfigurationError, UnknownChildError
from icu.supervisor.events import Handler
from icu.supervisor.intensity import Intensity
from icu.supervisor.spec import ChildSpec, Restart, Start, Strategy
from icu.supervisor.tree import Supervisor
from icu.supervisor.view import ChildView, State

BEDS: Final = "beds"
"""The id of the patients' supervisor."""

_GRACE: Final[Mapping[type[AnyChild], float]] = {
    SinkChild: 7.0,  # 2 s to store what is left and 5 s for the transaction that it began: none is ever cut
    MonitorChild: 4.0,
    PatientChild: 3.0,
}
"""Seconds that a role may take to stop."""

_PROCESS_GRACE: Final = 3.0
"""Seconds more for a process, which is killed when its role's grace is over."""


class Tree:
    """The supervisors of a ward. `config` is the file that it was told to use, and `reread` reads the settings anew."""

    def __init__(
        self,
        ward: Ward,
        *,
        config: str | None = None,
        reread: Callable[[], Settings] | None = None,
        on_event: Handler = lambda _: None,
    ) -> None:
        """ConfigurationError where a child cannot be had as it is configured."""
        self._ward = ward
        self._config = config
        self._reread = reread or (lambda: ward.settings)
        self._settings = ward.settings
        if not self._settings.child:
            raise ConfigurationError("no child is configured: write [[child]] tables in supervisor.toml")
        limits = self._settings.supervisor
        children = all_instances(self._settings.child)
        handlers = [log_event, on_event]
        self._beds = Supervisor(
            [self._spec(each) for each in children if isinstance(each, PatientChild)],
            intensity=Intensity(limits.bed_restarts, limits.bed_period),
            stop_together=True,
            on_event=handlers,
        )
        self.root = Supervisor(
            self._root_specs(children),
            strategy=Strategy(limits.strategy),
            intensity=Intensity(limits.restarts, limits.period),
            on_event=handlers,
        )
        ward.health.add("children", self._check)

    def view(self) -> tuple[ChildView, ...]:
        """All children; the patients' are below their supervisor."""
        return self.root.view()

    def flat(self) -> list[ChildView]:
        """All children that are no supervisors."""
        return [each for child in self.view() for each in (child.children if child.id == BEDS else (child,))]

    async def start(self, pattern: str) -> list[str]:
        """Start the children that match, `*` standing for anything; their ids. UnknownChildError where none does."""
        return await self._order(pattern, lambda supervisor: supervisor.start_child)

    async def stop(self, pattern: str) -> list[str]:
        """Stop the children that match, the last first, until somebody starts them."""
        return await self._order(pattern, lambda supervisor: supervisor.stop_child, backwards=True)

    async def restart(self, pattern: str) -> list[str]:
        """Stop and start the children that match, one after the other."""
        return await self._order(pattern, lambda supervisor: supervisor.restart_child)

    async def scale(self, group: str, count: int) -> str:
        """Let a group (`count = N`) have so many children; says what was done. ConfigurationError where it cannot."""
        children = {each.id: each for each in self._settings.child}
        if group not in children:
            raise UnknownChildError(group, [str(each) for each in children])
        scaled = replace(children[group], count=count)
        mistake = mistake_in(scaled) if children[group].count else "only a child with a `count` can be scaled"
        if mistake is not None:
            raise ConfigurationError(f"{group}: {mistake}")
        return await self._become(
            replace(self._settings, child=tuple(scaled if each.id == group else each for each in self._settings.child))
        )

    async def reload(self) -> str:
        """Read the file again and apply the difference; says what was done. A file with a mistake changes nothing."""
        return await self._become(self._reread())

    async def _become(self, settings: Settings) -> str:
        before = {str(each.id): each for each in all_instances(self._settings.child)}
        after = {str(each.id): each for each in all_instances(settings.child)}
        gone = [name for name, child in before.items() if after.get(name) != child]
        new = [name for name, child in after.items() if before.get(name) != child]
        specs = [self._spec(after[name]) for name in new]  # a mistake shows here, before anything is changed
        for name in reversed(gone):
            await self._owner(before[name]).remove_child(name)
        for name, spec in zip(new, specs, strict=True):
            await self._owner(after[name]).add_child(spec)
        self._settings = replace(self._settings, child=settings.child)
        return _told(before, after, settings, self._ward.settings)

    async def _order(
        self, pattern: str, order: Callable[[Supervisor], Callable[[str], object]], *, backwards: bool = False
    ) -> list[str]:
        found = [(owner, name) for owner, name in self._leaves() if fnmatchcase(name, pattern)]
        if not found:
            raise UnknownChildError(pattern, [name for _, name in self._leaves()])
        for owner, name in reversed(found) if backwards else found:
            await order(owner)(name)  # type: ignore[misc] # a coroutine, whichever order it is
        return [name for _, name in found]

    def _leaves(self) -> Iterator[tuple[Supervisor, str]]:
        for child in self.root.view():
            if child.id == BEDS:
                yield from ((self._beds, bed.id) for bed in child.children)
            else:
                yield self.root, child.id

    def _owner(self, child: AnyChild) -> Supervisor:
        return self._beds if isinstance(child, PatientChild) else self.root

    def _root_specs(self, children: Sequence[AnyChild]) -> Iterator[ChildSpec]:
        """In the order of the file; the patients where the first of them stands, or else at the end."""
        beds: ChildSpec | None = self._beds.as_child(BEDS)
        for child in children:
            if not isinstance(child, PatientChild):
                yield self._spec(child)
            elif beds is not None:
                yield beds
                beds = None
        if beds is not None:
            yield beds

    def _spec(self, child: AnyChild) -> ChildSpec:
        grace = _GRACE[type(child)]
        return ChildSpec(
            id=str(child.id),
            start=partial(_named, self._actor(child, grace), str(child.id)),
            restart=Restart(child.restart),
            shutdown=grace + _PROCESS_GRACE if child.process else grace,
            trouble=(lambda: None) if child.process else self._ward.trouble(child),
        )

    def _actor(self, child: AnyChild, grace: float) -> Start:
        if not child.process:
            return self._ward.actor(child)
        if not isinstance(child, MonitorChild) and self._settings.transport.kind == "memory":
            raise ConfigurationError(
                f"{child.id}: a process of its own cannot use the in-memory transport: "
                'write kind = "kafka" below [transport], or leave `process` out'
            )
        return process_actor(child, self._settings, config=self._config, grace=grace)

    async def _check(self) -> str | None:
        """Not ready while a critical child is down."""
        critical = {str(child.id) for child in all_instances(self._settings.child) if _is_critical(child)}
        down = [each for each in self.flat() if each.id in critical and each.state is not State.RUNNING]
        return ", ".join(f"{each.id} is {each.state}" for each in down) or None


async def _named(start: Start, child_id: str, *, task_status: TaskStatus[str | None]) -> None:
    """Run an actor whose log records all carry its id."""
    with logger.contextualize(child=child_id):
        await start(task_status=task_status)


def _is_critical(child: AnyChild) -> bool:
    return isinstance(child, SinkChild) if child.critical is None else child.critical


def _told(before: Mapping[str, AnyChild], after: Mapping[str, AnyChild], wanted: Settings, running: Settings) -> str:
    lists = {
        "stopped": before.keys() - after.keys(),
        "started": after.keys() - before.keys(),
        "changed": {name for name in before.keys() & after.keys() if before[name] != after[name]},
        "not applied until the next start": {
            name
            for name in wanted.__struct_fields__
            if name != "child" and getattr(wanted, name) != getattr(running, name)
        },
    }
    return (
        "; ".join(f"{what}: {', '.join(sorted(names))}" for what, names in lists.items() if names) or "nothing changed"
    )
