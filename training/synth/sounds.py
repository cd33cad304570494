"""The catalogue of the synthesiser: label -> maker, and one door that renders any of them at a fixed level."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.synth import noises, tones
from training.synth.shapes import Wave

Maker = Callable[[Generator, float, int], Wave]

SOUNDS: Mapping[str, Maker] = MappingProxyType(
    {
        "plucked string": tones.plucked_string,
        "flute": tones.flute,
        "organ": tones.organ,
        "bell": tones.bell,
        "piano": tones.piano,
        "siren": tones.siren,
        "beep": tones.beep,
        "whistle": tones.whistle,
        "synthesizer": tones.synthesizer,
        "theremin": tones.theremin,
        "bird": tones.bird,
        "cricket": tones.cricket,
        "rain": noises.rain,
        "wind": noises.wind,
        "water": noises.water,
        "fire": noises.fire,
        "thunder": noises.thunder,
        "drum": noises.drum,
        "shaker": noises.shaker,
        "clock": noises.clock,
        "footsteps": noises.footsteps,
        "motor": noises.motor,
        "fan": noises.fan,
    }
)
RMS = 0.1  # -20 dBFS


def render(label: str, seed: int, *, seconds: float = 4.0, rate_hz: int = 16_000) -> NDArray[np.float32]:
    """Render one sound.

    Args:
        label: A key of ``SOUNDS``.
        seed: The same seed gives the same samples; another one another melody, pitch, pace and colour.
        seconds: Length.
        rate_hz: Samples a second.

    Returns:
        (T,) float32 of RMS 0.1, peak below 1.

    Raises:
        KeyError: no such sound.
    """
    wave = SOUNDS[label](np.random.default_rng((seed, sum(map(ord, label)))), seconds, rate_hz)
    wave = wave - wave.mean()
    wave *= RMS / max(float(np.sqrt(np.mean(wave**2))), 1e-9)
    peak = float(np.abs(wave).max())
    return (wave * min(1.0, 0.99 / max(peak, 1e-9))).astype(np.float32)
