"""Static files: those of a folder, served below a path."""

from pathlib import Path
from typing import Any

from litestar import Router
from litestar.file_system import BaseLocalFileSystem
from litestar.static_files import create_static_files_router
from litestar.types import PathType
from litestar.types.file_types import FileInfo


def files(path: str, folder: Path) -> Router:
    """A router that serves the files of `folder` below `path`, outside the API's description."""
    return create_static_files_router(path=path, directories=[folder], file_system=_Files(), include_in_schema=False)


class _Files(BaseLocalFileSystem):
    """The local files. A path that no file can have, with a NUL or of 300 letters, is one that is not there."""

    async def info(self, path: PathType, **kwargs: Any) -> FileInfo:  # noqa: ANN401 - as Litestar has it
        """What is known of a file."""
        try:
            return await super().info(path, **kwargs)
        except (OSError, ValueError) as exc:
            raise FileNotFoundError(path) from exc
