"""One measured figure with its sample size and 95 % interval: what every evaluation returns and every card holds."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Z_95 = NormalDist().inv_cdf(0.975)  # 1.96


@dataclass(frozen=True)
class Score:
    """One figure: a share in percent (or another unit named in ``what``), its sample size and 95 % interval.

    Attributes:
        name: Short key, unique within a model's card.
        what: The test in words, with the unit where it is not percent.
        value: The figure.
        n: Number of independent samples.
        low: Lower end of the 95 % interval.
        high: Upper end of the 95 % interval.
        bar: What the figure has to reach, or stay below where ``at_most`` is true; None = no bar.
        aim: The same for what it should reach.
        at_most: Whether a smaller figure is better (milliseconds, errors).
        disjoint: What keeps the samples apart from training, in words.
    """

    name: str
    what: str
    value: float
    n: int
    low: float
    high: float
    bar: float | None = None
    aim: float | None = None
    at_most: bool = False
    disjoint: str = ""


def wilson(p: float, n: int) -> tuple[float, float]:
    """95 % interval of a share. Source: Wilson 1927, JASA 22:209, the score interval.

    Args:
        p: Observed share in [0, 1].
        n: Sample size, at least 1.

    Returns:
        Lower and upper end, both in [0, 1].

    Raises:
        ValueError: no samples, or a share outside [0, 1].
    """
    if n < 1 or not 0.0 <= p <= 1.0:
        raise ValueError(f"no interval for a share of {p} in {n} samples")
    middle = (p + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 / (1 + Z_95**2 / n) * float(np.sqrt(p * (1 - p) / n + Z_95**2 / (4 * n * n)))
    return min(p, max(0.0, middle - half)), max(p, min(1.0, middle + half))  # rounding at 0 and 1


def share(
    name: str,
    what: str,
    hits: NDArray[np.bool_],
    bar: float | None = None,
    aim: float | None = None,
    *,
    disjoint: str = "",
) -> Score:
    """A share of hits in percent with Wilson's 95 % interval. hits: (n,) bool."""
    p = float(np.mean(hits))
    low, high = (round(100 * end, 1) for end in wilson(p, len(hits)))
    return Score(name, what, round(100 * p, 1), len(hits), low, high, bar, aim, disjoint=disjoint)


def mean(
    name: str,
    what: str,
    values: NDArray[np.floating],
    bar: float | None = None,
    aim: float | None = None,
    *,
    digits: int = 4,
    at_most: bool = False,
    disjoint: str = "",
) -> Score:
    """A mean of (n,) values with the normal 95 % interval of its standard error, in the values' own unit."""
    error = Z_95 * float(np.std(values)) / float(np.sqrt(len(values)))
    value = float(np.mean(values))
    low, middle, high = (round(number, digits) for number in (value - error, value, value + error))
    return Score(name, what, middle, len(values), low, high, bar, aim, at_most, disjoint)
