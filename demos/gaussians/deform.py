"""Bounded deformations of a selection: taller, wider, bigger, twist.

A map D of space moves a Gaussian's centre to D(mean) and, to first order, its covariance to J S J^T with J = dD/dx at
the centre. J R diag(scales) = U diag(s') V^T gives the new axes U and scales s' without forming the covariance; the
rotation in J (its polar part) turns the view-dependent colours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from demos.gaussians.colour import rotated_sh
from demos.gaussians.rotations import matrices_from_quats, quats_from_matrices
from demos.gaussians.scene import Floats, GaussianScene

Verb = Literal["taller", "wider", "bigger", "twist"]
VERBS: Final[tuple[Verb, ...]] = ("taller", "wider", "bigger", "twist")

MAX_STRETCH = 2.0  # at strength 1; strength -1 divides by it
MAX_TWIST_RAD = np.pi / 2  # from the bottom to the top
_EDGE_QUANTILE = 0.02  # of the selection's weight: a floater does not make the object taller

Floats64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Body:
    """Where a selection stands.

    Attributes:
        base_xyz: (3,) middle of its foot.
        up_xyz: (3,) unit vector.
        height: From foot to top along ``up_xyz``, world units, positive.
    """

    base_xyz: Floats64
    up_xyz: Floats64
    height: float


def body_of(scene: GaussianScene, weights: Floats, up_xyz: ArrayLike) -> Body:
    """Find foot, middle and height of a soft selection (N,), each Gaussian weighted by its opacity, too.

    Raises:
        InputError: nothing is selected.
    """
    importance = weights.astype(np.float64) * scene.opacities
    rows = np.flatnonzero(importance > 0)
    if not rows.size:
        raise InputError("Nothing is selected, so there is nothing to deform.")
    up = np.asarray(up_xyz, np.float64) / np.linalg.norm(np.asarray(up_xyz, np.float64))
    points, share = scene.means_xyz[rows].astype(np.float64), importance[rows]
    heights = points @ up
    low, high = _span(heights, share)
    level = points - heights[:, None] * up
    middle = np.array([np.mean(_span(level[:, axis], share)) for axis in range(3)])
    middle -= up * (middle @ up)
    size = max(high - low, float(np.linalg.norm(np.ptp(points, 0))) * 1e-3, 1e-9)
    return Body(middle + low * up, up, size)


def deform(scene: GaussianScene, weights: Floats, verb: Verb, body: Body, *, strength: float) -> GaussianScene:
    """Deform a soft selection about its foot.

    Args:
        scene: The scene.
        weights: (N,) float32 in [0, 1]; each Gaussian is deformed by its weight times ``strength``.
        verb: What to do; the opposite (shorter, narrower, smaller, the other way round) at negative strength.
        body: Where the selection stands.
        strength: -1 to 1; 0 is the identity bit for bit.

    Raises:
        InputError: another verb, or a strength out of range.
    """
    if verb not in VERBS:
        raise InputError(f"“{verb}” is no deformation; allowed are {', '.join(VERBS)}.")
    if not -1 <= strength <= 1:
        raise InputError(f"The strength is {strength:g}; allowed are -1 to 1.")
    if weights.shape != (len(scene),):
        raise ValueError(f"weights must be ({len(scene)},), not {weights.shape}")
    amounts = weights.astype(np.float64) * strength
    rows = np.flatnonzero(amounts)
    if not rows.size:
        return scene
    points = scene.means_xyz[rows].astype(np.float64)
    moved, jacobians = (
        _twisted(points, amounts[rows], body) if verb == "twist" else _stretched(points, amounts[rows], body, verb)
    )
    means, log_scales, quats, sh = (
        array.copy() for array in (scene.means_xyz, scene.log_scales, scene.quats_wxyz, scene.sh)
    )
    means[rows] = moved
    root = jacobians @ (matrices_from_quats(quats[rows]) * np.exp(log_scales[rows].astype(np.float64))[:, None, :])
    axes, sizes, _ = np.linalg.svd(root)
    axes[np.linalg.det(axes) < 0, :, 2] *= -1  # an axis has no direction: the mirror image is the same Gaussian
    quats[rows] = quats_from_matrices(axes)
    log_scales[rows] = np.log(np.maximum(sizes, 1e-13))
    if scene.degree > 0 and verb == "twist":  # a stretch has no rotation in it
        left, _, right = np.linalg.svd(jacobians)
        sh[rows] = rotated_sh(sh[rows], left @ right)
    return replace(scene, means_xyz=means, log_scales=log_scales, quats_wxyz=quats, sh=sh)


def _stretched(points: Floats64, amounts: Floats64, body: Body, verb: Verb) -> tuple[Floats64, Floats64]:
    """Stretch along, across or in all directions; (n, 3) points and (n, 3, 3) Jacobians."""
    along = np.outer(body.up_xyz, body.up_xyz)
    axes = {"taller": along, "wider": np.eye(3) - along, "bigger": np.eye(3)}[verb]
    factors = MAX_STRETCH**amounts
    jacobians = np.eye(3) + (factors - 1)[:, None, None] * axes
    return body.base_xyz + np.einsum("nij,nj->ni", jacobians, points - body.base_xyz), jacobians


def _twisted(points: Floats64, amounts: Floats64, body: Body) -> tuple[Floats64, Floats64]:
    """Turn about the upright axis, in proportion to the height between foot and top and no further."""
    offset = points - body.base_xyz
    height = offset @ body.up_xyz / body.height
    angles = amounts * MAX_TWIST_RAD * np.clip(height, 0, 1)
    slopes = np.where((height > 0) & (height < 1), amounts * MAX_TWIST_RAD / body.height, 0.0)
    x, y, z = body.up_xyz
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    sine, cosine = np.sin(angles)[:, None, None], np.cos(angles)[:, None, None]
    rotations = np.eye(3) + sine * cross + (1 - cosine) * (cross @ cross)
    turned = np.einsum("nij,nj->ni", rotations, offset)
    # d(R(angle) offset)/dx = R + (up x R offset) (d angle/dx)^T
    shear = np.cross(body.up_xyz, turned)[:, :, None] * (slopes[:, None] * body.up_xyz)[:, None, :]
    return body.base_xyz + turned, rotations + shear


def _span(values: Floats64, share: Floats64) -> tuple[float, float]:
    """The values between which all but the outermost weight lies."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(share[order]) / share.sum()
    low = int(np.searchsorted(reached, _EDGE_QUANTILE))
    high = int(np.searchsorted(reached, 1 - _EDGE_QUANTILE))
    return float(values[order[low]]), float(values[order[min(high, len(values) - 1)]])
