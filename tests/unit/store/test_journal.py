"""Entries of the journal, of this program and of others."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from icu.store.journal import entries as journal
from icu.store.journal.entries import Entry, PatientNews
from icu.store.tables.readings import COLUMNS
from tests.samples import ANNA

ROW = tuple(range(len(COLUMNS)))


def test_rows_come_back() -> None:
    """An entry of this program returns its rows, and names their columns."""
    payload = journal.encode([ROW, ROW])
    assert journal.decode(payload) == Entry([ROW, ROW], introduced=True, complete=True)
    assert msgspec.msgpack.decode(payload)[:2] == ["readings", list(COLUMNS)]


def test_entries_of_other_versions_are_read_by_name() -> None:
    """A missing column is None; unknown columns and their order do not matter. Older ones introduce nobody."""
    columns = ["flags", *reversed(COLUMNS[:-1])]
    payload = msgspec.msgpack.encode(["readings", columns, [[1, *reversed(ROW[:-1])]]])
    assert journal.decode(payload) == Entry([(*ROW[:-1], None)])


def test_entries_of_this_version_are_read_by_older_ones() -> None:
    """They take the fields that they know, in the same places."""

    class Older(Struct, array_like=True):
        kind: str
        columns: tuple[str, ...]
        rows: Sequence[tuple[Any, ...]]

    assert msgspec.msgpack.decode(journal.encode([ROW]), type=Older) == Older("readings", COLUMNS, [ROW])


@pytest.mark.parametrize("rest", [[], [[1], 2, "x"]])
def test_entries_of_another_kind_say_nothing(rest: list[object]) -> None:
    """Entries of another kind hold no rows, whatever follows the kind, and may have changed anything."""
    assert journal.decode(msgspec.msgpack.encode(["beds", *rest])) == Entry()


@pytest.mark.parametrize(
    "news",
    [
        PatientNews(1, ANNA, "Anna", 5.0),
        PatientNews(1, ANNA, None, None),
        PatientNews(1, ANNA, name="Anna"),
        PatientNews(1, ANNA, interval=0.5),
    ],
)
def test_news_of_patients_come_back(news: PatientNews) -> None:
    """A field that was not stated differs from one that is None."""
    assert journal.decode(journal.encode_patients([news])) == Entry(news=[news], complete=True)


def test_an_entry_behind_which_others_may_have_written() -> None:
    """It says so, with news and without."""
    news = [PatientNews(1, ANNA)]
    assert journal.decode(journal.encode_patients(news, anew=True)) == Entry(news=news, anew=True)
    assert journal.decode(journal.encode_patients([], anew=True)) == Entry(news=[], anew=True)


def test_news_of_another_version_are_read_by_name() -> None:
    """A newer program may know more of a patient."""
    patient = {"ward": "A", "name": "Anna", "uuid": str(ANNA), "key": 7}
    payload = msgspec.msgpack.encode(["patients", [patient], False, 1])
    assert journal.decode(payload).news == [PatientNews(7, ANNA, "Anna")]
