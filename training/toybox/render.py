"""From a scene and a camera to a View: picture, object mask, part mask, depth, and who is where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.toybox.camera import Camera
from training.toybox.develop import develop, pool_labels
from training.toybox.light import DRAFT, Light, Quality, light_rays
from training.toybox.mesh import Floats
from training.toybox.raster import light_frames, light_heights, rasterise
from training.toybox.scene import Geometry, PartLabel, Placed, Scene, flatten, to_linear
from training.toybox.shade import shade_picture, shade_points


@dataclass(frozen=True)
class SceneObject:
    """One object as a view shows it; pixels are 0 and the box empty where it is hidden."""

    id: int
    class_name: str
    colour: str
    look: str
    size_m: float
    centre: tuple[float, float, float]  # world, metres
    pixels: int
    box_xyxy: tuple[int, int, int, int]  # pixels, right and bottom excluded
    centroid_uv: tuple[float, float]  # mean pixel position of its mask
    depth_m: float  # of its centre
    stands_on: int | None  # id of the object below it


@dataclass(frozen=True)
class View:
    """One rendered picture with everything that is known about it.

    rgb (H, W, 3) uint8 sRGB; instances (H, W) int32, 0 background or an object's id; parts (H, W) int32, 0 background
    or an id of ``part_labels``; depth (H, W) float32 metres along the camera's z, inf where only sky is.
    """

    rgb: NDArray[np.uint8]
    instances: NDArray[np.int32]
    parts: NDArray[np.int32]
    depth: NDArray[np.float32]
    camera: Camera
    objects: tuple[SceneObject, ...]
    part_labels: tuple[PartLabel, ...]
    captions: tuple[str, ...] = ()
    stage: str = ""
    stage_phrase: str = ""


@dataclass(frozen=True)
class Lighting:
    """A scene's lights with their shadow maps, ready to shade any camera's picture (see ``shade.shade_point``)."""

    world: Floats
    rays: Floats
    shares: Floats
    frames: Floats
    heights: NDArray[np.float32]
    middle: Floats
    reach_m: float


def light_up(scene: Scene, geometry: Geometry, quality: Quality = DRAFT) -> Lighting:
    """Draw the shadow maps of every light over the scene's objects."""
    rays, shares = light_rays(scene.light, quality)
    frames = light_frames(rays)
    reach = scene.reach_m * 1.05
    casters = geometry.faces[: len(geometry.faces) - geometry.n_stage_faces]
    heights = light_heights(geometry.vertices, casters, frames, scene.middle, reach, quality.map_side)
    return Lighting(surroundings(scene, quality), rays, shares, frames, heights, scene.middle, reach)


def surroundings(scene: Scene, quality: Quality) -> Floats:
    """Return the (9, 3) table of what is around a scene: sun, sky, floor's glow, lamps and backdrop, linear RGB."""
    light, stage = scene.light, scene.stage
    zenith, horizon = np.array(light.zenith_rgb), np.array(light.horizon_rgb)
    ground = np.mean(
        [to_linear(material.rgb) for name, _, material in stage.surfaces if name in ("floor", "ground")]
        or [(0.3,) * 3],
        axis=0,
    )
    ground = 0.5 * ground + 0.5 * ground.mean()  # paler than it is, or gold on a blue cloth would look green
    glow = ground * (np.array(light.sun_rgb) * light.sun_direction[2] + (zenith + horizon) / 2)
    if stage.back_rgb is not None:
        # The sweep is the floor's own paint, so it must be as bright as the lit floor where the two melt together.
        lit = np.array(light.sun_rgb) * light.sun_direction[2] + (zenith + horizon) / 2
        top, low = (to_linear(rgb) * lit for rgb in stage.back_rgb)
    else:
        top = to_linear(light.sky_top_rgb) if light.sky_top_rgb else zenith
        low = to_linear(light.sky_low_rgb) if light.sky_low_rgb else horizon
    extra = np.array((quality.n_sun, scene.reach_m, 0.0))
    return np.stack([light.sun_direction, light.sun_rgb, zenith, horizon, glow, light.lamp_rgb, top, low, extra])


def render(
    scene: Scene,
    camera: Camera,
    quality: Quality = DRAFT,
    *,
    photo: NDArray[np.uint8] | None = None,  # (h, w, 3)
    lighting: Lighting | None = None,
    geometry: Geometry | None = None,
) -> View:
    """Render a scene.

    Args:
        scene: What is there.
        camera: From where; its size in pixels is the View's.
        quality: Samples, light directions, shadow texels.
        photo: Backdrop seen behind the toys, (h, w, 3) uint8 sRGB, stretched to the picture; None: the stage's own.
        lighting: From ``light_up``, to share shadow maps between cameras; made here if absent.
        geometry: From ``flatten``, likewise.

    Returns:
        View without captions (``captions.describe`` adds them).
    """
    geometry = geometry or flatten(scene)
    lighting = lighting or light_up(scene, geometry, quality)
    factor = quality.supersampling
    sharp = camera.enlarged(factor)
    rotation = np.ascontiguousarray(sharp.world_to_cam[:3, :3])
    local = geometry.vertices @ rotation.T + sharp.world_to_cam[:3, 3]
    size = (sharp.width_px, sharp.height_px)
    depth, index, bary = rasterise(local, geometry.faces, sharp.fx, sharp.fy, sharp.cx, sharp.cy, *size, True)
    back = np.zeros((0, 0, 3), np.float32) if photo is None else _backdrop(photo, *size, scene.light)
    picture = shade_picture(
        depth, index, bary, geometry.faces, geometry.normals, geometry.face_paint, geometry.paints,
        geometry.object_frames, geometry.object_scale, rotation, sharp.centre,
        np.array((sharp.fx, sharp.fy, sharp.cx, sharp.cy)), lighting.world, lighting.rays, lighting.shares,
        lighting.frames, lighting.heights, lighting.middle, lighting.reach_m, back,
    )  # fmt: skip
    rgb = develop(picture, scene.light.exposure, factor)
    of_face_object, of_face_part = np.append(geometry.face_object, 0), np.append(geometry.face_part, 0)
    instances, parts, depth = pool_labels(depth, of_face_object[index], of_face_part[index], factor)
    objects = tuple(_seen(scene, k, instances, camera) for k in range(1, len(scene.objects) + 1))
    return View(rgb, instances, parts, depth, camera, objects, geometry.parts, (), scene.stage.name, scene.stage.phrase)


