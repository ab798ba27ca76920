"""Catalogue of signs: one entry per sign, from which columns, SQL, data sets and arrays derive.

A new sign is an entry here and in `VitalSigns`, a field of `icu.messages.Observation`, `Quality` and `Served`, a value
in `icu.store.readings` and a migration; tests/unit/vitals/test_catalogue.py compares them.

Units are UCUM. LOINC codes are those of HL7 FHIR's value set of vital sign results (observation-vitalsignresult), and
for the saturation the oximeter's own of the US Core pulse oximetry profile, of which FHIR's 2708-6 is the general one.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from msgspec import Meta, Struct

from icu.vitals import units
from icu.vitals.limits import Range

_ABSENT: Final = "; absent where it was not measured"


class Sign(Struct, frozen=True, kw_only=True):
    """Vital sign: names, unit, limits of measurement and usual columns."""

    # Name in code, in the table of readings and of a recording's columns: `systolic`.
    name: str
    # Field on the topic, in the API and in `quality`: `bp` for both halves of a pressure, else the name.
    field: str
    # Column in simulated data sets: `sbp`.
    data_set: str
    # Column in the PhysioNet/CinC Challenge 2019, the scorecard's reference: `SBP`; None if it has none.
    reference: str | None
    # Name in descriptions for people.
    title: str
    # Addition to title and unit in the API's description.
    note: str = ""
    # True if readings leave it out when it was not measured. The brief's own signs are null then.
    optional: bool = False
    # UCUM code.
    unit: str
    # LOINC code.
    loinc: str
    # Range that monitors can measure: a value outside is an error of the sender. Sources: see `icu.vitals.limits`.
    limits: Range
    # Least value above 0: a smaller one is a fraction that was not converted to per cent.
    least: float = 0.0
    # Decimal places on a monitor's display.
    decimals: int
    # Value in the API's description.
    example: float
    # Usual column names in tables by sensor, separated by blanks; see `icu.vitals.names`.
    columns: Mapping[str, str]
    # Units that a column may state, with their conversion.
    units: units.Spellings

    def can_be(self, value: float) -> bool:
        """Tell if a monitor can have measured this value."""
        return value in self.limits and not 0 < value < self.least

    @property
    def whole(self) -> Meta:
        """Bounds of an integer on the topic."""
        return Meta(ge=self.limits.low, le=self.limits.high)

    @property
    def exact(self) -> Meta:
        """Bounds of a float on the topic. Signs with a least value take 0 as an integer only."""
        return Meta(ge=max(self.limits.low, self.least), le=self.limits.high)

    @property
    def served(self) -> Meta:
        """Description for readers of the API."""
        return Meta(
            ge=self.limits.low,
            le=self.limits.high,
            description=f"{self.title}, {self.unit}{self.note}{_ABSENT if self.optional else ''}",
            examples=[self.example],
            # Litestar leaves out a least value of 0 where the field may be null.
            extra_json_schema={"extra": {"minimum": self.limits.low}},
        )


PULSE: Final = Sign(
    name="pulse",
    field="pulse",
    data_set="pulse",
    reference="HR",
    title="Heart rate",
    unit="/min",
    loinc="8867-4",
    limits=Range(0, 350),
    decimals=0,
    example=72,
    columns={
        "ECG": "hr heartrate ecghr hrecg ecgheartrate beatsperminute",
        "finger": "pulse pulserate pul pr plethhr plethpulserate pulsespo2 prspo2",
    },
    units=units.BEATS,
)
RESP_RATE: Final = Sign(
    name="resp_rate",
    field="resp_rate",
    data_set="resp_rate",
    reference="Resp",
    title="Respiratory rate",
    unit="/min",
    loinc="9279-1",
    limits=Range(0, 200),
    decimals=0,
    example=16,
    columns={
        "chest": "resprate resp respiration respiratoryrate respirationrate breathingrate rr rrate impedancerr "
        "breathsperminute",
        "breathing gas": "rrco2 co2rr awrr ventrr",
    },
    units=units.BREATHS,
)
SYSTOLIC: Final = Sign(
    name="systolic",
    field="bp",
    data_set="sbp",
    reference="SBP",
    title="Systolic pressure",
    unit="mm[Hg]",
    loinc="8480-6",
    limits=Range(0, 360),
    decimals=0,
    example=120,
    columns={
        "arterial line": "abpsys abps abpsystolic artsbp artsys systemicsystolic ibpsys sbpart arterialsbp "
        "arterialbloodpressuresystolic",
        "pressure": "systolic sbp sys sysbp bpsys systolicbp systolicbloodpressure bloodpressuresystolic bpsystolic",
        "cuff": "nbpsys nbps nibpsys nibpsbp nibps sbpni nisbp noninvasivesystolic noninvasivebpsystolic "
        "noninvasivebloodpressuresystolic",
    },
    units=units.PRESSURES,
)
DIASTOLIC: Final = Sign(
    name="diastolic",
    field="bp",
    data_set="dbp",
    reference="DBP",
    title="Diastolic pressure",
    unit="mm[Hg]",
    loinc="8462-4",
    limits=Range(0, 360),
    decimals=0,
    example=80,
    columns={
        "arterial line": "abpdias abpdia abpd abpdiastolic artdbp artdias artdia systemicdiastolic ibpdia dbpart "
        "arterialdbp arterialbloodpressurediastolic",
        "pressure": "diastolic dbp dia diasbp diabp bpdia diastolicbp diastolicbloodpressure bloodpressurediastolic "
        "bpdiastolic",
        "cuff": "nbpdias nbpdia nbpd nibpdias nibpdia nibpdbp nibpd dbpni nidbp noninvasivediastolic "
        "noninvasivebpdiastolic noninvasivebloodpressurediastolic",
    },
    units=units.PRESSURES,
)
SPO2: Final = Sign(
    name="spo2",
    field="spo2",
    data_set="spo2",
    reference="O2Sat",
    title="Oxygen saturation",
    note=": 0, or 1 and more",
    unit="%",
    loinc="59408-5",
    limits=Range(0, 100),
    least=1,
    decimals=0,
    example=98,
    columns={
        "oximeter": "spo2 o2sat o2saturation oxygensaturation oxygensat saturation sat plethspo2 plethsato2 pulseox "
        "pulseoximetry o2saturationpulseoxymetry oxygensaturationpercentage",
        "blood gas": "sao2",
    },
    units=units.PERCENTAGES,
)
TEMPERATURE: Final = Sign(
    name="temperature",
    field="temperature",
    data_set="temperature",
    reference="Temp",
    title="Body temperature",
    unit="Cel",
    loinc="8310-5",
    limits=Range(10, 50),
    decimals=1,
    example=36.6,
    columns={
        "thermometer": "temperature temp bodytemperature bodytemp bt coretemperature tcore t",
        "blood temperature": "tblood bloodtemperature",
    },
    units=units.TEMPERATURES,
)
MAP: Final = Sign(
    name="map",
    field="map",
    data_set="map",
    reference="MAP",
    title="Mean arterial pressure",
    optional=True,
    unit="mm[Hg]",
    loinc="8478-0",
    limits=Range(0, 360),
    decimals=0,
    example=93,
    columns={
        "arterial line": "abpmean abpm artmbp artmap artmean systemicmean ibpmean mbpart arterialmap arterialbpmean "
        "arterialbloodpressuremean",
        "pressure": "map mbp meanbp bpmean meanarterialpressure meanbloodpressure mean",
        "cuff": "nbpmean nbpm nibpmean nibpmbp nibpmap nibpm mbpni nimbp noninvasivemean noninvasivebpmean "
        "noninvasivebloodpressuremean",
    },
    units=units.PRESSURES,
)

# Order of everything that derives from the catalogue. Rows and statements rely on the optional ones being last.
SIGNS: Final = (PULSE, RESP_RATE, SYSTOLIC, DIASTOLIC, SPO2, TEMPERATURE, MAP)

BY_NAME: Final[Mapping[str, Sign]] = {each.name: each for each in SIGNS}

# Halves of a pressure, written as one text: `120/80`.
HALVES: Final = (SYSTOLIC, DIASTOLIC)

# Signs measured together, by a cuff or an arterial line.
PRESSURES: Final = (*HALVES, MAP)

# Order of the columns in data sets: the catalogue's, but with the pressures beside each other.
IN_DATA_SETS: Final = tuple(sorted(SIGNS, key=lambda each: SIGNS.index(SYSTOLIC if each in PRESSURES else each)))

# Signs with a numeric field of their own.
NUMBERS: Final = tuple(each for each in SIGNS if each not in HALVES)


class VitalSigns(NamedTuple):
    """Vital signs of one patient at one time, in the order and units of SIGNS. None if not measured."""

    pulse: float | None = None
    resp_rate: float | None = None
    systolic: float | None = None
    diastolic: float | None = None
    spo2: float | None = None
    temperature: float | None = None
    map: float | None = None
