"""`alarms statistics`, of a simulated ward."""

import json
import time
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

import pytest
from msgspec.structs import replace

from icu.alarms.statistics import Statistics, statistics_of
from icu.cli.clinical.statistics import lines
from icu.study.burden import measure, simulated
from icu.study.simulation import Plan
from tests.unit.cli.clinical.conftest import Ward
from tests.unit.cli.conftest import Run


@cache
def simulation() -> Statistics:
    """Statistics of some patients in an hour, with the default limits."""
    return measure(simulated(Plan(patients=8, hours=3, seed=3)))["with all"]


def test_a_row_for_each_group() -> None:
    """Kinds, priorities and conditions have a row each, which add up, and no line is longer than a screen."""
    text = list(lines(simulation()))
    table = text[2 : text.index("", 2)]
    rows = {line[:24].strip(): line[24:].split() for line in table}
    names = {*simulation().by_kind, *simulation().by_priority, *simulation().by_condition}
    assert names <= set(rows)
    assert simulation().all.raised > 0
    assert (
        sum(int(rows[name][0]) for name in simulation().by_condition) == int(rows["all"][0]) == simulation().all.raised
    )
    assert max(map(len, text)) <= 80
    assert "187 alarms a bed-day: Drew et al., PLoS ONE 2014" in text


def test_large_figures_stand_apart() -> None:
    """A figure that fills its column is not run into the one before: a ward that is minutes old has thousands a day."""
    found = simulation()
    text = list(lines(replace(found, all=replace(found.all, per_bed_day=22446.64))))
    [row] = [line for line in text if line.startswith("all ")]
    assert row.split()[1:3] == [str(found.all.raised), "22446.6"]


def test_nothing_to_count() -> None:
    """A figure without a denominator is a dash."""
    text = "\n".join(lines(statistics_of([], [])))
    assert "beds: 0, 0.0 h watched" in text
    assert "technical: -" in text
    assert "nan" not in text.replace("unanswered", "")


def test_of_a_monitor(icu: Run, ward: Ward) -> None:
    """The alarms of the last day, with the span and what is not known; of one patient; and as the API has them."""
    alarm = ward.alarm()
    ward.execute(f"UPDATE alarms SET onset = raised WHERE id = '{alarm.id}'")
    code, out, err = icu("alarms", "statistics")
    assert (code, err) == (0, "")
    assert "beds: 3, " in out
    assert [line.split()[1] for line in out.splitlines() if line.startswith(("all ", " spo2.low "))] == ["1", "1"]
    assert "\nnot known: " in out
    assert "\nbeds: 1, " in icu("alarms", "statistics", "--patient", "Boris")[1]
    assert json.loads(icu("alarms", "statistics", "--json")[1])["all"]["raised"] == 1
    code, out, err = icu("alarms", "statistics", "--from", "9000-01-01")
    assert (code, out) == (64, "")
    assert "`from` is later than now" in err


@pytest.mark.parametrize(("option", "value"), [("--from", "yesterday"), ("--to", "2026-13-01")])
def test_times_that_are_none(icu: Run, option: str, value: str) -> None:
    """A sentence that says what to write: 64."""
    code, out, err = icu("alarms", "statistics", option, value, "--url", "http://127.0.0.1:1")
    assert (code, out) == (64, "")
    assert err == f"icu: {option} {value!r} is no time: write for instance 2026-01-31T07:00\n"


class Recorder(BaseHTTPRequestHandler):
    """Another program, which keeps what it is asked for."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Keep the path."""
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        """Log nothing."""


def test_times_without_a_zone(icu: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are those of this machine, and are sent with its zone; a time with a zone stays."""
    with monkeypatch.context() as context, HTTPServer(("127.0.0.1", 0), Recorder) as server:
        context.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}"
        icu("alarms", "statistics", "--from", "2026-01-31T07:00", "--to", "2026-01-31T07:00Z", "--url", url)
        server.shutdown()
    time.tzset()
    [path] = Recorder.asked
    query = dict(parse_qsl(urlsplit(path).query))
    assert {name: datetime.fromisoformat(text) for name, text in query.items()} == {
        "from": datetime(2026, 1, 31, 1, 30, tzinfo=UTC),
        "to": datetime(2026, 1, 31, 7, 0, tzinfo=UTC),
    }
