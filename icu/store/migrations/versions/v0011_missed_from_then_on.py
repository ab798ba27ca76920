"""Server's time from which a bed is watched again after a standby or a discharge."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
readable_from = "0004"  # older programs do not need it


def upgrade() -> None:
    """Apply."""
    # NULL: never, or nobody knows. After a restart, the silence of a standby before may count as missed, once.
    op.add_column("bed_states", sa.Column("watched_since", sa.BigInteger))
