"""Writing to the journal: the entries of a transaction, under numbers that rise by what each holds."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from sqlalchemy import text

from icu.store.engines.base import Transaction
from icu.store.journal.entries import AlarmNews, PatientNews, encode, encode_alarms, encode_patients
from icu.store.readings import ReadingRow

_RAISE_JOURNAL: Final = text("UPDATE journal_end SET batch = coalesce(batch, :begin) + :count RETURNING batch")
_INSERT_JOURNAL: Final = text("INSERT INTO journal (batch, payload) VALUES (:batch, :payload)")
_CUT_JOURNAL: Final = text("DELETE FROM journal WHERE batch <= :end")

# A full journal is cut each time that this part of it has been added: a statement for each batch is not worth it.
_PARTS: Final = 16


async def append_to_journal(
    transaction: Transaction,
    arrived: int,
    *,
    rows: Sequence[ReadingRow] = (),
    news: Sequence[PatientNews] = (),
    alarms: Sequence[AlarmNews] = (),
    anew: bool = False,
    keep: int | None = None,
) -> None:
    """Append what a transaction stores. To be called last: other writers wait from here to the commit.

    Args:
        transaction: Open transaction.
        arrived: Time of arrival, in milliseconds since 1970 UTC. A new journal begins at it.
        rows: New readings.
        news: Patients who are new, or changed.
        alarms: Events of alarms.
        anew: True if other programs may have changed the patients before.
        keep: Least number of readings in a full journal, to which it is cut now and then; None leaves that to the sink.
    """
    if not (rows or news or alarms or anew):
        return
    # Patients first: clients are told of a patient before they get the first reading. Each adds to the number:
    entries = [(1, encode_patients(news, anew=anew))] if news or anew else []
    if rows:
        entries.append((len(rows), encode(rows)))
    if alarms:
        entries.append((1, encode_alarms(alarms)))
    count = sum(added for added, _ in entries)
    [(end,)] = await transaction.rows(_RAISE_JOURNAL, {"begin": arrived, "count": count})
    numbers = accumulate((added for added, _ in entries), initial=end - count)
    next(numbers)
    values = [{"batch": number, "payload": payload} for number, (_, payload) in zip(numbers, entries, strict=True)]
    await transaction.execute(_INSERT_JOURNAL, values)
    if keep is not None and _is_due(end - count, end, every=max(keep // _PARTS, 1)):
        await transaction.execute(_CUT_JOURNAL, [{"end": end - keep}])


def _is_due(before: int, end: int, *, every: int) -> bool:
    """Tell if the journal has come past a multiple of `every`. Of several sinks one finds it so."""
    return before // every < end // every
