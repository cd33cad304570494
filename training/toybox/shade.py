"""Shading (numba): from a pixel's face to linear light: sun and sky with shadows, bounce, mirror, pattern.

Diffuse: Lambert. Highlights: GGX (Walter et al. 2007) with Schlick's Fresnel (1994) and his geometry term; the
surroundings are mirrored as a gradient sky, two soft boxes and the floor. Units: linear RGB, 1 = white page.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from training.toybox.textures import pattern_at

# Columns of the paint table, one row a part (all float64): see ``render.paint_table``.
RGB, RGB2, PATTERN, SIZE, ROUGH, METAL, SPECULAR, UNLIT, OBJECT, FADE_FROM, FADE_TO, IS_CATCHER = (
    0,
    3,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
)
PAINT_COLUMNS = 16
# Rows of the scratch table (5, 3) that one point is worked out in.
OUT, COLOUR, DIFFUSE, SHINE, MIRROR = 0, 1, 2, 3, 4
# Rows of the surroundings table (9, 3): see ``render.surroundings``.
SUN_DIRECTION, SUN_COLOUR, ZENITH, HORIZON, GROUND, LAMP, BACK_TOP, BACK_LOW, EXTRA = 0, 1, 2, 3, 4, 5, 6, 7, 8


@njit(cache=True, nogil=True, fastmath=True)
def _seen_share(heights, k, u, v, top):
    """Return the share of light k that reaches map position (u, v), in texels, at height ``top``: bilinear."""
    side = heights.shape[1]
    fu, fv = u - 0.5, v - 0.5
    if not (fu >= 0.0 and fv >= 0.0 and fu < side - 1.0 and fv < side - 1.0):
        return 1.0
    iu, iv = int(fu), int(fv)
    du, dv = fu - iu, fv - iv
    share = 0.0
    if heights[k, iv, iu] <= top:
        share += (1 - du) * (1 - dv)
    if heights[k, iv, iu + 1] <= top:
        share += du * (1 - dv)
    if heights[k, iv + 1, iu] <= top:
        share += (1 - du) * dv
    if heights[k, iv + 1, iu + 1] <= top:
        share += du * dv
    return share


@njit(cache=True, nogil=True, fastmath=True)
def _mirrored(world, rx, ry, rz, rough, work):
    """Write what a mirror of roughness ``rough`` sees along the unit direction r into row MIRROR of ``work``."""
    blur = 0.04 + 0.6 * rough
    above = min(max(rz / (2 * blur) + 0.5, 0.0), 1.0)
    rise = max(rz, 0.0) ** 0.7
    # Two soft boxes: one high at the sun's side, one long and low opposite; rough surfaces see them spread and dim.
    sx, sy = world[SUN_DIRECTION, 0], world[SUN_DIRECTION, 1]
    flat = np.sqrt(sx * sx + sy * sy) + 1e-9
    ax, ay = sx / flat, sy / flat
    first = rx * (0.75 * ax - 0.25 * ay) + ry * (0.75 * ay + 0.25 * ax) + rz * 0.61
    second = rx * (-0.55 * ax + 0.75 * ay) + ry * (-0.55 * ay - 0.75 * ax) + rz * 0.36
    spread = 0.05 + 0.5 * rough
    lamp = min(max((first - (0.93 - 0.3 * rough)) / spread + 0.5, 0.0), 1.0) / (1 + 2.5 * rough)
    lamp += 0.55 * min(max((second - (0.95 - 0.3 * rough)) / spread + 0.5, 0.0), 1.0) / (1 + 2.5 * rough)
    for c in range(3):
        sky = world[HORIZON, c] + (world[ZENITH, c] - world[HORIZON, c]) * rise
        work[MIRROR, c] = world[GROUND, c] * (1 - above) + (sky + lamp * world[LAMP, c]) * above


@njit(cache=True, nogil=True, fastmath=True)
def _paint_at(p, n, paints, row, frames, footprint, work):
    """Write the paint's linear RGB at world point p with normal n into row COLOUR of ``work``."""
    share2, tone = 0.0, 1.0
    k = int(paints[row, OBJECT] + 1.5)
    if paints[row, PATTERN] > 0.5:
        lx = frames[k, 0, 0] * p[0] + frames[k, 0, 1] * p[1] + frames[k, 0, 2] * p[2] + frames[k, 0, 3]
        ly = frames[k, 1, 0] * p[0] + frames[k, 1, 1] * p[1] + frames[k, 1, 2] * p[2] + frames[k, 1, 3]
        lz = frames[k, 2, 0] * p[0] + frames[k, 2, 1] * p[1] + frames[k, 2, 2] * p[2] + frames[k, 2, 3]
        mx = frames[k, 0, 0] * n[0] + frames[k, 0, 1] * n[1] + frames[k, 0, 2] * n[2]
        my = frames[k, 1, 0] * n[0] + frames[k, 1, 1] * n[1] + frames[k, 1, 2] * n[2]
        mz = frames[k, 2, 0] * n[0] + frames[k, 2, 1] * n[1] + frames[k, 2, 2] * n[2]
        share2, tone = pattern_at(int(paints[row, PATTERN] + 0.5), lx, ly, lz, mx, my, mz, paints[row, SIZE], footprint)
    for c in range(3):
        work[COLOUR, c] = (paints[row, RGB + c] * (1 - share2) + paints[row, RGB2 + c] * share2) * tone


