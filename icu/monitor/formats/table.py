"""The formats that there are, by the word that asks for them: a new one is its file, and its line here."""

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from icu.monitor.formats import columns, csv, parquet, rows
from icu.store.history.patient import History

FormatName: TypeAlias = Literal["json", "ndjson", "columns", "csv", "parquet"]


def _nothing() -> None:
    """Nothing that could be missing."""


class Format(NamedTuple):
    """A form of a whole history."""

    media_type: str
    # The body, made while it is sent.
    pieces: Callable[[History], AsyncGenerator[bytes, None]]
    # End of the name of the file that it is saved as; None where browsers show it.
    suffix: str | None = None
    compressible: bool = True
    # Raises FormatUnavailableError where a library is missing. Blocks: it imports that.
    check: Callable[[], None] = _nothing


FORMATS: Final[Mapping[FormatName, Format]] = {
    "json": Format("application/json", rows.array),
    "ndjson": Format("application/x-ndjson", rows.lines),
    "columns": Format("application/json", columns.pieces),
    "csv": Format("text/csv; charset=utf-8", csv.pieces, suffix="csv"),
    "parquet": Format(
        "application/vnd.apache.parquet",
        parquet.pieces,
        suffix="parquet",
        compressible=False,
        check=parquet.check,
    ),
}
