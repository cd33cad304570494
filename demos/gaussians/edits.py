"""Edits as pure functions: a scene and a selection in, a new scene out; what is not selected keeps every bit.

Colour is linear in the harmonics, so an affine map of RGB is exact in every direction (before a renderer cuts colours
off at 0): with colour = 1/2 + Y(d) sh, c' = M c + t means DC' = M DC + (M 1/2 + t - 1/2) / C0 and M alone for every
higher band. Strength 0 is the identity, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from demos.gaussians.colour import C0, rgb_from_dc, rotated_sh
from demos.gaussians.rotations import matrices_from_quats, product, quats_from_matrices
from demos.gaussians.scene import Floats, GaussianScene, Language

LUMA = np.array((0.2126, 0.7152, 0.0722))  # Rec. 709
_LEAST_LUMA = 0.15  # darker selections are not lit up further: their noise would be, too
_MAX_FACTOR = 100.0

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class AffineColour:
    """The map c' = matrix c + offset of RGB in [0, 1]: (3, 3) and (3,) float64."""

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]

    @staticmethod
    def identity() -> AffineColour:
        """The map that changes nothing."""
        return AffineColour(np.eye(3), np.zeros(3))


def isolate(scene: GaussianScene, mask: Mask) -> GaussianScene:
    """Only the selected Gaussians.

    Raises:
        InputError: nothing is selected.
    """
    _check_selected(scene, mask)
    return scene.take(mask)


def remove(scene: GaussianScene, mask: Mask) -> GaussianScene:
    """All but the selected Gaussians; what they hid is empty space, nothing is painted in.

    Raises:
        InputError: everything is selected.
    """
    _check_length(scene, mask)
    if mask.all():
        raise InputError(f"All {len(scene):,} Gaussians are selected; removing them would leave nothing.")
    return scene.take(~mask) if mask.any() else scene


def recolour(scene: GaussianScene, weights: Floats, colour: AffineColour, *, strength: float = 1.0) -> GaussianScene:
    """Map the colours of a soft selection; the geometry and the other Gaussians are the same arrays as before.

    Args:
        scene: The scene.
        weights: (N,) float32 in [0, 1], how much each Gaussian is selected.
        colour: The map at weight 1.
        strength: 0 changes nothing, 1 is the map itself; in between, colours move along a straight line.
    """
    shares = _shares(scene, weights, strength)
    rows = np.flatnonzero(shares)
    if not rows.size:
        return scene
    change = (colour.matrix - np.eye(3)).astype(np.float32)
    shift = ((colour.matrix.sum(1) / 2 + colour.offset - 0.5) / C0).astype(np.float32)
    delta = scene.sh[rows] @ change.T
    delta[:, 0] += shift
    sh = scene.sh.copy()
    sh[rows] += shares[rows, None, None] * delta
    return replace(scene, sh=sh)


def tint(target_rgb: ArrayLike, mean_rgb: ArrayLike) -> AffineColour:
    """The map that gives a selection a colour and keeps its light and shade.

    Luma becomes the only input: ``c' = target luma(c) / luma(mean)``, so the mean turns into the target, exactly so
    where no colour leaves [0, 1]; for a dark selection the slope is bounded, and the mean still turns into the target.

    Args:
        target_rgb: (3,) colour in [0, 1].
        mean_rgb: (3,) mean colour of the selection, :func:`mean_colour`.
    """
    target, mean_luma = np.asarray(target_rgb, np.float64), float(LUMA @ np.asarray(mean_rgb, np.float64))
    slope = 1 / max(mean_luma, _LEAST_LUMA)
    return AffineColour(np.outer(target, LUMA) * slope, target * (1 - mean_luma * slope))


def mean_colour(scene: GaussianScene, weights: Floats) -> NDArray[np.float64]:
    """Mean base colour RGB (3,) of a soft selection, each Gaussian by its opacity and greatest cross-section."""
    log_area = scene.log_scales.sum(1, dtype=np.float64) - scene.log_scales.min(1)
    log_area -= log_area.max(initial=-np.inf)  # the greatest counts 1: nothing over- or underflows all at once
    importance = np.exp(log_area) * scene.opacities * weights
    total = float(importance.sum())
    if total <= 0:
        raise InputError("Nothing is selected, so it has no colour.")
    return np.clip(rgb_from_dc(scene.sh[:, 0]).astype(np.float64), 0, 1).T @ importance / total


def move(scene: GaussianScene, mask: Mask, offset_xyz: ArrayLike) -> GaussianScene:
    """Shift the selected Gaussians by (3,) world units."""
    _check_length(scene, mask)
    offset = np.asarray(offset_xyz, np.float32)
    if not mask.any() or not offset.any():
        return scene
    means = scene.means_xyz.copy()
    means[mask] += offset
    return replace(scene, means_xyz=means)


