"""Kind and columns in the journal's entries; no flags: `lag` tells if a clock was ahead."""

from typing import Any, Final

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
readable_from = "0004"  # older programs select flags

# Columns of the rows in the journal before this version.
COLUMNS: Final = (
    "patient_id",
    "timestamp",
    "pulse",
    "resp_rate",
    "systolic",
    "diastolic",
    "spo2",
    "temperature",
    "lag",
    "flags",
    "map",
    "bp_measured_at",
    "quality",
)


def upgrade() -> None:
    """Apply."""
    _name_columns_in_journal()
    _drop_flags()


def _name_columns_in_journal() -> None:
    """Name the columns in each entry: live streams resume after it, and no later upgrade touches the journal."""
    connection = op.get_bind()
    entries = connection.execute(sa.text("SELECT batch, payload FROM journal")).all()
    named = [
        {"batch": batch, "payload": msgspec.msgpack.encode(["readings", COLUMNS, msgspec.Raw(payload)])}
        for batch, payload in entries
    ]
    if named:
        connection.execute(sa.text("UPDATE journal SET payload = :payload WHERE batch = :batch"), named)


def _drop_flags() -> None:
    dialect: Any = op.get_bind().dialect
    if dialect.name != "sqlite" or dialect.dbapi.sqlite_version_info >= (3, 35):
        op.drop_column("patient_metrics", "flags")
        return
    # SQLite before 3.35 cannot drop a column, so the table is copied. SQLAlchemy before 2.0.53 does not reflect that it
    # has no rowid.
    with op.batch_alter_table("patient_metrics", table_kwargs={"sqlite_with_rowid": False}) as batch:
        batch.drop_column("flags")
