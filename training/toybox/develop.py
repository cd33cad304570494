"""From samples to pixels (numba): linear light to sRGB bytes, and label pictures to one label a pixel."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def develop(picture, exposure, factor):
    """Turn linear light (H f, W f, 3) into sRGB bytes (H, W, 3): expose, hold the highlights back, average, encode.

    Below 0.6 light stays linear; above, it nears 1 as 0.6 + 0.4 (1 - exp(-(x - 0.6) / 0.4)). sRGB curve: IEC 61966-2-1.
    """
    height, width = picture.shape[0] // factor, picture.shape[1] // factor
    bytes_rgb = np.empty((height, width, 3), np.uint8)
    for row in range(height):
        for col in range(width):
            for c in range(3):
                total = 0.0
                for i in range(factor):
                    for j in range(factor):
                        x = picture[row * factor + i, col * factor + j, c] * exposure
                        total += x if x < 0.6 else 0.6 + 0.4 * (1.0 - np.exp((0.6 - x) / 0.4))
                x = max(total / (factor * factor), 0.0)
                encoded = 12.92 * x if x <= 0.0031308 else 1.055 * x ** (1 / 2.4) - 0.055
                bytes_rgb[row, col, c] = np.uint8(min(encoded, 1.0) * 255.0 + 0.5)
    return bytes_rgb


@njit(cache=True, nogil=True)
def pool_labels(depth, objects, parts, factor):
    """Shrink label pictures: a pixel takes the object with most samples (the nearer on a tie), then its commonest part.

    Args:
        depth: (H f, W f) float32.
        objects: (H f, W f) int32; parts likewise.
        parts: See objects.
        factor: Samples a pixel side.

    Returns:
        objects (H, W) int32, parts (H, W) int32 and depth (H, W) float32, the mean over the winning object's samples.
    """
    height, width = depth.shape[0] // factor, depth.shape[1] // factor
    small_objects = np.empty((height, width), np.int32)
    small_parts = np.empty((height, width), np.int32)
    small_depth = np.empty((height, width), np.float32)
    n = factor * factor
    o, q, z = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.float32)
    for row in range(height):
        for col in range(width):
            for k in range(n):
                i, j = row * factor + k // factor, col * factor + k % factor
                o[k], q[k], z[k] = objects[i, j], parts[i, j], depth[i, j]
            best, best_votes, best_depth = 0, -1, np.float32(0.0)
            for k in range(n):
                votes = 0
                for m in range(n):
                    votes += o[m] == o[k]
                if votes > best_votes or (votes == best_votes and z[k] < best_depth):
                    best, best_votes, best_depth = k, votes, z[k]
            winner = o[best]
            part, part_votes, total = q[best], 0, 0.0
            for k in range(n):
                if o[k] == winner:
                    total += z[k]
                    votes = 0
                    for m in range(n):
                        votes += o[m] == winner and q[m] == q[k]
                    if votes > part_votes:
                        part, part_votes = q[k], votes
            small_objects[row, col], small_parts[row, col], small_depth[row, col] = winner, part, total / best_votes
    return small_objects, small_parts, small_depth
