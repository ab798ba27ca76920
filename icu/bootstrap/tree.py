"""The ward as a tree of supervisors, and the orders that people give to it.

Patients have a supervisor of their own, so that beds which die one after the other never use up what the sink and the
monitor may need; and they stop together, for nothing runs between them.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Final, TypeAlias

from anyio import Lock, to_thread
from anyio.abc import TaskStatus
from loguru import logger
from msgspec.structs import replace

from icu.bootstrap.ward import Ward
from icu.config.groups import all_instances, mistake_in
from icu.config.settings import BEDS, AnyChild, MonitorChild, PatientChild, Settings, SinkChild
from icu.config.siblings import mistakes_between
from icu.control.protocol import Befallen, Change
from icu.errors import (
    ConfigurationError,
    IcuError,
    PartlyDoneError,
    SupervisionError,
    UnknownChildError,
    UnknownScenarioError,
)
from icu.supervisor.events import Escalated, Handler
from icu.supervisor.intensity import Intensity
from icu.supervisor.spec import ChildSpec, Restart, Start, Strategy
from icu.supervisor.tree import Supervisor
from icu.supervisor.view import ChildView, State
from icu.ward.differences import changes, postponed
from icu.ward.events import log_event
from icu.ward.patients import befall
from icu.ward.processes import ProcessChild, Processes

_TAKES_ORDERS: Final = frozenset({State.STARTING, State.RUNNING, State.WAITING, State.DEGRADED})
"""The states in which a supervisor has children."""

_Order: TypeAlias = Callable[[Supervisor, str], Awaitable[None]]

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


class Tree:
    """The supervisors of a ward. `reread` reads the settings anew."""

    def __init__(
        self,
        ward: Ward,
        *,
        reread: Callable[[], Settings] | None = None,
        on_event: Handler = lambda _: None,
        on_giving_up: Callable[[], None] = lambda: None,
    ) -> None:
        """ConfigurationError where a child cannot be had as it is configured.

        `on_giving_up` is called when all are stopped because the ward cannot go on.
        """
        self._ward = ward
        self._reread = reread or (lambda: ward.settings)
        self._settings = ward.settings
        self._changes = Lock()
        _refuse_mistakes(self._settings)
        limits = self._settings.supervisor
        children = all_instances(self._settings.child)
        self._children = {str(each.id): each for each in children}
        self.processes = Processes()
        self.rules = {
            "": f"{limits.strategy}, gives up at more than {limits.restarts} deaths in {limits.period:g} s",
            BEDS: f"one_for_one, gives up at more than {limits.bed_restarts} deaths in {limits.bed_period:g} s",
        }
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
            on_event=[*handlers, lambda event: on_giving_up() if isinstance(event, Escalated) else None],
        )
        ward.health.add("children", self.unready)
        ward.look = self._look

    def view(self) -> tuple[ChildView, ...]:
        """All children; the patients' are below their supervisor."""
        return self.root.view()

    async def unready(self) -> str | None:
        """Which critical children are down, so that the ward is not ready; None if none is."""
        states = {each.id: each.state for each in self.flat()}
        critical = [str(child.id) for child in all_instances(self._settings.child) if _is_critical(child)]
        down = [name for name in critical if states.get(name) is not State.RUNNING]
        return ", ".join(f"{name} is {states.get(name, 'missing')}" for name in down) or None

    def flat(self) -> list[ChildView]:
        """All children that are no supervisors."""
        return [child for _, child in self._leaves()]

    def matching(self, patterns: Iterable[str]) -> list[ChildView]:
        """Those of `flat` that match one of the patterns, `*` standing for anything; all of them without patterns.

        A supervisor's id stands for all its children. UnknownChildError for a pattern that matches nobody.
        """
        return [child for _, child in self._found(patterns)]

    async def start(self, *patterns: str) -> dict[str, str | None]:
        """Start the children that match, one after the other; their ids, each with what went wrong."""
        return await self._order(patterns, Supervisor.start_child)

    async def stop(self, *patterns: str) -> dict[str, str | None]:
        """Stop the children that match, the last first, until somebody starts them."""
        return await self._order(patterns, Supervisor.stop_child, backwards=True)

    async def restart(self, *patterns: str) -> dict[str, str | None]:
        """Stop and start the children that match, one after the other."""
        return await self._order(patterns, Supervisor.restart_child)

    async def scale(self, group: str, count: int) -> Change:
        """Let a group (`count = N`) have so many children. ConfigurationError where it cannot."""
        async with self._changes:
            children = {str(each.id): each for each in self._settings.child}
            if group not in [*children, *self._children, BEDS]:
                raise UnknownChildError(group, list(children))
            groups = [name for name, each in children.items() if each.count is not None]
            if group not in groups:
                raise ConfigurationError(_no_group(group, groups))
            scaled = replace(children[group], count=count)
            mistake = mistake_in(scaled)
            if mistake is not None:
                raise ConfigurationError(f"{group}: {mistake}")
            return await self._become(replace(self._settings, child=tuple({**children, group: scaled}.values())))

    async def reload(self) -> Change:
        """Read the file again and apply the difference. A file with a mistake changes nothing."""
        async with self._changes:
            return await self._become(await to_thread.run_sync(self._reread))

    async def befall(self, bed: str, scenario: str) -> Befallen:
        """Let a scenario befall the patients of a child, or those of this name or uuid, or whose pattern it is.

        UnknownBedError, UnknownScenarioError.
        """
        # Files, which nobody has read yet where all patients are processes of their own.
        scenarios = await to_thread.run_sync(lambda: self._ward.scenarios)
        if scenario not in scenarios:
            raise UnknownScenarioError(scenario, list(scenarios))
        children = [child for child in self._children.values() if isinstance(child, PatientChild)]
        states = {child.id: child.state for child in self.flat()}
        return await befall(children, states, self._ward.beds, self.processes.befall, bed, scenario)

    async def _become(self, settings: Settings) -> Change:
        _refuse_mistakes(settings)
        before = dict(self._children)
        after = {str(each.id): each for each in all_instances(settings.child)}
        gone = [name for name, child in before.items() if after.get(name) != child]
        new = [name for name, child in after.items() if before.get(name) != child]
        if any(isinstance(child, PatientChild) for child in [*map(before.get, gone), *map(after.get, new)]):
            self._refuse_while_down(self._beds)
        # A mistake shows here, before anything is changed. Recordings are read: that is nothing for the loop.
        specs = await to_thread.run_sync(lambda: [self._spec(after[name]) for name in new])
        await self._take_leave([(name, before[name]) for name in reversed(gone)], after)
        problems = {spec.id: why for spec in specs if (why := await self._add(after[spec.id], spec))}
        self._arrange(after)
        self._settings = replace(self._settings, child=settings.child)
        told = changes(before, after, frozenset(problems)) + postponed(settings, self._ward.settings)
        if problems:
            raise PartlyDoneError("; ".join([*told, "but " + "; but ".join(problems.values())]))
        return Change("; ".join(told) or "nothing changed", new)

    async def _take_leave(self, gone: Iterable[tuple[str, AnyChild]], after: Mapping[str, AnyChild]) -> None:
        """Stop those that are gone or have changed, in this order."""
        for name, child in gone:
            owner = self._owner(child)
            if name in after and self._owner(after[name]) is owner:
                await owner.stop_child(name)  # all of them before any is replaced: ports may have changed hands
            else:
                await owner.remove_child(name)
                del self._children[name]

    def _arrange(self, after: Mapping[str, AnyChild]) -> None:
        """Let all stand as in the file: that is the order in which they will stop, from its end."""
        self._children = {name: self._children[name] for name in after if name in self._children}
        self._beds.arrange([name for name, child in after.items() if isinstance(child, PatientChild)])
        self.root.arrange([BEDS if isinstance(child, PatientChild) else name for name, child in after.items()])

    async def _add(self, child: AnyChild, spec: ChildSpec) -> str | None:
        """Add a child to its supervisor, in the place of the one that it replaces; what went wrong."""
        owner = self._owner(child)
        try:
            await (owner.replace_child if spec.id in self._children else owner.add_child)(spec)
        except Exception as exc:  # noqa: BLE001 - whatever keeps one child from starting, the others are to
            return f"{spec.id}: {_words(exc)}"
        self._children[spec.id] = child
        return None

    async def _order(self, patterns: Sequence[str], order: _Order, *, backwards: bool = False) -> dict[str, str | None]:
        found = self._found(patterns)
        told: dict[str, str | None] = {child.id: None for _, child in found}
        for owner, child in reversed(found) if backwards else found:
            try:
                self._refuse_while_down(owner)
                await order(owner, child.id)
            except KeyError:
                told[child.id] = "it was removed meanwhile"
            except Exception as exc:  # noqa: BLE001 - whatever goes wrong with one child, the others are to be told too
                told[child.id] = _words(exc)
        return told

    def _found(self, patterns: Iterable[str]) -> list[tuple[Supervisor, ChildView]]:
        leaves = list(self._leaves())
        wanted = set[str]()
        for pattern in patterns:
            matching = {child.id for owner, child in leaves if self._matches(owner, child.id, pattern)}
            if not matching:
                raise UnknownChildError(pattern, [child.id for _, child in leaves])
            wanted |= matching
        return [(owner, child) for owner, child in leaves if child.id in wanted] if wanted else leaves

    def _matches(self, owner: Supervisor, name: str, pattern: str) -> bool:
        if owner is self._beds and pattern == BEDS:
            return True
        return name == pattern or fnmatchcase(name, pattern)

    def _leaves(self) -> Iterator[tuple[Supervisor, ChildView]]:
        for child in self.root.view():
            if child.id == BEDS:
                yield from ((self._beds, bed) for bed in child.children)
            else:
                yield self.root, child

    def _refuse_while_down(self, owner: Supervisor) -> None:
        """SupervisionError where the patients' supervisor, if that is meant, can take no orders."""
        state = next(child.state for child in self.root.view() if child.id == BEDS)
        if owner is self._beds and state not in _TAKES_ORDERS:
            raise SupervisionError(f"its supervisor, {BEDS}, is {state}: ask again when it runs")

    async def _look(self) -> Sequence[ChildView]:
        return self.view()

    def _owner(self, child: AnyChild) -> Supervisor:
        return self._beds if isinstance(child, PatientChild) else self.root

    def _root_specs(self, children: Sequence[AnyChild]) -> Iterator[ChildSpec]:
        """In the order of the file; the patients where the first of them stands, or else at the end."""
        beds: ChildSpec | None = self._beds.as_child(BEDS, shutdown=_BEDS_GRACE)
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
        process = self._process(child, grace) if child.process else None
        actor = partial(self.processes.run, process) if process else self._ward.actor(child)
        return ChildSpec(
            id=str(child.id),
            start=partial(_named, actor, str(child.id)),
            restart=Restart(child.restart),
            stage=child.role if isinstance(child, MonitorChild) else None,
            shutdown=grace + _PROCESS_GRACE if process else grace,
            condition=process.condition if process else self._ward.condition(child),
        )

    def _process(self, child: AnyChild, grace: float) -> ProcessChild:
        if not isinstance(child, MonitorChild) and self._settings.transport.kind == "memory":
            raise ConfigurationError(
                f"{child.id}: a process of its own cannot use the in-memory transport: "
                'write kind = "kafka" below [transport], or leave `process` out'
            )
        return ProcessChild(child, self._settings, grace=grace)


async def _named(start: Start, child_id: str, *, task_status: TaskStatus[str | None]) -> None:
    """Run an actor whose log records all carry its id."""
    with logger.contextualize(child=child_id):
        await start(task_status=task_status)


def _is_critical(child: AnyChild) -> bool:
    return isinstance(child, SinkChild) if child.critical is None else child.critical


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, IcuError) else f"{type(error).__name__}: {error}"


def _no_group(group: str, groups: Sequence[str]) -> str:
    """Why a child, or all patients, cannot be scaled, and what can."""
    what = "means all patients, and is no child with a `count`" if group == BEDS else "is no child with a `count`"
    remedy = f"scale {' or '.join(groups)}" if groups else "write `count = N` below one in supervisor.toml, and reload"
    return f"{group} {what}, and only such a one can be scaled: {remedy}"


def _refuse_mistakes(settings: Settings) -> None:
    if not settings.child:
        raise ConfigurationError("no child is configured: write [[child]] tables in supervisor.toml")
    for _, why in mistakes_between(settings.child):
        raise ConfigurationError(why)
