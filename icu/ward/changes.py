"""Changes of a ward's children: by the count of a group, and by settings that are read anew."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from anyio import Lock, to_thread
from loguru import logger
from msgspec.structs import replace

from icu.config.errors import ConfigurationError
from icu.config.groups import mistake_in
from icu.config.settings import BEDS, AnyChild, Settings
from icu.control.errors import PartlyDoneError, UnknownChildError
from icu.errors import IcuError
from icu.supervisor.spec import ChildSpec
from icu.ward.children import Children, Member
from icu.ward.differences import changes, departed, postponed_settings

# Makes the children of some settings, in their order. Raises ConfigurationError for contradictory settings.
Members: TypeAlias = Callable[[Settings], Sequence[Member]]


class Change(NamedTuple):
    """Result of a change."""

    # In words for people.
    what: str
    # Ids of the children that were started for it.
    started: Sequence[str] = ()


class Changes:
    """Changes of a ward's children, carried out one after the other."""

    def __init__(
        self, children: Children, settings: Settings, members: Members, reread: Callable[[], Settings] | None
    ) -> None:
        """Keep the settings that later changes are compared with.

        Args:
            children: Children of the ward.
            settings: Settings with which the ward began.
            members: Makes the children of changed settings.
            reread: Reads the settings anew; None to go on with the first ones.
        """
        self._children = children
        self._first = settings
        self._settings = settings
        self._members = members
        self._reread = reread or (lambda: settings)
        self._turn = Lock()

    async def scale(self, group: str, count: int) -> Change:
        """Change the number of children in a group (`count = N`).

        Args:
            group: Id of the group.
            count: New number; 0 keeps the group without children.

        Raises:
            UnknownChildError: There is no such child.
            ConfigurationError: The child is no group, or the settings would contradict each other.
            PartlyDoneError: Some children could not be started.
        """
        async with self._turn:
            tables = {str(each.id): each for each in self._settings.child}
            if group not in [*tables, *self._children.members, BEDS]:
                raise UnknownChildError(group, list(tables))
            groups = [name for name, each in tables.items() if each.count is not None]
            if group not in groups:
                raise ConfigurationError(_no_group(group, groups))
            scaled = replace(tables[group], count=count)
            mistake = mistake_in(scaled)
            if mistake is not None:
                raise ConfigurationError(f"{group}: {mistake}")
            return await self._apply(replace(self._settings, child=tuple({**tables, group: scaled}.values())))

    async def reload(self) -> Change:
        """Read the settings again and apply the difference.

        Raises:
            ConfigurationError: The settings are wrong; nothing is changed.
            PartlyDoneError: Some children could not be started.
        """
        async with self._turn:
            return await self._apply(await to_thread.run_sync(self._reread))

    async def _apply(self, settings: Settings) -> Change:
        before = dict(self._children.members)
        after = {each.id: each for each in self._members(settings)}
        old, wanted = _configs(before), _configs(after)
        gone = [before[name] for name, config in old.items() if wanted.get(name) != config]
        new = [after[name] for name, config in wanted.items() if old.get(name) != config]
        for each in [*gone, *new]:
            self._children.refuse_while_down(self._children.owner(each))
        # Built before anything is changed, since a mistake may show here; in a thread, since recordings are read.
        specs = await to_thread.run_sync(lambda: [each.build() for each in new])
        await self._stop_replaced(reversed(gone), after)
        added = zip(new, specs, strict=True)
        problems = {each.id: why for each, spec in added if (why := await self._add(each, spec))}
        self._children.arrange(after)
        self._settings = replace(self._settings, child=settings.child)
        left = departed(_patients(before), _patients(after))
        if left:
            logger.warning("{}", left)
        done = changes(old, wanted, frozenset(problems)) + postponed_settings(settings, self._first)
        if problems:
            raise PartlyDoneError("; ".join([*done, "but " + "; but ".join(problems.values())]))
        return Change("; ".join(done) or "nothing changed", [each.id for each in new])

    async def _stop_replaced(self, gone: Iterable[Member], after: Mapping[str, Member]) -> None:
        """Stop the children that are gone or have changed, in this order. Those that are gone are removed."""
        for each in gone:
            owner = self._children.owner(each)
            if each.id in after and self._children.owner(after[each.id]) is owner:
                await owner.stop_child(each.id)  # all before any is replaced: two may have exchanged their ports
            else:
                await self._children.remove(each)

    async def _add(self, member: Member, spec: ChildSpec) -> str | None:
        """Add or replace a child. Returns the error in words; None if there was none."""
        try:
            await self._children.put(member, spec)
        except Exception as exc:  # noqa: BLE001 - the failure of one child must not keep the others from starting
            return f"{member.id}: {describe_error(exc)}"
        return None


def describe_error(error: Exception) -> str:
    """Describe an error in words; foreign errors with their class."""
    return str(error) if isinstance(error, IcuError) else f"{type(error).__name__}: {error}"


def _configs(members: Mapping[str, Member]) -> dict[str, AnyChild]:
    return {name: each.config for name, each in members.items()}


def _patients(members: Mapping[str, Member]) -> list[str]:
    return [name for each in members.values() if each.patients is not None for name in each.patients.names()]


def _no_group(group: str, groups: Sequence[str]) -> str:
    """Explain that a child, or all patients, cannot be scaled, and name the groups that can."""
    what = "means all patients, and is no child with a `count`" if group == BEDS else "is no child with a `count`"
    remedy = f"scale {' or '.join(groups)}" if groups else "write `count = N` below one in supervisor.toml, and reload"
    return f"{group} {what}, and only such a one can be scaled: {remedy}"
