"""How loud a sound is to a listener, and the gain that makes two equally loud: a fair A/B needs it.

Loudness by ITU-R BS.1770-4: two filters (the head, and a low cut), blocks of 400 ms every 100 ms, of which those below
-70 LUFS and those 10 LU below the mean of the others do not count. Channels count alike; surround weights are not used.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.tasks import Job
from demos.separation.sound import Sound

BLOCK_S, OVERLAP = 0.4, 4
GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0
MOST_GAIN_DB = 30.0  # what is nearly silent is not blown up
_OFFSET = -0.691


def k_filter(rate_hz: int) -> NDArray[np.float64]:
    """The two filters as second-order sections at any rate, (2, 6).

    Source: ITU-R BS.1770-4, Annex 1; it gives coefficients for 48 kHz only, and these are the analogue corners and
    qualities behind them, as libebur128 (MIT) has them.
    """
    sections = []
    for gain_db, quality, corner_hz in (
        (3.99984385397, 0.7071752369554193, 1681.9744509555319),
        (None, 0.5003270373253953, 38.13547087613982),
    ):
        k = np.tan(np.pi * min(corner_hz, 0.45 * rate_hz) / rate_hz)
        norm = 1 + k / quality + k * k
        if gain_db is None:
            zeros = [1.0, -2.0, 1.0]
        else:
            high = 10 ** (gain_db / 20)
            band = high**0.499666774155
            zeros = [
                (high + band * k / quality + k * k) / norm,
                2 * (k * k - high) / norm,
                (high - band * k / quality + k * k) / norm,
            ]
        sections.append([*zeros, 1.0, 2 * (k * k - 1) / norm, (1 - k / quality + k * k) / norm])
    return np.array(sections)


def loudness_lufs(sound: Sound, *, job: Job | None = None) -> float:
    """Integrated loudness, LUFS; minus infinity where nothing passes the gates. The job is asked for Cancel."""
    from scipy import signal

    sections = k_filter(sound.rate_hz)
    state = np.zeros((len(sections), 2, sound.channels))
    hop = max(round(BLOCK_S / OVERLAP * sound.rate_hz), 1)
    powers: list[NDArray[np.float64]] = []
    for samples in sound.blocks(hop * 64):
        if job is not None:
            job.check()
        filtered, state = signal.sosfilt(sections, samples.astype(np.float64), axis=0, zi=state)
        squares = (filtered**2).sum(1)
        squares = np.pad(squares, (0, -len(squares) % hop))
        powers.append(squares.reshape(-1, hop).mean(1))
    steps = np.concatenate(powers) if powers else np.zeros(1)
    width = min(OVERLAP, len(steps))
    blocks = np.convolve(steps, np.ones(width) / width, "valid")
    loud = blocks[_lufs(blocks) > GATE_LUFS]
    if len(loud):
        loud = loud[_lufs(loud) > _lufs(loud.mean()) + RELATIVE_GATE_LU]
    return float(_lufs(loud.mean())) if len(loud) else -np.inf


def matching_gain_db(own_lufs: float, wanted_lufs: float) -> float:
    """The gain from one loudness to another, at most 30 dB either way; 0 where one is silent."""
    if not (np.isfinite(own_lufs) and np.isfinite(wanted_lufs)):
        return 0.0
    return float(np.clip(wanted_lufs - own_lufs, -MOST_GAIN_DB, MOST_GAIN_DB))


def _lufs(power: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    return np.asarray(_OFFSET + 10 * np.log10(np.maximum(power, 1e-20)))
