"""The signs as fields of what is served: unit, range and an example of each, for the API's description."""

from typing import Annotated, TypeAlias

from msgspec import Meta

from icu.vitals import limits
from icu.vitals.limits import Range


def _number(bounds: Range, description: str, example: float) -> Meta:
    return Meta(
        ge=bounds.low,
        le=bounds.high,
        description=description,
        examples=[example],
        # Litestar leaves out a least value of 0 where the field may be null.
        extra_json_schema={"extra": {"minimum": bounds.low}},
    )


Pulse: TypeAlias = Annotated[float, _number(limits.PULSE, "Heart rate, /min", 72)]
RespRate: TypeAlias = Annotated[float, _number(limits.RESP_RATE, "Respiratory rate, /min", 16)]
BloodPressure: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^(-|[0-9]+(\.[0-9]+)?)/(-|[0-9]+(\.[0-9]+)?)$",
        description="Systolic/diastolic pressure, mm[Hg], each "
        f"{limits.BLOOD_PRESSURE.low} to {limits.BLOOD_PRESSURE.high}; a half that was not measured is a dash",
        examples=["120/80", "119.5/-"],
    ),
]
MeanPressure: TypeAlias = Annotated[
    float, _number(limits.BLOOD_PRESSURE, "Mean arterial pressure, mm[Hg]; absent where it was not measured", 93)
]
Spo2: TypeAlias = Annotated[
    float, _number(limits.SPO2, f"Oxygen saturation, %: 0, or {limits.LEAST_SPO2} and more", 98)
]
Temperature: TypeAlias = Annotated[float, _number(limits.TEMPERATURE, "Body temperature, Cel", 36.6)]
