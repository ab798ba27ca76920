"""Errors of a topic, on any transport."""

from icu.config.errors import ConfigurationError
from icu.errors import IcuError, Kind


class TransportError(IcuError):
    """The log cannot be reached, or refused a request. A reader assigns its stored positions again."""

    transient = True
    kind = Kind.UNAVAILABLE


class ReassignedError(TransportError):
    """The partitions of this reader were dealt anew. Join again, and read on from the stored positions."""

    # Assigning the same positions again would not help.
    transient = False


class NamesakeError(ConfigurationError):
    """Another reader of the topic has the same name, and was started later."""

    def __init__(self, member: str, group: str) -> None:
        super().__init__(
            f"another sink with the name {member} was started and has taken this one's place in the group {group}: "
            "give each sink a name of its own (`member` of its [[child]] table, or run sink --member NAME)"
        )


class TransportClosedError(IcuError):
    """The transport was closed by its owner. No TransportError, since assigning again would not help."""


class ReadingsLostError(IcuError):
    """The process ends before all records of the in-memory log were stored."""

    kind = Kind.LOST

    def __init__(self, records: int) -> None:
        super().__init__(f"stopped before everything was stored: {records} records of the log in memory are lost")
