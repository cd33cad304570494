"""The rasteriser against its slow twin, gsplat's projection and the conventions of 3D Gaussian Splatting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Cancelled, InputError, ModelUnavailable
from core.tasks import Job
from demos.gaussians import raster
from demos.gaussians.scene import GaussianScene
from tests.demos.gaussians.scenes import random_scene
from tests.demos.gaussians.slow_raster import SlowPicture, slow_render
from tests.demos.gaussians.views import ball, camera, front, joined

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Case:
    name: str
    scene: Callable[[], GaussianScene]


def _scaled(scene: GaussianScene, log_scales: float) -> GaussianScene:
    return replace(scene, log_scales=scene.log_scales + np.float32(log_scales))


def _opaque(scene: GaussianScene) -> GaussianScene:
    return replace(scene, opacity_logits=np.full(len(scene), 12, np.float32))


def _needles() -> GaussianScene:
    scene = random_scene(60, seed=5)
    scales = np.log(np.array([6.0, 0.002, 0.002], np.float32)) + np.zeros((60, 1), np.float32)
    return replace(scene, log_scales=scales)


CASES = (
    Case("ordinary", lambda: random_scene(150, seed=1)),
    Case("degree 0", lambda: random_scene(80, degree=0, seed=2)),
    Case("degree 1", lambda: random_scene(80, degree=1, seed=2)),
    Case("degree 2", lambda: random_scene(80, degree=2, seed=2)),
    Case("all around and behind the camera", lambda: _scaled(random_scene(200, seed=3), 1.0)),
    Case("huge", lambda: _scaled(random_scene(30, seed=4), 5.0)),
    Case("tiny", lambda: _scaled(random_scene(200, seed=6), -6.0)),
    Case("needles", _needles),
    Case("opaque and overlapping", lambda: _opaque(_scaled(random_scene(150, seed=7), 1.5))),
    Case("faint", lambda: replace(random_scene(100, seed=8), opacity_logits=np.full(100, -5.2, np.float32))),
    Case("at one depth", lambda: replace(random_scene(90, seed=9), means_xyz=np.zeros((90, 3), np.float32))),
    Case("none", lambda: random_scene(5, seed=1).take(np.zeros(5, bool))),
    Case("one", lambda: ball((0.3, 0.1, 0.2))),
)


def assert_like(drawn: raster.Rendered, slow: SlowPicture, features: np.ndarray | None = None) -> None:
    """Within TOLERANCE wherever float32 and float64 cannot have decided differently, which is nearly everywhere."""
    assert slow.is_close_call.mean() < 0.02
    sure = ~slow.is_close_call
    np.testing.assert_allclose(drawn.rgb[sure], slow.rgb[sure], atol=TOLERANCE)
    np.testing.assert_allclose(drawn.alpha[sure], slow.alpha[sure], atol=TOLERANCE)
    np.testing.assert_array_equal(np.isinf(drawn.depth[sure]), np.isinf(slow.depth[sure]))
    seen = sure & (slow.alpha > 0.02)  # of less, the mean depth is a quotient of roundings
    np.testing.assert_allclose(drawn.depth[seen], slow.depth[seen], rtol=TOLERANCE)
    if features is not None:
        assert drawn.features is not None
        np.testing.assert_allclose(drawn.features[sure], (slow.weights @ features)[sure], atol=TOLERANCE)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_slow_twin_agrees(case: Case) -> None:
    scene = case.scene()
    features = np.random.default_rng(0).normal(size=(len(scene), 16)).astype(np.float32)
    background = (0.2, 0.5, 0.9)
    drawn = raster.render(scene, camera(), features=features, background=background)
    assert_like(drawn, slow_render(scene, camera(), background=background), features)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 40),
    log_scale=st.floats(-3, 3),
    logit=st.floats(-4, 8),
    width=st.integers(1, 26),
    height=st.integers(1, 35),
)
def test_slow_twin_agrees_on_any_picture(
    seed: int, count: int, log_scale: float, logit: float, width: int, height: int
) -> None:
    scene = _scaled(random_scene(count, seed=seed), log_scale)
    scene = replace(scene, opacity_logits=scene.opacity_logits + np.float32(logit))
    seen = camera(width, height)
    drawn, slow = raster.render(scene, seen), slow_render(scene, seen)
    sure = ~slow.is_close_call
    np.testing.assert_allclose(drawn.rgb[sure], slow.rgb[sure], atol=TOLERANCE)
    np.testing.assert_allclose(drawn.alpha[sure], slow.alpha[sure], atol=TOLERANCE)


@pytest.mark.parametrize("channels", [1, 3, 8, 12, 16, 21])
def test_any_number_of_features(channels: int) -> None:
    scene = random_scene(60, seed=11)
    features = np.random.default_rng(1).normal(size=(60, channels)).astype(np.float32)
    drawn, plain = raster.render(scene, camera(), features=features), raster.render(scene, camera())
    assert drawn.features is not None and drawn.features.shape == (28, 40, channels)
    np.testing.assert_allclose(drawn.features, slow_render(scene, camera()).weights @ features, atol=TOLERANCE)
    np.testing.assert_array_equal(drawn.rgb, plain.rgb)
    assert plain.features is None


def test_a_gaussian_in_the_middle_is_its_formula() -> None:
    # sigma 0.3 at depth 4 with 40 px focal length: 3 px, variance 9.3 with the blur; half opaque.
    drawn = raster.render(ball((0.0, 0.0, 0.0)), front())
    assert drawn.alpha[16, 16] == pytest.approx(0.5, abs=1e-6)
    assert drawn.alpha[16, 20] == pytest.approx(0.5 * np.exp(-0.5 * 16 / 9.3), abs=1e-6)
    assert drawn.alpha[13, 16] == pytest.approx(0.5 * np.exp(-0.5 * 9 / 9.3), abs=1e-6)
    np.testing.assert_allclose(drawn.rgb[16, 16], (0.5, 0.0, 0.0), atol=1e-6)
    assert drawn.depth[16, 16] == pytest.approx(4.0, rel=1e-6)
    assert drawn.visible == 1


def test_alpha_is_cut_at_99_percent_and_ends_at_one_in_255() -> None:
    drawn = raster.render(ball((0.0, 0.0, 0.0), opacity_logit=15.0), front())
    assert drawn.alpha.max() == np.float32(0.99)
    shown = drawn.alpha[drawn.alpha > 0]
    assert 1 / 255 <= shown.min() < 1.2 / 255
    # The ellipse reaches sqrt(2 ln 255) = 3.33 sigmas, 10.2 px, not three.
    assert drawn.alpha[16, 26] > 0 and drawn.alpha[16, 27] == 0


def test_a_pixel_ends_before_it_would_let_less_than_a_ten_thousandth_through() -> None:
    # Sheets of 0.985 leave 0.015, then 0.000225; a third would leave 3e-6 and is not drawn.
    logit = float(np.log(0.985 / 0.015))
    sheets = [ball((0.0, 0.0, 0.1 * i), opacity_logit=logit, rgb=(i == 0, i == 1, i == 2)) for i in range(3)]
    drawn = raster.render(joined(*sheets), front())
    assert drawn.alpha[16, 16] == pytest.approx(1 - 0.015**2, abs=1e-6)
    np.testing.assert_allclose(drawn.rgb[16, 16], (0.985, 0.985 * 0.015, 0.0), atol=1e-6)
    # Farther out, where the sheets are thinner, the third is drawn.
    assert drawn.rgb[16, 20, 2] > 1e-3


def test_what_is_nearer_than_the_near_depth_is_not_drawn() -> None:
    near, far = ball((0.0, 0.0, -3.85)), ball((0.0, 0.0, -3.75), scale=0.01)
    assert raster.render(near, front()).visible == 0
    assert raster.render(far, front()).visible == 1
    assert raster.render(near, front(), near=0.1).visible == 1
    assert raster.render(ball((0.0, 0.0, -9.0), scale=5.0), front()).alpha.max() == 0


def test_nearer_covers_farther_and_equal_depths_go_by_index() -> None:
    red, green = ball((0.0, 0.0, 0.0), rgb=(1, 0, 0)), ball((0.0, 0.0, 0.0), rgb=(0, 1, 0))
    np.testing.assert_allclose(raster.render(joined(red, green), front()).rgb[16, 16], (0.5, 0.25, 0), atol=1e-6)
    np.testing.assert_allclose(raster.render(joined(green, red), front()).rgb[16, 16], (0.25, 0.5, 0), atol=1e-6)
    behind = ball((0.0, 0.0, 1.0), rgb=(0, 1, 0))
    np.testing.assert_allclose(raster.render(joined(behind, red), front()).rgb[16, 16], (0.5, 0.25, 0), atol=1e-6)


def test_background_shows_through() -> None:
    drawn = raster.render(ball((0.0, 0.0, 0.0)), front(), background=(0.0, 1.0, 0.5))
    np.testing.assert_allclose(drawn.rgb[16, 16], (0.5, 0.5, 0.25), atol=1e-6)
    np.testing.assert_array_equal(drawn.rgb[0, 0], (0.0, 1.0, 0.5))
    assert np.isinf(drawn.depth[0, 0])


def test_projection_is_that_of_gsplat() -> None:
    torch = pytest.importorskip("torch")
    gsplat = pytest.importorskip("gsplat.cuda._torch_impl")
    from demos.gaussians import raster_project as rows
    from demos.gaussians.raster_gsplat import intrinsics, tensors

    scene, seen = random_scene(300, seed=12), camera(200, 120)
    held = {name: tensor.double() for name, tensor in tensors(scene, "cpu").items()}
    covariances, _ = gsplat._quat_scale_to_covar_preci(held["quats"], held["scales"], compute_preci=False)
    _, centres, depths, conics, _ = gsplat._fully_fused_projection(
        *(held["means"], covariances, torch.from_numpy(seen.world_to_cam)[None]),
        *(torch.from_numpy(intrinsics(seen)).double()[None], seen.width, seen.height, 0.3, 0.2),
    )
    frame = raster.make_frame(scene, seen)
    assert len(frame.order) > 150
    splats = frame.splats[frame.order].astype(np.float64)
    peer = {"centres": centres[0].numpy()[frame.order], "depths": depths[0].numpy()[frame.order]}
    np.testing.assert_allclose(splats[:, rows.U] + splats[:, rows.U_REST], peer["centres"][:, 0], atol=1e-4, rtol=1e-5)
    np.testing.assert_allclose(splats[:, rows.V] + splats[:, rows.V_REST], peer["centres"][:, 1], atol=1e-4, rtol=1e-5)
    np.testing.assert_allclose(splats[:, rows.DEPTH], peer["depths"], rtol=1e-5)
    # k (x - r y)^2 + h y^2 = log2(e) / 2 (A x^2 + 2 B x y + C y^2), written out.
    k, r, h = splats[:, rows.K], splats[:, rows.SLOPE], splats[:, rows.H]
    ours = np.stack([k, -k * r, k * r * r + h], axis=1) * 2 / np.log2(np.e)
    np.testing.assert_allclose(ours, conics[0].numpy()[frame.order], rtol=2e-4, atol=1e-6)


def test_threads_do_not_change_a_bit() -> None:
    scene, seen = _scaled(random_scene(3000, seed=13), 1.0), camera(161, 99)
    features = np.random.default_rng(2).normal(size=(3000, 16)).astype(np.float32)
    first = raster.render(scene, seen, features=features, threads=1)
    for threads in (2, 3, 7):
        again = raster.render(scene, seen, features=features, threads=threads)
        for name in ("rgb", "alpha", "depth", "features"):
            np.testing.assert_array_equal(getattr(first, name), getattr(again, name), err_msg=name)


def test_order_in_the_file_does_not_matter() -> None:
    scene, seen = random_scene(200, seed=14), camera()
    turned = scene.take(np.random.default_rng(3).permutation(200))
    np.testing.assert_allclose(raster.render(turned, seen).rgb, raster.render(scene, seen).rgb, atol=1e-6)


def test_parts_give_the_same_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    from demos.gaussians import raster_frame

    scene, seen = _scaled(random_scene(400, seed=15), 1.5), camera(150, 110)
    whole = raster.render(scene, seen)
    assert len(list(raster.make_frame(scene, seen).parts())) == 1
    monkeypatch.setattr(raster_frame, "MAX_ROWS", 700)
    monkeypatch.setattr(raster_frame, "MAX_ENTRIES", 900)
    parts = list(raster.make_frame(scene, seen).parts())
    assert len(parts) > 5
    tiles = np.concatenate([piece for part in parts for piece in part.pieces])
    np.testing.assert_array_equal(np.sort(tiles), np.arange(len(tiles)))
    assert max(len(part.entries) for part in parts) <= 900
    np.testing.assert_array_equal(raster.render(scene, seen).rgb, whole.rgb)


def test_neighbouring_tiles_are_drawn_one_after_the_other() -> None:
    from demos.gaussians.raster_frame import along_curve

    # Four columns of tiles of 8 x 16 pixels: pairs side by side make squares, and squares follow Morton's Z.
    order = along_curve(np.arange(16, dtype=np.int32), 4)
    assert order.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
    order = along_curve(np.arange(32, dtype=np.int32), 8)
    assert order[:8].tolist() == [0, 1, 2, 3, 8, 9, 10, 11]
    assert sorted(order.tolist()) == list(range(32))


def test_bins_hold_every_splat_of_every_pixel() -> None:
    scene, seen = _scaled(random_scene(120, seed=16), 1.0), camera(61, 45)
    frame = raster.make_frame(scene, seen)
    (part,) = frame.parts()
    weights = slow_render(scene, seen).weights
    rank = np.empty(len(scene), int)
    rank[frame.order] = np.arange(len(frame.order))
    for tile in range(frame.tile_rows * frame.tile_columns):
        listed = part.entries[part.starts[tile] : part.starts[tile + 1]]
        top, left = tile // frame.tile_columns * 16, tile % frame.tile_columns * 8
        needed = np.flatnonzero(weights[top : top + 16, left : left + 8].reshape(-1, len(scene)).max(axis=0, initial=0))
        assert set(needed) <= set(listed)
        assert (np.diff(rank[listed]) > 0).all()


@pytest.mark.parametrize("name", ["means_xyz", "log_scales", "quats_wxyz", "opacity_logits"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30, -1e30], ids=str)
def test_numbers_that_no_reader_lets_through_do_no_harm(name: str, bad: float) -> None:
    scene = random_scene(40, seed=17)
    visible = raster.make_frame(scene, camera()).order[5]
    array = getattr(scene, name).copy()
    array[visible] = bad
    drawn = raster.render(replace(scene, **{name: array}), camera())
    assert np.isfinite(drawn.rgb).all() and np.isfinite(drawn.alpha).all() and drawn.alpha.max() < 1
    if np.isnan(bad):  # left out
        others = raster.render(scene.take(np.arange(40) != visible), camera())
        np.testing.assert_array_equal(drawn.rgb, others.rgb)


def test_arrays_may_be_read_only_and_scattered() -> None:
    scene = random_scene(100, seed=18)
    wide = random_scene(200, seed=18)
    names = ("means_xyz", "log_scales", "quats_wxyz", "opacity_logits", "sh")
    scattered = GaussianScene(*(np.asfortranarray(getattr(scene, name)) for name in names))
    for name in names:
        getattr(scattered, name).setflags(write=False)
    np.testing.assert_array_equal(raster.render(scattered, camera()).rgb, raster.render(scene, camera()).rgb)
    every_other = GaussianScene(*(getattr(wide, name)[::2] for name in names))
    copied = GaussianScene(*(getattr(wide, name)[::2].copy() for name in names))
    np.testing.assert_array_equal(raster.render(every_other, camera()).rgb, raster.render(copied, camera()).rgb)


def test_cancel_stops_the_drawing() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        raster.render(random_scene(50), camera(), job=job)


def test_cancel_is_asked_for_between_pieces() -> None:
    class Impatient(Job):
        asked = 0

        def check(self) -> None:
            self.asked += 1
            if self.asked == 12:
                self.cancel()
            super().check()

    job = Impatient()
    with pytest.raises(Cancelled):
        raster.render(_scaled(random_scene(20_000, seed=19), 1.0), camera(200, 200), threads=1, job=job)
    assert job.asked == 12


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"width": 0}, "The picture is 0 x 28 pixels"),
        ({"height": 20_000}, "The picture is 40 x 20,000 pixels"),
        ({"width": 16_000, "height": 16_000}, "33,554,432 in all"),
    ],
)
def test_impossible_pictures_are_refused(changes: dict[str, int], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        raster.render(random_scene(5), replace(camera(), **changes))


def test_callers_mistakes_are_named() -> None:
    scene = random_scene(5)
    with pytest.raises(ValueError, match=r"features must be \(5, F\), not \(4, 3\)"):
        raster.render(scene, camera(), features=np.zeros((4, 3), np.float32))
    with pytest.raises(ValueError, match="64 channels, not 65"):
        raster.render(scene, camera(), features=np.zeros((5, 65), np.float32))
    with pytest.raises(ValueError, match=r"background must be \(3,\)"):
        raster.render(scene, camera(), background=(1.0,))
    with pytest.raises(ValueError, match="backend must be"):
        raster.render(scene, camera(), backend="metal")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must be above 0"):
        raster.render(scene, replace(camera(), fx=0.0))


def test_gsplat_says_that_it_needs_cuda() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is CUDA here")
    with pytest.raises(ModelUnavailable, match="torch sees no CUDA device; take the CPU backend"):
        raster.render(random_scene(5), camera(), backend="gsplat")


@pytest.mark.gpu
def test_gsplat_draws_the_same_picture() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    scene, seen = random_scene(500, seed=20), camera(320, 200)
    features = np.random.default_rng(4).normal(size=(500, 16)).astype(np.float32)
    ours = raster.render(scene, seen, features=features, background=(0.1, 0.2, 0.3))
    theirs = raster.render(scene, seen, features=features, background=(0.1, 0.2, 0.3), backend="gsplat")
    assert theirs.features is not None and ours.features is not None
    for one, other in ((ours.rgb, theirs.rgb), (ours.alpha, theirs.alpha), (ours.features, theirs.features)):
        assert np.quantile(np.abs(one - other), 0.999) < 1e-2
    seen_by_both = (ours.alpha > 0.1) & (theirs.alpha > 0.1)
    assert np.quantile(np.abs(ours.depth - theirs.depth)[seen_by_both], 0.999) < 1e-2 * 10
