"""Z-buffer rasterisers (numba): triangles to depth and face ids, seen by a pinhole camera or by parallel light.

Screen-linear weights w_i = edge_i / area; 1/z is linear on the screen, so z = 1 / sum(w_i / z_i), and the weights on
the triangle itself are b_i = w_i z / z_i (Heckbert & Moreton 1991). A pixel is inside when its centre is on no edge's
outer side.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from training.toybox.mesh import Floats

NEAR_M = 1e-3  # faces are cut at this depth before the camera


@njit(cache=True, nogil=True)
def _fill(tri, weights, face, fx, fy, cx, cy, is_culled, depth, index, bary):
    """Draw a triangle ``tri`` (3, 3) in camera space; its corners are mixtures ``weights`` (3, 3) of ``face``'s."""
    height, width = depth.shape
    iz0, iz1, iz2 = 1.0 / tri[0, 2], 1.0 / tri[1, 2], 1.0 / tri[2, 2]
    x0, y0 = fx * tri[0, 0] * iz0 + cx, fy * tri[0, 1] * iz0 + cy
    x1, y1 = fx * tri[1, 0] * iz1 + cx, fy * tri[1, 1] * iz1 + cy
    x2, y2 = fx * tri[2, 0] * iz2 + cx, fy * tri[2, 1] * iz2 + cy
    # Seen from outside a face winds counter-clockwise, which is a negative area where y runs down.
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if area == 0.0 or (is_culled and area > 0.0):
        return
    left = max(int(np.floor(min(x0, x1, x2) - 0.5)), 0)
    right = min(int(np.ceil(max(x0, x1, x2) - 0.5)), width - 1)
    top = max(int(np.floor(min(y0, y1, y2) - 0.5)), 0)
    bottom = min(int(np.ceil(max(y0, y1, y2) - 0.5)), height - 1)
    inverse = 1.0 / area
    step0, step1 = (y1 - y2) * inverse, (y2 - y0) * inverse
    for row in range(top, bottom + 1):
        py = row + 0.5
        px = left + 0.5
        w0 = ((x2 - x1) * (py - y1) - (px - x1) * (y2 - y1)) * inverse
        w1 = ((x0 - x2) * (py - y2) - (px - x2) * (y0 - y2)) * inverse
        for col in range(left, right + 1):
            w2 = 1.0 - w0 - w1
            if w0 >= 0.0 and w1 >= 0.0 and w2 >= 0.0:
                z = 1.0 / (w0 * iz0 + w1 * iz1 + w2 * iz2)
                if z < depth[row, col]:
                    b0, b1, b2 = w0 * iz0 * z, w1 * iz1 * z, w2 * iz2 * z
                    depth[row, col] = z
                    index[row, col] = face
                    bary[row, col, 0] = b0 * weights[0, 1] + b1 * weights[1, 1] + b2 * weights[2, 1]
                    bary[row, col, 1] = b0 * weights[0, 2] + b1 * weights[1, 2] + b2 * weights[2, 2]
            w0 += step0
            w1 += step1


@njit(cache=True, nogil=True)
def rasterise(local, faces, fx, fy, cx, cy, width, height, is_culled):
    """Draw triangles in camera space into a z-buffer.

    Args:
        local: (V, 3) float64, vertices in the camera frame, metres.
        faces: (F, 3) int32, counter-clockwise from outside.
        fx: Focal length across in pixels; fy, cx, cy likewise.
        fy: See fx.
        cx: See fx.
        cy: See fx.
        width: Picture width in pixels.
        height: Picture height in pixels.
        is_culled: Leave out faces seen from behind.

    Returns:
        depth (H, W) float32 metres along z, inf where empty; index (H, W) int32 face, -1 where empty; bary (H, W, 2)
        float32, the weights of the face's second and third corner.
    """
    depth = np.full((height, width), np.inf, np.float32)
    index = np.full((height, width), -1, np.int32)
    bary = np.zeros((height, width, 2), np.float32)
    whole = np.eye(3)
    tri = np.empty((3, 3))
    poly, poly_w = np.empty((4, 3)), np.empty((4, 3))
    for f in range(faces.shape[0]):
        behind = 0
        for k in range(3):
            v = faces[f, k]
            tri[k, 0], tri[k, 1], tri[k, 2] = local[v, 0], local[v, 1], local[v, 2]
            if tri[k, 2] < NEAR_M:
                behind += 1
        if behind == 0:
            _fill(tri, whole, f, fx, fy, cx, cy, is_culled, depth, index, bary)
        elif behind < 3:
            n = 0
            for k in range(3):
                a, b = k, (k + 1) % 3
                if tri[a, 2] >= NEAR_M:
                    poly[n] = tri[a]
                    poly_w[n] = whole[a]
                    n += 1
                if (tri[a, 2] >= NEAR_M) != (tri[b, 2] >= NEAR_M):
                    t = (NEAR_M - tri[a, 2]) / (tri[b, 2] - tri[a, 2])
                    poly[n] = tri[a] + t * (tri[b] - tri[a])
                    poly[n, 2] = NEAR_M
                    poly_w[n] = whole[a] + t * (whole[b] - whole[a])
                    n += 1
            _fill(poly[:3].copy(), poly_w[:3].copy(), f, fx, fy, cx, cy, is_culled, depth, index, bary)
            if n == 4:
                poly[1], poly[2] = poly[2].copy(), poly[3].copy()
                poly_w[1], poly_w[2] = poly_w[2].copy(), poly_w[3].copy()
                _fill(poly[:3].copy(), poly_w[:3].copy(), f, fx, fy, cx, cy, is_culled, depth, index, bary)
    return depth, index, bary


