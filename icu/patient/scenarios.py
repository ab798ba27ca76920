"""Scenarios of simulated patients, written as data in config/scenarios.

A scenario is a sequence of phases. Each names the targets of signs (`to`: this value; `by`: so much more or less than
the patient's own) and the time until they are reached; signs that the next phase does not name return to the patient's
own.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta, Struct

from icu.bounds import read_small
from icu.config.errors import ConfigurationError

# Bytes of the largest file that is read.
_MOST_BYTES: Final = 1_000_000

# Seconds; a week at most.
Duration: TypeAlias = Annotated[float, Meta(ge=1, le=604_800)]

# Share of the way to the targets.
Severity: TypeAlias = Annotated[float, Meta(gt=0, le=1.5)]


class Values(Struct, frozen=True, forbid_unknown_fields=True):
    """Target values of a phase."""

    # /min.
    pulse: Annotated[float, Meta(ge=0, le=250)] | None = None
    # /min.
    resp_rate: Annotated[float, Meta(ge=0, le=80)] | None = None
    # Mean arterial pressure, mm[Hg].
    map: Annotated[float, Meta(ge=0, le=200)] | None = None
    # Systolic less diastolic, mm[Hg].
    pulse_pressure: Annotated[float, Meta(ge=0, le=150)] | None = None
    # %.
    spo2: Annotated[float, Meta(ge=0, le=100)] | None = None
    # Cel.
    temperature: Annotated[float, Meta(ge=25, le=43)] | None = None


class Differences(Struct, frozen=True, forbid_unknown_fields=True):
    """Changes of signs by a phase, relative to the patient's own. Units as in Values."""

    pulse: Annotated[float, Meta(ge=-150, le=150)] | None = None
    resp_rate: Annotated[float, Meta(ge=-50, le=50)] | None = None
    map: Annotated[float, Meta(ge=-100, le=100)] | None = None
    pulse_pressure: Annotated[float, Meta(ge=-80, le=80)] | None = None
    spo2: Annotated[float, Meta(ge=-60, le=20)] | None = None
    temperature: Annotated[float, Meta(ge=-8, le=5)] | None = None


class Phase(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a scenario. Durations are seconds."""

    name: Annotated[str, Meta(min_length=1, max_length=40)]
    # Time until the targets are reached.
    within: Duration
    # Time at the targets; inf for ever.
    lasting: Annotated[float, Meta(ge=0)] = 0.0
    to: Values = Values()
    by: Differences = Differences()


class Scenario(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A course of the vital signs."""

    # Name of its file.
    id: str
    title: Annotated[str, Meta(min_length=1, max_length=80)]
    note: str = ""
    # How often it begins by chance, for each patient.
    per_day: Annotated[float, Meta(ge=0, le=1_000)] = 0.0
    # Range from which the severity of each episode is drawn.
    severity: tuple[Severity, Severity] = (1.0, 1.0)
    phase: Annotated[tuple[Phase, ...], Meta(min_length=1)]

    def __post_init__(self) -> None:
        if self.severity[0] > self.severity[1]:
            raise ValueError("severity is the least and the most, in this order")


def load_scenarios(folder: Path) -> dict[str, Scenario]:
    """Load all scenarios of a folder, by the names of their files.

    Raises:
        ConfigurationError: A file is wrong; the message names it.
    """
    return {path.stem: _load(path) for path in sorted(folder.glob("*.toml"))}


def _load(path: Path) -> Scenario:
    try:
        return msgspec.convert(
            {**tomllib.loads(read_small(path, most=_MOST_BYTES).decode("utf-8")), "id": path.stem}, Scenario
        )
    except (OSError, ValueError) as exc:  # TOML's, UTF-8's and msgspec's errors are ValueErrors
        raise ConfigurationError(f"{path}: {exc}") from exc
