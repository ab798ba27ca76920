"""Entries of the journal, of this program and of others."""

import msgspec

from icu.store import journal
from icu.store.tables import COLUMNS

ROW = tuple(range(len(COLUMNS)))


def test_rows_come_back() -> None:
    """An entry of this program returns its rows, and names their columns."""
    payload = journal.encode([ROW, ROW])
    assert journal.decode(payload) == [ROW, ROW]
    assert msgspec.msgpack.decode(payload)[:2] == ["readings", list(COLUMNS)]


def test_entries_of_other_versions_are_read_by_name() -> None:
    """A missing column is None; unknown columns and their order do not matter."""
    columns = ["flags", *reversed(COLUMNS[:-1])]
    payload = msgspec.msgpack.encode(["readings", columns, [[1, *reversed(ROW[:-1])]]])
    assert journal.decode(payload) == [(*ROW[:-1], None)]


def test_entries_of_another_kind_hold_no_rows() -> None:
    """Entries of another kind hold no rows, whatever follows the kind."""
    assert [list(journal.decode(msgspec.msgpack.encode(["alarms", *rest]))) for rest in ([], [[1], 2, "x"])] == [[], []]