@njit(cache=True, nogil=True)
def light_heights(vertices, faces, frames, centre, reach_m, side):
    """Draw what parallel lights see: for each light and texel, how far towards the light the nearest surface lies.

    Args:
        vertices: (V, 3) float64 world metres.
        faces: (F, 3) int32.
        frames: (K, 3, 3) float64, rows u, v, w of each light's frame; w points to the light.
        centre: (3,) float64, middle of every map.
        reach_m: Half the width of a map in metres.
        side: Texels a side.

    Returns:
        (K, side, side) float32: the largest w . (p - centre) a texel, -inf where nothing is.
    """
    n_lights = frames.shape[0]
    heights = np.full((n_lights, side, side), -np.inf, np.float32)
    scale = side / (2.0 * reach_m)
    n_vertices = vertices.shape[0]
    flat = np.empty((n_vertices, 3), np.float32)
    for k in range(n_lights):
        u, v, w = frames[k, 0], frames[k, 1], frames[k, 2]
        for i in range(n_vertices):
            x, y, z = vertices[i, 0] - centre[0], vertices[i, 1] - centre[1], vertices[i, 2] - centre[2]
            flat[i, 0] = (u[0] * x + u[1] * y + u[2] * z + reach_m) * scale
            flat[i, 1] = (v[0] * x + v[1] * y + v[2] * z + reach_m) * scale
            flat[i, 2] = w[0] * x + w[1] * y + w[2] * z
        plane = heights[k]
        for f in range(faces.shape[0]):
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            x0, y0, x1, y1, x2, y2 = flat[a, 0], flat[a, 1], flat[b, 0], flat[b, 1], flat[c, 0], flat[c, 1]
            area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
            if area <= 0.0:
                continue  # faces turned away from the light cast no other shadow than those turned to it
            left, right = max(int(min(x0, x1, x2) - 0.5), 0), min(int(max(x0, x1, x2) + 0.5), side - 1)
            top, bottom = max(int(min(y0, y1, y2) - 0.5), 0), min(int(max(y0, y1, y2) + 0.5), side - 1)
            inverse = 1.0 / area
            for row in range(top, bottom + 1):
                py = row + np.float32(0.5)
                for col in range(left, right + 1):
                    px = col + np.float32(0.5)
                    w0 = ((x2 - x1) * (py - y1) - (px - x1) * (y2 - y1)) * inverse
                    w1 = ((x0 - x2) * (py - y2) - (px - x2) * (y0 - y2)) * inverse
                    w2 = 1.0 - w0 - w1
                    if w0 >= 0.0 and w1 >= 0.0 and w2 >= 0.0:
                        height = w0 * flat[a, 2] + w1 * flat[b, 2] + w2 * flat[c, 2]
                        if height > plane[row, col]:
                            plane[row, col] = height
    return heights


def light_frames(directions_k3: Floats) -> Floats:
    """Return right-handed frames (K, 3, 3), rows u, v, w, whose w are the unit ``directions_k3`` (K, 3)."""
    seed = np.where(np.abs(directions_k3[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    u = np.cross(seed, directions_k3)
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    return np.stack([u, np.cross(directions_k3, u), directions_k3], axis=1)
