"""Dead letters as they are read: page by page, the newest first, and counted by reason."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct
from sqlalchemy import TextClause, text

from icu.store.dead_letters.ids import LetterKey
from icu.store.engines.base import Connection, Transaction

Headers = tuple[tuple[str, bytes], ...]

# Conditions in SQL, by the values that they need; `replayed` needs none.
_CHOSEN: Final = {
    "reason": "reason = :reason",
    "since": "arrived >= :since",
    "before": "arrived < :before",
    "partition": "partition = :partition",
}
_REPLAYED: Final = {True: "replayed IS NOT NULL", False: "replayed IS NULL"}
_PLACE: Final = 'arrived, topic, log, partition, "offset"'
_AFTER: Final = f"({_PLACE}) < (:after, :topic, :log, :at, :offset)"
_COLUMNS: Final = (
    'topic, log, partition, "offset", reason, detail, key, length(value), size, headers, arrived, asked, asked_by,'
    " replayed, outcome, outcome_detail"
)
_ONE: Final = text(
    f"SELECT {_COLUMNS}, value FROM dead_letters"  # noqa: S608 - names of our own
    ' WHERE topic = :topic AND log = :log AND partition = :partition AND "offset" = :offset'
)


class Letter(Struct, frozen=True):
    """Dead letter. Times are milliseconds since 1970 UTC."""

    place: LetterKey
    reason: str
    detail: str
    key: bytes | None
    # Bytes of the value that were kept; None if none were, or there was no value.
    kept: int | None
    # Bytes of the whole value.
    size: int
    headers: Headers
    arrived: int
    # When a person asked for a replay, and the name as typed; None if nobody did.
    asked: int | None
    asked_by: str | None
    # When the sink replayed it; None before.
    replayed: int | None
    # stored, duplicate, or the reason of the new refusal; and its explanation.
    outcome: str | None
    outcome_detail: str | None
    # None where it was not asked for, too.
    value: bytes | None

    @property
    def is_cut(self) -> bool:
        """True if the value was too long to be kept whole."""
        return self.kept is not None and self.kept < self.size


class Chosen(Struct, frozen=True):
    """Choice of dead letters. None chooses all."""

    reason: str | None = None
    # Arrivals, in milliseconds since 1970: from `since` on, and before `before`.
    since: int | None = None
    before: int | None = None
    partition: int | None = None
    replayed: bool | None = None


class LetterPlace(NamedTuple):
    """Place of a letter in the order of the lists."""

    arrived: int
    key: LetterKey


class LetterPage(Struct, frozen=True):
    """Some dead letters, the newest first."""

    letters: Sequence[Letter]
    # Place of the last one, behind which the next page goes on; None where there is none.
    last: LetterPlace | None


class ReasonCount(Struct, frozen=True):
    """Letters of one reason."""

    reason: str
    count: int
    # Arrival of the newest, in milliseconds since 1970 UTC.
    newest: int


async def letter_page(
    connection: Connection | Transaction,
    chosen: Chosen,
    *,
    limit: int,
    after: LetterPlace | None = None,
    with_values: bool = False,
) -> LetterPage:
    """Read up to `limit` letters, behind a place.

    Args:
        connection: Connection for reading.
        chosen: Choice of letters.
        limit: The most letters to return.
        after: The last place of the page before; None for the first page.
        with_values: True for their values too, of up to 64 KiB each.
    """
    statement = _page(_given(chosen), chosen.replayed, is_first=after is None, with_values=with_values)
    rows = await connection.rows(statement, {**_values(chosen), **_bound(after), "limit": limit + 1})
    letters = [_letter(row) for row in rows[:limit]]
    last = LetterPlace(letters[-1].arrived, letters[-1].place) if len(rows) > limit else None
    return LetterPage(letters, last)


async def read_letter(connection: Connection | Transaction, key: LetterKey) -> Letter | None:
    """Read one letter with its value; None if there is none of this key."""
    rows = await connection.rows(_ONE, key.values)
    return _letter(rows[0]) if rows else None


async def count_reasons(connection: Connection | Transaction, chosen: Chosen) -> list[ReasonCount]:
    """Count the letters by reason, the most frequent first."""
    rows = await connection.rows(_counts(_given(chosen), chosen.replayed), _values(chosen))
    return [ReasonCount(*row) for row in rows]


def decode_headers(stored: bytes | None) -> Headers:
    """Decode the headers of a record, as `icu.store.dead_letters.inserting` encodes them."""
    return () if stored is None else msgspec.msgpack.decode(stored, type=Headers)


def _values(chosen: Chosen) -> dict[str, object]:
    found = {name: getattr(chosen, name) for name in _CHOSEN}
    return {name: value for name, value in found.items() if value is not None}


def _given(chosen: Chosen) -> tuple[str, ...]:
    return tuple(_values(chosen))


def _bound(after: LetterPlace | None) -> dict[str, object]:
    if after is None:
        return {}
    key = after.key
    return {"after": after.arrived, "topic": key.topic, "log": key.log, "at": key.partition, "offset": key.offset}


@cache
def _page(names: tuple[str, ...], replayed: bool | None, *, is_first: bool, with_values: bool) -> TextClause:
    conditions = [] if is_first else [_AFTER]
    order = ", ".join(f"{name} DESC" for name in _PLACE.split(", "))
    return text(
        f"SELECT {_COLUMNS}, {'value' if with_values else 'NULL'} FROM dead_letters"  # noqa: S608 - names of our own
        f"{_where(names, replayed, conditions)} ORDER BY {order} LIMIT :limit"
    )


@cache
def _counts(names: tuple[str, ...], replayed: bool | None) -> TextClause:
    return text(
        f"SELECT reason, count(*), max(arrived) FROM dead_letters{_where(names, replayed)}"  # noqa: S608 - names of our own
        " GROUP BY reason ORDER BY count(*) DESC, reason"
    )


def _where(names: Sequence[str], replayed: bool | None, more: Sequence[str] = ()) -> str:
    conditions = [*(_CHOSEN[name] for name in names), *([] if replayed is None else [_REPLAYED[replayed]]), *more]
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _letter(row: Sequence[Any]) -> Letter:
    topic, log, partition, offset, reason, detail, key, kept, size, headers, *rest = row
    place = LetterKey(topic, log, partition, offset)
    return Letter(place, reason, detail, key, kept, size, decode_headers(headers), *rest)
