"""The weights of a view against the renderer, the slow twin and dense matrices."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from core.errors import Cancelled, InputError
from core.tasks import Job
from demos.gaussians import raster, weights
from demos.gaussians.colour import colours_from
from demos.gaussians.scene import GaussianScene
from demos.gaussians.weights import Uplift, ViewCache, ViewWeights, view_weights
from tests.demos.gaussians.scenes import random_scene
from tests.demos.gaussians.slow_raster import slow_render
from tests.demos.gaussians.views import ball, camera, front, joined


def crowd(count: int = 150, seed: int = 1) -> GaussianScene:
    scene = random_scene(count, seed=seed)
    return replace(scene, log_scales=scene.log_scales + np.float32(0.7))


def dense(view: ViewWeights) -> np.ndarray:
    """(H * W, N)."""
    matrix = np.zeros((view.width * view.height, view.gaussian_count))
    rows = np.repeat(np.arange(len(matrix)), np.diff(view.starts))
    matrix[rows, view.owners] = view.weights
    return matrix


def test_weights_times_colours_are_the_picture() -> None:
    scene, seen = crowd(), camera()
    view, drawn = view_weights(scene, seen), raster.render(scene, seen)
    colours = colours_from(scene.sh, scene.means_xyz, seen.centre_xyz)
    np.testing.assert_allclose(view.render(colours), drawn.rgb, atol=2e-6)
    np.testing.assert_allclose(view.render(np.ones(len(scene), np.float32)), drawn.alpha, atol=2e-6)
    _, depths = seen.project(scene.means_xyz)
    mean = view.render(depths.astype(np.float32)) / np.where(drawn.alpha > 0, drawn.alpha, 1)
    np.testing.assert_allclose(mean[drawn.alpha > 0], drawn.depth[drawn.alpha > 0], rtol=1e-5)


def test_slow_twin_has_the_same_weights() -> None:
    scene, seen = crowd(80), camera(26, 19)
    view, slow = view_weights(scene, seen), slow_render(scene, seen)
    sure = ~slow.is_close_call.reshape(-1)
    np.testing.assert_allclose(dense(view)[sure], slow.weights.reshape(len(sure), -1)[sure], atol=1e-5)


def test_pixels_list_their_gaussians_front_to_back_once() -> None:
    scene, seen = crowd(), camera(67, 35)
    view = view_weights(scene, seen)
    _, depths = seen.project(scene.means_xyz)
    for pixel in range(len(view.starts) - 1):
        owners = view.owners[view.starts[pixel] : view.starts[pixel + 1]]
        assert len(set(owners)) == len(owners)
        assert (np.diff(depths[owners]) > -1e-6).all()


@pytest.mark.parametrize("shape", [(), (1,), (2,), (3,), (16,), (21,)], ids=str)
def test_products_are_those_of_the_dense_matrix(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    scene, seen = crowd(), camera(31, 22)
    view = view_weights(scene, seen)
    matrix = dense(view)
    values = rng.normal(size=(len(scene), *shape)).astype(np.float32)
    picture = rng.normal(size=(22, 31, *shape)).astype(np.float32)
    np.testing.assert_allclose(view.render(values), (matrix @ values).reshape(picture.shape), atol=1e-5)
    flat = picture.reshape(31 * 22, *shape)
    np.testing.assert_allclose(view.sums(picture), matrix.T @ flat, atol=1e-4)
    # <W x, y> = <x, W^T y>: the one is the other's derivative.
    assert np.vdot(view.render(values), picture) == pytest.approx(np.vdot(values, view.sums(picture)), rel=1e-4)


def test_sums_by_label_are_the_product_with_one_hot_labels(rng: np.random.Generator) -> None:
    scene, seen = crowd(), camera(31, 22)
    view = view_weights(scene, seen)
    labels = rng.integers(-1, 5, (22, 31)).astype(np.int32)
    one_hot = (labels[..., None] == np.arange(5)).astype(np.float32)
    found = view.by_label(labels, 5)
    matrix = np.zeros((len(scene), 5))
    rows = np.repeat(np.arange(len(scene)), np.diff(found.starts))
    assert len({*zip(rows.tolist(), found.labels.tolist(), strict=True)}) == len(rows)
    matrix[rows, found.labels] = found.weights
    np.testing.assert_allclose(matrix, view.sums(one_hot), atol=1e-4)
    np.testing.assert_allclose(found.totals(), matrix.sum(axis=1), atol=1e-4)
    table = rng.normal(size=(5, 7)).astype(np.float32)
    np.testing.assert_allclose(found.sums(table), matrix @ table, atol=1e-4)


def test_uplift_finds_what_the_views_were_painted_with() -> None:
    # Two balls far apart; every view is painted by hand where each is seen.
    scene = joined(
        ball((-0.8, 0.0, 0.0), opacity_logit=4.0, scale=0.2), ball((0.8, 0.0, 0.5), opacity_logit=4.0, scale=0.2)
    )
    hidden = joined(scene, ball((0.0, 50.0, 0.0)))
    by_picture, by_label = Uplift(3, 2), Uplift(3, 2)
    table = np.array([[1.0, 0.0], [0.0, 3.0]], np.float32)
    for distance in (4.0, 6.0):
        seen = front(distance)
        view = view_weights(hidden, seen)
        labels = np.where(np.arange(33) < 17, 0, 1).astype(np.int32)[None].repeat(33, axis=0)
        by_picture.add(view, table[labels])
        by_label.add_labels(view, labels, table)
    np.testing.assert_allclose(by_picture.means(), [[1, 0], [0, 3], [0, 0]], atol=1e-6)
    np.testing.assert_allclose(by_label.means(), by_picture.means(), atol=1e-5)
    np.testing.assert_allclose(by_label.totals, by_picture.totals, rtol=1e-5)


def test_masked_pixels_count_for_nothing(rng: np.random.Generator) -> None:
    scene, seen = crowd(), camera()
    view = view_weights(scene, seen)
    mask = rng.random((28, 40)) < 0.5
    picture = np.full((28, 40, 1), 7.0, np.float32)
    uplift = Uplift(len(scene), 1)
    uplift.add(view, np.where(mask[..., None], picture, np.float32(np.nan)), mask=mask)
    np.testing.assert_allclose(uplift.means()[uplift.totals > 0], 7.0, rtol=1e-5)
    np.testing.assert_allclose(uplift.totals, dense(view)[mask.reshape(-1)].sum(axis=0), atol=1e-4)


def test_a_click_finds_the_ball_under_it() -> None:
    scene = joined(ball((-0.8, 0.0, 0.0), opacity_logit=3.0), ball((0.8, 0.0, 0.5)), ball((0.8, 0.0, 0.2)))
    seen = front()
    view = view_weights(scene, seen)
    (column, row), _ = (int(v) for v in seen.project([[0.8, 0.0, 0.2]])[0][0]), None
    owners, shares = view.at(column, row)
    assert owners[0] == 2 and owners[1] == 1 and shares[0] > shares[1]
    assert view.at(0, 0)[0].size == 0
    with pytest.raises(ValueError, match=r"pixel \(33, 0\) is outside a picture of 33 x 33"):
        view.at(33, 0)


def test_small_weights_can_be_left_out() -> None:
    scene, seen = crowd(), camera()
    full, thin = view_weights(scene, seen), view_weights(scene, seen, least=0.01)
    kept = full.weights > np.float32(0.01)
    assert 0 < kept.sum() < len(kept)
    np.testing.assert_array_equal(thin.weights, full.weights[kept])
    np.testing.assert_array_equal(thin.owners, full.owners[kept])


def test_budget_leaves_the_smallest_out_and_refuses_the_impossible() -> None:
    scene, seen = crowd(), camera()
    full = view_weights(scene, seen)
    fitting = view_weights(scene, seen, max_bytes=int(full.size_bytes * 0.8))
    assert fitting.least > 0 and fitting.size_bytes <= full.size_bytes * 0.8
    assert fitting.weights.min() > fitting.least
    assert view_weights(scene, seen, max_bytes=full.size_bytes).least == 0
    with pytest.raises(InputError, match="The weights of this view take .* MiB; 0 MiB are allowed"):
        view_weights(scene, seen, max_bytes=1000)


def test_parts_and_threads_do_not_change_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    from demos.gaussians import raster_frame

    scene, seen = crowd(400), camera(150, 90)
    whole = view_weights(scene, seen, threads=1)
    monkeypatch.setattr(raster_frame, "MAX_ENTRIES", 500)
    monkeypatch.setattr(raster_frame, "MAX_ROWS", 600)
    parts = view_weights(scene, seen, threads=3)
    for name in ("starts", "owners", "weights"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


def test_no_gaussians_no_weights() -> None:
    scene = crowd().take(np.zeros(150, bool))
    view = view_weights(scene, camera())
    assert view.weights.size == 0
    assert view.render(np.empty((0, 3), np.float32)).shape == (28, 40, 3)
    assert view.sums(np.ones((28, 40), np.float32)).shape == (0,)


def test_callers_mistakes_are_named() -> None:
    view = view_weights(crowd(20), camera())
    with pytest.raises(ValueError, match=r"values must be \(20,\) or \(20, C\), not \(19, 3\)"):
        view.render(np.zeros((19, 3), np.float32))
    with pytest.raises(ValueError, match=r"the picture must be \(28, 40\[, C\]\), not \(40, 28\)"):
        view.sums(np.zeros((40, 28), np.float32))
    with pytest.raises(ValueError, match=r"labels must be \(28, 40\) below 3"):
        view.by_label(np.full((28, 40), 3, np.int32), 3)


def test_cancel() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        view_weights(crowd(), camera(), job=job)
    with pytest.raises(Cancelled):
        ViewCache().get(crowd(), camera(), job=job)


def test_cache_knows_views_by_what_they_depend_on(monkeypatch: pytest.MonkeyPatch) -> None:
    computed = []

    def counted(*args: object, **options: object) -> ViewWeights:
        computed.append(args)
        return view_weights(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(weights, "view_weights", counted)
    scene, cache = crowd(), ViewCache()
    view = cache.get(scene, camera())
    assert cache.get(scene, camera()) is view
    recoloured = replace(scene, sh=scene.sh * np.float32(0.5))
    assert cache.get(recoloured, camera()) is view
    assert len(computed) == 1
    moved = replace(scene, means_xyz=scene.means_xyz + np.float32(0.1))
    others = [cache.get(moved, camera()), cache.get(scene, camera(41)), cache.get(scene, camera(), least=0.1)]
    assert len(computed) == 4 and all(other is not view for other in others)
    cache.clear()
    assert cache.size_bytes == 0
    assert cache.get(scene, camera()) is not view


def test_cache_keeps_to_its_budget() -> None:
    scene = crowd()
    size = view_weights(scene, camera()).size_bytes
    cache = ViewCache(int(size * 2.5))
    first, second = cache.get(scene, camera()), cache.get(scene, camera(), near=0.3)
    assert cache.get(scene, camera()) is first  # now the younger
    cache.get(scene, camera(), near=0.4)
    assert cache.size_bytes <= size * 2.5
    assert cache.get(scene, camera()) is first
    assert cache.get(scene, camera(), near=0.3) is not second
    small = ViewCache(10)
    assert small.get(scene, camera()).size_bytes == size and small.size_bytes == 0


def test_cache_computes_a_view_once_for_all_who_ask() -> None:
    scene, cache = crowd(300), ViewCache()
    gate, found = threading.Barrier(6), []

    def ask() -> None:
        gate.wait()
        found.append(cache.get(scene, camera(90, 70)))

    askers = [threading.Thread(target=ask) for _ in range(6)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(found) == 6 and all(view is found[0] for view in found)
