"""Time from which a bed is watched again after a standby."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
readable_from = "0004"  # older programs do not need it


def upgrade() -> None:
    """Apply."""
    # NULL: never, or nobody knows. What was not seen in a standby before may count as lost, once, after a restart.
    op.add_column("bed_states", sa.Column("watched_from", sa.BigInteger))
