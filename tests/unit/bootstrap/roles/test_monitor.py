"""The monitor role: what it takes from the settings."""

from icu.bootstrap.roles import monitor
from icu.bootstrap.shared import Shared
from icu.config.settings import Database, News2, Settings
from icu.store.writer import Writer
from tests.faces import serving
from tests.samples import ANNA, observation
from tests.stores import store


async def test_the_ages_of_the_score_are_set(url: str, writer: Writer) -> None:
    """Values count as long as the settings say, each of the four."""
    await store(writer, [observation(0, interval=7)])
    news2 = News2(max_age=10, intervals=2, pressure_max_age=20, temperature_max_age=30)
    shared = Shared(Settings(database=Database(url), news2=news2))
    async with serving(lambda: monitor.app(shared, "127.0.0.1")[0]) as face:
        answer = (await face.client.get(f"/patient/{ANNA}/news2")).json()
    ages = {"resp_rate": 14, "spo2": 14, "systolic": 20, "pulse": 14, "temperature": 30}
    assert answer["max_age_seconds"] == ages
