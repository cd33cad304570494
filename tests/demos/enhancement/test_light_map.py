"""The map at full size: against slow twins, without seams, the identity at strength 0, one way in strength."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.errors import Cancelled
from core.light_field import LightField, guided, luma_of
from core.tasks import Job
from demos.enhancement.light_map import enhanced, smooth_step
from demos.enhancement.methods import TARGET_LUMA, auto_gamma, field_of, retinex_light
from demos.enhancement.options import EnhanceOptions
from tests.demos.enhancement.stubs import StubLight

PLAIN = EnhanceOptions(protect_highlights=0.0)


def photo(height: int = 60, width: int = 83, bits: int = 8, channels: int = 3, seed: int = 0) -> NDArray[np.uint16]:
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0.02, 0.9, width)[None, :, None] * np.linspace(0.4, 1.0, height)[:, None, None]
    noisy = np.clip(ramp + rng.normal(0, 0.05, (height, width, channels)), 0, 1)
    return np.rint(noisy * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)


def field(values: NDArray[np.uint16], low: float = 0.3) -> LightField:
    luma = luma_of(values)
    return LightField(*guided(luma, (low + (1 - low) * luma).astype(np.float32)))


def test_a_flat_map_divides() -> None:
    values = np.array([[[10, 20, 200]]], np.uint8).repeat(4, 0).repeat(4, 1)
    flat = LightField(np.zeros((2, 2), np.float32), np.full((2, 2), 0.5, np.float32))
    np.testing.assert_array_equal(enhanced(values, flat, PLAIN)[0, 0], [20, 40, 255])
    half = replace(PLAIN, strength=0.5)
    np.testing.assert_array_equal(enhanced(values, flat, half)[0, 0], np.rint([10 * 2**0.5, 20 * 2**0.5, 255]))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_strength_nil_is_the_identity_bit_by_bit(bits: int, channels: int) -> None:
    values = photo(bits=bits, channels=channels)
    assert enhanced(values, field(values), replace(PLAIN, strength=0.0)) is values


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 900), st.integers(0, 100), st.floats(0, 1), st.floats(0, 1))
def test_bands_show_no_seam(band_px: int, seed: int, highlights: float, shadows: float) -> None:
    values = photo(seed=seed)
    options = EnhanceOptions(protect_highlights=highlights, protect_shadows=shadows)
    whole = enhanced(values, field(values), options, band_px=10**9)
    np.testing.assert_array_equal(enhanced(values, field(values), options, band_px=band_px), whole)


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1.3), st.floats(0, 1.3), st.floats(0, 1), st.floats(0, 1))
def test_more_strength_is_never_darker(one: float, other: float, highlights: float, shadows: float) -> None:
    values = photo(30, 40)
    options = EnhanceOptions(protect_highlights=highlights, protect_shadows=shadows)
    weak, strong = (
        enhanced(values, field(values), replace(options, strength=s)).astype(int) for s in sorted((one, other))
    )
    assert (strong >= weak).all()
    assert (weak >= values).all()


def test_protection() -> None:
    values = photo(bits=16)
    luma = luma_of(values)
    plain = enhanced(values, field(values), PLAIN).astype(int)
    bright = enhanced(values, field(values), replace(PLAIN, protect_highlights=1.0)).astype(int)
    dark = enhanced(values, field(values), replace(PLAIN, protect_shadows=1.0)).astype(int)
    assert np.abs(bright - plain)[luma < 0.49].max() <= 1  # of 65,535
    assert np.abs(dark - plain)[luma > 0.21].max() <= 1
    assert bright.mean() < plain.mean() and dark.mean() < plain.mean()
    assert abs(dark - values.astype(int))[luma < 0.02].max() <= 1


def test_smooth_step() -> None:
    np.testing.assert_allclose(
        smooth_step(np.array([0, 0.2, 0.3, 0.4, 1], np.float32), 0.2, 0.4), [0, 0, 0.5, 1, 1], atol=1e-6
    )


def test_sixteen_bits_and_eight_agree() -> None:
    deep = photo(bits=16)
    small = ((deep.astype(np.uint32) + 128) // 257).astype(np.uint8)
    same = field(deep)
    eight = enhanced(small, same, PLAIN).astype(float)
    sixteen = enhanced(deep, same, PLAIN) / 257
    assert np.abs(eight - sixteen).max() < 2.5


def test_cancel() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        enhanced(photo(), field(photo()), PLAIN, job=job)


def test_auto_gamma_meets_the_mean_or_leaves_a_bright_photo() -> None:
    luma = np.random.default_rng(3).random((40, 40)).astype(np.float32) * 0.3
    gamma = auto_gamma(luma)
    assert float((np.maximum(luma, 1e-3) ** gamma).mean()) == pytest.approx(TARGET_LUMA, abs=1e-3)
    assert auto_gamma(luma + 0.7) == pytest.approx(1.0, abs=1e-3)
    values = np.rint(luma[..., None].repeat(3, 2) * 255).astype(np.uint8)
    curve = field_of(values, "gamma", model=None)
    made = luma_of(enhanced(values, curve, PLAIN))
    expected = np.maximum(luma_of(values), 1e-3) ** auto_gamma(luma_of(values))
    assert np.abs(made - expected)[luma_of(values) > 0.02].max() < 0.01


def test_retinex_gives_light_where_it_is_dark() -> None:
    values = photo()
    light = retinex_light(values)
    assert light[luma_of(values) < 0.15].mean() < 0.55 < light[luma_of(values) > 0.7].mean()
    flat = retinex_light(np.full((30, 30, 3), 128, np.uint8))
    np.testing.assert_allclose(flat, (128 / 255) ** 0.4, atol=1e-3)


def test_networks_are_asked_for_their_methods_only() -> None:
    values = photo()
    with pytest.raises(ValueError, match="needs a network"):
        field_of(values, "rave", model=None)
    made = field_of(values, "rave", model=StubLight()).small(luma_of(values))
    assert np.abs(made - (0.3 + 0.7 * values.mean(axis=2) / 255)).mean() < 0.05
