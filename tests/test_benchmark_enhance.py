"""The benchmark of enhancement on pictures whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import enhance, enhance_dense, enhance_race


def test_psnr_of_known_errors() -> None:
    error = np.full((4, 4, 3), 0.1, np.float32)
    assert enhance.psnr(error) == pytest.approx(20, abs=1e-4)
    weight = np.zeros((4, 4))
    weight[0] = 1
    error[1:] = 0.5
    assert enhance.psnr(error, weight) == pytest.approx(20, abs=1e-4)


def pictures() -> list[np.ndarray]:
    ramp = np.linspace(0.3, 0.8, 60)[None, :, None] * np.ones((45, 1, 3))
    return [ramp.astype(np.float32), ramp[:, ::-1].astype(np.float32)]


def test_doing_nothing_gains_and_loses_nothing() -> None:
    rows = enhance.backlight_rows(pictures(), {"identity": lambda rgb: rgb, "gamma": enhance.way_of("gamma", None)})
    assert (rows[0].subject_gain, rows[0].background_loss, rows[0].total) == (0, 0, 0)
    assert rows[1].subject_gain > 0.5 and rows[1].background_loss > 0.5


def test_alignment_forgives_one_factor() -> None:
    pairs = [(picture * np.float32(0.5), picture) for picture in pictures()]
    assert enhance.aligned_psnr(pairs, lambda rgb: rgb) > 45


def test_the_bars_of_denoising_are_met() -> None:
    assert [row.is_met for row in enhance.measure_noise()] == [True, True]


def test_a_batch_is_dark_only_where_asked() -> None:
    good, dark = (
        enhance_race.batch(pictures(), 3, 16, np.random.default_rng(0), is_dark=kind) for kind in (False, True)
    )
    assert good.shape == dark.shape == (3, 3, 16, 16)
    assert dark.mean() < good.mean() - 0.05


class SumOfNeighbours:
    """A light whose value is a pixel's red and a third of its neighbours', so that a dilated twin can be written."""

    name, map_px = "stub", 5

    def light(self, rgb: np.ndarray, method: str, *, job: object = None) -> np.ndarray:
        return spread(rgb[..., 0].astype(np.float32) / 255, 1)


def spread(red: np.ndarray, apart: int) -> np.ndarray:
    wide = np.pad(red, ((0, 0), (apart, apart)), mode="edge")
    return 0.1 + 0.4 * red + 0.2 * (wide[:, : -2 * apart] + wide[:, 2 * apart :])


def test_phases_are_the_dilated_network() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (12, 15, 3)).astype(np.uint8)
    light = enhance_dense.dense_light(rgb, "rave", model=SumOfNeighbours(), ratio=3)
    means = np.rint(enhance_dense.sliding_mean(rgb.astype(np.float32), 3))[..., 0] / 255
    np.testing.assert_allclose(light[:, 3:-3], spread(means, 3)[:, 3:-3], atol=1e-6)
    with pytest.raises(ValueError, match="15 x 12"):
        enhance_dense.dense_light(rgb, "rave", model=SumOfNeighbours(), ratio=5)


def test_sliding_means_are_means_of_windows() -> None:
    values = np.random.default_rng(1).random((6, 7, 3)).astype(np.float32)
    means = enhance_dense.sliding_mean(values, 3)
    assert means.shape == values.shape
    np.testing.assert_allclose(means[2, 4], values[1:4, 3:6].mean((0, 1)), atol=1e-6)
    np.testing.assert_allclose(enhance_dense.sliding_mean(values[:1, :1], 5)[0, 0], values[0, 0], atol=1e-6)
