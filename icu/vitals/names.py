"""Column names of tables: one vocabulary for recordings, scorecard and data sets.

Names are those of published data sets (PhysioNet challenges, MIMIC, eICU, BIDMC, VitalDB, CLIF) and of spreadsheets, in
lower case and without anything but letters and digits: `heartrate` stands for `Heart Rate` and `heart_rate` too.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from icu.vitals.catalogue import SIGNS


def words(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


class Source(NamedTuple):
    """A sensor, by the names that its signs have: sign of `VitalSigns` (or `bp`, `120/80`) to names with blanks."""

    sensor: str
    names: Mapping[str, str]
    # True where it counts only in a table that has no other source of the sign.
    alone: bool = False


# Columns of pressures as text, `120/80`, by sensor.
_BOTH_HALVES: Final = {"pressure": "bp bloodpressure", "cuff": "nibp nbp"}

# Of the laboratory in most data sets, the oximeter in eICU's: it never stands in for one.
_ALONE: Final = {"blood gas"}


def _sources() -> Iterator[Source]:
    # The order in which the catalogue names the sensors, each once.
    for sensor in dict.fromkeys(sensor for sign in SIGNS for sensor in sign.columns):
        names = {sign.name: sign.columns[sensor] for sign in SIGNS if sensor in sign.columns}
        if sensor in _BOTH_HALVES:
            names["bp"] = _BOTH_HALVES[sensor]
        yield Source(sensor, names, alone=sensor in _ALONE)


# The preferred source of a sign first: at each time the first that has a value counts, as in WFDB and .vital.
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

# Columns of times whose form and unit their values or a unit behind them tell; the first counts.
TIMES: Final = words(
    "timestamp datetime dateandtime charttime chartdatetime recordedat recordeddttm recordedtime recordedon measuredat "
    "measurementtime measurementdatetime observationtime observationdatetime observedat takenat time clock "
    "relativetime elapsedtime elapsed epoch unixtime unixepoch ts"
)

# Columns of times whose name alone says the unit, in seconds.
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

# Columns of days, which a column of times completes.
DATES: Final = words("date chartdate recorddate measurementdate observationdate dateofmeasurement datum")

STAYS: Final = words(
    "stayid icustayid patientunitstayid hadmid hospitalizationid encounterid encounter admissionid visitid "
    "visitoccurrenceid caseid case recordid record recordname session sessionid"
)
PEOPLE: Final = words(
    "patientuuid patient patientid patientnumber patientno patientname uuid id subjectid subject "
    "subjectnumber subjectno subjectname personid person pid participantid participant participantname "
    "mrn icn name fullname user userid individual individualid resident residentid studyid"
)
BEDS: Final = words("bed bedid bednumber bedno bedname room")

# Columns that say what the value of the row is, in tables that have a row for each value.
LONG: Final = words(
    "vitalcategory vitalname itemid variableid dataid parameter parameterid variable measurement item "
    "nursingchartcelltypevalname measurementconceptid label signal channel"
)

# Beside them `mean` is that of a window, whatever it was of.
SPREADS: Final = words("std sd stdev min max var variance median")
