"""Headers of columns: names and units as people write them."""

from typing import Any

import pytest

from icu.vitals import names
from icu.vitals.headers import UnknownUnitError, looks_like_identity, looks_like_time, sign_of, time_of

SIGNS = {
    "HR": ("pulse", 70, 70),
    "Heart Rate (bpm)": ("pulse", 70, 70),
    "heartRate": ("pulse", 70, 70),
    "HR/min": ("pulse", 70, 70),
    "Heart rate, bpm": ("pulse", 70, 70),
    "Resp (breaths/min)": ("resp_rate", 12, 12),
    "SpO2 (%)": ("spo2", 97, 97),
    "%SpO2": ("spo2", 97, 97),
    "SpO2 (fraction)": ("spo2", 0.97, 97),
    "Oxygen Saturation [percent]": ("spo2", 97, 97),
    "Temperature (F)": ("temperature", 98.6, 37),
    "Temp °F": ("temperature", 98.6, 37),
    "TempF": ("temperature", 98.6, 37),
    "temp_f": ("temperature", 98.6, 37),
    "tempc": ("temperature", 37, 37),
    "Body Temperature (ºC)": ("temperature", 37, 37),
    "temperature_celsius": ("temperature", 37, 37),
    "Temp [K]": ("temperature", 310.15, 37),
    "Systolic Blood Pressure (mm Hg)": ("systolic", 120, 120),
    "SBP [kPa]": ("systolic", 16, 120.01),
    "BP (sys/dia)": ("bp", 1, 1),
    "systemicDiastolic": ("diastolic", 80, 80),
    "nonInvasiveMean": ("map", 80, 80),
    "mbp_ni": ("map", 80, 80),
    "Solar8000/ART_SBP": ("systolic", 120, 120),
    "Solar8000/PLETH_SPO2": ("spo2", 97, 97),
}


@pytest.mark.parametrize(("header", "wanted"), SIGNS.items(), ids=SIGNS)
def test_a_sign_and_its_unit(header: str, wanted: tuple[str, float, float]) -> None:
    """Values are converted to the unit of the catalogue."""
    found = sign_of(header)
    assert found is not None
    sign, _, conversion = found
    assert (sign, round(wanted[1] * conversion.factor + conversion.offset, 2)) == (wanted[0], wanted[2])


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Age",
        "hr_min",
        "hr_max",
        "heart_rate_mean",
        "HRV",
        "temperature_site",
        "FiO2",
        "Derived_MAP",
        "ABP",
        "tempo",
    ],
)
def test_no_sign(header: str) -> None:
    """The minimum of a window is no unit of minutes, and a word that begins like a sign is no sign."""
    assert sign_of(header) is None


@pytest.mark.parametrize("header", ["HR (Hz)", "Temp (R)", "SBP [cmH2O]", "SpO2 (mmHg)"])
def test_a_unit_that_is_not_known(header: str) -> None:
    """An unknown unit is never ignored."""
    with pytest.raises(UnknownUnitError, match="is not known: write"):
        sign_of(header)


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("Time [s]", ("time", 1.0)),
        ("time_ms", ("time", 1e-3)),
        ("observationOffset", ("observationoffset", 60.0)),
        ("unixTimestampInMs", ("unixtimestampinms", 1e-3)),
        ("ICULOS", ("iculos", 3_600.0)),
        ("Timestamp (UTC)", ("timestamp", None)),
        ("recorded_dttm", ("recordeddttm", None)),
        ("HospAdmTime", None),
        ("storetime", None),
    ],
)
def test_columns_of_times(header: str, wanted: Any) -> None:
    """Columns of times state the seconds in one unit, if the header names it."""
    assert time_of(header) == wanted


def test_what_only_looks_like_time() -> None:
    """Unknown names that resemble times are noticed, so that the step does not replace them."""
    assert all(map(looks_like_time, ("storetime", "observed_at", "measuredAt", "NoteDate", "event_dttm", "offset2")))
    assert not any(map(looks_like_time, ("Platelets", "heat", "sat", "Age", "ward")))


def test_what_only_looks_like_an_identity() -> None:
    """Unknown names that may identify patients are noticed."""
    assert all(map(looks_like_identity, ("device_id", "rowId", "Sensor ID", "app.user", "a_uuid")))
    assert not any(map(looks_like_identity, ("LacticAcid", "fluid", "covid", "Steroid", "Rhythm")))


def test_every_name_is_written_as_it_is_looked_for() -> None:
    """Names are lower-case letters and digits, and have one meaning each, but for `t`."""
    signs = [each for source in names.SOURCES for name in source.names.values() for each in names.words(name)]
    times = [*names.TIMES, *names.COUNTS, *names.DATES]
    patients = [*names.STAYS, *names.PEOPLE, *names.BEDS]
    known = [*signs, *times, *patients]
    assert all(each.isalnum() and each == each.lower() for each in [*known, *names.LONG, *names.SPREADS])
    assert {each for each in known if known.count(each) > 1} == {"t"}
