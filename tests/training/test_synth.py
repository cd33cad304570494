"""The synthesiser: the same seed gives the same samples, levels are kept, and sounds are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from training.synth.shapes import note_hz, swell
from training.synth.sounds import SOUNDS, render


@pytest.mark.parametrize("name", SOUNDS)
def test_every_sound_is_seeded_finite_and_levelled(name: str) -> None:
    wave = render(name, 1, seconds=1.5)
    assert wave.shape == (24_000,) and wave.dtype == np.float32
    assert np.isfinite(wave).all() and np.abs(wave).max() <= 0.991
    level = float(np.sqrt(np.mean(wave**2)))
    assert level == pytest.approx(0.1, rel=1e-3) or np.abs(wave).max() > 0.98
    assert np.array_equal(wave, render(name, 1, seconds=1.5))
    assert not np.array_equal(wave, render(name, 2, seconds=1.5))


def centroid_hz(wave: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(wave))
    return float((spectrum * np.fft.rfftfreq(len(wave), 1 / 16_000)).sum() / spectrum.sum())


def test_sounds_are_dark_and_bright_as_they_should_be() -> None:
    mean = {n: np.mean([centroid_hz(render(n, s)) for s in range(3)]) for n in ("wind", "thunder", "rain", "shaker")}
    assert mean["wind"] < 1_500 and mean["thunder"] < 2_000
    assert mean["rain"] > 3_000 and mean["shaker"] > 4_000


def test_notes_and_envelopes() -> None:
    assert note_hz(69) == 440.0 and note_hz(81) == pytest.approx(880.0)
    envelope = swell(1_000, 1_000, 0.1, 0.2)
    assert envelope[0] == 0 and envelope[500] == 1 and envelope[-1] == pytest.approx(0, abs=1e-3)
