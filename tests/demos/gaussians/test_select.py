"""Selections in 3D: neighbours, growing, extents, whole objects; false colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demos.gaussians.field import Objects
from demos.gaussians.history import Selection
from demos.gaussians.neighbours import NeighbourCache, grown, mean_over, nearest
from demos.gaussians.options import QueryOptions
from demos.gaussians.render_view import contoured, depth_picture, feature_colours, heat_over
from demos.gaussians.select import changed, extent_of, selected
from tests.demos.gaussians.worlds import LABELS, World, coded, world


@pytest.fixture(scope="module")
def known() -> World:
    return world(60)


@given(st.integers(2, 40), st.integers(1, 6), st.integers(0, 20))
@settings(max_examples=25, deadline=None)
def test_neighbours_are_the_nearest(count: int, wanted: int, seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
    found = nearest(points, wanted)
    assert found.shape == (count, wanted) and found.dtype == np.int32
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    some = min(wanted, count - 1)
    expected = np.sort(distances, axis=1)[:, :some]
    np.testing.assert_allclose(np.take_along_axis(distances, found[:, :some], 1), expected, rtol=1e-4)


def test_twins_and_loners() -> None:
    twins = np.zeros((5, 3), np.float32)
    found = nearest(twins, 2)
    assert all(i not in row for i, row in enumerate(found.tolist()))
    assert nearest(np.zeros((1, 3), np.float32), 3).shape == (1, 3)
    assert nearest(np.zeros((0, 3), np.float32), 3).shape == (0, 3)


def test_mean_over_neighbours() -> None:
    rng = np.random.default_rng(0)
    points, values = rng.normal(size=(50, 3)).astype(np.float32), rng.random(50, np.float32)
    near = nearest(points, 4)
    expected = [(values[i] + values[near[i]].sum()) / 5 for i in range(50)]
    np.testing.assert_allclose(mean_over(values, near), expected, rtol=1e-5)
    assert mean_over(values, near[:, :0]) is values


def test_growing_and_shrinking() -> None:
    line = np.column_stack([np.arange(20), np.zeros(20), np.zeros(20)]).astype(np.float32)
    near = nearest(line, 2)
    mask = (np.arange(20) >= 8) & (np.arange(20) < 12)
    assert np.flatnonzero(grown(mask, near, 1)).tolist() == [7, 8, 9, 10, 11, 12]
    assert np.flatnonzero(grown(mask, near, 3)).tolist() == list(range(5, 15))
    assert np.flatnonzero(grown(mask, near, -1)).tolist() == [9, 10]
    assert not grown(mask, near, -2).any()
    np.testing.assert_array_equal(grown(mask, near, 0), mask)


def test_neighbours_are_kept_for_the_very_array() -> None:
    cache, points = NeighbourCache(), np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    assert cache.get(points, 3) is cache.get(points, 3)
    assert cache.get(points, 2) is not cache.get(points, 3)
    assert cache.get(points.copy(), 3) is not cache.get(points, 3)


def test_selection_takes_what_lies_above_the_cut(known: World) -> None:
    relevancy = np.where(known.labels == 1, 0.9, 0.3).astype(np.float32)
    relevancy[known.labels == 4] = 0  # means nothing
    plain = QueryOptions(neighbours=0)
    np.testing.assert_array_equal(selected(known.scene, relevancy, plain).rows, np.flatnonzero(known.labels == 1))
    assert selected(known.scene, relevancy, replace(plain, grow=2)).rows.size > 60
    assert selected(known.scene, np.zeros_like(relevancy), plain).rows.size == 0
    everything = selected(known.scene, relevancy, plain, limit=0.1)
    np.testing.assert_array_equal(everything.rows, np.flatnonzero(known.labels != 4))


def test_neighbours_fill_holes(known: World) -> None:
    relevancy = np.where(known.labels == 1, 0.9, 0.2).astype(np.float32)
    hole = np.flatnonzero(known.labels == 1)[7]
    relevancy[hole] = 0.2
    with_hole = selected(known.scene, relevancy, QueryOptions(neighbours=0))
    assert hole not in with_hole.rows
    assert hole in selected(known.scene, relevancy, QueryOptions(neighbours=8)).rows


def test_whole_objects(known: World) -> None:
    assert known.field.objects is not None
    relevancy = np.where(known.labels == 2, 0.9, 0.3).astype(np.float32)
    relevancy[np.flatnonzero(known.labels == 2)[:20]] = 0.3  # two thirds are left
    relevancy[np.flatnonzero(known.labels == 3)[:10]] = 0.9  # a sixth of another
    options = QueryOptions(neighbours=0, whole_objects=True)
    found = selected(known.scene, relevancy, options, objects=known.field.objects)
    np.testing.assert_array_equal(found.rows, np.flatnonzero(known.labels == 2))
    none = Objects(np.full(len(known.labels), -1, np.int32), known.field.objects.table)
    assert selected(known.scene, relevancy, options, objects=none).rows.size == 50


def test_extent_leaves_floaters_out(known: World) -> None:
    mask = known.labels == 0
    clean = extent_of(known.scene, Selection.of(mask))
    scene = known.scene
    means = scene.means_xyz.copy()
    means[np.flatnonzero(mask)[0]] = (40, 40, 40)
    thrown = extent_of(replace(scene, means_xyz=means), Selection.of(mask))
    assert clean is not None and thrown is not None and thrown.gaussians == clean.gaussians - 1
    np.testing.assert_allclose(thrown.centroid_xyz, clean.centroid_xyz, atol=0.03)
    np.testing.assert_allclose(clean.size_xyz, 0.6, atol=0.06)
    np.testing.assert_allclose(np.add(clean.box_min_xyz, clean.size_xyz), clean.box_max_xyz, atol=1e-6)
    assert extent_of(scene, Selection.of(np.zeros(len(scene), bool))) is None


def test_selections_change_by_rings(known: World) -> None:
    ball = Selection.of(known.labels == 1)
    assert changed(known.scene, ball, 0) is ball
    assert changed(known.scene, ball, 1).rows.size >= ball.rows.size >= changed(known.scene, ball, -1).rows.size


@pytest.mark.parametrize("kind", ["uplifted", "coded"])
def test_false_colours_part_meanings(known: World, kind: str) -> None:
    field = known.field if kind == "uplifted" else coded(known.labels)
    colours = feature_colours(field, 2)
    assert colours.shape == (len(field), 3) and colours.min() >= 0 and colours.max() <= 1
    means = np.array([colours[known.labels == i].mean(axis=0) for i in range(len(LABELS))])
    apart = np.linalg.norm(means[:, None] - means[None], axis=2) + 9 * np.eye(len(LABELS))
    assert apart.min() > (0.15 if kind == "uplifted" else 0.03)  # codes are drawn by lot, two lie close
    np.testing.assert_array_equal(feature_colours(field, 2), colours)
    if kind == "uplifted":
        assert not feature_colours(field, 0)[known.labels == 4].any()  # no meaning, no colour


def test_heat_dims_what_does_not_fit() -> None:
    rgb = np.full((4, 6, 3), 200, np.uint8)
    relevancy = np.full((4, 6), 0.4, np.float32)
    relevancy[:, 3:] = 0.9
    drawn = heat_over(rgb, relevancy)
    assert (drawn[:, :3] == 60).all()  # three tenths
    assert (drawn[:, 3:, 0] > 100).all() and (drawn[:, 3:, 2] < 50).all()  # turbo's end is dark red


def test_contour_lies_outside() -> None:
    rgb, mask = np.zeros((30, 30, 3), np.uint8), np.zeros((30, 30), bool)
    mask[10:20, 10:20] = True
    line = contoured(rgb, mask).any(axis=2)
    assert line.sum() == 40 and not (line & mask).any()


def test_depth_picture_is_black_where_nothing_is() -> None:
    depth = np.full((5, 5), np.inf, np.float32)
    assert not depth_picture(depth).any()
    depth[:, :2], depth[:, 2:4] = 1.0, 3.0
    drawn = depth_picture(depth).astype(int)
    assert not drawn[:, 4].any() and drawn[0, 0, 0] > drawn[0, 2, 0]
