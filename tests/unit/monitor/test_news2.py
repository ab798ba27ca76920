"""NEWS2 over HTTP: of now and as a trend, from a real database."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

import httpx
import pytest

from icu.messages import Quality
from icu.monitor.ages import Ages
from icu.monitor.news2 import route
from icu.store.history import news2 as stored
from icu.store.writer import Writer
from icu.vitals.news2.inputs import MaxAges, Row, score_at
from tests.histories import moment, values, varied, words
from tests.samples import ANNA, START, observation
from tests.stores import NOON, execute, store

NEWS2 = f"patient/{ANNA}/news2"
SIGNS = ["resp_rate", "spo2", "systolic", "pulse", "temperature"]
MAX_AGES = {"resp_rate": 60, "spo2": 60, "systolic": 1_800, "pulse": 60, "temperature": 14_400}
ASSUMED = {"oxygen": False, "consciousness": "alert", "scale": 1, "by": None, "at": None}


def just_now() -> int:
    """Milliseconds since 1970."""
    return round(datetime.now(UTC).timestamp() * 1_000)


async def ask(monitor: httpx.AsyncClient, **params: str) -> dict[str, Any]:
    """The answer, which is one."""
    response = await monitor.get(NEWS2, params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def enter(url: str, *entries: tuple[int, str, bool, str, int]) -> None:
    """Enter inputs for the first patient, as the monitor's commands do."""
    for at, by, oxygen, consciousness, scale in entries:
        execute(url, f"INSERT INTO news2_inputs VALUES (1, {at}, {oxygen:d}, '{consciousness}', {scale}, '{by}')")


