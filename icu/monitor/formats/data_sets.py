"""Columns of data sets: the names and the order that `simulate` gives them, a value each."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from icu.store.history.buckets import COUNTS, columns_of
from icu.store.history.patient import History
from icu.vitals.catalogue import IN_DATA_SETS


class Column(NamedTuple):
    """A column of signs."""

    # In the data set: `sbp`, or `sbp_mean`.
    header: str
    # In the slices of the history.
    name: str
    # True where it holds numbers of readings; else it holds hundredths.
    is_count: bool


def columns(history: History) -> Sequence[Column]:
    """The columns of a history, behind patient and time."""
    return list(_columns(of_buckets=history.every is not None))


def _columns(*, of_buckets: bool) -> Iterator[Column]:
    for sign in IN_DATA_SETS:
        for part, name in columns_of(sign, of_buckets=of_buckets).items():
            yield Column(f"{sign.data_set}_{part}" if part else sign.data_set, name, part in COUNTS)
