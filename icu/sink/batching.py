"""Size of the sink's transactions."""

from typing import Final

from msgspec import Struct

# Records of a fetch while patients are new to this sink. Each of them costs as much as a hundred readings, and with
# thousands in one transaction it would not be done in time, ever again.
FEW: Final = 500


class Batching(Struct, frozen=True):
    """When a transaction is due: at `max_records`, or `linger` seconds after the first record."""

    max_records: int = 5_000
    linger: float = 0.05

    def most(self, *, new: bool) -> int:
        """Return the number of records to fetch at most. `new` tells if patients may be new to this sink."""
        return min(FEW, self.max_records) if new else self.max_records
