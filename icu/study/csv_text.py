"""Data sets as CSV, millions of rows a second.

There is no Python object for each value: cells of fixed width stand in one array, padded with NUL, and then all NUL are
deleted.
"""

import csv
import io
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from icu.patient.patients import Truth
from icu.study.simulation import HIGHEST, SIGNS, UNITS, Block

Cells: TypeAlias = NDArray[np.bytes_]

# Header of the vitals.
VITALS: Final = f"patient_uuid,timestamp,{','.join(SIGNS)}\n".encode()
# Header of the labels.
LABELS: Final = f"patient_uuid,timestamp,{','.join(Truth._fields)}\n".encode()

# Rows written at once: as many as fit in the processor's cache.
PIECE: Final = 65_536


def vitals(block: Block) -> bytes:
    """Format the signs of a block as lines; a missing value is an empty cell."""
    return _lines(block, [table[block.values[:, :, place]] for place, table in enumerate(_TABLES)])


def labels(block: Block) -> bytes:
    """Format the true states of a labelled block as lines, in the order of its vitals."""
    return _lines(block, [np.array([_line(each) for each in block.truths])[block.labels]])


def _lines(block: Block, rest: Sequence[Cells]) -> bytes:
    uuids = np.array([f"{each},".encode() for each in block.uuids])[:, None]
    # The form in which msgspec writes them in the API.
    times = np.array([f"{each.isoformat().removesuffix('+00:00')}Z,".encode() for each in block.times])[None]
    cells = [uuids, times, *rest]
    rows = np.zeros((len(block.uuids), len(block.times)), [(f"cell{n}", each.dtype) for n, each in enumerate(cells)])
    for name, each in zip(rows.dtype.names or (), cells, strict=True):
        rows[name] = each
    return rows.tobytes().translate(None, b"\0")


def _table(place: int) -> Cells:
    """Format the values 0, 1, 2 ... of a sign, and last, where the index MISSING (-1) finds it, the empty cell."""
    end = "\n" if place == len(SIGNS) - 1 else ","
    unit = UNITS[place]
    whole = range(HIGHEST[place] * unit + 1)
    return np.array([*(f"{each if unit == 1 else each / unit}{end}".encode() for each in whole), end.encode()])


_TABLES: Final = [_table(place) for place in range(len(SIGNS))]


def _line(truth: Truth) -> bytes:
    # By the csv module, which quotes: there is a comma between two events.
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(truth)
    return text.getvalue().encode()
