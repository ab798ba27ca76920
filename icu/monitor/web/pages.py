"""Routes of the pages, and of the files that they load.

The pages stand at the root, outside the API's prefix. All addresses in them are relative, so that they work below any
path of a proxy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from litestar import MediaType, Response, get
from litestar.types import ControllerRouterHandler

from icu.http.gate import PUBLIC
from icu.http.references import root_reference
from icu.monitor.metrics import PatientUuid
from icu.monitor.queries import AnyRequest
from icu.monitor.web.loaded import web_files

_FOLDER: Final = Path(__file__).parent

# Folders that are served. `vendor` is made when the package is built, if npm is there then.
_SERVED: Final = ("app", "styles", "vendor")

# Nothing from elsewhere, nothing inline; and no page of others may put these into a frame.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def pages(prefix: str) -> Sequence[ControllerRouterHandler]:
    """Make the routes of the pages. Reads files, so it must not be called on the event loop.

    Args:
        prefix: Path of the API, below the same root.
    """
    ward, bedside = _read("ward", prefix), _read("bedside", prefix)

    @get("/", include_in_schema=False, opt=PUBLIC)
    async def ward_page(request: AnyRequest) -> Response[str]:
        """Page of the ward."""
        return ward.answer(request)

    @get("/bedside/{patient_uuid:uuid}", include_in_schema=False, opt=PUBLIC)
    async def bedside_page(request: AnyRequest, patient_uuid: PatientUuid) -> Response[str]:  # noqa: ARG001 - the page reads it
        """Page of a patient, also of an unknown one: the page says so then."""
        return bedside.answer(request)

    return [ward_page, bedside_page, web_files("/web", _FOLDER, _SERVED)]


@dataclass(frozen=True)
class _Page:
    """A page with places for its addresses."""

    template: Template
    # Path of the API, relative to the root.
    api: str
    # `uplot`, or `canvas` where the package was built without it.
    charts: str

    def answer(self, request: AnyRequest) -> Response[str]:
        root = root_reference(request.scope)
        text = self.template.substitute(root=root, api=f"{root}{self.api}", charts=self.charts)
        return Response(text, media_type=MediaType.HTML, headers=_HEADERS)


def _read(name: str, prefix: str) -> _Page:
    template = Template((_FOLDER / f"{name}.html").read_text(encoding="utf-8"))
    charts = "uplot" if (_FOLDER / "vendor" / "uPlot.esm.js").is_file() else "canvas"
    return _Page(template, f"{prefix}/".lstrip("/"), charts)
