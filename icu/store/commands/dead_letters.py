"""Commands about dead letters: a replay is asked for here, and done by the sink; a purge is done at once.

Many letters are taken some at a time, each in a transaction of its own with a line in the audit: a command that is
interrupted has done a part, and can be given again.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from msgspec import Struct
from sqlalchemy import text

from icu.errors import PatientServiceException
from icu.store.commands.door import Author, Desk, Door
from icu.store.commands.errors import LetterNotFoundError, ReplayRefusedError, SenselessCommandError
from icu.store.dead_letters.ids import LetterId, LetterKey, matching_keys, parse_id
from icu.store.dead_letters.pages import Chosen, Letter, LetterPage, LetterPlace, letter_page, read_letter
from icu.store.decisions.audit import DONE, UNCHANGED
from icu.store.engines.base import Connection, Transaction

# Letters in one transaction, and bytes of their values: other writers wait for it.
AT_ONCE: Final = 100
MAX_BYTES: Final = 1_048_576

_KEY: Final = 'topic = :topic AND log = :log AND partition = :partition AND "offset" = :offset'
_ASK: Final = text(
    "UPDATE dead_letters SET asked = :asked, asked_by = :by, replayed = NULL, outcome = NULL, outcome_detail = NULL"  # noqa: S608 - names of our own
    f" WHERE {_KEY}"
)
_DELETE: Final = text(f"DELETE FROM dead_letters WHERE {_KEY}")  # noqa: S608 - names of our own


class Asked(Struct, frozen=True):
    """Letters whose replay was asked for, and how many were left out, by the reason."""

    asked: int
    left_out: dict[str, int]


class _Chosen(Struct, frozen=True, omit_defaults=True):
    """Letters of a command, for the audit: those that were named, or the choice."""

    count: int
    letters: Sequence[str] = ()
    choice: Chosen | None = None


async def find_letters(connection: Connection | Transaction, ids: Sequence[str]) -> list[Letter]:
    """Find letters by their ids as typed, each once.

    Raises:
        LetterNotFoundError: There is none with one of the ids.
        SenselessCommandError: One is no id, or may mean several letters.
    """
    keys = {await _key(connection, _parsed(each), each): None for each in ids}
    found = [await read_letter(connection, key) for key in keys]
    return [each for each in found if each is not None]


async def ask_replay(door: Door, author: Author, ids: Sequence[str], *, again: bool) -> Asked:
    """Ask for the replay of some letters: of all of them, or of none.

    Args:
        door: Door to the database.
        author: Person who commands.
        ids: Ids of the letters, as typed.
        again: True for those too that were replayed already.

    Raises:
        LetterNotFoundError: There is no such letter.
        SenselessCommandError: One is no id, or may mean several letters.
        ReplayRefusedError: One cannot be replayed.
        StoreError: See Door.carry_out.
    """

    async def work(desk: Desk) -> Asked | PatientServiceException:
        letters = await find_letters(desk.transaction, ids)
        for each in letters:
            why = obstacle(each, again=again)
            if why is not None:
                await desk.note(why)
                return ReplayRefusedError(each.place, _REFUSALS[why])
        await _ask(desk, letters)
        await desk.note(DONE, after=_named(letters))
        return Asked(len(letters), {})

    return await door.carry_out("replay", author, work)


async def ask_replay_of(
    door: Door, author: Author, chosen: Chosen, *, again: bool, after: LetterPlace | None = None
) -> tuple[Asked, LetterPlace | None]:
    """Ask for the replay of some of the chosen letters, and leave out those that cannot be replayed.

    Args:
        door: Door to the database.
        author: Person who commands.
        chosen: Choice of letters.
        again: True for those too that were replayed already.
        after: The place up to which the call before has come; None for the first call.

    Returns:
        What was done, and the place up to which; None once nothing is left.

    Raises:
        StoreError: See Door.carry_out.
    """

    async def work(desk: Desk) -> tuple[Asked, LetterPlace | None]:
        page = await _some(desk.transaction, chosen, after)
        obstacles = [obstacle(each, again=again) for each in page.letters]
        letters = [each for each, why in zip(page.letters, obstacles, strict=True) if why is None]
        await _ask(desk, letters)
        await desk.note(DONE if letters else UNCHANGED, after=_Chosen(len(letters), choice=chosen))
        return Asked(len(letters), dict(Counter(why for why in obstacles if why is not None))), page.last

    return await door.carry_out("replay", author, work)


async def purge(door: Door, author: Author, ids: Sequence[str]) -> int:
    """Delete some letters. Returns their number.

    Raises:
        LetterNotFoundError: There is no such letter.
        SenselessCommandError: One is no id, or may mean several letters.
        StoreError: See Door.carry_out.
    """

    async def work(desk: Desk) -> int:
        letters = await find_letters(desk.transaction, ids)
        await _delete(desk.transaction, letters)
        await desk.note(DONE, before=_named(letters))
        return len(letters)

    return await door.carry_out("purge", author, work)


async def purge_of(
    door: Door, author: Author, chosen: Chosen, *, after: LetterPlace | None = None
) -> tuple[int, LetterPlace | None]:
    """Delete some of the chosen letters, the newest first: as `ask_replay_of`. Returns their number, and the place."""

    async def work(desk: Desk) -> tuple[int, LetterPlace | None]:
        page = await _some(desk.transaction, chosen, after)
        await _delete(desk.transaction, page.letters)
        await desk.note(DONE if page.letters else UNCHANGED, before=_Chosen(len(page.letters), choice=chosen))
        return len(page.letters), page.last

    return await door.carry_out("purge", author, work)


# Obstacles to a replay: as they are counted, and as a person is told.
CUT: Final = "cut"
NO_VALUE: Final = "no-value"
WAITS: Final = "waits"
REPLAYED: Final = "replayed"
_REFUSALS: Final = {
    CUT: "only the first 64 KiB of its value were kept: send the record anew",
    NO_VALUE: "it was kept without a value",
    WAITS: "its replay is asked for already: the sink does it when it runs",
    REPLAYED: "it was replayed already: add --again to replay it once more",
}


def obstacle(letter: Letter, *, again: bool) -> str | None:
    """Return why a letter cannot be replayed; None if it can be."""
    if letter.kept is None:
        return NO_VALUE
    if letter.is_cut:
        return CUT
    if letter.asked is not None and letter.replayed is None:
        return WAITS
    return REPLAYED if letter.replayed is not None and not again else None


async def _some(transaction: Transaction, chosen: Chosen, after: LetterPlace | None) -> LetterPage:
    """Read as many letters as one transaction takes."""
    page = await letter_page(transaction, chosen, limit=AT_ONCE, after=after)
    sums = accumulate(each.kept or 0 for each in page.letters)
    count = max(1, sum(each <= MAX_BYTES for each in sums))
    if count >= len(page.letters):
        return page
    last = page.letters[count - 1]
    return LetterPage(page.letters[:count], LetterPlace(last.arrived, last.place))


async def _key(connection: Connection | Transaction, parsed: LetterId, typed: str) -> LetterKey:
    match await matching_keys(connection, parsed):
        case [key]:
            return key
        case []:
            raise LetterNotFoundError(typed)
        case keys:
            raise SenselessCommandError(f"{typed} may mean {' or '.join(map(str, keys[:3]))}: write it with its log")


def _parsed(typed: str) -> LetterId:
    try:
        return parse_id(typed)
    except ValueError as exc:
        raise SenselessCommandError(str(exc)) from exc


async def _ask(desk: Desk, letters: Sequence[Letter]) -> None:
    if letters:
        told = {"asked": desk.now, "by": desk.author.by}
        await desk.transaction.execute(_ASK, [{**each.place.values, **told} for each in letters])


async def _delete(transaction: Transaction, letters: Sequence[Letter]) -> None:
    if letters:
        await transaction.execute(_DELETE, [each.place.values for each in letters])


def _named(letters: Sequence[Letter]) -> _Chosen:
    return _Chosen(len(letters), [str(each.place) for each in letters])
