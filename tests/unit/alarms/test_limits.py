"""Limits: defaults that pass their own checks, messages about those that do not, overrides, and automatic ones."""

import msgspec
import pytest

from icu.alarms.auto import auto_limits
from icu.alarms.checks import check_limits
from icu.alarms.conditions import CONDITIONS, LIMITED, PRIORITIES
from icu.alarms.defaults import WARD
from icu.alarms.limits import NO_OVERRIDES, ConditionLimits, Limits, change, merge
from icu.alarms.rules import compile_rules
from icu.vitals.catalogue import VitalSigns


def overrides(name: str, **fields: object) -> Limits:
    """Return a patient's limits of one condition."""
    return Limits(1, {name: ConditionLimits(**fields)})  # type: ignore[arg-type] - any fields, wrong ones too


def test_the_defaults_are_sound() -> None:
    """The ward's defaults name each condition with a limit, with a value and a delay for each of its tiers."""
    assert check_limits(WARD, NO_OVERRIDES) == []
    assert set(WARD.conditions) == {each.name for each in LIMITED}
    for name, limits in WARD.conditions.items():
        tiers = {each.priority for each in CONDITIONS[name].tiers}
        assert set(limits.values) == set(limits.delays) == tiers, name


def test_tiers_rise_in_priority() -> None:
    """The tiers of each condition rise, so that the worst one has the highest priority."""
    for condition in CONDITIONS.values():
        numbers = [PRIORITIES.index(each.priority) for each in condition.tiers]
        assert numbers == sorted(set(numbers)), condition.name


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("spo2.low", {"values": {"medium": 100}}, "no value could end it"),
        ("spo2.low", {"values": {"high": 95}}, "write at most 90 for high, or at least 95 for medium"),
        ("pulse.high", {"values": {"high": 110}}, "write at least 120 for high, or at most 110 for medium"),
        ("pulse.low", {"values": {"medium": 130}}, "is not below pulse.high"),
        ("pulse.low", {"values": {"medium": 119}}, "ends at 122, beyond pulse.high"),
        ("pulse.high", {"values": {"medium": 54}, "hysteresis": 10}, "ends at 44, beyond pulse.low"),
        ("pulse.low", {"values": {"medium": -5}}, "write 0 to 350 /min"),
        ("pulse.low", {"values": {"medium": float("nan")}}, "write 0 to 350 /min"),
        ("pulse.low", {"values": {"low": 45}}, "write medium or high"),
        ("pulse.low", {"hysteresis": -1}, "write 0 or more"),
        ("pulse.low", {"hysteresis": float("inf")}, "write 0 or more"),
        ("pulse.low", {"delays": {"medium": -1}}, "write 0 to 300"),
        ("pulse.low", {"delays": {"medium": float("nan")}}, "write 0 to 300"),
        ("pulse.low", {"off_delay": 1}, "write 5 to 300"),
        ("apnoea", {"delays": {"high": 60}}, "write 10 to 40"),
        ("asystole", {"values": {"high": 5}}, "write 0, or null for off"),
        ("spo.low", {"values": {"medium": 90}}, "do you mean spo2.low?"),
        ("lactate", {"values": {"medium": 90}}, "write one of asystole"),
    ],
)
def test_senseless_limits_are_refused(name: str, fields: dict[str, object], message: str) -> None:
    """Each mistake has a message with the condition and what to write."""
    [found] = check_limits(WARD, overrides(name, **fields))
    assert found.startswith(f"{name}: ") or name == "pulse.high"
    assert message in found


def test_sensible_limits_pass() -> None:
    """Equal tiers are in order; off is no mistake, nor is a high tier alone."""
    for values in ({"medium": 80, "high": 80}, {"medium": None}, {"medium": None, "high": None}):
        assert check_limits(WARD, overrides("spo2.low", values=values)) == []
    rule = compile_rules(WARD, overrides("spo2.low", values={"medium": None})).by_name["spo2.low"]
    assert [rule.tier_of(8_500), rule.tier_of(7_900), rule.is_inside(8_099), rule.is_inside(8_100)] == [
        -1,
        1,
        False,
        True,
    ]


