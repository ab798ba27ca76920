"""Answers with NEWS2."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, TypeAlias
from uuid import UUID

from msgspec import Meta, Struct

from icu.store.readings import from_milliseconds
from icu.vitals.catalogue import PULSE, RESP_RATE, SPO2, SYSTOLIC, TEMPERATURE, Sign
from icu.vitals.news2.chart import Bands, Category, Consciousness, Scale
from icu.vitals.news2.inputs import Ages
from icu.vitals.news2.score import (
    ASSUMED,
    SIGNS,
    Entered,
    Inputs,
    Measured,
    Score,
    bands_of,
    category_of,
    missing_of,
    total_of,
)
from icu.vitals.signs import plain

# Assumptions of Entered, as sentences.
ASSUMPTIONS: Final = ("breathes air", "is alert", "saturation on scale 1")

_Uuid: TypeAlias = Annotated[UUID, Meta(description="Whose it is")]
_Total: TypeAlias = (
    Annotated[int, Meta(ge=0, le=20, description="The score; null where a sign is missing", examples=[5])] | None
)
_Partial: TypeAlias = (
    Annotated[
        int,
        Meta(
            ge=0,
            le=20,
            description="Where a sign is missing, the sum of the points that there are: no score, which may be higher",
            examples=[4],
        ),
    ]
    | None
)
_Risk: TypeAlias = Annotated[
    Category | None,
    Meta(
        description="Of the total. zero: 0, low: 1 to 4, low-medium: the same with a 3 for one input, medium: 5 to 6, "
        "high: 7 or more; null without a total",
        examples=["medium"],
    ),
]
_Missing: TypeAlias = Annotated[
    Sequence[str],
    Meta(description="Signs without a valid value within its greatest age", examples=[["temperature"]]),
]
_Points: TypeAlias = Annotated[
    Mapping[str, int],
    Meta(description="Points by input", examples=[{"pulse": 1, "oxygen": 2, "consciousness": 0}]),
]
_Assumptions: TypeAlias = Annotated[
    Sequence[str],
    Meta(description="Inputs that nobody entered, and that are assumed", examples=[list(ASSUMPTIONS)]),
]
_MaxAges: TypeAlias = Annotated[
    Mapping[str, float],
    Meta(description="Seconds for which a value of a sign counts", examples=[{"pulse": 60, "temperature": 14_400}]),
]


class ScoredValue(Struct, frozen=True):
    """Value of a sign that counts."""

    value: Annotated[float, Meta(description="As it was measured", examples=[90.5])]
    rounded: Annotated[float, Meta(description="As it is compared with the chart: halves go up", examples=[91])]
    points: Annotated[int, Meta(ge=0, le=3, description="Of the chart", examples=[1])]
    measured_at: Annotated[datetime, Meta(description="By the sender's clock, UTC", examples=["2026-01-31T12:00:00Z"])]
    age_seconds: Annotated[float, Meta(ge=0, description="At the time of the score", examples=[2.5])]


def _value_of(sign: Sign) -> Meta:
    return Meta(description=f"{sign.title}, {sign.unit}")


class ScoredValues(Struct, frozen=True):
    """By sign, the last valid value; null where there is none, or it is too old."""

    resp_rate: Annotated[ScoredValue | None, _value_of(RESP_RATE)]
    spo2: Annotated[ScoredValue | None, _value_of(SPO2)]
    systolic: Annotated[ScoredValue | None, _value_of(SYSTOLIC)]
    pulse: Annotated[ScoredValue | None, _value_of(PULSE)]
    temperature: Annotated[ScoredValue | None, _value_of(TEMPERATURE)]


class EnteredInputs(Struct, frozen=True):
    """Inputs that no monitor measures."""

    oxygen: Annotated[bool, Meta(description="True for a patient who is given oxygen")]
    consciousness: Annotated[
        Consciousness, Meta(description="ACVPU: alert, new confusion, answers to voice, to pain, unresponsive")
    ]
    scale: Annotated[Scale, Meta(description="Of the saturation: 2 for hypercapnic failure, with a target of 88 to 92")]
    by: Annotated[str | None, Meta(description="Name as typed, not verified; null for the assumptions")]
    at: Annotated[datetime | None, Meta(description="When it was entered, UTC; null for the assumptions")]


class News2(Struct, frozen=True):
    """NEWS2 of a patient now. Advisory: it raises no alarm."""

    patient_uuid: _Uuid
    time: Annotated[
        datetime, Meta(description="Of the score, now by the sender's clock, UTC", examples=["2026-01-31T12:00:02.5Z"])
    ]
    behind_seconds: Annotated[
        float | None,
        Meta(
            description="How far `time` is behind the server's: readings arrive so late, or the sender's clock is slow "
            "(negative: fast). Null before the first reading, and where nobody can tell, because the server's clock "
            "was set back: no value counts then",
            examples=[0.04],
        ),
    ]
    total: _Total
    partial: _Partial
    category: _Risk
    missing: _Missing
    points: _Points
    inputs: Annotated[ScoredValues, Meta(description="Values that count, by sign")]
    entered: Annotated[EnteredInputs, Meta(description="Inputs that people enter, or the assumptions")]
    assumptions: _Assumptions
    max_age_seconds: _MaxAges


class ListedScore(Struct, frozen=True):
    """NEWS2 of a patient in the list, now by the sender's clock."""

    total: _Total
    partial: _Partial
    category: _Risk
    missing: _Missing
    assumed: Annotated[
        bool, Meta(description="True while oxygen, consciousness and scale are assumed: nobody entered them")
    ]


