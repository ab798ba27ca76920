"""Checks of children beyond the types: other children, files that they name, settings that go together."""

import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from icu.bounds import check_name, check_time, check_uuid
from icu.config.files import File
from icu.config.groups import mistake_in
from icu.config.settings import AnyChild, PatientChild
from icu.config.siblings import mistakes_between
from icu.mistakes import explain_choice

# Settings that a recording cannot have.
_SIMULATED_ONLY: Final = ("scenario", "scenario_rate", "artefacts")


def check_children(file: File, children: Sequence[AnyChild], folder: Path, scenarios: Sequence[str]) -> None:
    """Check each child by itself.

    Args:
        file: File of the children, for the place of a mistake.
        children: One for each table, as they are written.
        folder: Folder that relative paths belong to.
        scenarios: Names of all scenarios.

    Raises:
        ConfigurationError: A child cannot run as it is written.
    """
    for position, child in enumerate(children):
        _check_group(file, position, child)
        if isinstance(child, PatientChild):
            _check_patient(file, position, child, folder)
            _check_scenario(file, position, child, scenarios)


def check_siblings(file: File, children: Sequence[AnyChild]) -> None:
    """Check that the children can run beside each other. All of them have an id already.

    Raises:
        ConfigurationError: Two children have the same id, patient or port.
    """
    for where, why in mistakes_between(children):
        raise file.mistake(where, why)


def _check_patient(file: File, position: int, child: PatientChild, folder: Path) -> None:
    _check_identity(file, position, child)
    if child.start is not None:
        with _mistake_at(file, f"child[{position}].start"):
            check_time(child.start)
    if child.recording is None:
        _check_simulated(file, position)
    else:
        _check_replayed(file, position, child, folder / child.recording)


def _check_group(file: File, position: int, child: AnyChild) -> None:
    mistake = mistake_in(child)
    if mistake is not None:
        key, _, why = mistake.partition(": ")
        raise file.mistake(f"child[{position}].{key}", why)


def _check_identity(file: File, position: int, child: PatientChild) -> None:
    with _mistake_at(file, f"child[{position}].name"):
        check_name(child.name)
    with _mistake_at(file, f"child[{position}].uuid"):
        if child.uuid is not None:
            check_uuid(child.uuid)


def _check_simulated(file: File, position: int) -> None:
    # The written keys count, not the values: a default cannot be told from a written value in the struct.
    written = file.values["child"][position]
    if "step" in written:
        why = 'is for recordings: name one (recording = "FILE"), or leave this out'
        raise file.mistake(f"child[{position}].step", why)
    if "speed" in written and "start" not in written:
        why = "is for the time since `start`, or for recordings: write one of them too, or leave this out"
        raise file.mistake(f"child[{position}].speed", why)


def _check_scenario(file: File, position: int, child: PatientChild, scenarios: Sequence[str]) -> None:
    if child.scenario is not None and child.scenario not in scenarios:
        raise file.mistake(f"child[{position}].scenario", explain_choice(child.scenario, scenarios))


def _check_replayed(file: File, position: int, child: PatientChild, recording: Path) -> None:
    if child.restart == "permanent":
        why = 'a recording has an end, after which "permanent" would start it again and again: write "transient"'
        raise file.mistake(f"child[{position}].restart", why)
    for key in _SIMULATED_ONLY:
        if key in file.values["child"][position]:
            raise file.mistake(f"child[{position}].{key}", "is for simulated patients: leave it out of a recording")
    with _mistake_at(file, f"child[{position}].recording"):
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
def _mistake_at(file: File, where: str) -> Iterator[None]:
    """Convert a ValueError to the mistake of the setting at `where`."""
    try:
        yield
    except ValueError as exc:
        raise file.mistake(where, str(exc)) from exc
