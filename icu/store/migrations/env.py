"""Environment of Alembic: runs the migrations on the connection of icu.store.schema."""

from typing import Any, Final

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import text

from icu.store.tables.metadata import METADATA

_STATE_READERS: Final = text(
    "INSERT INTO readers (id, readable_from) VALUES (1, :readable_from)"
    " ON CONFLICT (id) DO UPDATE SET readable_from = excluded.readable_from"
)


def _state_readers(ctx: MigrationContext, step: MigrationInfo, *_: object, **__: object) -> None:
    """Store `readable_from` of the applied migration. The first ones have none."""
    script: Any = step.up_revision
    readable_from = getattr(script.module, "readable_from", None)
    if readable_from is not None and ctx.connection is not None:
        ctx.connection.execute(_STATE_READERS, {"readable_from": readable_from})


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    on_version_apply=_state_readers,
)
with context.begin_transaction():
    context.run_migrations()
