"""Query parameters that several routes have."""

from typing import Annotated, Final, TypeAlias
from uuid import UUID

from litestar.params import QueryParameter

# For OpenAPI alone: handlers take text, and parse it with clearer messages.
_TIME: Final = {"format": "date-time", "examples": ["2026-01-31T12:00:00Z"]}


def from_parameter(description: str) -> QueryParameter:
    """Return the parameter `from`, for `parse_span`."""
    return QueryParameter(name="from", schema_extra=_TIME, description=description)


def to_parameter(description: str) -> QueryParameter:
    """Return the parameter `to`, for `parse_span`."""
    return QueryParameter(name="to", schema_extra=_TIME, description=description)


def every_parameter(description: str, *, example: str) -> QueryParameter:
    """Return the parameter `every`, for `parse_every`."""
    return QueryParameter(max_length=20, schema_extra={"examples": [example]}, description=description)


# Of alarms.
OnsetFrom: TypeAlias = Annotated[str | None, from_parameter("Onset not before this time, with its zone")]
OnsetTo: TypeAlias = Annotated[str | None, to_parameter("Onset before this time, with its zone")]
OnlyPatient: TypeAlias = Annotated[UUID | None, QueryParameter(description="Only this patient's")]
