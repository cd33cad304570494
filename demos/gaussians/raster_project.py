"""From Gaussians in space to splats on the picture: one row of numbers each, and their order by depth (numba).

A Gaussian with covariance S becomes a splat with C = J W S W^T J^T + 0.3 I (Zwicker et al. 2001, EWA splatting, eq.
31; the blur and the clamp of J at 1.3 times the field of view are 3D Gaussian Splatting's, Kerbl et al. 2023). With
C = (a b; b c), its determinant D, the opacity o and L = log2 o, the alpha of a pixel is 2^E with

    E(x, y) = L - h (y - v)^2 - k (x - u - r (y - v))^2,    h = log2(e) / 2c,   k = log2(e) c / 2D,   r = b / c.

Both squares lower E, so nothing cancels, however thin the splat, and a row of pixels needs one square each.
D = det(J W S W^T J^T) + 0.3 (a' + c') + 0.09, its first term as a sum of squared minors (Cauchy-Binet), likewise.
alpha >= 1/255 is the ellipse E >= -log2 255; there is no further cut at three sigmas, as in gsplat since 1.5.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import types

from demos.gaussians.raster_jit import Array, Real, array_of, inlined, loop

ROW: Final = 16  # numbers a splat, 64 bytes: a line of the processor's cache
# u and v as float32, and what that rounded off; r, k, h, L as above; first and last row of pixels (whole numbers, cut
# to the picture); depth; RGB; half of the ellipse's extent across and down in pixels.
U, V, SLOPE, K, H, LOG_ALPHA, FIRST_ROW, LAST_ROW, DEPTH, RED, GREEN, BLUE, HALF_X, HALF_Y, U_REST, V_REST = range(ROW)
# A camera as float64: upper three rows of world_to_cam; fx, fy, cx, cy; width, height; least and greatest x / z and
# y / z that J is taken at; the eye point; the near depth.
FX, FY, CX, CY, WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM, EYE_X, EYE_Y, EYE_Z, NEAR = range(12, 26)
CAMERA: Final = 26
HIDDEN: Final = 0xFFFFFFFF  # depth key of a Gaussian that reaches no pixel

BLUR_PX2: Final = 0.3
LOG2_E: Final = math.log2(math.e)
LOG2_255: Final = math.log2(255.0)
LEAST_LOGIT: Final = -6.0  # opacity 1/404
GREATEST_PX2: Final = 1e30  # variance of a splat; above, float32 does not hold what follows from it

_F32, _F64, _I64, _U32, _I32 = types.float32, types.float64, types.int64, types.uint32, types.int32


@inlined()
def _colour(sh: Array, i: int, channel: int, x: Real, y: Real, z: Real) -> Real:
    """max(0, 1/2 + sum_k Y_k sh_k) of one channel; signs and constants are those of demos.gaussians.colour."""
    count = sh.shape[1]
    value = np.float32(0.5) + np.float32(0.28209479) * sh[i, 0, channel]
    if count > 1:
        value += np.float32(0.48860251) * (z * sh[i, 2, channel] - y * sh[i, 1, channel] - x * sh[i, 3, channel])
    if count > 4:
        xx, yy, zz = x * x, y * y, z * z
        across, ring = xx - yy, zz + zz - xx - yy
        products = x * y * sh[i, 4, channel] - y * z * sh[i, 5, channel] - x * z * sh[i, 7, channel]
        value += np.float32(1.0925485) * products
        value += np.float32(0.31539157) * ring * sh[i, 6, channel] + np.float32(0.54627422) * across * sh[i, 8, channel]
    if count > 9:
        value -= np.float32(0.59004359) * y * (xx + xx + across) * sh[i, 9, channel]
        value -= np.float32(0.59004359) * x * (across - yy - yy) * sh[i, 15, channel]
        value += np.float32(2.8906114) * x * y * z * sh[i, 10, channel]
        value -= np.float32(0.4570458) * (ring + zz + zz) * (y * sh[i, 11, channel] + x * sh[i, 13, channel])
        value += np.float32(0.37317633) * z * (zz + zz - np.float32(3.0) * (xx + yy)) * sh[i, 12, channel]
        value += np.float32(1.4453057) * z * across * sh[i, 14, channel]
    return max(value, np.float32(0.0))


@inlined()
def _covariance(
    log_scales: Array, quats: Array, i: int, camera: Array, across: Real, down: Real, inverse: Real
) -> tuple[Real, Real, Real, Real]:
    """a, b, c and the determinant of C, blur included; ``across`` and ``down`` are x / z and y / z, clamped."""
    scale_x, scale_y = camera[FX] * inverse, camera[FY] * inverse
    # The two rows of J W, then of J W R S.
    a0, b0 = scale_x * (camera[0] - across * camera[8]), scale_y * (camera[4] - down * camera[8])
    a1, b1 = scale_x * (camera[1] - across * camera[9]), scale_y * (camera[5] - down * camera[9])
    a2, b2 = scale_x * (camera[2] - across * camera[10]), scale_y * (camera[6] - down * camera[10])
    qw, qx, qy, qz = float(quats[i, 0]), float(quats[i, 1]), float(quats[i, 2]), float(quats[i, 3])
    n = 2.0 / (qw * qw + qx * qx + qy * qy + qz * qz)
    m00, m01, m02 = 1.0 - n * (qy * qy + qz * qz), n * (qx * qy - qw * qz), n * (qx * qz + qw * qy)
    m10, m11, m12 = n * (qx * qy + qw * qz), 1.0 - n * (qx * qx + qz * qz), n * (qy * qz - qw * qx)
    m20, m21, m22 = n * (qx * qz - qw * qy), n * (qy * qz + qw * qx), 1.0 - n * (qx * qx + qy * qy)
    s0, s1, s2 = math.exp(float(log_scales[i, 0])), math.exp(float(log_scales[i, 1])), math.exp(float(log_scales[i, 2]))
    p0, q0 = s0 * (a0 * m00 + a1 * m10 + a2 * m20), s0 * (b0 * m00 + b1 * m10 + b2 * m20)
    p1, q1 = s1 * (a0 * m01 + a1 * m11 + a2 * m21), s1 * (b0 * m01 + b1 * m11 + b2 * m21)
    p2, q2 = s2 * (a0 * m02 + a1 * m12 + a2 * m22), s2 * (b0 * m02 + b1 * m12 + b2 * m22)
    a, b, c = p0 * p0 + p1 * p1 + p2 * p2, p0 * q0 + p1 * q1 + p2 * q2, q0 * q0 + q1 * q1 + q2 * q2
    minor0, minor1, minor2 = p1 * q2 - p2 * q1, p2 * q0 - p0 * q2, p0 * q1 - p1 * q0
    determinant = minor0 * minor0 + minor1 * minor1 + minor2 * minor2 + BLUR_PX2 * (a + c) + BLUR_PX2 * BLUR_PX2
    return a + BLUR_PX2, b, c + BLUR_PX2, determinant


@inlined()
def _write_splat(
    splat: Array, camera: Array, u: Real, v: Real, depth: Real, log_cut: Real, ellipse: tuple[Real, Real, Real, Real]
) -> bool:
    """Write the numbers of a splat but its colour; whether it holds the centre of a pixel.

    ``log_cut`` is ln(255 opacity), above 0: the ellipse of alpha 1/255 reaches sqrt(2 log_cut) sigmas.
    """
    a, b, c, determinant = ellipse
    if not (a < GREATEST_PX2 and c < GREATEST_PX2):
        return False
    half_x, half_y = math.sqrt(2.0 * log_cut * a), math.sqrt(2.0 * log_cut * c)
    first = max(math.ceil(v - half_y - 0.5), 0.0)
    last = min(math.floor(v + half_y - 0.5), camera[HEIGHT] - 1.0)
    if first > last or u + half_x < 0.5 or u - half_x > camera[WIDTH] - 0.5:
        return False
    splat[U], splat[V] = u, v
    splat[U_REST], splat[V_REST] = u - splat[U], v - splat[V]
    splat[SLOPE], splat[K], splat[H] = b / c, 0.5 * LOG2_E * c / determinant, 0.5 * LOG2_E / c
    splat[LOG_ALPHA] = log_cut * LOG2_E - LOG2_255
    splat[FIRST_ROW], splat[LAST_ROW] = first, last
    splat[DEPTH], splat[HALF_X], splat[HALF_Y] = depth, half_x, half_y
    return True


@loop(
    *(array_of(_F32, 2), array_of(_F32, 2), array_of(_F32, 2), array_of(_F32, 1), array_of(_F32, 3)),
    *(array_of(_F64, 1), _I64, _I64, array_of(_F32, 2, written=True), array_of(_U32, 1, written=True)),
)
def project(
    means: Array,
    log_scales: Array,
    quats: Array,
    logits: Array,
    sh: Array,
    camera: Array,
    first: int,
    last: int,
    splats: Array,
    keys: Array,
) -> None:
    """Fill rows ``first`` to ``last - 1`` of splats and of depth keys.

    Args:
        means: (N, 3) float32, as in the scene; so are the following four.
        log_scales: (N, 3) float32.
        quats: (N, 4) float32 of any length but zero.
        logits: (N,) float32.
        sh: (N, K, 3) float32.
        camera: (CAMERA,) float64.
        first: First Gaussian.
        last: One past the last Gaussian.
        splats: (N, ROW) float32, written where the Gaussian reaches a pixel.
        keys: (N,) uint32, written: bits of the depth (which sort like the depth), or HIDDEN.
    """
    for i in range(first, last):
        keys[i] = HIDDEN
        px, py, pz = float(means[i, 0]), float(means[i, 1]), float(means[i, 2])
        z = camera[8] * px + camera[9] * py + camera[10] * pz + camera[11]
        if not (z > camera[NEAR] and logits[i] > LEAST_LOGIT):
            continue
        log_cut = math.log(255.0 / (1.0 + math.exp(-float(logits[i]))))
        if not log_cut > 0.0:
            continue
        inverse = 1.0 / z
        x = inverse * (camera[0] * px + camera[1] * py + camera[2] * pz + camera[3])
        y = inverse * (camera[4] * px + camera[5] * py + camera[6] * pz + camera[7])
        across, down = min(max(x, camera[LEFT]), camera[RIGHT]), min(max(y, camera[TOP]), camera[BOTTOM])
        ellipse = _covariance(log_scales, quats, i, camera, across, down, inverse)
        u, v = camera[FX] * x + camera[CX], camera[FY] * y + camera[CY]
        if not _write_splat(splats[i], camera, u, v, z, log_cut, ellipse):
            continue
        px, py, pz = px - camera[EYE_X], py - camera[EYE_Y], pz - camera[EYE_Z]
        nearness = 1.0 / math.sqrt(px * px + py * py + pz * pz)  # never infinite: z is above the near depth
        dx, dy, dz = np.float32(px * nearness), np.float32(py * nearness), np.float32(pz * nearness)
        splats[i, RED] = _colour(sh, i, 0, dx, dy, dz)
        splats[i, GREEN] = _colour(sh, i, 1, dx, dy, dz)
        splats[i, BLUE] = _colour(sh, i, 2, dx, dy, dz)
        keys[i] = np.float32(z).view(np.uint32)


@loop(array_of(_U32, 1), array_of(_I32, 1, written=True), returns=_I64)
def sort_by_depth(keys: Array, order: Array) -> int:
    """Order what reaches a pixel front to back, equal depths by their index: a radix sort of three times 11 bits.

    Args:
        keys: (N,) uint32 of :func:`project`.
        order: (N,) int32, its beginning is written: indices of Gaussians.

    Returns:
        How many there are.
    """
    count = 0
    held, other = np.empty(len(keys), np.uint32), np.empty(len(keys), np.uint32)
    starts = np.zeros((3, 2048), np.int64)
    for i in range(len(keys)):
        key = keys[i]
        if key != HIDDEN:
            held[count] = key
            order[count] = i
            count += 1
            starts[0, key & 2047] += 1
            starts[1, (key >> 11) & 2047] += 1
            starts[2, key >> 22] += 1
    other_order = np.empty(count, np.int32)
    for digit in range(3):
        total = 0
        for value in range(2048):
            here = starts[digit, value]
            starts[digit, value] = total
            total += here
        shift = 11 * digit
        for i in range(count):
            value = (held[i] >> shift) & 2047
            place = starts[digit, value]
            starts[digit, value] = place + 1
            other[place] = held[i]
            other_order[place] = order[i]
        held, other = other, held
        for i in range(count):
            order[i] = other_order[i]
    return count
