"""Random numbers, an independent stream for each patient, so that no course depends on the other patients."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from icu.patient.body.signs import Floats

# Steps drawn at once: a call for each patient and step would cost more than the rest of the step.
_BLOCK: Final = 16


class Chance:
    """Normal deviates, `width` of them for each patient and step. Equal seeds give equal streams."""

    def __init__(self, seeds: Sequence[SeedSequence], width: int) -> None:
        # One for each patient; rare events draw from it too.
        self.generators = [Generator(PCG64(each)) for each in seeds]
        # float32 halves the memory of the block, and is finer than any sensor.
        self._block: NDArray[np.float32] = np.empty((len(seeds), _BLOCK, width), np.float32)
        self._used = _BLOCK

    def draw(self, steps: int = 1) -> Floats:
        """Draw the normal deviates of the next steps: of this number, or of those that are left in the block.

        Returns:
            Step x width x patient.
        """
        if self._used == _BLOCK:
            for generator, block in zip(self.generators, self._block, strict=True):
                generator.standard_normal(out=block, dtype=np.float32)
            self._used = 0
        drawn = self._block[:, self._used : self._used + steps]
        self._used += drawn.shape[1]
        return drawn.transpose(1, 2, 0).astype(np.float64, order="C")
