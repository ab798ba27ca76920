"""Groups of children: `count = N` stands for N children that differ in id, name and port."""

from collections.abc import Iterable

from msgspec.structs import replace

from icu.config.settings import AnyChild, PatientChild, SinkChild


def instances(child: AnyChild) -> list[AnyChild]:
    """Return the children that a table of supervisor.toml stands for."""
    if child.count is None:
        return [child]
    return [_instance(child, number) for number in range(1, child.count + 1)]


def all_instances(children: Iterable[AnyChild]) -> list[AnyChild]:
    """Return the children that all tables stand for, in their order."""
    return [each for child in children for each in instances(child)]


def names_of(child: PatientChild) -> list[str]:
    """Return the names of the patients of a child: its own for one, `NAME 1` and so on for several."""
    if child.patients == 1:
        return [child.name]
    return [f"{child.name} {number}" for number in range(1, child.patients + 1)]


def mistake_in(child: AnyChild) -> str | None:
    """Explain why a child cannot run several times, or carry several patients, as it is written.

    Returns:
        The key and the explanation, with a colon between; None if there is no mistake.
    """
    if child.count is not None and child.id is None:
        return "count: give the child an id, which its instances are numbered after"
    if isinstance(child, PatientChild):
        return _mistake_in_patient(child)
    return None


def _mistake_in_patient(child: PatientChild) -> str | None:
    several = child.count is not None or child.patients > 1
    if several and child.uuid is not None:
        return "uuid: several patients cannot have one uuid: leave it out, it is made from their names"
    if several and child.recording is not None:
        return "recording: several patients cannot be one recording: --recordings FOLDER replays many"
    return None


def _instance(child: AnyChild, number: int) -> AnyChild:
    alike = replace(child, id=f"{child.id}-{number}", count=None)
    if child.port is not None:
        alike = replace(alike, port=child.port + number - 1)
    if isinstance(alike, PatientChild):
        alike = replace(alike, name=f"{alike.name} {number}")
    if isinstance(alike, SinkChild) and alike.member is not None:
        alike = replace(alike, member=f"{alike.member}-{number}")
    return alike
