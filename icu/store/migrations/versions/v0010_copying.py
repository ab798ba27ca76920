"""The copy that a database is, and how far it has come."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
readable_from = "0004"  # older programs do not need them


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "copies",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("began", sa.BigInteger, nullable=False),
        sa.Column("finished", sa.BigInteger),
    )
    op.create_table(
        "copy_progress",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("after", sa.String),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.BigInteger, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
    )
