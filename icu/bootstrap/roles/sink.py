"""Sink role: stores the readings of the topic."""

from functools import partial
from typing import TYPE_CHECKING, Final

from icu.bootstrap.faces import face_context, with_face
from icu.bootstrap.roles.base import Role
from icu.bootstrap.shared import Shared
from icu.bootstrap.sinks import member_of
from icu.config.settings import SinkChild
from icu.supervisor.spec import Start
from icu.supervisor.view import WorkStatus

if TYPE_CHECKING:
    from litestar import Litestar


def actor(child: SinkChild, shared: Shared) -> Start:
    """Build a consumer, with an HTTP face for health and metrics where the child has a port."""
    from icu.sink.batching import Batching
    from icu.sink.consumer import consume
    from icu.sink.telemetry import Telemetry

    telemetry = shared.telemetry(Telemetry)
    transport = shared.transport

    async def trouble() -> str | None:
        return telemetry.trouble

    async def publishing_trouble() -> str | None:
        publishing = _publishing(shared)
        return publishing.degraded or publishing.trouble

    async def alarms_trouble() -> str | None:
        return telemetry.alarms.trouble

    shared.health.add("sink", trouble)
    shared.health.add("engine", alarms_trouble)
    shared.health.add("alarms", publishing_trouble)
    consumer = partial(
        consume,
        transport=transport,
        alarms=shared.alarms,
        database_url=shared.settings.database.url,
        telemetry=telemetry,
        member=member_of(shared.settings, child),
        # A broker gathers records before it answers: lingering here too would only delay them.
        batching=Batching(linger=0) if transport.durable else Batching(),
        journal=shared.settings.retention.journal,
    )
    return with_face(consumer, child, partial(app, shared, child.host), shared)


def app(shared: Shared, host: str) -> "Litestar":
    """Build the HTTP face of health and metrics."""
    from icu.http.face import face

    return face(
        face_context(shared, host),
        title="ICU sink",
        description="Stores what the topic brings, each reading once. Its health and its figures.",
        handlers=[],
    )


def work_status(shared: Shared) -> WorkStatus:
    """Return the status of the transport, of storing, and of the publishing of alarms."""
    from icu.sink.telemetry import Telemetry

    transport, telemetry, publishing = shared.transport, shared.telemetry(Telemetry), _publishing(shared)
    trouble = transport.trouble or telemetry.trouble or publishing.trouble
    return WorkStatus(trouble, transport.degraded or telemetry.refusal or publishing.degraded)


def _publishing(shared: Shared) -> WorkStatus:
    from icu.sink.telemetry import Telemetry

    alarms, telemetry = shared.alarms, shared.telemetry(Telemetry)
    return WorkStatus(
        telemetry.publishing_trouble or alarms.sending_trouble, telemetry.publishing_refusal or alarms.sending_degraded
    )


SINK: Final = Role(
    settings=SinkChild,
    grace=7.0,  # 2 s to store the last batch and 5 s for a running transaction, which is never cut
    actor=actor,
    work_status=work_status,
    critical=True,
    is_shared=True,
)
