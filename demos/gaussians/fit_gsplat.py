"""The fit's other engine: gsplat draws, torch differentiates, on CUDA (Ye et al. 2025, arXiv:2409.06765)."""

from __future__ import annotations

import numpy as np

from core.device import exclusive, gpu
from core.errors import ModelUnavailable
from core.tasks import Job
from demos.gaussians.cameras import Camera
from demos.gaussians.fit_gradient import Gradients, Loss
from demos.gaussians.raster import NEAR
from demos.gaussians.raster_gsplat import BLUR_PX2, _gsplat, intrinsics
from demos.gaussians.scene import Floats, GaussianScene


def is_there() -> bool:
    """Whether gsplat and CUDA can be had here."""
    try:
        _gsplat()
    except ModelUnavailable:
        return False
    return True


def differentiate_on_cuda(
    scene: GaussianScene, camera: Camera, loss: Loss, background: Floats, job: Job | None
) -> Gradients:
    """See :func:`demos.gaussians.fit_gradient.differentiate`; alpha is cut at 0.999, not at 0.99.

    Raises:
        ModelUnavailable: there is no CUDA, or gsplat does not run on it.
        Cancelled: ``job`` was cancelled before the drawing began.
    """
    _gsplat()
    if job is not None:
        job.check()
    with exclusive("cuda", job):
        return _differentiate(scene, camera, loss, background)


@gpu
def _differentiate(scene: GaussianScene, camera: Camera, loss: Loss, background: Floats) -> Gradients:
    import torch

    gsplat = _gsplat()
    names = ("means_xyz", "log_scales", "quats_wxyz", "opacity_logits", "sh")
    held = {name: torch.from_numpy(getattr(scene, name)).to("cuda").requires_grad_() for name in names}
    eye = torch.as_tensor(camera.centre_xyz, dtype=torch.float32, device="cuda")
    colours = gsplat.spherical_harmonics(scene.degree, held["means_xyz"] - eye, held["sh"])
    drawn, alpha, found = gsplat.rasterization(
        *(held["means_xyz"], held["quats_wxyz"], held["log_scales"].exp(), held["opacity_logits"].sigmoid()),
        (colours + 0.5).clamp_min(0),
        torch.as_tensor(camera.world_to_cam, dtype=torch.float32, device="cuda")[None],
        torch.from_numpy(intrinsics(camera)).to("cuda")[None],
        *(camera.width, camera.height),
        near_plane=NEAR,
        eps2d=BLUR_PX2,
        packed=False,
    )
    centres = found["means2d"]
    centres.retain_grad()
    rgb = drawn[0] + (1 - alpha[0]) * torch.from_numpy(background).to("cuda")
    picture = rgb.detach().cpu().numpy()
    value, slope = loss(picture)
    rgb.backward(torch.from_numpy(np.ascontiguousarray(slope)).to("cuda"))
    slopes = {name: tensor.grad.cpu().numpy() for name, tensor in held.items() if tensor.grad is not None}
    seen = (found["radii"][0] > 0).all(dim=-1).float().cpu().numpy()
    return Gradients(**slopes, centres_px=centres.grad[0].cpu().numpy(), weights=seen, value=value, rgb=picture)