# Inlined: a call that passes a dozen arrays for every pixel took 40 % of the whole picture.
@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _gather(p, n, view, alpha, n_sun, rays, shares, frames, heights, map_middle, map_reach, work):
    """Sum the lights at a point: into row DIFFUSE of ``work``, the suns' GGX highlight into row SHINE.

    Returns:
        (share of the open sky seen, share of all open light that arrives), both in [0, 1].
    """
    texel = 2.0 * map_reach / heights.shape[1]
    per_texel = 1.0 / texel
    cos_view = max(n[0] * view[0] + n[1] * view[1] + n[2] * view[2], 0.02)
    x, y, z = p[0] - map_middle[0], p[1] - map_middle[1], p[2] - map_middle[2]
    open_sky, seen_sky, open_all, seen_all = 1e-9, 0.0, 1e-9, 0.0
    d0, d1, d2, s0, s1, s2 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(rays.shape[0]):
        cosine = n[0] * rays[k, 0] + n[1] * rays[k, 1] + n[2] * rays[k, 2]
        if cosine <= 0.0:
            continue
        # Step off along the normal, further at grazing light, so that a surface does not shadow itself.
        step = texel * (1.0 + 1.5 * (1.0 - cosine))
        qx, qy, qz = x + n[0] * step, y + n[1] * step, z + n[2] * step
        u = (frames[k, 0, 0] * qx + frames[k, 0, 1] * qy + frames[k, 0, 2] * qz + map_reach) * per_texel
        v = (frames[k, 1, 0] * qx + frames[k, 1, 1] * qy + frames[k, 1, 2] * qz + map_reach) * per_texel
        w = frames[k, 2, 0] * qx + frames[k, 2, 1] * qy + frames[k, 2, 2] * qz
        seen = _seen_share(heights, k, u, v, w + 0.6 * texel)
        light = cosine * seen
        open_all += cosine * shares[k, 1]
        seen_all += light * shares[k, 1]
        if k >= n_sun:
            open_sky += cosine
            seen_sky += light
        if k < n_sun and seen > 0.0:
            hx, hy, hz = rays[k, 0] + view[0], rays[k, 1] + view[1], rays[k, 2] + view[2]
            length = np.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9
            cos_half = max((n[0] * hx + n[1] * hy + n[2] * hz) / length, 0.0)
            spread = cos_half * cos_half * (alpha * alpha - 1) + 1
            # pi D / 4 over the geometry term
            glint = alpha * alpha / (4.0 * spread * spread * (0.25 + cos_view)) * light
            s0 += glint * shares[k, 0]
            s1 += glint * shares[k, 1]
            s2 += glint * shares[k, 2]
        d0 += light * shares[k, 0]
        d1 += light * shares[k, 1]
        d2 += light * shares[k, 2]
    work[DIFFUSE, 0], work[DIFFUSE, 1], work[DIFFUSE, 2] = d0, d1, d2
    work[SHINE, 0], work[SHINE, 1], work[SHINE, 2] = s0, s1, s2
    return seen_sky / open_sky, seen_all / open_all


