"""How good a separated sound is, in decibels; every figure says which of these definitions it uses.

SDR here is the plain ratio of the truth's energy to the error's (what AudioSep calls SDR); BSS Eval's SDR forgives a
filter of 512 taps and is a few decibels higher. SI-SDR forgives a gain only.
Source: Le Roux et al. 2019, "SDR - half-baked or well done?", arXiv:1811.02508.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LEAST_ENERGY = 1e-12
Wave = NDArray[np.float32]  # (T,) or (T, C), channels taken together


def sdr(truth: Wave, estimate: Wave) -> float:
    """10 log10(|s|^2 / |s - e|^2), dB.

    Raises:
        ValueError: two shapes, or a silent truth, for which there is no ratio.
    """
    target, found = _checked(truth, estimate)
    return _decibels(target, target - found)


def si_sdr(truth: Wave, estimate: Wave) -> float:
    """The same after the truth was scaled to lie as near to the estimate as it can; means are taken off first.

    Raises:
        ValueError: two shapes, or a silent truth.
    """
    target, found = (wave - wave.mean() for wave in _checked(truth, estimate))
    scaled = target * ((target @ found) / (target @ target))
    return _decibels(scaled, scaled - found)


def _checked(truth: Wave, estimate: Wave) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if truth.shape != estimate.shape:
        raise ValueError(f"truth is {truth.shape}, estimate {estimate.shape}")
    target, found = truth.astype(np.float64).ravel(), estimate.astype(np.float64).ravel()
    if target @ target < _LEAST_ENERGY:
        raise ValueError("the truth is silent")
    return target, found


def _decibels(signal: NDArray[np.float64], error: NDArray[np.float64]) -> float:
    energies = [max(float(wave @ wave), _LEAST_ENERGY) for wave in (signal, error)]
    return float(10 * np.log10(energies[0] / energies[1]))
