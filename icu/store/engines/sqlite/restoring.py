"""A backup in place of the database.

The copy is made ready beside the database, and then brought into it by a transaction of SQLite: programs that have the
database open see it before, or after. A file that is moved there would be seen by none of them, and a log that one of
them leaves under the old name would destroy it. Only a database that SQLite cannot open is moved away.
"""

import os
import shutil
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from icu.errors import UsageError
from icu.store import schema
from icu.store.engines.base import Report
from icu.store.engines.sqlite import copying, files
from icu.store.engines.sqlite.translation import translated
from icu.store.engines.sqlite.upgrading import upgrade
from icu.store.errors import StoreCorruptError, StoreError


def prepare(path: Path, source: Path, part: Path, report: Report) -> None:
    """Copy a backup into `part`, check it, and bring it to this program's version, as a database of its own. Blocks.

    Raises:
        UsageError: There is no such file, or it is the database itself.
        StoreError: It is damaged, none of ours, or newer than this program.
    """
    if not source.is_file():
        raise UsageError(f"{source} is no file: name a backup")
    if path.exists() and source.samefile(path):
        raise UsageError(f"{source} is the database itself: name a backup of it")
    try:
        copying.copy(source, part, report)
    except StoreCorruptError as exc:
        damage: Sequence[str] = [str(exc.__cause__)]
    else:
        damage = copying.find_damage(part, uses="immutable=1")
    if damage:
        raise StoreCorruptError(f"{source} is damaged ({damage[0]}): nothing was changed, take another backup")
    version = copying.version_of(part)
    if version is None:
        raise StoreError(f"{source} is no database of this program: nothing was changed, take another file")
    if version > schema.HEAD:
        raise StoreError(
            f"{source} has tables of version {version}, newer than this program's {schema.HEAD}: update the program"
        )
    with translated(part), closing(copying.connected(part)) as connection:
        connection.execute("PRAGMA user_version = 0")  # the upgrade gives it a number of its own
    upgrade(part)


def replace(path: Path, part: Path, report: Report) -> Path | None:
    """Bring a database that was made ready into the place of another. Blocks.

    Returns:
        The name under which the one that was there is kept; None if there was none.
    """
    path = Path(os.path.realpath(path))  # SQLite's log stands beside the target of a link
    kept = _free_name(path)
    if not path.exists():
        _move_log(path, kept)
        _move(part, path)
        return None
    try:
        with copying.part_of(kept) as old:
            copying.copy(path, old, lambda _: None)
            copying.sync(old)
            old.replace(kept)
    except StoreCorruptError:
        _put_aside(path, kept)
        shutil.copymode(kept, part)
        _move(part, path)
    else:
        copying.overwrite(part, path, report)
    copying.sync(path.parent)
    return kept


def _free_name(path: Path) -> Path:
    moment = datetime.now(UTC)
    name = f"{path.name}.replaced-{moment:%Y%m%dT%H%M%S}"
    # Two restores in a second: neither may lose what the other has kept.
    return path.with_name(f"{name}.{moment:%f}" if path.with_name(name).exists() else name)


def _put_aside(path: Path, kept: Path) -> None:
    """Give a damaged database, with its log, the other name too."""
    # A second name: without any, a sink that starts after a crash would make a new database.
    os.link(path, kept)
    _move_log(path, kept)


def _move_log(path: Path, kept: Path) -> None:
    """Move SQLite's log to the database that it belongs to: beside another one it would destroy that."""
    log, index = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    index.unlink(missing_ok=True)
    if files.size_of(log):
        log.replace(kept.with_name(kept.name + "-wal"))
    log.unlink(missing_ok=True)


def _move(part: Path, path: Path) -> None:
    copying.sync(part)
    part.replace(path)
    copying.sync(path.parent)
