"""Check of the content: each damage is found, and what merely waits is none."""

from functools import partial

import pytest
from blockbuster import BlockBuster

from icu.messages import Quality
from icu.store.database.checking import DAY, HOUR, MINUTE, find_faults
from icu.store.engines.table import engine_of
from icu.store.tables.readings import COLUMNS
from icu.store.tables.upkeep import ROLLUP_COLUMNS
from icu.store.upkeep import Upkeep, open_upkeep
from icu.store.writer import Writer
from tests.rolled_histories import roll_up as roll_up_all
from tests.samples import BORIS, observation
from tests.stores import NOON, execute, rows, store

# Seconds of the readings: two whole hours from noon on, and a part of the third.
TIMES = range(0, 2 * 3600 + 900, 150)
END = NOON + 2 * HOUR

# All that a healthy reading's roll-up holds of each sign, in the order of the catalogue.
VALUES = {"pulse": 7200, "resp_rate": 1600, "systolic": 12000, "diastolic": 8000, "spo2": 9800, "temperature": 3660}

# Columns of a reading beside its key.
OTHERS = ", ".join(each for each in COLUMNS if each not in {"patient_id", "timestamp"})


def quiet(_share: float) -> None:
    """Hear the progress, and say nothing."""


def roll_up(url: str, table: str, every: int) -> None:
    """Write the roll-ups of the readings before END, in statements of their own: all readings here are alike."""
    columns: dict[str, str] = {"patient_id": "patient_id", "bucket": f"timestamp - timestamp % {every} AS bucket"}
    for name in ROLLUP_COLUMNS[2:]:
        sign, _, part = name.rpartition("_")
        value = VALUES.get(sign)
        of = {"count": "count(*)", "sum": f"count(*) * {value}", "min": str(value), "max": str(value), "flagged": "0"}
        columns[name] = of[part] if value is not None else "0" if part in {"count", "flagged"} else "NULL"
    execute(
        url,
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())} FROM patient_metrics"
        f" WHERE timestamp < {END} GROUP BY patient_id, bucket",
    )


@pytest.fixture
async def sound(writer: Writer, url: str) -> str:
    """URL of a database that is rolled up, with one doubtful temperature in a late hour."""
    await store(writer, [observation(second) for second in TIMES])
    roll_up(url, "minute_rollups", MINUTE)
    roll_up(url, "hour_rollups", HOUR)
    execute(url, f"UPDATE upkeep_state SET marked_until = {END}, rolled_until = {END}")
    return url


async def faults(url: str, *, full: bool = True) -> list[str]:
    """Return what is found."""
    return list(await find_faults(engine_of(url), full=full, report=quiet))


@pytest.mark.parametrize("full", [False, True])
async def test_a_sound_database(sound: str, full: bool) -> None:
    """Nothing is found, in a sample or in all of it."""
    assert rows(sound, "SELECT count(*) FROM minute_rollups") == [(48,)]
    assert rows(sound, "SELECT count(*) FROM hour_rollups") == [(2,)]
    assert await faults(sound, full=full) == []


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("UPDATE minute_rollups SET pulse_sum = pulse_sum + 1", "48 roll-ups of minutes are not those of the readings"),
        ("UPDATE hour_rollups SET spo2_min = NULL", "2 roll-ups of hours are not"),
        ("DELETE FROM hour_rollups", "2 roll-ups of hours are not"),
        ("UPDATE hour_rollups SET bucket = bucket + 60000", "roll-ups of hours are not"),
        ("DELETE FROM patient_metrics", "roll-ups of minutes are not"),
        ("UPDATE journal_end SET batch = batch - 1", "streams would miss readings"),
        ("UPDATE consumer_offsets SET next = -1", "offsets that no topic can have"),
        ("DELETE FROM consumer_offsets", "holds readings and no offsets"),
        ("UPDATE alembic_version SET version_num = '0006'", "run python -m icu db upgrade"),
        ("UPDATE alembic_version SET version_num = '9999'", ""),
    ],
)
async def test_damages(sound: str, damage: str, sentence: str, full: bool) -> None:
    """Each damage is found, in a sample too where it is everywhere."""
    execute(sound, damage)
    if not sentence:
        execute(sound, "UPDATE readers SET readable_from = '9999'")
        sentence = "update the program"
    assert sentence in (await faults(sound, full=full))[0]


