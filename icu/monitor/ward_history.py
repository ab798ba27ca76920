"""Route of the whole ward's history: the sparklines of all patients in one request."""

from difflib import get_close_matches
from typing import Annotated, Final

from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.types import ASGIApp

from icu.http.downloads import Download
from icu.http.gate import VIEWER
from icu.http.problems import documented
from icu.monitor.ages import Ages
from icu.monitor.errors import InvalidQueryError
from icu.monitor.formats import ward as ward_format
from icu.monitor.formats.description import WARD_HISTORY, WardOperation
from icu.monitor.kept import kept_headers
from icu.monitor.parameters import every_parameter, from_parameter, to_parameter
from icu.monitor.queries import AnyRequest, Span, check_parameters, parse_every, parse_span
from icu.store.history.ward import WardHistory, WardSpan
from icu.store.reader import Reader
from icu.store.readings import CLOCK_TOLERANCE_MS, milliseconds
from icu.vitals.catalogue import BY_NAME

# Milliseconds that a sparkline shows, unless the request says otherwise.
DEFAULT_SPAN_MS: Final = 3_600_000
# Milliseconds, at most: however long the buckets are, every reading of the span is read, of every patient.
MAX_SPAN_MS: Final = 86_400_000
# Patients x buckets x signs of an answer, at most: an hour by the minute of 500 patients with all signs, in 1 s.
MAX_SIZE: Final = 250_000


@get(
    "/ward/history",
    summary="Statistics of all patients over the same span: sparklines",
    tags=["patients"],
    operation_class=WardOperation,
    opt=VIEWER,
    responses={200: WARD_HISTORY, **documented(400, 503)},
)
async def ward_history(
    request: AnyRequest,
    reader: NamedDependency[Reader],
    ages: NamedDependency[Ages],
    since: Annotated[
        str | None,
        from_parameter("Not before this time, with its zone. Unless given, an hour before `to`, at a whole bucket"),
    ] = None,
    until: Annotated[str | None, to_parameter("Before this time, with its zone. Now, unless it is given")] = None,
    every: Annotated[str, every_parameter("Length of a bucket, 1s to 1d", example="1min")] = "1min",
    signs: Annotated[
        str,
        QueryParameter(
            max_length=200,
            schema_extra={"examples": ["pulse,spo2"]},
            description="Names of `GET /signs`, with commas between them",
        ),
    ] = ",".join(BY_NAME),
) -> ASGIApp:
    """Buckets as with `every` of one patient's readings, in the form of its `columns`, by patient.

    A patient without a reading in the span has no times: `"times": []`.
    """
    check_parameters(request.query_params, ("from", "to", "every", "signs"))
    span = _span(parse_span(since, until), milliseconds(ages.now()), parse_every(every), parse_signs(signs))
    ward = await WardHistory.find(reader, span)
    _check_size(ward)
    return Download(ward_format.pieces(ward), media_type="application/json", headers=kept_headers(ward.kept))


def parse_signs(text: str) -> tuple[str, ...]:
    """Parse the parameter `signs`.

    Returns:
        Their names, in the order of the catalogue.

    Raises:
        InvalidQueryError: One is unknown, or named twice.
    """
    names = [each.strip() for each in text.split(",")]
    for name in names:
        if name not in BY_NAME:
            near = get_close_matches(name, BY_NAME, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(BY_NAME)}"
            raise InvalidQueryError(f"`signs`: {name[:40]!r} is no sign: {hint}")
        if names.count(name) > 1:
            raise InvalidQueryError(f"`signs` names {name} {names.count(name)} times: name it once")
    return tuple(each for each in BY_NAME if each in names)


def _span(given: Span, now: int, every: int, signs: tuple[str, ...]) -> WardSpan:
    end = now if given.until is None else milliseconds(given.until)
    # A whole bucket is the first one, unless the request says where to begin.
    since = (end - DEFAULT_SPAN_MS) // every * every if given.since is None else milliseconds(given.since)
    # Senders' clocks may be ahead by as much.
    until = now + CLOCK_TOLERANCE_MS if given.until is None else end
    if since > until:
        raise InvalidQueryError("`from` is later than `to`, which is now unless it is given: write an earlier `from`")
    if until - since > MAX_SPAN_MS:
        raise InvalidQueryError(
            "`from` and `to` are over a day apart: bring them nearer to each other, or ask for one patient's history "
            "(`/patient/{uuid}/metrics?every=1h`)"
        )
    return WardSpan(since, until, every, signs)


def _check_size(ward: WardHistory) -> None:
    patients, buckets, signs = len(ward.patients), ward.span.buckets, len(ward.span.signs)
    if patients * buckets * signs > MAX_SIZE:
        raise InvalidQueryError(
            f"{patients:,} patients x {buckets:,} buckets x {signs} signs are over {MAX_SIZE:,}: write a longer "
            "`every`, name fewer `signs`, or narrow the span by `from` and `to`"
        )
