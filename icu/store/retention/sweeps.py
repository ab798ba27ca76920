"""Kinds of what is deleted: how to find the oldest of each, and to delete what was found.

What is found is deleted in a later transaction: nobody has to wait for the search, and nothing old comes in between.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct
from sqlalchemy import TextClause, text

from icu.alarms.tally import BEGUN
from icu.store.engines.base import Values

# Columns of the state of the upkeep.
Horizon: TypeAlias = Literal["raw_horizon", "minute_horizon", "hour_horizon"]


class Sweep(Struct, frozen=True):
    """Deleting of one kind."""

    # For figures and the log.
    kind: str
    # Key of [retention].
    setting: str
    # Finds up to :most that are older than :until, behind the patient :after where they have patients.
    find: TextClause
    delete: TextClause
    # Parameters of `delete`: the first columns that `find` returns.
    keys: tuple[str, ...]
    # Horizon that moves with it; None where what is left says by itself how far back it goes.
    horizon: Horizon | None = None
    # Statement for each of what was found, after it is deleted.
    afterwards: TextClause | None = None

    def values(self, found: Sequence[Sequence[Any]], until: int) -> list[Values]:
        """Return the parameters for what was found before `until`."""
        return [dict(zip(self.keys, row, strict=False), until=until) for row in found]


def _of_patients(table: str, time: str, beyond: str = "") -> tuple[TextClause, TextClause]:
    """Statements for rows of patients and times: the first ones of each patient, as a range, with their number."""
    find = text(
        f"SELECT patient, max(time), count(*) FROM (SELECT patients.id AS patient, rows.{time} AS time"  # noqa: S608 - names of our own
        # Joined in this order: of each patient the oldest rows are the first ones of the key.
        f" FROM patients CROSS JOIN {table} AS rows WHERE patients.id >= :after AND rows.patient_id = patients.id"
        f" AND rows.{time} < :until{beyond} ORDER BY patients.id, rows.{time} LIMIT :most) AS firsts GROUP BY patient"
    )
    return find, text(f"DELETE FROM {table} WHERE patient_id = :patient AND {time} <= :last{beyond}")  # noqa: S608 - names of our own


def _rows_of(kind: str, table: str, time: str, *, horizon: Horizon) -> Sweep:
    find, delete = _of_patients(table, time)
    return Sweep(kind, horizon.removesuffix("_horizon"), find, delete, ("patient", "last"), horizon)


def _counts() -> Sweep:
    # The hour 0 holds no count, but up to where they are.
    find, delete = _of_patients("alarm_counts", "hour", " AND hour > 0")
    return Sweep("alarm_counts", "alarms", find, delete, ("patient", "last"), afterwards=_COUNTED_FROM)


# Times before are not known any more, where the statistics would find none.
_COUNTED_FROM: Final = text(
    "INSERT INTO alarm_counts (patient_id, hour, kind, subject, amount)"  # noqa: S608 - a name of our own
    f" VALUES (:patient, 0, '{BEGUN}', '', :until) ON CONFLICT (patient_id, hour, kind, subject) DO UPDATE"
    " SET amount = CASE WHEN alarm_counts.amount < excluded.amount THEN excluded.amount ELSE alarm_counts.amount END"
)
# A letter that a person wants to be replayed stays until it is.
_IS_OLD_LETTER: Final = "arrived < :until AND (asked IS NULL OR replayed IS NOT NULL)"
_DEAD_LETTERS: Final = Sweep(
    "dead_letters",
    "dead_letters",
    text(f'SELECT topic, log, partition, "offset" FROM dead_letters WHERE {_IS_OLD_LETTER} LIMIT :most'),  # noqa: S608 - our own
    text(
        "DELETE FROM dead_letters WHERE topic = :topic AND log = :log AND partition = :partition"  # noqa: S608 - our own
        f' AND "offset" = :offset AND {_IS_OLD_LETTER}'
    ),
    ("topic", "log", "partition", "offset"),
)
# An alarm begins before it ends, and its beginning has an index. Events that wait to be published name their patient
# by it.
_ALARMS: Final = Sweep(
    "alarms",
    "alarms",
    text(
        "SELECT id FROM alarms WHERE onset < :until AND ended < :until AND id NOT IN (SELECT alarm FROM outbox)"
        " ORDER BY onset LIMIT :most"
    ),
    text("DELETE FROM alarms WHERE id = :id AND ended < :until"),
    ("id",),
)
# The last line stays: the database gives its number again otherwise, and the sink looks for lines behind it.
_AUDIT: Final = Sweep(
    "audit",
    "audit",
    text("SELECT id FROM audit WHERE at < :until AND id < (SELECT max(id) FROM audit) ORDER BY id LIMIT :most"),
    text("DELETE FROM audit WHERE id = :id"),
    ("id",),
)
# Those of an older program have no time: they go with the first one behind them.
_OUTBOX: Final = Sweep(
    "outbox",
    "outbox",
    text(
        "SELECT sequence FROM outbox WHERE written < :until OR written IS NULL"
        " AND sequence < (SELECT max(sequence) FROM outbox WHERE written < :until) ORDER BY sequence LIMIT :most"
    ),
    text("DELETE FROM outbox WHERE sequence = :sequence"),
    ("sequence",),
)

# In this order: no horizon passes the one before it.
SWEEPS: Final = (
    _rows_of("raw", "patient_metrics", "timestamp", horizon="raw_horizon"),
    _rows_of("minute", "minute_rollups", "bucket", horizon="minute_horizon"),
    _rows_of("hour", "hour_rollups", "bucket", horizon="hour_horizon"),
    _OUTBOX,
    _ALARMS,
    _counts(),
    _AUDIT,
    _DEAD_LETTERS,
)
