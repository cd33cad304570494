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
def _mirrored(world, rx, ry, rz, rough, out):
    """Write what a mirror of roughness ``rough`` sees along the unit direction r into ``out`` (3,)."""
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
        out[c] = world[GROUND, c] * (1 - above) + (sky + lamp * world[LAMP, c]) * above


@njit(cache=True, nogil=True, fastmath=True)
def shade_point(
    p, n, view, paint, frame, footprint, world, rays, shares, frames, heights, map_middle, map_reach, out, mirror
):
    """Write the light leaving a surface point towards the viewer into ``out`` (3,) linear RGB.

    Args:
        p: (3,) world point; n: (3,) unit normal; view: (3,) unit vector to the eye.
        n: See p.
        view: See p.
        paint: (PAINT_COLUMNS,) the part's row.
        frame: (3, 4) world to the pattern's frame.
        footprint: Width of a pixel at p in units of the pattern's frame.
        world: (9, 3) surroundings.
        rays: (K, 3) unit directions to the lights; the first ``world[EXTRA, 0]`` are the sun's.
        shares: (K, 3) their light.
        frames: (K, 3, 3) of ``raster.light_frames``.
        heights: (K, S, S) of ``raster.light_heights``.
        map_middle: (3,) and map_reach metres: where the maps lie.
        map_reach: See map_middle.
        out: (3,) result.
        mirror: (3,) scratch.

    Returns:
        Share of the open sun and sky that arrives, in [0, 1]: what a shadow catcher multiplies its photo by.
    """
    lx = frame[0, 0] * p[0] + frame[0, 1] * p[1] + frame[0, 2] * p[2] + frame[0, 3]
    ly = frame[1, 0] * p[0] + frame[1, 1] * p[1] + frame[1, 2] * p[2] + frame[1, 3]
    lz = frame[2, 0] * p[0] + frame[2, 1] * p[1] + frame[2, 2] * p[2] + frame[2, 3]
    share2, tone = 0.0, 1.0
    if paint[PATTERN] > 0.5:
        mx = frame[0, 0] * n[0] + frame[0, 1] * n[1] + frame[0, 2] * n[2]
        my = frame[1, 0] * n[0] + frame[1, 1] * n[1] + frame[1, 2] * n[2]
        mz = frame[2, 0] * n[0] + frame[2, 1] * n[1] + frame[2, 2] * n[2]
        share2, tone = pattern_at(int(paint[PATTERN] + 0.5), lx, ly, lz, mx, my, mz, paint[SIZE], footprint)
    red = (paint[RGB] * (1 - share2) + paint[RGB2] * share2) * tone
    green = (paint[RGB + 1] * (1 - share2) + paint[RGB2 + 1] * share2) * tone
    blue = (paint[RGB + 2] * (1 - share2) + paint[RGB2 + 2] * share2) * tone
    if paint[UNLIT] > 0.5:
        out[0], out[1], out[2] = red, green, blue
        return 1.0
    side = heights.shape[1]
    texel = 2.0 * map_reach / side
    per_texel = 1.0 / texel
    n_sun = int(world[EXTRA, 0] + 0.5)
    cos_view = max(n[0] * view[0] + n[1] * view[1] + n[2] * view[2], 0.02)
    rough = max(paint[ROUGH], 0.05)
    alpha = rough * rough
    d0, d1, d2 = 0.0, 0.0, 0.0  # diffuse light
    s0, s1, s2 = 0.0, 0.0, 0.0  # the sun's highlight
    open_sky, seen_sky, open_all, seen_all = 1e-9, 0.0, 1e-9, 0.0
    for k in range(rays.shape[0]):
        cosine = n[0] * rays[k, 0] + n[1] * rays[k, 1] + n[2] * rays[k, 2]
        if cosine <= 0.0:
            continue
        # Step off along the normal, further at grazing light, so that a surface does not shadow itself.
        step = texel * (1.0 + 1.5 * (1.0 - cosine))
        qx, qy, qz = (
            p[0] + n[0] * step - map_middle[0],
            p[1] + n[1] * step - map_middle[1],
            p[2] + n[2] * step - map_middle[2],
        )
        u = (frames[k, 0, 0] * qx + frames[k, 0, 1] * qy + frames[k, 0, 2] * qz + map_reach) * per_texel
        v = (frames[k, 1, 0] * qx + frames[k, 1, 1] * qy + frames[k, 1, 2] * qz + map_reach) * per_texel
        w = frames[k, 2, 0] * qx + frames[k, 2, 1] * qy + frames[k, 2, 2] * qz
        seen = _seen_share(heights, k, u, v, w + 0.6 * texel)
        weight = cosine * shares[k, 1]
        open_all += weight
        seen_all += weight * seen
        if k >= n_sun:
            open_sky += cosine
            seen_sky += cosine * seen
        light = cosine * seen
        d0 += light * shares[k, 0]
        d1 += light * shares[k, 1]
        d2 += light * shares[k, 2]
        if k < n_sun and seen > 0.0 and paint[SPECULAR] > 0.0:
            hx, hy, hz = rays[k, 0] + view[0], rays[k, 1] + view[1], rays[k, 2] + view[2]
            length = np.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9
            cos_half = max((n[0] * hx + n[1] * hy + n[2] * hz) / length, 0.0)
            spread = cos_half * cos_half * (alpha * alpha - 1) + 1
            shine = (
                alpha * alpha / (4.0 * spread * spread * (0.25 + cos_view)) * light
            )  # pi D / 4 over the geometry term
            s0 += shine * shares[k, 0]
            s1 += shine * shares[k, 1]
            s2 += shine * shares[k, 2]
    ambient = seen_sky / open_sky
    # Light thrown back by the floor reaches undersides, less of it close to the contact.
    facing_down = 0.5 - 0.5 * n[2]
    bounce = facing_down * (0.25 + 0.75 * min(1.0, max(p[2], 0.0) / (0.35 * world[EXTRA, 1]))) * (0.35 + 0.65 * ambient)
    metal = paint[METAL]
    dull = 1.0 - 0.92 * metal
    out[0] = red * dull * (d0 + bounce * world[GROUND, 0])
    out[1] = green * dull * (d1 + bounce * world[GROUND, 1])
    out[2] = blue * dull * (d2 + bounce * world[GROUND, 2])
    if paint[SPECULAR] > 0.0:
        along = 2.0 * (n[0] * view[0] + n[1] * view[1] + n[2] * view[2])
        _mirrored(world, along * n[0] - view[0], along * n[1] - view[1], along * n[2] - view[2], rough, mirror)
        grazing = (1.0 - cos_view) ** 5 * (1.0 - rough) ** 2
        base = 0.04 * paint[SPECULAR] * (1.0 - 0.6 * rough)
        clear = (0.25 + 0.75 * ambient) * (0.4 + 0.6 * min(1.0, seen_all / open_all + 0.3))
        for c in range(3):
            tint = red if c == 0 else (green if c == 1 else blue)
            level = base * (1 - metal) + tint * metal
            fresnel = level + (min(0.6, 0.6 * paint[SPECULAR]) * (1 - metal) + (1 - level) * metal) * grazing
            sun = s0 if c == 0 else (s1 if c == 1 else s2)
            out[c] += fresnel * (mirror[c] * clear) + level * sun
    return seen_all / open_all


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
    ray, out, mirror, back = np.empty(3), np.empty(3), np.empty(3), np.empty(3)
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
            paint = paints[face_paint[f]]
            which = int(paint[OBJECT] + 1.5)
            slant = max(abs(n[0] * view[0] + n[1] * view[1] + n[2] * view[2]), 0.12)
            footprint = depth[row, col] / pinhole[0] / slant / object_scale[which]
            lit = shade_point(
                p, n, view, paint, object_frames[which], footprint, world, rays, shares, frames, heights, map_middle,
                map_reach, out, mirror,
            )  # fmt: skip
            fade = 0.0
            if paint[FADE_TO] > 0.0:
                away = np.sqrt((p[0] - map_middle[0]) ** 2 + (p[1] - map_middle[1]) ** 2)
                fade = min(max((away - paint[FADE_FROM]) / (paint[FADE_TO] - paint[FADE_FROM]), 0.0), 1.0)
                fade = fade * fade * (3 - 2 * fade)
            for c in range(3):
                if paint[IS_CATCHER] > 0.5:
                    picture[row, col, c] = back[c] * (1.0 - (1.0 - lit) * (1.0 - fade))
                else:
                    picture[row, col, c] = out[c] * (1 - fade) + back[c] * fade
    return picture


@njit(cache=True, nogil=True)
def shade_points(
    points,
    normals,
    views,
    point_paint,
    paints,
    object_frames,
    world,
    rays,
    shares,
    frames,
    heights,
    map_middle,
    map_reach,
):
    """Return the light (N, 3) float32 linear RGB that surface points (N, 3) send towards ``views`` (N, 3).

    ``point_paint`` (N,) int32 are rows of ``paints``; the rest is as in ``shade_picture``.
    """
    light = np.empty((points.shape[0], 3), np.float32)
    out, mirror = np.empty(3), np.empty(3)
    for i in range(points.shape[0]):
        paint = paints[point_paint[i]]
        frame = object_frames[int(paint[OBJECT] + 1.5)]
        shade_point(
            points[i], normals[i], views[i], paint, frame, 1e-4, world, rays, shares, frames, heights, map_middle,
            map_reach, out, mirror,
        )  # fmt: skip
        light[i, 0], light[i, 1], light[i, 2] = out[0], out[1], out[2]
    return light


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