async def test_the_score_of_now(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """Each value with its points, its age and how it was rounded; what is assumed is said."""
    sick = observation(5, pulse=90.5, resp_rate=21, bp="119/80", spo2=91.4, temperature=36.05)
    await store(writer, [observation(0), sick], arrived=just_now() - 2_000)
    answer = await ask(monitor)
    ages = {name: answer["inputs"][name].pop("age_seconds") for name in SIGNS}
    assert all(2 <= age < 10 for age in ages.values())
    assert len(set(ages.values())) == 1
    at = {"measured_at": "2026-01-31T12:00:05Z"}
    assert answer["inputs"] == {
        "resp_rate": {"value": 21, "rounded": 21, "points": 2, **at},
        "spo2": {"value": 91.4, "rounded": 91, "points": 3, **at},
        "systolic": {"value": 119, "rounded": 119, "points": 0, **at},
        "pulse": {"value": 90.5, "rounded": 91, "points": 1, **at},
        "temperature": {"value": 36.05, "rounded": 36.1, "points": 0, **at},
    }
    assert (answer["total"], answer["partial"], answer["category"], answer["missing"]) == (6, None, "medium", [])
    assert answer["points"] == {
        "resp_rate": 2, "spo2": 3, "systolic": 0, "pulse": 1, "temperature": 0, "oxygen": 0, "consciousness": 0,
    }  # fmt: skip
    assert answer["entered"] == ASSUMED
    assert answer["assumptions"] == ["breathes air", "is alert", "saturation on scale 1"]
    assert (answer["patient_uuid"], answer["max_age_seconds"]) == (str(ANNA), MAX_AGES)


async def test_numbers_are_written_as_in_readings(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """A whole number has no fraction."""
    await store(writer, [observation(0, pulse=90.5)], arrived=just_now())
    text = (await monitor.get(NEWS2)).text
    assert '"pulse":{"value":90.5,"rounded":91,' in text
    assert '"resp_rate":{"value":16,"rounded":16,' in text
    assert '"max_age_seconds":{"resp_rate":60,' in text


async def test_its_time_is_the_senders(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """A recording of January is scored as of January, and how far that is behind is said."""
    arrived = just_now() - 2_000
    await store(writer, [observation(0)], arrived=arrived)
    answer = await ask(monitor)
    passed = datetime.fromisoformat(answer["time"]) - START
    assert timedelta(seconds=2) <= passed < timedelta(seconds=10)
    assert answer["inputs"]["pulse"]["age_seconds"] == pytest.approx(passed.total_seconds(), abs=1e-3)
    assert answer["behind_seconds"] == (arrived - NOON) / 1_000


async def test_values_become_too_old(writer: Writer, monitor: httpx.AsyncClient, set_by: list[float]) -> None:
    """A patient of whom nothing comes has no score after a minute: first the signs of each reading, then the rest."""
    await store(writer, [observation(0, temperature=38.5)], arrived=just_now())
    for age, missing in [
        (30, []),
        (70, ["resp_rate", "spo2", "pulse"]),
        (1_810, ["resp_rate", "spo2", "systolic", "pulse"]),
        (14_410, SIGNS),
    ]:
        set_by[:] = [age]
        answer = await ask(monitor)
        assert answer["missing"] == missing == [name for name in SIGNS if answer["inputs"][name] is None]
        there = "temperature" not in missing
        assert (answer["total"], answer["partial"]) == ((None, int(there)) if missing else (1, None))
        assert answer["category"] == (None if missing else "low")


async def test_a_value_counts_for_one_and_a_half_intervals(
    writer: Writer, monitor: httpx.AsyncClient, set_by: list[float]
) -> None:
    """A sender that states an interval of an hour is scored between its readings."""
    await store(writer, [observation(0, interval=3_600)], arrived=just_now())
    set_by[:] = [5_390]
    assert (await ask(monitor))["missing"] == ["systolic"]
    set_by[:] = [5_410]
    assert (await ask(monitor))["missing"] == ["resp_rate", "spo2", "systolic", "pulse"]
    assert (await ask(monitor))["max_age_seconds"]["pulse"] == 5_400


@pytest.mark.parametrize(
    ("sign", "flagged"),
    [
        ("pulse", {"pulse": 150, "quality": Quality(pulse="motion")}),
        ("resp_rate", {"resp_rate": 40, "quality": Quality(resp_rate="motion")}),
        ("spo2", {"spo2": 70, "quality": Quality(spo2="low-perfusion")}),
        ("systolic", {"bp": "70/40", "quality": Quality(bp="damped")}),
        ("temperature", {"temperature": 30, "quality": Quality(temperature="probe-off")}),
        ("spo2", {"spo2": 0}),
    ],
)
async def test_flagged_values_are_no_inputs(
    writer: Writer, monitor: httpx.AsyncClient, sign: str, flagged: dict[str, Any]
) -> None:
    """The last valid value counts in place of a flagged one; alone, it leaves the sign missing.

    A saturation of 0 needs no flag: nobody has it.
    """
    await store(writer, [observation(5, **flagged)], arrived=just_now())
    answer = await ask(monitor)
    assert (answer["total"], answer["partial"], answer["missing"]) == (None, 0, [sign])
    await store(writer, [observation(0)], start=1, arrived=just_now())
    answer = await ask(monitor)
    assert (answer["total"], answer["inputs"][sign]["measured_at"]) == (0, "2026-01-31T12:00:00Z")


async def test_a_standing_pressure_is_as_old_as_its_measurement(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """Each reading repeats the cuff's value, and an older measurement that is sent again does not come back."""
    cuff = [observation(second, bp="85/50", bp_measured_at=START) for second in (0, 600, 1_790)]
    again = observation(1_795, bp="150/90", bp_measured_at=START - timedelta(minutes=1))
    await store(writer, [*cuff, again], arrived=just_now())
    answer = await ask(monitor)
    assert answer["inputs"]["systolic"]["measured_at"] == "2026-01-31T12:00:00Z"
    assert (answer["inputs"]["systolic"]["value"], answer["points"]["systolic"]) == (85, 3)
    assert answer["inputs"]["systolic"]["age_seconds"] >= 1_795
    await store(writer, [observation(1_810, bp="85/50", bp_measured_at=START)], start=4, arrived=just_now())
    assert (await ask(monitor))["missing"] == ["systolic"]


@pytest.mark.parametrize("ahead", [timedelta(minutes=-2), timedelta(minutes=2), timedelta(days=3)])
async def test_a_clock_that_is_wrong(writer: Writer, monitor: httpx.AsyncClient, ahead: timedelta) -> None:
    """A patient whose monitor's clock is slow or fast is scored as anybody, and how far it is off is said."""
    arrived = datetime.now(UTC)
    seconds = (arrived + ahead - START).total_seconds()
    await store(writer, [observation(seconds)], arrived=round(arrived.timestamp() * 1_000))
    answer = await ask(monitor)
    assert answer["total"] == 0
    assert answer["behind_seconds"] == pytest.approx(-ahead.total_seconds(), abs=0.01)
    assert len((await ask(monitor, every="1s", **{"from": answer["inputs"]["pulse"]["measured_at"]}))["scores"]) <= 10


@pytest.mark.parametrize("ahead", [200, 7_200])
async def test_values_that_a_clock_dated_ahead(writer: Writer, monitor: httpx.AsyncClient, ahead: int) -> None:
    """Before a clock was set right it left values among those of now, which are old: they do not count."""
    now = just_now()
    second = (now - NOON) / 1_000
    await store(writer, [observation(second - 1, pulse=150)], arrived=now - ahead * 1_000)
    await store(writer, [observation(second, pulse=None)], start=1, arrived=now)
    assert (await ask(monitor))["missing"] == ["pulse"]


async def test_a_clock_that_was_set_back(
    writer: Writer, monitor: httpx.AsyncClient, ages: Ages, set_by: list[float]
) -> None:
    """Where nobody can tell how old the readings are no value counts."""
    await store(writer, [observation(0)], arrived=just_now())
    await ages.check_clocks()
    set_by.append(-3_600)
    answer = await ask(monitor)
    assert (answer["total"], answer["partial"], answer["missing"]) == (None, 0, SIGNS)
    assert answer["behind_seconds"] is None


async def test_what_was_entered(writer: Writer, monitor: httpx.AsyncClient, url: str) -> None:
    """The last of it counts, with who and when, and nothing is assumed then."""
    arrived = just_now()
    await store(writer, [observation(0, spo2=97)], arrived=arrived)
    await enter(url, (arrived - 9_000, "Ivan", False, "voice", 1), (arrived - 5_000, "Eva", True, "alert", 2))
    answer = await ask(monitor)
    when = answer["entered"].pop("at")
    assert datetime.fromisoformat(when).timestamp() * 1_000 == pytest.approx(arrived - 5_000)
    assert answer["entered"] == {"oxygen": True, "consciousness": "alert", "scale": 2, "by": "Eva"}
    assert (answer["total"], answer["points"]["spo2"], answer["points"]["oxygen"]) == (5, 3, 2)
    assert answer["assumptions"] == []


async def test_a_trend_with_what_was_entered(writer: Writer, monitor: httpx.AsyncClient, url: str) -> None:
    """Inputs count from then on, by the sender's clock; before it, air was assumed."""
    arrived = just_now()
    await store(writer, [observation(second) for second in range(0, 30, 5)], arrived=arrived)
    lag = arrived - NOON - 25_000  # of the latest reading
    await enter(url, (NOON + 10_000 + lag, "Eva", True, "alert", 1))
    answer = await ask(monitor, every="5s", to="2026-01-31T12:00:25Z")
    assert [each["total"] for each in answer["scores"]] == [0, 0, 2, 2, 2]
    assert [each["assumed"] for each in answer["scores"]] == [True, True, False, False, False]
    assert ([each["by"] for each in answer["entered"]], len(answer["assumptions"])) == (["Eva"], 3)


async def test_a_trend(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """A score at each whole multiple of `every`, from `from` to before `to`."""
    await store(
        writer, [observation(second, pulse=50 + second // 2) for second in range(5, 125, 5)], arrived=just_now()
    )
    answer = await ask(monitor, every="30s", **{"from": "2026-01-31T12:00:10Z", "to": "2026-01-31T12:02:00Z"})
    assert answer["scores"] == [
        {
            "time": time,
            "total": points,
            "partial": None,
            "category": category,
            "missing": [],
            "points": {
                "resp_rate": 0, "spo2": 0, "systolic": 0, "pulse": points, "temperature": 0,
                "oxygen": 0, "consciousness": 0,
            },
            "assumed": True,
        }
        for time, points, category in [
            ("2026-01-31T12:00:30Z", 0, "zero"),
            ("2026-01-31T12:01:00Z", 0, "zero"),
            ("2026-01-31T12:01:30Z", 1, "low"),
        ]
    ]  # fmt: skip
    assert (answer["every_seconds"], answer["max_age_seconds"], answer["patient_uuid"]) == (30, MAX_AGES, str(ANNA))


async def test_a_trend_begins_with_the_first_reading_and_ends_now(
    writer: Writer, monitor: httpx.AsyncClient, set_by: list[float]
) -> None:
    """It says nothing of the time before and of the future; since the last reading values become too old."""
    await store(writer, [observation(1)], arrived=just_now())
    set_by[:] = [100]
    for params in [{}, {"from": "1970-01-01T00:00:00Z", "to": "2090-01-01T00:00:00Z"}]:
        scores = (await ask(monitor, every="20s", **params))["scores"]
        assert [(each["time"][11:19], each["total"]) for each in scores] == [
            ("12:00:20", 0),
            ("12:00:40", 0),
            ("12:01:00", 0),
            ("12:01:20", None),
            ("12:01:40", None),
        ]
    empty = await ask(monitor, every="1h", to="2026-01-31T11:00:00Z")
    assert (empty["scores"], empty["assumptions"]) == ([], [])


@pytest.mark.parametrize("piece", [1, 7, 2_000])
async def test_a_trend_as_it_is_reckoned_from_readings(
    writer: Writer, monitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    """With flags, gaps and halves of pressures, against the score at each time from the readings that are served."""
    monkeypatch.setattr(stored, "SLICE", piece)
    await store(writer, varied(300, seed=3, step=[1, 5, 61, 1_500]), arrived=just_now())
    readings = json.loads((await monitor.get(f"patient/{ANNA}/metrics?order=asc&limit=1000")).content)
    rows = [as_row(each) for each in readings]
    answer = await ask(monitor, every="7min", to=readings[-1]["timestamp"])
    assert len(answer["scores"]) > 200
    assert any(each["total"] is not None for each in answer["scores"])
    for each in answer["scores"]:
        expected = score_at(rows, moment({"timestamp": each["time"]}), MaxAges().of(5))
        assert each["missing"] == expected.missing
        assert (each["total"], each["points"]) == (expected.total, expected.points), each["time"]
        assert each["partial"] == (None if expected.total is not None else expected.sum)


def as_row(reading: dict[str, Any]) -> Row:
    """Values of a served reading that count."""
    found, said = values(reading), words(reading)
    sure = {name: None if name in said else found[name] for name in SIGNS}
    return Row(
        moment(reading),
        **{
            name: None if value is None or (name == "spo2" and not value) else round(100 * value)
            for name, value in sure.items()
        },
    )


async def test_a_patient_that_nobody_knows(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """404, for the trend too."""
    for query in ("", "?every=1h"):
        assert (await monitor.get(f"patient/{uuid4()}/news2{query}")).status_code == 404


async def test_without_a_database(monitor: httpx.AsyncClient) -> None:
    """503, and what to start."""
    response = await monitor.get(NEWS2)
    assert (response.status_code, "start the sink" in response.json()["detail"]) == (503, True)


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("from=2026-01-31T12:00:00Z", "write `every` too"),
        ("to=2026-01-31T12:00:00Z", "write `every` too"),
        ("every=1h&from=2026-01-31", "`from` is no time"),
        ("every=1h&from=2026-01-31T12:00:00Z&to=2026-01-31T11:00:00Z", "`from` is later than `to`"),
        ("every=0.5s", "from 1s to 1d"),
        ("evry=1h", "did you mean every?"),
        ("limit=3", "there is no parameter"),
    ],
)
async def test_mistakes(writer: Writer, monitor: httpx.AsyncClient, query: str, detail: str) -> None:
    """400, with the parameter and what to write."""
    await store(writer, [observation(0)], arrived=just_now())
    response = await monitor.get(f"{NEWS2}?{query}")
    assert (response.status_code, detail in response.json()["detail"]) == (400, True), response.text


@pytest.mark.parametrize(("name", "most"), [("MAX_SCORES", 3), ("MAX_READINGS", 4)])
async def test_too_long_a_trend(
    writer: Writer, monitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    """One more score, or one more reading, than an answer may have is refused."""
    monkeypatch.setattr(route, name, most)
    fits, beyond = "2026-01-31T12:00:03Z", "2026-01-31T12:00:04Z"
    await store(writer, [observation(second) for second in (0, 0.5, 1.5, 2, 3)], arrived=just_now())
    assert len((await ask(monitor, every="1s", to=fits))["scores"]) == 3
    response = await monitor.get(NEWS2, params={"every": "1s", "to": beyond})
    assert (response.status_code, "narrow it by" in response.json()["detail"]) == (400, True)


async def test_it_is_described(monitor: httpx.AsyncClient) -> None:
    """Both answers, with each of their fields, and the problems."""
    document: Any = (await monitor.get(urljoin(str(monitor.base_url), "/schema/openapi.json"))).json()
    responses = document["paths"]["/api/patient/{patient_uuid}/news2"]["get"]["responses"]
    assert set(responses) == {"200", "400", "404", "503"}
    schema = responses["200"]["content"]["application/json"]["schema"]
    assert {each["$ref"].rpartition("/")[2] for each in schema["oneOf"]} == {"News2", "News2Trend"}
    schemas = document["components"]["schemas"]
    for name in ("News2", "News2Trend", "TrendScore", "ScoredValue", "EnteredInputs"):
        assert set(schemas[name]["required"]) == set(schemas[name]["properties"])
