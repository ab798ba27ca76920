"""A history as Parquet, by pyarrow, an extra: `simulate`'s columns, and what is said of the values."""

from collections.abc import AsyncGenerator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from anyio import to_thread

from icu.monitor.errors import FormatUnavailableError
from icu.monitor.formats.data_sets import Column, columns
from icu.store.history.buckets import Slice
from icu.store.history.patient import History

if TYPE_CHECKING:
    import pyarrow as pa


def check() -> None:
    """FormatUnavailableError without pyarrow. Blocks: it imports that."""
    _arrow()


async def pieces(history: History) -> AsyncGenerator[bytes, None]:
    """The file: a row group for each slice, and at the end what tells where they are."""
    file = await to_thread.run_sync(_File, history)
    async for rows in history.slices():
        yield await to_thread.run_sync(file.write, rows)
    yield await to_thread.run_sync(file.end)


class _Arrow(NamedTuple):
    """The modules of pyarrow."""

    pa: ModuleType
    parquet: ModuleType


def _arrow() -> _Arrow:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra, and slow to import
        from pyarrow import parquet  # noqa: PLC0415 - as above
    except ImportError as exc:
        raise FormatUnavailableError("parquet", "pyarrow") from exc
    return _Arrow(pa, parquet)


class _File:
    """A file that is written to memory, from where it is taken part by part."""

    def __init__(self, history: History) -> None:
        self._arrow = _arrow()
        self._patient = str(history.uuid)
        self._columns = columns(history)
        self._has_quality = history.every is None
        self._buffer = _Buffer()
        self._schema = self._arrow.pa.schema(self._fields())
        self._writer = self._arrow.parquet.ParquetWriter(self._buffer, self._schema, compression="zstd")

    def write(self, rows: Slice) -> bytes:
        """Write the next rows; returns what of the file is ready."""
        pa = self._arrow.pa
        arrays = [
            pa.array([self._patient] * rows.count),
            pa.array(msgspec.json.decode(rows.columns["timestamp"]), pa.timestamp("ms", tz="UTC")),
            *(self._values(each, rows) for each in self._columns),
        ]
        if self._has_quality:
            arrays.append(pa.array(msgspec.json.decode(rows.columns["quality"]), pa.string()))
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        return self._buffer.take()

    def end(self) -> bytes:
        """Return the end of the file."""
        self._writer.close()
        return self._buffer.take()

    def _fields(self) -> "Sequence[tuple[str, pa.DataType]]":
        pa = self._arrow.pa
        fields = [("patient_uuid", pa.string()), ("timestamp", pa.timestamp("ms", tz="UTC"))]
        fields += [(each.header, pa.int64() if each.is_count else pa.float64()) for each in self._columns]
        return [*fields, ("quality", pa.string())] if self._has_quality else fields

    def _values(self, column: Column, rows: Slice) -> "pa.Array":
        pa = self._arrow.pa
        numbers = msgspec.json.decode(rows.columns[column.name])
        if column.is_count:
            return pa.array(numbers, pa.int64())
        # As everywhere: the very floating-point number that the decimal text means.
        return pa.array([None if each is None else each / 100 for each in numbers], pa.float64())


class _Buffer:
    """A file that is written to once, and forgets what was taken. Its methods are those that pyarrow calls."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: Any) -> int:  # noqa: ANN401 - whatever has a buffer
        """Take a part, which pyarrow may use for something else afterwards."""
        self._parts.append(bytes(part))
        return len(self._parts[-1])

    def flush(self) -> None:
        """Do nothing: no file lies behind it."""

    def close(self) -> None:
        """Keep the bytes that were written: they are still to be taken."""

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
