"""The loss against torch: value and derivative of L1 and SSIM as 3D Gaussian Splatting's code computes them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from demos.gaussians.fit_loss import blurred, l1_and_ssim, psnr_db, ssim
from demos.gaussians.scene import Floats


def _pictures(height: int = 23, width: int = 31) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(1)
    photo = rng.random((height, width, 3), np.float32)
    return np.clip(photo + rng.normal(0, 0.2, photo.shape).astype(np.float32), -0.2, 1.3), photo


def _slow_ssim(picture: torch.Tensor, photo: torch.Tensor) -> torch.Tensor:
    steps = torch.arange(-5, 6).double()
    bell = torch.exp(-(steps**2) / (2 * 1.5**2))
    bell = bell / bell.sum()
    window = (bell[:, None] * bell[None]).expand(3, 1, 11, 11)

    def blur(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv2d(x.permute(2, 0, 1)[None], window, padding=5, groups=3)

    mx, my = blur(picture), blur(photo)
    sx, sy = blur(picture * picture) - mx * mx, blur(photo * photo) - my * my
    both = blur(picture * photo) - mx * my
    top = (2 * mx * my + 0.01**2) * (2 * both + 0.03**2)
    return (top / ((mx * mx + my * my + 0.01**2) * (sx + sy + 0.03**2))).mean()


def test_ssim_and_its_derivative_are_those_of_autograd() -> None:
    picture, photo = _pictures()
    wanted = torch.tensor(picture).double().requires_grad_()
    likeness = _slow_ssim(wanted, torch.tensor(photo).double())
    likeness.backward()
    value, slope = ssim(picture, photo)
    assert value == pytest.approx(float(likeness.detach()), abs=1e-5)
    assert wanted.grad is not None
    np.testing.assert_allclose(slope, wanted.grad.numpy(), atol=2e-3 * float(wanted.grad.abs().max()))


def test_loss_is_the_weighted_sum() -> None:
    picture, photo = _pictures()
    value, slope = l1_and_ssim(picture, photo)
    likeness, by_picture = ssim(picture, photo)
    assert value == pytest.approx(0.8 * float(np.abs(picture - photo).mean()) + 0.2 * (1 - likeness), rel=1e-5)
    np.testing.assert_allclose(slope, 0.8 * np.sign(picture - photo) / photo.size - 0.2 * by_picture, atol=1e-9)


def test_equal_pictures_cost_nothing() -> None:
    _, photo = _pictures()
    value, slope = l1_and_ssim(photo, photo)
    assert value == pytest.approx(0, abs=1e-6)
    assert np.abs(slope).max() < 1e-6


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (40, 3), (17, 16)])
def test_blur_is_the_sum_over_the_window_with_zeros_outside(size: tuple[int, int]) -> None:
    from scipy.ndimage import correlate1d

    rng = np.random.default_rng(2)
    picture = rng.random((*size, 2), np.float32)
    steps = np.arange(-5, 6)
    bell = np.exp(-(steps**2) / (2 * 1.5**2))
    bell /= bell.sum()
    slow = correlate1d(correlate1d(picture.astype(np.float64), bell, 0, mode="constant"), bell, 1, mode="constant")
    np.testing.assert_allclose(blurred(picture), slow, atol=1e-6)


def test_psnr_of_a_known_error() -> None:
    assert psnr_db(np.full((4, 4, 3), 0.6, np.float32), np.full((4, 4, 3), 0.5, np.float32)) == pytest.approx(
        20, abs=1e-3
    )
