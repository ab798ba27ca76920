"""Errors of the sink."""

from icu.errors import IcuError, Kind
from icu.messages import Reason


class GivenUpError(IcuError):
    """The database cannot be used from here, for so long that others should have this sink's partitions."""

    kind = Kind.UNAVAILABLE


class MessageError(IcuError):
    """A record that is no observation.

    Args:
        reason: Used in metrics and in the dead letter.
        detail: Sentence for people.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")
