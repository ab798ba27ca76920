"""Databases as a ward leaves them: simulated readings, stored in the order of time, patients in turn.

They are built once, by `simulate`'s own code and `icu db upgrade`, and kept in the user's cache. Rows go straight into
the table: through the sink's writer twenty million would take five times as long, and the file would be the same.
"""

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from icu.study.simulation import MISSING, SIGNS, UNITS, Plan, blocks

# Seconds between two readings of a patient.
EVERY: Final = 5

_SIGNS: Final = [{"sbp": "systolic", "dbp": "diastolic"}.get(each, each) for each in SIGNS]
_COLUMNS: Final = ["patient_id", "timestamp", *_SIGNS, "lag"]
# Signs are hundredths, times milliseconds since 1970.
INSERT: Final = f"INSERT INTO patient_metrics ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"

# Milliseconds from a reading to its arrival, of the patient who is first in turn; one more for each behind.
LAG: Final = 40

_HUNDREDTHS: Final = [100 // each for each in UNITS]
# Times whose readings are inserted together.
_AT_A_TIME: Final = 25

# Patients x times x signs, as the simulation has them.
Values: TypeAlias = NDArray[np.int16]
Row: TypeAlias = tuple[int | None, ...]


class DataSet(NamedTuple):
    """A database with this number of patients, and of readings of each."""

    path: Path
    patients: int
    each: int

    @property
    def url(self) -> str:
        """URL for the settings."""
        return f"sqlite:///{self.path}"

    @property
    def first(self) -> datetime:
        """Time of the first readings."""
        return Plan().start

    @property
    def end(self) -> datetime:
        """Time at which the next readings would be."""
        return self.first + timedelta(seconds=self.each * EVERY)

    def uuids(self) -> list[UUID]:
        """Return the patients in the order of their keys, which begin with 1."""
        with closing(sqlite3.connect(self.path)) as connection:
            return [UUID(uuid) for (uuid,) in connection.execute("SELECT uuid FROM patients ORDER BY id")]


def data_set(readings: int, *, patients: int = 1_000) -> DataSet:
    """Return the database of this size, and build it unless it exists."""
    each = readings // patients
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "icu-tests" / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        empty = new_database(Path(scratch))
        path = folder / f"{patients}-patients-{each}-readings-each-version-{_version(empty)}.db"
        if not path.exists():
            began = time.perf_counter()
            _fill(empty, patients, each)
            empty.replace(path)
            size = path.stat().st_size
            seconds = time.perf_counter() - began
            print(f"built {path} in {seconds:.0f} s: {size / 1e6:,.0f} MB, {size / readings:.1f} bytes a reading")
    return DataSet(path, patients, each)


def new_database(folder: Path) -> Path:
    """Create the tables, without rows."""
    path = folder / "icu.db"
    environ = {**os.environ, "DATABASE_URL": f"sqlite:///{path}"}
    words = [sys.executable, "-m", "icu", "db", "upgrade"]
    subprocess.run(words, cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return path


def introduce(connection: sqlite3.Connection, uuids: Sequence[UUID]) -> None:
    """Store the patients, with keys from 1 on."""
    named = [(number, str(uuid), f"Patient {number}", EVERY) for number, uuid in enumerate(uuids, start=1)]
    connection.executemany("INSERT INTO patients (id, uuid, name, interval) VALUES (?, ?, ?, ?)", named)


def simulated(patients: int, each: int) -> tuple[list[UUID], Values]:
    """Simulate patients and the values on their monitors."""
    values = np.empty((patients, each, len(UNITS)), np.int16)
    uuids: list[UUID] = []
    at = 0
    for block in blocks(Plan(patients=patients, hours=each * EVERY / 3_600, every=EVERY)):
        uuids += block.uuids if at == 0 else ()
        first = len(uuids) - len(block.uuids)
        values[first : len(uuids), at : at + len(block.times)] = block.values
        at = (at + len(block.times)) % each
    return uuids, values


def rows(values: Values, start: datetime) -> Iterator[Row]:
    """Make the rows of all patients at each time, in turn; `values` are patients x times x signs, `start` the first
    time."""
    patients, times, _ = values.shape
    first = round(start.timestamp() * 1_000)
    keys, lags = range(1, patients + 1), range(LAG, LAG + patients)
    hundredths = np.where(values == MISSING, MISSING, values.astype(np.int32) * _HUNDREDTHS)
    for number in range(times):
        moments = [first + number * EVERY * 1_000] * patients
        signs = [_optional(each.tolist()) for each in hundredths[:, number].T]
        yield from zip(keys, moments, *signs, lags, strict=True)


def _optional(numbers: list[int]) -> Sequence[int | None]:
    return [None if each == MISSING else each for each in numbers] if MISSING in numbers else numbers


def _version(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _fill(path: Path, patients: int, each: int) -> None:
    uuids, values = simulated(patients, each)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # Nobody else looks at it yet, and one that is half done is thrown away.
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -262144"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        introduce(connection, uuids)
        for begin in range(0, each, _AT_A_TIME):
            start = Plan().start + timedelta(seconds=begin * EVERY)
            connection.executemany(INSERT, rows(values[:, begin : begin + _AT_A_TIME], start))
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
