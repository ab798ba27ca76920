"""Settings from one process to another."""

import math
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from msgspec.structs import asdict, replace

from icu.config.handover import pack, unpack
from icu.config.load import load
from icu.config.settings import Kafka, MonitorChild, PatientChild, Secret, Settings, SinkChild

PATIENT = PatientChild(
    id="icu-1",
    name="Иван\nПетров",
    uuid=UUID("6f1c2e1e-5d5b-4c5b-9d55-0d1f3b0e6a11"),
    patients=3,
    process=True,
    seed=2**70,
    speed=math.inf,
    start=datetime(2026, 1, 31, 12, tzinfo=UTC),
)


@pytest.mark.parametrize(
    "settings",
    [
        load(None, {}),
        Settings(child=(PATIENT, SinkChild(id="sink", port=8001), MonitorChild(id="api", critical=True))),
        Settings(child=(replace(PATIENT, recording=Path("/a/b.csv"), step=0.5),)),
    ],
    ids=["built-in", "children", "a recording"],
)
def test_settings_arrive_unchanged(settings: Settings) -> None:
    """All settings arrive unchanged, in one line."""
    line = pack(settings)
    assert "\n" not in line
    assert unpack(line) == settings


def test_passwords_too() -> None:
    """Passwords are passed on: the process connects to the broker as its parent does."""
    sent = Kafka(sasl_password=Secret("hunter2"), ssl_ca_file=Path("/ca.pem"))
    came = unpack(pack(Settings(kafka=sent))).kafka
    assert came.sasl_password is not None
    assert came.sasl_password.reveal() == "hunter2"
    assert asdict(came) | {"sasl_password": sent.sasl_password} == asdict(sent)


@pytest.mark.parametrize("line", ["", "\n", "{", "[]", '{"colour": 1}', '{"metrics_interval": -1}'])
def test_anything_else_is_refused(line: str) -> None:
    """Any other line is refused."""
    with pytest.raises(ValueError):  # noqa: PT011 - json says what it likes
        unpack(line)
