"""Mean pressure, time of the pressure's measurement, and quality of the signs."""

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    op.add_column("patient_metrics", sa.Column("map", sa.Integer))
    op.add_column("patient_metrics", sa.Column("bp_measured_at", sa.BigInteger))
    op.add_column("patient_metrics", sa.Column("quality", sa.String))
    _widen_journal()


def _widen_journal() -> None:
    """Add the new columns to the journal's rows, so that live streams resume after the upgrade."""
    connection = op.get_bind()
    entries = connection.execute(sa.text("SELECT batch, payload FROM journal")).all()
    widened = [{"batch": batch, "payload": _widened(payload)} for batch, payload in entries]
    if widened:
        connection.execute(sa.text("UPDATE journal SET payload = :payload WHERE batch = :batch"), widened)


def _widened(payload: bytes) -> bytes:
    return msgspec.msgpack.encode([[*row, None, None, None] for row in msgspec.msgpack.decode(payload)])
