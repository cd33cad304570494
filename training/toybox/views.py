"""Random views: one toy or a scene of several, from cameras and with colours that belong to a split.

Splits share no picture seed, no viewpoint and no rare colour: training looks only from azimuths outside the held-out
sectors and never sees the held-out (class, colour) pairs; the held-out split looks only from inside the sectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.toybox.camera import Camera, look_at, orbit
from training.toybox.captions import describe
from training.toybox.classes import BY_NAME, CLASSES, toy_class
from training.toybox.kit import NATURAL_SHARE, Toy, ToyClass, build_toy
from training.toybox.light import Quality, quality_for, random_light
from training.toybox.mesh import Floats
from training.toybox.palette import COLOURS
from training.toybox.render import View, render
from training.toybox.scene import Placed, Scene, scatter
from training.toybox.stage import make_stage

Split = Literal["train", "held_out"]
SPLIT_SEED: dict[str, int] = {"train": 20_001, "held_out": 90_001}
SECTOR_DEG = 45.0  # azimuths repeat in sectors; the last HELD_OUT_DEG of each belong to the held-out split
HELD_OUT_DEG = 9.0
SINGLE_STAGES = (
    "studio",
    "studio",
    "studio",
    "table",
    "cloth",
    "tiles",
    "carpet",
    "marble",
    "grass",
    "sand",
    "snow",
    "road",
)


def picture_rng(split: Split, number: int) -> Generator:
    """Return the generator of picture ``number`` of a split; no two (split, number) share a stream."""
    return np.random.default_rng((SPLIT_SEED[split], number))


def is_held_out_pair(row: ToyClass, colour: str) -> bool:
    """Return whether training never sees this colour on this class: a ninth of all pairs, never a natural colour."""
    if colour in row.colours and len(set(row.colours)) < len(COLOURS):
        return False
    return (CLASSES.index(row.name) * 5 + COLOURS.index(colour) * 7) % 9 == 0


def draw_colour(row: ToyClass, rng: Generator, split: Split) -> str:
    """Return a random main colour for a toy of class ``row`` that the split may show."""
    while True:
        pool = row.colours if rng.random() < NATURAL_SHARE else COLOURS
        colour = pool[int(rng.integers(len(pool)))]
        if split != "train" or not is_held_out_pair(row, colour):
            return colour


def draw_azimuth(rng: Generator, split: Split, within_deg: float = 180.0) -> float:
    """Return a random camera azimuth of the split, at most ``within_deg`` from the toys' front."""
    while True:
        azimuth = float(rng.uniform(-within_deg, within_deg))
        if (azimuth % SECTOR_DEG >= SECTOR_DEG - HELD_OUT_DEG) == (split == "held_out"):
            return azimuth


def frame_points(
    points_n3: Floats, azimuth_deg: float, elevation_deg: float, fill: float, side_px: int, rng: Generator | None = None
) -> Camera:
    """Return a square camera that looks from a direction and holds all points in ``fill`` of its side."""
    middle = (points_n3.min(0) + points_n3.max(0)) / 2
    reach = float(np.linalg.norm(points_n3 - middle, axis=1).max())
    first = orbit(middle, reach * 4.2, azimuth_deg, elevation_deg, width_px=side_px)
    uv, _ = first.project(points_n3)
    centre_uv = (uv.min(0) + uv.max(0)) / 2
    half = float((uv.max(0) - uv.min(0)).max()) / 2
    if rng is not None:
        centre_uv = centre_uv + rng.uniform(-1, 1, 2) * (1 - min(fill, 1.0)) * half * 0.9
    target = first.unproject(centre_uv[None], np.array([reach * 4.2]))[0]
    fov = 2 * np.degrees(np.arctan(half / first.fx / fill))
    return look_at(first.centre, target, fov_deg=float(fov), width_px=side_px)


