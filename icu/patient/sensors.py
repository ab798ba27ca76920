"""Sensors between a body and its monitor: noise, rounding, cuffs, and artefacts.

Pressure comes from a cuff every 10 minutes, and holds until the next, or from an arterial line, beat by beat. A cuff
measures the mean and estimates the other two, each with an error of its own, well within the SD of 8 mm[Hg] that
ISO 81060-2 allows. So its mean is seldom exactly a third of the way from diastolic to systolic.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray

from icu.patient.body.chance import Chance
from icu.patient.body.oxygen import saturation
from icu.patient.body.signs import MAP, OXYGEN, PULSE, PULSE_PRESSURE, RESP_RATE, TEMPERATURE, Floats
from icu.patient.body.thinning import threshold
from icu.vitals.catalogue import BY_NAME

# SD of the noise by sign, in its unit; that of pressures is a cuff's. Pressures are the last.
_NOISE_OF: Final = {
    "pulse": 0.6,
    "resp_rate": 0.7,
    "spo2": 0.15,
    "temperature": 0.03,
    "systolic": 4.6,
    "diastolic": 3.7,
    "map": 4.3,
}

# Signs in the order of `Shown.values`.
SHOWN: Final = tuple(_NOISE_OF)
_PULSE, _RESP_RATE, _SPO2, _TEMPERATURE, _SYSTOLIC, _DIASTOLIC, _MAP = range(len(SHOWN))
_PRESSURES: Final = slice(_SYSTOLIC, None)
_OTHERS: Final = slice(_SYSTOLIC)
_COUNTED: Final = slice(_PULSE, _RESP_RATE + 1)

# Seconds between two measurements of a cuff.
CUFF_EVERY: Final = 600.0
# Share of patients with an arterial line.
LINES: Final = 0.4

# Share of the pulse pressure that a damped line swallows. The mean stays.
DAMPING: Final = 0.45
# mm[Hg] of mean pressure below which neither an oximeter nor a cuff finds a pulse.
PULSELESS: Final = 36.0

# Form factor of the pressure wave, mean and SD among patients: share of the way from diastolic to systolic pressure at
# which the mean lies, while the pulse pressure is small beside the mean.
_FORM: Final = (0.345, 0.037)

# SD of the noise, sign x 1.
_NOISE: Final = np.array(list(_NOISE_OF.values()))[:, None]
# Noise of an arterial line, as a share of a cuff's.
_OF_LINE: Final = 0.4
# Limits of the signs, sign x 1: no monitor shows more or less.
_LOWEST: Final = np.array([[BY_NAME[each].limits.low] for each in SHOWN], float)
_HIGHEST: Final = np.array([[BY_NAME[each].limits.high] for each in SHOWN], float)
# /min. Below it the noise of counted beats and breaths shrinks in proportion, to none at 0.
_COUNTABLE: Final = 8.0
# Steps of the display in one unit of each sign.
_STEPS: Final = np.array([[10.0 ** BY_NAME[each].decimals] for each in SHOWN])


class Artefact(NamedTuple):
    """A way for a sensor to fail."""

    # Reason in a reading's quality.
    flag: str
    # Affected signs, by their names in a reading's quality.
    signs: tuple[str, ...]
    # Mean number in a day.
    per_day: float
    # Median duration.
    seconds: float
    # True if the value is absent meanwhile, False if it is wrong.
    hides: bool


# Rates and durations are made up, plausibly: studies blame sensors for most alarms, but do not say for how long.
ARTEFACTS: Final = (
    Artefact("motion", ("spo2", "pulse", "resp_rate"), 15, 25, hides=False),
    Artefact("damped", ("bp",), 1, 900, hides=False),
    Artefact("probe-off", ("spo2",), 5, 90, hides=True),
    Artefact("probe-off", ("temperature",), 0.5, 900, hides=True),
    Artefact("lead-off", ("pulse", "resp_rate"), 2, 120, hides=True),
)
MOTION, DAMPED = range(2)

_PER_SECOND: Final = np.array([each.per_day for each in ARTEFACTS]) / 86_400
_SECONDS: Final = np.array([[each.seconds] for each in ARTEFACTS])
# Pairs of artefact and sign: while the artefact lasts, the sign has no value.
_HIDES: Final = [
    (number, SHOWN.index(sign)) for number, each in enumerate(ARTEFACTS) if each.hides for sign in each.signs
]

# Normal deviates of a patient and step: noise of each sign, begin and duration of each artefact.
_WIDTH: Final = len(SHOWN) + 2 * len(ARTEFACTS)


class Shown(NamedTuple):
    """Values on the monitors of N patients, at one time; or at several, which are the first dimension."""

    # Sign x patient, in the order of SHOWN; NaN where there is no value.
    values: Floats
    # Time of each patient's pressure measurement, seconds since 1970.
    pressure_at: Floats
    # Current artefacts, ARTEFACTS x patient.
    failing: NDArray[np.bool_]
    # Patients in whom no pulse is found.
    pulseless: NDArray[np.bool_]


class Readout(NamedTuple):
    """State of the sensors of N patients at one time, from which the monitors' values are computed."""

    # Seconds since 1970.
    now: float
    # True signs, sign x patient.
    body: Floats
    # Deviates of the noise, SHOWN x patient.
    noise: Floats
    # Seconds that each artefact still lasts, ARTEFACTS x patient.
    left: Floats
    # Last pressures of the cuffs, 3 x patient, and their time.
    cuff: Floats
    cuff_at: Floats


