"""Output files that appear whole or not at all: an old file stays until the new one is complete."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from icu.config.errors import ConfigurationError
from icu.errors import OutputError


@contextmanager
def open_output(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing. It replaces the file of this name at the end; devices and pipes are written at once.

    Raises:
        ConfigurationError: The file cannot be made.
        OutputError: It cannot be written, on a full disk for instance.
    """
    try:
        target = path.resolve()
        # A device or a pipe is written in place: a rename would put a file where it was.
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
    except BrokenPipeError:  # the reader of the pipe has closed it, as `head` does: no error of ours
        raise
    except OSError as exc:
        raise OutputError(exc) from exc
    finally:
        if replaces:
            part.unlink(missing_ok=True)


def _replace(target: Path, part: Path) -> None:
    if target.exists():
        # The new file may be read by those who may read the old one.
        shutil.copymode(target, part)
    part.replace(target)
