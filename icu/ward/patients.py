"""Orders about patients, who are found by their child's id, by name or by uuid: let a scenario befall them."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final, TypeAlias
from uuid import UUID

from anyio import create_task_group

from icu.config.groups import names_of
from icu.config.settings import BEDS, PatientChild
from icu.control.protocol import Befallen
from icu.errors import RecordedPatientError, UnknownBedError
from icu.messages import uuid_of_name
from icu.patient.beds import Beds, Identity
from icu.supervisor.view import State

_KNOWN: Final = 1_000
"""Names that a mistyped one is compared with at most: a ward may have 100,000 patients."""


Tell: TypeAlias = Callable[[str, Sequence[UUID], str], Awaitable[Mapping[UUID, str] | None]]
"""Lets a scenario befall patients of a child in a process of its own, by the child's id: those whom it does not befall,
and why; None where the process does not run."""


async def befall(
    children: Sequence[PatientChild],
    states: Mapping[str, State],
    beds: Mapping[str, Beds],
    tell: Tell,
    bed: str,
    scenario: str,
) -> Befallen:
    """Begin a scenario for the patients whom `bed` means, those in `beds` of this process and those in others.

    UnknownBedError where it means nobody. The scenario is one that there is.
    """
    meant = [(child, found) for child in children if (found := _meant(child, beds.get(str(child.id)), bed))]
    if not meant:
        raise UnknownBedError(bed, [*(str(child.id) for child in children), *_names(children)][:_KNOWN])
    refused: dict[UUID, str] = {}

    async def order(child: PatientChild, patients: Sequence[Identity]) -> None:
        here = beds.get(str(child.id))
        if here is None:
            refused.update(await _told(child, states, patients, scenario, tell))
        else:
            refused.update(_befall(here, patients, scenario))

    # All at once: processes that do not answer are waited for together.
    async with create_task_group() as group:
        for child, found in meant:
            group.start_soon(order, child, found)
    everybody = [each for _, found in meant for each in found]
    problems = [refused[each.uuid] for each in everybody if each.uuid in refused]
    # All the patients of a child in trouble have the same.
    return Befallen([each.name for each in everybody if each.uuid not in refused], list(dict.fromkeys(problems)))


def _meant(child: PatientChild, here: Beds | None, bed: str) -> list[Identity]:
    pattern = "*" if bed in {BEDS, child.id} or fnmatchcase(str(child.id), bed) else bed
    identities = _configured(child) if here is None else here.identities
    return [each for each in identities if each.matches(pattern)]


def _befall(here: Beds, patients: Sequence[Identity], scenario: str) -> dict[UUID, str]:
    refused = {}
    for each in patients:
        try:
            here.befall(each.uuid, scenario)
        except RecordedPatientError as exc:
            refused[each.uuid] = str(exc)
    return refused


async def _told(
    child: PatientChild,
    states: Mapping[str, State],
    patients: Sequence[Identity],
    scenario: str,
    tell: Tell,
) -> Mapping[UUID, str]:
    """Tell a child in a process of its own, if it listens; who is refused, and why."""
    uuids = [each.uuid for each in patients]
    refused = await tell(str(child.id), uuids, scenario) if child.process else None
    if refused is not None:
        return refused
    if child.recording is not None:
        return dict.fromkeys(uuids, str(RecordedPatientError(child.name)))
    state = states.get(str(child.id), "missing")
    return dict.fromkeys(uuids, f"{child.id} does not run ({state}): python -m icu start {child.id}")


def _configured(child: PatientChild) -> list[Identity]:
    return [Identity(child.uuid or uuid_of_name(name), name) for name in names_of(child)]


def _names(children: Sequence[PatientChild]) -> Iterator[str]:
    return (name for child in children for name in names_of(child))
