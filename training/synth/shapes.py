"""What all synthesised sounds are built from: envelopes, filtered noise, vibrato, events laid into time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import signal

Wave = NDArray[np.float64]  # (T,) mono


def times(seconds: float, rate_hz: int) -> Wave:
    """Time of every sample, in seconds."""
    return np.arange(round(seconds * rate_hz)) / rate_hz


def note_hz(midi: float) -> float:
    """Frequency of a note of the tempered scale; 69 is 440 Hz."""
    return float(440.0 * 2.0 ** ((midi - 69.0) / 12.0))


def swell(count: int, rate_hz: int, attack_s: float, release_s: float) -> Wave:
    """An envelope of ``count`` samples that rises, holds and falls by half cosines."""
    envelope = np.ones(count)
    rise, fall = (min(round(s * rate_hz), count // 2) for s in (attack_s, release_s))
    if rise:
        envelope[:rise] = 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)
    if fall:
        envelope[-fall:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fall + 1) / fall)
    return envelope


def oscillate(frequency_hz: Wave, rate_hz: int) -> Wave:
    """A sine whose frequency moves: (T,) Hz -> (T,)."""
    return np.sin(2 * np.pi * np.cumsum(frequency_hz) / rate_hz)


def band_noise(rng: Generator, count: int, rate_hz: int, low_hz: float, high_hz: float) -> Wave:
    """White noise between two frequencies, of RMS 1."""
    edges = (max(low_hz, 1.0), min(high_hz, 0.49 * rate_hz))
    sections = signal.butter(2, edges, "bandpass", fs=rate_hz, output="sos")
    noise = signal.sosfilt(sections, rng.standard_normal(count + 256))[256:]
    return noise / max(float(np.sqrt(np.mean(noise**2))), 1e-12)


def wander(rng: Generator, count: int, rate_hz: int, cutoff_hz: float) -> Wave:
    """A slow random curve of mean 0 and spread 1."""
    points = max(int(count / rate_hz * cutoff_hz * 2) + 4, 4)
    curve = np.interp(np.linspace(0, points - 1, count), np.arange(points), rng.standard_normal(points))
    return curve - curve.mean()


def layout(rng: Generator, seconds: float, gap_s: tuple[float, float]) -> Iterator[float]:
    """Moments in time, each a random gap after the last."""
    moment = rng.uniform(0, gap_s[0] / 2)
    while moment < seconds:
        yield moment
        moment += rng.uniform(*gap_s)


def events(rng: Generator, seconds: float, rate_hz: int, gap_s: tuple[float, float], make: Callable[[], Wave]) -> Wave:
    """Lay what ``make`` returns into time, one after a random gap after the other; the end is cut."""
    found = np.zeros(round(seconds * rate_hz))
    for moment in layout(rng, seconds, gap_s):
        start = round(moment * rate_hz)
        piece = make()[: len(found) - start]
        found[start : start + len(piece)] += piece
    return found


def melody(rng: Generator, low: int, high: int) -> Iterator[int]:
    """MIDI notes of a random walk on a pentatonic scale."""
    scale = [n for n in range(low, high + 1) if n % 12 in (0, 2, 4, 7, 9)]
    at = int(rng.integers(len(scale)))
    while True:
        yield scale[at]
        at = int(np.clip(at + rng.integers(-3, 4), 0, len(scale) - 1))
