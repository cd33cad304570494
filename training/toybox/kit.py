"""The kit that builds one toy: named parts with materials, random proportions, then one object of longest side 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.toybox.mesh import Floats, Mesh, corner_normals
from training.toybox.palette import COLOURS, Material, paint

T = TypeVar("T")
NATURAL_SHARE = 0.6  # of toys wear one of their class's natural colours; the rest any of the twelve


@dataclass(frozen=True)
class ToyClass:
    """One row of the catalogue: how to build a class and what is usual for it.

    ``size_m`` bounds the longest side in metres; ``elevation_deg`` the camera heights from which it can be recognised;
    ``front_deg`` how far it may be turned away from the camera (180: all round) in a single view.
    """

    name: str
    build: Callable[[Kit], None]
    kind: str
    colours: tuple[str, ...] = COLOURS
    finishes: tuple[str, ...] = ("matt", "satin", "glossy")
    size_m: tuple[float, float] = (0.08, 0.20)
    elevation_deg: tuple[float, float] = (8.0, 45.0)
    front_deg: float = 180.0
    synonyms: tuple[str, ...] = ()
    plural: str = ""
    has_article: bool = True  # False: "red scissors", "yellow cheese"

    @property
    def plural_name(self) -> str:
        """Name for two or more of them."""
        return self.plural or (self.name + ("es" if self.name.endswith(("s", "x", "sh", "ch")) else "s"))


@dataclass(frozen=True)
class Part:
    """A named piece of a toy and what it is made of."""

    name: str
    material: Material


@dataclass(frozen=True)
class Toy:
    """One object in its own frame: longest side 1, standing on z = 0, centred on the z axis, front towards -y.

    vertices (V, 3) float64, faces (F, 3) int32, normals (F, 3, 3) float32 a corner, face_part (F,) int32 of ``parts``.
    """

    class_name: str
    colour: str
    look: str  # "", "striped", "dotted", "checked", "wooden" or "metal"
    parts: tuple[Part, ...]
    vertices: Floats
    faces: NDArray[np.int32]
    normals: NDArray[np.float32]
    face_part: NDArray[np.int32]

    @property
    def height(self) -> float:
        """Height in units of the longest side."""
        return float(self.vertices[:, 2].max())

    @property
    def footprint_radius(self) -> float:
        """Radius of the circle about the z axis that holds the toy, in units of the longest side."""
        return float(np.sqrt((self.vertices[:, :2] ** 2).sum(1).max()))


LOOKS = {"stripes": "striped", "bands": "striped", "dots": "dotted", "checks": "checked"}


@dataclass
class Kit:
    """What a class's builder works with: dice, the main and second paint, and a tray of finished parts."""

    rng: Generator
    main: Material
    second: Material
    tray: list[tuple[str, Mesh, Material]] = field(default_factory=list)

    def add(self, name: str, mesh: Mesh, material: Material | None = None) -> None:
        """Put a mesh on the tray as (a piece of) part ``name``; the main paint unless told."""
        self.tray.append((name, mesh, material or self.main))

    def both(self, name: str, mesh: Mesh, material: Material | None = None) -> None:
        """Add a mesh and its mirror image across the plane x = 0 (eyes, ears, wheels)."""
        self.add(name, mesh, material)
        self.add(name, mesh.scaled(-1, 1, 1), material)

    def between(self, low: float, high: float) -> float:
        """Return a uniform number in [low, high)."""
        return float(self.rng.uniform(low, high))

    def count(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, share: float) -> bool:
        """Return True with probability ``share``."""
        return bool(self.rng.random() < share)

    def pick(self, *options: T) -> T:
        """Return one of the options."""
        return options[int(self.rng.integers(len(options)))]

    def paint(self, colour: str, finish: str = "matt") -> Material:
        """Return a random tone of a named colour."""
        return paint(colour, finish, self.rng)


def choose_look(row: ToyClass, colour: str, rng: Generator) -> tuple[Material, Material]:
    """Return the main and second material of one toy of class ``row`` in ``colour``."""
    finish = row.finishes[int(rng.integers(len(row.finishes)))]
    main = paint(colour, finish, rng)
    others = [name for name in COLOURS if name != colour]
    second = paint(others[int(rng.integers(len(others)))], "matt" if finish == "cloth" else "satin", rng)
    if main.pattern == "plain" and finish != "metal" and row.kind in PATTERNED_KINDS and rng.random() < 0.16:
        pattern = ("stripes", "bands", "dots", "checks")[int(rng.integers(4))]
        light = paint("white" if colour != "white" else second.colour, finish, rng)
        main = main.with_pattern(pattern, light.rgb, float(rng.uniform(0.12, 0.2)))
    return main, second


PATTERNED_KINDS = ("crockery", "clothes", "vessel", "play")


def build_toy(row: ToyClass, rng: Generator, colour: str | None = None) -> Toy:
    """Build one random toy of a class.

    Args:
        row: Class from the catalogue.
        rng: Source of all proportions, part counts and tones.
        colour: One of COLOURS for the main part; None draws one (NATURAL_SHARE of the class's own colours).

    Returns:
        Toy in its own frame; the same generator state gives the same bits.
    """
    if colour is None:
        pool = row.colours if rng.random() < NATURAL_SHARE else COLOURS
        colour = pool[int(rng.integers(len(pool)))]
    main, second = choose_look(row, colour, rng)
    kit = Kit(rng, main, second)
    row.build(kit)
    look = LOOKS.get(main.pattern, main.finish if main.finish in ("wooden", "metal") else "")
    return assemble(row.name, colour, look, kit.tray)


def assemble(class_name: str, colour: str, look: str, tray: list[tuple[str, Mesh, Material]]) -> Toy:
    """Join a tray of meshes into one toy; pieces of equal name and material become one part."""
    parts: list[Part] = []
    vertices, faces, face_part, crease = [], [], [], []
    offset = 0
    for name, mesh, material in tray:
        part = Part(name, material)
        if part not in parts:
            parts.append(part)
        vertices.append(mesh.vertices)
        faces.append(mesh.faces + offset)
        face_part.append(np.full(len(mesh.faces), parts.index(part), np.int32))
        crease.append(np.full(len(mesh.faces), np.cos(np.radians(mesh.crease_deg))))
        offset += len(mesh.vertices)
    points, triangles = np.concatenate(vertices), np.concatenate(faces).astype(np.int32)
    used = points[np.unique(triangles)]
    low, high = used.min(0), used.max(0)
    centre = np.array((*(low + high)[:2] / 2, low[2]))
    points = (points - centre) / (high - low).max()
    normals = corner_normals(points, triangles, np.concatenate(crease))
    return Toy(class_name, colour, look, tuple(parts), points, triangles, normals, np.concatenate(face_part))
