"""Procedural patterns (numba): which of a material's two colours shows at a point, and how dark its grain is there."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _hash(i, j, k):
    """Return a fixed pseudo-random number in [0, 1) for whole-number coordinates."""
    n = np.uint32(i * 374761393 + j * 668265263 + k * 2147483647 + 144665)
    n = (n ^ (n >> np.uint32(13))) * np.uint32(1274126177)
    n = n ^ (n >> np.uint32(16))
    return np.float64(n & np.uint32(0xFFFFFF)) / 16777216.0


@njit(cache=True, nogil=True)
def noise(x, y, z):
    """Return smooth value noise in [0, 1] with one bump a unit (Perlin 1985's lattice, with values)."""
    ix, iy, iz = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
    fx, fy, fz = x - ix, y - iy, z - iz
    fx, fy, fz = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy), fz * fz * (3 - 2 * fz)
    low = (_hash(ix, iy, iz) * (1 - fx) + _hash(ix + 1, iy, iz) * fx) * (1 - fy)
    low += (_hash(ix, iy + 1, iz) * (1 - fx) + _hash(ix + 1, iy + 1, iz) * fx) * fy
    high = (_hash(ix, iy, iz + 1) * (1 - fx) + _hash(ix + 1, iy, iz + 1) * fx) * (1 - fy)
    high += (_hash(ix, iy + 1, iz + 1) * (1 - fx) + _hash(ix + 1, iy + 1, iz + 1) * fx) * fy
    return low * (1 - fz) + high * fz


@njit(cache=True, nogil=True)
def _square(t, blur):
    """Return a square wave of period 1 in [0, 1], softened over ``blur`` periods so that far stripes melt to grey."""
    t = t - np.floor(t)
    edge = max(blur, 0.02)
    if edge >= 0.5:
        return 0.5
    rise = min(max((t - 0.5) / edge + 0.5, 0.0), 1.0)
    fall = min(max((t - 1.0) / edge + 0.5, 0.0), 1.0) + (0.5 - min(t / edge, 0.5))
    return min(max(rise - fall, 0.0), 1.0)


@njit(cache=True, nogil=True)
def _gap(t, width, blur):
    """Return 1 on joints of ``width`` at whole numbers, 0 between, softened over ``blur``."""
    t = abs(t - np.floor(t + 0.5))
    edge = max(blur, 0.01)
    return min(max((width - t) / edge + 0.5, 0.0), 1.0) * min(1.0, width / edge + 0.15)


@njit(cache=True, nogil=True)
def _solid_pattern(pattern, x, y, z, blur, fine):
    """Return (share of the second colour, brightness) of a pattern that fills space, in periods x, y, z."""
    if pattern == 1:  # wood: wavy rings about the z axis
        wave = noise(1.5 * x, 1.5 * y, 0.22 * z) * 2.2 + 0.35 * noise(7 * x, 7 * y, 0.9 * z)
        t = x * 0.9 + y * 0.55 + wave
        return (0.5 + 0.5 * np.sin(6.2831853 * t)) * 0.75 * fine + 0.37 * (1 - fine), 1.0
    if pattern == 2:  # stripes: upright
        return _square(x, blur), 1.0
    if pattern == 3:  # bands: level
        return _square(z, blur), 1.0
    if pattern == 15:  # rows: across the depth
        return _square(y, blur), 1.0
    if pattern == 8:  # speckles
        spot = noise(4.0 * x, 4.0 * y, 4.0 * z)
        return min(max((spot - 0.66) / 0.08, 0.0), 1.0) * fine, 1.0
    if pattern == 13:  # marble
        warp = noise(1.3 * x, 1.3 * y, 1.3 * z) * 3.0 + noise(4 * x, 4 * y, 4 * z)
        vein = abs(np.sin(2.2 * (x + y + 0.6 * z) + 2.6 * warp))
        return max(0.0, 1.0 - vein * 3.5) * 0.8 + 0.12 * noise(0.7 * x, 0.7 * y, 0.7 * z), 1.0
    if pattern == 14:  # sand or plaster: fine grain on slow drifts
        grain = noise(14 * x, 14 * y, 14 * z) - 0.5
        return 0.6 * noise(1.1 * x, 1.1 * y, 1.1 * z), 1.0 + 0.16 * grain * fine
    return 0.0, 1.0


