"""`alarms statistics`, of a simulated ward."""

from functools import cache

import pytest

from icu.alarms.statistics import Statistics, statistics_of
from icu.cli.clinical.statistics import lines
from icu.study.burden import measure, simulated
from icu.study.simulation import Plan
from tests.unit.cli.conftest import Run


@cache
def ward() -> Statistics:
    """Statistics of some patients in an hour, with the default limits."""
    return measure(simulated(Plan(patients=8, hours=3, seed=3)))["with all"]


def test_a_row_for_each_group() -> None:
    """Kinds, priorities and conditions have a row each, which add up, and no line is longer than a screen."""
    text = list(lines(ward()))
    table = text[2 : text.index("", 2)]
    rows = {line[:24].strip(): line[24:].split() for line in table}
    names = {*ward().by_kind, *ward().by_priority, *ward().by_condition}
    assert names <= set(rows)
    assert ward().all.raised > 0
    assert sum(int(rows[name][0]) for name in ward().by_condition) == int(rows["all"][0]) == ward().all.raised
    assert max(map(len, text)) <= 80
    assert "187 alarms a bed-day: Drew et al., PLoS ONE 2014" in text


def test_nothing_to_count() -> None:
    """A figure without a denominator is a dash."""
    text = "\n".join(lines(statistics_of([], [])))
    assert "beds: 0, 0.0 h watched" in text
    assert "technical: -" in text
    assert "nan" not in text.replace("unanswered", "")


@pytest.mark.parametrize(("option", "value"), [("--from", "yesterday"), ("--to", "2026-13-01")])
def test_times_that_are_none(icu: Run, option: str, value: str) -> None:
    """A sentence that says what to write: 64."""
    code, out, err = icu("alarms", "statistics", option, value, "--url", "http://127.0.0.1:1")
    assert (code, out) == (64, "")
    assert err == f"icu: {option} {value!r} is no time: write for instance 2026-01-31T07:00\n"
