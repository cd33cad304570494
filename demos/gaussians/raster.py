"""Pictures of Gaussians: one interface, two backends, the conventions of 3D Gaussian Splatting.

The CPU backend is ours (raster_project, raster_bins, raster_tiles: numba, compiled at the first use in a machine's
life, see :func:`prepare`); the CUDA backend is gsplat (raster_gsplat).

Conventions (Kerbl et al. 2023, arXiv:2308.04079, and its code): pixel centres at half pixels; 0.3 on the diagonal of
the projected covariance; alpha at most 0.99, skipped below 1/255; a pixel ends before T would fall below 1e-4; what is
nearer than 0.2 is not drawn; colours are cut off at 0, never at 1. Two that differ between 3DGS's own rasteriser and
gsplat: an ellipse ends where its alpha does, not at three sigmas (as in gsplat); alpha's limit is 0.99, gsplat's 0.999.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.shared_work import SharedWork
from core.tasks import Job
from demos.gaussians.cameras import Camera
from demos.gaussians.raster_sheets import SHEETS
from demos.gaussians.raster_threads import share, thread_count
from demos.gaussians.scene import BLACK, Floats, GaussianScene

if TYPE_CHECKING:
    from demos.gaussians.raster_frame import Frame, Part

Backend = Literal["cpu", "gsplat"]
NEAR = 0.2  # 3DGS's; in world units
MAX_FEATURES = 64  # channels in one pass; beyond 16 they outgrow the first cache

_loading: SharedWork[None] = SharedWork()


@dataclass(frozen=True, eq=False)
class Rendered:
    """A picture of a scene.

    Attributes:
        rgb: (H, W, 3) float32 over the background; at least 0, may exceed 1.
        alpha: (H, W) float32 in [0, 1): the sum of the weights w of a pixel.
        depth: (H, W) float32, mean depth along the viewing direction weighted by w; inf where alpha is 0.
        features: (H, W, F) float32, sum of w times the Gaussians' features, over nothing; None if there are none.
        visible: Number of Gaussians that reach a pixel, hidden ones among them.
    """

    rgb: Floats
    alpha: Floats
    depth: Floats
    features: Floats | None
    visible: int


def render(
    scene: GaussianScene,
    camera: Camera,
    *,
    features: Floats | None = None,
    background: ArrayLike = BLACK,
    backend: Backend = "cpu",
    near: float = NEAR,
    threads: int | None = None,
    job: Job | None = None,
) -> Rendered:
    """Draw a scene.

    Args:
        scene: The Gaussians, finite numbers; those whose projection overflows are left out.
        camera: The camera.
        features: (N, F) float32, F up to MAX_FEATURES: drawn like colours, over nothing.
        background: (3,) RGB.
        backend: ``"cpu"`` or ``"gsplat"`` (CUDA); their pictures differ by less than 1e-2.
        near: Depth in world units below which nothing is drawn.
        threads: Threads of the CPU backend; all processors by default. The picture does not depend on it, bit by bit.
        job: Asked for Cancel about every 10 ms of work.

    Raises:
        InputError: the picture is empty or too large.
        ModelUnavailable: gsplat was asked for and there is no CUDA.
        Cancelled: ``job`` was cancelled.
        ValueError: features or background have another shape.
    """
    behind = np.asarray(background, np.float32)
    if behind.shape != (3,):
        raise ValueError(f"background must be (3,), not {behind.shape}")
    if features is not None and (features.ndim != 2 or len(features) != len(scene) or not features.shape[1]):
        raise ValueError(f"features must be ({len(scene)}, F), not {features.shape}")
    if features is not None and features.shape[1] > MAX_FEATURES:
        raise ValueError(f"features may have {MAX_FEATURES} channels, not {features.shape[1]}")
    if backend == "gsplat":
        from demos.gaussians.raster_gsplat import render_on_cuda

        return render_on_cuda(scene, camera, features=features, background=behind, near=near, job=job)
    if backend != "cpu":
        raise ValueError(f"backend must be 'cpu' or 'gsplat', not {backend!r}")
    frame = make_frame(scene, camera, near=near, threads=threads, job=job)
    return _draw(frame, features, behind, job)


def prepare(job: Job | None = None) -> None:
    """Load the compiled loops: half a second from the cache, about ten the first time on a machine.

    Any number may ask at a time; one thread works. An app calls this in the background while a scene is read, so that
    the first picture does not wait.

    Raises:
        Cancelled: ``job`` was cancelled; the loading goes on if others wait for it.
    """
    if "demos.gaussians.raster_csr" not in sys.modules:
        _loading.run("loops", _load, job=job)


def _load(job: Job) -> None:
    job.step("loading", note="compiling the rasteriser, once on this machine")
    import demos.gaussians.raster_frame
    import demos.gaussians.raster_tiles

    job.check()
    import demos.gaussians.raster_csr  # noqa: F401 - last: its presence says that all are


def make_frame(
    scene: GaussianScene, camera: Camera, *, near: float = NEAR, threads: int | None = None, job: Job | None = None
) -> Frame:
    """Project, sort and bin a scene for the CPU backend; see raster_frame.

    Raises:
        InputError: the picture is empty or too large.
        Cancelled: ``job`` was cancelled.
    """
    prepare(job)
    from demos.gaussians import raster_frame

    return raster_frame.make_frame(scene, camera, near=near, threads=threads or thread_count(), job=job)


def _draw(frame: Frame, features: Floats | None, behind: NDArray[np.float32], job: Job | None) -> Rendered:
    """Blend the splats of a frame."""
    from demos.gaussians.raster_tiles import FEATURE_STEP, blend_tiles

    height, width = frame.camera.height, frame.camera.width
    channels = 0 if features is None else features.shape[1]
    rows = _padded(features, -(-channels // FEATURE_STEP) * FEATURE_STEP)
    rgb, alpha = SHEETS.take(height, width, 3), SHEETS.take(height, width)
    depth, feature_map = SHEETS.take(height, width), SHEETS.take(height, width, channels)
    for part in frame.parts(job):

        def blend(i: int, part: Part = part) -> None:
            blend_tiles(
                frame.splats.reshape(-1),
                rows.reshape(-1),
                rows.shape[1],
                part.entries,
                part.starts,
                part.pieces[i],
                frame.tile_columns,
                behind,
                rgb,
                alpha,
                depth,
                feature_map,
            )

        share(blend, len(part.pieces), threads=frame.threads, job=job)
    return Rendered(rgb, alpha, depth, None if features is None else feature_map, len(frame.order))


def _padded(features: Floats | None, width: int) -> Floats:
    """(N, width) float32, zeros in the channels that the features do not have."""
    if features is None:
        return np.empty((0, 0), np.float32)
    if features.shape[1] == width:
        return np.require(features, np.float32, ["C", "A"])
    rows = np.zeros((len(features), width), np.float32)
    rows[:, : features.shape[1]] = features
    return rows