@njit(cache=True, nogil=True)
def _flat_pattern(pattern, u, v, blur, fine):
    """Return (share of the second colour, brightness) of a pattern that lies in a plane, in periods u, v."""
    if pattern == 4:  # dots on a staggered lattice of the surface plane
        row = np.floor(v)
        cu = u + 0.5 * (row - 2 * np.floor(row / 2))
        du, dv = cu - np.floor(cu) - 0.5, v - row - 0.5
        edge = max(blur, 0.03)
        return min(max((0.27 - np.sqrt(du * du + dv * dv)) / edge + 0.5, 0.0), 1.0) * min(1.0, 0.3 / edge), 1.0
    if pattern == 5:  # checks
        a, b = _square(u * 0.5, blur * 0.5), _square(v * 0.5, blur * 0.5)
        return a * (1 - b) + b * (1 - a), 1.0
    if pattern == 6:  # bricks, twice as long as high
        row = np.floor(v * 2)
        shift = 0.5 * (row - 2 * np.floor(row / 2))
        joint = max(_gap(v * 2, 0.06, 2 * blur), _gap(u + shift, 0.03, blur))
        return joint, 1.0 - 0.22 * _hash(int(np.floor(u + shift)), int(row), 3) * fine
    if pattern == 7:  # tiles
        joint = max(_gap(u, 0.022, blur), _gap(v, 0.022, blur))
        tone = _hash(int(np.floor(u)), int(np.floor(v)), 5)
        return joint, 1.0 - 0.08 * tone * fine + 0.06 * (noise(3 * u, 3 * v, 1.5) - 0.5) * fine
    if pattern == 9:  # cloth: weave and long soft folds
        weave = 0.5 * np.sin(40 * u) * np.sin(40 * v) * fine / (1 + 60 * blur)
        return 0.3 * noise(2 * u, 2 * v, 0.5), 0.96 + 0.08 * weave
    if pattern == 10:  # grass: blades of many greens
        blades = noise(9 * u, 9 * v, 0.7) * 0.6 + noise(2.1 * u, 2.1 * v, 3.3) * 0.4
        sharp = noise(31 * u, 23 * v, 9.1) - 0.5
        return min(max(blades + 0.5 * sharp * fine, 0.0), 1.0), 0.92 + 0.25 * sharp * fine
    if pattern == 11:  # planks along x
        plank = np.floor(v)
        tone = _hash(int(plank), 7, 1)
        along = u * 0.25 + tone * 17.0
        cut = np.floor(along)
        tone2 = _hash(int(cut), int(plank), 2)
        grain = noise(0.8 * u + 31 * tone2, 9 * v, 5 * tone2) * 0.65 + noise(2.5 * u, 30 * v, 3 * tone2) * 0.35
        joint = max(_gap(v, 0.018, blur), _gap(along, 0.004, 0.25 * blur))
        share = (grain - 0.5) * 1.1 * fine + 0.35 + 0.35 * (tone2 - 0.5)
        return min(max(share, 0.0), 1.0), (1.0 - 0.5 * joint) * (0.94 + 0.12 * tone2)
    if pattern == 12:  # plaid
        a, b = _square(u, blur), _square(v, blur)
        return 0.5 * a + 0.5 * b, 1.0 - 0.04 * np.sin(60 * (u + v)) * fine / (1 + 60 * blur)
    return 0.0, 1.0


@njit(cache=True, nogil=True)
def pattern_at(pattern, x, y, z, nx, ny, nz, size, footprint):
    """Return how a pattern colours one point.

    Args:
        pattern: Index into palette.PATTERNS.
        x: Point in the pattern's frame; y, z likewise.
        y: See x.
        z: See x.
        nx: Unit normal there; ny, nz likewise. The largest component picks the plane that flat patterns lie in.
        ny: See nx.
        nz: See nx.
        size: One period in the units of x.
        footprint: Width of a pixel there in the same units, for softening.

    Returns:
        (share of the second colour in [0, 1], factor on the brightness).
    """
    x, y, z = x / size, y / size, z / size
    blur = footprint / size
    fine = 1.0 / (1.0 + 6.0 * blur * blur)  # how much of the finest grain survives at this distance
    if pattern <= 3 or pattern == 8 or pattern >= 13:
        return _solid_pattern(pattern, x, y, z, blur, fine)
    ax, ay, az = abs(nx), abs(ny), abs(nz)
    if az >= ax and az >= ay:
        return _flat_pattern(pattern, x, y, blur, fine)
    if ay >= ax:
        return _flat_pattern(pattern, x, z, blur, fine)
    return _flat_pattern(pattern, y, z, blur, fine)
