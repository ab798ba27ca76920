"""Children of a ward: their supervisors, states, and selection by patterns.

Patient children have a supervisor of their own, so that their deaths never use up the restarts that the sink and the
monitor may need. They stop together, for nothing flows between them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Protocol
from uuid import UUID

from icu.config.settings import BEDS, AnyChild, Supervision
from icu.control.errors import UnknownChildError
from icu.control.protocol import ScenarioStarted
from icu.emulation import Emulation
from icu.supervisor.errors import SupervisionError
from icu.supervisor.events import Escalated, Handler
from icu.supervisor.intensity import Intensity
from icu.supervisor.spec import ChildSpec, Strategy
from icu.supervisor.tree import Supervisor
from icu.supervisor.view import ChildState, ChildView

# States of a supervisor in which it accepts changes of its children.
_TAKES_ORDERS: Final = frozenset({ChildState.STARTING, ChildState.RUNNING, ChildState.WAITING, ChildState.DEGRADED})


class Patients(Protocol):
    """Patients of one child, in this process or in the child's own."""

    def names(self) -> Sequence[str]:
        """Return the names of all patients."""

    def has(self, patient: UUID) -> bool:
        """Check if one of the patients has the uuid."""

    def emulation(self) -> Emulation | None:
        """Return where the patients are emulated; None while the child does not run."""

    def matches(self, bed: str) -> bool:
        """Check if a child's id, a patient's name or uuid, a pattern of them, or `beds` for all selects a patient."""

    async def begin_scenario(self, bed: str, scenario: str) -> ScenarioStarted | None:
        """Begin a scenario for the patients that match.

        Args:
            bed: As for `matches`.
            scenario: Name of an existing scenario.

        Returns:
            Names of the patients in the scenario, and reasons for the others; None if the child does not run.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A child of a ward, made outside of this room: the ward does not know the roles."""

    # Settings of the child. A change of them replaces the child.
    config: AnyChild
    # Makes its specification. May read files. Raises ConfigurationError for a child that cannot run as configured.
    build: Callable[[], ChildSpec]
    # True for a child of the patients' supervisor.
    is_patient: bool = False
    # True if the ward is not ready while the child is down.
    critical: bool = False
    # True if others of its kind do its work while it is down.
    is_shared: bool = False
    # Its patients, for scenarios by order.
    patients: Patients | None = None

    @property
    def id(self) -> str:
        """Id of the child."""
        return str(self.config.id)


class Children:
    """Children of a ward, below the root supervisor and the patients' supervisor."""

    def __init__(
        self,
        members: Iterable[Member],
        limits: Supervision,
        *,
        patients_grace: float,
        on_event: Iterable[Handler] = (),
        on_giving_up: Callable[[], None] = lambda: None,
    ) -> None:
        """Build the two supervisors. Starts nothing yet.

        Args:
            members: All children, in the order in which they start.
            limits: Restart strategy and limits of both supervisors.
            patients_grace: Seconds that all patients may take together to stop.
            on_event: Called with each event of both supervisors.
            on_giving_up: Called before all are stopped because the root supervisor gives up.

        Raises:
            ConfigurationError: A child cannot run as it is configured.
        """
        # Existing children, by id.
        self.members = {each.id: each for each in members}
        # Configured children: one that could not be added is missing in `members`.
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
        """Return the children of the root supervisor, with the patients below theirs."""
        return self.root.view()

    def leaves(self) -> list[ChildView]:
        """Return all children except the patients' supervisor."""
        return [child for _, child in self._leaves()]

    def matching(self, patterns: Iterable[str]) -> list[ChildView]:
        """Return the leaves that match one of the patterns; all of them without patterns.

        Args:
            patterns: Ids, with `*` for anything. The id of the patients' supervisor stands for all its children.

        Raises:
            UnknownChildError: A pattern matches no child.
        """
        return [child for _, child in self.find(patterns)]

    def find(self, patterns: Iterable[str]) -> list[tuple[Supervisor, ChildView]]:
        """Return the children of `matching`, each with its supervisor."""
        leaves = list(self._leaves())
        wanted = set[str]()
        for pattern in patterns:
            matching = {child.id for owner, child in leaves if self._matches(owner, child.id, pattern)}
            if not matching:
                raise UnknownChildError(pattern, [child.id for _, child in leaves])
            wanted |= matching
        return [(owner, child) for owner, child in leaves if child.id in wanted] if wanted else leaves

    async def unready(self) -> str | None:
        """Name the critical children that are down, so that the ward is not ready; None if it is."""
        return self._down(replaced=False)

    async def replaced(self) -> str | None:
        """Name the critical children that are down while others do their work; None if there are none."""
        down = self._down(replaced=True)
        return down and f"{down}: others do its work"

    def owner(self, member: Member) -> Supervisor:
        """Return the supervisor of a child."""
        return self._patients if member.is_patient else self.root

    def refuse_while_down(self, owner: Supervisor) -> None:
        """Refuse orders to the patients' supervisor while it does not run.

        Raises:
            SupervisionError: `owner` is the patients' supervisor, and it does not run.
        """
        state = next(child.state for child in self.root.view() if child.id == BEDS)
        if owner is self._patients and state not in _TAKES_ORDERS:
            raise SupervisionError(f"its supervisor, {BEDS}, is {state}: ask again when it runs")

    async def put(self, member: Member, spec: ChildSpec) -> None:
        """Add a child to its supervisor, or replace the one with its id. Raises the error of its start, if any."""
        owner = self.owner(member)
        await (owner.replace_child if member.id in self.members else owner.add_child)(spec)
        self.members[member.id] = member

    async def remove(self, member: Member) -> None:
        """Stop a child and forget it."""
        await self.owner(member).remove_child(member.id)
        del self.members[member.id]

    def arrange(self, wanted: Mapping[str, Member]) -> None:
        """Put all children in this order. They stop in the reverse order."""
        self.wanted = list(wanted.values())
        self.members = {name: self.members[name] for name in wanted if name in self.members}
        self._patients.arrange([name for name, each in wanted.items() if each.is_patient])
        self.root.arrange([BEDS if each.is_patient else name for name, each in wanted.items()])

    def _down(self, *, replaced: bool) -> str | None:
        states = {each.id: each.state for each in self.leaves()}
        running = {each for each, state in states.items() if state is ChildState.RUNNING}
        kinds = {type(each.config) for each in self.wanted if each.is_shared and each.id in running}
        down = [each for each in self.wanted if each.critical and each.id not in running]
        found = [each.id for each in down if (type(each.config) in kinds) is replaced]
        return ", ".join(f"{name} is {states.get(name, 'missing')}" for name in found) or None

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
    """Specify the root's children in their order, with the patients' supervisor in the place of the first patient.

    Without patients it comes last: `reload` may add some later.
    """
    specs: list[ChildSpec] = []
    for each in members:
        if not each.is_patient:
            specs.append(each.build())
        elif beds not in specs:
            specs.append(beds)
    return specs if beds in specs else [*specs, beds]
