"""Messages that the topic may carry and the sink must survive, each with the reason why it is refused."""

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
    """The whole message with changes; None takes a field out."""
    fields = {name: each for name, each in {**WHOLE, **changes}.items() if each is not None}
    return json.dumps(fields, ensure_ascii=False).encode()


def raw(name: str, text: str) -> bytes:
    """The whole message with one field's value as raw JSON text."""
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
    "negative": raw("pulse", "-1"),
    "2^64": raw("pulse", str(2**64)),
    "pulse beyond any monitor": raw("pulse", "351"),
    "spo2 over 100": raw("spo2", "100.5"),
    "temperature of a fridge": raw("temperature", "4"),
    "no patient": value(patient_uuid=None),
    "no timestamp": value(timestamp=None),
    "bp with a line feed": value(bp="120/80\n"),
    "bp in full-width digits": value(bp="\uff11\uff12\uff10/80"),
    "bp in arabic digits": value(bp="١٢٠/٨٠"),
    "bp upside down": value(bp="80/120"),
    "bp beyond any monitor": value(bp="999/999"),
    "bp of three parts": value(bp="120/80/1"),
    "bp with three decimals": value(bp="120.125/80"),
    "bp as a number": raw("bp", "120"),
    "naive timestamp": value(timestamp="2026-01-31T12:00:00"),
    "30 February": value(timestamp="2026-02-30T12:00:00Z"),
    "1969": value(timestamp="1969-12-31T23:59:59Z"),
    "2100": value(timestamp="2100-01-01T00:00:00Z"),
    "year 1, east": value(timestamp="0001-01-01T00:00:00+14:00"),
    "year 9999, west": value(timestamp="9999-12-31T23:59:59-14:00"),
    "epoch beyond 2099": raw("timestamp", str(2**63)),
    "negative epoch": raw("timestamp", "-1"),
    "fractional epoch": raw("timestamp", "1700000000.5"),
    "nil uuid": value(patient_uuid="00000000-0000-0000-0000-000000000000"),
    "uuid in braces": value(patient_uuid=f"{{{ANNA}}}"),
    "path for a uuid": value(patient_uuid="../../etc/passwd"),
    "name with NUL": value(patient_name="Anna\x00"),
    "name with a line feed": value(patient_name="Anna\n[INFO] all is well"),
    "name with an override": value(patient_name="\u202eannA"),
    "name with escape": value(patient_name="\x1b[2J"),
    "name of 64 KB": value(patient_name="A" * 65_536),
    "name of zero width": value(patient_name="\u200b\u200d"),
    "name of spaces": value(patient_name="   "),
    "empty name": value(patient_name=""),
    "map beyond any monitor": raw("map", "360.5"),
    "negative map": raw("map", "-1"),
    "map as text": raw("map", '"93"'),
    "map as a boolean": raw("map", "true"),
    "map of 1e999": raw("map", "1e999"),
    "pressure measured later": value(bp_measured_at="2026-01-31T12:00:00.000001Z"),
    "pressure measured later, in a zone": value(bp_measured_at="2026-01-31T15:00:01+03:00"),
    "pressure measured at a naive time": value(bp_measured_at="2026-01-31T11:55:00"),
    "pressure measured in 1969": value(bp_measured_at="1969-12-31T23:59:59Z"),
    "pressure measured in year 1, east": value(bp_measured_at="0001-01-01T00:00:00+14:00"),
    "pressure measured on 30 February": value(bp_measured_at="2026-02-30T12:00:00Z"),
    "pressure measured at an epoch": raw("bp_measured_at", "1769860800"),
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
    "flag of 64 KB": value(quality={"pulse": "a" * 65_536}),
    "interval of nothing": raw("interval", "0"),
    "a later schema": raw("schema_version", "2"),
}
