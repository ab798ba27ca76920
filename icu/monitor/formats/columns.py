"""A history as columns of whole numbers: the smallest JSON, and what charts draw from.

    {"t0": 1769860800000, "step": 5000, "scale": {"pulse": 10}, "columns": {"pulse": [720, null]}}

Times are milliseconds since 1970; `times` lists them where they are not evenly spaced, for nothing is filled in where
readings, or buckets, are missing. Values are multiplied by the scale: 100, or 10 where that is exact for every value of
the sign.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Final

import msgspec
from anyio import to_thread

from icu.monitor.formats import series
from icu.store.doubts import words_of
from icu.store.history import COUNTS, History, Slice, columns_of
from icu.vitals.catalogue import SIGNS, Sign

# Characters.
_WORTH_SENDING: Final = 1_024

_times: Final = msgspec.json.Decoder(list[int])
_texts: Final = msgspec.json.Decoder(list[str | None])


async def pieces(history: History) -> AsyncGenerator[bytes, None]:
    """JSON. All is read before the first piece, which says what holds for every value."""
    held = _Held(of_buckets=history.every is not None)
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


class _Held:
    """Slices of a history, until it is known what holds for all of them.

    Those behind the first are held compressed: a million readings in some 10 MB.
    """

    def __init__(self, *, of_buckets: bool) -> None:
        # Rows of each slice.
        self.counts: list[int] = []
        self._of_buckets = of_buckets
        self._times = series.Times()
        # By column.
        self._items: dict[str, list[series.Items]] = defaultdict(list)
        # Words about each sign of which there are some, slice by slice.
        self._words: list[Mapping[str, series.Items]] = []
        # Signs with a value that has hundredths.
        self._fine: set[str] = set()
        # Signs of which there is something to tell; the optional ones are left out otherwise.
        self._known = {sign.name for sign in SIGNS if not sign.optional}

    def add(self, rows: Slice) -> None:
        """Take the next rows."""
        self.counts.append(rows.count)
        for name, array in rows.columns.items():
            if name != "quality":
                self._items[name].append(array[1:-1])
        self._times.add(_times.decode(rows.columns["timestamp"]))
        for sign in SIGNS:
            self._examine(sign, rows)
        self._words.append(self._words_of(rows.columns.get("quality", "")))

    def add_packed(self, rows: Slice) -> None:
        """Take the next rows, and compress them. It takes time."""
        self.add(rows)
        for items in self._items.values():
            items[-1] = series.pack(items[-1])
        self._words[-1] = {sign: series.pack(each) for sign, each in self._words[-1].items()}

    def body(self) -> Iterator[str]:
        """The whole answer, piece by piece."""
        step = self._times.step
        if step is None:
            yield '{"times":'
            yield from series.joined(self._items["timestamp"])
        else:
            yield f'{{"t0":{self._times.first},"step":{step}'
        signs = [sign for sign in SIGNS if sign.name in self._known]
        scales = {sign.name: 100 if sign.name in self._fine else 10 for sign in signs}
        yield f',"scale":{_json(scales)},"columns":'
        yield from _object({sign.name: self._column(sign) for sign in signs})
        doubted = [sign.name for sign in signs if any(sign.name in words for words in self._words)]
        if doubted:
            yield ',"quality":'
            yield from _object({name: series.joined(self._quality(name)) for name in doubted})
        yield "}"

    def _examine(self, sign: Sign, rows: Slice) -> None:
        """Note what the values of a sign need."""
        for part, name in columns_of(sign, of_buckets=self._of_buckets).items():
            items = rows.columns[name][1:-1]
            if part in COUNTS:
                known = items.strip("0,") != ""
            else:
                known = not series.is_empty(items, rows.count)
                if not series.has_tenths(items, rows.count):
                    self._fine.add(sign.name)
            if known:
                self._known.add(sign.name)

    def _words_of(self, qualities: str) -> dict[str, series.Items]:
        """Items of words by sign, from the texts that the store keeps."""
        if '"' not in qualities:
            return {}
        texts = _texts.decode(qualities)
        known = {text: words_of(text) for text in set(texts) if text is not None}
        # A word about a mean pressure, as of another, is one about a sign that is there.
        self._known.update(
            sign.name for sign in SIGNS if sign.optional and any(f'"{sign.field}":' in text for text in known)
        )
        signs = {sign for words in known.values() for sign in words}
        return {sign: _series({text: words.get(sign) for text, words in known.items()}, texts) for sign in signs}

    def _column(self, sign: Sign) -> Iterator[str]:
        tenths = sign.name not in self._fine
        arrays = {
            part: series.joined(self._items[name], tenths=tenths and part not in COUNTS)
            for part, name in columns_of(sign, of_buckets=self._of_buckets).items()
        }
        return _object(arrays) if self._of_buckets else arrays[""]

    def _quality(self, sign: str) -> list[series.Items]:
        return [
            words.get(sign) or ",".join(["null"] * count) for words, count in zip(self._words, self.counts, strict=True)
        ]


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


def _series(words: Mapping[str, str | None], texts: list[str | None]) -> str:
    return _json([None if text is None else words[text] for text in texts])[1:-1]


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
