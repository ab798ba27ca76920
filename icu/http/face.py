"""The HTTP face of a role: health, metrics, problem details, and an OpenAPI page that needs no network."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, TypeAlias

from litestar import Litestar, Router
from litestar.config.cors import CORSConfig
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Tag
from litestar.plugins import PluginProtocol
from litestar.types import ControllerRouterHandler, Guard, Middleware
from prometheus_client import CollectorRegistry

from icu.http import operation, swagger
from icu.http.bodies import MAX_BODY, BodyRequest
from icu.http.compression import compressing, vary
from icu.http.figures import Figures
from icu.http.gate import VIEWER, Gate, role_guard
from icu.http.head import allow_head, answering_head
from icu.http.health import Health
from icu.http.hosts import allowed_hosts
from icu.http.limits import within_cap
from icu.http.origins import LOOPBACK, allowed_origins
from icu.http.problems import EXCEPTION_HANDLERS

# The end of each API's description.
_EVERYWHERE: Final = """Times are ISO 8601 with a zone, answered in UTC; units are UCUM's. Errors are problem details
(RFC 9457) that say what to do: 401 without a valid key, 403 where its role may not do this. 503 also means that there
are too many connections: ask again after `Retry-After`. HEAD is answered wherever GET is."""

Lifespan: TypeAlias = Callable[[Litestar], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceContext:
    """Parts that all HTTP faces of a process have in common."""

    # Version of the API, for its description.
    version: str
    # Checks of the process.
    health: Health
    # Metrics of the role.
    registry: CollectorRegistry
    # Decision on who comes in.
    gate: Gate
    # Origins whose pages may read and command the API. Pages from loopback may read it, and command it on loopback.
    cors_origins: Sequence[str] = ()
    # Names that are allowed in the Host header, beside loopback's own; None for all names.
    hosts: Sequence[str] | None = None


def face(
    context: FaceContext,
    *,
    title: str,
    handlers: Sequence[ControllerRouterHandler],
    description: str = "",
    tags: Sequence[Tag] = (),
    plugins: Sequence[PluginProtocol] = (),
    prefix: str = "",
    beside: Sequence[ControllerRouterHandler] = (),
    guards: Sequence[Guard] = (),
    middleware: Sequence[Middleware] = (),
    dependencies: Mapping[str, object] | None = None,
    lifespan: Sequence[Lifespan] = (),
    clock: Callable[[], float] = perf_counter,
) -> Litestar:
    """Build an application with health and metrics.

    Args:
        context: Parts that the faces of the process have in common.
        title: The name of the API, for its description.
        handlers: The routes under `prefix`.
        description: The text of the API's description, in Markdown.
        tags: The groups of routes in the API's description.
        plugins: Plugins of Litestar, for the API's description.
        prefix: The path of the API.
        beside: Routes outside the prefix: pages, and their files.
        guards: Guards of each request, after the cap on connections.
        middleware: Middleware inside the compression, after the checks of host and origin.
        dependencies: Values for handlers, by name.
        lifespan: Context managers around the life of the application.
        clock: Seconds, for the durations of responses.
    """
    figures = Figures(context.registry, context.health, clock)
    given = {"health": context.health, "figures": figures, **(dependencies or {})}
    app = Litestar(
        route_handlers=[
            Router(prefix or "/", route_handlers=handlers),
            *beside,
            *operation.routes(context.gate.figures),
            swagger.swagger_files(),
        ],
        dependencies={name: Provide(_always(value), sync_to_thread=False) for name, value in given.items()},
        request_class=BodyRequest,
        before_send=[figures.count, allow_head, vary],
        guards=[within_cap, role_guard(context.gate), *guards],
        middleware=[*_checks(context), compressing, *middleware],
        exception_handlers=dict(EXCEPTION_HANDLERS),
        cors_config=_cors(context.cors_origins),
        plugins=list(plugins),
        openapi_config=_description(title, f"{description}\n\n{_EVERYWHERE}".strip(), context.version, tags),
        lifespan=list(lifespan),
        request_max_body_size=MAX_BODY,
        logging_config=None,  # Litestar's would replace the log handlers of the whole process
    )
    # Around Litestar's own handler: the time of arrival comes first, and HEAD becomes GET before a route is looked up.
    app.asgi_handler = figures.noting_arrival(answering_head(app.asgi_handler))
    return app


def _checks(context: FaceContext) -> list[Middleware]:
    """Make the checks of host and origin, in this order."""
    hosts = context.hosts
    origins = allowed_origins(context.cors_origins, loopback=hosts is not None)
    return [origins] if hosts is None else [allowed_hosts(hosts), origins]


def _cors(origins: Sequence[str]) -> CORSConfig:
    return CORSConfig(
        allow_origins=list(origins),
        allow_origin_regex=LOOPBACK,
        expose_headers=["Link", "History-From", "History-Until"],
    )


def _description(title: str, text: str, version: str, tags: Sequence[Tag]) -> OpenAPIConfig:
    return OpenAPIConfig(
        title=title,
        description=text,
        version=version,
        tags=[*tags, operation.TAG],
        openapi_router=Router("/schema", route_handlers=[], include_in_schema=False, opt=VIEWER),
        render_plugins=swagger.PLUGINS,
        use_handler_docstrings=True,
    )


def _always(value: object) -> Callable[[], Any]:
    return lambda: value