def test_a_ward_that_names_too_little() -> None:
    """Limits of the ward that leave a condition out are refused."""
    part = Limits(1, {name: each for name, each in WARD.conditions.items() if name != "apnoea"})
    assert check_limits(part, NO_OVERRIDES) == ["apnoea: has no limits: write its values, or null for off"]


def test_overrides_say_the_rest_is_the_wards() -> None:
    """A patient's limits change what they name, and nothing else."""
    merged = merge(WARD, overrides("spo2.low", values={"medium": 85}))
    assert merged["spo2.low"].values == {"medium": 85, "high": 80}
    assert merged["spo2.low"].delays == WARD.conditions["spo2.low"].delays
    assert merged["pulse.low"] == WARD.conditions["pulse.low"]


def test_changes_raise_the_version() -> None:
    """A change keeps what it does not name, and is another version."""
    first = change(NO_OVERRIDES, {"spo2.low": ConditionLimits({"medium": 85})})
    second = change(first, {"spo2.low": ConditionLimits({"high": 75})})
    assert (first.version, second.version) == (1, 2)
    assert second.conditions["spo2.low"].values == {"medium": 85, "high": 75}


def test_json_and_back() -> None:
    """Limits are the JSON that people write: null is off, unknown keys are refused."""
    assert msgspec.json.decode(msgspec.json.encode(WARD), type=Limits) == WARD
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"conditions": {"spo2.low": {"value": 90}}}', type=Limits)


def test_high_limits_are_beyond_above() -> None:
    """A value is beyond a high limit above it, and inside by the hysteresis."""
    rule = compile_rules(WARD, NO_OVERRIDES).by_name["pulse.high"]
    assert [rule.tier_of(value) for value in (12_000, 12_001, 15_000, 15_001)] == [-1, 0, 0, 1]
    assert [rule.is_inside(value) for value in (11_700, 11_701)] == [True, False]


NORMAL = VitalSigns(80, 16, 120, 80, 97, 37.0, 93)


def test_limits_around_the_present_values() -> None:
    """They are those of the manual, whole numbers, and those that are off stay off."""
    made, refused = auto_limits(NORMAL, WARD, NO_OVERRIDES)
    assert refused == []
    values = {name: next(iter(each.values.values())) for name, each in made.items()}
    assert values == {
        "pulse.low": 64,
        "pulse.high": 100,
        "resp_rate.low": 8,
        "resp_rate.high": 24,
        "map.low": 71,
        "map.high": 115,
        "systolic.low": 92,
        "systolic.high": 141,
        "temperature.low": 36.5,
        "temperature.high": 37.5,
    }
    assert check_limits(WARD, Limits(1, made)) == []


def test_automatic_limits_stay_within_the_next_tier() -> None:
    """A pulse of 119 would put the limit at 149, a mean of 60 at 49: never beyond the next tier."""
    made, _ = auto_limits(NORMAL._replace(pulse=50, map=60), WARD, NO_OVERRIDES)
    assert made["pulse.low"].values == {"medium": 40}
    assert made["map.low"].values == {"medium": 50}


def test_automatic_limits_need_good_values() -> None:
    """A sign without a value, or itself beyond the ward's limits, keeps both its limits; the others get theirs."""
    made, refused = auto_limits(NORMAL._replace(pulse=130, resp_rate=None, temperature=39.5), WARD, NO_OVERRIDES)
    assert set(made) == {"map.low", "map.high", "systolic.low", "systolic.high"}
    assert refused == [
        "pulse: 130 is itself beyond the ward's limit of 120",
        "resp_rate: there is no value that is valid and new: wait for one",
        "temperature: 39.5 is itself beyond the ward's limit of 39",
    ]
