"""What of a child no type can say: the other children, the file that it names, settings that go together."""

import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from unicodedata import normalize
from uuid import UUID

from icu.bounds import check_name, check_time, check_uuid
from icu.config.files import File
from icu.config.settings import AnyChild, PatientChild

_OF_RECORDINGS: Final = ("step", "speed", "start")


def check_children(file: File, children: Sequence[AnyChild], folder: Path) -> None:
    """Raise ConfigurationError for a child that cannot be run as it is written; paths belong to `folder`."""
    patients = [(n, child) for n, child in enumerate(children) if isinstance(child, PatientChild)]
    _check_ids(file, children)
    _check_identities(file, patients)
    _check_ports(file, children)
    for position, child in patients:
        if child.recording is None:
            _check_simulated(file, position)
        else:
            _check_replayed(file, position, child, folder / child.recording)


def _check_ids(file: File, children: Sequence[AnyChild]) -> None:
    seen = set[str | None]()
    for position, child in enumerate(children):
        if child.id in seen:
            raise file.mistake(
                f"child[{position}]", f"a second child has the id {child.id!r}: give it an id of its own"
            )
        seen.add(child.id)


def _check_identities(file: File, patients: Sequence[tuple[int, PatientChild]]) -> None:
    beds: dict[UUID | str, str | None] = {}
    for position, child in patients:
        with _told(file, f"child[{position}].name"):
            check_name(child.name)
        with _told(file, f"child[{position}].uuid"):
            patient = child.uuid and check_uuid(child.uuid)
        other = beds.setdefault(patient or normalize("NFC", child.name.strip()), child.id)
        if other != child.id:
            why = f"the patient {patient or child.name} lies in {other!r} already: give this one a uuid of its own"
            raise file.mistake(f"child[{position}]", why)


def _check_ports(file: File, children: Sequence[AnyChild]) -> None:
    taken: dict[tuple[str, int], str | None] = {}
    for position, child in enumerate(children):
        if child.port is None:
            continue
        other = taken.setdefault((child.host, child.port), child.id)
        if other != child.id:
            raise file.mistake(f"child[{position}].port", f"{child.port} is the port of {other!r} already")


def _check_simulated(file: File, position: int) -> None:
    for key in _OF_RECORDINGS:
        if key in file.values["child"][position]:
            why = 'is for recordings: name one (recording = "FILE"), or leave this out'
            raise file.mistake(f"child[{position}].{key}", why)


def _check_replayed(file: File, position: int, child: PatientChild, recording: Path) -> None:
    if child.restart == "permanent":
        why = 'a recording has an end, after which "permanent" would start it again and again: write "transient"'
        raise file.mistake(f"child[{position}].restart", why)
    if child.start is not None:
        with _told(file, f"child[{position}].start"):
            check_time(child.start)
    with _told(file, f"child[{position}].recording"):
        _check_regular(recording)


def _check_regular(path: Path) -> None:
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise ValueError(f"there is no file {path}") from exc
    except OSError as exc:
        raise ValueError(f"{str(path)[:200]} cannot be read: {exc.strerror}") from exc
    if not regular:
        raise ValueError(f"{path} is no regular file")


@contextmanager
def _told(file: File, where: str) -> Iterator[None]:
    """A ValueError as the mistake of what stands at `where`."""
    try:
        yield
    except ValueError as exc:
        raise file.mistake(where, str(exc)) from exc
