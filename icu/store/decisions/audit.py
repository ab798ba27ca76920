"""The audit of commands, as it is read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import text

from icu.store.engines.base import Connection
from icu.store.readings import from_milliseconds

# Results, beside the reasons of refusals.
DONE: Final = "done"
UNCHANGED: Final = "unchanged"

_SELECT: Final = 'SELECT id, at, "by", source, command, patient_uuid, alarm, "before", "after", result FROM audit'
_ALL: Final = text(f"{_SELECT} WHERE id < :before ORDER BY id DESC LIMIT :limit")
_OF_PATIENT: Final = text(f"{_SELECT} WHERE patient_uuid = :patient AND id < :before ORDER BY id DESC LIMIT :limit")

# Greater than each id.
_BEHIND_ALL: Final = 2**62


class AuditEntry(Struct, frozen=True):
    """Command of a person, and its result."""

    id: Annotated[int, Meta(description="Rises with time")]
    at: Annotated[datetime, Meta(description="When, by the server's clock")]
    by: Annotated[str, Meta(description="Name as typed: nobody has checked it")]
    source: Annotated[str, Meta(description="Address of the client")]
    command: Annotated[str, Meta(description="What was commanded", examples=["acknowledge"])]
    patient_uuid: Annotated[UUID | None, Meta(description="Null if the command is about the ward")]
    alarm: Annotated[UUID | None, Meta(description="Null if the command is about none")]
    before: Annotated[dict[str, Any] | None, Meta(description="State before; null where there was none")]
    after: Annotated[dict[str, Any] | None, Meta(description="State after; null if nothing changed")]
    result: Annotated[str, Meta(description="done, unchanged, or the reason of the refusal", examples=["done"])]


async def audit(
    connection: Connection, *, limit: int, patient: UUID | None = None, before: int | None = None
) -> list[AuditEntry]:
    """Read the newest entries.

    Args:
        connection: Connection for reading.
        limit: The most entries to return.
        patient: The patient whom they are about; None for all, those about the ward among them.
        before: Id of the entry behind the first one; None for the newest.
    """
    values = {"limit": limit, "before": _BEHIND_ALL if before is None else before}
    if patient is None:
        return [_entry(row) for row in await connection.rows(_ALL, values)]
    return [_entry(row) for row in await connection.rows(_OF_PATIENT, {**values, "patient": str(patient)})]


def _entry(row: Sequence[Any]) -> AuditEntry:
    number, at, by, source, command, patient, alarm, before, after, result = row
    return AuditEntry(
        number,
        from_milliseconds(at),
        by,
        source,
        command,
        patient and UUID(patient),
        alarm and UUID(alarm),
        before and msgspec.json.decode(before),
        after and msgspec.json.decode(after),
        result,
    )
