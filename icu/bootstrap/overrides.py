"""Overrides of the file's settings by options of the command line."""

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
    """Replace the configured patients by a child for each recording of a folder.

    Args:
        settings: Settings of the file.
        folder: Folder of the recordings.
        speed: Factor of the replay; inf for as fast as possible.
        step: Seconds between rows without times.
        start: Time of the first row; see `PatientChild.start`.

    Raises:
        RecordingError: Two recordings name one patient, or a name cannot be a patient's.
    """
    from icu.patient.recordings import find_recordings

    others = [child for child in settings.child if not isinstance(child, PatientChild)]
    replays = [
        PatientChild(name=name, recording=path.absolute(), speed=speed, step=step, start=start)
        for name, path in _patients_of(find_recordings(folder))
    ]
    return replace(settings, child=with_ids((*others, *replays)))


def _patients_of(recordings: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Yield the patient's name, which is the file's stem, and the path of each recording."""
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
    """Begin simulated patients at `start`; they catch up with now, `speed` times as fast."""

    def begun(child: AnyChild) -> AnyChild:
        simulated = isinstance(child, PatientChild) and child.recording is None
        return replace(child, start=start, speed=speed) if simulated else child

    return replace(settings, child=tuple(map(begun, settings.child)))


def insecurely(settings: Settings) -> Settings:
    """Open the gate to everybody as long as there are no keys."""
    return replace(settings, api=replace(settings.api, insecure=True))


def with_port(settings: Settings, port: int) -> Settings:
    """Replace the port of the first monitor, which commands ask too. Others keep theirs: two cannot listen on one."""
    first = next((each for each in settings.child if isinstance(each, MonitorChild)), None)
    return replace(
        settings, child=tuple(replace(each, port=port) if each is first else each for each in settings.child)
    )
