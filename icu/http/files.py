"""Static files of a folder, served below a path."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from litestar import Router
from litestar.file_system import BaseLocalFileSystem
from litestar.static_files import create_static_files_router
from litestar.types import PathType
from litestar.types.file_types import FileInfo


def files(path: str, folder: Path, *, opt: Mapping[str, Any]) -> Router:
    """Serve the files of `folder` below `path`, outside the API's description; `opt` names the role that they need."""
    return create_static_files_router(
        path=path, directories=[folder], file_system=_Files(), include_in_schema=False, opt=dict(opt)
    )


class _Files(BaseLocalFileSystem):
    """Local files. An impossible path counts as missing."""

    async def info(self, path: PathType, **kwargs: Any) -> FileInfo:  # noqa: ANN401 - as Litestar has it
        # The system refuses a path with a NUL, or a name of 300 letters: that is 404, no error of the server.
        try:
            return await super().info(path, **kwargs)
        except (OSError, ValueError) as exc:
            raise FileNotFoundError(path) from exc
