"""Hostile messages, which the sink must survive, each with the reason for its refusal."""

import json
from typing import Any

from tests.samples import ANNA

WHOLE: dict[str, Any] = {
    "patient_uuid": str(ANNA),
    "timestamp": "2026-01-31T12:00:00Z",
    "patient_name": "Anna",
    "pulse": 72,
    "resp_rate": 16,
    "bp": "120/80",
    "spo2": 98,
    "temperature": 36.6,
}


def value(**changes: Any) -> bytes:
    """Make a complete message with changes; None removes a field."""
    fields = {name: each for name, each in {**WHOLE, **changes}.items() if each is not None}
    return json.dumps(fields, ensure_ascii=False).encode()


def raw(name: str, text: str) -> bytes:
    """Make a complete message with one field's value as raw JSON text."""
    return value(**{name: "@"}).replace(b'"@"', text.encode())


MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "truncated": value()[:-5],
    "trailing bytes": value() + b"x",
    "two objects": value() + value(),
    "byte order mark": b"\xef\xbb\xbf" + value(),
    "utf-16": value().decode().encode("utf-16"),
    "bad utf-8": value().replace(b"Anna", b"An\xffna"),
    "100k brackets in an ignored field": value()[:-1] + b',"x":' + b"[" * 100_000,
    "deep nesting in an ignored field": value()[:-1] + b',"x":' + b'{"a":' * 3_000 + b"1" + b"}" * 3_001,
    "nesting of 1,001 in an ignored field": value()[:-1] + b',"x":' + b"[" * 1_001 + b"]" * 1_001 + b"}",
    "nesting beside an epoch": raw("timestamp", "1769860800")[:-1] + b',"x":' + b"[" * 512 + b"]" * 512 + b"}",
    "bad utf-8 in an ignored field": value()[:-1] + b',"x":"\xff"}',
    "bad utf-8 in an ignored name": value()[:-1] + b',"\xff":1}',
    "NaN": raw("pulse", "NaN"),
    "Infinity": raw("pulse", "Infinity"),
    "msgpack": b"\x82\xa5pulse\x48\xa2bp\xa6120/80",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    "lone surrogate": raw("patient_name", '"\\ud800"'),
}

INVALID: dict[str, bytes] = {
    "null": b"null",
    "array": b"[]",
    "100k brackets": b"[" * 100_000,
    "text": b'"hello"',
    "1e999": raw("pulse", "1e999"),
    "boolean": raw("pulse", "true"),
    "text for a number": raw("pulse", '"72"'),
    "2^64": raw("pulse", str(2**64)),
    "-2^64": raw("pulse", str(-(2**64))),
    "2^64 beside an impossible value": value(pulse=2**64, spo2=101),
    "text beside an impossible value": value(pulse="72", spo2=101),
    "text for an interval": raw("interval", '"5"'),
    "no patient": value(patient_uuid=None),
    "no timestamp": value(timestamp=None),
    "bp with a line feed": value(bp="120/80\n"),
    "bp in full-width digits": value(bp="\uff11\uff12\uff10/80"),
    "bp in arabic digits": value(bp="١٢٠/٨٠"),
    "bp of three parts": value(bp="120/80/1"),
    "bp with three decimals": value(bp="120.125/80"),
    "bp with an exponent": value(bp="1e2/80"),
    "bp with a sign": value(bp="+120/80"),
    "bp with zeros in front": value(bp="0120/80"),
    "bp of 21 digits": value(bp="9" * 21 + "/80"),
    "bp as a number": raw("bp", "120"),
    "naive timestamp": value(timestamp="2026-01-31T12:00:00"),
    "30 February": value(timestamp="2026-02-30T12:00:00Z"),
    "1969": value(timestamp="1969-12-31T23:59:59Z"),
    "2100": value(timestamp="2100-01-01T00:00:00Z"),
    "year 1, east": value(timestamp="0001-01-01T00:00:00+14:00"),
    "year 9999, west": value(timestamp="9999-12-31T23:59:59-14:00"),
    "epoch beyond 2099": raw("timestamp", str(2**63)),
    "negative epoch": raw("timestamp", "-1"),
    "negative fractional epoch": raw("timestamp", "-0.5"),
    "epoch in nanoseconds": raw("timestamp", "1769860800000000000"),
    "the end of 2099, rounded": raw("timestamp", "4102444799.9999995"),
    "epoch as text": value(timestamp="1769860800"),
    "boolean for a timestamp": raw("timestamp", "true"),
    "nil uuid": value(patient_uuid="00000000-0000-0000-0000-000000000000"),
    "uuid in braces": value(patient_uuid=f"{{{ANNA}}}"),
    "path for a uuid": value(patient_uuid="../../etc/passwd"),
    "name with NUL": value(patient_name="Anna\x00"),
    "name with a line feed": value(patient_name="Anna\n[INFO] all is well"),
    "name with an override": value(patient_name="\u202eannA"),
    "name with escape": value(patient_name="\x1b[2J"),
    "name of 64 KB": value(patient_name="A" * 65_536),
    "name of zero width": value(patient_name="\u200b\u200d"),
    "map as text": raw("map", '"93"'),
    "map as a boolean": raw("map", "true"),
    "map of 1e999": raw("map", "1e999"),
    "pressure measured at a naive time": value(bp_measured_at="2026-01-31T11:55:00"),
    "pressure measured on 30 February": value(bp_measured_at="2026-02-30T12:00:00Z"),
    "pressure measured at an epoch as text": value(bp_measured_at="1769860800"),
    "quality as text": value(quality="motion"),
    "quality as an array": value(quality=["motion"]),
    "quality of a number": value(quality={"pulse": 1}),
    "quality of an object": value(quality={"pulse": {"flag": "motion"}}),
    "empty flag": value(quality={"pulse": ""}),
    "flag in capitals": value(quality={"pulse": "Motion"}),
    "flag of two words": value(quality={"pulse": "motion artefact"}),
    "flag with a dash in front": value(quality={"pulse": "-motion"}),
    "flag with a line feed": value(quality={"pulse": "motion\n"}),
    "flag with NUL": value(quality={"pulse": "motion\x00"}),
    "flag in Cyrillic": value(quality={"pulse": "шум"}),
    "flag of 33 letters": value(quality={"pulse": "a" * 33}),
    "flag of the mean in capitals": value(quality={"map": "Motion"}),
    "flag of 64 KB": value(quality={"pulse": "a" * 65_536}),
    "a later schema": raw("schema_version", "2"),
}

