"""The projection run backwards: from derivatives by the numbers of a splat to derivatives by its Gaussian (numba).

The names are raster_project's: C = (a b; b c) with the blur, D = a c - b^2, h = log2(e) / 2c, k = log2(e) c / 2D,
r = b / c, L = log2 of the opacity; A and B are the rows of J W, p_j and q_j those of J W R S. The chain is

    splat sums -> du, dv, dr, dh, dk, dL -> da, db, dc -> dp, dq -> d log-scales, dR, dA, dB -> d quaternion, d mean.

The clamp of J at 1.3 times the field of view has no derivative across it.
"""

from __future__ import annotations

import math

from numba import types

from demos.gaussians.fit_raster import Q_E, Q_EE, Q_EY, Q_Y, Q_YY, Q
from demos.gaussians.raster_jit import Array, Real, array_of, inlined, loop
from demos.gaussians.raster_project import (
    BLUR_PX2,
    BOTTOM,
    FX,
    FY,
    HIDDEN,
    LEFT,
    LOG2_E,
    RIGHT,
    SLOPE,
    TOP,
    H,
    K,
)

_F32, _F64, _I64, _U32 = types.float32, types.float64, types.int64, types.uint32


@inlined()
def _ellipse_back(splat: Array, sums: Array, a: Real, b: Real, c: Real) -> tuple[Real, Real, Real]:
    """(da, db, dc) from the sums of a splat; a, b, c with the blur."""
    h, k, r = float(splat[H]), float(splat[K]), float(splat[SLOPE])
    determinant = 0.5 * LOG2_E * c / k
    dh, dk, dr = -float(sums[Q_YY]), -float(sums[Q_EE]), 2.0 * k * float(sums[Q_EY])
    dd = -dk * k / determinant
    return dd * c, dr / c - 2.0 * dd * b, dd * a + (dk * k - dh * h - dr * r) / c


@inlined()
def _rotation(quats: Array, i: int) -> tuple[Real, ...]:
    """The nine entries of a quaternion's matrix, row by row."""
    w, x, y, z = float(quats[i, 0]), float(quats[i, 1]), float(quats[i, 2]), float(quats[i, 3])
    n = 2.0 / (w * w + x * x + y * y + z * z)
    return (
        *(1.0 - n * (y * y + z * z), n * (x * y - w * z), n * (x * z + w * y)),
        *(n * (x * y + w * z), 1.0 - n * (x * x + z * z), n * (y * z - w * x)),
        *(n * (x * z - w * y), n * (y * z + w * x), 1.0 - n * (x * x + y * y)),
    )


@inlined()
def _rotation_back(quats: Array, i: int, d: tuple[Real, ...], out: Array) -> None:
    """Write the derivative by a quaternion from those by the nine entries of its matrix, row by row."""
    d00, d01, d02, d10, d11, d12, d20, d21, d22 = d
    w, x, y, z = float(quats[i, 0]), float(quats[i, 1]), float(quats[i, 2]), float(quats[i, 3])
    length = math.sqrt(w * w + x * x + y * y + z * z)
    w, x, y, z = w / length, x / length, y / length, z / length
    dw = 2.0 * (x * (d21 - d12) + y * (d02 - d20) + z * (d10 - d01))
    dx = 2.0 * (y * (d01 + d10) + z * (d02 + d20) + w * (d21 - d12) - 2.0 * x * (d11 + d22))
    dy = 2.0 * (x * (d01 + d10) + z * (d12 + d21) + w * (d02 - d20) - 2.0 * y * (d00 + d22))
    dz = 2.0 * (x * (d02 + d20) + y * (d12 + d21) + w * (d10 - d01) - 2.0 * z * (d00 + d11))
    along = dw * w + dx * x + dy * y + dz * z
    out[i, 0], out[i, 1] = (dw - along * w) / length, (dx - along * x) / length
    out[i, 2], out[i, 3] = (dy - along * y) / length, (dz - along * z) / length


@inlined()
def _mean_back(
    camera: Array,
    place: tuple[Real, Real, Real],
    d_centre: tuple[Real, Real],
    d_rows: tuple[Real, ...],
    nearer: Real,
    out: Array,
) -> None:
    """Write the derivative by a mean from those by the splat's centre and by the rows of J W.

    ``place`` is (x / z, y / z, z), ``nearer`` the derivative by -log z through the factor 1 / z of J alone.
    """
    x, y, z = place
    d_x, d_y = camera[FX] * d_centre[0], camera[FY] * d_centre[1]
    if camera[LEFT] <= x <= camera[RIGHT]:
        d_x -= camera[FX] / z * (d_rows[0] * camera[8] + d_rows[1] * camera[9] + d_rows[2] * camera[10])
    if camera[TOP] <= y <= camera[BOTTOM]:
        d_y -= camera[FY] / z * (d_rows[3] * camera[8] + d_rows[4] * camera[9] + d_rows[5] * camera[10])
    local_x, local_y, local_z = d_x / z, d_y / z, -(d_x * x + d_y * y + nearer) / z
    out[0] = camera[0] * local_x + camera[4] * local_y + camera[8] * local_z
    out[1] = camera[1] * local_x + camera[5] * local_y + camera[9] * local_z
    out[2] = camera[2] * local_x + camera[6] * local_y + camera[10] * local_z


