"""What monitors show of a body."""

import numpy as np
from numpy.random import SeedSequence

from icu.patient.sensors import SHOWN, Sensors


def test_pressures_are_in_order_even_in_an_arrest() -> None:
    """Where hardly any pressure is left, noise puts neither systolic below diastolic nor the mean outside the two."""
    body = np.repeat([[80.0], [16.0], [6.0], [0.5], [90.0], [37.0]], 500, axis=1)
    sensors = Sensors([SeedSequence(number) for number in range(500)], 0.0, body)
    shown = sensors.show(0.0, body).values
    systolic, diastolic, mean = (shown[SHOWN.index(name)] for name in ("systolic", "diastolic", "mean"))
    assert (diastolic <= mean).all()
    assert (mean <= systolic).all()