def duplicate(scene: GaussianScene, mask: Mask, offset_xyz: ArrayLike) -> GaussianScene:
    """Append a copy of the selected Gaussians, shifted by (3,) world units; the originals keep their rows.

    Raises:
        InputError: nothing is selected.
    """
    _check_selected(scene, mask)
    copy = scene.take(mask)
    return joined(scene, replace(copy, means_xyz=copy.means_xyz + np.asarray(offset_xyz, np.float32)))


def scale(scene: GaussianScene, mask: Mask, factor: float, about_xyz: ArrayLike) -> GaussianScene:
    """Enlarge the selected Gaussians by ``factor`` about a point (3,); their shapes grow with their distances.

    Raises:
        InputError: the factor is not between 1/100 and 100.
    """
    _check_length(scene, mask)
    if not 1 / _MAX_FACTOR <= factor <= _MAX_FACTOR:
        raise InputError(f"The factor is {factor:g}; allowed are {1 / _MAX_FACTOR:g} to {_MAX_FACTOR:g}.")
    if factor == 1 or not mask.any():
        return scene
    about = np.asarray(about_xyz, np.float64)
    means, log_scales = scene.means_xyz.copy(), scene.log_scales.copy()
    means[mask] = about + factor * (means[mask] - about)
    log_scales[mask] += np.float32(np.log(factor))
    return replace(scene, means_xyz=means, log_scales=log_scales)


def turn(scene: GaussianScene, mask: Mask, rotation: ArrayLike, about_xyz: ArrayLike) -> GaussianScene:
    """Turn the selected Gaussians by a rotation (3, 3) about a point (3,), with their view-dependent colours."""
    _check_length(scene, mask)
    matrix = np.asarray(rotation, np.float64)
    if not mask.any() or np.array_equal(matrix, np.eye(3)):
        return scene
    about = np.asarray(about_xyz, np.float64)
    means, quats, sh = scene.means_xyz.copy(), scene.quats_wxyz.copy(), scene.sh.copy()
    means[mask] = about + (means[mask] - about) @ matrix.T
    quats[mask] = product(quats_from_matrices(matrix), quats[mask])
    sh[mask] = rotated_sh(sh[mask], matrix)
    return replace(scene, means_xyz=means, quats_wxyz=quats, sh=sh)


def joined(first: GaussianScene, second: GaussianScene) -> GaussianScene:
    """The Gaussians of both, first those of ``first``; both have the same bands and the same tables of language.

    Raises:
        ValueError: the bands differ.
    """
    if first.sh.shape[1] != second.sh.shape[1]:
        raise ValueError(f"scenes of {first.sh.shape[1]} and {second.sh.shape[1]} harmonics cannot be joined")
    return GaussianScene(
        np.concatenate([first.means_xyz, second.means_xyz]),
        np.concatenate([first.log_scales, second.log_scales]),
        np.concatenate([first.quats_wxyz, second.quats_wxyz]),
        np.concatenate([first.opacity_logits, second.opacity_logits]),
        np.concatenate([first.sh, second.sh]),
        _joined_language(first.language, second.language),
    )


def covariances(scene: GaussianScene) -> NDArray[np.float64]:
    """(N, 3, 3) float64 covariance matrices R S S^T R^T."""
    root = matrices_from_quats(scene.quats_wxyz) * np.exp(scene.log_scales.astype(np.float64))[:, None, :]
    return root @ root.transpose(0, 2, 1)


def _joined_language(first: Language | None, second: Language | None) -> Language | None:
    if first is None or second is None:
        return None
    ids = None if first.ids is None or second.ids is None else np.concatenate([first.ids, second.ids])
    codes = None if first.codes is None or second.codes is None else np.concatenate([first.codes, second.codes])
    return replace(first, ids=ids, codes=codes, features=None if ids is None else first.features)


def _shares(scene: GaussianScene, weights: Floats, strength: float) -> Floats:
    """Weight times strength, (N,) float32."""
    if weights.shape != (len(scene),):
        raise ValueError(f"weights must be ({len(scene)},), not {weights.shape}")
    if not -1 <= strength <= 1:
        raise InputError(f"The strength is {strength:g}; allowed are -1 to 1.")
    return weights.astype(np.float32) * np.float32(strength)


def _check_length(scene: GaussianScene, mask: Mask) -> None:
    if mask.shape != (len(scene),) or mask.dtype != np.bool_:
        raise ValueError(f"mask must be ({len(scene)},) bool, not {mask.shape} {mask.dtype}")


def _check_selected(scene: GaussianScene, mask: Mask) -> None:
    _check_length(scene, mask)
    if not mask.any():
        raise InputError(f"None of the {len(scene):,} Gaussians is selected.")
