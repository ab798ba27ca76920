"""Patience with a database that is away: without end, but for partitions that other sinks could store from."""

import anyio
import pytest

from icu.sink.errors import GivenUpError
from icu.sink.patience import GIVE_UP_AFTER, Patience
from icu.store.errors import StoreDeniedError, StoreError, StoreUnavailableError, StoreUnreachableError
from tests.clocks import virtual_time


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Hours take milliseconds."""
    return virtual_time()


class Away:
    """Work that fails for some seconds."""

    def __init__(self, error: StoreError, seconds: float) -> None:
        self._error = error
        self._until = anyio.current_time() + seconds

    async def __call__(self) -> str:
        """Fail, or return a word."""
        if anyio.current_time() < self._until:
            raise self._error
        return "done"


async def test_one_that_is_alone_waits_for_ever() -> None:
    """Whatever the error is, it is tried again until it succeeds, and told meanwhile."""
    told: list[tuple[str | None, str | None]] = []
    patience = Patience(lambda *trouble: told.append(trouble))
    assert await patience.retry("storing", Away(StoreUnreachableError("no route"), 3_600)) == "done"
    assert set(told[:-1]) == {("storing: no route", None)}
    assert told[-1] == (None, None)


@pytest.mark.parametrize("error", [StoreUnreachableError("no route"), StoreDeniedError("may only read")])
async def test_partitions_are_given_up(error: StoreError) -> None:
    """A sink whom the server does not let write gives partitions up that others could store from, and not at once."""
    patience = Patience(lambda *_: None)
    patience.ends = True
    assert await patience.retry("storing", Away(error, GIVE_UP_AFTER - 5)) == "done"
    began = anyio.current_time()
    with pytest.raises(GivenUpError, match=f"storing: {error}"):
        await patience.retry("storing", Away(error, 3_600))
    # One pause between two attempts may be added.
    assert GIVE_UP_AFTER <= anyio.current_time() - began <= GIVE_UP_AFTER + 5


async def test_a_full_disk_is_everybodys() -> None:
    """A full disk holds all sinks up alike: no reason to give partitions up."""
    patience = Patience(lambda *_: None)
    patience.ends = True
    assert await patience.retry("storing", Away(StoreUnavailableError("disk full"), 3_600)) == "done"


async def test_a_refusal_is_told_as_one() -> None:
    """A refusal that only people can end is told as such."""
    told: list[tuple[str | None, str | None]] = []
    await Patience(lambda *trouble: told.append(trouble)).retry("storing", Away(StoreDeniedError("may only read"), 1))
    assert set(told[:-1]) == {("storing: may only read", "storing: may only read")}
