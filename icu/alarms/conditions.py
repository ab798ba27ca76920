"""Catalogue of conditions that may become an alarm: one entry a condition.

Words follow ISO/IEEE 11073 SDC and FHIR DeviceAlert. A condition has tiers of rising priority: SpO2 below 90 and below
80 are one alarm, not two.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from icu.vitals.catalogue import DIASTOLIC, MAP, PRESSURES, PULSE, RESP_RATE, SIGNS, SPO2, SYSTOLIC, TEMPERATURE, Sign

Kind: TypeAlias = Literal["physiological", "technical"]
Priority: TypeAlias = Literal["low", "medium", "high"]
Direction: TypeAlias = Literal["low", "high"]

# Priorities in rising order. Their index compares them.
PRIORITIES: Final[tuple[Priority, ...]] = ("low", "medium", "high")
URGENCY: Final[Mapping[Priority, int]] = {each: number for number, each in enumerate(PRIORITIES)}


class Tier(Struct, frozen=True):
    """Degree of a condition."""

    priority: Priority
    # True if the alarm is shown after its condition has ended, until someone acknowledges it.
    latching: bool = False


class Condition(Struct, frozen=True, kw_only=True):
    """Condition that may become an alarm."""

    # Name in the API and in limits: the sign and a direction, `spo2.low`, or one word.
    name: str
    kind: Kind
    # Signs that it is about: one, or the pressures. None: the whole patient.
    signs: tuple[Sign, ...] = ()
    # Side of the limit that is beyond it. None: it has no limit.
    direction: Direction | None = None
    # From the mildest to the worst.
    tiers: tuple[Tier, ...]
    # False if it may not be shelved, whatever its priority.
    shelvable: bool = True
    # True if it means the value 0 alone, which no one may move.
    zero: bool = False

    @property
    def sign(self) -> Sign:
        """Sign with which the limit is compared."""
        return self.signs[0]

    def tier_of(self, priority: Priority) -> int | None:
        """Return the number of the tier with this priority. None if there is none."""
        for number, tier in enumerate(self.tiers):
            if tier.priority == priority:
                return number
        return None


_LOW: Final = Tier("low")
_MEDIUM: Final = Tier("medium")
_HIGH: Final = Tier("high")
_LATCHING: Final = Tier("high", latching=True)


def _limited(sign: Sign, direction: Direction, *tiers: Tier) -> Condition:
    return Condition(
        name=f"{sign.name}.{direction}", kind="physiological", signs=(sign,), direction=direction, tiers=tiers
    )


def _zero(name: str, sign: Sign) -> Condition:
    return Condition(name=name, kind="physiological", signs=(sign,), direction="low", tiers=(_LATCHING,), zero=True)


def _unavailable(field: str, signs: tuple[Sign, ...], *tiers: Tier) -> Condition:
    return Condition(name=f"{field}.unavailable", kind="technical", signs=signs, tiers=tiers)


def _technical(name: str, *tiers: Tier, shelvable: bool = True) -> Condition:
    return Condition(name=name, kind="technical", tiers=tiers, shelvable=shelvable)


ASYSTOLE: Final = _zero("asystole", PULSE)
APNOEA: Final = _zero("apnoea", RESP_RATE)
# Pulse, breaths and line pressure gone together: leads off, in place of asystole.
DISCONNECTED: Final = _technical("disconnected", _MEDIUM, shelvable=False)
# No reading for longer than `icu.vitals.staleness.stale_after`.
DATA_STALE: Final = _technical("data.stale", _LOW, _MEDIUM, shelvable=False)
# The sender's clock is ahead, was set back, or is off by over a minute.
CLOCK_WRONG: Final = _technical("clock.wrong", _LOW)
# A value was impossible, and left out.
IMPLAUSIBLE_VALUE: Final = _technical("value.implausible", _LOW)
# The cuff's last measurement is older than half an hour.
BP_OLD: Final = _technical("bp.old", _LOW)
# Nothing arrives from anybody: the sink's heartbeat is old, or the broker out of reach. Of the ward, not of a patient.
WARD_BLIND: Final = _technical("ward.blind", _HIGH, shelvable=False)

# Conditions with limits, in the order of the signs and of urgency.
LIMITED: Final = (
    ASYSTOLE,
    _limited(PULSE, "low", _MEDIUM, _HIGH),
    _limited(PULSE, "high", _MEDIUM, _HIGH),
    APNOEA,
    _limited(RESP_RATE, "low", _MEDIUM),
    _limited(RESP_RATE, "high", _MEDIUM),
    _limited(SPO2, "low", _MEDIUM, _LATCHING),
    _limited(MAP, "low", _MEDIUM, _HIGH),
    _limited(MAP, "high", _MEDIUM),
    _limited(SYSTOLIC, "low", _MEDIUM),
    _limited(SYSTOLIC, "high", _MEDIUM),
    _limited(DIASTOLIC, "low", _LOW),
    _limited(DIASTOLIC, "high", _LOW),
    _limited(TEMPERATURE, "low", _LOW),
    _limited(TEMPERATURE, "high", _LOW),
)

# Signs whose value 0 is a condition of its own; a saturation of 0 is none at all.
ZEROS: Final = (PULSE, RESP_RATE, SPO2)

# A flagged or absent sign, by the field of its flag.
UNAVAILABLE: Final = (
    _unavailable("pulse", (PULSE,), _LOW, _MEDIUM),
    _unavailable("spo2", (SPO2,), _LOW, _MEDIUM),
    _unavailable("resp_rate", (RESP_RATE,), _LOW),
    _unavailable("bp", PRESSURES, _LOW),
    _unavailable("temperature", (TEMPERATURE,), _LOW),
)

# All conditions of a patient.
OF_PATIENT: Final = (
    *LIMITED,
    *UNAVAILABLE,
    DISCONNECTED,
    DATA_STALE,
    CLOCK_WRONG,
    IMPLAUSIBLE_VALUE,
    BP_OLD,
)


class OfSign(NamedTuple):
    """Conditions that compare one sign with a limit."""

    all: tuple[Condition, ...]
    names: frozenset[str]


# By sign, in the order of the catalogue.
BY_SIGN: Final = tuple(
    OfSign(found, frozenset(each.name for each in found))
    for found in (tuple(each for each in LIMITED if each.sign is sign) for sign in SIGNS)
)

CONDITIONS: Final[Mapping[str, Condition]] = {each.name: each for each in (*OF_PATIENT, WARD_BLIND)}
