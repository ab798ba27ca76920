"""Orders about patients, who are found by their child's id, by name or by uuid: let a scenario befall them."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

from icu.bootstrap.remote import Order
from icu.config.groups import names_of
from icu.config.settings import BEDS, PatientChild
from icu.control.protocol import Befallen
from icu.errors import RecordedPatientError, UnknownBedError
from icu.messages import uuid_of_name
from icu.patient.beds import Beds, Identity
from icu.supervisor.view import State

_KNOWN: Final = 1_000
"""Names that a mistyped one is compared with at most: a ward may have 100,000 patients."""


async def befall(
    children: Sequence[PatientChild],
    states: Mapping[str, State],
    beds: Mapping[str, Beds],
    tell: Callable[[str, bytes], Awaitable[bool]],
    bed: str,
    scenario: str,
) -> Befallen:
    """Let a scenario befall the patients whom `bed` means, those in `beds` of this process and those in others, which
    are told by line: `tell` takes their child's id, and answers whether it could.

    UnknownBedError where it means nobody. The scenario is one that there is.
    """
    patients: list[str] = []
    problems: list[str] = []
    for child in children:
        here = beds.get(str(child.id))
        for each in _meant(child, here, bed):
            if here is None:
                problem = await _told(child, states, each, scenario, tell)
            else:
                problem = _befall(here, each, scenario)
            (patients if problem is None else problems).append(problem or each.name)
    if not patients and not problems:
        raise UnknownBedError(bed, [*(str(child.id) for child in children), *_names(children)][:_KNOWN])
    # All the patients of a child in trouble have the same.
    return Befallen(patients, list(dict.fromkeys(problems)))


def _meant(child: PatientChild, here: Beds | None, bed: str) -> list[Identity]:
    pattern = "*" if bed in {BEDS, child.id} or fnmatchcase(str(child.id), bed) else bed
    identities = _configured(child) if here is None else here.identities
    return [each for each in identities if each.matches(pattern)]


def _befall(here: Beds, patient: Identity, scenario: str) -> str | None:
    try:
        here.befall(patient.uuid, scenario)
    except RecordedPatientError as exc:
        return str(exc)
    return None


async def _told(
    child: PatientChild,
    states: Mapping[str, State],
    patient: Identity,
    scenario: str,
    tell: Callable[[str, bytes], Awaitable[bool]],
) -> str | None:
    """Tell a child in a process of its own that listens; why not, if so."""
    if child.recording is not None:
        return str(RecordedPatientError(child.name))
    if child.process and await tell(str(child.id), Order(patient.uuid, scenario).line):
        return None
    return f"{child.id} does not run ({states.get(str(child.id), 'missing')}): python -m icu start {child.id}"


def _configured(child: PatientChild) -> list[Identity]:
    return [Identity(child.uuid or uuid_of_name(name), name) for name in names_of(child)]


def _names(children: Sequence[PatientChild]) -> Iterator[str]:
    return (name for child in children for name in names_of(child))