@njit(cache=True, nogil=True, fastmath=True)
def shade_point(
    p, n, view, paints, row, object_frames, footprint, world, rays, shares, frames, heights, map_middle, map_reach, work
):  # fmt: skip
    """Write the light leaving a surface point towards the viewer into row OUT of ``work``, linear RGB.

    Args:
        p: (3,) world point; n: (3,) unit normal; view: (3,) unit vector to the eye.
        n: See p.
        view: See p.
        paints: (P, PAINT_COLUMNS) paint table.
        row: The part's row in it.
        object_frames: (n + 1, 3, 4) world to the patterns' frames.
        footprint: Width of a pixel at p in units of the pattern's frame.
        world: (9, 3) surroundings.
        rays: (K, 3) unit directions to the lights; the first ``world[EXTRA, 0]`` are the sun's.
        shares: (K, 3) their light.
        frames: (K, 3, 3) of ``raster.light_frames``.
        heights: (K, S, S) of ``raster.light_heights``.
        map_middle: (3,) and map_reach metres: where the maps lie.
        map_reach: See map_middle.
        work: (5, 3) rows OUT, COLOUR, DIFFUSE, SHINE, MIRROR; whole, since a view of a row costs a reference count.

    Returns:
        Share of the open sun and sky that arrives, in [0, 1]: what a shadow catcher multiplies its photo by.
    """
    _paint_at(p, n, paints, row, object_frames, footprint, work)
    if paints[row, UNLIT] > 0.5:
        for c in range(3):
            work[OUT, c] = work[COLOUR, c]
        return 1.0
    rough, metal, specular = max(paints[row, ROUGH], 0.05), paints[row, METAL], paints[row, SPECULAR]
    n_sun = int(world[EXTRA, 0] + 0.5)
    ambient, lit = _gather(
        p, n, view, rough * rough, n_sun, rays, shares, frames, heights, map_middle, map_reach, work
    )  # fmt: skip
    # Light thrown back by the floor reaches undersides, less of it close to the contact.
    lifted = 0.25 + 0.75 * min(1.0, max(p[2], 0.0) / (0.35 * world[EXTRA, 1]))
    bounce = (0.5 - 0.5 * n[2]) * lifted * (0.35 + 0.65 * ambient)
    toward = n[0] * view[0] + n[1] * view[1] + n[2] * view[2]
    twice = 2.0 * toward
    _mirrored(world, twice * n[0] - view[0], twice * n[1] - view[1], twice * n[2] - view[2], rough, work)
    grazing = (1.0 - max(toward, 0.02)) ** 5 * (1.0 - rough) ** 2
    base = 0.04 * specular * (1.0 - 0.6 * rough)
    edge = 0.6 * min(1.0, specular) * (1 - metal)
    clear = (0.25 + 0.75 * ambient) * (0.4 + 0.6 * min(1.0, lit + 0.3))
    for c in range(3):
        level = base * (1 - metal) + work[COLOUR, c] * metal
        fresnel = level + (edge + (1 - level) * metal) * grazing
        body = work[COLOUR, c] * (1.0 - 0.92 * metal) * (work[DIFFUSE, c] + bounce * world[GROUND, c])
        work[OUT, c] = body + fresnel * work[MIRROR, c] * clear + level * work[SHINE, c]
    return lit


@njit(cache=True, nogil=True, fastmath=True)
def _backdrop(world, dz, out):
    """Write the sky seen in a direction of height dz into ``out`` (3,)."""
    rise = min(max(dz, 0.0) * 1.6, 1.0) ** 0.75
    for c in range(3):
        out[c] = world[BACK_LOW, c] + (world[BACK_TOP, c] - world[BACK_LOW, c]) * rise


