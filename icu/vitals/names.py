"""Column names of tables: one vocabulary for recordings, scorecard and data sets.

Names are those of published data sets (PhysioNet challenges, MIMIC, eICU, BIDMC, VitalDB, CLIF) and of spreadsheets, in
lower case and without anything but letters and digits: `heartrate` stands for `Heart Rate` and `heart_rate` too.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from icu.vitals.catalogue import SIGNS


def words(text: str) -> tuple[str, ...]:
    """Split a text at blanks."""
    return tuple(text.split())


class Source(NamedTuple):
    """Sensor, and the column names of the signs that it measures."""

    sensor: str
    # Names separated by blanks, by field of `VitalSigns`, or by `bp` for texts like `120/80`.
    names: Mapping[str, str]
    # True if it counts only in tables without another source of the sign.
    alone: bool = False


# Names of columns of both pressures as one text, `120/80`, by sensor.
_BOTH_HALVES: Final = {"pressure": "bp bloodpressure", "cuff": "nibp nbp"}

# Sensors that never complement another one. `sao2` is the laboratory's in most data sets, the oximeter's in eICU.
_ALONE: Final = {"blood gas"}


def _sources() -> Iterator[Source]:
    # Each sensor once, in the order of the catalogue.
    for sensor in dict.fromkeys(sensor for sign in SIGNS for sensor in sign.columns):
        names = {sign.name: sign.columns[sensor] for sign in SIGNS if sensor in sign.columns}
        if sensor in _BOTH_HALVES:
            names["bp"] = _BOTH_HALVES[sensor]
        yield Source(sensor, names, alone=sensor in _ALONE)


# Preferred source of a sign first: at each time the first with a value counts, as in WFDB and .vital.
SOURCES: Final = tuple(_sources())

# Seconds in one unit of time.
SECONDS: Final = {
    **dict.fromkeys(["ns", "nanoseconds"], 1e-9),
    **dict.fromkeys(["us", "µs", "μs", "microseconds"], 1e-6),
    **dict.fromkeys(["ms", "msec", "millis", "milliseconds"], 1e-3),
    **dict.fromkeys(["s", "sec", "secs", "second", "seconds"], 1.0),
    **dict.fromkeys(["min", "mins", "minute", "minutes"], 60.0),
    **dict.fromkeys(["h", "hr", "hrs", "hour", "hours"], 3_600.0),
    **dict.fromkeys(["d", "day", "days"], 86_400.0),
}

# Columns of times whose format and unit follow from their values or a stated unit; the first counts.
TIMES: Final = words(
    "timestamp datetime dateandtime charttime chartdatetime recordedat recordeddttm recordedtime recordedon measuredat "
    "measurementtime measurementdatetime observationtime observationdatetime observedat takenat time clock "
    "relativetime elapsedtime elapsed epoch unixtime unixepoch ts"
)

# Columns of times whose name implies the unit: seconds in one unit.
COUNTS: Final = {
    "observationoffset": 60.0,  # eICU
    "nursingchartoffset": 60.0,
    "iculos": 3_600.0,  # PhysioNet Challenge 2019
    "seconds": 1.0,
    "minutes": 60.0,
    "hours": 3_600.0,
    "days": 86_400.0,
    "second": 1.0,
    "minute": 60.0,
    "hour": 3_600.0,
    "day": 86_400.0,
    "unixtimestampinms": 1e-3,
    "t": 1.0,
}

# Columns of dates, which a column of times completes.
DATES: Final = words("date chartdate recorddate measurementdate observationdate dateofmeasurement datum")

# Columns that identify a stay, admission or recording.
STAYS: Final = words(
    "stayid icustayid patientunitstayid hadmid hospitalizationid encounterid encounter admissionid visitid "
    "visitoccurrenceid caseid case recordid record recordname session sessionid"
)
# Columns that identify a patient.
PEOPLE: Final = words(
    "patientuuid patient patientid patientnumber patientno patientname uuid id subjectid subject "
    "subjectnumber subjectno subjectname personid person pid participantid participant participantname "
    "mrn icn name fullname user userid individual individualid resident residentid studyid"
)
# Columns that identify a bed: a place, not a patient.
BEDS: Final = words("bed bedid bednumber bedno bedname room")

# Columns that name the value of a row, in long tables: those with a row for each value.
LONG: Final = words(
    "vitalcategory vitalname itemid variableid dataid parameter parameterid variable measurement item "
    "nursingchartcelltypevalname measurementconceptid label signal channel"
)

# Columns of spreads. Beside them `mean` is the mean of a window, and no mean pressure.
SPREADS: Final = words("std sd stdev min max var variance median")
