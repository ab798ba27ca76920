"""What a bedside monitor makes of a body: noise, whole numbers, cuffs that measure now and then, probes that fall off.

Pressure comes from a cuff every 10 minutes, and stands until the next, or from an arterial line, beat by beat. Cuffs
measure the mean and work out the other two, each with an error of its own, well within the SD of 8 mm[Hg] that
ISO 81060-2 allows; that is why their mean is seldom where two thirds and one third would put it.
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

# SD by sign, in its unit; of pressures a cuff's. Pressures are the last.
_NOISE_OF: Final = {
    "pulse": 0.6,
    "resp_rate": 0.7,
    "spo2": 0.15,
    "temperature": 0.03,
    "systolic": 4.6,
    "diastolic": 3.7,
    "map": 4.3,
}

# The places of the signs in what is shown.
SHOWN: Final = tuple(_NOISE_OF)
_PULSE, _RESP_RATE, _SPO2, _TEMPERATURE, _SYSTOLIC, _DIASTOLIC, _MAP = range(len(SHOWN))
_PRESSURES: Final = slice(_SYSTOLIC, None)
_OTHERS: Final = slice(_SYSTOLIC)
_COUNTED: Final = slice(_PULSE, _RESP_RATE + 1)

# Seconds.
CUFF_EVERY: Final = 600.0
# Share of patients with an arterial line.
LINES: Final = 0.4

# How much of the pulse pressure a damped line swallows. The mean stays.
DAMPING: Final = 0.45
# mm[Hg] of mean pressure below which neither an oximeter nor a cuff finds a pulse.
PULSELESS: Final = 36.0

# How far the pressure runs off in diastole, as a share of the pulse pressure, mean and SD among patients: where that is
# small beside the mean, the mean lies so far between diastolic and systolic pressure.
_FORM: Final = (0.345, 0.037)

_NOISE: Final = np.array(list(_NOISE_OF.values()))[:, None]
# A line's noise as a share of a cuff's.
_OF_LINE: Final = 0.4
_LOWEST: Final = np.array([[BY_NAME[each].limits.low] for each in SHOWN], float)
_HIGHEST: Final = np.array([[BY_NAME[each].limits.high] for each in SHOWN], float)
# /min, below which a monitor's count of beats or breaths is ever more exact.
_COUNTABLE: Final = 8.0
# Steps in one unit of what is shown.
_STEPS: Final = np.array([[10.0 ** BY_NAME[each].decimals] for each in SHOWN])


class Artefact(NamedTuple):
    """A way for a sensor to fail."""

    flag: str
    # Of a reading's quality.
    signs: tuple[str, ...]
    per_day: float
    # How long it lasts, typically.
    seconds: float
    # Whether there is no value, or a wrong one.
    hides: bool


# Rates and durations are made up, plausibly: alarm studies blame sensors for most alarms, but count no minutes.
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
# Artefact and sign, where there is no value then.
_HIDES: Final = [
    (number, SHOWN.index(sign)) for number, each in enumerate(ARTEFACTS) if each.hides for sign in each.signs
]

_WIDTH: Final = len(SHOWN) + 2 * len(ARTEFACTS)


class Shown(NamedTuple):
    """What the monitors show."""

    # In the order of SHOWN, sign x patient; NaN where there is none.
    values: Floats
    # When each patient's pressure was measured, seconds since 1970.
    pressure_at: Floats
    # Which artefacts there are, ARTEFACTS x patient.
    failing: NDArray[np.bool_]
    # Where no pulse is found.
    pulseless: NDArray[np.bool_]


class Sensors:
    """The sensors of N patients."""

    def __init__(self, seeds: Sequence[SeedSequence], now: float, body: Floats, *, artefacts: float = 0.0) -> None:
        """`body` is sign x patient; `artefacts`: how often sensors fail, 1 as is usual."""
        self._chance = Chance(seeds, _WIDTH)
        own = np.array([(each.random(), each.random(), each.normal(*_FORM)) for each in self._chance.generators])
        self._has_line = own[:, 0] < LINES
        self._form = own[:, 2]
        self._accuracy = np.where(self._has_line, _OF_LINE, 1.0) * _NOISE[_PRESSURES]
        self._per_second = artefacts * _PER_SECOND
        self._thresholds: dict[float, Floats] = {}
        self._left = np.zeros((len(ARTEFACTS), len(seeds)))
        self._noise = self._chance.draw()[: len(SHOWN)]
        # The cuff has measured before anybody looked.
        self._cuff_at = np.floor(now - CUFF_EVERY * own[:, 1])
        self._cuff = self._pressures(body)

    def step(self, seconds: float, now: float, body: Floats) -> None:
        """Let time pass; `now` and `body` are those after it."""
        deviates = self._chance.draw()
        self._noise = deviates[: len(SHOWN)]
        striking, lasting = deviates[len(SHOWN) : len(SHOWN) + len(ARTEFACTS)], deviates[len(SHOWN) + len(ARTEFACTS) :]
        self._left -= seconds
        struck = (striking > self._rare(seconds)) & (self._left <= 0)
        if struck.any():
            self._left[struck] = (_SECONDS * np.exp(0.7 * lasting))[struck]
        due = now - self._cuff_at >= CUFF_EVERY
        if due.any():
            due &= body[MAP] > PULSELESS
            self._cuff[:, due] = self._pressures(body)[:, due]
            self._cuff_at[due] = now - (now - self._cuff_at[due]) % CUFF_EVERY

    def show(self, now: float, body: Floats) -> Shown:
        """What there is to see."""
        values = np.empty((len(SHOWN), body.shape[1]))
        values[_PULSE], values[_RESP_RATE], values[_TEMPERATURE] = body[PULSE], body[RESP_RATE], body[TEMPERATURE]
        values[_SPO2] = saturation(body[OXYGEN])
        noise = _NOISE[_OTHERS] * self._noise[_OTHERS]
        # Where there is next to nothing there is nothing to be counted wrong.
        noise[_COUNTED] *= np.minimum(1.0, values[_COUNTED] / _COUNTABLE)
        values[_OTHERS] += noise
        values[_PRESSURES] = np.where(self._has_line, self._pressures(body), self._cuff)
        failing, pulseless = self._left > 0, body[MAP] <= PULSELESS
        wrong = failing.any()
        if wrong:
            failing[DAMPED] &= self._has_line
            self._disturb(values, failing)
        np.maximum(values, _LOWEST, out=values)
        np.minimum(values, _HIGHEST, out=values)
        values *= _STEPS
        np.rint(values, out=values)
        values /= _STEPS
        if wrong or pulseless.any():
            for artefact, sign in _HIDES:
                values[sign, failing[artefact]] = np.nan
            values[_SPO2, pulseless] = np.nan
        return Shown(values, np.where(self._has_line, now, self._cuff_at), failing, pulseless)

    def _rare(self, seconds: float) -> Floats:
        """What a deviate exceeds where a sensor begins to fail within so many seconds."""
        if seconds not in self._thresholds:
            self._thresholds[seconds] = np.array([[threshold(seconds * each)] for each in self._per_second])
        return self._thresholds[seconds]

    def _pressures(self, body: Floats) -> Floats:
        """Systolic, diastolic and mean."""
        mean, width = body[MAP], body[PULSE_PRESSURE]
        # Between two beats the pressure runs off by itself, ever more slowly: it never gets to nothing.
        diastolic = mean * np.exp(-self._form * width / np.maximum(mean, 1.0))
        measured: Floats = self._accuracy * self._noise[_PRESSURES]
        measured += (diastolic + width, diastolic, mean)
        # In an arrest they are nearer to each other than the noise is wide.
        np.maximum(measured[0], measured[1], out=measured[0])
        np.clip(measured[2], measured[1], measured[0], out=measured[2])
        return measured

    def _disturb(self, values: Floats, failing: NDArray[np.bool_]) -> None:
        moving, damped = failing[MOTION], failing[DAMPED]
        shake = np.abs(self._noise[_OTHERS])
        values[_PULSE] += moving * 8 * shake[_PULSE]
        values[_RESP_RATE] += moving * 6 * shake[_RESP_RATE]
        values[_SPO2] -= moving * (1 + 2 * shake[_SPO2])
        width = values[_SYSTOLIC] - values[_DIASTOLIC]
        values[_SYSTOLIC] -= damped * DAMPING * (1 - self._form) * width
        values[_DIASTOLIC] += damped * DAMPING * self._form * width
        np.clip(values[_MAP], values[_DIASTOLIC], values[_SYSTOLIC], out=values[_MAP])
