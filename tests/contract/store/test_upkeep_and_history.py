"""The upkeep's roll-ups and the answers that are read from them, together: neither knows how the other is made."""

import random
from collections.abc import Sequence
from typing import Any

from icu.messages import Observation
from icu.store.reader import Reader
from icu.store.upkeep import Upkeep, open_upkeep
from icu.store.writer import Writer
from tests.contract.store.test_history import served
from tests.contract.store.test_rolled_history import LENGTHS, Question, check
from tests.histories import varied
from tests.rolled_histories import HOUR, delete, remaining
from tests.samples import ANNA
from tests.stores import NOON, store

# Spans of the questions, in milliseconds after noon: at whole hours, and cutting minutes and hours.
SPANS = [(0, 6 * HOUR), (HOUR + 90_500, 3 * HOUR - 500), (2 * HOUR + 7, 3 * HOUR + 7)]

# Horizons of readings, minutes and hours where nothing is deleted.
NOTHING = [0, 0, 0]


async def test_late_readings_and_deletions(writer: Writer, reader: Reader, url: str) -> None:
    """Answers are those of the readings before late ones are rolled up, after it, and once parts are deleted."""
    early, late = divided(varied(400, step=[5, 20, 90]))
    await store(writer, early)
    async with open_upkeep(url) as upkeep:
        await roll_up_all(upkeep)
        await store(writer, late, start=len(early))
        readings = await served(reader)
        await check_answers(reader, readings, NOTHING)
        await roll_up_all(upkeep)
    await check_answers(reader, readings, NOTHING)
    horizons = [NOON + 2 * HOUR, NOON + HOUR, NOON]
    delete(url, raw=horizons[0], minute=horizons[1], hour=horizons[2])
    await check_answers(reader, readings, horizons)


def divided(observations: Sequence[Observation]) -> tuple[list[Observation], list[Observation]]:
    """Divide observations into those that come in time, in their order, and those that come late, in any."""
    late = random.Random(1).sample(range(len(observations)), 60)
    early = [each for number, each in enumerate(observations) if number not in late]
    return early, [observations[number] for number in late]


async def roll_up_all(upkeep: Upkeep) -> None:
    """Roll up all that there is, at a time behind the last reading."""
    while not (await upkeep.roll_up(NOON + 4 * HOUR)).done:
        pass


async def check_answers(reader: Reader, readings: Sequence[dict[str, Any]], horizons: Sequence[int]) -> None:
    """Ask for each span in buckets of each length."""
    for since, until in SPANS:
        for every in LENGTHS:
            question = Question(NOON + since, NOON + until, every)
            await check(reader, ANNA, question, remaining(readings, *question, horizons))
