"""The backward pass against an autograd twin in float64 and against finite differences of the rasteriser itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from core.errors import Cancelled
from core.tasks import Job
from demos.gaussians import raster
from demos.gaussians.cameras import Camera, look_at
from demos.gaussians.colour import sh_basis
from demos.gaussians.fit_gradient import Gradients, differentiate
from demos.gaussians.scene import Floats, GaussianScene
from tests.demos.gaussians.scenes import random_scene

BACK = np.array((0.2, 0.5, 0.8), np.float32)
NAMES = ("means_xyz", "log_scales", "quats_wxyz", "opacity_logits", "sh")


@dataclass(frozen=True)
class Case:
    name: str
    degree: int
    count: int = 14
    log_scale: float = 1.0
    logit: float = 0.0


CASES = (
    Case("constant colours", 0),
    Case("degree 1", 1),
    Case("degree 3", 3, count=8),
    Case("small", 0, log_scale=-1.5),
    Case("large and faint", 1, log_scale=2.0, logit=-1.5),
    Case("opaque", 0, logit=2.0),
)


def _scene(case: Case) -> GaussianScene:
    scene = random_scene(case.count, degree=case.degree, seed=case.count)
    return replace(
        scene,
        means_xyz=scene.means_xyz * np.float32(0.6),
        log_scales=scene.log_scales * np.float32(0.4) + np.float32(case.log_scale - 1.0),
        opacity_logits=np.clip(scene.opacity_logits * np.float32(0.5) + np.float32(case.logit), -4, 3.5),
    )


def _camera() -> Camera:
    return look_at((0.5, -4.0, 1.0), (0, 0, 0), width=29, height=23)


def _target(camera: Camera) -> Floats:
    return np.random.default_rng(5).random((camera.height, camera.width, 3), np.float32)


def _half_square(target: Floats) -> Any:
    def loss(rgb: Floats) -> tuple[float, Floats]:
        off = rgb - target
        return float((off.astype(np.float64) ** 2).sum() / 2), off

    return loss


def twin_picture(parameters: dict[str, torch.Tensor], camera: Camera) -> torch.Tensor:
    """(H, W, 3): every pixel over all Gaussians in order of depth, by torch in float64."""
    rotation = torch.tensor(camera.world_to_cam[:3, :3])
    local = parameters["means_xyz"] @ rotation.T + torch.tensor(camera.world_to_cam[:3, 3])
    x, y, z = local.unbind(1)
    half = 0.5 * torch.tensor((camera.width / camera.fx, camera.height / camera.fy))
    kx = (x / z).clamp(-float(half[0]) * 1.3, float(half[0]) * 1.3)
    ky = (y / z).clamp(-float(half[1]) * 1.3, float(half[1]) * 1.3)
    nothing = torch.zeros_like(z)
    rows = [camera.fx / z, nothing, -camera.fx * kx / z, nothing, camera.fy / z, -camera.fy * ky / z]
    jacobian = torch.stack(rows, 1).reshape(-1, 2, 3) @ rotation
    w, a, b, c = (parameters["quats_wxyz"] / parameters["quats_wxyz"].norm(dim=1, keepdim=True)).unbind(1)
    turns = torch.stack(
        [
            *(1 - 2 * (b * b + c * c), 2 * (a * b - w * c), 2 * (a * c + w * b)),
            *(2 * (a * b + w * c), 1 - 2 * (a * a + c * c), 2 * (b * c - w * a)),
            *(2 * (a * c - w * b), 2 * (b * c + w * a), 1 - 2 * (a * a + b * b)),
        ],
        1,
    ).reshape(-1, 3, 3)
    spread = turns * parameters["log_scales"].exp()[:, None, :]
    covariance = jacobian @ spread @ spread.transpose(1, 2) @ jacobian.transpose(1, 2) + 0.3 * torch.eye(2)
    inverse = torch.linalg.inv(covariance)
    away = parameters["means_xyz"] - torch.tensor(camera.centre_xyz)
    colours = _twin_colours(parameters["sh"], away / away.norm(dim=1, keepdim=True))
    columns, lines = torch.meshgrid(torch.arange(camera.width), torch.arange(camera.height), indexing="xy")
    off = torch.stack([columns + 0.5, lines + 0.5], -1).reshape(-1, 1, 2).double() - torch.stack(
        [camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], 1
    )
    powers = torch.einsum("pni,nij,pnj->pn", off, inverse, off)
    alpha = (torch.sigmoid(parameters["opacity_logits"]) * (-0.5 * powers).exp()).clamp(max=0.99)
    alpha = torch.where(alpha >= 1 / 255, alpha, 0.0)
    order = torch.argsort(z)
    through = torch.cumprod(1 - alpha[:, order], 1)
    before = torch.cat([torch.ones_like(through[:, :1]), through[:, :-1]], 1)
    weights = torch.where(through >= 1e-4, alpha[:, order] * before, 0.0)
    picture = weights @ colours[order] + (1 - weights.sum(1, keepdim=True)) * torch.tensor(BACK).double()
    return picture.reshape(camera.height, camera.width, 3)


def _twin_colours(sh: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
    """max(0, 1/2 + sum_k Y_k sh_k); the basis' slope by automatic differences of the polynomials themselves."""
    degree = (1, 4, 9, 16).index(sh.shape[1])
    wide = directions.detach().numpy()
    step = 1e-5
    basis = torch.tensor(sh_basis(wide, degree))
    for axis in range(3):
        move = np.eye(3)[axis] * step
        slope = torch.tensor((sh_basis(wide + move, degree) - sh_basis(wide - move, degree)) / (2 * step))
        basis = basis + slope * (directions - directions.detach())[:, axis : axis + 1]
    return (torch.einsum("nk,nkc->nc", basis, sh) + 0.5).clamp(min=0)


