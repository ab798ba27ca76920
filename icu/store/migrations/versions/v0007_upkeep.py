"""Roll-ups, late hours and the state of the upkeep; replays of dead letters; age of events in the outbox."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
readable_from = "0004"  # older programs do not need them

_SIGNS: Final = ("pulse", "resp_rate", "systolic", "diastolic", "spo2", "temperature", "map")


def upgrade() -> None:
    """Apply."""
    _make_rollups("minute_rollups")
    _make_rollups("hour_rollups")
    op.create_table(
        "late_hours",
        sa.Column("patient_id", sa.Integer, sa.ForeignKey("patients.id"), primary_key=True),
        sa.Column("hour", sa.BigInteger, primary_key=True),
        sqlite_with_rowid=False,
    )
    _make_state()
    _extend_dead_letters()
    # NULL for events of before.
    op.add_column("outbox", sa.Column("written", sa.BigInteger))


def _extend_dead_letters() -> None:
    # When a person asked for a replay, and who; when it was done, and what came of it.
    op.add_column("dead_letters", sa.Column("asked", sa.BigInteger))
    op.add_column("dead_letters", sa.Column("asked_by", sa.String))
    op.add_column("dead_letters", sa.Column("replayed", sa.BigInteger))
    op.add_column("dead_letters", sa.Column("outcome", sa.String))
    op.add_column("dead_letters", sa.Column("outcome_detail", sa.String))
    place = ["arrived", "topic", "log", "partition", "offset", "replayed"]
    op.create_index("dead_letters_by_arrival", "dead_letters", place)
    op.create_index("dead_letters_by_reason", "dead_letters", ["reason", *place])
    is_to_replay = sa.text("asked IS NOT NULL AND replayed IS NULL")
    op.create_index("dead_letters_to_replay", "dead_letters", ["asked"], sqlite_where=is_to_replay)


def _make_rollups(table: str) -> None:
    op.create_table(
        table,
        sa.Column("patient_id", sa.Integer, sa.ForeignKey("patients.id"), primary_key=True),
        sa.Column("bucket", sa.BigInteger, primary_key=True),
        *(column for sign in _SIGNS for column in _columns_of(sign)),
        sqlite_with_rowid=False,
    )


def _columns_of(sign: str) -> tuple[sa.Column[int], ...]:
    return (
        sa.Column(f"{sign}_count", sa.Integer, nullable=False),
        sa.Column(f"{sign}_sum", sa.BigInteger),
        sa.Column(f"{sign}_min", sa.Integer),
        sa.Column(f"{sign}_max", sa.Integer),
        sa.Column(f"{sign}_flagged", sa.Integer, nullable=False),
    )


def _make_state() -> None:
    op.create_table(
        "upkeep_state",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("commits", sa.BigInteger, nullable=False),
        sa.Column("marked_until", sa.BigInteger),
        sa.Column("rolled_until", sa.BigInteger),
        sa.Column("raw_horizon", sa.BigInteger),
        sa.Column("minute_horizon", sa.BigInteger),
        sa.Column("hour_horizon", sa.BigInteger),
        sa.Column("looked", sa.BigInteger),
        sa.Column("backed_up", sa.BigInteger),
        sa.Column("refused_until", sa.BigInteger),
    )
    op.execute("INSERT INTO upkeep_state (id, commits) VALUES (1, 0)")