class TrendScore(Struct, frozen=True):
    """Score at one time."""

    time: Annotated[datetime, Meta(description="By the sender's clock, UTC: a whole multiple of `every` since 1970")]
    total: _Total
    partial: _Partial
    category: _Risk
    missing: _Missing
    points: _Points
    assumed: Annotated[bool, Meta(description="True while the inputs of `assumptions` were assumed")]


class News2Trend(Struct, frozen=True):
    """NEWS2 of a patient over time."""

    patient_uuid: _Uuid
    every_seconds: Annotated[float, Meta(gt=0, description="Between two scores", examples=[3_600])]
    scores: Annotated[Sequence[TrendScore], Meta(description="Oldest first")]
    entered: Annotated[Sequence[EnteredInputs], Meta(description="All that was entered, oldest first")]
    assumptions: _Assumptions
    max_age_seconds: _MaxAges


def listed_answer(points: Mapping[str, int], *, assumed: bool) -> ListedScore:
    """Make the score in the list of patients, from the points by input."""
    total = total_of(points)
    partial = sum(points.values()) if total is None else None
    return ListedScore(total, partial, category_of(points), missing_of(points), assumed)


def now_answer(uuid: UUID, score: Score, ages: Ages, behind: int | None) -> News2:
    """Make the answer with the score of now.

    Args:
        uuid: The patient's.
        score: At the time of now, by the sender's clock.
        ages: Greatest ages of values that count.
        behind: Milliseconds that the sender's time is behind; None if unknown.
    """
    total, partial = _sums(score)
    return News2(
        patient_uuid=uuid,
        time=from_milliseconds(score.time),
        behind_seconds=None if behind is None else behind / 1_000,
        total=total,
        partial=partial,
        category=score.category,
        missing=score.missing,
        points=score.points,
        inputs=_values(score),
        entered=_entered(score.entered),
        assumptions=ASSUMPTIONS if score.entered == ASSUMED else (),
        max_age_seconds=_seconds(ages),
    )


def trend_answer(uuid: UUID, scores: Sequence[Score], every: int, ages: Ages, entered: Sequence[Entered]) -> News2Trend:
    """Make the answer with scores over time.

    Args:
        uuid: The patient's.
        scores: Oldest first.
        every: Milliseconds between two of them.
        ages: Greatest ages of values that count.
        entered: Inputs that people entered, oldest first.
    """
    return News2Trend(
        patient_uuid=uuid,
        every_seconds=every / 1_000,
        scores=[_trend_score(each) for each in scores],
        entered=[_entered(each) for each in entered],
        assumptions=ASSUMPTIONS if any(each.entered == ASSUMED for each in scores) else (),
        max_age_seconds=_seconds(ages),
    )


def _trend_score(score: Score) -> TrendScore:
    total, partial = _sums(score)
    time, assumed = from_milliseconds(score.time), score.entered == ASSUMED
    return TrendScore(time, total, partial, score.category, score.missing, score.points, assumed)


def _sums(score: Score) -> tuple[int | None, int | None]:
    """Total and partial sum: one of the two is None."""
    return (score.total, None) if score.total is not None else (None, score.sum)


def _values(score: Score) -> ScoredValues:
    bands = bands_of(score.entered)
    values = zip(Inputs._fields, score.inputs, bands, strict=True)
    return ScoredValues(**{name: _value(score, name, value, each) for name, value, each in values})


def _value(score: Score, name: str, value: Measured | None, bands: Bands) -> ScoredValue | None:
    if value is None:
        return None
    return ScoredValue(
        value=plain(value.hundredths / 100),
        rounded=plain(bands.rounded(value.hundredths) * bands.step / 100),
        points=score.points[name],
        measured_at=from_milliseconds(value.time),
        age_seconds=(score.time - value.time) / 1_000,
    )


def _entered(entered: Entered) -> EnteredInputs:
    at = None if entered.at is None else from_milliseconds(entered.at)
    return EnteredInputs(entered.oxygen, entered.consciousness, entered.scale, entered.by, at)


def _seconds(ages: Ages) -> Mapping[str, float]:
    return {sign.name: plain(age / 1_000) for sign, age in zip(SIGNS, ages, strict=True)}
