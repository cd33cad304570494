"""Scenes: toys set on a stage under a light, and the flat arrays that renderers and surface samplers work on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.toybox.kit import Toy
from training.toybox.light import Light
from training.toybox.mesh import Floats, corner_normals, rotation
from training.toybox.palette import FINISHES, PATTERN_INDEX, Material
from training.toybox.shade import PAINT_COLUMNS
from training.toybox.stage import Stage


@dataclass(frozen=True)
class Placed:
    """A toy in the world: where the middle of its foot stands (metres), its turn about z, and its longest side."""

    toy: Toy
    position: tuple[float, float, float]
    yaw_deg: float
    size_m: float
    stands_on: int | None = None  # index of the object below it; None: the stage

    @property
    def radius_m(self) -> float:
        """Radius of the upright cylinder that holds the toy."""
        return self.toy.footprint_radius * self.size_m

    @property
    def centre(self) -> Floats:
        """Middle of the toy's height, (3,) metres."""
        return np.array(self.position) + (0.0, 0.0, self.toy.height * self.size_m / 2)

    def world_vertices(self) -> Floats:
        """Return the toy's vertices (V, 3) in the world."""
        return self.toy.vertices * self.size_m @ rotation("z", self.yaw_deg).T + self.position


@dataclass(frozen=True)
class Scene:
    """Objects 1..n in order, a stage (object 0), and a light."""

    objects: tuple[Placed, ...]
    stage: Stage
    light: Light

    @property
    def middle(self) -> Floats:
        """Middle of the box around all objects, (3,) metres."""
        low, high = self.bounds
        return (low + high) / 2

    @property
    def bounds(self) -> tuple[Floats, Floats]:
        """Lowest and highest corner (3,) of the box around all objects; a 10 cm cube when there are none."""
        if not self.objects:
            return np.array((-0.05, -0.05, 0.0)), np.array((0.05, 0.05, 0.1))
        clouds = [placed.world_vertices() for placed in self.objects]
        return np.min([c.min(0) for c in clouds], axis=0), np.max([c.max(0) for c in clouds], axis=0)

    @property
    def reach_m(self) -> float:
        """Radius of the ball about ``middle`` that holds all objects."""
        low, high = self.bounds
        return float(np.linalg.norm(high - low) / 2)


@dataclass(frozen=True)
class PartLabel:
    """One id of a part mask: which part of which object it is, its colour name and sRGB in [0, 1]."""

    id: int
    name: str
    object_id: int
    colour: str
    rgb: tuple[float, float, float]


@dataclass(frozen=True)
class Geometry:
    """A scene as arrays: all triangles, what each belongs to, and how each part is painted.

    vertices (V, 3) float64 metres; faces (F, 3) int32; normals (F, 3, 3) float32 corner normals; face_object (F,) int32
    (0 the stage); face_part (F,) int32 ids into ``parts`` (0 the stage); face_paint (F,) int32 rows of ``paints``
    (P, PAINT_COLUMNS); object_frames (n + 1, 3, 4) world to object; object_scale (n + 1,) metres a unit.
    ``n_stage_faces`` faces come last and cast no shadow.
    """

    vertices: Floats
    faces: NDArray[np.int32]
    normals: NDArray[np.float32]
    face_object: NDArray[np.int32]
    face_part: NDArray[np.int32]
    face_paint: NDArray[np.int32]
    paints: Floats
    object_frames: Floats
    object_scale: Floats
    parts: tuple[PartLabel, ...]
    n_stage_faces: int


def to_linear(rgb: Floats | tuple[float, ...]) -> Floats:
    """Return sRGB values in [0, 1] as linear light (IEC 61966-2-1)."""
    values = np.asarray(rgb, dtype=np.float64)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def paint_row(
    material: Material, object_id: int, *, fade_m: tuple[float, float] = (0.0, 0.0), is_catcher: bool = False
) -> Floats:
    """Return a material as one row of the paint table (see ``shade``)."""
    rough, metal, specular = FINISHES[material.finish]
    row = np.zeros(PAINT_COLUMNS)
    row[0:3], row[3:6] = to_linear(material.rgb), to_linear(material.second_rgb)
    row[6:12] = PATTERN_INDEX[material.pattern], material.pattern_size, rough, metal, specular, material.is_unlit
    row[12:16] = object_id - 1, *fade_m, is_catcher
    return row


