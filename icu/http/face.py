"""The HTTP face that every role may have: health, figures, problem details, and an OpenAPI page without a network."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
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
from icu.http.head import allow_head, answering_head
from icu.http.health import Health
from icu.http.hosts import answering_to
from icu.http.limits import within_cap
from icu.http.origins import LOOPBACK, commanded_from
from icu.http.problems import EXCEPTION_HANDLERS

_EVERYWHERE: Final = """Times are ISO 8601 with a zone, answered in UTC; units are UCUM's. Errors are problem details
(RFC 9457) that say what to do. 503 also means that there are too many connections: ask again after `Retry-After`. HEAD
is answered wherever GET is."""

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
    beside: Sequence[ControllerRouterHandler] = (),
    guards: Sequence[Guard] = (),
    middleware: Sequence[Middleware] = (),
    cors_origins: Sequence[str] = (),
    hosts: Sequence[str] | None = None,
    dependencies: Mapping[str, object] | None = None,
    lifespan: Sequence[Lifespan] = (),
    clock: Callable[[], float] = perf_counter,
) -> Litestar:
    """An application that serves `handlers` under `prefix`, and health and figures beside them.

    `beside` are routes outside the prefix too: pages, and their files. `guards` ask each request, behind the cap of
    connections; `middleware` is around each answer before it is compressed, behind the checks of host and origin.

    `title`, `description` and `tags` are for the API's own description, and so are `plugins`.

    `hosts` are the names that it answers to on loopback, beside loopback's own; None where others can reach it, for
    all. Pages of `cors_origins` may read and command it, those from loopback read it, and command it on loopback.
    `dependencies` are handed to handlers by name; `clock` tells the seconds that answers take.
    """
    figures = Figures(registry, health, clock)
    given = {"health": health, "figures": figures, **(dependencies or {})}
    app = Litestar(
        route_handlers=[
            Router(prefix or "/", route_handlers=handlers),
            *beside,
            *operation.ROUTES,
            swagger.swagger_files(),
        ],
        dependencies={name: Provide(_always(value), sync_to_thread=False) for name, value in given.items()},
        request_class=BodyRequest,
        before_send=[figures.count, allow_head, vary],
        guards=[within_cap, *guards],
        middleware=[
            *([] if hosts is None else [answering_to(hosts)]),
            commanded_from(cors_origins, loopback=hosts is not None),
            compressing,
            *middleware,
        ],
        exception_handlers=dict(EXCEPTION_HANDLERS),
        cors_config=CORSConfig(
            allow_origins=list(cors_origins),
            allow_origin_regex=LOOPBACK,
            expose_headers=["Link"],
        ),
        plugins=list(plugins),
        openapi_config=_description(title, f"{description}\n\n{_EVERYWHERE}".strip(), version, tags),
        lifespan=list(lifespan),
        request_max_body_size=MAX_BODY,
        logging_config=None,  # Litestar's own would replace the handlers of the whole process
    )
    app.asgi_handler = figures.noting_arrival(answering_head(app.asgi_handler))  # before it looks for a route
    return app


def _description(title: str, text: str, version: str, tags: Sequence[Tag]) -> OpenAPIConfig:
    """The API's own description, with a page that needs no network."""
    return OpenAPIConfig(
        title=title,
        description=text,
        version=version,
        tags=[*tags, operation.TAG],
        path="/schema",
        render_plugins=swagger.PLUGINS,
        use_handler_docstrings=True,
    )


def _always(value: object) -> Callable[[], Any]:
    return lambda: value
