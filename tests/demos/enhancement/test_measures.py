"""Histograms, clip counts and tone curves of pictures whose numbers are known; noise that was put in is found."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import Cancelled
from core.light_field import LightField
from core.tasks import Job
from demos.enhancement.denoise import denoised, noise_of
from demos.enhancement.light_map import enhanced
from demos.enhancement.measures import tone_curve, tones_of
from demos.enhancement.options import EnhanceOptions

HALF = LightField(np.zeros((2, 2), np.float32), np.full((2, 2), 0.25, np.float32))
PLAIN = EnhanceOptions(protect_highlights=0.0, denoise=1.0)


def test_tones_of_known_pixels() -> None:
    values = np.zeros((2, 4, 3), np.uint8)
    values[0, 0] = 255
    values[0, 1] = (255, 0, 0)
    values[1] = 128
    tones = tones_of(values)
    assert (tones.pixels, tones.clipped_high, tones.clipped_low) == (8, 2, 2)
    assert tones.clipped == pytest.approx(0.5)
    assert tones.histogram[128] == 4 and tones.histogram[0] == 2 and tones.histogram[255] == 1
    assert tones.mean_luma == pytest.approx((1 + 0.299 + 4 * 128 / 255) / 8, abs=1e-5)


def test_sixteen_bits_count_their_own_ends() -> None:
    values = np.array([[[65_535], [255], [0]]], np.uint16)
    tones = tones_of(values)
    assert (tones.clipped_high, tones.clipped_low) == (1, 1)


def test_the_tone_curve_of_a_known_curve() -> None:
    before = np.random.default_rng(0).random((60, 80)).astype(np.float32)
    curve = tone_curve(before, before**0.5)
    known = ~np.isnan(curve[:, 1])
    assert known.sum() > 200
    np.testing.assert_allclose(curve[known, 1], curve[known, 0] ** 0.5, atol=0.03)
    assert np.isnan(tone_curve(np.full(9, 0.5), np.full(9, 0.5))[0, 1])


def noisy(sigma: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(160), np.arange(120))
    clean = 0.12 + 0.05 * np.sin(x / 14) + 0.04 * (x > 80) + 0.03 * (y > 60)
    rgb = np.repeat(clean[..., None], 3, 2)
    given = np.rint(np.clip(rgb + rng.normal(0, sigma, rgb.shape), 0, 1) * 65_535).astype(np.uint16)
    return np.rint(rgb * 65_535).astype(np.uint16), given


@pytest.mark.parametrize("sigma", [0.0, 0.005, 0.02])
def test_noise_that_was_put_in_is_found(sigma: float) -> None:
    assert noise_of(noisy(sigma)[1]) == pytest.approx(sigma, rel=0.15, abs=3e-4)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    error = (one.astype(float) - other.astype(float)) / 65_535
    return float(-10 * np.log10(np.mean(error**2) + 1e-12))


def test_denoising_gains_on_noise_and_leaves_what_has_none() -> None:
    clean, given = noisy(0.02)
    wanted, lifted = enhanced(clean, HALF, PLAIN), enhanced(given, HALF, PLAIN)
    cleaned = denoised(lifted, given, HALF, PLAIN, sigma=noise_of(given))
    assert psnr(cleaned, wanted) - psnr(lifted, wanted) >= 1.0
    untouched = denoised(wanted, clean, HALF, PLAIN, sigma=noise_of(clean))
    assert psnr(untouched, wanted) >= 45
    assert denoised(lifted, given, HALF, EnhanceOptions(denoise=0.0), sigma=0.1) is lifted


def test_denoising_in_bands_shows_no_seam() -> None:
    _, given = noisy(0.02)
    lifted = enhanced(given, HALF, PLAIN)
    whole = denoised(lifted, given, HALF, PLAIN, sigma=0.02, band_px=10**9).astype(int)
    parts = denoised(lifted, given, HALF, PLAIN, sigma=0.02, band_px=900).astype(int)
    assert np.abs(whole - parts).max() <= 2  # of 65,535: sums start elsewhere


def test_denoising_hears_cancel() -> None:
    job = Job()
    job.cancel()
    _, given = noisy(0.02)
    with pytest.raises(Cancelled):
        denoised(given, given, HALF, PLAIN, sigma=0.02, job=job)
