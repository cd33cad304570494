"""The fit: it finds a scene again, stops when asked, goes on where it stopped; seeds lie on surfaces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import Cancelled, InputError
from core.tasks import Job, Step
from demos.gaussians import raster
from demos.gaussians.cameras import orbit
from demos.gaussians.fit import Fit, FitOptions, Preview, fit
from demos.gaussians.fit_loss import psnr_db
from demos.gaussians.fit_seeds import agreeing_places, backdrop, common_view, from_places
from demos.gaussians.fit_state import NAMES, PULLED_ABOVE, FitState
from demos.gaussians.photos import Photo
from demos.gaussians.scene import Floats, GaussianScene
from tests.demos.gaussians.scenes import random_scene

BACK = np.array((0.9, 0.9, 0.9), np.float32)
SMALL = FitOptions(iterations=60, longest_px=64, gaussians=500, seeds=300, degree=0, engine="cpu")


def _shell(count: int = 600) -> tuple[GaussianScene, Floats]:
    """A coloured ball of opaque Gaussians, radius 1, and their places."""
    rng = np.random.default_rng(3)
    places = rng.normal(size=(count, 3))
    places = (places / np.linalg.norm(places, axis=1, keepdims=True)).astype(np.float32)
    scene = from_places(places, (0.5 + 0.5 * np.sin(9 * places)).astype(np.float32), degree=0)
    return replace(scene, opacity_logits=np.full(count, 3, np.float32)), places


def _photos(count: int = 14, side: int = 64) -> list[Photo]:
    scene, _ = _shell()
    found = []
    for i in range(count):
        camera = orbit((0, 0, 0), 4.5, 360 * i / count, 35 * np.sin(i), width=side, height=side)
        rgb = raster.render(scene, camera, background=BACK).rgb
        found.append(Photo(f"{i}.png", (np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8), camera))
    return found


def _held_out_psnr(found: Fit) -> float:
    scene, _ = _shell()
    camera = orbit((0, 0, 0), 4.5, 13, 10, width=64, height=64)
    there = raster.render(scene, camera, background=BACK).rgb
    return psnr_db(raster.render(found.scene, camera, background=found.background).rgb, np.clip(there, 0, 1))


def test_a_scene_is_found_again_from_its_photos() -> None:
    found = fit(_photos(), replace(SMALL, iterations=160))
    start = fit(_photos(), replace(SMALL, iterations=1))
    assert np.abs(found.background - BACK).max() < 0.01
    assert _held_out_psnr(found) > max(17.0, _held_out_psnr(start) + 4)
    assert len(found.scene) <= SMALL.gaussians


def test_equal_runs_are_equal_to_the_last_bit_and_a_resumed_one_too(tmp_path: Path) -> None:
    options = replace(SMALL, iterations=130, seeds=100)
    whole = fit(_photos(6), options)
    checkpoint = tmp_path / "run.npz"

    def stop_late(step: Step) -> None:
        if "iteration 120" in step.note:
            job.cancel()

    job = Job(stop_late)
    with pytest.raises(Cancelled):
        fit(_photos(6), options, checkpoint=checkpoint, job=job)
    with np.load(checkpoint) as kept:
        assert int(kept["numbers"][1]) >= 120  # as far as it came, not as far as the last hundred
    resumed = fit(_photos(6), options, checkpoint=checkpoint)
    for name in NAMES:
        assert np.array_equal(getattr(whole.scene, name), getattr(resumed.scene, name)), name


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.npz"
    FitState.start(random_scene(5), 1.0).save(checkpoint, mark="other", done=3)
    with pytest.raises(InputError, match="belongs to other photos"):
        fit(_photos(4), SMALL, checkpoint=checkpoint)
    checkpoint.write_bytes(checkpoint.read_bytes()[:-200])
    with pytest.raises(InputError, match="damaged"):
        fit(_photos(4), SMALL, checkpoint=checkpoint)


def test_preview_and_progress_are_told() -> None:
    shown: list[Preview] = []
    steps: list[Step] = []
    fit(_photos(4), replace(SMALL, iterations=8, seeds=50), preview=shown.append, job=Job(steps.append))
    assert shown[-1].rgb.shape == (32, 32, 3) and shown[-1].iteration == 8
    assert steps[-1].done == pytest.approx(100) and "iteration 8 of 8" in steps[-1].note


def test_sparse_points_are_started_from() -> None:
    _, places = _shell()
    rgb = np.full((len(places), 3), 128, np.uint8)
    found = fit(_photos(4), replace(SMALL, iterations=1, gaussians=2_000), points_xyz=places, points_rgb=rgb)
    distances = np.linalg.norm(found.scene.means_xyz, axis=1)
    assert len(found.scene) == len(places) and np.abs(distances - 1).max() < 0.15


def test_places_where_photos_agree_lie_on_the_surface() -> None:
    photos = _photos(20, 96)
    region = common_view([photo.camera for photo in photos])
    assert np.linalg.norm(region.centre_xyz) < 0.05
    plain = backdrop(photos)
    assert plain is not None and np.abs(plain - BACK).max() < 0.01
    places, _ = agreeing_places(photos, region, 200, seed=1, plain=plain)
    from_surface = np.abs(np.linalg.norm(places, axis=1) - 1)
    at_random = np.random.default_rng(1).random(20_000) ** (1 / 3) * region.radius
    assert np.median(from_surface) < 0.5 * np.median(np.abs(at_random - 1))


def test_photos_from_one_spot_are_refused() -> None:
    photo = _photos(1)[0]
    with pytest.raises(InputError, match="one spot"):
        common_view([photo.camera] * 4)


def test_densifying_clones_small_and_splits_large_gaussians() -> None:
    scene = random_scene(4, degree=0, seed=2)
    scales = np.log(np.array([0.001, 0.001, 0.5, 0.5], np.float32))
    scene = replace(scene, log_scales=np.repeat(scales[:, None], 3, 1), opacity_logits=np.zeros(4, np.float32))
    state = FitState.start(scene, 10.0)
    state.pulls[:], state.sightings[:] = (4 * PULLED_ABOVE, 0, 4 * PULLED_ABOVE, 0), 2
    added, removed = state.densify(100, np.random.default_rng(1))
    assert (added, removed, len(state.scene)) == (2, 0, 6)
    assert (state.scene.means_xyz == scene.means_xyz[0]).all(1).sum() == 2  # the small one and its clone
    widths = np.sort(state.scene.scales.max(1))
    np.testing.assert_allclose(widths, [0.001, 0.001, 0.001, 0.5 / 1.6, 0.5 / 1.6, 0.5], rtol=1e-5)
    assert all(len(table[name]) == 6 for table in (state.first, state.second) for name in NAMES)
    assert not state.pulls.any()


def test_pruning_takes_out_what_vanishes_or_swells() -> None:
    scene = random_scene(3, degree=0, seed=2)
    scene = replace(
        scene,
        log_scales=np.log(np.array([[0.1], [0.1], [5.0]], np.float32)) + np.zeros(3, np.float32),
        opacity_logits=np.array([1, -7, 1], np.float32),
    )
    state = FitState.start(scene, 1.0)
    assert state.prune() == 2
    assert np.array_equal(state.scene.means_xyz, scene.means_xyz[:1])


@pytest.mark.parametrize("changes", [{"iterations": 0}, {"longest_px": 5_000}, {"degree": 4}, {"gaussians": 1}])
def test_options_that_cannot_be_are_refused(changes: dict[str, int]) -> None:
    with pytest.raises(InputError, match="must be from"):
        fit([], replace(SMALL, **changes))
