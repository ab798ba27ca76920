"""Backup of a database into a file of its own."""

from contextlib import closing
from pathlib import Path

from icu.errors import UsageError
from icu.store.engines.base import Report
from icu.store.engines.sqlite import copying, files
from icu.store.engines.sqlite.translation import translated
from icu.store.errors import StoreCorruptError


def back_up(path: Path, target: Path, *, began: int, overwrite: bool, report: Report) -> int:
    """See icu.store.engines.base.Engine.back_up."""
    target = target.absolute()
    with files.explained(f"{target} cannot be written"):
        _check_target(path, target, overwrite=overwrite)
        with copying.part_of(target) as part:
            copying.copy(path, part, report)
            damage = copying.find_damage(part, uses="immutable=1")
            if damage:
                raise StoreCorruptError(f"{path} is damaged ({damage[0]}): restore it from an earlier backup")
            _close_off(part, began)
            copying.sync(part)
            _check_target(path, target, overwrite=overwrite)  # somebody may have made it meanwhile
            size = part.stat().st_size
            part.replace(target)
        copying.sync(target.parent)
    return size


def _check_target(path: Path, target: Path, *, overwrite: bool) -> None:
    """Raise UsageError if a backup must not be written to this place."""
    if target.is_dir():
        raise UsageError(f"{target} is a folder: name a file in it, for instance {target / 'icu-backup.db'}")
    if not target.parent.is_dir():
        raise UsageError(f"the folder {target.parent} does not exist: create it, or name another place")
    if not target.exists():
        return
    if target.samefile(path):
        raise UsageError(f"{target} is the database itself: name another file")
    if not overwrite:
        raise UsageError(f"{target} exists already: name another file, or overwrite it with --force")
    if any(target.with_name(target.name + each).exists() for each in ("-wal", "-shm")):
        # A log belongs to the file beside it: it would be brought into the backup, and destroy it.
        raise UsageError(f"{target} is open in another program, or was not closed: name another file")
    files.check_kind(target)


def _close_off(part: Path, began: int) -> None:
    """Note the time in the copy, and make it a file that needs no other files beside it, not even to be read."""
    with translated(part), closing(copying.connected(part)) as connection:
        connection.execute("PRAGMA synchronous = OFF")  # it is brought onto the disk as a whole
        connection.execute("PRAGMA journal_mode = DELETE")
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'upkeep_state'").fetchone():
            connection.execute("UPDATE upkeep_state SET backed_up = ?", (began,))
