"""What stands where in the bundled scenes: a tabletop with a dozen objects and a room, as data and as Toybox scenes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.toybox.camera import Camera, orbit
from training.toybox.classes import toy_class
from training.toybox.kit import build_toy
from training.toybox.light import Light
from training.toybox.palette import Material, paint, shade
from training.toybox.scene import Placed, Scene
from training.toybox.stage import Stage, floor, skirting, walls

WIDTH_PX, HEIGHT_PX = 480, 360
FOV_DEG = 42.0  # across the shorter side
TRAIN_VIEWS, HELD_OUT_VIEWS = 52, 8


@dataclass(frozen=True)
class Thing:
    """One object: class, colour, longest side in metres, where its foot stands, its turn, the dice of its shape."""

    name: str
    colour: str
    size_m: float
    x: float
    y: float
    yaw_deg: float = 0.0
    z: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Layout:
    """A scene to be photographed.

    Attributes:
        title: Its name for people.
        things: Objects 1 to n in order.
        target: Point that the cameras look at, metres.
        distance_m: (near, far) of the cameras.
        elevation_deg: (low, high) of the cameras.
        azimuth_deg: (from, to) of the cameras.
    """

    title: str
    things: tuple[Thing, ...]
    target: tuple[float, float, float]
    distance_m: tuple[float, float]
    elevation_deg: tuple[float, float]
    azimuth_deg: tuple[float, float]


TABLETOP = Layout(
    "Toybox tabletop",
    (
        Thing("teapot", "blue", 0.27, 0.00, 0.06, 25, seed=3),
        Thing("mug", "orange", 0.15, -0.24, -0.20, -60, seed=2),
        Thing("car", "red", 0.24, 0.27, -0.22, 35, seed=4),
        Thing("gift", "purple", 0.17, -0.40, 0.06, 15, seed=1),
        Thing("duck", "yellow", 0.16, 0.02, -0.32, -25, seed=5),
        Thing("flower", "pink", 0.26, 0.38, 0.10, 0, seed=2),
        Thing("apple", "green", 0.11, -0.10, -0.10, 0, seed=1),
        Thing("cactus", "green", 0.27, 0.22, 0.36, 40, seed=6),
        Thing("teddy bear", "brown", 0.28, -0.24, 0.32, 20, seed=1),
        Thing("candle", "white", 0.18, 0.17, 0.02, 0, seed=4),
        Thing("robot", "grey", 0.27, 0.00, 0.38, -5, seed=7),
        Thing("pineapple", "yellow", 0.25, -0.44, -0.27, 0, seed=3),
    ),
    (0.0, 0.03, 0.07),
    (1.15, 1.50),
    (18.0, 62.0),
    (-180.0, 180.0),
)
ROOM = Layout(
    "Toybox room",
    (
        Thing("bed", "blue", 0.52, -0.40, 0.32, 0, seed=1),
        Thing("bookshelf", "brown", 0.46, 0.02, 0.56, 0, seed=2),
        Thing("piano", "black", 0.36, 0.42, 0.40, -20, seed=3),
        Thing("sofa", "red", 0.46, -0.46, -0.28, 70, seed=2),
        Thing("table", "white", 0.34, -0.06, -0.16, 0, seed=4),
        Thing("lamp", "yellow", 0.22, -0.06, -0.16, 0, 0.17, seed=3),
        Thing("television", "grey", 0.30, 0.50, -0.10, -65, seed=1),
        Thing("armchair", "green", 0.27, 0.24, -0.46, 200, seed=2),
        Thing("ball", "orange", 0.13, 0.24, -0.12, 0, seed=2),
        Thing("teddy bear", "pink", 0.19, 0.14, 0.18, -10, seed=3),
        Thing("suitcase", "purple", 0.20, -0.14, -0.50, 30, seed=4),
        Thing("globe", "turquoise", 0.19, 0.52, -0.42, 0, seed=1),
    ),
    (0.0, 0.02, 0.10),
    (1.55, 1.95),
    (24.0, 58.0),
    (-64.0, 64.0),
)
LAYOUTS = {"tabletop": TABLETOP, "room": ROOM}


def toybox_scene(name: str) -> Scene:
    """Build a layout.

    Raises:
        KeyError: no layout has that name.
    """
    things = LAYOUTS[name].things
    placed = []
    for thing in things:
        toy = build_toy(toy_class(thing.name), np.random.default_rng((515, thing.seed)), thing.colour)
        z = thing.z
        below = None
        if z:  # what stands on something stands on the top of the object before it
            below = len(placed) - 1
            z = placed[below].toy.height * placed[below].size_m
        placed.append(Placed(toy, (thing.x, thing.y, z), thing.yaw_deg, thing.size_m, below))
    light = Light(sun_azimuth_deg=-35.0, sun_elevation_deg=58.0, sun_rgb=(0.85, 0.82, 0.76), sun_width_deg=10.0,
                  zenith_rgb=(0.42, 0.43, 0.46), horizon_rgb=(0.36, 0.36, 0.37), lamp_rgb=(1.4, 1.4, 1.4))  # fmt: skip
    return Scene(tuple(placed), _tabletop() if name == "tabletop" else _room(), light)


def cameras(name: str) -> tuple[list[Camera], list[Camera]]:
    """Where the photos are taken from: training views and held-out views between them, both fixed by the name."""
    layout = LAYOUTS[name]
    count = TRAIN_VIEWS + HELD_OUT_VIEWS
    rng = np.random.default_rng(77)
    low, high = layout.azimuth_deg
    views = []
    for i in range(count):
        share = (i * 0.618033988749895) % 1.0  # the golden ratio: neighbours in number lie far apart
        rise = ((i + 0.5) / count) ** 1.2
        elevation = layout.elevation_deg[0] + (layout.elevation_deg[1] - layout.elevation_deg[0]) * rise
        distance = rng.uniform(*layout.distance_m)
        target = np.array(layout.target) + rng.uniform(-0.05, 0.05, 3) * (1, 1, 0.4)
        views.append(
            orbit(
                target,
                float(distance),
                low + (high - low) * share,
                elevation,
                fov_deg=FOV_DEG,
                width_px=WIDTH_PX,
                height_px=HEIGHT_PX,
            )  # fmt: skip
        )
    held_out = set(np.linspace(3, count - 4, HELD_OUT_VIEWS).round().astype(int).tolist())
    return [v for i, v in enumerate(views) if i not in held_out], [views[i] for i in sorted(held_out)]


def _tabletop() -> Stage:
    """A wooden table top before a plain sweep."""
    wood = (0.78, 0.60, 0.42)
    surface = Material("brown", wood, "matt").with_pattern("planks", shade(wood, 0.78), 0.42)
    sweep = (0.86, 0.88, 0.90)
    return Stage("table", (("floor", floor(0.64), surface),), "studio", "on a wooden table", back_rgb=(sweep, sweep))


def _room() -> Stage:
    """A room without a ceiling; a wall is not drawn from outside, so that every camera looks in."""
    carpet = Material("", (0.66, 0.62, 0.56), "cloth").with_pattern("plaid", (0.56, 0.53, 0.50), 0.30)
    wall = Material("", (0.80, 0.84, 0.82), "matt").with_pattern("stripes", (0.74, 0.79, 0.77), 0.16)
    sweep = (0.86, 0.88, 0.90)
    surfaces = (
        ("floor", floor(0.70), carpet),
        ("wall", walls(0.70, 0.52), wall),
        ("skirting", skirting(0.70, 0.05), paint("white", "satin")),
    )
    return Stage("room", surfaces, "studio", "in a room", back_rgb=(sweep, sweep))
