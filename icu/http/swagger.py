"""Swagger UI for the API description, from an installed package: Litestar's own page loads it from the Internet."""

import mimetypes
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from litestar import Request, Router
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin, SwaggerRenderPlugin

from icu.http.files import files
from icu.http.gate import VIEWER
from icu.http.references import root_reference

_FILES: Final = "/schema/files"


class _Document(JsonRenderPlugin):
    """The OpenAPI document. OpenAPI resolves the address of the server against the document's own."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return super().render(request, _served_from(root_reference(request.scope), openapi_schema))


class _Page(SwaggerRenderPlugin):
    """The page, with the document inside. Its references are for the one of its addresses that was asked."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        root = root_reference(request.scope)
        folder = f"{root}{_FILES.removeprefix('/')}"
        page = SwaggerRenderPlugin(
            js_url=f"{folder}/swagger-ui-bundle.js",
            css_url=f"{folder}/swagger-ui.css",
            standalone_preset_js_url=f"{folder}/swagger-ui-standalone-preset.js",
            favicon=f"<link rel='icon' href='{folder}/favicon-32x32.png'>",
        )
        return page.render(request, _served_from(root, openapi_schema))


PLUGINS: Final[tuple[OpenAPIRenderPlugin, ...]] = (_Page(path=["/", "/swagger"]), _Document())


def _served_from(root: str, document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "servers": [{"url": root}]}


def swagger_files() -> Router:
    """Serve the files of the page. Blocks, so it must not be called on the event loop."""
    mimetypes.init()  # reads files, which would happen on the loop at the first request
    spec = find_spec("swagger_ui")
    return files(_FILES, Path(spec.origin).parent / "static" if spec and spec.origin else Path(), opt=VIEWER)
