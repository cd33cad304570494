"""What sound separation is held against: HPSS and NMF, which know no words, and ideal masks, the ceiling.

HPSS and NMF are told the truth where they have to choose ("oracle").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.separate_cases import Case
from core.sep_metrics import si_sdr
from core.sep_spectrogram import ROWS, Floats, Resynthesis, Transform, unwarp, warp

NMF_PARTS = 12
NMF_ROUNDS = 100
_TRANSFORM = Transform()


def spectrum(wave: Floats) -> NDArray[np.complex64]:
    """(T,) -> (F, 513)."""
    half = _TRANSFORM.n_fft // 2
    padded = np.pad(wave, (half, half + _TRANSFORM.hop))[:, None]
    count = _TRANSFORM.frame_count(len(wave))
    return _TRANSFORM.frames(lambda start, stop: padded[start + half : stop + half], 0, count)[0]


def waveform(masked: NDArray[np.complex64], length: int) -> Floats:
    """(F, 513) -> (T,)."""
    back = Resynthesis(_TRANSFORM, length, 1)
    return np.concatenate([back.add(masked[None]), back.finish()])[:, 0]


def ideal(case: Case) -> Floats:
    """The target through its ideal binary mask, |S| > |Mix| / 2."""
    mixed = spectrum(case.mixture)
    return waveform(_ideal_mask(case, mixed) * mixed, len(case.mixture))


def through_rows(case: Case) -> Floats:
    """The same mask put into the 256 rows as well as they can hold it, and back: what the rows themselves cost.

    Every row takes the mean of the mask over the frequencies that it gives back, weighted by their energy.
    """
    mixed = spectrum(case.mixture)
    energy = np.abs(mixed) ** 2
    back = unwarp(np.eye(ROWS, dtype=np.float32), _TRANSFORM.frequency_hz).T  # (bins, rows)
    rows = ((_ideal_mask(case, mixed) * energy) @ back) / np.maximum(energy @ back, 1e-20)
    return waveform(unwarp(rows.astype(np.float32), _TRANSFORM.frequency_hz) * mixed, len(case.mixture))


def taught(case: Case) -> Floats:
    """CLIPSep's target: both spectra are looked up at the rows, then |S| > |Mix| / 2."""
    mixed = spectrum(case.mixture)
    own, whole = (warp(np.abs(one)) for one in (spectrum(case.sources[0]), mixed))
    return waveform(unwarp(np.float32(own > 0.5 * whole), _TRANSFORM.frequency_hz) * mixed, len(case.mixture))


def _ideal_mask(case: Case, mixed: NDArray[np.complex64]) -> Floats:
    return np.float32(np.abs(spectrum(case.sources[0])) > 0.5 * np.abs(mixed))


def hpss(case: Case) -> Floats:
    """The harmonic or percussive part that librosa finds, whichever is nearer to the target."""
    import librosa

    parts = librosa.effects.hpss(case.mixture, n_fft=_TRANSFORM.n_fft, hop_length=_TRANSFORM.hop)
    return max((np.asarray(part, np.float32) for part in parts), key=lambda part: si_sdr(case.sources[0], part))


def nmf(case: Case) -> Floats:
    """Twelve parts by KL-NMF (Lee and Seung 2001), each given to the source it is most like, as the truth has it."""
    mixed = spectrum(case.mixture)
    magnitudes = np.abs(mixed).T.astype(np.float64) + 1e-6
    rng = np.random.default_rng(0)
    bases, gains = rng.random((len(magnitudes), NMF_PARTS)) + 0.1, rng.random((NMF_PARTS, magnitudes.shape[1])) + 0.1
    for _ in range(NMF_ROUNDS):
        gains *= bases.T @ (magnitudes / (bases @ gains)) / bases.sum(0)[:, None]
        bases *= (magnitudes / (bases @ gains)) @ gains.T / gains.sum(1)
    truths = np.stack([np.abs(spectrum(source)).T for source in case.sources])
    parts = np.einsum("fk,kt->kft", bases, gains)
    owner = np.einsum("kft,sft->ks", parts, truths / (truths.sum(0) + 1e-9)).argmax(1)
    mask = parts[owner == 0].sum(0) / parts.sum(0)
    return waveform(mask.T.astype(np.float32) * mixed, len(case.mixture))
