"""The upkeep role: its health, and its face."""

from icu.bootstrap.roles import upkeep
from icu.bootstrap.shared import Shared
from icu.config.settings import Database, Settings, UpkeepChild
from icu.supervisor.view import WorkStatus
from icu.upkeep.telemetry import Telemetry
from tests.faces import serving


async def test_its_trouble_is_shown_and_keeps_nobody_from_work(url: str) -> None:
    """A ward whose upkeep waits is ready all the same; health and `status` say what it waits for."""
    shared = Shared(Settings(database=Database(url)))
    upkeep.actor(UpkeepChild(id="upkeep"), shared)
    assert (await shared.health.report()).checks["upkeep"] == "ok"
    shared.telemetry(Telemetry).set_trouble("the database is locked")
    report = await shared.health.report()
    assert (report.status, report.checks["upkeep"]) == ("ok", "the database is locked")
    assert upkeep.work_status(shared) == WorkStatus("the database is locked")


async def test_its_face(url: str) -> None:
    """With a port it serves its health."""
    shared = Shared(Settings(database=Database(url)))
    upkeep.actor(UpkeepChild(id="upkeep"), shared)
    async with serving(lambda: upkeep.app(shared, "127.0.0.1")) as face:
        assert (await face.client.get("/health/ready")).json()["checks"]["upkeep"] == "ok"
