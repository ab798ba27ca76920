"""Parquet files, written and read by pyarrow, an extra."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from icu.patient.errors import RecordingError
from icu.patient.patients import Truth
from icu.study.extras import extra
from icu.study.simulation import MISSING, SIGNS, UNITS, Block

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIX: Final = ".parquet"

# Rows of a row group, which readers skip or hold in memory as a whole.
_PIECE: Final = 2**20


@contextmanager
def vitals(file: BinaryIO) -> Iterator[Callable[[Block], None]]:
    """Open a Parquet file of vitals: whole numbers, the temperature as a float, null for a missing value.

    Yields:
        A function that writes a block.

    Raises:
        ConfigurationError: pyarrow is not installed.
    """
    pa = _arrow()
    kinds = {sign: pa.int16() if unit == 1 else pa.float64() for sign, unit in zip(SIGNS, UNITS, strict=True)}
    with _writer(file, kinds, _signs) as write:
        yield write


@contextmanager
def labels(file: BinaryIO) -> Iterator[Callable[[Block], None]]:
    """Open a Parquet file of labels, the patients' true states.

    Yields:
        A function that writes a labelled block.

    Raises:
        ConfigurationError: pyarrow is not installed.
    """
    pa = _arrow()
    kinds = {name: pa.int16() if name == "age" else pa.string() for name in Truth._fields}
    with _writer(file, kinds, _truths) as write:
        yield write


def _arrow() -> ModuleType:
    return extra("pyarrow", "Parquet")


@contextmanager
def _writer(
    file: BinaryIO, kinds: Mapping[str, "pa.DataType"], columns: Callable[[Block], list["pa.Array"]]
) -> Iterator[Callable[[Block], None]]:
    pa, parquet = _arrow(), extra("pyarrow.parquet", "Parquet")
    first = [("patient_uuid", pa.string()), ("timestamp", pa.timestamp("ms", tz="UTC"))]
    schema = pa.schema([*first, *kinds.items()])

    def write(block: Block) -> None:
        for piece in block.pieces(_PIECE):
            arrays = [*_keys(piece), *columns(piece)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema), row_group_size=_PIECE)

    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        yield write


def _keys(block: Block) -> list["pa.Array"]:
    """Make the columns patient_uuid and timestamp."""
    pa = _arrow()
    # Each uuid is made once and repeated by index, for millions of rows.
    patients = pa.array([str(each) for each in block.uuids])
    times = np.array([each.replace(tzinfo=None) for each in block.times], "datetime64[ms]")
    return [
        patients.take(pa.array(np.repeat(np.arange(len(patients)), len(times)))),
        pa.array(np.tile(times, len(patients)), pa.timestamp("ms", tz="UTC")),
    ]


def _signs(block: Block) -> list["pa.Array"]:
    pa = _arrow()
    columns = [block.values[:, :, place].ravel() for place in range(len(SIGNS))]
    return [
        pa.array(each if unit == 1 else each / unit, mask=each == MISSING)
        for each, unit in zip(columns, UNITS, strict=True)
    ]


def _truths(block: Block) -> list["pa.Array"]:
    pa = _arrow()
    places = pa.array(block.labels.ravel())
    known = [pa.array([each[n] for each in block.truths]) for n in range(len(Truth._fields))]
    kinds = [pa.int16() if name == "age" else pa.string() for name in Truth._fields]
    return [values.cast(kind).take(places) for values, kind in zip(known, kinds, strict=True)]


class Batch:
    """Some rows of a file, column by column. A column is named by its place in the file."""

    def __init__(self, columns: Mapping[int, "pa.Array"]) -> None:
        self._columns = columns

    def texts(self, place: int) -> tuple[NDArray[np.int32], list[object]]:
        """Read a column of names.

        Returns:
            Index of each row's name, -1 where it has none; and the names.
        """
        column = self._columns[place]
        coded = column if isinstance(column, _arrow().DictionaryArray) else column.dictionary_encode()
        return coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), coded.dictionary.to_pylist()

    def seconds(self, place: int, unit: float) -> NDArray[np.float64]:
        """Read a column of times as seconds.

        Args:
            place: Dates, texts of dates, or numbers.
            unit: Seconds in a unit of the numbers.

        Returns:
            Seconds since 1970 for dates; NaN where there is none.
        """
        pa, column = _arrow(), self._columns[place]
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = column.cast(pa.timestamp("ms", "UTC"))
        if not pa.types.is_timestamp(column.type):
            return _floats(column) * unit
        return _floats(column.cast(pa.timestamp("ms", column.type.tz), safe=False).cast(pa.int64())) / 1_000

    def is_number(self, place: int) -> bool:
        """Tell if a column holds numbers, and no dates."""
        pa, kind = _arrow(), self._columns[place].type
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))

    def numbers(self, place: int) -> NDArray[np.float64]:
        """Read a column of values; NaN where there is none."""
        return _floats(self._columns[place])


class Table:
    """A Parquet file, opened for reading."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            OSError: It cannot be read.
            RecordingError: It is not Parquet.
        """
        parquet = extra("pyarrow.parquet", "Parquet")
        try:
            self._file = parquet.ParquetFile(path)
        except _arrow().ArrowInvalid as exc:
            raise RecordingError(f"{path} cannot be read as Parquet: {exc}") from exc
        self.names: Sequence[str] = self._file.schema_arrow.names

    def batches(self, places: Sequence[int]) -> Iterator[Batch]:
        """Read the rows, with the columns at these places only."""
        for batch in self._file.iter_batches(columns=[self.names[each] for each in places]):
            yield Batch({each: batch.column(self.names[each]) for each in places})

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _floats(column: "pa.Array") -> NDArray[np.float64]:
    values: NDArray[np.float64] = column.cast(_arrow().float64()).to_numpy(zero_copy_only=False)
    return values
