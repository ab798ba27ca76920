"""Swagger UI from an installed package. Litestar's own page would load it from the Internet."""

import mimetypes
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from litestar import Router
from litestar.openapi.plugins import SwaggerRenderPlugin

from icu.http.files import files

_FILES: Final = "/schema/files"

PAGE: Final = SwaggerRenderPlugin(
    js_url=f"{_FILES}/swagger-ui-bundle.js",
    css_url=f"{_FILES}/swagger-ui.css",
    standalone_preset_js_url=f"{_FILES}/swagger-ui-standalone-preset.js",
    favicon=f"<link rel='icon' href='{_FILES}/favicon-32x32.png'>",
    path=["/", "/swagger"],
)


def swagger_files() -> Router:
    """Serve the files of the page. Blocks, so it must not be called on the event loop."""
    mimetypes.init()  # reads files, which would happen on the loop at the first request
    spec = find_spec("swagger_ui")
    return files(_FILES, Path(spec.origin).parent / "static" if spec and spec.origin else Path())
