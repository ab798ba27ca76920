"""The oracle of alarms: it finds what is wrong, and says nothing only where the clock may have been first."""

import pytest

from tests.chaos.alarm_oracle import Episode, Judgement, Pulse, judge, verdict_of

LIMIT = 80
HIGH, LOW = 9_000, 7_000
# Readings at each 100 ms: the value is beyond the limit up to 1,000, inside at 1,100, and beyond again from 1,200.
VALUES = {at: LOW if at == 1_100 else HIGH for at in range(100, 2_100, 100)}
WHOLE = Episode("a", 100, 100, None)
# The alarm that a clock has ended which did not wait for the reading at 1,200.
ENDED = [Episode("a", 100, 100, 1_350), Episode("b", 1_200, 1_250, None)]


def pulses(*, appended_at: int = 0, arrived_at: int = 0) -> list[Pulse]:
    """Make readings: from 1,200 on they are not appended, and do not arrive, before these times."""
    return [
        Pulse(
            at,
            value,
            max(at + 5, appended_at if at >= 1_200 else 0),
            max(at + 50, appended_at if at >= 1_200 else 0, arrived_at if at >= 1_200 else 0),
        )
        for at, value in VALUES.items()
    ]


def judged(alarms: list[Episode], found: list[Pulse]) -> Judgement:
    """Judge, with the limit in force from the beginning."""
    return judge(alarms, found, LIMIT, since=0)


def test_alarms_that_the_readings_give() -> None:
    """All of them are judged, those of a backlog too."""
    late = [each._replace(arrived=9_000) for each in pulses()]
    assert judged([WHOLE], pulses()) == Judgement(20, 20, 0, 1, 1, [])
    assert judged([WHOLE], late) == Judgement(20, 20, late=20, alarms=1, judged_alarms=1, problems=[])


@pytest.mark.parametrize(
    ("alarms", "wrong"),
    [
        ([], "the value at 100 is in no alarm"),
        ([WHOLE, Episode("b", 1_200, 1_250, None)], "overlap"),
        ([Episode("a", 50, 100, None)], "began with no value beyond the limit"),
        ([Episode("a", 100, 50, None)], "was raised before its onset"),
        ([Episode("a", 100, 100, 900), Episode("b", 1_000, 1_050, None)], "ended while values were beyond"),
    ],
)
def test_alarms_that_are_wrong(alarms: list[Episode], wrong: str) -> None:
    """Each fault is found."""
    assert any(wrong in each for each in judged(alarms, pulses()).problems)


@pytest.mark.parametrize("times", [{}, {"arrived_at": 2_200}])
def test_a_clock_that_did_not_wait(times: dict[str, int]) -> None:
    """A reading that the log holds in time comes before the clock, however late a sink that was held up fetches it."""
    assert len(judged(ENDED, pulses(**times)).problems) == 2


@pytest.mark.parametrize("times", [{"appended_at": 1_400}, {"arrived_at": 6_500}])
def test_a_clock_that_was_first(times: dict[str, int]) -> None:
    """A reading that its sender, or its partition, held up for too long changes nothing of what is over."""
    found = judged(ENDED, pulses(**times))
    assert (found.problems, found.readings - found.judged) == ([], 4)
    assert not judged([WHOLE], pulses(**times)).problems


def test_too_few_readings_to_judge() -> None:
    """Alarms of which nobody can say if they are right are not right."""
    verdicts = [verdict_of([Judgement(20, each, 0, 1, 1, [])]).holds for each in (9, 10)]
    assert verdicts == [False, True]
