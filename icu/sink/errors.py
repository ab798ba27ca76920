"""Records that cannot be taken in."""

from icu.errors import IcuError


class MessageError(IcuError):
    """A record that is no observation.

    `reason` is a short code that stands in metrics and in the dead letter, `detail` the sentence for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")
