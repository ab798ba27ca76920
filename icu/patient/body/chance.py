"""Chance, a stream for each patient: what befalls one does not depend on who lies beside."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from icu.patient.body.signs import Floats

_BLOCK: Final = 16
"""Steps that are drawn at once: a call for each patient and step would cost more than the rest of the step."""


class Chance:
    """For each patient `width` normal deviates a step. Equal seeds are equal streams."""

    def __init__(self, seeds: Sequence[SeedSequence], width: int) -> None:
        self.generators = [Generator(PCG64(each)) for each in seeds]
        """Each patient's own, for what happens seldom."""
        self._block: NDArray[np.float32] = np.empty((len(seeds), _BLOCK, width), np.float32)
        self._used = _BLOCK

    def draw(self) -> Floats:
        """Normal deviates of the next step, width x patients."""
        if self._used == _BLOCK:
            for generator, block in zip(self.generators, self._block, strict=True):
                generator.standard_normal(out=block, dtype=np.float32)
            self._used = 0
        deviates = self._block[:, self._used].T.astype(np.float64)
        self._used += 1
        return deviates
