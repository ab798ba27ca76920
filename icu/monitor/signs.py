"""The route of the catalogue of signs: what a client needs to label, scale and map the values of a reading."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec
from litestar import Response, get
from litestar.datastructures import ResponseHeader
from msgspec import Meta, Struct

from icu.alarms.conditions import LIMITED
from icu.alarms.defaults import WARD
from icu.alarms.limits import ConditionLimits
from icu.http.caching import NOT_MODIFIED, CachedBody
from icu.http.gate import VIEWER
from icu.http.problems import documented
from icu.monitor.queries import AnyRequest, check_parameters
from icu.vitals.catalogue import SIGNS, Sign

# Seconds. A program that was updated shows within an hour, and a page that is reloaded all day asks 24 times.
MAX_AGE: Final = 3_600


class SignEntry(Struct, frozen=True):
    """A vital sign of the catalogue."""

    name: Annotated[str, Meta(description="What it is called where pressures are numbers", examples=["systolic"])]
    field: Annotated[str, Meta(description="The field of a reading that holds it", examples=["bp"])]
    title: Annotated[str, Meta(description="Its name for people", examples=["Systolic pressure"])]
    unit: Annotated[str, Meta(description="UCUM", examples=["mm[Hg]"])]
    loinc: Annotated[str, Meta(description="LOINC code", pattern=r"^[0-9]+-[0-9]$", examples=["8480-6"])]
    minimum: Annotated[float, Meta(description="Least value that can be measured, included", examples=[0])]
    maximum: Annotated[float, Meta(description="Highest value that can be measured, included", examples=[360])]
    decimals: Annotated[int, Meta(ge=0, description="Digits that monitors show behind the point", examples=[0])]
    optional: Annotated[
        bool, Meta(description="True where readings leave it out if it was not measured; the others are null then")
    ]
    default_limits: Annotated[
        Mapping[str, ConditionLimits],
        Meta(
            description="Of this program for adults, by name of the condition. `GET /limits` has those that hold",
            examples=[{"spo2.low": {"values": {"medium": 90, "high": 80}}}],
        ),
    ]


class Signs(Struct, frozen=True):
    """The catalogue, by sign and by field of a reading."""

    signs: Annotated[Sequence[SignEntry], Meta(description="All signs, in the order in which readings have them")]
    fields: Annotated[
        Mapping[str, Sequence[str]],
        Meta(description="By field of a reading, the names of its signs: `bp` holds `systolic` and `diastolic`"),
    ]


def _entry(sign: Sign) -> SignEntry:
    low, high = sign.limits
    return SignEntry(
        name=sign.name,
        field=sign.field,
        title=sign.title,
        unit=sign.unit,
        loinc=sign.loinc,
        minimum=low,
        maximum=high,
        decimals=sign.decimals,
        optional=sign.optional,
        default_limits={each.name: WARD.conditions[each.name] for each in LIMITED if each.sign == sign},
    )


def catalogue() -> Signs:
    """Return the catalogue as it is served."""
    fields: dict[str, list[str]] = {}
    for each in SIGNS:
        fields.setdefault(each.field, []).append(each.name)
    return Signs([_entry(each) for each in SIGNS], fields)


_BODY: Final = CachedBody(msgspec.json.encode(catalogue()), max_age=MAX_AGE)


@get(
    "/signs",
    summary="The catalogue of vital signs: names, units, ranges, codes",
    tags=["patients"],
    opt=VIEWER,
    response_headers=[
        ResponseHeader("ETag", documentation_only=True, value="", description="Of this program's catalogue"),
        ResponseHeader("Cache-Control", documentation_only=True, value="", description="How long it may be kept"),
    ],
    response_description="The catalogue",
    responses={
        304: NOT_MODIFIED,
        **documented(400, 503),
    },
)
async def list_signs(request: AnyRequest) -> Response[Signs]:
    """It changes with the program only: ask with `If-None-Match`, and get 304 while it is the same."""
    check_parameters(request.query_params, ())
    return _BODY.answer(request)
