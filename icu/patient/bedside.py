"""The HTTP face of one bed: who lies in it, and what its monitor shows."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from litestar import Litestar, get
from litestar.di import NamedDependency
from msgspec import Struct
from prometheus_client import CollectorRegistry

from icu.errors import NotReadyError
from icu.ops.health import Health
from icu.ops.http import face
from icu.ops.problems import documented
from icu.patient.beds import Bed


class Occupant(Struct, frozen=True):
    """Who lies in the bed."""

    uuid: UUID
    name: str


class Current(Struct, frozen=True):
    """What the monitor shows: the observation that was sent last. A sign that was not measured is null."""

    patient_uuid: UUID
    timestamp: datetime
    pulse: float | None
    """Heart rate, /min."""
    resp_rate: float | None
    """/min."""
    bp: str | None
    """Systolic/diastolic, mm[Hg]."""
    spo2: float | None
    """%."""
    temperature: float | None
    """Cel."""


@get("/", summary="Who lies in this bed", responses=documented(400))
async def occupant(bed: NamedDependency[Bed]) -> Occupant:
    """The patient's identity."""
    return Occupant(bed.identity.uuid, bed.identity.name)


@get("/current", summary="What the monitor shows now", responses=documented(400, 503))
async def current(bed: NamedDependency[Bed]) -> Current:
    """The latest reading; 503 before the first."""
    latest = bed.latest
    if latest is None:
        raise NotReadyError("nothing was measured yet: ask again in a moment")
    return Current(*(getattr(latest, name) for name in Current.__struct_fields__))


def create_app(
    *, bed: Bed, health: Health, registry: CollectorRegistry, version: str, hosts: Sequence[str] | None = None
) -> Litestar:
    """Build the bed's application."""
    return face(
        title=f"Bedside monitor of {bed.identity.name}",
        version=version,
        handlers=[occupant, current],
        health=health,
        registry=registry,
        hosts=hosts,
        dependencies={"bed": bed},
    )
