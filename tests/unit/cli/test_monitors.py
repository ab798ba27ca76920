"""Vital signs on terminals of the usual width and of a narrow one."""

import io
from datetime import timedelta

import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from rich.console import Console

from icu.bootstrap.bedsides import Bedside
from icu.cli.monitors import format_seconds, monitors
from icu.messages import Observation, Quality, uuid_of_name
from tests.samples import START

READING = Observation(
    patient_uuid=uuid_of_name("Anna"), timestamp=START, pulse=72, resp_rate=16, bp="120/80", spo2=98, temperature=36.6
)


def text(*bedsides: Bedside, width: int = 80) -> list[str]:
    """Render the rows for a terminal of this width."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as capture:
        console.print(monitors(bedsides, width))
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize("width", [80, 44])
def test_the_signs_with_their_units(width: int) -> None:
    """All five signs are printed with their units, and with the age of the reading."""
    shown = " ".join(text(Bedside("bed-1", "Anna", READING, 3.4), width=width)).replace("\N{NO-BREAK SPACE}", " ")
    for words in ("HR", "/min", "SpO2", "%", "BP", "mm[Hg]", "RR", "Cel", "bed-1", "Anna", "72", "98", "120/80", "16"):
        assert words in shown
    assert "36.6" in shown
    assert "3 s" in shown


@pytest.mark.parametrize("width", [80, 44])
def test_a_sign_without_a_value(width: int) -> None:
    """An absent sign is printed as absent, and so are all signs before the first reading."""
    for sign, value in {"pulse": "72", "spo2": "98", "bp": "120/80", "resp_rate": "16", "temperature": "36.6"}.items():
        shown = "\n".join(text(Bedside("a", "b", replace(READING, **{sign: None}), 0), width=width))
        assert value not in shown
        assert shown.replace("\N{NO-BREAK SPACE}", " ").count("- -") == 1
    shown = "\n".join(text(Bedside("a", "b", None, 100), width=width))
    assert shown.replace("\N{NO-BREAK SPACE}", " ").count("- -") == 6
    assert "100" not in shown


@pytest.mark.parametrize("width", [80, 44])
def test_zero_is_a_value(width: int) -> None:
    """A 0, as in asystole and apnoea, is printed as a value."""
    shown = "\n".join(text(Bedside("a", "b", replace(READING, pulse=0, resp_rate=0), 3), width=width))
    assert "- -" not in shown.replace("\N{NO-BREAK SPACE}", " ")


def test_a_value_stays_beside_its_name() -> None:
    """Lines break only between signs, at any width."""
    for name in ("HR", "SpO2", "BP", "RR", "T"):
        for width in range(44, 60):
            reading = replace(READING, bp_measured_at=START - timedelta(minutes=14))
            shown = text(Bedside("a", "b", reading, 3), width=width)
            assert not any(line.endswith((f" {name}", "120/80")) for line in shown[1:])


def test_what_is_doubtful_and_what_is_older() -> None:
    """A doubtful value has a question mark, and a cuff's pressure has its greater age."""
    reading = replace(READING, quality=Quality(spo2="motion"), bp_measured_at=START - timedelta(minutes=4))
    [row] = text(Bedside("bed-1", "Anna", reading, 0))[2:]
    assert "98?" in row
    assert "72?" not in row
    assert "120/80 (4 min)" in row


@pytest.mark.parametrize("width", [80, 44])
def test_long_and_wide_names_are_whole(width: int) -> None:
    """Long names are broken into lines, not cut, and every line fits."""
    name = "長い名前の患者さん山田太郎左衛門尉" * 2
    reading = replace(READING, bp_measured_at=START - timedelta(minutes=14))
    shown = text(Bedside("icu-1000", name, reading, 0), width=width)
    assert max(map(cell_len, shown)) <= width
    assert all(letter in "".join(shown) for letter in name)
    assert "120/80 (14 min)" in "".join(shown).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min"), (3_599, "59 min"), (3_600, "1 h"), (90_000, "25 h")],
)
def test_spans(seconds: float, shown: str) -> None:
    """A span of time is printed in its largest unit."""
    assert format_seconds(seconds) == shown
