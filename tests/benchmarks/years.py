"""Statistics of a month and of a year of one patient, beside twenty million readings.

Each patient has a month of readings; of the eleven before only hours are left, as a ward keeps them. The usual way
reads all readings of a month by the ORM and reckons in Python. Raw SQL is one statement on the readings, with nothing
around it: the limit where there are no roll-ups. Of a year there is nothing to compare with.
"""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from itertools import cycle
from typing import Final

from icu.store.rollups.coverage import up
from icu.store.tables.upkeep import ROLLUP_COLUMNS
from icu.vitals.catalogue import SIGNS
from tests.benchmarks.api import SECONDS, Paths, requests, span
from tests.benchmarks.api_servers import BARE, NAIVE, OURS, fetched, servers
from tests.benchmarks.contest import compare
from tests.benchmarks.dataset import DataSet, data_set
from tests.benchmarks.load import Clients, Server

# Readings of a patient: a month, and some.
EACH: Final = 525_000
MONTHS: Final = 12

_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


def main(readings: int, rounds: int) -> None:
    """Print CPU time a request and ratios (goals: 100 ms for a month by 15 minutes, and for a year by 6 hours)."""
    if find_spec("fastapi") is None:
        print("left out, for want of FastAPI, with which the naive service is written: pip install -e '.[bench]'")
        return
    data = data_set(readings, patients=readings // EACH)
    roll_up(data)
    with servers(data) as found:
        month, year = (paths_of(data, days, every) for days, every in ((30, "15m"), (365, "6h")))
        check(found, month["columns"][0][0])
        for form, paths in month.items():
            print(f"\n30 days at 15m, {form}")
            measure(found, {NAIVE: month["json"], BARE: month["columns"], OURS: paths}, rounds)
        for form, paths in year.items():
            print(f"\na year at 6h, {form}")
            measure(found, {OURS: paths}, rounds)


def measure(found: Mapping[str, Server], jobs: Mapping[str, Paths], rounds: int) -> None:
    """Print CPU time a request of each server, for one client."""
    clients = {name: Clients(found[name], 1, cycle(requests(paths, gzip=False))) for name, paths in jobs.items()}
    beside = [each for each in (NAIVE, BARE) if each in jobs]
    compare(
        rounds, {name: partial(each.work, SECONDS) for name, each in clients.items()}, beside=beside, unit="answers"
    )


def paths_of(data: DataSet, days: int, every: str) -> Mapping[str, Paths]:
    """Make the paths of the last days of each patient, by the form of the answer."""
    since = data.end - timedelta(days=days)
    return {
        form: [[span(str(uuid), since, data.end, every=every, format=form)] for uuid in data.uuids()]
        for form in ("columns", "json")
    }


def check(found: Mapping[str, Server], path: str) -> None:
    """Raise an error unless raw SQL answers with the same numbers as the API."""
    ours, bare = (json.loads(fetched(found[name], [path])) for name in (OURS, BARE))
    for sign, scale in ours["scale"].items():
        for part, numbers in ours["columns"][sign].items():
            factor = 1 if part in {"count", "flagged"} else 100 // scale
            if [None if each is None else each * factor for each in numbers] != bare[f"{sign}_{part}"]:
                raise ValueError(f"{path}: {part} of {sign} is another one")


def roll_up(data: DataSet) -> None:
    """Make the roll-ups of all readings, unless they are there. None of these readings is doubtful."""
    end = round(data.end.timestamp() * 1_000) // _MINUTE * _MINUTE
    with closing(sqlite3.connect(data.path, isolation_level=None)) as connection:
        if connection.execute("SELECT rolled_until FROM upkeep_state").fetchone() == (end,):
            return
        connection.execute("BEGIN")
        for patient in range(1, data.patients + 1):
            for since in range(round(data.first.timestamp() * 1_000) // _DAY * _DAY, end, _DAY):
                values = {"patient": patient, "since": since, "until": min(since + _DAY, end)}
                connection.execute(_statement("minute_rollups", _MINUTE), values)
                connection.execute(_statement("hour_rollups", _HOUR), values)
        # Those that are not whole yet.
        connection.execute("DELETE FROM hour_rollups WHERE bucket + :hour > :end", {"hour": _HOUR, "end": end})
        first = round(data.first.timestamp() * 1_000)
        columns = ", ".join(ROLLUP_COLUMNS[2:])
        for month in range(1, MONTHS):
            values = {"back": month * up(end - first, _HOUR), "first": first}
            connection.execute(
                f"INSERT INTO hour_rollups (patient_id, bucket, {columns})"
                f" SELECT patient_id, bucket - :back, {columns} FROM hour_rollups WHERE bucket >= :first",
                values,
            )
        connection.execute(
            "UPDATE upkeep_state SET marked_until = :end, rolled_until = :end, raw_horizon = :first,"
            " minute_horizon = :first",
            {"end": end, "first": first},
        )
        connection.execute("COMMIT")


def _statement(table: str, unit: int) -> str:
    sums = ", ".join(f"count({each.name}), sum({each.name}), min({each.name}), max({each.name}), 0" for each in SIGNS)
    return (
        f"REPLACE INTO {table} ({', '.join(ROLLUP_COLUMNS)})"
        f" SELECT patient_id, timestamp - timestamp % {unit} AS bucket, {sums} FROM patient_metrics"
        " WHERE patient_id = :patient AND timestamp >= :since AND timestamp < :until GROUP BY patient_id, bucket"
    )
