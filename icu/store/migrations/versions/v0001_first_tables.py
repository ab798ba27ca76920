"""First tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "patients",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("uuid", sa.String(36), nullable=False, unique=True),
        sa.Column("name", sa.String),
        sa.Column("interval", sa.Double),
    )
    op.create_table(
        "patient_metrics",
        sa.Column("patient_id", sa.Integer, sa.ForeignKey("patients.id"), primary_key=True),
        sa.Column("timestamp", sa.BigInteger, primary_key=True),
        sa.Column("pulse", sa.Integer),
        sa.Column("resp_rate", sa.Integer),
        sa.Column("systolic", sa.Integer),
        sa.Column("diastolic", sa.Integer),
        sa.Column("spo2", sa.Integer),
        sa.Column("temperature", sa.Integer),
        sa.Column("lag", sa.BigInteger, nullable=False),
        sa.Column("flags", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "consumer_offsets",
        sa.Column("topic", sa.String, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True),
        sa.Column("log", sa.Integer, nullable=False),
        sa.Column("next", sa.BigInteger, nullable=False),
        sa.Column("mark", sa.String, nullable=False),
    )
    op.create_table(
        "dead_letters",
        sa.Column("topic", sa.String, primary_key=True),
        sa.Column("log", sa.Integer, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True),
        sa.Column("offset", sa.BigInteger, primary_key=True),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("detail", sa.String, nullable=False),
        sa.Column("key", sa.LargeBinary),
        sa.Column("value", sa.LargeBinary),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("headers", sa.LargeBinary),
        sa.Column("arrived", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "journal",
        sa.Column("batch", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
