"""Column names of tables: one vocabulary for recordings, scorecard and data sets.

Names are those of published data sets (PhysioNet challenges, MIMIC, eICU, BIDMC, VitalDB, CLIF) and of spreadsheets, in
lower case and without anything but letters and digits: `heartrate` stands for `Heart Rate` and `heart_rate` too.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


def words(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


class Source(NamedTuple):
    """A sensor, by the names that its signs have: sign of `VitalSigns` (or `bp`, `120/80`) to names with blanks."""

    sensor: str
    names: Mapping[str, str]
    alone: bool = False
    """True where it counts only in a table that has no other source of the sign."""


SOURCES: Final = (
    Source("ECG", {"pulse": "hr heartrate ecghr hrecg ecgheartrate beatsperminute"}),
    Source("finger", {"pulse": "pulse pulserate pul pr plethhr plethpulserate pulsespo2 prspo2"}),
    Source(
        "chest",
        {
            "resp_rate": "resprate resp respiration respiratoryrate respirationrate breathingrate rr rrate impedancerr "
            "breathsperminute"
        },
    ),
    Source("breathing gas", {"resp_rate": "rrco2 co2rr awrr ventrr"}),
    Source(
        "arterial line",
        {
            "systolic": "abpsys abps abpsystolic artsbp artsys systemicsystolic ibpsys sbpart arterialsbp "
            "arterialbloodpressuresystolic",
            "diastolic": "abpdias abpdia abpd abpdiastolic artdbp artdias artdia systemicdiastolic ibpdia dbpart "
            "arterialdbp arterialbloodpressurediastolic",
            "mean": "abpmean abpm artmbp artmap artmean systemicmean ibpmean mbpart arterialmap arterialbpmean "
            "arterialbloodpressuremean",
        },
    ),
    Source(
        "pressure",
        {
            "systolic": "systolic sbp sys sysbp bpsys systolicbp systolicbloodpressure bloodpressuresystolic "
            "bpsystolic",
            "diastolic": "diastolic dbp dia diasbp diabp bpdia diastolicbp diastolicbloodpressure "
            "bloodpressurediastolic bpdiastolic",
            "mean": "map mbp meanbp bpmean meanarterialpressure meanbloodpressure mean",
            "bp": "bp bloodpressure",
        },
    ),
    Source(
        "cuff",
        {
            "systolic": "nbpsys nbps nibpsys nibpsbp nibps sbpni nisbp noninvasivesystolic noninvasivebpsystolic "
            "noninvasivebloodpressuresystolic",
            "diastolic": "nbpdias nbpdia nbpd nibpdias nibpdia nibpdbp nibpd dbpni nidbp noninvasivediastolic "
            "noninvasivebpdiastolic noninvasivebloodpressurediastolic",
            "mean": "nbpmean nbpm nibpmean nibpmbp nibpmap nibpm mbpni nimbp noninvasivemean "
            "noninvasivebpmean noninvasivebloodpressuremean",
            "bp": "nibp nbp",
        },
    ),
    Source(
        "oximeter",
        {
            "spo2": "spo2 o2sat o2saturation oxygensaturation oxygensat saturation sat plethspo2 plethsato2 pulseox "
            "pulseoximetry o2saturationpulseoxymetry oxygensaturationpercentage"
        },
    ),
    # A blood gas of the laboratory in most data sets, the oximeter in eICU's: it never stands in for one.
    Source("blood gas", {"spo2": "sao2"}, alone=True),
    Source("thermometer", {"temperature": "temperature temp bodytemperature bodytemp bt coretemperature tcore t"}),
    Source("blood temperature", {"temperature": "tblood bloodtemperature"}),
)
"""The preferred source of a sign first: at each time the first that has a value counts, as in WFDB and .vital."""

_RATES: Final = words("bpm /min 1/min min1 perminute permin")
UNITS: Final[Mapping[str, Mapping[str, tuple[float, float]]]] = {
    "pulse": dict.fromkeys([*_RATES, *words("beats/min beats/minute beatsperminute beatspermin")], (1, 0)),
    "resp_rate": dict.fromkeys(
        [*_RATES, *words("brpm rpm cpm insp/min resp/min breaths/min breaths/minute breathsperminute")], (1, 0)
    ),
    "pressure": {"mmhg": (1, 0), "torr": (1, 0), "kpa": (7.500_617, 0)},
    "spo2": {"%": (1, 0), "pct": (1, 0), "percent": (1, 0), "fraction": (100, 0)},
    "temperature": {
        **dict.fromkeys(["c", "degc", "celsius", "cel"], (1, 0)),
        **dict.fromkeys(["f", "degf", "fahrenheit"], (5 / 9, -160 / 9)),
        **dict.fromkeys(["k", "kelvin"], (1, -273.15)),
    },
}
"""Factor, and what is added then, that make a value one of our units."""

SECONDS: Final = {
    **dict.fromkeys(["ns", "nanoseconds"], 1e-9),
    **dict.fromkeys(["us", "µs", "μs", "microseconds"], 1e-6),
    **dict.fromkeys(["ms", "msec", "millis", "milliseconds"], 1e-3),
    **dict.fromkeys(["s", "sec", "secs", "second", "seconds"], 1.0),
    **dict.fromkeys(["min", "mins", "minute", "minutes"], 60.0),
    **dict.fromkeys(["h", "hr", "hrs", "hour", "hours"], 3_600.0),
    **dict.fromkeys(["d", "day", "days"], 86_400.0),
}
"""Seconds in one unit of time."""

TIMES: Final = words(
    "timestamp datetime dateandtime charttime chartdatetime recordedat recordeddttm recordedtime recordedon measuredat "
    "measurementtime measurementdatetime observationtime observationdatetime observedat takenat time clock "
    "relativetime elapsedtime elapsed epoch unixtime unixepoch ts"
)
"""Columns of times whose form and unit their values or a unit behind them tell; the first counts."""

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
"""Columns of times whose name alone says the unit, in seconds."""

DATES: Final = words("date chartdate recorddate measurementdate observationdate dateofmeasurement datum")
"""Columns of days, which a column of times completes."""

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

LONG: Final = words(
    "vitalcategory vitalname itemid variableid dataid parameter parameterid variable measurement item "
    "nursingchartcelltypevalname measurementconceptid label signal channel"
)
"""Columns that say what the value of the row is, in tables that have a row for each value."""

SPREADS: Final = words("std sd stdev min max var variance median")
"""Beside them `mean` is that of a window, whatever it was of."""
