"""Orders that change who there is in a ward: by count, and by settings that are read anew."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from anyio import Lock, to_thread
from msgspec.structs import replace

from icu.config.errors import ConfigurationError
from icu.config.groups import mistake_in
from icu.config.settings import BEDS, AnyChild, Settings
from icu.control.errors import PartlyDoneError, UnknownChildError
from icu.errors import IcuError
from icu.supervisor.spec import ChildSpec
from icu.ward.children import Children, Member
from icu.ward.differences import changes, postponed_settings

# The children that settings stand for, in their order. ConfigurationError for settings that contradict themselves.
Members: TypeAlias = Callable[[Settings], Sequence[Member]]


class Change(NamedTuple):
    """What an order has changed, in words, and the ids of the children that were started for it."""

    what: str
    started: Sequence[str] = ()


class Changes:
    """The changes of a ward's children, one after the other."""

    def __init__(
        self, children: Children, settings: Settings, members: Members, reread: Callable[[], Settings] | None
    ) -> None:
        """`settings` are those that the ward began with, `reread` reads them anew."""
        self._children = children
        self._first = settings
        self._settings = settings
        self._members = members
        self._reread = reread or (lambda: settings)
        self._turn = Lock()

    async def scale(self, group: str, count: int) -> Change:
        """Let a group (`count = N`) have so many children. ConfigurationError where it cannot."""
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
        """Read the file again and apply the difference. A file with a mistake changes nothing."""
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
        # A mistake shows here, before anything is changed. Recordings are read: that is nothing for the loop.
        specs = await to_thread.run_sync(lambda: [each.build() for each in new])
        await self._stop_replaced(reversed(gone), after)
        added = zip(new, specs, strict=True)
        problems = {each.id: why for each, spec in added if (why := await self._add(each, spec))}
        self._children.arrange(after)
        self._settings = replace(self._settings, child=settings.child)
        done = changes(old, wanted, frozenset(problems)) + postponed_settings(settings, self._first)
        if problems:
            raise PartlyDoneError("; ".join([*done, "but " + "; but ".join(problems.values())]))
        return Change("; ".join(done) or "nothing changed", [each.id for each in new])

    async def _stop_replaced(self, gone: Iterable[Member], after: Mapping[str, Member]) -> None:
        """Stop those that are gone or have changed, in this order."""
        for each in gone:
            owner = self._children.owner(each)
            if each.id in after and self._children.owner(after[each.id]) is owner:
                await owner.stop_child(each.id)  # all of them before any is replaced: ports may have changed hands
            else:
                await self._children.remove(each)

    async def _add(self, member: Member, spec: ChildSpec) -> str | None:
        """Add a child, or put it in the place of the one that it replaces; what went wrong."""
        try:
            await self._children.put(member, spec)
        except Exception as exc:  # noqa: BLE001 - whatever keeps one child from starting, the others are to
            return f"{member.id}: {describe_error(exc)}"
        return None


def describe_error(error: Exception) -> str:
    """What went wrong, with the kind of an error that is none of ours."""
    return str(error) if isinstance(error, IcuError) else f"{type(error).__name__}: {error}"


def _configs(members: Mapping[str, Member]) -> dict[str, AnyChild]:
    return {name: each.config for name, each in members.items()}


def _no_group(group: str, groups: Sequence[str]) -> str:
    """Why a child, or all patients, cannot be scaled, and what can."""
    what = "means all patients, and is no child with a `count`" if group == BEDS else "is no child with a `count`"
    remedy = f"scale {' or '.join(groups)}" if groups else "write `count = N` below one in supervisor.toml, and reload"
    return f"{group} {what}, and only such a one can be scaled: {remedy}"
