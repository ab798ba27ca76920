"""Errors of a topic, on any transport."""

from icu.errors import IcuError, Kind


class TransportError(IcuError):
    """The log cannot be reached, or refused a request. A reader assigns its stored positions again."""

    transient = True
    kind = Kind.UNAVAILABLE


class TransportClosedError(IcuError):
    """The transport was closed by its owner. No TransportError, since assigning again would not help."""


class ReadingsLostError(IcuError):
    """The process ends before all records of the in-memory log were stored."""

    kind = Kind.LOST

    def __init__(self, records: int) -> None:
        super().__init__(f"stopped before everything was stored: {records} records of the log in memory are lost")
