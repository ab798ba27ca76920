"""Checks between children: each has an id, patients and a port of its own."""

from collections.abc import Iterator, Sequence
from unicodedata import normalize
from uuid import UUID

from icu.config.groups import instances, names_of
from icu.config.settings import BEDS, HIGHEST_PORT, AnyChild, PatientChild


def mistakes_between(children: Sequence[AnyChild]) -> Iterator[tuple[str, str]]:
    """Find children that share an id, a patient or a port. All of them have an id already.

    Yields:
        The place of each mistake, such as `child[2].port`, and its description.
    """
    yield from _ids(children)
    yield from _patients(children)
    yield from _ports(children)


def _each(children: Sequence[AnyChild]) -> Iterator[tuple[int, AnyChild]]:
    """Yield the children that will run, each with the number of its table."""
    for position, child in enumerate(children):
        for each in instances(child):
            yield position, each


def _ids(children: Sequence[AnyChild]) -> Iterator[tuple[str, str]]:
    seen = set[str | None]()
    for position, child in _each(children):
        if child.id == BEDS:
            yield f"child[{position}].id", f"{BEDS!r} is what the patients' supervisor is called: give it another id"
        if child.id in seen:
            yield f"child[{position}]", f"a second child has the id {child.id!r}: give it an id of its own"
        seen.add(child.id)


def _patients(children: Sequence[AnyChild]) -> Iterator[tuple[str, str]]:
    owners: dict[UUID | str, str | None] = {}
    for position, child in _each(children):
        if not isinstance(child, PatientChild):
            continue
        # By name where the uuid is made from it, normalized as there.
        for patient in [child.uuid] if child.uuid else [normalize("NFC", name.strip()) for name in names_of(child)]:
            if patient in owners:
                why = f"the patient {patient} lies in {owners[patient]!r} already: give this one a uuid of its own"
                yield f"child[{position}]", why
            owners[patient] = child.id


def _ports(children: Sequence[AnyChild]) -> Iterator[tuple[str, str]]:
    taken: dict[tuple[str, int], str | None] = {}
    for position, child in _each(children):
        if child.port is None:
            continue
        if child.port > HIGHEST_PORT:
            yield f"child[{position}].port", f"{child.id} would have port {child.port}: begin lower"
        other = taken.setdefault((child.host, child.port), child.id)
        if other != child.id:
            yield f"child[{position}].port", f"{child.port} is the port of {other!r} already"
