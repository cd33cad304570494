"""Groups in space: known things are found again from noisy masks, and what is part of what."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from demos.gaussians.field import LEVELS
from demos.gaussians.groups import (
    Groups,
    Sightings,
    cells_of,
    consensus_of,
    find_groups,
    group_masks,
    level_maps,
    mask_shares,
    nested,
    sightings_of,
)
from demos.gaussians.masks import PhotoMasks
from demos.gaussians.weights import view_weights
from tests.demos.gaussians.scenes import random_scene
from tests.demos.gaussians.views import camera

COUNT = 400
THINGS = {"left": range(0, 90), "right": range(90, 200), "part of left": range(0, 30)}


def _sightings(*, views: int = 10, noise: float = 0.05, stray: int = 4) -> tuple[Sightings, list[str]]:
    """Every view sees two thirds of the Gaussians, masks of all things with some Gaussians wrong, and stray masks."""
    rng = np.random.default_rng(4)
    held, names, view_of, number_of, scores = [], [], [], [], []
    seen = rng.random((views, COUNT)) < 0.67
    for view in range(views):
        for name, rows in THINGS.items():
            is_in = np.zeros(COUNT, bool)
            is_in[list(rows)] = True
            is_in ^= rng.random(COUNT) < noise * is_in.mean()
            held.append(np.flatnonzero(is_in & seen[view]).astype(np.int32))
            names.append(name)
            scores.append(0.9)
        for _ in range(stray):
            held.append(np.flatnonzero((rng.random(COUNT) < 0.2) & seen[view]).astype(np.int32))
            names.append("stray")
            scores.append(0.5)
        view_of += [view] * (len(THINGS) + stray)
        number_of += range(len(THINGS) + stray)
    found = Sightings(
        tuple(held), seen, np.array(view_of, np.int32), np.array(number_of, np.int32), np.array(scores, np.float32)
    )
    return found, names


def test_masks_of_one_thing_join_and_others_do_not() -> None:
    found, names = _sightings()
    groups = [rows for rows in group_masks(found) if len(rows) > 1]
    assert sorted({names[rows[0]] for rows in groups}) == sorted(THINGS)
    for rows in groups:
        assert len({names[row] for row in rows}) == 1 and len(rows) == 10


def test_consensus_is_the_thing() -> None:
    found, names = _sightings()
    members = [np.array([i for i, name in enumerate(names) if name == "left"], np.int32)]
    holds = consensus_of(found, members)[0]
    truth = np.isin(np.arange(COUNT), list(THINGS["left"]))
    assert (holds & truth).sum() / (holds | truth).sum() > 0.97


def test_groups_are_nested_by_what_they_hold() -> None:
    found, names = _sightings()
    groups = find_groups(found, least_views=3)
    name_of = [names[rows[0]] for rows in groups.members]
    assert sorted(name_of) == sorted(THINGS)
    part, whole = name_of.index("part of left"), name_of.index("left")
    assert groups.parents[part] == whole and groups.parents[whole] == -1
    assert [LEVELS[level] for level in groups.levels[[part, whole]]] == ["part", "whole"]


def test_what_fills_the_scene_holds_nothing() -> None:
    holds = np.zeros((3, 100), bool)
    holds[0, :80], holds[1, :20], holds[2, :5] = True, True, True
    parents, levels = nested(holds, np.ones(100, np.float32))
    assert parents.tolist() == [-1, -1, 1]
    assert levels.tolist() == [2, 2, 1]


def test_no_masks_make_no_groups() -> None:
    nothing = Sightings(
        (), np.ones((2, 5), bool), np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.float32)
    )
    assert len(find_groups(nothing)) == 0


def test_cells_put_together_are_the_masks() -> None:
    masks = np.random.default_rng(5).random((11, 14, 17)) < 0.3
    cells, inside = cells_of(masks)
    assert np.array_equal(inside[cells].transpose(2, 0, 1), masks)
    assert len(np.unique(inside, axis=0)) == len(inside)


def test_shares_are_the_slow_sums() -> None:
    scene, view = random_scene(60, degree=0, seed=7), camera()
    weights = view_weights(scene, view)
    masks = np.random.default_rng(6).random((5, view.height, view.width)) < 0.5
    totals = weights.totals()
    shares = mask_shares(weights, PhotoMasks(masks, np.ones(5, np.float32)), totals)
    for row, mask in enumerate(masks):
        slow = weights.sums(mask.astype(np.float32)) / np.maximum(totals, 1e-6)
        np.testing.assert_allclose(shares[:, row], slow, atol=1e-4)
    found = sightings_of([weights], [PhotoMasks(masks, np.ones(5, np.float32))])
    assert np.array_equal(found.held[2], np.flatnonzero((shares[:, 2] > 0.5) & found.seen[0]))


def test_level_maps_show_what_most_agree_on_and_fall_back_to_the_coarser_level() -> None:
    masks: NDArray[np.bool_] = np.zeros((3, 6, 6), bool)
    masks[0, 1:5, 1:5], masks[1, 2:4, 2:4], masks[2] = True, True, True
    members = tuple(np.arange(count, dtype=np.int32) for count in (5, 2, 3))
    groups = Groups(members, np.zeros((3, 1), bool), np.array([-1, 0, -1], np.int32), np.array([2, 1, 2], np.int8))
    subpart, part, whole = level_maps(PhotoMasks(masks, np.ones(3, np.float32)), {0: 0, 1: 1, 2: 2}, groups)
    whole, part, subpart = (np.where(one == 2, -1, one) for one in (whole, part, subpart))
    assert (whole >= 0).sum() == 16 and set(np.unique(whole)) == {-1, 0}
    assert (part == 1).sum() == 4 and (part == 0).sum() == 12
    assert np.array_equal(subpart, part)


def test_what_may_hold_nothing_has_no_parts() -> None:
    holds = np.zeros((3, 100), bool)
    holds[0, :25], holds[1, :15], holds[2, :6] = True, True, True
    parents, levels = nested(holds, np.ones(100, np.float32))
    assert parents.tolist() == [-1, 0, 1] and levels.tolist() == [2, 1, 0]
    parents, levels = nested(holds, np.ones(100, np.float32), np.array([False, True, True]))
    assert parents.tolist() == [-1, -1, 1] and levels.tolist() == [2, 2, 1]
