"""Tables of the clinical engine: beds, alarms, limits, commands of people, and the sink's heartbeat."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
readable_from = "0004"  # older programs do not need them

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Apply."""
    _beds()
    _alarms()
    _inputs()
    _events()
    _commands()
    op.create_table(
        "heartbeats",
        sa.Column("topic", sa.String, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("lag", sa.BigInteger, nullable=False),
        sa.Column("away", sa.String),
        sa.Column("away_since", sa.BigInteger),
        sa.Column("degraded", sa.String),
        sa.Column("committed", sa.BigInteger),
        sa.Column("stored", sa.BigInteger),
    )


def _beds() -> None:
    op.create_table(
        "bed_states",
        sa.Column("patient_id", sa.Integer, sa.ForeignKey("patients.id"), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("admitted", sa.BigInteger),
        sa.Column("discharged_at", sa.BigInteger),
        sa.Column("bed", sa.String(16), unique=True),
        sa.Column("paused_until", sa.BigInteger),
        sa.Column("paused_by", sa.String),
        sa.Column("paused_length", sa.BigInteger),
        sa.Column("paused_highest", sa.String),
        sa.Column("standby_since", sa.BigInteger),
        sa.Column("standby_until", sa.BigInteger),
        sa.Column("standby_by", sa.String),
        sa.Column("standby_length", sa.BigInteger),
        sa.Column("clock_set_at", sa.BigInteger),
        sa.Column("had", sa.String, nullable=False),
        sa.Column("shelves", sa.String, nullable=False),
    )


def _alarms() -> None:
    op.create_table(
        "alarms",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("patient_id", sa.Integer, sa.ForeignKey("patients.id")),
        sa.Column("condition", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("priority", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("presence", sa.String, nullable=False),
        sa.Column("signal", sa.String, nullable=False),
        sa.Column("inhibition", sa.String, nullable=False),
        sa.Column("tier", sa.Integer, nullable=False),
        sa.Column("onsets", sa.String, nullable=False),
        sa.Column("dues", sa.String, nullable=False),
        sa.Column("clearing_since", sa.BigInteger),
        sa.Column("clearing_due", sa.BigInteger),
        sa.Column("blind_since", sa.BigInteger),
        sa.Column("blind_total", sa.BigInteger, nullable=False),
        sa.Column("onset", sa.BigInteger, nullable=False),
        sa.Column("raised", sa.BigInteger),
        sa.Column("ceased", sa.BigInteger),
        sa.Column("ended", sa.BigInteger),
        sa.Column("end_reason", sa.String),
        sa.Column("ended_by", sa.String),
        sa.Column("value", sa.Integer),
        sa.Column("limit_value", sa.Integer),
        sa.Column("worst", sa.Integer),
        sa.Column("ward_limits", sa.Integer, nullable=False),
        sa.Column("patient_limits", sa.Integer, nullable=False),
        sa.Column("last_valid_at", sa.BigInteger),
        sa.Column("late", sa.Boolean, nullable=False),
        sa.Column("repeats", sa.Integer, nullable=False),
        sa.Column("sounded", sa.BigInteger),
        sa.Column("seen", sa.Integer, nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger),
        sa.Column("acknowledged_by", sa.String),
        sa.Column("acknowledged_why", sa.String),
        sa.Column("reminder_due", sa.BigInteger),
        sa.Column("unanswered_due", sa.BigInteger),
        sa.Column("unanswered", sa.Boolean, nullable=False),
        sa.Column("shelved_until", sa.BigInteger),
        sa.Column("shelved_by", sa.String),
        sa.Column("shelved_why", sa.String),
        sa.Column("shelved_length", sa.BigInteger),
    )
    still_open = sa.text("ended IS NULL")
    op.create_index(
        "alarms_open",
        "alarms",
        ["patient_id", "condition"],
        unique=True,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )
    op.create_index("alarms_by_patient", "alarms", ["patient_id", "onset"])
    op.create_index("alarms_by_time", "alarms", ["onset"])


def _inputs() -> None:
    op.create_table(
        "limits",
        sa.Column("scope", sa.String(36), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("conditions", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "news2_inputs",
        sa.Column("patient_id", sa.Integer, sa.ForeignKey("patients.id"), primary_key=True),
        sa.Column("at", sa.BigInteger, primary_key=True),
        sa.Column("oxygen", sa.Boolean, nullable=False),
        sa.Column("consciousness", sa.String, nullable=False),
        sa.Column("scale", sa.Integer, nullable=False),
        sa.Column("by", sa.String, nullable=False),
    )


def _events() -> None:
    op.create_table(
        "alarm_counts",
        sa.Column("patient_id", sa.Integer, sa.ForeignKey("patients.id"), primary_key=True),
        sa.Column("hour", sa.BigInteger, primary_key=True),
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("subject", sa.String, primary_key=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outbox",
        sa.Column("sequence", _NUMBER, primary_key=True),
        sa.Column("alarm", sa.String(36), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("event", sa.String, nullable=False),
        sa.Column("payload", sa.String, nullable=False),
        sqlite_autoincrement=True,
    )


def _commands() -> None:
    op.create_table(
        "audit",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("command", sa.String, nullable=False),
        sa.Column("patient_uuid", sa.String(36)),
        sa.Column("alarm", sa.String(36)),
        sa.Column("before", sa.String),
        sa.Column("after", sa.String),
        sa.Column("result", sa.String, nullable=False),
    )
    op.create_index("audit_by_patient", "audit", ["patient_uuid", "id"])
    op.create_table(
        "command_count",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
    op.execute("INSERT INTO command_count (id, count) VALUES (1, 0)")
