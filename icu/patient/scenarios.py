"""Scenarios: what may befall a simulated patient, written as data in config/scenarios."""

import tomllib
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from icu.errors import ConfigurationError

Duration: TypeAlias = Annotated[float, Meta(ge=0, le=86_400)]


class Effect(Struct, frozen=True, forbid_unknown_fields=True):
    """What is added to each sign while the scenario is at its height, at a severity of 1."""

    pulse: Annotated[float, Meta(ge=-150, le=150)] = 0
    """/min."""
    resp_rate: Annotated[float, Meta(ge=-40, le=40)] = 0
    """/min."""
    systolic: Annotated[float, Meta(ge=-150, le=150)] = 0
    """mm[Hg]."""
    diastolic: Annotated[float, Meta(ge=-100, le=100)] = 0
    """mm[Hg]."""
    spo2: Annotated[float, Meta(ge=-60, le=0)] = 0
    """%."""
    temperature: Annotated[float, Meta(ge=-10, le=6)] = 0
    """Cel."""


class Scenario(Struct, frozen=True, forbid_unknown_fields=True):
    """A change of the vital signs that comes, stays and goes. Durations in seconds."""

    title: Annotated[str, Meta(min_length=1, max_length=80)]
    onset: Duration
    """Until it is at its height."""
    plateau: Duration
    """How long it stays there."""
    recovery: Duration
    """Until it is over."""
    effect: Effect

    @property
    def duration(self) -> float:
        """Seconds from its beginning to its end."""
        return self.onset + self.plateau + self.recovery

    def intensity(self, elapsed: float) -> float:
        """How much of the effect there is `elapsed` seconds after the beginning: 0 to 1, without jumps."""
        if elapsed < self.onset:
            return _smooth(elapsed / self.onset)
        remaining = self.duration - elapsed
        if remaining < self.recovery:
            return _smooth(max(0.0, remaining / self.recovery))
        return 1.0


def load_scenarios(folder: Path) -> tuple[Scenario, ...]:
    """Every scenario of the folder, by file name. ConfigurationError names the file that is wrong."""
    return tuple(_load(path) for path in sorted(folder.glob("*.toml")))


def _load(path: Path) -> Scenario:
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), Scenario)
    except (OSError, ValueError) as exc:  # TOML's, UTF-8's and msgspec's errors are ValueErrors
        raise ConfigurationError(f"{path}: {exc}") from exc


def _smooth(share: float) -> float:
    """0 to 1 without a corner at either end."""
    return share * share * (3 - 2 * share)
