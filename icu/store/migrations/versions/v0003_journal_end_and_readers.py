"""Number of the journal's newest batch, and oldest version whose programs may read the tables."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
readable_from = "0003"  # older programs do not read it


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "journal_end",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("batch", sa.BigInteger),
    )
    # NULL in an empty journal: it begins at the time of its first batch.
    op.execute("INSERT INTO journal_end (id, batch) SELECT 1, max(batch) FROM journal")
    op.create_table(
        "readers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("readable_from", sa.String, nullable=False),
    )