def _found(scene: GaussianScene, camera: Camera) -> Gradients:
    return differentiate(scene, camera, _half_square(_target(camera)), background=BACK)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gradients_are_those_of_autograd(case: Case) -> None:
    scene, camera = _scene(case), _camera()
    parameters = {name: torch.tensor(getattr(scene, name)).double().requires_grad_() for name in NAMES}
    picture = twin_picture(parameters, camera)
    loss = ((picture - torch.tensor(_target(camera)).double()) ** 2).sum() / 2
    loss.backward()
    found = _found(scene, camera)
    np.testing.assert_allclose(found.rgb, picture.detach().numpy(), atol=2e-4)
    for name in NAMES:
        expected = parameters[name].grad
        assert expected is not None and expected.abs().max() > 1e-3
        wanted = expected.numpy()
        np.testing.assert_allclose(getattr(found, name), wanted, atol=4e-3 * np.abs(wanted).max(), err_msg=name)


def test_gradients_agree_with_finite_differences_of_the_rasteriser() -> None:
    scene, camera = _scene(CASES[1]), _camera()
    target = _target(camera)
    found = _found(scene, camera)

    def value(changed: GaussianScene) -> float:
        return _half_square(target)(raster.render(changed, camera, background=BACK).rgb)[0]

    rng = np.random.default_rng(3)
    for name in NAMES:
        slope = getattr(found, name)
        direction = slope / np.linalg.norm(slope) + 0.1 * rng.normal(size=slope.shape).astype(np.float32) / slope.size
        step = np.float32(2e-2 / np.linalg.norm(direction))
        there, back = (
            value(replace(scene, **{name: getattr(scene, name) + sign * step * direction})) for sign in (1, -1)
        )
        assert (there - back) / (2 * float(step)) == pytest.approx(float((slope * direction).sum()), rel=0.08), (
            name
        )  # the 1/255 cut moves, too


def test_picture_is_the_rasterisers_and_weights_are_the_views() -> None:
    scene, camera = _scene(CASES[3]), _camera()
    found = _found(scene, camera)
    drawn = raster.render(scene, camera, background=BACK)
    assert np.array_equal(found.rgb, drawn.rgb)
    assert found.weights.sum() == pytest.approx(float(drawn.alpha.sum()), rel=1e-5)


def test_number_of_threads_does_not_change_a_bit() -> None:
    scene, camera = random_scene(400, degree=1, seed=4), _camera()
    loss = _half_square(_target(camera))
    one, three = (differentiate(scene, camera, loss, background=BACK, threads=n) for n in (1, 3))
    for name in (*NAMES, "centres_px", "weights"):
        assert np.array_equal(getattr(one, name), getattr(three, name)), name


def test_hidden_gaussians_have_no_gradient() -> None:
    scene = _scene(CASES[0])
    behind = replace(scene, means_xyz=scene.means_xyz - np.array((0, 40, 0), np.float32))
    found = _found(behind, _camera())
    assert all(not getattr(found, name).any() for name in NAMES)


def test_cancel_is_heard() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        differentiate(_scene(CASES[0]), _camera(), _half_square(_target(_camera())), background=BACK, job=job)