class Sensors:
    """The sensors of N patients."""

    def __init__(self, seeds: Sequence[SeedSequence], now: float, body: Floats, *, artefacts: float = 0.0) -> None:
        """Connect the sensors. Each cuff has measured once before.

        Args:
            seeds: One for each patient.
            now: Seconds since 1970.
            body: True signs, sign x patient.
            artefacts: Frequency of artefacts; 1 as is usual, 0 for none.
        """
        self._chance = Chance(seeds, _WIDTH)
        own = np.array([(each.random(), each.random(), each.normal(*_FORM)) for each in self._chance.generators])
        self._has_line = own[:, 0] < LINES
        self._form = own[:, 2]
        self._accuracy = np.where(self._has_line, _OF_LINE, 1.0) * _NOISE[_PRESSURES]
        self._per_second = artefacts * _PER_SECOND
        self._thresholds: dict[float, Floats] = {}
        self._left = np.zeros((len(ARTEFACTS), len(seeds)))
        self._noise = self._chance.draw()[0, : len(SHOWN)]
        # Spread over the interval, so that the cuffs of a ward do not measure all at once.
        self._cuff_at = np.floor(now - CUFF_EVERY * own[:, 1])
        self._oldest_cuff = float(self._cuff_at.min())
        self._cuff = self._pressures(body, self._noise)

    def step(self, seconds: float, now: float, body: Floats) -> None:
        """Advance the time.

        Args:
            seconds: Length of the step.
            now: Time at its end, seconds since 1970.
            body: True signs at its end, sign x patient.
        """
        [deviates] = self._chance.draw()
        self._noise = deviates[: len(SHOWN)]
        begin, duration = deviates[len(SHOWN) : len(SHOWN) + len(ARTEFACTS)], deviates[len(SHOWN) + len(ARTEFACTS) :]
        # New arrays, here and for the cuffs: readouts keep the old ones.
        self._left = self._left - seconds
        begins = begin > self._begin_threshold(seconds)
        if begins.any():
            begins &= self._left <= 0
            self._left[begins] = (_SECONDS * np.exp(0.7 * duration))[begins]
        if now - self._oldest_cuff >= CUFF_EVERY:
            self._inflate(now, body)

    def _inflate(self, now: float, body: Floats) -> None:
        """Measure with the cuffs that are due."""
        # A cuff that finds no pulse tries again at the next step; its last value holds.
        due = (now - self._cuff_at >= CUFF_EVERY) & (body[MAP] > PULSELESS)
        self._cuff = np.where(due, self._pressures(body, self._noise), self._cuff)
        self._cuff_at = np.where(due, now - (now - self._cuff_at) % CUFF_EVERY, self._cuff_at)
        self._oldest_cuff = float(self._cuff_at.min())

    def read(self, now: float, body: Floats) -> Readout:
        """Return the state of the sensors.

        Args:
            now: Seconds since 1970.
            body: True signs, sign x patient.
        """
        return Readout(now, body, self._noise, self._left, self._cuff, self._cuff_at)

    def show(self, readouts: Sequence[Readout]) -> Shown:
        """Return the values on the monitors, at all these times at once."""
        now, body, all_noise, left, cuff, cuff_at = map(np.array, zip(*readouts, strict=True))
        values = np.empty((len(body), len(SHOWN), body.shape[-1]))
        values[:, _PULSE], values[:, _RESP_RATE] = body[:, PULSE], body[:, RESP_RATE]
        values[:, _TEMPERATURE] = body[:, TEMPERATURE]
        values[:, _SPO2] = saturation(body[:, OXYGEN])
        noise = _NOISE[_OTHERS] * all_noise[:, _OTHERS]
        # A monitor cannot miscount beats or breaths that are hardly there: asystole shows 0.
        noise[:, _COUNTED] *= np.minimum(1.0, values[:, _COUNTED] / _COUNTABLE)
        values[:, _OTHERS] += noise
        values[:, _PRESSURES] = np.where(self._has_line, self._pressures(body, all_noise), cuff)
        failing, pulseless = left > 0, body[:, MAP] <= PULSELESS
        wrong = failing.any()
        if wrong:
            # Only a line can be damped; a cuff has no such artefact.
            failing[:, DAMPED] &= self._has_line
            self._disturb(values, failing, np.abs(all_noise))
        # In place throughout: for thousands of patients, new arrays would cost more than the arithmetic.
        np.maximum(values, _LOWEST, out=values)
        np.minimum(values, _HIGHEST, out=values)
        values *= _STEPS
        np.rint(values, out=values)
        values /= _STEPS
        if wrong or pulseless.any():
            for artefact, sign in _HIDES:
                values[:, sign][failing[:, artefact]] = np.nan
            values[:, _SPO2][pulseless] = np.nan
        return Shown(values, np.where(self._has_line, now[:, None], cuff_at), failing, pulseless)

    def _begin_threshold(self, seconds: float) -> Floats:
        """Compute the deviates above which artefacts begin in a step of this length, ARTEFACTS x 1."""
        if seconds not in self._thresholds:
            self._thresholds[seconds] = np.array([[threshold(seconds * each)] for each in self._per_second])
        return self._thresholds[seconds]

    def _pressures(self, body: Floats, noise: Floats) -> Floats:
        """Measure systolic, diastolic and mean pressure, 3 x patient, after the time if there are several."""
        mean, width = body[..., MAP, :], body[..., PULSE_PRESSURE, :]
        # Between two beats the pressure decays exponentially: the diastolic pressure never reaches 0.
        diastolic = mean * np.exp(-self._form * width / np.maximum(mean, 1.0))
        measured: Floats = self._accuracy * noise[..., _PRESSURES, :]
        low, high, middle = measured[..., 1, :], measured[..., 0, :], measured[..., 2, :]
        low += diastolic
        high += diastolic + width
        middle += mean
        # In an arrest the pressures differ by less than the noise: put them in order.
        np.maximum(high, low, out=high)
        np.clip(middle, low, high, out=middle)
        return measured

    def _disturb(self, values: Floats, failing: NDArray[np.bool_], shake: Floats) -> None:
        moving, damped = failing[:, MOTION], failing[:, DAMPED]
        values[:, _PULSE] += moving * 8 * shake[:, _PULSE]
        values[:, _RESP_RATE] += moving * 6 * shake[:, _RESP_RATE]
        values[:, _SPO2] -= moving * (1 + 2 * shake[:, _SPO2])
        width = values[:, _SYSTOLIC] - values[:, _DIASTOLIC]
        values[:, _SYSTOLIC] -= damped * DAMPING * (1 - self._form) * width
        values[:, _DIASTOLIC] += damped * DAMPING * self._form * width
        np.clip(values[:, _MAP], values[:, _DIASTOLIC], values[:, _SYSTOLIC], out=values[:, _MAP])
