"""Processor time of alarms: a thousand patients at 5 s with ordinary readings, and the machine of one condition."""

from collections.abc import Callable
from random import Random
from time import process_time
from typing import Final
from uuid import UUID

from icu.alarms.conditions import CONDITIONS
from icu.alarms.defaults import WARD
from icu.alarms.inputs import Blind, Judged, Settings
from icu.alarms.limits import NO_OVERRIDES
from icu.alarms.machine import step
from icu.alarms.rules import compile_rules
from icu.alarms.sample import Row
from icu.alarms.starting import new_watch
from icu.alarms.ward import Evaluation, Ward

PATIENTS: Final = 1_000
ROUNDS: Final = 60
EVERY: Final = 5_000
START: Final = 1_700_000_000_000


def main() -> None:
    """Print microseconds a reading and a step."""
    print(f"ordinary reading      {ordinary(lambda random: random.randint(-3, 3) * 100):6.2f} us")
    print(f"one in ten evaluated  {ordinary(restless):6.2f} us")
    print(f"step of a condition   {steps():6.2f} us")


def restless(random: Random) -> int:
    """Return a difference that crosses a limit now and then."""
    return random.randint(-3, 3) * 100 if random.random() < 0.9 else 6_000


def ordinary(differ: Callable[[Random], int]) -> float:
    """Measure microseconds a reading, without what makes the rows."""
    ward, rules = Ward(), compile_rules(WARD, NO_OVERRIDES)
    for key in range(PATIENTS):
        ward.put(key, new_watch(UUID(int=key + 1), rules, START))
    random = Random(1)
    intervals = [5.0] * PATIENTS
    spent = 0.0
    for number in range(ROUNDS):
        time = START + number * EVERY
        rows = [row(key, time, differ(random)) for key in range(PATIENTS)]
        began = process_time()
        evaluation = Evaluation(ward)
        evaluation.take(rows, intervals, time + 50)
        evaluation.tick(time + 50)
        evaluation.install()
        # The first rounds learn the signs.
        spent += process_time() - began if number >= 5 else 0
    return spent / (ROUNDS - 5) / PATIENTS * 1e6


def row(key: int, time: int, difference: int) -> Row:
    """Return a reading as for the table."""
    return (key, time, 50, 8_000 + difference, 1_600, 12_000, 8_000, 9_700, 3_700, 9_300, None, None)


def steps() -> float:
    """Measure microseconds a step of an alarm that is present, lost and seen again."""
    rules = compile_rules(WARD, NO_OVERRIDES)
    settings = Settings(UUID(int=1), rules.by_name[CONDITIONS["spo2.low"].name])
    episode = step(None, Judged(0, 0, 1, inside=False, value=7_900), settings).episode
    events = [
        event
        for at in range(0, 50_000, 10)
        for event in (Judged(at, at, 1, inside=False, value=7_900), Blind(at + 5, at))
    ]
    began = process_time()
    for event in events:
        episode = step(episode, event, settings).episode
    return (process_time() - began) / len(events) * 1e6


if __name__ == "__main__":
    main()
