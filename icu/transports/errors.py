"""What goes wrong with a topic, whichever transport carries it."""

from icu.errors import IcuError, Kind


class TransportError(IcuError):
    """The log cannot be reached, or refused a request: whoever reads begins again from the stored positions."""

    transient = True
    kind = Kind.UNAVAILABLE


class TransportClosedError(IcuError):
    """The transport was closed, by whoever opened it. No TransportError: to begin again would not help."""


class ReadingsLostError(IcuError):
    """The process ends before the store could take what was in memory only."""

    kind = Kind.LOST

    def __init__(self, records: int) -> None:
        super().__init__(f"stopped before everything was stored: {records} records of the log in memory are lost")
