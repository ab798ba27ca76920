"""Files that the pages load, in memory: plain and compressed, each with its ETag.

Litestar's router for static files answers no `If-None-Match`, and its files are never compressed: each visit would load
the whole page anew, three times as large.
"""

import gzip
import mimetypes
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from icu.http.caching import is_held, weak_tag
from icu.http.compression import accepts_gzip
from icu.http.gate import PUBLIC
from icu.monitor.queries import AnyRequest

# A browser asks each time if its own is still right: files of two versions do not fit together.
_HEADERS: Final = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}


class _File:
    """A file as it is sent."""

    def __init__(self, path: Path) -> None:
        self._content = path.read_bytes()
        self._compressed = gzip.compress(self._content, mtime=0)
        self._media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        self._headers = {**_HEADERS, "ETag": weak_tag(self._content)}

    def answer(self, request: AnyRequest) -> Response[bytes]:
        """Answer with the file, or with 304 where `If-None-Match` names it."""
        if is_held(request.headers, self._headers["ETag"]):
            return Response(b"", status_code=304, headers=self._headers)
        if accepts_gzip(request.scope):
            headers = {**self._headers, "Content-Encoding": "gzip"}
            return Response(self._compressed, media_type=self._media_type, headers=headers)
        return Response(self._content, media_type=self._media_type, headers=self._headers)


def web_files(path: str, root: Path, folders: Iterable[str]) -> HTTPRouteHandler:
    """Make the route of all files in these folders of `root`, below a path. Reads them, once in a process."""
    kept = _read(root, tuple(folders))

    @get(f"{path}/{{name:path}}", include_in_schema=False, opt=PUBLIC)
    async def web_file(request: AnyRequest, name: FromPath[Path]) -> Response[bytes]:
        """One of the files."""
        file = kept.get(name.as_posix().removeprefix("/"))
        if file is None:
            raise NotFoundException("no file of the page has this name")
        return file.answer(request)

    return web_file


@cache
def _read(root: Path, folders: Sequence[str]) -> Mapping[str, _File]:
    found = (path for folder in folders for path in (root / folder).rglob("*.*") if path.is_file())
    return {path.relative_to(root).as_posix(): _File(path) for path in found}
