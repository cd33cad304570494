"""The CUDA backend: gsplat (Ye et al. 2025, arXiv:2409.06765, Apache-2.0) behind the interface of raster.

gsplat has no CPU path and, where no binary fits the torch at hand, compiles itself at its first use (minutes, needs a
CUDA toolkit). torch and gsplat are imported inside functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from core.device import exclusive, gpu
from core.errors import ModelUnavailable
from core.tasks import Job
from demos.gaussians.cameras import Camera
from demos.gaussians.raster import Rendered
from demos.gaussians.scene import Floats, GaussianScene

if TYPE_CHECKING:
    import torch

BLUR_PX2 = 0.3

_on_device: WeakKeyDictionary[GaussianScene, dict[str, torch.Tensor]] = WeakKeyDictionary()


def render_on_cuda(
    scene: GaussianScene,
    camera: Camera,
    *,
    features: Floats | None,
    background: Floats,
    near: float,
    job: Job | None = None,
) -> Rendered:
    """See :func:`demos.gaussians.raster.render`; a scene stays on the device as long as it lives.

    Raises:
        ModelUnavailable: there is no CUDA, or gsplat does not run on it.
        Cancelled: ``job`` was cancelled before the drawing began.
    """
    gsplat = _gsplat()
    if job is not None:
        job.step("running", note="drawing on CUDA")
    with exclusive("cuda", job):
        try:
            return _draw(gsplat, scene, camera, features, background, near)
        except (ImportError, OSError, RuntimeError) as error:
            words = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise ModelUnavailable(
                f"gsplat cannot draw on this CUDA device: {words[:200].rstrip('.')}; take the CPU backend."
            ) from error


def _gsplat() -> Any:
    """The library, if it can be of use here."""
    import torch

    if not torch.cuda.is_available():
        raise ModelUnavailable("gsplat draws on CUDA, and torch sees no CUDA device; take the CPU backend.")
    try:
        import gsplat
    except (ImportError, OSError, RuntimeError) as error:
        raise ModelUnavailable(f"gsplat cannot be imported ({str(error)[:200]}); run `make install`.") from error
    return gsplat


def tensors(scene: GaussianScene, device: str) -> dict[str, torch.Tensor]:
    """The scene as gsplat wants it: means, quats wxyz, scales, opacities, and sh, all float32."""
    import torch

    arrays = {
        "means": scene.means_xyz,
        "quats": scene.quats_wxyz,
        "scales": scene.scales,
        "opacities": scene.opacities,
        "sh": scene.sh,
    }
    return {name: torch.from_numpy(np.ascontiguousarray(array)).to(device) for name, array in arrays.items()}


def intrinsics(camera: Camera) -> Floats:
    """K, (3, 3): gsplat's pixel centres lie at half pixels, as ours."""
    return np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]], np.float32)


@gpu
def _draw(
    gsplat: Any, scene: GaussianScene, camera: Camera, features: Floats | None, background: Floats, near: float
) -> Rendered:
    """One call of gsplat: RGB and features as channels, mean depth as the last."""
    import torch

    with torch.inference_mode():
        held = _on_device.get(scene)
        if held is None:
            held = _on_device[scene] = tensors(scene, "cuda")
        eye = torch.as_tensor(camera.centre_xyz, dtype=torch.float32, device="cuda")
        colours = gsplat.spherical_harmonics(scene.degree, held["means"] - eye, held["sh"])  # makes directions unit
        channels = [(colours + 0.5).clamp_min(0)]
        if features is not None:
            channels.append(torch.from_numpy(np.ascontiguousarray(features, np.float32)).to("cuda"))
        drawn, alpha, found = gsplat.rasterization(
            *(held["means"], held["quats"], held["scales"], held["opacities"], torch.cat(channels, dim=1)),
            torch.as_tensor(camera.world_to_cam, dtype=torch.float32, device="cuda")[None],
            torch.from_numpy(intrinsics(camera)).to("cuda")[None],
            *(camera.width, camera.height),
            near_plane=near,
            eps2d=BLUR_PX2,
            packed=False,
            render_mode="RGB+ED",
        )
        seen = alpha[0, ..., 0]
        rgb = drawn[0, ..., :3] + (1 - seen[..., None]) * torch.from_numpy(background).to("cuda")
        depth = torch.where(seen > 0, drawn[0, ..., -1], torch.inf)
        maps = None if features is None else drawn[0, ..., 3:-1].contiguous().cpu().numpy()
        visible = int((found["radii"] > 0).all(dim=-1).sum())
        return Rendered(rgb.cpu().numpy(), seen.cpu().numpy(), depth.cpu().numpy(), maps, visible)
