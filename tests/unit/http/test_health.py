"""Checks of readiness. On virtual time."""

import anyio
import pytest

from icu.http.health import Health
from icu.store.errors import StoreUnavailableError
from tests.clocks import virtual_time


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time: a deadline of seconds passes in milliseconds."""
    return virtual_time()


async def test_ready_is_every_check() -> None:
    """Each check has its own answer: ok, or a sentence; one that hangs or raises has one too."""
    health = Health()

    async def fine() -> None:
        pass

    async def wrong() -> str:
        return "the sink has not started yet"

    async def raises() -> None:
        raise StoreUnavailableError("locked")

    health.add("fine", fine)
    assert (await health.report()).status == "ok"
    health.add("wrong", wrong)
    health.add("hangs", anyio.sleep_forever)
    health.add("raises", raises)
    report = await health.report()
    assert report.status == "unavailable"
    assert report.checks == {
        "fine": "ok",
        "wrong": "the sink has not started yet",
        "hangs": "no answer within 2 s",
        "raises": "locked",
    }


async def test_an_advisory_check() -> None:
    """It is shown, where the check of its name finds nothing, and makes nothing unready."""
    health, down = Health(), list[str]()

    async def missing() -> str | None:
        return next(iter(down), None)

    async def replaced() -> str:
        return "one is stopped: others do its work"

    health.add("children", missing)
    health.add("children", replaced, advisory=True)
    health.add("heartbeat", replaced, advisory=True)
    report = await health.report()
    assert (report.status, report.checks["children"]) == ("ok", "one is stopped: others do its work")
    assert report.checks["heartbeat"] == report.checks["children"]
    down.append("all are stopped")
    report = await health.report()
    assert (report.status, report.checks["children"]) == ("unavailable", "all are stopped")