@loop(
    *(array_of(_F32, 2), array_of(_F32, 2), array_of(_F32, 2), array_of(_F32, 1), array_of(_F64, 1)),
    *(array_of(_F32, 2), array_of(_U32, 1), array_of(_F32, 2), _I64, _I64),
    *(array_of(_F32, 2, written=True), array_of(_F32, 2, written=True), array_of(_F32, 2, written=True)),
    *(array_of(_F32, 1, written=True), array_of(_F32, 2, written=True)),
)
def project_back(
    means: Array,
    log_scales: Array,
    quats: Array,
    logits: Array,
    camera: Array,
    splats: Array,
    keys: Array,
    sums: Array,
    first: int,
    last: int,
    d_means: Array,
    d_log_scales: Array,
    d_quats: Array,
    d_logits: Array,
    d_centres: Array,
) -> None:
    """Write the derivatives of Gaussians ``first`` to ``last - 1`` that reach the picture.

    Args:
        means: (N, 3) float32, as in the scene; so are the following three.
        log_scales: (N, 3) float32.
        quats: (N, 4) float32 of any length but zero.
        logits: (N,) float32.
        camera: (CAMERA,) float64 of raster_frame.
        splats: (N, ROW) float32.
        keys: (N,) uint32, HIDDEN where there is no splat.
        sums: (N, SUMS) float32 of fit_raster.
        first: First Gaussian.
        last: One past the last Gaussian.
        d_means: (N, 3) float32, written, without the share of the colour; so are the following.
        d_log_scales: (N, 3) float32.
        d_quats: (N, 4) float32.
        d_logits: (N,) float32.
        d_centres: (N, 2) float32, by u and v in pixels.
    """
    for i in range(first, last):
        if keys[i] == HIDDEN:
            continue
        px, py, pz = float(means[i, 0]), float(means[i, 1]), float(means[i, 2])
        z = camera[8] * px + camera[9] * py + camera[10] * pz + camera[11]
        x = (camera[0] * px + camera[1] * py + camera[2] * pz + camera[3]) / z
        y = (camera[4] * px + camera[5] * py + camera[6] * pz + camera[7]) / z
        across, down = min(max(x, camera[LEFT]), camera[RIGHT]), min(max(y, camera[TOP]), camera[BOTTOM])
        k, r, h = float(splats[i, K]), float(splats[i, SLOPE]), float(splats[i, H])
        du, dv = 2.0 * k * float(sums[i, Q_E]), 2.0 * (h * float(sums[i, Q_Y]) - k * r * float(sums[i, Q_E]))
        d_centres[i, 0], d_centres[i, 1] = du, dv
        d_logits[i] = float(sums[i, Q]) * LOG2_E / (1.0 + math.exp(float(logits[i])))
        scale_x, scale_y = camera[FX] / z, camera[FY] / z
        a0, b0 = scale_x * (camera[0] - across * camera[8]), scale_y * (camera[4] - down * camera[8])
        a1, b1 = scale_x * (camera[1] - across * camera[9]), scale_y * (camera[5] - down * camera[9])
        a2, b2 = scale_x * (camera[2] - across * camera[10]), scale_y * (camera[6] - down * camera[10])
        m00, m01, m02, m10, m11, m12, m20, m21, m22 = _rotation(quats, i)
        s0, s1 = math.exp(float(log_scales[i, 0])), math.exp(float(log_scales[i, 1]))
        s2 = math.exp(float(log_scales[i, 2]))
        p0, q0 = s0 * (a0 * m00 + a1 * m10 + a2 * m20), s0 * (b0 * m00 + b1 * m10 + b2 * m20)
        p1, q1 = s1 * (a0 * m01 + a1 * m11 + a2 * m21), s1 * (b0 * m01 + b1 * m11 + b2 * m21)
        p2, q2 = s2 * (a0 * m02 + a1 * m12 + a2 * m22), s2 * (b0 * m02 + b1 * m12 + b2 * m22)
        da, db, dc = _ellipse_back(
            *(splats[i], sums[i], p0 * p0 + p1 * p1 + p2 * p2 + BLUR_PX2, p0 * q0 + p1 * q1 + p2 * q2),
            q0 * q0 + q1 * q1 + q2 * q2 + BLUR_PX2,
        )
        dp0, dp1, dp2 = 2.0 * da * p0 + db * q0, 2.0 * da * p1 + db * q1, 2.0 * da * p2 + db * q2
        dq0, dq1, dq2 = 2.0 * dc * q0 + db * p0, 2.0 * dc * q1 + db * p1, 2.0 * dc * q2 + db * p2
        d_log_scales[i, 0], d_log_scales[i, 1] = dp0 * p0 + dq0 * q0, dp1 * p1 + dq1 * q1
        d_log_scales[i, 2] = dp2 * p2 + dq2 * q2
        dp0, dp1, dp2, dq0, dq1, dq2 = s0 * dp0, s1 * dp1, s2 * dp2, s0 * dq0, s1 * dq1, s2 * dq2
        d_matrix = (
            *(dp0 * a0 + dq0 * b0, dp1 * a0 + dq1 * b0, dp2 * a0 + dq2 * b0),
            *(dp0 * a1 + dq0 * b1, dp1 * a1 + dq1 * b1, dp2 * a1 + dq2 * b1),
            *(dp0 * a2 + dq0 * b2, dp1 * a2 + dq1 * b2, dp2 * a2 + dq2 * b2),
        )
        _rotation_back(quats, i, d_matrix, d_quats)
        d_rows = (
            *(dp0 * m00 + dp1 * m01 + dp2 * m02, dp0 * m10 + dp1 * m11 + dp2 * m12, dp0 * m20 + dp1 * m21 + dp2 * m22),
            *(dq0 * m00 + dq1 * m01 + dq2 * m02, dq0 * m10 + dq1 * m11 + dq2 * m12, dq0 * m20 + dq1 * m21 + dq2 * m22),
        )
        nearer = d_rows[0] * a0 + d_rows[1] * a1 + d_rows[2] * a2 + d_rows[3] * b0 + d_rows[4] * b1 + d_rows[5] * b2
        _mean_back(camera, (x, y, z), (du, dv), d_rows, nearer, d_means[i])
