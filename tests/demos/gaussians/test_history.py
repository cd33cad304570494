"""Undo as data: replay gives the same scene, undo gives the one before, redo the one after."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from demos.gaussians import edits
from demos.gaussians.deform import Body
from demos.gaussians.edits import AffineColour
from demos.gaussians.history import (
    MAX_EDITS,
    Deform,
    Edit,
    History,
    Isolate,
    Move,
    Recolour,
    Remove,
    Scale,
    Selection,
    applied,
)
from demos.gaussians.scene import GaussianScene
from tests.demos.gaussians.scenes import assert_same, random_scene


def random_edit(rng: np.random.Generator, count: int) -> Edit:
    """Any edit on a random part of a scene of ``count`` Gaussians, never all of them and never none."""
    weights = rng.uniform(0, 1, count).astype(np.float32)
    weights[0], weights[1] = 1, 0
    chosen = Selection.of(weights)
    kinds: list[Edit] = [
        Isolate(chosen),
        Remove(chosen),
        Recolour(chosen, AffineColour(rng.normal(size=(3, 3)), rng.normal(size=3)), 0.5),
        Move(chosen, (1, 2, 3)),
        Move(chosen, (1, 2, 3), is_copy=True),
        Scale(chosen, 1.5, (0, 0, 0)),
        Deform(chosen, "twist", Body(np.zeros(3), np.array([0.0, 0, 1]), 2.0), 0.7),
    ]
    return kinds[int(rng.integers(len(kinds)))]


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), length=st.integers(0, 6))
def test_undo_and_redo_walk_the_same_scenes(seed: int, length: int) -> None:
    rng = np.random.default_rng(seed)
    original = random_scene(40, degree=1, language=True)
    history, scenes = History(), [original]
    for _ in range(length):
        if len(scenes[-1]) < 4:
            break
        edit = random_edit(rng, len(scenes[-1]))
        history = history.then(edit)
        scenes.append(applied(scenes[-1], edit))
    assert_same(history.replayed(original), scenes[-1])
    for before in reversed(scenes[:-1]):
        history = history.undo()
        assert_same(history.replayed(original), before)
    assert history.replayed(original) is original
    assert history.undo() is history
    for after in scenes[1:]:
        history = history.redo()
        assert_same(history.replayed(original), after)
    assert history.redo() is history


def test_a_new_edit_forgets_what_was_taken_back() -> None:
    scene = random_scene(10)
    rng = np.random.default_rng(0)
    history = History().then(random_edit(rng, 10)).undo()
    assert history.undone
    fresh = history.then(Move(Selection.of(np.ones(10, bool)), (1, 0, 0)))
    assert not fresh.undone and fresh.redo() is fresh
    np.testing.assert_allclose(fresh.replayed(scene).means_xyz, scene.means_xyz + np.float32([1, 0, 0]))


@pytest.mark.parametrize("is_mask", [False, True])
def test_a_selection_spreads_to_what_it_was_made_of(is_mask: bool) -> None:
    weights = np.array([0, 0.2, 0, 1, 0.5], np.float32)
    chosen = Selection.of(weights > 0 if is_mask else weights)
    np.testing.assert_array_equal(chosen.spread(5), (weights > 0).astype(np.float32) if is_mask else weights)
    np.testing.assert_array_equal(chosen.mask(5), weights > 0 if is_mask else weights >= 0.5)


def test_every_edit_is_the_function_it_names() -> None:
    scene: GaussianScene = random_scene(10)
    mask = np.arange(10) < 4
    chosen, colour = Selection.of(mask), AffineColour(np.zeros((3, 3)), np.array([1.0, 0, 0]))
    assert_same(applied(scene, Isolate(chosen)), edits.isolate(scene, mask))
    assert_same(applied(scene, Remove(chosen)), edits.remove(scene, mask))
    assert_same(applied(scene, Recolour(chosen, colour)), edits.recolour(scene, mask.astype(np.float32), colour))
    assert_same(applied(scene, Move(chosen, (1, 0, 0))), edits.move(scene, mask, (1, 0, 0)))
    assert_same(applied(scene, Move(chosen, (1, 0, 0), is_copy=True)), edits.duplicate(scene, mask, (1, 0, 0)))
    assert_same(applied(scene, Scale(chosen, 2, (0, 0, 0))), edits.scale(scene, mask, 2, (0, 0, 0)))


def test_a_history_is_bounded() -> None:
    history = History()
    edit = Move(Selection.of(np.ones(2, bool)), (1, 0, 0))
    for _ in range(MAX_EDITS):
        history = history.then(edit)
    with pytest.raises(InputError, match="100 edits"):
        history.then(edit)
