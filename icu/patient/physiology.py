"""A simulated patient: signs that wander about a baseline of their own, drag each other along, and sometimes go wrong.

Baselines and slow wandering have the spread and the pace of 20,336 adult ICU stays: PhysioNet/CinC Challenge 2019,
training set A, hourly (Reyna et al., Critical Care Medicine 48(2), 2020). The fast part is a monitor's from minute to
minute. It is plausible, and made for software: nothing clinical can be concluded from it.
"""

import math
from collections.abc import Sequence
from random import Random
from typing import Final, NamedTuple

from icu.patient.scenarios import Effect, Scenario
from icu.vitals.signs import VitalSigns

HEALTHY_SPELL: Final = 600.0
"""Seconds between two scenarios, on average: in a ward of 8 beds something happens every minute or so."""

MILDEST, WORST = 0.6, 1.3
"""Severity of a scenario, drawn evenly."""

FAST: Final = 60.0
"""Seconds in which the fast part forgets itself."""


class _Character(NamedTuple):
    """How one sign behaves: the median and spread of the baselines, then the slow and the fast wandering (SD)."""

    baseline: float
    spread: float
    slow: float
    pace: float
    """Seconds in which the slow part forgets itself: -1 h / ln(autocorrelation at 1 h)."""
    fast: float


# Medians, SD between and within patients and autocorrelation of the data set named above.
_PULSE: Final = _Character(84, 14, 7.7, 9_200, 1.5)
_RESP_RATE: Final = _Character(18, 3.6, 3.0, 3_800, 1.2)
_SYSTOLIC: Final = _Character(118.5, 16, 11, 4_600, 2.0)
_PULSE_PRESSURE: Final = _Character(60, 9, 5, 4_300, 1.0)
_DESATURATION: Final = _Character(2.5, 1.0, 0.9, 4_000, 0.3)
_TEMPERATURE: Final = _Character(37.06, 0.53, 0.4, 23_300, 0.02)

# A fever drives the heart by 8 to 10 beats a degree (Liebermeister's rule), breathing by 2 to 3.
_BEATS_PER_DEGREE: Final = 8.0
_BREATHS_PER_DEGREE: Final = 2.0
_PRESSURE_PER_BEAT: Final = 0.4
"""mm[Hg] of systolic pressure for each beat that the pulse wanders off: both follow the same stress."""

_NO_EFFECT: Final = Effect()


class _Wanderer:
    """One sign: a baseline, and two Ornstein-Uhlenbeck processes around it, exact for any step."""

    def __init__(self, character: _Character, random: Random) -> None:
        self._character = character
        self._random = random
        self.baseline = character.baseline + character.spread * _within(random.gauss(0, 1), 2.5)
        self._slow = character.slow * random.gauss(0, 1)
        self._fast = character.fast * random.gauss(0, 1)

    @property
    def deviation(self) -> float:
        """How far it is from its baseline now."""
        return self._slow + self._fast

    def step(self, seconds: float) -> None:
        character = self._character
        self._slow = self._moved(self._slow, character.slow, seconds / character.pace)
        self._fast = self._moved(self._fast, character.fast, seconds / FAST)

    def _moved(self, value: float, spread: float, time: float) -> float:
        kept = math.exp(-time)
        return value * kept + spread * math.sqrt(1 - kept * kept) * self._random.gauss(0, 1)


class Physiology:
    """One patient's body. The same seed and the same steps give the same signs; None is another seed each time."""

    def __init__(self, seed: int | str | None, scenarios: Sequence[Scenario] = ()) -> None:
        self._random = Random(seed)  # noqa: S311 - a simulation, not a secret
        self._scenarios = scenarios
        self._pulse = _Wanderer(_PULSE, self._random)
        self._resp_rate = _Wanderer(_RESP_RATE, self._random)
        self._systolic = _Wanderer(_SYSTOLIC, self._random)
        self._pulse_pressure = _Wanderer(_PULSE_PRESSURE, self._random)
        self._desaturation = _Wanderer(_DESATURATION, self._random)
        self._temperature = _Wanderer(_TEMPERATURE, self._random)
        self._wanderers = (
            self._pulse,
            self._resp_rate,
            self._systolic,
            self._pulse_pressure,
            self._desaturation,
            self._temperature,
        )
        self._scenario: Scenario | None = None
        self._severity = 0.0
        self._elapsed = 0.0
        self._until_next = self._random.expovariate(1 / HEALTHY_SPELL)

    def step(self, seconds: float) -> VitalSigns:
        """Let time pass; the signs after it, as a monitor shows them: whole numbers, tenths of a degree."""
        for each in self._wanderers:
            each.step(seconds)
        self._pass_time(seconds)
        return self._shown(self._share(), self._scenario.effect if self._scenario else _NO_EFFECT)

    def _pass_time(self, seconds: float) -> None:
        self._elapsed += seconds
        self._until_next -= seconds
        if self._scenario and self._elapsed >= self._scenario.duration:
            self._scenario = None
            self._until_next = self._random.expovariate(1 / HEALTHY_SPELL)
        if not self._scenario and self._until_next <= 0 and self._scenarios:
            self._scenario = self._random.choice(self._scenarios)
            self._severity = self._random.uniform(MILDEST, WORST)
            self._elapsed = 0.0

    def _share(self) -> float:
        return self._severity * self._scenario.intensity(self._elapsed) if self._scenario else 0.0

    def _shown(self, share: float, effect: Effect) -> VitalSigns:
        warmth = self._temperature.deviation
        agitation = self._pulse.deviation
        pulse = self._pulse.baseline + agitation + _BEATS_PER_DEGREE * warmth + share * effect.pulse
        resp_rate = self._resp_rate.baseline + self._resp_rate.deviation + _BREATHS_PER_DEGREE * warmth
        systolic = self._systolic.baseline + self._systolic.deviation + _PRESSURE_PER_BEAT * agitation
        # A low pressure is a narrow one: the width goes with the height.
        share_of_usual = systolic / _SYSTOLIC.baseline
        width = max(15.0, (self._pulse_pressure.baseline + self._pulse_pressure.deviation) * share_of_usual)
        diastolic = systolic - width + share * effect.diastolic
        systolic = max(systolic + share * effect.systolic, diastolic + 10)
        missing = max(0.0, self._desaturation.baseline + self._desaturation.deviation) - share * effect.spo2
        return VitalSigns(
            pulse=round(_between(pulse, 20, 230)),
            resp_rate=round(_between(resp_rate + share * effect.resp_rate, 4, 60)),
            systolic=round(_between(systolic, 40, 260)),
            diastolic=round(_between(diastolic, 20, 160)),
            spo2=round(_between(100 - missing, 50, 100)),
            temperature=round(_between(self._temperature.baseline + warmth + share * effect.temperature, 33, 42), 1),
        )


def _between(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))


def _within(value: float, bound: float) -> float:
    return _between(value, -bound, bound)
