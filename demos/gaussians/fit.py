"""From posed photos to Gaussians: 3D Gaussian Splatting's optimisation, small enough for a CPU.

What is small about it: hundreds to a few thousand iterations in place of 30,000, photos made smaller (half as small
again at first), tens of thousands of Gaussians, spherical harmonics up to degree 1 unless told otherwise.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.tasks import Job
from demos.gaussians import raster
from demos.gaussians.cameras import Camera
from demos.gaussians.fit_gradient import Gradients, Loss, differentiate
from demos.gaussians.fit_loss import l1_and_ssim, psnr_db
from demos.gaussians.fit_seeds import agreeing_places, backdrop, common_view, far_places, from_places
from demos.gaussians.fit_state import FitState
from demos.gaussians.photos import Photo
from demos.gaussians.scene import Floats, GaussianScene

Engine = Literal["auto", "cpu", "gsplat"]
MAX_ITERATIONS: Final = 30_000
MAX_GAUSSIANS: Final = 1_000_000
_COARSE_SHARE: Final = 0.35  # of the iterations are done on photos of half the size
_DENSIFY: Final = (0.10, 0.65)  # of the iterations: between these Gaussians are added
_DENSIFY_ROUNDS: Final = 9
_PRUNE_AT: Final = 0.85
_FAR_SHARE: Final = 0.05  # of the seeds stand for what lies beyond the scene
_KEPT_EVERY: Final = 100  # iterations between two checkpoints
_SHOWN_EVERY_S: Final = 2.0
_FULL_RUN: Final = 7_000  # iterations from which on 3DGS's own rate of the places is enough


@dataclass(frozen=True)
class FitOptions:
    """How to optimise.

    Attributes:
        iterations: Views looked at; each takes some 0.1 to 0.4 CPU-seconds at the other defaults.
        longest_px: Longer side of the photos.
        gaussians: Most Gaussians.
        seeds: Gaussians to start from where the photos bring no points.
        degree: Of the spherical harmonics, 0 to 3.
        seed: Of everything random.
        engine: "gsplat" needs CUDA; "auto" takes it where it is.
    """

    iterations: int = 1_500
    longest_px: int = 400
    gaussians: int = 40_000
    seeds: int = 12_000
    degree: int = 1
    seed: int = 0
    engine: Engine = "auto"

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            InputError: a value is not among those allowed; one sentence.
        """
        ranges = (
            ("number of iterations", self.iterations, 1, MAX_ITERATIONS),
            ("photos' longer side in pixels", self.longest_px, 32, 1_600),
            ("number of Gaussians", self.gaussians, 16, MAX_GAUSSIANS),
            ("number of seeds", self.seeds, 16, MAX_GAUSSIANS),
            ("degree of the spherical harmonics", self.degree, 0, 3),
        )
        for what, given, least, most in ranges:
            if not least <= given <= most:
                raise InputError(f"The {what} is {given:,}; it must be from {least:,} to {most:,}.")