async def test_what_waits_is_no_damage(sound: str) -> None:
    """Hours that wait for new roll-ups, and what is not rolled up yet or deleted, are left out."""
    waits = partial(execute, sound)
    waits(f"UPDATE patient_metrics SET pulse = pulse + 1 WHERE timestamp < {NOON + HOUR}")
    assert len(await faults(sound)) == 2
    waits(f"INSERT INTO late_hours SELECT id, {NOON} FROM patients")
    assert await faults(sound) == []
    waits("DELETE FROM late_hours")
    waits(f"UPDATE upkeep_state SET raw_horizon = {NOON + HOUR}")
    assert await faults(sound) == []
    waits(f"UPDATE upkeep_state SET raw_horizon = NULL, rolled_until = {NOON}")
    assert await faults(sound) == []
    waits("UPDATE upkeep_state SET rolled_until = NULL")
    assert await faults(sound) == []


async def test_what_is_rolled_up_during_a_check_is_no_damage(
    writer: Writer, url: str, no_blocking_calls: BlockBuster
) -> None:
    """Late readings at the end of a patient's history, stored and rolled up between two looks at the database."""
    half = len(TIMES) // 2
    await store(writer, [observation(second) for second in TIMES[: half + 1]])
    await store(writer, [observation(second, patient=BORIS) for second in TIMES[: half - 1]], start=half + 1)
    roll_up_all(url, until=END)
    late = partial(
        execute,
        url,
        f"INSERT INTO patient_metrics SELECT 2, timestamp, {OTHERS} FROM patient_metrics"
        f" WHERE patient_id = 1 AND timestamp > {NOON + TIMES[half - 2] * 1000}",
    )

    def go_on(share: float) -> None:
        """Store and roll up."""
        if share < 1:
            late()
            roll_up_all(url, until=END)

    no_blocking_calls.deactivate()  # the progress is told on the event loop
    found = await find_faults(engine_of(url), full=True, report=go_on)
    no_blocking_calls.activate()
    assert found == []


async def test_doubtful_values_are_counted_apart(sound: str) -> None:
    """A value that something is said of belongs to the flagged ones of its roll-up."""
    said = """'{"temperature":"clock"}'"""
    execute(sound, f"UPDATE patient_metrics SET quality = {said} WHERE timestamp < {NOON + MINUTE}")
    assert len(await faults(sound)) == 2
    for table in ("minute_rollups", "hour_rollups"):
        execute(
            sound,
            f"UPDATE {table} SET temperature_count = temperature_count - 1, temperature_sum = temperature_sum - 3660,"
            f" temperature_flagged = 1 WHERE bucket = {NOON}",
        )
    execute(
        sound,
        f"UPDATE minute_rollups SET temperature_sum = NULL, temperature_min = NULL, temperature_max = NULL"
        f" WHERE bucket = {NOON}",
    )
    assert await faults(sound) == []


async def test_what_the_upkeep_makes(writer: Writer, url: str) -> None:
    """Roll-ups of the upkeep are sound, those of doubtful and late readings too, and one that is changed is found."""
    quality = Quality(temperature="implausible")
    readings = [observation(second, quality=quality if second % 300 == 0 else None) for second in TIMES]
    await store(writer, readings[:40])
    async with open_upkeep(url) as upkeep:
        await rolled_up(upkeep)
        await store(writer, readings[40:], start=40)
        assert rows(url, "SELECT count(*) > 0 FROM late_hours") == [(1,)]
        assert await faults(url) == []
        await rolled_up(upkeep)
    assert rows(url, "SELECT count(*) FROM late_hours") == [(0,)]
    assert await faults(url) == []
    execute(url, "UPDATE hour_rollups SET temperature_flagged = 0")
    assert (await faults(url))[0].startswith("3 roll-ups of hours")


async def rolled_up(upkeep: Upkeep) -> None:
    """Roll up all that there is, a day later."""
    while not (await upkeep.roll_up(NOON + DAY)).done:
        pass