def flatten(scene: Scene) -> Geometry:
    """Return the scene's triangles in the world, objects first, the stage last."""
    vertices, faces, normals, face_object, face_part, face_paint = [], [], [], [], [], []
    paints, parts = [], []
    frames, scales = [np.eye(4)[:3]], [1.0]
    offset = 0
    for object_id, placed in enumerate(scene.objects, start=1):
        toy, turn = placed.toy, rotation("z", placed.yaw_deg)
        first = len(parts)
        for part in toy.parts:
            parts.append(PartLabel(len(parts) + 1, part.name, object_id, part.material.colour, part.material.rgb))
            paints.append(paint_row(part.material, object_id))
        vertices.append(placed.world_vertices())
        faces.append(toy.faces + offset)
        normals.append((toy.normals.reshape(-1, 3) @ turn.T.astype(np.float32)).reshape(-1, 3, 3))
        face_object.append(np.full(len(toy.faces), object_id, np.int32))
        face_part.append(toy.face_part + first + 1)
        face_paint.append(toy.face_part + first)
        frames.append(np.column_stack([turn.T, -turn.T @ placed.position]) / placed.size_m)
        scales.append(placed.size_m)
        offset += len(toy.vertices)
    n_stage_faces = 0
    middle = scene.middle * (1, 1, 0)
    for _, mesh, material in scene.stage.surfaces:
        placed_vertices = mesh.vertices + middle
        vertices.append(placed_vertices)
        faces.append(mesh.faces + offset)
        normals.append(corner_normals(mesh.vertices, mesh.faces, np.full(len(mesh.faces), 0.7)))
        face_object.append(np.zeros(len(mesh.faces), np.int32))
        face_part.append(np.zeros(len(mesh.faces), np.int32))
        face_paint.append(np.full(len(mesh.faces), len(paints), np.int32))
        paints.append(paint_row(material, 0, fade_m=scene.stage.fade_m, is_catcher=scene.stage.is_catcher))
        offset += len(mesh.vertices)
        n_stage_faces += len(mesh.faces)
    return Geometry(
        np.concatenate(vertices), np.concatenate(faces).astype(np.int32), np.concatenate(normals),
        np.concatenate(face_object), np.concatenate(face_part).astype(np.int32),
        np.concatenate(face_paint).astype(np.int32),
        np.stack(paints), np.stack(frames), np.array(scales), tuple(parts), n_stage_faces,
    )  # fmt: skip


def scatter(
    toys: list[Toy], sizes_m: list[float], rng: Generator, *, gap: float = 0.15, stack_share: float = 0.0
) -> tuple[Placed, ...]:
    """Set toys on the floor around the origin without overlap, each turned at random.

    Args:
        toys: Toys to place, in order.
        sizes_m: Longest side of each in metres.
        rng: Source of places and turns.
        gap: Least room between two footprints as a share of the smaller radius.
        stack_share: Chance that a toy goes on top of an earlier one with a flat top (see ``FLAT_TOPS``).

    Returns:
        One Placed a toy; a later toy lands further out when the middle is full.
    """
    done: list[Placed] = []
    spread = 0.9 * np.sqrt(sum((toy.footprint_radius * size) ** 2 for toy, size in zip(toys, sizes_m, strict=True)))
    for toy, size in zip(toys, sizes_m, strict=True):
        yaw = float(rng.uniform(-60, 60) + 180 * (rng.random() < 0.2))
        base = _flat_top(done, toy.footprint_radius * size) if rng.random() < stack_share else None
        if base is not None:
            below = done[base]
            x, y, z = below.position
            done.append(Placed(toy, (x, y, z + below.toy.height * below.size_m), yaw, size, base))
            continue
        radius = toy.footprint_radius * size
        reach = spread if done else spread * 0.4
        for attempt in range(200):
            x, y = rng.uniform(-1, 1, 2) * reach * (1 + attempt / 40)
            if all(_is_clear(x, y, radius, other, gap) for other in done if other.stands_on is None):
                break
        done.append(Placed(toy, (float(x), float(y), 0.0), yaw, size))
    return tuple(done)


FLAT_TOPS = ("table", "book", "chest", "drum", "suitcase", "gift", "stool", "barrel", "dice")


def _flat_top(done: list[Placed], radius_m: float) -> int | None:
    """Return the first free object whose flat top is at least as wide as ``radius_m``."""
    taken = {placed.stands_on for placed in done}
    for i, placed in enumerate(done):
        fits = placed.radius_m * 0.75 >= radius_m
        if placed.toy.class_name in FLAT_TOPS and fits and i not in taken and placed.stands_on is None:
            return i
    return None


def _is_clear(x: float, y: float, radius_m: float, other: Placed, gap: float) -> bool:
    """Return whether a footprint at (x, y) keeps its distance from another toy's."""
    apart = float(np.hypot(x - other.position[0], y - other.position[1]))
    return apart >= radius_m + other.radius_m + gap * min(radius_m, other.radius_m)
