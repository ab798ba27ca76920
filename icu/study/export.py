"""Simulated data sets, written to files: the vitals, and on request what really went on, row for row."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias

from icu.study import csv_text, parquet
from icu.study.output import written
from icu.study.simulation import Block, Plan, blocks

_Write: TypeAlias = Callable[[Block], None]
_Opened: TypeAlias = Callable[[BinaryIO], AbstractContextManager[_Write]]


def export(plan: Plan, *, out: Path | None, labels: Path | None, told: Callable[[int], None] | None = None) -> None:
    """Write the data set; without a file, to standard output. `told` hears how many more rows have been simulated."""
    with ExitStack() as stack:
        course = blocks(plan, labelled=labels is not None, told=told)
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
    file = stack.enter_context(written(path))
    return stack.enter_context(chosen(file))


def _csv(header: bytes, text: Callable[[Block], bytes]) -> _Opened:
    @contextmanager
    def opened(file: BinaryIO) -> Iterator[_Write]:
        def write(block: Block) -> None:
            file.writelines(text(piece) for piece in block.pieces(csv_text.PIECE))

        file.write(header)
        yield write

    return opened