def _backdrop(photo: NDArray[np.uint8], width: int, height: int, light: Light) -> NDArray[np.float32]:
    """Return a photo stretched to (height, width, 3), linear, before exposure (nearest pixel: it is averaged again)."""
    rows = np.minimum((np.arange(height) + 0.5) * photo.shape[0] / height, photo.shape[0] - 1).astype(int)
    cols = np.minimum((np.arange(width) + 0.5) * photo.shape[1] / width, photo.shape[1] - 1).astype(int)
    table = to_linear(np.arange(256) / 255.0)
    table = np.where(table < 0.6, table, 0.6 - 0.4 * np.log(np.maximum(1 - (table - 0.6) / 0.4, 0.05)))  # undo develop
    return (table / light.exposure).astype(np.float32)[photo[rows][:, cols]]


def _seen(scene: Scene, object_id: int, instances: NDArray[np.int32], camera: Camera) -> SceneObject:
    """Return how a view shows one object."""
    placed: Placed = scene.objects[object_id - 1]
    rows, cols = np.nonzero(instances == object_id)
    box, centroid = (0, 0, 0, 0), (float("nan"), float("nan"))
    if len(rows):
        box = int(cols.min()), int(rows.min()), int(cols.max()) + 1, int(rows.max()) + 1
        centroid = float(cols.mean() + 0.5), float(rows.mean() + 0.5)
    centre = placed.centre
    depth_m = float(camera.world_to_cam[2, :3] @ centre + camera.world_to_cam[2, 3])
    x, y, z = (float(value) for value in centre)
    below = None if placed.stands_on is None else placed.stands_on + 1
    toy = placed.toy
    return SceneObject(
        object_id,
        toy.class_name,
        toy.colour,
        toy.look,
        placed.size_m,
        (x, y, z),
        len(rows),
        box,
        centroid,
        depth_m,
        below,
    )


@dataclass(frozen=True)
class Surface:
    """Points on a scene's surfaces: positions (N, 3) metres, normals (N, 3), lit sRGB (N, 3) in [0, 1].

    ``object_id`` (N,) and ``part_id`` (N,) int32 as in a View; ``area_m2`` is what one point stands for.
    """

    positions: Floats
    normals: Floats
    lit_rgb: NDArray[np.float32]
    object_id: NDArray[np.int32]
    part_id: NDArray[np.int32]
    area_m2: float


def sample_surface(
    scene: Scene, n: int, rng: Generator, *, with_stage: bool = False, quality: Quality = DRAFT
) -> Surface:
    """Scatter ``n`` points evenly by area over a scene's objects (and its stage), lit as seen straight on.

    Args:
        scene: What to sample; its Gaussians, say, start from these points.
        n: How many points.
        rng: Source of the places.
        with_stage: Also sample floor and walls.
        quality: Light directions and shadow texels.
    """
    geometry = flatten(scene)
    n_faces = len(geometry.faces) - (0 if with_stage else geometry.n_stage_faces)
    a, b, c = (geometry.vertices[geometry.faces[:n_faces, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    face = np.searchsorted(np.cumsum(area), rng.random(n) * area.sum()).clip(0, n_faces - 1)
    root, along = np.sqrt(rng.random((n, 1))), rng.random((n, 1))
    weights = np.concatenate([1 - root, root * (1 - along), root * along], axis=1)
    positions = weights[:, :1] * a[face] + weights[:, 1:2] * b[face] + weights[:, 2:] * c[face]
    normals = np.einsum("nk,nkd->nd", weights, geometry.normals[face].astype(np.float64))
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    lighting = light_up(scene, geometry, quality)
    light = shade_points(
        positions, normals, normals, geometry.face_paint[face], geometry.paints, geometry.object_frames, lighting.world,
        lighting.rays, lighting.shares, lighting.frames, lighting.heights, lighting.middle, lighting.reach_m,
    )  # fmt: skip
    rgb = develop(light[:, None], scene.light.exposure, 1)[:, 0].astype(np.float32) / 255.0
    return Surface(positions, normals, rgb, geometry.face_object[face], geometry.face_part[face], float(area.sum() / n))
