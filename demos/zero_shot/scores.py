"""From cosines to confidences: softmax, sigmoid, "none of these", and how far to trust them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Histogram:
    """Counts of scores in equal bins.

    Attributes:
        edges: Bin borders, (B + 1,), rising.
        counts: Pictures in each bin, (B,).
        value: Where the picture at hand lies.
    """

    edges: NDArray[np.float32]
    counts: NDArray[np.int64]
    value: float
