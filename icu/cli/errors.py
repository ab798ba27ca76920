"""Errors of commands that connect to a patient child themselves."""

from icu.errors import IcuError, Kind


class NoBedsideError(IcuError):
    """Nothing answers at a patient's port."""

    transient = True
    kind = Kind.UNAVAILABLE

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"nobody answers at {url}: {why}; start a patient there (python -m icu run patient --name NAME --port PORT)"
        )
