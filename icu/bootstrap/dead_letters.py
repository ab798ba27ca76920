"""Dead letters of the configured database, for the command line."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Final, TypeVar

import msgspec
from anyio.from_thread import BlockingPortal, start_blocking_portal

from icu.config.settings import Settings
from icu.store.commands import dead_letters
from icu.store.commands.dead_letters import Asked
from icu.store.commands.door import Author, Door
from icu.store.dead_letters.entries import DeadLetterEntry, letter_entry
from icu.store.dead_letters.ids import LetterKey, Naming, find_naming
from icu.store.dead_letters.pages import Chosen, Letter, LetterPlace, ReasonCount, count_reasons, letter_page
from icu.store.engines.base import Connection
from icu.store.reader import Reader

T = TypeVar("T")

# Letters that are read at a time: with their values up to 6 MB.
AT_ONCE: Final = 100

# In the audit, where a command over HTTP has the address of its client.
SOURCE: Final = "command line"


class DeadLetters:
    """Dead letters as lists and values. Each method blocks until it is answered.

    Raises:
        SchemaError: There is no database, or its tables are of another version.
        StoreUnavailableError: The database cannot be read or written now.
    """

    def __init__(self, url: str, portal: BlockingPortal) -> None:
        self._reader = Reader(url)
        self._door = Door(url)
        self._portal = portal

    def close(self) -> None:
        """Close all connections."""
        self._portal.call(self._reader.aclose)

    def naming(self) -> Naming:
        """Read which parts ids need."""
        return self._ask(find_naming)

    def reasons(self, chosen: Chosen) -> list[ReasonCount]:
        """Count letters by reason, the most frequent first."""
        return self._ask(lambda connection: count_reasons(connection, chosen))

    def entries(
        self, chosen: Chosen, *, most: int, after: str | None = None
    ) -> Iterator[tuple[LetterKey, DeadLetterEntry]]:
        """Read letters without their values, the newest first.

        Args:
            chosen: Choice of letters.
            most: The most letters to read.
            after: Id of the letter behind which to begin; None for the newest.

        Raises:
            LetterNotFoundError: There is none with that id.
            SenselessCommandError: It is no id, or may mean several letters.
        """
        place = None if after is None else _place(self._find([after])[0])
        letters = islice(self._letters(chosen, after=place, with_values=False), most)
        return ((each.place, letter_entry(each)) for each in letters)

    def named(self, ids: Sequence[str]) -> list[tuple[LetterKey, DeadLetterEntry, bytes | None]]:
        """Read the letters of these ids, with the bytes of their values. Errors as of `entries`."""
        return [(each.place, letter_entry(each), each.value) for each in self._find(ids)]

    def lines(self, ids: Sequence[str], chosen: Chosen) -> Iterator[bytes]:
        """Encode letters as JSON, each without a line feed: those of the ids, or else the chosen ones."""
        letters = self._find(ids) if ids else self._letters(chosen, with_values=True)
        return (_encoder.encode(letter_entry(each)) for each in letters)

    def replay(self, ids: Sequence[str], by: str, *, again: bool) -> Asked:
        """Ask for the replay of letters: see icu.store.commands.dead_letters.ask_replay."""
        return self._portal.call(partial(dead_letters.ask_replay, self._door, Author(by, SOURCE), ids, again=again))

    def replay_chosen(self, chosen: Chosen, by: str, *, again: bool) -> Iterator[Asked]:
        """Ask for the replay of the chosen letters, some at a time."""
        after: LetterPlace | None = None
        while True:
            ask = partial(dead_letters.ask_replay_of, self._door, Author(by, SOURCE), chosen, again=again, after=after)
            asked, after = self._portal.call(ask)
            yield asked
            if after is None:
                return

    def purge(self, ids: Sequence[str], by: str) -> int:
        """Delete letters. Returns their number."""
        return self._portal.call(dead_letters.purge, self._door, Author(by, SOURCE), ids)

    def purge_chosen(self, chosen: Chosen, by: str) -> Iterator[int]:
        """Delete the chosen letters, some at a time."""
        after: LetterPlace | None = None
        while True:
            purge = partial(dead_letters.purge_of, self._door, Author(by, SOURCE), chosen, after=after)
            deleted, after = self._portal.call(purge)
            yield deleted
            if after is None:
                return

    def _find(self, ids: Sequence[str]) -> list[Letter]:
        return self._ask(lambda connection: dead_letters.find_letters(connection, ids))

    def _letters(self, chosen: Chosen, *, with_values: bool, after: LetterPlace | None = None) -> Iterator[Letter]:
        while True:
            page = self._ask(partial(letter_page, chosen=chosen, limit=AT_ONCE, after=after, with_values=with_values))
            yield from page.letters
            after = page.last
            if after is None:
                return

    def _ask(self, question: Callable[[Connection], Awaitable[T]]) -> T:
        async def ask() -> T:
            async with self._reader.connection(await self._reader.look()) as connection:
                return await question(connection)

        return self._portal.call(ask)


_encoder: Final = msgspec.json.Encoder()


def chosen(choice: Mapping[str, object]) -> Chosen:
    """Make a choice of letters from the options of a command."""
    return msgspec.convert(choice, Chosen)


def _place(letter: Letter) -> LetterPlace:
    return LetterPlace(letter.arrived, letter.place)


@contextmanager
def opened_letters(settings: Settings) -> Iterator[DeadLetters]:
    """Open the dead letters of the configured database."""
    with start_blocking_portal() as portal:
        letters = DeadLetters(settings.database.url, portal)
        try:
            yield letters
        finally:
            letters.close()
