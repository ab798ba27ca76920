"""NEWS2 as a nurse reads it off the printed charts of the Royal College of Physicians, field by field."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

# Chart 1, row by row: the lowest and the highest value of each field, as printed, and its points.
CHART: Mapping[str, str] = {
    "resp_rate": "<=8:3 9-11:1 12-20:0 21-24:2 >=25:3",
    "spo2 scale 1": "<=91:3 92-93:2 94-95:1 >=96:0",
    "spo2 scale 2 on air": "<=83:3 84-85:2 86-87:1 >=88:0",
    "spo2 scale 2 on oxygen": "<=83:3 84-85:2 86-87:1 88-92:0 93-94:1 95-96:2 >=97:3",
    "systolic": "<=90:3 91-100:2 101-110:1 111-219:0 >=220:3",
    "pulse": "<=40:3 41-50:1 51-90:0 91-110:1 111-130:2 >=131:3",
    "temperature": "<=35.0:3 35.1-36.0:1 36.1-38.0:0 38.1-39.0:1 >=39.1:2",
}


def printed(hundredths: int, row: str) -> Decimal:
    """The value as it is compared with the chart: whole, or with one decimal; halves go up."""
    step = Decimal("0.1") if row == "temperature" else Decimal(1)
    return (Decimal(hundredths) / 100).quantize(step, ROUND_HALF_UP)


def points(hundredths: int, row: str) -> int:
    """Points of a value in a row of the chart, field by field."""
    value = printed(hundredths, row)
    for field in CHART[row].split():
        bounds, _, score = field.partition(":")
        if bounds.startswith("<="):
            inside = value <= Decimal(bounds[2:])
        elif bounds.startswith(">="):
            inside = value >= Decimal(bounds[2:])
        else:
            low, _, high = bounds.partition("-")
            inside = Decimal(low) <= value <= Decimal(high)
        if inside:
            return int(score)
    raise AssertionError(f"{value} is in no field of {row}")


def row_of(sign: str, scale: int, *, oxygen: bool) -> str:
    """The row of the chart in which a sign is read."""
    if sign != "spo2":
        return sign
    return "spo2 scale 1" if scale == 1 else f"spo2 scale 2 on {'oxygen' if oxygen else 'air'}"


def category(scores: Sequence[int]) -> str:
    """Threshold of the chart 2 that these points reach."""
    total = sum(scores)
    if total in {5, 6}:
        return "medium"
    if total > 6:
        return "high"
    if 3 in scores:
        return "low-medium"
    return {0: "zero"}.get(total, "low")
