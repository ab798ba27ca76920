"""A history as columns of whole numbers: the smallest JSON, and what charts draw from.

    {"t0": 1769860800000, "step": 5000, "scale": {"pulse": 10}, "columns": {"pulse": [720, null]}}

Times are milliseconds since 1970; `times` lists them where they are not evenly spaced, for nothing is filled in where
readings, or buckets, are missing. Values are multiplied by the scale: 100, or 10 where that is exact for every value of
the sign.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from anyio import to_thread

from icu.monitor.formats.series import Series, Spacing, is_empty
from icu.store.doubts import words_of
from icu.store.history.buckets import COUNTS, Slice, columns_of
from icu.store.history.patient import History
from icu.vitals.catalogue import SIGNS, Sign

# Characters.
_WORTH_SENDING: Final = 1_024

_times: Final = msgspec.json.Decoder(list[int])
_texts: Final = msgspec.json.Decoder(list[str | None])


async def pieces(history: History) -> AsyncGenerator[bytes, None]:
    """JSON. All is read before the first piece, which says what holds for every value."""
    held = HeldColumns(of_buckets=history.every is not None)
    async for each in history.slices():
        if held.counts:
            await to_thread.run_sync(held.add_packed, each)
        else:
            held.add(each)
    if len(held.counts) < 2:
        yield "".join(held.body()).encode()
        return
    for text in _gathered(held.body()):
        yield text.encode()


class HeldColumns:
    """Slices of a history, until it is known what holds for all of them.

    Those behind the first are held compressed: a million readings in some 10 MB.
    """

    def __init__(self, *, of_buckets: bool, signs: Sequence[Sign] = SIGNS) -> None:
        # Rows of each slice.
        self.counts: list[int] = []
        self._of_buckets = of_buckets
        self._signs = signs
        self._spacing = Spacing()
        self._times = Series(is_fine=True)
        # By sign, and what is told of it.
        self._values = {
            sign.name: {part: Series(is_fine=part in COUNTS) for part in columns_of(sign, of_buckets=of_buckets)}
            for sign in signs
        }
        # By the name of the sign, of those of which something is said; with the rows before that.
        self._words: dict[str, Series] = {}
        # The optional ones, in which there is something.
        self._found: set[str] = set()

    def add(self, rows: Slice) -> None:
        """Take the next rows."""
        self._spacing.add(_times.decode(rows.columns["timestamp"]))
        self._times.add(_items(rows.columns["timestamp"]), rows.count)
        for sign in self._signs:
            for part, name in columns_of(sign, of_buckets=self._of_buckets).items():
                items = _items(rows.columns[name])
                self._values[sign.name][part].add(items, rows.count)
                if sign.optional and not (items.strip("0,") == "" if part in COUNTS else is_empty(items, rows.count)):
                    self._found.add(sign.name)
        self._add_words(rows)
        self.counts.append(rows.count)

    def add_packed(self, rows: Slice) -> None:
        """Take the next rows, and compress them. It takes time."""
        self.add(rows)
        columns = [series for parts in self._values.values() for series in parts.values()]
        for each in (self._times, *columns, *self._words.values()):
            each.pack()

    def body(self) -> Iterator[str]:
        """The whole object, piece by piece."""
        yield "{"
        yield from self.members()
        yield "}"

    def members(self) -> Iterator[str]:
        """The object without its braces, piece by piece."""
        if self._spacing.step is None:
            yield '"times":'
            yield from self._times.joined(tenths=False)
        else:
            yield f'"t0":{self._spacing.first},"step":{self._spacing.step}'
        signs = [sign for sign in self._signs if not sign.optional or sign.name in self._found]
        yield f',"scale":{_json({sign.name: 10 if self._has_tenths(sign) else 100 for sign in signs})},"columns":'
        yield from _object({sign.name: self._column(sign) for sign in signs})
        words = {sign.name: self._words[sign.name] for sign in signs if sign.name in self._words}
        if words:
            yield ',"quality":'
            yield from _object({name: series.joined(tenths=False) for name, series in words.items()})

    def _column(self, sign: Sign) -> Iterator[str]:
        tenths = self._has_tenths(sign)
        arrays = {
            part: series.joined(tenths=tenths and part not in COUNTS)
            for part, series in self._values[sign.name].items()
        }
        return _object(arrays) if self._of_buckets else arrays[""]

    def _has_tenths(self, sign: Sign) -> bool:
        return not any(series.is_fine for part, series in self._values[sign.name].items() if part not in COUNTS)

    def _add_words(self, rows: Slice) -> None:
        """Take what is said of the values, in the texts that the store keeps."""
        texts = _texts.decode(rows.columns["quality"]) if '"' in rows.columns.get("quality", "") else []
        known = {text: words_of(text) for text in set(texts) if text is not None}
        # What is said of a pressure is said of its mean too, whether there is one or not.
        self._found.update(
            each.name for each in SIGNS if each.optional and any(f'"{each.field}":' in text for text in known)
        )
        for sign in {sign for words in known.values() for sign in words} - self._words.keys():
            self._words[sign] = Series(is_fine=True)
            for count in self.counts:
                self._words[sign].add(_nothing(count), count)
                self._words[sign].pack()
        for sign, series in self._words.items():
            said = {text: words.get(sign) for text, words in known.items()}
            items = _items(_json([None if text is None else said[text] for text in texts]))
            series.add(items or _nothing(rows.count), rows.count)


def _nothing(count: int) -> str:
    """So many items that are null."""
    return ",".join(["null"] * count)


def _items(array: str) -> str:
    """Items of a JSON array."""
    return array[1:-1]


def _gathered(texts: Iterator[str]) -> Iterator[str]:
    """Texts put together until they are worth sending."""
    some: list[str] = []
    for text in texts:
        some.append(text)
        if len(text) >= _WORTH_SENDING:
            yield "".join(some)
            some.clear()
    yield "".join(some)


def _object(members: Mapping[str, Iterator[str]]) -> Iterator[str]:
    """A JSON object, piece by piece."""
    for place, (name, value) in enumerate(members.items()):
        yield f'{"," if place else "{"}"{name}":'
        yield from value
    yield "}"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
