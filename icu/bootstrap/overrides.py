"""Settings with what the command line says in place of what the file says."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

from msgspec.structs import replace

from icu.bounds import check_name
from icu.config.load import with_ids
from icu.config.settings import AnyChild, MonitorChild, PatientChild, Settings
from icu.messages import uuid_of_name
from icu.patient.errors import RecordingError


def with_recordings(
    settings: Settings, folder: Path, *, speed: float = 1.0, step: float = 3_600.0, start: datetime | None = None
) -> Settings:
    """The settings with a child for each recording of the folder in place of the configured patients."""
    from icu.patient.recordings import find_recordings

    others = [child for child in settings.child if not isinstance(child, PatientChild)]
    replays = [
        PatientChild(name=name, recording=path.absolute(), speed=speed, step=step, start=start)
        for name, path in _patients_of(find_recordings(folder))
    ]
    return replace(settings, child=with_ids((*others, *replays)))


def _patients_of(recordings: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Each recording with its patient's name, which is the file's: RecordingError where two files name one patient."""
    files: dict[UUID, Path] = {}
    for path in recordings:
        try:
            name = check_name(path.stem)
        except ValueError as exc:
            raise RecordingError(f"{path}: is named as its patient, and {exc}: rename it") from exc
        other = files.setdefault(uuid_of_name(name), path)
        if other != path:
            raise RecordingError(f"{other} and {path} are recordings of one patient, {name}: rename or remove one")
        yield name, path


def with_history(settings: Settings, *, start: datetime | None = None, speed: float = 1.0) -> Settings:
    """The settings with simulated patients who begin at `start` and catch up with now, `speed` times as fast."""

    def begun(child: AnyChild) -> AnyChild:
        simulated = isinstance(child, PatientChild) and child.recording is None
        return replace(child, start=start, speed=speed) if simulated else child

    return replace(settings, child=tuple(map(begun, settings.child)))


def with_port(settings: Settings, port: int) -> Settings:
    """The settings with the monitor on another port."""
    return replace(
        settings,
        child=tuple(replace(each, port=port) if isinstance(each, MonitorChild) else each for each in settings.child),
    )
