"""Routes for operators and their tools: liveness, readiness, metrics."""

from collections.abc import Sequence
from typing import Final

from litestar import MediaType, Response, Router, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Tag
from litestar.types import ControllerRouterHandler

from icu.access.roles import Role
from icu.http.figures import Figures
from icu.http.gate import PUBLIC, needing
from icu.http.health import Health, Report
from icu.http.limits import BEYOND_CAP
from icu.http.problems import documented

TAG: Final = Tag("operation", "What those who run it look at, and their tools")


@get(
    "/health/live",
    summary="The process runs",
    tags=[TAG.name],
    responses=documented(400),
    opt={**PUBLIC, BEYOND_CAP: True},
)
async def live() -> Report:
    """200 as long as the process serves requests, even beyond the cap on connections: a full one needs no restart."""
    return Report("ok", {})


@get(
    "/health/ready",
    summary="It can do its work",
    tags=[TAG.name],
    opt=PUBLIC,
    responses={
        **documented(400),
        503: ResponseSpec(
            Report,
            generate_examples=False,
            description="A check fails; or there are too many connections, which problem details say",
        ),
    },
)
async def ready(health: NamedDependency[Health]) -> Response[Report]:
    """200 if all checks pass, else 503 with the failed ones."""
    report = await health.report()
    return Response(report, status_code=200 if report.status == "ok" else 503)


@get(
    "/metrics",
    summary="Figures for Prometheus",
    tags=[TAG.name],
    media_type=MediaType.TEXT,
    response_description="Counters, gauges and histograms, each with what it is in a `# HELP` line",
    responses=documented(400, 503),
)
async def metrics(figures: NamedDependency[Figures]) -> Response[bytes]:
    """The text format 0.0.4 of Prometheus."""
    return Response(await figures.text(), media_type="text/plain; version=0.0.4")


def routes(figures: Role) -> Sequence[ControllerRouterHandler]:
    """Make the routes.

    Args:
        figures: Role that `/metrics` needs.
    """
    return [live, ready, Router("/", route_handlers=[metrics], opt=needing(figures))]
