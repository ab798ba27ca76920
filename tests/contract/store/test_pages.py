"""Answers to the monitor: readings of a page, start of the next page, and the latest reading."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from icu.errors import PatientNotFoundError
from icu.store.reader import Order, Page, PatientState, Reader
from icu.store.writer import Writer
from tests.rolled_histories import set_state
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import NOON, SQLITE_ALONE, execute, readings_of, restored, store

DAY = 86_400


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def seconds(page: Page) -> list[float]:
    """Times of a page's readings, in seconds after START."""
    return [(each.timestamp - START).total_seconds() for each in readings_of(page)]


@pytest.fixture
async def five(writer: Writer) -> None:
    """Readings of Anna at 0 to 4 s, and of another patient."""
    others = [observation(n, patient=BORIS) for n in range(5)]
    await store(writer, [*(observation(n) for n in range(5)), *others])


@pytest.mark.parametrize(
    ("order", "bounds", "found"),
    [
        ("asc", {}, [0, 1, 2, 3, 4]),
        ("desc", {}, [4, 3, 2, 1, 0]),
        ("asc", {"since": 2}, [2, 3, 4]),
        ("asc", {"since": 1.5}, [2, 3, 4]),
        ("asc", {"until": 2}, [0, 1]),
        ("asc", {"since": 2, "until": 2}, []),
        ("desc", {"since": 1, "until": 4}, [3, 2, 1]),
        ("asc", {"after": 2}, [3, 4]),
        ("desc", {"after": 2}, [1, 0]),
        ("asc", {"after": 1, "until": 4}, [2, 3]),
    ],
)
async def test_the_borders_of_a_page(
    reader: Reader, five: None, order: Order, bounds: dict[str, float], found: Sequence[float]
) -> None:
    """`since` belongs to the page, `until` and `after` do not."""
    page = await reader.page(ANNA, limit=10, order=order, **{name: at(second) for name, second in bounds.items()})
    assert (seconds(page), page.last) == (found, None)


@pytest.mark.parametrize(
    ("limit", "pages"), [(2, [[0, 1], [2, 3], [4]]), (4, [[0, 1, 2, 3], [4]]), (5, [[0, 1, 2, 3, 4]])]
)
@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_hold_each_reading_once(
    reader: Reader, five: None, order: Order, limit: int, pages: Sequence[Sequence[float]]
) -> None:
    """Pages hold each reading once, and the last page says so even if it is full."""
    found: list[list[float]] = []
    last: dict[str, Any] = {"after": None}
    while not found or last["after"] is not None:
        page = await reader.page(ANNA, limit=limit, order=order, **last)
        found.append(seconds(page))
        last["after"] = page.last
    assert found == [[4 - each if order == "desc" else each for each in page] for page in pages]


async def test_unknown_patients(reader: Reader, five: None) -> None:
    """Unknown patients have no readings, stream or state: each is an error with their uuid, not an empty page."""
    unknown = UUID(int=1)
    for question in (
        reader.page(unknown, limit=1, order="asc"),
        reader.patient(unknown, now=START),
        reader.check_known(unknown),
    ):
        with pytest.raises(PatientNotFoundError, match=str(unknown)):
            await question
    for patient in (ANNA, BORIS):
        await reader.check_known(patient)


@SQLITE_ALONE
async def test_a_patient_whom_a_restored_backup_lacks(reader: Reader, url: str, five: None) -> None:
    """The same file holds another database then: who was known before is unknown."""
    await reader.check_known(BORIS)
    restored(url, f"PRAGMA user_version = 7; DELETE FROM patients WHERE uuid = '{BORIS}'")
    for question in (reader.check_known(BORIS), reader.open_alarms(BORIS), reader.limits(BORIS)):
        with pytest.raises(PatientNotFoundError, match=str(BORIS)):
            await question


async def test_a_patient_without_readings(reader: Reader, url: str) -> None:
    """A patient whose readings were deleted is known by name, and has no latest reading."""
    execute(url, f"INSERT INTO patients (uuid, name) VALUES ('{ANNA}', 'Anna')")
    nothing = PatientState(ANNA, "Anna", None, None)
    assert (await reader.patients(now=START), await reader.patient(ANNA, now=START)) == ([nothing], nothing)


async def test_the_latest_reading_is_about_to_be_deleted(reader: Reader, url: str, five: None) -> None:
    """From the moment on at which the horizon passes it there is none; one at the horizon is served."""
    newest = (await reader.patient(ANNA, now=START)).latest
    assert newest is not None
    set_state(url, raw_horizon=NOON + 4_000)
    assert (await reader.patient(ANNA, now=START)).latest == newest
    set_state(url, raw_horizon=NOON + 4_001)
    assert [each.latest for each in await reader.patients(now=START)] == [None, None]


@pytest.mark.parametrize(
    ("came", "latest"),
    [
        ([(0, 0), (5, 1)], 5),
        ([(5, 0), (0, 1)], 5),
        ([(DAY, 0), (0, 1)], 0),
        ([(DAY, 0), (310, 1)], 310),
        ([(DAY, 0), (311, 1)], DAY),
        ([(0, 0), (DAY, 1)], DAY),
        ([(5, 0), (DAY, 0)], DAY),
    ],
    ids=["in order", "late", "a clock that was set right", "just not ahead", "ahead", "a clock ahead", "together"],
)
async def test_which_reading_is_the_latest(
    reader: Reader, writer: Writer, came: Sequence[tuple[int, int]], latest: int
) -> None:
    """Of the newest reading and the newest at most five minutes ahead, the last to arrive counts, or the newer one."""
    for start, (second, arrived) in enumerate(came):
        await store(writer, [observation(second)], start=start, arrived=NOON + arrived * 1000)
    state = await reader.patient(ANNA, now=at(10))
    assert state.latest is not None
    assert state.latest.timestamp == at(latest)
    assert state.arrived == at(dict(came)[latest])
    assert await reader.patients(now=at(10)) == [state]
