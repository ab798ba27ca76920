"""Heartbeats by sink, and the sink that evaluates the alarms of each patient."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
readable_from = "0004"  # older programs find the columns that they know

_BEAT = "topic, at, lag, away, away_since, degraded, committed, stored"


def upgrade() -> None:
    """Apply."""
    # Made anew: SQLite cannot change a primary key.
    op.execute(f"CREATE TABLE heartbeats_before AS SELECT {_BEAT} FROM heartbeats")  # noqa: S608 - names of our own
    op.drop_table("heartbeats")
    op.create_table(
        "heartbeats",
        sa.Column("topic", sa.String, primary_key=True),
        sa.Column("member", sa.String, primary_key=True),
        sa.Column("run", sa.BigInteger, nullable=False),
        sa.Column("partitions", sa.String),
        sa.Column("taken", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("lag", sa.BigInteger, nullable=False),
        sa.Column("away", sa.String),
        sa.Column("away_since", sa.BigInteger),
        sa.Column("degraded", sa.String),
        sa.Column("committed", sa.BigInteger),
        sa.Column("stored", sa.BigInteger),
    )
    op.execute(
        f"INSERT INTO heartbeats ({_BEAT}, member, run, taken) SELECT {_BEAT}, '', 0, 0 FROM heartbeats_before"  # noqa: S608 - names of our own
    )
    op.drop_table("heartbeats_before")
    op.create_table(
        "alarm_owners",
        sa.Column("patient_id", sa.Integer, sa.ForeignKey("patients.id"), primary_key=True),
        sa.Column("run", sa.BigInteger, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
    )
    op.create_index("alarm_owners_by_partition", "alarm_owners", ["partition"])
