"""Sound to a log-frequency picture and a mask of that picture back to sound: CLIPSep's front end, block by block.

A spectrogram is 16 kHz, Hann windows of 1,024 samples (64 ms) every 256 (16 ms): 513 frequencies a frame. The network
sees 256 rows instead, spaced so that low notes get more: row u in [0, 1] lies at f(u) = (21^u - 1) / 20 of 8 kHz, and
frequency f at u(f) = log(20 f + 1) / log 21. Both ways are linear interpolation, and a mask comes back at any
sample rate, because only the frequencies and moments that are asked for are looked up.
Source: Dong et al. 2023 (CLIPSep, arXiv:2212.07065), after Zhao et al. 2018 (Sound of Pixels, arXiv:1804.03160).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Complexes = NDArray[np.complex64]
Picture = TypeVar("Picture", NDArray[np.float16], NDArray[np.float32])  # (F, rows) log magnitudes
ReadBlock = Callable[[int, int], Floats]  # start, stop -> (stop - start, C), zeros outside
Above = Literal["hold", "pass", "mute"]

RATE_HZ = 16_000  # of the network
N_FFT = 1_024
HOP = 256
BINS = N_FFT // 2 + 1
ROWS = 256
BASE = 21.0  # of the warp: f(u) = (BASE^u - 1) / (BASE - 1)
LEAST_MAGNITUDE = 1e-10  # added before the logarithm
HOLD_HZ = 6_000  # what lies above 8 kHz keeps as much as this to 8 kHz


def warped_hz(rows: int = ROWS) -> NDArray[np.float64]:
    """Frequency of each row of the picture, (rows,) Hz, from 0 to 8 kHz."""
    hz: NDArray[np.float64] = (BASE ** np.linspace(0, 1, rows) - 1) / (BASE - 1) * (RATE_HZ / 2)
    return hz


def row_of(frequency_hz: NDArray[np.float64], rows: int = ROWS) -> NDArray[np.float64]:
    """Place of each frequency among the rows, fractional; above 8 kHz the last row."""
    unit = np.minimum(frequency_hz / (RATE_HZ / 2), 1.0)
    return np.log((BASE - 1) * unit + 1) / np.log(BASE) * (rows - 1)


def warp(magnitudes: Floats, rows: int = ROWS) -> Floats:
    """(..., F, bins) on linear frequencies -> (..., F, rows) on the log-like ones."""
    return _looked_up(magnitudes, warped_hz(rows) / (RATE_HZ / 2) * (magnitudes.shape[-1] - 1))


def unwarp(mask: Floats, frequency_hz: NDArray[np.float64], *, above: Above = "hold") -> Floats:
    """A mask on rows -> on any frequencies.

    Args:
        mask: (..., F, rows).
        frequency_hz: (K,) Hz.
        above: For frequencies above 8 kHz, which the network does not hear: ``"hold"`` the mean of the mask from 6 to
            8 kHz, ``"pass"`` everything (1), or ``"mute"`` (0).

    Returns:
        (..., F, K).
    """
    rows = mask.shape[-1]
    found = _looked_up(mask, row_of(frequency_hz, rows))
    is_above = frequency_hz > RATE_HZ / 2
    if is_above.any():
        if above == "hold":
            found[..., is_above] = mask[..., warped_hz(rows) >= HOLD_HZ].mean(-1, keepdims=True)
        else:
            found[..., is_above] = 1.0 if above == "pass" else 0.0
    return found


def _looked_up(values: Floats, places: NDArray[np.float64]) -> Floats:
    """Linear interpolation along the last axis at fractional places."""
    low = np.clip(places.astype(np.intp), 0, values.shape[-1] - 2)
    share = (places - low).astype(values.dtype)
    lower = values[..., low]
    return lower + share * (values[..., low + 1] - lower)


@dataclass(frozen=True)
class Transform:
    """A short-time Fourier transform with centred Hann windows, as librosa defines it, and its inverse.

    Attributes:
        rate_hz: Samples a second.
        n_fft: Samples of a window, four hops.
        hop: Samples between windows.
    """

    rate_hz: int = RATE_HZ
    n_fft: int = N_FFT
    hop: int = HOP

    @property
    def frequency_hz(self) -> NDArray[np.float64]:
        """Frequency of each bin, (n_fft / 2 + 1,) Hz."""
        return np.arange(self.n_fft // 2 + 1, dtype=np.float64) * (self.rate_hz / self.n_fft)

    @property
    def window(self) -> Floats:
        """Periodic Hann window, (n_fft,)."""
        return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.n_fft) / self.n_fft)).astype(np.float32)

    def frame_count(self, length: int) -> int:
        """Frames of a sound of ``length`` samples."""
        return 1 + length // self.hop

    def frames(self, read: ReadBlock, first: int, last: int) -> Complexes:
        """Frames ``first`` to ``last`` (exclusive) of a sound: (C, last - first, bins); silence around it."""
        from scipy.fft import rfft

        half = self.n_fft // 2
        samples = read(first * self.hop - half, (last - 1) * self.hop + half)
        windows = np.lib.stride_tricks.sliding_window_view(samples.T, self.n_fft, axis=-1)[:, :: self.hop]
        found: Complexes = rfft(windows * self.window, axis=-1).astype(np.complex64, copy=False)
        return found


class Resynthesis:
    """The inverse of a :class:`Transform`, fed with frames in order: what is finished comes out at once.

    Frames are weighted by the window once more and divided by the sum of squared windows, the least-squares inverse
    (Griffin and Lim 1984), so that pieces of any size give the same samples.
    """

    def __init__(self, transform: Transform, length: int, channels: int) -> None:
        """Start an output of ``length`` samples."""
        self._transform = transform
        self._left = length
        self._skip = transform.n_fft // 2  # the first window begins before the sound
        overlap = transform.n_fft - transform.hop
        self._sum = np.zeros((channels, overlap), np.float32)
        self._weight = np.zeros(overlap, np.float32)
        self._square = transform.window**2

    def add(self, spectrum: Complexes) -> Floats:
        """Take (C, n, bins) frames; returns the samples that are finished now, (m, C)."""
        from scipy.fft import irfft

        n_fft, hop = self._transform.n_fft, self._transform.hop
        pieces = irfft(spectrum, n_fft, axis=-1).astype(np.float32, copy=False) * self._transform.window
        count = pieces.shape[1]
        total = np.zeros((len(self._sum), self._sum.shape[1] + count * hop), np.float32)
        weight = np.zeros(total.shape[1], np.float32)
        total[:, : self._sum.shape[1]], weight[: len(self._weight)] = self._sum, self._weight
        for part in range(n_fft // hop):  # four additions of whole arrays in place of one a frame
            block = slice(part * hop, part * hop + count * hop)
            total[:, block] += pieces[..., part * hop : (part + 1) * hop].reshape(len(total), -1)
            weight[block] += np.tile(self._square[part * hop : (part + 1) * hop], count)
        done = count * hop
        self._sum, self._weight = total[:, done:].copy(), weight[done:].copy()
        return self._emit(total[:, :done], weight[:done])

    def finish(self) -> Floats:
        """The samples that are left, (m, C), silence where no frame reaches."""
        found = self._emit(self._sum, self._weight)
        missing = np.zeros((self._left, found.shape[1]), np.float32)
        self._left = 0
        return np.concatenate([found, missing])

    def _emit(self, total: Floats, weight: Floats) -> Floats:
        skipped = min(self._skip, total.shape[1])
        self._skip -= skipped
        total, weight = total[:, skipped:][:, : self._left], weight[skipped:][: self._left]
        self._left -= total.shape[1]
        return np.ascontiguousarray((total / np.maximum(weight, 1e-8)).T)


def transform_for(rate_hz: int) -> Transform:
    """The transform at another sample rate: windows of about 64 ms every 16 ms, of a length that is fast to transform.

    At 16 kHz it is the network's own, at 44.1 kHz windows of 2,816 samples.
    """
    exact = HOP * rate_hz / RATE_HZ
    hop = min((even for even in range(2, round(2 * exact) + 4, 2) if _is_smooth(even)), key=lambda h: abs(h - exact))
    return Transform(rate_hz, 4 * hop, hop)


def _is_smooth(number: int) -> bool:
    """Whether a number has no prime factor above 11."""
    for prime in (2, 3, 5, 7, 11):
        while number % prime == 0:
            number //= prime
    return number == 1


def log_picture(magnitudes: Floats) -> Floats:
    """What the network sees: natural logarithm of the warped magnitudes, (..., F, 513) -> (..., F, 256)."""
    found: Floats = np.log(warp(magnitudes + np.float32(LEAST_MAGNITUDE)))
    return found


def loudness(picture: Picture, frames: int = 4_096) -> float:
    """Natural logarithm of the mean magnitude of a picture, (F, rows); ``frames`` are looked at together."""
    parts = [np.exp(picture[at : at + frames], dtype=np.float32) for at in range(0, len(picture), frames)]
    return float(np.log(sum(part.sum(dtype=np.float64) for part in parts) / max(picture.size, 1) + LEAST_MAGNITUDE))


def levelled(picture: Picture, level: float, floor: float) -> Picture:
    """Bring a picture to a mean magnitude of 1 (logarithm 0), and cut what lies further below than ``floor``."""
    found: Picture = picture - picture.dtype.type(level)
    return np.maximum(found, picture.dtype.type(-floor), out=found)