def render_single(
    class_name: str,
    rng: Generator,
    side_px: int = 128,
    *,
    split: Split = "train",
    colour: str | None = None,
    stage: str | None = None,
    photo: NDArray[np.uint8] | None = None,  # (h, w, 3)
    quality: Quality | None = None,
) -> View:
    """Render one random toy of a class, about as large as the picture.

    Args:
        class_name: One of CLASSES.
        rng: Source of everything random; equal states give equal bits.
        side_px: Width and height.
        split: Which azimuths and colours may show.
        colour: Main colour; None draws one of the split's.
        stage: One of stage.STAGES; None draws one. "photo" needs ``photo``.
        photo: (h, w, 3) uint8 backdrop; implies the stage "photo".
        quality: Samples and lights; None: what the size needs (``light.quality_for``).

    Raises:
        ValueError: unknown class or stage.
    """
    row = toy_class(class_name)
    toy = build_toy(row, rng, colour or draw_colour(row, rng, split))
    size = float(rng.uniform(*row.size_m))
    placed = Placed(toy, (0.0, 0.0, 0.0), 0.0, size)
    name = "photo" if photo is not None else stage or SINGLE_STAGES[int(rng.integers(len(SINGLE_STAGES)))]
    ground = make_stage(name, size * 0.6, rng)
    scene = Scene((placed,), ground, random_light(rng, ground.light_kind))
    azimuth = draw_azimuth(rng, split, row.front_deg)
    elevation = float(rng.uniform(*row.elevation_deg))
    scene = _lit_from_camera_side(scene, azimuth)
    camera = frame_points(placed.world_vertices(), azimuth, elevation, float(rng.uniform(0.6, 0.98)), side_px, rng)
    return describe(render(scene, camera, quality or quality_for(side_px), photo=photo), rng)


def _lit_from_camera_side(scene: Scene, azimuth_deg: float) -> Scene:
    """Return the scene with its sun turned along with the camera, so that no picture is taken against the light."""
    turned = replace(scene.light, sun_azimuth_deg=scene.light.sun_azimuth_deg + azimuth_deg)
    return replace(scene, light=turned)


def random_toys(
    rng: Generator, n_objects: int, split: Split, class_names: Sequence[str] = CLASSES
) -> tuple[list[Toy], list[float]]:
    """Return ``n_objects`` random toys and their sizes in metres; one scene in four repeats a class."""
    names = [class_names[int(i)] for i in rng.permutation(len(class_names))[:n_objects]]
    names += names[: n_objects - len(names)]
    if n_objects > 1 and rng.random() < 0.25:
        names[: int(rng.integers(2, n_objects + 1))] = [names[0]] * int(rng.integers(2, n_objects + 1))
        names = names[:n_objects]
    toys, sizes = [], []
    for name in names:
        row = BY_NAME[name]
        toys.append(build_toy(row, rng, draw_colour(row, rng, split)))
        sizes.append(float(0.5 * 0.16 + 0.5 * rng.uniform(*row.size_m)))
    return toys, sizes


def random_scene(
    rng: Generator,
    n_objects: int,
    *,
    split: Split = "train",
    stage: str | None = None,
    class_names: Sequence[str] = CLASSES,
) -> Scene:
    """Return a random scene of ``n_objects`` toys on one stage."""
    toys, sizes = random_toys(rng, n_objects, split, class_names)
    order = np.argsort([-size * toy.footprint_radius for toy, size in zip(toys, sizes, strict=True)])
    objects = scatter([toys[i] for i in order], [sizes[i] for i in order], rng, stack_share=0.3)
    reach = max(float(np.hypot(*placed.position[:2])) + placed.radius_m for placed in objects)
    ground = make_stage(stage or SINGLE_STAGES[int(rng.integers(len(SINGLE_STAGES)))], reach, rng)
    return Scene(objects, ground, random_light(rng, ground.light_kind))


def random_camera(scene: Scene, rng: Generator, side_px: int, *, split: Split = "train") -> Camera:
    """Return a random camera of the split that sees all objects of a scene from 14 to 48 degrees above."""
    cloud = np.concatenate([placed.world_vertices()[::7] for placed in scene.objects])
    azimuth = draw_azimuth(rng, split, 70.0)
    return frame_points(cloud, azimuth, float(rng.uniform(14, 48)), float(rng.uniform(0.72, 0.95)), side_px, rng)


def render_scene(
    rng: Generator,
    side_px: int = 256,
    n_objects: int = 3,
    *,
    split: Split = "train",
    stage: str | None = None,
    photo: NDArray[np.uint8] | None = None,  # (h, w, 3)
    class_names: Sequence[str] = CLASSES,
    quality: Quality | None = None,
) -> View:
    """Render a random scene of several toys from a random camera; arguments as in ``render_single``."""
    scene = random_scene(
        rng, n_objects, split=split, stage="photo" if photo is not None else stage, class_names=class_names
    )
    camera = random_camera(scene, rng, side_px, split=split)
    return describe(render(scene, camera, quality or quality_for(side_px), photo=photo), rng)
