"""The HTTP face that every role may have: health, figures, problem details, and an OpenAPI page without a network."""

import mimetypes
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any, Final, TypeAlias

from litestar import Litestar, MediaType, Response, Router, get
from litestar.config.cors import CORSConfig
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency, Provide
from litestar.file_system import BaseLocalFileSystem
from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import Tag
from litestar.plugins import PluginProtocol
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler, PathType
from litestar.types.file_types import FileInfo
from prometheus_client import CollectorRegistry

from icu.http.bodies import MAX_BODY, BodyRequest
from icu.http.compression import compressing, vary
from icu.http.connections import TooManyConnectionsError
from icu.http.figures import Figures
from icu.http.head import allow_head, answering_head
from icu.http.health import Health, Report
from icu.http.hosts import answering_to
from icu.http.origins import LOOPBACK, commanded_from
from icu.http.problems import EXCEPTION_HANDLERS, documented
from icu.http.protocol import is_refused

_OPERATION: Final = "operation"

_EVERYWHERE: Final = """Times are ISO 8601 with a zone, answered in UTC; units are UCUM's. Errors are problem details
(RFC 9457) that say what to do. 503 also means that there are too many connections: ask again after `Retry-After`. HEAD
is answered wherever GET is."""

_BEYOND_CAP: Final = "beyond_cap"
"""The option of a route that is answered though there are too many connections."""

Lifespan: TypeAlias = Callable[[Litestar], AbstractAsyncContextManager[None]]


def face(
    *,
    title: str,
    version: str,
    handlers: Sequence[ControllerRouterHandler],
    description: str = "",
    tags: Sequence[Tag] = (),
    plugins: Sequence[PluginProtocol] = (),
    health: Health,
    registry: CollectorRegistry,
    prefix: str = "",
    cors_origins: Sequence[str] = (),
    hosts: Sequence[str] | None = None,
    dependencies: Mapping[str, object] | None = None,
    lifespan: Sequence[Lifespan] = (),
    clock: Callable[[], float] = perf_counter,
) -> Litestar:
    """An application that serves `handlers` under `prefix`, and health and figures beside them.

    `title`, `description` and `tags` are for the API's own description, and so are `plugins`.

    `hosts` are the names that it answers to on loopback, beside loopback's own; None where others can reach it, for
    all. Pages of `cors_origins` may read and command it, those from loopback read it, and command it on loopback.
    `dependencies` are handed to handlers by name; `clock` tells the seconds that answers take.
    """
    figures = Figures(registry, health, clock)
    given = {"health": health, "figures": figures, **(dependencies or {})}
    app = Litestar(
        route_handlers=[Router(prefix or "/", route_handlers=handlers), live, ready, metrics, _swagger_files()],
        dependencies={name: Provide(_always(value), sync_to_thread=False) for name, value in given.items()},
        request_class=BodyRequest,
        before_send=[figures.count, allow_head, vary],
        guards=[_within_cap],
        middleware=[
            *([] if hosts is None else [answering_to(hosts)]),
            commanded_from(cors_origins, loopback=hosts is not None),
            compressing,
        ],
        exception_handlers=dict(EXCEPTION_HANDLERS),
        cors_config=CORSConfig(
            allow_origins=list(cors_origins),
            allow_origin_regex=LOOPBACK,
            expose_headers=["Link"],
        ),
        plugins=list(plugins),
        openapi_config=OpenAPIConfig(
            title=title,
            description=f"{description}\n\n{_EVERYWHERE}".strip(),
            version=version,
            tags=[*tags, Tag(_OPERATION, "What those who run it look at, and their tools")],
            path="/schema",
            render_plugins=[_SWAGGER],
            use_handler_docstrings=True,
        ),
        lifespan=list(lifespan),
        request_max_body_size=MAX_BODY,
        logging_config=None,  # Litestar's own would replace the handlers of the whole process
    )
    app.asgi_handler = figures.noting_arrival(answering_head(app.asgi_handler))  # before it looks for a route
    return app


@get(
    "/health/live",
    summary="The process runs",
    tags=[_OPERATION],
    responses=documented(400),
    opt={_BEYOND_CAP: True},
)
async def live() -> Report:
    """200 as long as it serves at all, beyond the cap of connections too: to be full is no reason to be restarted."""
    return Report("ok", {})


@get(
    "/health/ready",
    summary="It can do its work",
    tags=[_OPERATION],
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
    """200, or 503 with the checks that fail."""
    report = await health.report()
    return Response(report, status_code=200 if report.status == "ok" else 503)


@get(
    "/metrics",
    summary="Figures for Prometheus",
    tags=[_OPERATION],
    media_type=MediaType.TEXT,
    response_description="Counters, gauges and histograms, each with what it is in a `# HELP` line",
    responses=documented(400, 503),
)
async def metrics(figures: NamedDependency[Figures]) -> Response[bytes]:
    """The text format 0.0.4 of Prometheus."""
    return Response(await figures.text(), media_type="text/plain; version=0.0.4")


def _within_cap(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse what came over a connection beyond the cap."""
    if is_refused(connection.scope) and not handler.opt.get(_BEYOND_CAP):
        raise TooManyConnectionsError


def _always(value: object) -> Callable[[], Any]:
    return lambda: value


# Swagger UI from an installed package: Litestar's own pages load it from the Internet.
_SWAGGER: Final = SwaggerRenderPlugin(
    js_url="/schema/files/swagger-ui-bundle.js",
    css_url="/schema/files/swagger-ui.css",
    standalone_preset_js_url="/schema/files/swagger-ui-standalone-preset.js",
    favicon="<link rel='icon' href='/schema/files/favicon-32x32.png'>",
    path=["/", "/swagger"],
)


def _swagger_files() -> Router:
    mimetypes.init()  # reads files, at the first request otherwise
    spec = find_spec("swagger_ui")
    folder = Path(spec.origin).parent / "static" if spec and spec.origin else Path()
    return create_static_files_router(
        path="/schema/files", directories=[folder], file_system=_Files(), include_in_schema=False
    )


class _Files(BaseLocalFileSystem):
    """The local files. A path that no file can have, with a NUL or of 300 letters, is one that is not there."""

    async def info(self, path: PathType, **kwargs: Any) -> FileInfo:  # noqa: ANN401 - as Litestar has it
        """What is known of a file."""
        try:
            return await super().info(path, **kwargs)
        except (OSError, ValueError) as exc:
            raise FileNotFoundError(path) from exc
