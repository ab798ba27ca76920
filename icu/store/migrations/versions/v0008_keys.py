"""Keys, users, sessions, and failed log-ins."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
readable_from = "0004"  # older programs do not need them


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "api_keys",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.Column("revoked", sa.BigInteger),
    )
    op.create_table(
        "users",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
    )
    _make_sessions()
    op.create_table(
        "login_attempts",
        sa.Column("subject", sa.String(64), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    op.create_index("login_attempts_by_time", "login_attempts", ["last"])
    op.create_table(
        "access_state",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("changes", sa.BigInteger, nullable=False),
        sa.Column("closed_since", sa.BigInteger),
    )
    op.execute("INSERT INTO access_state (id, changes) VALUES (1, 0)")


def _make_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("role_until", sa.BigInteger),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.Column("key_sha256", sa.String(64)),
    )
    op.create_index("sessions_by_principal", "sessions", ["kind", "name", "created"])
