"""The scene type: what it promises, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from demos.gaussians.scene import GaussianScene, Language
from tests.demos.gaussians.scenes import random_scene


def test_opacity_is_the_sigmoid_without_overflow() -> None:
    logits = np.array([-500, -30, -1, 0, 1, 30, 500], np.float32)
    scene = replace(random_scene(7), opacity_logits=logits)
    expected = [1 / (1 + np.exp(np.float64(-x))) for x in logits]
    with np.errstate(all="raise"):
        np.testing.assert_allclose(scene.opacities, expected, atol=1e-7)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_degree_is_read_off_the_bands(degree: int) -> None:
    assert random_scene(degree=degree).degree == degree


def test_take_by_mask_and_by_index_carries_the_language() -> None:
    scene = random_scene(10, language=True)
    mask = np.arange(10) % 3 == 0
    one, other = scene.take(mask), scene.take(np.flatnonzero(mask))
    for part in (one, other):
        assert part.language is not None and scene.language is not None
        assert part.language.ids is not None and scene.language.ids is not None
        np.testing.assert_array_equal(part.means_xyz, scene.means_xyz[[0, 3, 6, 9]])
        np.testing.assert_array_equal(part.language.ids, scene.language.ids[[0, 3, 6, 9]])
        assert part.language.features is scene.language.features
        part.validated()


@pytest.mark.parametrize(
    "change, words",
    [
        ({"means_xyz": np.zeros((20, 2), np.float32)}, "means_xyz"),
        ({"means_xyz": np.zeros((20, 3), np.float64)}, "float64"),
        ({"log_scales": np.zeros((19, 3), np.float32)}, "log_scales"),
        ({"opacity_logits": np.zeros((20, 1), np.float32)}, "opacity_logits"),
        ({"sh": np.zeros((20, 5, 3), np.float32)}, "1, 4, 9 or 16"),
        ({"sh": np.full((20, 1, 3), np.nan, np.float32)}, "finite"),
        ({"quats_wxyz": np.ones((20, 4), np.float32)}, "unit length"),
        ({"language": Language(("part",), ids=np.zeros((20, 1), np.int32))}, "come together"),
        (
            {"language": Language(("part",), ids=np.full((20, 1), 3, np.int32), features=np.zeros((3, 2), np.float32))},
            "-1..2",
        ),
        ({"language": Language(("part", "whole"), codes=np.zeros((20, 1, 3), np.float32))}, "codes"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(random_scene(), **change).validated()  # type: ignore[arg-type]


def test_an_empty_scene_is_valid() -> None:
    empty = random_scene(3, language=True).take(np.zeros(3, bool))
    assert len(empty.validated()) == 0 and isinstance(empty, GaussianScene)
