"""The children of a ward: under which supervisor each of them stands, how it is, and who is meant by a pattern.

Patients have a supervisor of their own, so that beds which die one after the other never use up what the sink and the
monitor may need; and they stop together, for nothing runs between them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Protocol

from icu.config.settings import BEDS, AnyChild, Supervision
from icu.control.errors import UnknownChildError
from icu.control.protocol import ScenarioStarted
from icu.supervisor.errors import SupervisionError
from icu.supervisor.events import Escalated, Handler
from icu.supervisor.intensity import Intensity
from icu.supervisor.spec import ChildSpec, Strategy
from icu.supervisor.tree import Supervisor
from icu.supervisor.view import ChildState, ChildView

# The states in which a supervisor has children.
_TAKES_ORDERS: Final = frozenset({ChildState.STARTING, ChildState.RUNNING, ChildState.WAITING, ChildState.DEGRADED})


class Patients(Protocol):
    """The patients of one child, wherever it runs."""

    def names(self) -> Sequence[str]:
        """All of them."""

    def matches(self, bed: str) -> bool:
        """Whether this, or this pattern, means one of them or all."""

    async def begin_scenario(self, bed: str, scenario: str) -> ScenarioStarted | None:
        """Let a scenario that there is befall those who are meant; None where their child does not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A child of a ward, as whoever knows its role hands it in."""

    # What it is made from: where this differs, it is another child.
    config: AnyChild
    # Makes its specification. That may read files. ConfigurationError where it cannot be had as it is configured.
    build: Callable[[], ChildSpec]
    # Whether it stands under the patients' supervisor.
    is_patient: bool = False
    # Whether the ward is not ready while it is down.
    critical: bool = False
    patients: Patients | None = None

    @property
    def id(self) -> str:
        """What people call it."""
        return str(self.config.id)


class Children:
    """The children of a ward below their supervisors."""

    def __init__(
        self,
        members: Iterable[Member],
        limits: Supervision,
        *,
        patients_grace: float,
        on_event: Iterable[Handler] = (),
        on_giving_up: Callable[[], None] = lambda: None,
    ) -> None:
        """ConfigurationError where a child cannot be had as it is configured.

        `beds_grace`: seconds that the patients may take together to stop. `on_giving_up` is called when all are stopped
        because the ward cannot go on.
        """
        # Those that there are.
        self.members = {each.id: each for each in members}
        # Those that there are to be: one that could not be started is none of `members`.
        self.wanted: Sequence[Member] = list(self.members.values())
        self.rules = {
            "": f"{limits.strategy}, gives up at more than {limits.restarts} deaths in {limits.period:g} s",
            BEDS: f"one_for_one, gives up at more than {limits.bed_restarts} deaths in {limits.bed_period:g} s",
        }
        handlers = list(on_event)
        self._patients = Supervisor(
            [each.build() for each in self.wanted if each.is_patient],
            intensity=Intensity(limits.bed_restarts, limits.bed_period),
            stop_together=True,
            on_event=handlers,
        )
        self.root = Supervisor(
            _root_specs(self.wanted, self._patients.as_child(BEDS, shutdown=patients_grace)),
            strategy=Strategy(limits.strategy),
            intensity=Intensity(limits.restarts, limits.period),
            on_event=[*handlers, lambda event: on_giving_up() if isinstance(event, Escalated) else None],
        )

    def view(self) -> tuple[ChildView, ...]:
        """All children; the patients' are below their supervisor."""
        return self.root.view()

    def leaves(self) -> list[ChildView]:
        """All children that are no supervisors."""
        return [child for _, child in self._leaves()]

    def matching(self, patterns: Iterable[str]) -> list[ChildView]:
        """Those of `flat` that match one of the patterns, `*` standing for anything; all of them without patterns.

        A supervisor's id stands for all its children. UnknownChildError for a pattern that matches nobody.
        """
        return [child for _, child in self.find(patterns)]

    def find(self, patterns: Iterable[str]) -> list[tuple[Supervisor, ChildView]]:
        """As `matching`, each with its supervisor."""
        leaves = list(self._leaves())
        wanted = set[str]()
        for pattern in patterns:
            matching = {child.id for owner, child in leaves if self._matches(owner, child.id, pattern)}
            if not matching:
                raise UnknownChildError(pattern, [child.id for _, child in leaves])
            wanted |= matching
        return [(owner, child) for owner, child in leaves if child.id in wanted] if wanted else leaves

    async def unready(self) -> str | None:
        """Which critical children are down, so that the ward is not ready; None if none is."""
        states = {each.id: each.state for each in self.leaves()}
        down = [each.id for each in self.wanted if each.critical and states.get(each.id) is not ChildState.RUNNING]
        return ", ".join(f"{name} is {states.get(name, 'missing')}" for name in down) or None

    def owner(self, member: Member) -> Supervisor:
        """The supervisor of a child."""
        return self._patients if member.is_patient else self.root

    def refuse_while_down(self, owner: Supervisor) -> None:
        """SupervisionError where the patients' supervisor, if that is meant, can take no orders."""
        state = next(child.state for child in self.root.view() if child.id == BEDS)
        if owner is self._patients and state not in _TAKES_ORDERS:
            raise SupervisionError(f"its supervisor, {BEDS}, is {state}: ask again when it runs")

    async def put(self, member: Member, spec: ChildSpec) -> None:
        """Add a child to its supervisor, in the place of the one that it replaces. Raises what its start does."""
        owner = self.owner(member)
        await (owner.replace_child if member.id in self.members else owner.add_child)(spec)
        self.members[member.id] = member

    async def remove(self, member: Member) -> None:
        """Stop a child and forget it."""
        await self.owner(member).remove_child(member.id)
        del self.members[member.id]

    def arrange(self, wanted: Mapping[str, Member]) -> None:
        """Let all stand in this order: that is the order in which they will stop, from its end."""
        self.wanted = list(wanted.values())
        self.members = {name: self.members[name] for name in wanted if name in self.members}
        self._patients.arrange([name for name, each in wanted.items() if each.is_patient])
        self.root.arrange([BEDS if each.is_patient else name for name, each in wanted.items()])

    def _matches(self, owner: Supervisor, name: str, pattern: str) -> bool:
        if owner is self._patients and pattern == BEDS:
            return True
        return name == pattern or fnmatchcase(name, pattern)

    def _leaves(self) -> Iterator[tuple[Supervisor, ChildView]]:
        for child in self.root.view():
            if child.id == BEDS:
                yield from ((self._patients, bed) for bed in child.children)
            else:
                yield self.root, child


def _root_specs(members: Iterable[Member], beds: ChildSpec) -> list[ChildSpec]:
    """In their order; the patients where the first of them stands, or else at the end."""
    specs: list[ChildSpec] = []
    for each in members:
        if not each.is_patient:
            specs.append(each.build())
        elif beds not in specs:
            specs.append(beds)
    return specs if beds in specs else [*specs, beds]
