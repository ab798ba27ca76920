"""Upkeep role: rolls readings up, and deletes what is old."""

from functools import partial
from typing import TYPE_CHECKING, Final

from icu.bootstrap.faces import face_context, with_face
from icu.bootstrap.roles.base import Role
from icu.bootstrap.shared import Shared
from icu.config.settings import UpkeepChild
from icu.supervisor.spec import Start
from icu.supervisor.view import WorkStatus

if TYPE_CHECKING:
    from litestar import Litestar


def actor(child: UpkeepChild, shared: Shared) -> Start:
    """Build an upkeep, with an HTTP face for health and metrics where the child has a port."""
    from icu.upkeep.loop import look_after
    from icu.upkeep.telemetry import Telemetry

    telemetry, settings = shared.telemetry(Telemetry), shared.settings

    async def trouble() -> str | None:
        return telemetry.trouble

    # Readings are stored and served all the same.
    shared.health.add("upkeep", trouble, advisory=True)
    upkeep = partial(look_after, database_url=settings.database.url, retention=settings.retention, telemetry=telemetry)
    return with_face(upkeep, child, partial(app, shared, child.host), shared)


def app(shared: Shared, host: str) -> "Litestar":
    """Build the HTTP face of health and metrics."""
    from icu.http.face import face

    return face(
        face_context(shared, host),
        title="ICU upkeep",
        description="Rolls readings up, and deletes what is old. Its health and its figures.",
        handlers=[],
    )


def work_status(shared: Shared) -> WorkStatus:
    """Return the status of the database."""
    from icu.upkeep.telemetry import Telemetry

    telemetry = shared.telemetry(Telemetry)
    return WorkStatus(telemetry.waits_for, telemetry.refusal)


UPKEEP: Final = Role(
    settings=UpkeepChild,
    grace=3.0,  # a transaction takes milliseconds; one that waits for a lock goes on while the sink stops
    actor=actor,
    work_status=work_status,
    needs_transport=False,  # it needs the database alone
    stage="database",
)
