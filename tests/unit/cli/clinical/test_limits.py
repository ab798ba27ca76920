"""`limits`, called as from a shell."""

import json
import sys
from collections.abc import Mapping

import pytest

from icu.alarms.limits import ConditionLimits
from icu.cli.clinical.limit_words import parse_limits
from icu.errors import UsageError
from icu.messages import Quality
from tests.unit.cli.clinical.conftest import Stage, Ward
from tests.unit.cli.conftest import Run


def rows(out: str) -> Mapping[str, list[str]]:
    """Cells of the table by condition, without the unit."""
    lines = out[out.index("condition") :].splitlines()[1:-1]
    return {line.split()[0]: line.split(maxsplit=2)[2].split("  ") for line in lines}


def shown(out: str, condition: str) -> list[str]:
    """Cells of a condition that are not empty."""
    return [each.strip() for each in rows(out)[condition] if each.strip()]


def test_the_defaults(icu: Run, ward: Ward) -> None:
    """The ward's limits: a row a condition, with unit, limits, delays and source."""
    code, out, err = icu("limits", "show")
    assert (code, err) == (0, "")
    assert out.startswith("the ward: version 0\n")
    assert len(rows(out)) == 15
    assert shown(out, "spo2.low") == ["90, 15 s", "80, 10 s", "1, 10 s", "default"]
    assert shown(out, "diastolic.low") == ["off", "4, 10 s", "default"]
    assert json.loads(icu("limits", "show", "--json")[1])["version"] == 0


def test_change_the_ward(icu: Run, ward: Ward) -> None:
    """The change is printed, with the version and its author; all else stays."""
    words = ("spo2.low", "medium=88", "delay=20", "pulse.high", "high=off")
    code, out, _ = icu("limits", "set", *words, "--by", "Ann")
    assert code == 0
    first, *others = out.splitlines()
    assert first.startswith("the ward: version 1, by Ann (unverified), ")
    assert others == ["  pulse.high high: 150, 4 s -> off", "  spo2.low medium: 90, 15 s -> 88, 20 s"]
    out = icu("limits", "show")[1]
    assert shown(out, "spo2.low") == ["88, 20 s", "80, 10 s", "1, 10 s", "ward"]
    assert shown(out, "pulse.low")[-1] == "default"
    assert ward.audit() == [("limits", "Ann", "done")]


def test_change_a_patient(icu: Run, ward: Ward) -> None:
    """A second change of a patient keeps the first one; `clear` gives the ward's back."""
    for words in (("spo2.low", "medium=85"), ("pulse.high", "medium=130")):
        assert icu("limits", "set", *words, "--patient", "Boris", "--by", "Ann")[0] == 0
    out = icu("limits", "show", "Boris")[1]
    assert ", Boris: version 2, by Ann (unverified), " in out
    assert [shown(out, name)[-1] for name in ("spo2.low", "pulse.high", "pulse.low")] == [
        "patient",
        "patient",
        "default",
    ]
    code, out, _ = icu("limits", "clear", "Boris", "spo2.low", "--by", "Ben")
    assert (code, out.splitlines()[1:]) == (0, ["  spo2.low medium: 85, 15 s -> 90, 15 s"])
    assert shown(icu("limits", "show", "Boris")[1], "pulse.high")[0] == "130, 4 s"
    code, _, err = icu("limits", "clear", "Boris", "spo2.low")
    assert (code, err.endswith("has no own limits of spo2.low: there are pulse.high\n")) == (64, True)
    assert icu("limits", "clear", "Boris")[0] == 0
    code, out, _ = icu("limits", "clear", "Boris")
    assert (code, out.endswith(", Boris has no limits of its own: nothing was changed\n")) == (0, True)
    assert icu("limits", "clear", "Boris", "spo2.low")[2].endswith("no own limits of spo2.low: there are none\n")
    assert ", Boris: version 4, " in icu("limits", "show", "Boris")[1]
    assert "patient" not in icu("limits", "show", "Boris")[1]


def test_limits_that_hold_already(icu: Run, ward: Ward) -> None:
    """They make no version, and this is said."""
    for _ in range(2):
        code, out, _ = icu("limits", "set", "spo2.low", "medium=88", "--by", "Ann")
    assert (code, out.splitlines()[1:]) == (0, ["  nothing was changed: these are the limits already"])
    assert icu("limits", "show")[1].startswith("the ward: version 1, ")
    assert ward.audit() == [("limits", "Ann", "done"), ("limits", "Ann", "unchanged")]