@dataclass(frozen=True, eq=False)
class Preview:
    """What a fit looks like by now: (H, W, 3) uint8 of the first photo's view."""

    rgb: NDArray[np.uint8]
    iteration: int
    gaussians: int


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted scene.

    Attributes:
        scene: The Gaussians.
        background: (3,) float32 RGB that it was drawn over.
        psnr_db: Mean over the last round of training views, each when it was last looked at.
        iterations: Done.
        cpu_s: Process CPU time of this run; a resumed one counts from where it went on.
        notes: Sentences about choices that were made.
    """

    scene: GaussianScene
    background: Floats
    psnr_db: float
    iterations: int
    cpu_s: float
    notes: tuple[str, ...]


def fit(
    photos: Sequence[Photo],
    options: FitOptions | None = None,
    *,
    points_xyz: Floats | None = None,
    points_rgb: NDArray[np.uint8] | None = None,
    preview: Callable[[Preview], None] | None = None,
    checkpoint: Path | None = None,
    job: Job | None = None,
) -> Fit:
    """Optimise Gaussians so that they look like the photos.

    Args:
        photos: At least 3, of any sizes.
        options: How; None takes the defaults.
        points_xyz: (P, 3) sparse points to start from; None or few: places where the photos agree.
        points_rgb: (P, 3) uint8 their colours.
        preview: Called about every two seconds.
        checkpoint: File to go on from if it is there, and to write now and then.
        job: Told the share of the work done; asked for Cancel about every 10 ms.

    Raises:
        InputError: options that cannot be, photos from one spot, or a checkpoint of another run.
        ModelUnavailable: gsplat was asked for and there is no CUDA.
        Cancelled: ``job`` was cancelled; the checkpoint stays.
    """
    options = options or FitOptions()
    options.check()
    started_s = time.process_time()
    fine = [photo.resized(options.longest_px) for photo in photos]
    coarse = [photo.resized(max(32, options.longest_px // 2)) for photo in fine]
    plain = backdrop(coarse)
    background = np.zeros(3, np.float32) if plain is None else plain
    mark = _mark(fine, options)
    if checkpoint is not None and checkpoint.exists():
        state, done = FitState.load(checkpoint, mark=mark)
    else:
        state, done = _begin(fine, options, points_xyz, points_rgb, plain, job), 0
    run = _Run(options, fine, coarse, background, preview, checkpoint, mark, job)
    psnr = run.go(state, done)
    note = "The backdrop is plain and left out of the scene." if plain is not None else ""
    cpu_s = time.process_time() - started_s
    return Fit(state.scene.validated(), background, psnr, options.iterations, cpu_s, (note,) if note else ())


@dataclass
class _Run:
    """One run of the optimiser: everything that does not change in it."""

    options: FitOptions
    fine: list[Photo]
    coarse: list[Photo]
    background: Floats
    preview: Callable[[Preview], None] | None
    checkpoint: Path | None
    mark: str
    job: Job | None

    def go(self, state: FitState, done: int) -> float:
        """Iterate to the end; mean PSNR of the last round of views."""
        options, quality = self.options, dict[int, float]()
        engine = engine_of(options.engine)
        rounds = set(np.linspace(*_DENSIFY, _DENSIFY_ROUNDS).__mul__(options.iterations).round().astype(int).tolist())
        haste = min(4.0, max(1.0, (_FULL_RUN / options.iterations) ** 0.5))
        shown_s, finished = time.monotonic(), done
        try:
            for iteration, view in self._views(done):
                photo = (self.coarse if self._is_coarse(iteration) else self.fine)[view]
                slopes = engine(state.scene, photo.camera, _loss_against(photo.floats), self.background, self.job)
                state.step(slopes, iteration / options.iterations, haste=haste)
                quality[view] = psnr_db(slopes.rgb, photo.floats)
                if iteration and iteration in rounds:
                    state.densify(options.gaussians, np.random.default_rng((options.seed, iteration)))
                elif iteration == round(_PRUNE_AT * options.iterations):
                    state.prune()
                finished = iteration + 1
                self._report(finished, len(state.scene), quality)
                if finished % _KEPT_EVERY == 0:
                    self._keep(state, finished)
                if self.preview is not None and time.monotonic() - shown_s >= _SHOWN_EVERY_S:
                    self.preview(self._shown(state.scene, finished))
                    shown_s = time.monotonic()
        finally:  # whoever stops it, and whatever follows it, finds it as far as it came
            if finished % _KEPT_EVERY:
                self._keep(state, finished)
        if self.preview is not None:
            self.preview(self._shown(state.scene, options.iterations))
        return float(np.mean(list(quality.values()) or [self._psnr(state.scene, photo) for photo in self.fine]))

    def _keep(self, state: FitState, done: int) -> None:
        if self.checkpoint is not None:
            state.save(self.checkpoint, mark=self.mark, done=done)

    def _views(self, done: int) -> Iterator[tuple[int, int]]:
        """(iteration, view): every view once a round, in an order that a resumed run finds again."""
        count = len(self.fine)
        order: list[int] = []
        for iteration in range(done, self.options.iterations):
            if iteration % count == 0 or not order:
                order = np.random.default_rng((self.options.seed, iteration // count)).permutation(count).tolist()
            yield iteration, order[iteration % count]

    def _is_coarse(self, iteration: int) -> bool:
        return iteration < _COARSE_SHARE * self.options.iterations

    def _report(self, done: int, count: int, quality: dict[int, float]) -> None:
        """Progress by work, not by iterations: those on small photos take a quarter."""
        if self.job is None:
            return
        coarse = round(_COARSE_SHARE * self.options.iterations)
        total = coarse / 4 + self.options.iterations - coarse
        share = min(done, coarse) / 4 + max(0, done - coarse)
        recent = np.mean(list(quality.values())[-16:])
        note = f"iteration {done:,} of {self.options.iterations:,}, {count:,} Gaussians, {recent:.1f} dB"
        self.job.step("running", 100 * share / total, 100, unit="%", note=note)

    def _psnr(self, scene: GaussianScene, photo: Photo) -> float:
        drawn = raster.render(scene, photo.camera, background=self.background, job=self.job)
        return psnr_db(drawn.rgb, photo.floats)

    def _shown(self, scene: GaussianScene, iteration: int) -> Preview:
        drawn = raster.render(scene, self.coarse[0].camera, background=self.background, job=self.job)
        rgb = (np.clip(drawn.rgb, 0, 1) * 255 + 0.5).astype(np.uint8)
        return Preview(rgb, iteration, len(scene))


def _begin(
    photos: list[Photo],
    options: FitOptions,
    points_xyz: Floats | None,
    points_rgb: NDArray[np.uint8] | None,
    plain: Floats | None,
    job: Job | None,
) -> FitState:
    """Gaussians to start from."""
    region = common_view([photo.camera for photo in photos])
    rng = np.random.default_rng((options.seed, 1))
    most = min(options.seeds, options.gaussians)
    if points_xyz is not None and points_rgb is not None and len(points_xyz) >= 100:
        chosen = rng.permutation(len(points_xyz))[: options.gaussians]
        places, rgb = points_xyz[chosen], points_rgb[chosen].astype(np.float32) / np.float32(255)
    else:
        places, rgb = agreeing_places(photos, region, most, seed=options.seed, plain=plain, job=job)
    if plain is None:
        far = far_places(region, max(16, int(_FAR_SHARE * most)), rng)
        usual = np.median(np.concatenate([p.resized(32).floats.reshape(-1, 3) for p in photos]), 0)
        places, rgb = np.concatenate([places, far]), np.concatenate([rgb, np.tile(usual, (len(far), 1))])
    return FitState.start(from_places(places, rgb.astype(np.float32), degree=options.degree), region.extent)


def engine_of(name: Engine) -> Callable[[GaussianScene, Camera, Loss, Floats, Job | None], Gradients]:
    """What draws and differentiates a view.

    Raises:
        ModelUnavailable: gsplat was asked for and there is no CUDA.
    """

    def on_cpu(scene: GaussianScene, camera: Camera, loss: Loss, background: Floats, job: Job | None) -> Gradients:
        return differentiate(scene, camera, loss, background=background, job=job)

    if name == "cpu":
        return on_cpu
    from demos.gaussians.fit_gsplat import differentiate_on_cuda, is_there

    return differentiate_on_cuda if name == "gsplat" or is_there() else on_cpu


def _loss_against(photo: Floats) -> Loss:
    return lambda rgb: l1_and_ssim(rgb, photo)


def _mark(photos: Sequence[Photo], options: FitOptions) -> str:
    """A name for a run: its options, photos and cameras; the engine may change between two sittings."""
    digest = hashlib.blake2b(repr(replace(options, engine="auto")).encode(), digest_size=16)
    for photo in photos:
        digest.update(np.ascontiguousarray(photo.rgb).data)
        digest.update(np.ascontiguousarray(photo.camera.world_to_cam).data)
    return digest.hexdigest()
