"""Errors of commands that talk to a bedside themselves."""

from icu.errors import IcuError, Kind


class NoBedsideError(IcuError):
    """Nobody answers at the port of a bed."""

    transient = True
    kind = Kind.UNAVAILABLE

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"nobody answers at {url}: {why}; start a patient there (python -m icu run patient --name NAME --port PORT)"
        )
