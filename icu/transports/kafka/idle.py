"""The reader of a member without partitions: the others have all of them."""

from collections.abc import Mapping, Sequence

import anyio

from icu.transports.base import Batch


class IdleReader:
    """Reads nothing, as `Reader` does, until the partitions are dealt anew."""

    trouble: str | None = None

    def __init__(self) -> None:
        # No partition is waited for, so that nobody would notice a broker that is away.
        self.answered = False
        self.read_until: Mapping[int, float] = {}

    async def fetch(self, max_records: int, linger: float, max_wait: float, now: float) -> Sequence[Batch]:  # noqa: ARG002 - none has a record
        """Wait for nothing."""
        await anyio.sleep(max_wait)
        self.answered = True
        return ()

    async def commit(self, stored: Mapping[int, int]) -> None:
        """Commit nothing."""

    async def commit_stored(self) -> None:
        """Commit nothing."""

    async def lag(self) -> int:
        """Number of records that were not fetched yet: none."""
        return 0

    async def aclose(self) -> None:
        """Close nothing."""
