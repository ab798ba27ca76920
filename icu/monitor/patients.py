"""Route of the patients."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from litestar import get
from litestar.di import NamedDependency

from icu.http.problems import documented
from icu.monitor.ages import Ages
from icu.monitor.queries import AnyRequest, check_parameters
from icu.monitor.schemas import PatientSummary
from icu.store.reader import PatientState, Reader

_DIGITS: Final = re.compile("([0-9]+)")


@get(
    "/patients",
    summary="All patients, each with the latest reading",
    tags=["patients"],
    response_description="The patients, sorted by name",
    responses=documented(400, 503),
)
async def list_patients(
    request: AnyRequest, reader: NamedDependency[Reader], ages: NamedDependency[Ages]
) -> list[PatientSummary]:
    """All known patients, sorted by name: Bed 2 before Bed 10, and patients without a name at the end."""
    check_parameters(request.query_params, ())
    patients = sorted(await reader.patients(now=ages.now()), key=_by_name)
    return [PatientSummary(each.uuid, each.name, each.latest, ages.of(each)) for each in patients]


def _by_name(patient: PatientState) -> tuple[bool, Sequence[str | int], str]:
    return patient.name is None, _natural(patient.name or ""), str(patient.uuid)


# As many as there may be patients, who are sorted at every request.
@lru_cache(maxsize=16_384)
def _natural(name: str) -> Sequence[str | int]:
    """Make a sort key: the name without its case, and its numbers as integers."""
    # The split has text at even and numbers at odd places, so that only like is compared with like.
    return tuple(int(part) if place % 2 else part for place, part in enumerate(_DIGITS.split(name.casefold())))
