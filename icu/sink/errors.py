"""Errors about records."""

from icu.errors import IcuError


class MessageError(IcuError):
    """A record that is no observation.

    Args:
        reason: Short code, used in metrics and in the dead letter.
        detail: Sentence for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")
