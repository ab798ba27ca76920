"""Days of readings on PostgreSQL: made ahead, dropped when they are old."""


import pytest

from icu.store.engines.table import engine_of
from tests.stores import NOON

DAY = 86_400_000
TODAY = NOON - NOON % DAY


@pytest.fixture
def url(postgres_url: str) -> str:
    """URL of a new database of PostgreSQL."""
    return postgres_url


async def test_days_are_made_ahead(url: str) -> None:
    """x"""
    engine = engine_of(url)
    await engine.make_room(NOON)
    print(*await engine.parts(), sep="\n")
    await engine.make_room(NOON + DAY)
    await engine.make_room(NOON + 40 * DAY)
    print(*await engine.parts(), sep="\n")
    print(await engine.drop_before(TODAY + DAY))
    print(*await engine.parts(), sep="\n")
    await engine.aclose()
