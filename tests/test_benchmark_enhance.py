"""The benchmark of enhancement on pictures whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import enhance, enhance_race, enhance_whole


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


class OneLight:
    """A light that is the same everywhere, or depends on how many pixels it is asked about."""

    name, map_px = "stub", 5

    def __init__(self, whole: float) -> None:
        self.whole = whole

    def light(self, rgb: np.ndarray, method: str, *, job: object = None) -> np.ndarray:
        return np.full(rgb.shape[:2], 0.8 if max(rgb.shape) <= self.map_px else self.whole, np.float32)


@pytest.mark.parametrize(("whole", "least", "most"), [(0.8, 50, 200), (1.0, 15, 21)])
def test_agreement_is_between_small_copy_and_whole_photo(whole: float, least: float, most: float) -> None:
    model = OneLight(whole)
    rows, pixel_s = enhance_whole.measure_whole(pictures(), "rave", model, enhance.way_of("rave", model))
    assert [("well-lit" in row.name, "backlit" in row.name) for row in rows] == [(True, False), (False, True)]
    assert least < rows[0].ours < most and rows[0].is_met is (least > 31) and pixel_s > 0


def test_half_of_the_whole_photos_have_a_subject_in_the_dark() -> None:
    kinds = enhance_whole.as_given_and_backlit(pictures())
    assert [kind for kind, _ in kinds] == ["well-lit", "backlit"] * 2
    assert all(dark.mean() < lit.mean() for (_, lit), (_, dark) in zip(kinds[::2], kinds[1::2], strict=True))
