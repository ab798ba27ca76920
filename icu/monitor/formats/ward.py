"""A ward's history as JSON: an object of columns, as one patient's has them, for each patient."""

from collections.abc import AsyncGenerator, Iterator
from typing import Final

import msgspec
from anyio import to_thread

from icu.monitor.formats.columns import HeldColumns
from icu.store.history.buckets import Slice
from icu.store.history.ward import WardHistory, WardPatient
from icu.vitals.catalogue import BY_NAME

# Characters that are sent together, and compressed.
_AT_ONCE: Final = 64 * 1024

# Buckets x signs that are written on the loop: 2 ms.
_SHORT: Final = 5_000


async def pieces(ward: WardHistory) -> AsyncGenerator[bytes, None]:
    """The answer. Each piece is held until the next one is there, so that a short answer is one piece."""
    span = ward.span
    held = f'{{"from":{span.since},"to":{span.until},"every":{span.every},"patients":['
    separator = ""
    async for patient, rows in ward.slices():
        if len(held) >= _AT_ONCE:
            yield held.encode()
            held = ""
        if rows.count * len(span.signs) > _SHORT:
            text = await to_thread.run_sync(_object, ward, patient, rows)
        else:
            text = _object(ward, patient, rows)
        held += separator + text
        separator = ","
    yield f"{held}]}}".encode()


def _object(ward: WardHistory, patient: WardPatient, rows: Slice) -> str:
    return "".join(_members(ward, patient, rows))


def _members(ward: WardHistory, patient: WardPatient, rows: Slice) -> Iterator[str]:
    held = HeldColumns(of_buckets=True, signs=[BY_NAME[name] for name in ward.span.signs])
    if rows.count:
        held.add(rows)
    # Without its closing brace, behind which the columns go on.
    yield msgspec.json.encode({"uuid": patient.uuid, "name": patient.name, "bed": patient.bed}).decode()[:-1]
    yield ","
    yield from held.members()
    yield "}"
