"""Small random scenes, their comparison, and a slow picture of what a Gaussian is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from demos.gaussians.rotations import matrices_from_quats
from demos.gaussians.scene import BANDS, GaussianScene, Language


def random_scene(count: int = 20, *, degree: int = 3, seed: int = 0, language: bool = False) -> GaussianScene:
    """Gaussians of ordinary sizes, colours and opacities; quaternions with w of either sign."""
    rng = np.random.default_rng(seed)
    quats = rng.normal(size=(count, 4))
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    return GaussianScene(
        rng.normal(0, 2, (count, 3)).astype(np.float32),
        rng.normal(-3, 1, (count, 3)).astype(np.float32),
        quats.astype(np.float32),
        rng.normal(0, 2, count).astype(np.float32),
        np.concatenate([rng.normal(0, 1, (count, 1, 3)), rng.normal(0, 0.2, (count, BANDS[degree] - 1, 3))], 1).astype(
            np.float32
        ),
        random_language(count, rng) if language else None,
    ).validated()


def random_language(count: int, rng: np.random.Generator, *, width: int = 8) -> Language:
    features = rng.normal(size=(5, width))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    codes = rng.normal(size=(count, 2, 3))
    codes /= np.linalg.norm(codes, axis=2, keepdims=True)
    return Language(
        ("part", "whole"),
        "pocket-clip",
        rng.integers(-1, 5, (count, 2)).astype(np.int32),
        features.astype(np.float32),
        codes.astype(np.float32),
        {
            "decoder.0.weight": rng.normal(size=(4, 3)).astype(np.float32),
            "decoder.0.bias": rng.normal(size=4).astype(np.float32),
        },
    )


ARRAYS = ("means_xyz", "log_scales", "quats_wxyz", "opacity_logits", "sh")


def assert_same(one: GaussianScene, other: GaussianScene) -> None:
    """Equal in every bit of the Gaussians."""
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name, strict=True)


def slow_covariances(scene: GaussianScene) -> NDArray[np.float64]:
    """(N, 3, 3), one Gaussian after the other: R S S^T R^T."""
    found = []
    for quat, log_scale in zip(scene.quats_wxyz, scene.log_scales, strict=True):
        root = matrices_from_quats(quat) @ np.diag(np.exp(log_scale.astype(np.float64)))
        found.append(root @ root.T)
    return np.array(found)


def rotation_error_rad(one: NDArray, other: NDArray) -> NDArray[np.float64]:
    """Angles (N,) between quaternions (N, 4)."""
    cosines = np.abs(np.einsum("nk,nk->n", one.astype(np.float64), other.astype(np.float64)))
    return 2 * np.arccos(np.clip(cosines, 0, 1))
