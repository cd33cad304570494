"""The loops over the pixels against NumPy, formula by formula, for every kind of photo."""

from __future__ import annotations

import numpy as np
import pytest

from core.light_field import LightField, luma_of
from demos.enhancement.light_map import enhanced, gain_of
from demos.enhancement.measures import tones_of
from demos.enhancement.options import EnhanceOptions

KINDS = pytest.mark.parametrize(("kind", "channels"), [(np.uint8, 3), (np.uint8, 1), (np.uint16, 3), (np.uint16, 1)])


def photo(kind: type, channels: int) -> np.ndarray:
    top = np.iinfo(kind).max
    values: np.ndarray = np.random.default_rng(1).integers(0, top + 1, (37, 53, channels)).astype(kind)
    values[:4] //= 16
    values[0, :5], values[0, 5:9] = 0, top
    return values


def field() -> LightField:
    rng = np.random.default_rng(2)
    return LightField(rng.random((5, 7), np.float32) - 0.2, rng.random((5, 7), np.float32))


def slow(values: np.ndarray, light: LightField, options: EnhanceOptions) -> np.ndarray:
    """The same by whole arrays."""
    luma = luma_of(values)
    gain = gain_of(luma, light.at(luma, 0, len(values)), options)
    return np.rint(np.minimum(values * gain[..., None], np.float32(np.iinfo(values.dtype).max))).astype(values.dtype)


@KINDS
@pytest.mark.parametrize(
    "options",
    [
        EnhanceOptions(protect_highlights=0.0),
        EnhanceOptions(protect_highlights=0.0, strength=0.4),
        EnhanceOptions(),
        EnhanceOptions(strength=1.3, protect_shadows=0.7),
    ],
)
@pytest.mark.parametrize(
    "light", [field(), LightField(np.ones((2, 2), np.float32), np.ones((2, 2), np.float32), power=0.4)]
)
def test_lift_is_the_formula(kind: type, channels: int, options: EnhanceOptions, light: LightField) -> None:
    values = photo(kind, channels)
    fast = enhanced(values, light, options, band_px=53 * 10).astype(np.int64)
    # Single precision: a level of eight bits at a tie, some of sixteen.
    off = np.abs(fast - slow(values, light, options))
    assert off.max() <= (1 if kind == np.uint8 else 8)
    assert (off > 1).mean() < 0.01 and fast.any()


@KINDS
def test_tally_is_the_count(kind: type, channels: int) -> None:
    values = photo(kind, channels)
    top = np.iinfo(kind).max
    tones, luma = tones_of(values), luma_of(values)
    assert tones.clipped_high == np.count_nonzero((values == top).any(axis=2)) > 0
    assert tones.clipped_low == np.count_nonzero((values == 0).all(axis=2)) > 0
    assert tones.mean_luma == pytest.approx(float(luma.mean(dtype=np.float64)), rel=1e-5)
    expected = np.bincount(np.rint(luma * 255).astype(np.int64).ravel(), minlength=256)
    assert tones.histogram.sum() == values[..., 0].size
    assert np.abs(tones.histogram - expected).sum() <= 4  # ties between two bins