@njit(cache=True, nogil=True, fastmath=True)
def shade_picture(
    depth, index, bary, faces, normals, face_paint, paints, object_frames, object_scale, rotation, eye, pinhole,
    world, rays, shares, frames, heights, map_middle, map_reach, photo,
):  # fmt: skip
    """Shade every pixel of a rasterised picture.

    Args:
        depth: (H, W) float32 of ``raster.rasterise``; index and bary likewise.
        index: See depth.
        bary: See depth.
        faces: (F, 3) int32.
        normals: (F, 3, 3) float32 corner normals in the world.
        face_paint: (F,) int32 rows of ``paints``.
        paints: (P, PAINT_COLUMNS) float64.
        object_frames: (n + 1, 3, 4) world to object frame; row 0 is the stage's.
        object_scale: (n + 1,) metres a unit of each frame.
        rotation: (3, 3) world to camera.
        eye: (3,) world.
        pinhole: (4,) fx, fy, cx, cy.
        world: See ``shade_point``; rays, shares, frames, heights, map_middle, map_reach likewise.
        rays: See world.
        shares: See world.
        frames: See world.
        heights: See world.
        map_middle: See world.
        map_reach: See world.
        photo: (H, W, 3) float32 linear backdrop, or (0, 0, 3) for the sky.

    Returns:
        (H, W, 3) float32 linear RGB, before exposure.
    """
    height, width = depth.shape
    picture = np.empty((height, width, 3), np.float32)
    p, n, view = np.empty(3), np.empty(3), np.empty(3)
    ray, back, work = np.empty(3), np.empty(3), np.empty((5, 3))
    has_photo = photo.shape[0] > 0
    for row in range(height):
        for col in range(width):
            cx, cy = (col + 0.5 - pinhole[2]) / pinhole[0], (row + 0.5 - pinhole[3]) / pinhole[1]
            for c in range(3):
                ray[c] = rotation[0, c] * cx + rotation[1, c] * cy + rotation[2, c]
            length = np.sqrt(ray[0] * ray[0] + ray[1] * ray[1] + ray[2] * ray[2])
            if has_photo:
                back[0], back[1], back[2] = photo[row, col, 0], photo[row, col, 1], photo[row, col, 2]
            else:
                _backdrop(world, ray[2] / length, back)
            f = index[row, col]
            if f < 0:
                picture[row, col, 0], picture[row, col, 1], picture[row, col, 2] = back[0], back[1], back[2]
                continue
            b1, b2 = bary[row, col, 0], bary[row, col, 1]
            b0 = 1.0 - b1 - b2
            size = 0.0
            for c in range(3):
                p[c] = eye[c] + ray[c] * depth[row, col]
                view[c] = -ray[c] / length
                n[c] = b0 * normals[f, 0, c] + b1 * normals[f, 1, c] + b2 * normals[f, 2, c]
                size += n[c] * n[c]
            size = np.sqrt(size) + 1e-12
            n[0], n[1], n[2] = n[0] / size, n[1] / size, n[2] / size
            paint = face_paint[f]
            which = int(paints[paint, OBJECT] + 1.5)
            slant = max(abs(n[0] * view[0] + n[1] * view[1] + n[2] * view[2]), 0.12)
            footprint = depth[row, col] / pinhole[0] / slant / object_scale[which]
            lit = shade_point(
                p, n, view, paints, paint, object_frames, footprint, world, rays, shares, frames, heights, map_middle,
                map_reach, work,
            )  # fmt: skip
            fade = 0.0
            if paints[paint, FADE_TO] > 0.0:
                away = np.sqrt((p[0] - map_middle[0]) ** 2 + (p[1] - map_middle[1]) ** 2)
                fade = min(
                    max((away - paints[paint, FADE_FROM]) / (paints[paint, FADE_TO] - paints[paint, FADE_FROM]), 0.0),
                    1.0,
                )
                fade = fade * fade * (3 - 2 * fade)
            for c in range(3):
                if paints[paint, IS_CATCHER] > 0.5:
                    picture[row, col, c] = back[c] * (1.0 - (1.0 - lit) * (1.0 - fade))
                else:
                    picture[row, col, c] = work[OUT, c] * (1 - fade) + back[c] * fade
    return picture


@njit(cache=True, nogil=True)
def shade_points(
    points, normals, views, point_paint, paints, object_frames, world, rays, shares, frames, heights, map_middle,
    map_reach,
):  # fmt: skip
    """Return the light (N, 3) float32 linear RGB that surface points (N, 3) send towards ``views`` (N, 3).

    ``point_paint`` (N,) int32 are rows of ``paints``; the rest is as in ``shade_picture``.
    """
    light = np.empty((points.shape[0], 3), np.float32)
    work = np.empty((5, 3))
    for i in range(points.shape[0]):
        shade_point(
            points[i], normals[i], views[i], paints, point_paint[i], object_frames, 1e-4, world, rays, shares, frames,
            heights, map_middle, map_reach, work,
        )  # fmt: skip
        light[i] = work[OUT]
    return light