# Changes that leave none of the signs.
ALONE = {"pulse": None, "resp_rate": None, "bp": None, "spo2": None, "temperature": None}

# Impossible values: each record, what it is stored with in their place, and the fields as they came.
IMPLAUSIBLE: dict[str, tuple[bytes, dict[str, Any], dict[str, str]]] = {
    "negative pulse": (raw("pulse", "-1"), {"pulse": None}, {"pulse": "-1"}),
    "pulse beyond any monitor": (raw("pulse", "350.5"), {"pulse": None}, {"pulse": "350.5"}),
    "pulse of 1e300": (raw("pulse", "1e300"), {"pulse": None}, {"pulse": "1e+300"}),
    "pulse of 63 bits": (raw("pulse", str(2**63 - 1)), {"pulse": None}, {"pulse": str(2**63 - 1)}),
    "negative breaths": (raw("resp_rate", "-0.5"), {"resp_rate": None}, {"resp_rate": "-0.5"}),
    "201 breaths": (raw("resp_rate", "201"), {"resp_rate": None}, {"resp_rate": "201"}),
    "spo2 of 101": (raw("spo2", "101"), {"spo2": None}, {"spo2": "101"}),
    "spo2 over 100": (raw("spo2", "100.5"), {"spo2": None}, {"spo2": "100.5"}),
    "negative spo2": (raw("spo2", "-1"), {"spo2": None}, {"spo2": "-1"}),
    "spo2 as a fraction": (raw("spo2", "0.97"), {"spo2": None}, {"spo2": "0.97"}),
    "the least fraction": (raw("spo2", "5e-324"), {"spo2": None}, {"spo2": "5e-324"}),
    "the largest fraction": (raw("spo2", "0.9999999"), {"spo2": None}, {"spo2": "0.9999999"}),
    "temperature of 0": (raw("temperature", "0"), {"temperature": None}, {"temperature": "0"}),
    "temperature of a fridge": (raw("temperature", "4.5"), {"temperature": None}, {"temperature": "4.5"}),
    "temperature in Fahrenheit": (raw("temperature", "98.6"), {"temperature": None}, {"temperature": "98.6"}),
    "bp upside down": (value(bp="80/120", map=93), {"bp": None, "map": 93}, {"bp": "80/120"}),
    "bp beyond any monitor": (value(bp="999/999"), {"bp": None}, {"bp": "999/999"}),
    "half beyond any monitor": (value(bp="400/80"), {"bp": "-/80"}, {"bp": "400/80"}),
    "half of four digits": (value(bp="1200/80"), {"bp": "-/80"}, {"bp": "1200/80"}),
    "other half beyond any monitor": (value(bp="120/999"), {"bp": "120/-"}, {"bp": "120/999"}),
    "negative half": (value(bp="120/-5"), {"bp": "120/-"}, {"bp": "120/-5"}),
    "negative half with decimals": (value(bp="-12.25/80.5"), {"bp": "-/80.5"}, {"bp": "-12.25/80.5"}),
    "impossible half beside an unknown one": (value(bp="-/361"), {"bp": None}, {"bp": "-/361"}),
    "map beyond any monitor": (value(map=360.5), {"map": None, "bp": "120/80"}, {"map": "360.5"}),
    "negative map": (value(map=-1), {"map": None, "bp": "120/80"}, {"map": "-1"}),
    "pressure measured later": (
        value(bp_measured_at="2026-01-31T12:00:00.000001Z", map=93),
        {"bp": None, "map": None, "bp_measured_at": None},
        {"bp": "120/80", "map": "93", "bp_measured_at": "2026-01-31 12:00:00.000001+00:00"},
    ),
    "pressure measured later, in a zone": (
        value(bp_measured_at="2026-01-31T15:00:01+03:00"),
        {"bp": None, "bp_measured_at": None},
        {"bp": "120/80", "bp_measured_at": "2026-01-31 15:00:01+03:00"},
    ),
    "pressure measured later, by an epoch": (
        value(bp_measured_at=1769860800.5),
        {"bp": None, "bp_measured_at": None},
        {"bp": "120/80", "bp_measured_at": "1769860800.5"},
    ),
    "pressure measured in 1969": (
        value(bp_measured_at="1969-12-31T23:59:59Z"),
        {"bp": None, "bp_measured_at": None},
        {"bp": "120/80", "bp_measured_at": "1969-12-31 23:59:59+00:00"},
    ),
    "pressure measured in year 1, east": (
        value(bp_measured_at="0001-01-01T00:00:00+14:00"),
        {"bp": None, "bp_measured_at": None},
        {"bp": "120/80", "bp_measured_at": "0001-01-01 00:00:00+14:00"},
    ),
    "half a pressure measured later": (
        value(bp="400/80", bp_measured_at=-1),
        {"bp": None, "bp_measured_at": None},
        {"bp": "400/80", "bp_measured_at": "-1"},
    ),
    "no pressure measured later": (
        value(bp=None, bp_measured_at=-1),
        {"bp_measured_at": None},
        {"bp_measured_at": "-1"},
    ),
    "interval of nothing": (value(interval=0), {"interval": None}, {"interval": "0"}),
    "negative interval": (value(interval=-5), {"interval": None}, {"interval": "-5"}),
    "interval of 1e9": (value(interval=1e9), {"interval": None}, {"interval": "1000000000.0"}),
    "interval of nothing beside no sign": (value(**ALONE, interval=0), {"interval": None}, {"interval": "0"}),
    "all but one": (
        value(pulse=-1, resp_rate=-1, bp="80/120", spo2=0.5),
        {"pulse": None, "resp_rate": None, "bp": None, "spo2": None},
        {"pulse": "-1", "resp_rate": "-1", "bp": "80/120", "spo2": "0.5"},
    ),
    "all but half": (
        value(**{**ALONE, "bp": "999/80", "pulse": -1}),
        {"bp": "-/80", "pulse": None},
        {"bp": "999/80", "pulse": "-1"},
    ),
    "beside an epoch": (value(timestamp=1769860800, spo2=101), {"spo2": None}, {"spo2": "101"}),
}

# Records that had values, and keep none.
NOTHING_LEFT: dict[str, bytes] = {
    "a fraction alone": value(**{**ALONE, "spo2": 0.97}),
    "a pressure upside down alone": value(**{**ALONE, "bp": "80/120"}),
    "an impossible half alone": value(**{**ALONE, "bp": "400/-"}),
    "an impossible mean alone": value(**ALONE, map=361),
    "an impossible value beside a pressure of dashes": value(**{**ALONE, "bp": "-/-", "pulse": -1}),
    "a pressure measured later alone": value(**{**ALONE, "bp": "120/80"}, map=93, bp_measured_at=1769860801),
    "all five": value(pulse=-1, resp_rate=201, bp="999/999", spo2=101, temperature=0),
}
