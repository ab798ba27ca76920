"""Export of simulated data sets to files: the vitals and, on request, the labels (true states), row for row."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias

from icu.study import csv_text, parquet
from icu.study.output import open_output
from icu.study.simulation import Block, Plan, blocks

_Write: TypeAlias = Callable[[Block], None]
_Opened: TypeAlias = Callable[[BinaryIO], AbstractContextManager[_Write]]


def export(plan: Plan, *, out: Path | None, labels: Path | None, on_rows: Callable[[int], None] | None = None) -> None:
    """Write the data set.

    Args:
        plan: Size and contents of the data set.
        out: File of the vitals, Parquet by its suffix, else CSV; None for CSV on standard output.
        labels: File of the labels; None for none.
        on_rows: Called with the number of rows simulated since its last call.

    Raises:
        UsageError: The data set would begin or end at an impossible time.
        UnknownScenarioError: There is no such scenario.
        ConfigurationError: A file cannot be made, or Parquet is not installed.
        OutputError: A file cannot be written.
    """
    with ExitStack() as stack:
        # Before the files, so that a mistake in the plan leaves none behind.
        course = blocks(plan, labelled=labels is not None, on_rows=on_rows)
        writes = [_opened(stack, out, _csv(csv_text.VITALS, csv_text.vitals), parquet.vitals)]
        if labels is not None:
            writes.append(_opened(stack, labels, _csv(csv_text.LABELS, csv_text.labels), parquet.labels))
        for block in course:
            for write in writes:
                write(block)


def _opened(stack: ExitStack, path: Path | None, as_csv: _Opened, as_parquet: _Opened) -> _Write:
    if path is None:
        return stack.enter_context(as_csv(sys.stdout.buffer))
    chosen = as_parquet if path.suffix.lower() == parquet.SUFFIX else as_csv
    file = stack.enter_context(open_output(path))
    return stack.enter_context(chosen(file))


def _csv(header: bytes, text: Callable[[Block], bytes]) -> _Opened:
    @contextmanager
    def opened(file: BinaryIO) -> Iterator[_Write]:
        def write(block: Block) -> None:
            file.writelines(text(piece) for piece in block.pieces(csv_text.PIECE))

        file.write(header)
        yield write

    return opened