def test_limits_that_make_no_sense(icu: Run, ward: Ward) -> None:
    """The monitor's own sentence is shown, and nothing has changed: 64."""
    code, out, err = icu("limits", "set", "spo2.low", "medium=70")
    assert (code, out) == (64, "")
    assert err.startswith("icu: spo2.low: ")
    assert icu("limits", "show")[1].startswith("the ward: version 0\n")


def test_limits_that_somebody_else_has_changed(icu: Run, ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change between look and confirmation is 64 with the version that holds, and its author."""
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    insert = "INSERT INTO limits SELECT uuid, 1, '{}', 'Eve', 0 FROM patients WHERE name = 'Boris'"
    with monkeypatch.context() as context:
        context.setattr(sys, "stdout", Stage(lambda: ward.execute(insert)))
        code, _, err = icu("limits", "auto", "Boris", "--by", "Ann")
    assert code == 64
    assert err.startswith("icu: the limits have version 1 now: look at them, and send that; now: version 1, by Eve ")


class Terminal:
    """Standard input of a person who answers."""

    def __init__(self, answer: str) -> None:
        self._answer = answer

    def isatty(self) -> bool:
        """A person sits there."""
        return True

    def readline(self) -> str:
        """The answer."""
        return self._answer


def test_automatic_limits(icu: Run, ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are shown before somebody is asked, and are what is set then; a no changes nothing."""
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    code, asked, _ = icu("limits", "auto", "Boris", "--by", "Ann")
    assert (code, asked.endswith("[y/N]: nothing was changed\n")) == (0, True)
    assert ward.audit() == []
    code, done, _ = icu("limits", "auto", "Boris", "--by", "Ann", "--yes")
    assert code == 0
    expected = [each for each in asked.splitlines() if " -> " in each]
    assert "  pulse.high medium: 120, 4 s -> 90, 4 s" in expected
    assert [each for each in done.splitlines() if " -> " in each] == expected
    assert ward.audit() == [("limits auto", "Ann", "done")]


def test_automatic_limits_without_values(icu: Run, ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flagged and old values are none: the monitor says why, and nobody is asked first. Nobody to ask is 64."""
    code, _, err = icu("limits", "auto", "Boris")
    assert (code, err) == (64, "icu: nobody can be asked here: write --yes\n")
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    ward.reading("Boris", quality=Quality(pulse="motion", bp="damped"))
    out = icu("limits", "auto", "Boris")[1]
    assert "resp_rate.high" in out
    assert "map.high" in out
    assert "pulse" not in out
    assert "systolic" not in out
    ward.reading("Carl", ago=60)
    code, out, err = icu("limits", "auto", "Carl")
    assert (code, out) == (64, "")
    assert err.startswith("icu: pulse: there is no value that is valid and new: wait for one; ")


@pytest.mark.parametrize(
    ("words", "limits"),
    [
        ("spo2.low medium=88 delay=20", {"spo2.low": ConditionLimits({"medium": 88.0}, {"medium": 20.0})}),
        ("spo2.low delay=20s", {"spo2.low": ConditionLimits({}, {"medium": 20.0, "high": 20.0})}),
        (
            "spo2.low delay=20 high.delay=5",
            {"spo2.low": ConditionLimits({}, {"medium": 20.0, "high": 5.0})},
        ),
        ("pulse.low high=off", {"pulse.low": ConditionLimits({"high": None})}),
        (
            "temperature.low hysteresis=.5 off_delay=30 map.low high=45",
            {
                "temperature.low": ConditionLimits(off_delay=30.0, hysteresis=0.5),
                "map.low": ConditionLimits({"high": 45.0}),
            },
        ),
    ],
)
def test_changes_in_words(words: str, limits: Mapping[str, ConditionLimits]) -> None:
    """A delay is of the priorities that are named beside it, or else of all."""
    assert parse_limits(words.split()) == limits


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("medium=88", "medium=88: say of which condition, before it"),
        ("spo2.low", "spo2.low: say what is to change"),
        ("spo2.lo medium=88", "did you mean 'spo2.low'?"),
        ("spo2.low medum=88", "did you mean 'medium'?"),
        ("spo2.low low=88", "'low' is none of medium, high, delay"),
        ("spo2.low medium=x", "'x' is no number"),
        ("spo2.low medium=nan", "'nan' is no number"),
        ("spo2.low medium=1e400", "'1e400' is too large for a number"),
        ("spo2.low delay=off", "'off' is no number"),
    ],
)
def test_mistakes(words: str, error: str) -> None:
    """A sentence that says what to write."""
    with pytest.raises(UsageError) as caught:
        parse_limits(words.split())
    assert error in str(caught.value)
