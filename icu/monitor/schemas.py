"""What the API answers with, beyond the store's own Reading."""

from uuid import UUID

from msgspec import Struct

from icu.store.readings import Reading


class PatientSummary(Struct, frozen=True):
    """A patient in the list."""

    uuid: UUID
    name: str | None
    """As the sender says; null from a sender that says none."""
    latest: Reading | None
    latest_age_seconds: float | None
    """Since the latest reading arrived: how fresh it is, whatever the sender's clock says."""
