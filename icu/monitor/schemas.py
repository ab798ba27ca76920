"""What the API answers with, beyond the store's own Reading."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from icu.store.readings import Reading


class PatientSummary(Struct, frozen=True):
    """A patient in the list."""

    uuid: UUID
    name: str | None
    """As the sender says; null from a sender that says none."""
    latest: Reading | None
    latest_age_seconds: float | None
    """Since the latest reading arrived: how fresh it is, whatever the sender's clock says. Null before the first, and
    where nobody can tell, because the clock was set back."""


class ChildStatus(Struct, frozen=True):
    """A child of the supervisor."""

    id: str
    state: Annotated[
        str,
        Meta(description="pending, starting, running, waiting, degraded, backoff, stopping, stopped, exited or failed"),
    ]
    restarts: int
    uptime: Annotated[float, Meta(description="Seconds since it started; 0 while it does not run")]
    detail: Annotated[str | None, Meta(description="What is degraded, what it waits for, or where it is served")]
    last_error: Annotated[str | None, Meta(description="What it last died of")]
    children: Annotated[Sequence["ChildStatus"], Meta(description="Its own children, where it is a supervisor")]
