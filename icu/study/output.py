"""Files that are there whole or not at all: what stood there before stays until the new one is complete."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from icu.config.errors import ConfigurationError
from icu.errors import OutputError


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which replaces the one of this name at the end. Devices and pipes are written to at once.

    ConfigurationError where it cannot be made, OutputError where it cannot be written, on a full disk for instance.
    """
    try:
        target = path.resolve()
        replaces = target.is_file() or not target.exists()
        part = target.with_name(f".{target.name}.{os.getpid()}.part") if replaces else target
        file = part.open("xb" if replaces else "wb")
    except OSError as exc:
        raise ConfigurationError(
            f"{path} cannot be written ({exc.strerror}): name a file in a folder of yours"
        ) from exc
    try:
        with file:
            yield file
        if replaces:
            _replace(target, part)
    except BrokenPipeError:  # whoever read the pipe has had enough
        raise
    except OSError as exc:
        raise OutputError(exc) from exc
    finally:
        if replaces:
            part.unlink(missing_ok=True)


def _replace(target: Path, part: Path) -> None:
    if target.exists():
        shutil.copymode(target, part)
    part.replace(target)
