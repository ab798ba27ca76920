"""Scenarios: what may befall a simulated patient, written as data in config/scenarios.

A scenario is a row of phases. Each names where signs are heading (`to`: this value; `by`: so much more or less than the
patient's own) and within how long; what the next phase does not name goes back to the patient's own.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta, Struct

from icu.bounds import read_small
from icu.config.errors import ConfigurationError

_MOST_BYTES: Final = 1_000_000

Duration: TypeAlias = Annotated[float, Meta(ge=1, le=604_800)]
"""Seconds."""

Severity: TypeAlias = Annotated[float, Meta(gt=0, le=1.5)]


class Values(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a phase takes signs."""

    pulse: Annotated[float, Meta(ge=0, le=250)] | None = None
    """/min."""
    resp_rate: Annotated[float, Meta(ge=0, le=80)] | None = None
    """/min."""
    map: Annotated[float, Meta(ge=0, le=200)] | None = None
    """Mean arterial pressure, mm[Hg]."""
    pulse_pressure: Annotated[float, Meta(ge=0, le=150)] | None = None
    """Systolic less diastolic, mm[Hg]."""
    spo2: Annotated[float, Meta(ge=0, le=100)] | None = None
    """%."""
    temperature: Annotated[float, Meta(ge=25, le=43)] | None = None
    """Cel."""


class Differences(Struct, frozen=True, forbid_unknown_fields=True):
    """How much more, or less, of signs a phase makes. Units as in Values."""

    pulse: Annotated[float, Meta(ge=-150, le=150)] | None = None
    resp_rate: Annotated[float, Meta(ge=-50, le=50)] | None = None
    map: Annotated[float, Meta(ge=-100, le=100)] | None = None
    pulse_pressure: Annotated[float, Meta(ge=-80, le=80)] | None = None
    spo2: Annotated[float, Meta(ge=-60, le=20)] | None = None
    temperature: Annotated[float, Meta(ge=-8, le=5)] | None = None


class Phase(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a scenario. Durations in seconds."""

    name: Annotated[str, Meta(min_length=1, max_length=40)]
    within: Duration
    """Until the targets are reached."""
    lasting: Annotated[float, Meta(ge=0)] = 0.0
    """How long it stays there; inf for ever."""
    to: Values = Values()
    by: Differences = Differences()


class Scenario(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A course of the vital signs."""

    id: str
    """The name of its file."""
    title: Annotated[str, Meta(min_length=1, max_length=80)]
    note: str = ""
    per_day: Annotated[float, Meta(ge=0, le=1_000)] = 0.0
    """How often it befalls a patient by chance."""
    severity: tuple[Severity, Severity] = (1.0, 1.0)
    """What share of the way to its targets it goes: drawn between these."""
    phase: Annotated[tuple[Phase, ...], Meta(min_length=1)]

    def __post_init__(self) -> None:
        if self.severity[0] > self.severity[1]:
            raise ValueError("severity is the least and the most, in this order")


def load_scenarios(folder: Path) -> dict[str, Scenario]:
    """Every scenario of the folder, by the name of its file. ConfigurationError names the file that is wrong."""
    return {path.stem: _load(path) for path in sorted(folder.glob("*.toml"))}


def _load(path: Path) -> Scenario:
    try:
        return msgspec.convert(
            {**tomllib.loads(read_small(path, most=_MOST_BYTES).decode("utf-8")), "id": path.stem}, Scenario
        )
    except (OSError, ValueError) as exc:  # TOML's, UTF-8's and msgspec's errors are ValueErrors
        raise ConfigurationError(f"{path}: {exc}") from exc
