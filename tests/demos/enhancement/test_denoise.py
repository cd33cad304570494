"""Noise of lifted shadows: by the filter and by a model whose answer is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import InputError
from core.light_field import LightField
from core.tasks import Job
from demos.enhancement.denoise import denoised, noise_of
from demos.enhancement.light_map import enhanced
from demos.enhancement.options import EnhanceOptions

OPTIONS = EnhanceOptions(protect_highlights=0.0, denoise=1.0)
Floats = NDArray[np.float32]


class Flat:
    """A denoiser that makes everything grey and remembers how much noise it was told of."""

    name = "flat"

    def __init__(self) -> None:
        self.told: list[Floats] = []

    def cleaned(
        self, read: Callable[[slice], tuple[Floats, Floats]], height: int, width: int, *, job: Job | None = None
    ) -> Iterator[tuple[slice, Floats]]:
        for top in range(0, height, 10):
            rows = slice(top, min(top + 10, height))
            pixels, sigma = read(rows)
            self.told.append(sigma)
            yield rows, np.full_like(pixels, 0.5)


def half_lit(value: float = 0.25) -> LightField:
    """Light is missing on the left half only."""
    return LightField(np.zeros((2, 2), np.float32), np.array([[value, 1.0]] * 2, np.float32))


def noisy(channels: int = 3) -> NDArray[np.uint8]:
    values = np.random.default_rng(0).normal(25, 4, (32, 400, channels))
    return np.clip(values, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_model_is_told_the_lifted_noise_and_changes_only_what_was_lifted(channels: int) -> None:
    given, model = noisy(channels), Flat()
    lifted = enhanced(given, half_lit(), OPTIONS)
    found = denoised(lifted, given, half_lit(), OPTIONS, sigma=0.01, model=model)
    told = np.concatenate(model.told)
    assert told.shape == (32, 400)
    np.testing.assert_allclose(told[:, :90], 0.04, rtol=1e-3)  # lifted four times
    assert (told[:, 310:] == 0).all()
    # three quarters of the way to what the model says: the noise that was there before stays
    expected = lifted[:, :90] + 0.75 * (127.5 - lifted[:, :90].astype(float))
    np.testing.assert_allclose(found[:, :90], expected, atol=0.51)
    np.testing.assert_array_equal(found[:, 310:], lifted[:, 310:])


def test_without_noise_or_wish_nothing_is_asked() -> None:
    given, model = noisy(), Flat()
    lifted = enhanced(given, half_lit(), OPTIONS)
    assert denoised(lifted, given, half_lit(), OPTIONS, sigma=0.0, model=model) is lifted
    off = EnhanceOptions(denoise=0.0)
    assert denoised(lifted, given, half_lit(), off, sigma=0.05, model=model) is lifted
    assert model.told == []


def test_the_noise_of_a_flat_picture_is_found() -> None:
    assert noise_of(noisy()) == pytest.approx(4 / 255, rel=0.1)
    assert noise_of(np.full((40, 40, 3), 30, np.uint8)) == 0


def test_an_unknown_denoiser_is_a_sentence() -> None:
    with pytest.raises(InputError, match="no denoiser called .magic.; choose one of diffusion, filter"):
        EnhanceOptions(denoiser="magic").check()  # type: ignore[arg-type]
