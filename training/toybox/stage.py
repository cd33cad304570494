"""Stages: the floor and walls that toys stand on, what they are called in captions, and the light that suits them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from training.toybox.mesh import Mesh, joined, points
from training.toybox.palette import COLOURS, Material, Rgb, named_rgb, paint, shade

STAGES = ("studio", "table", "cloth", "tiles", "carpet", "marble", "grass", "sand", "snow", "road", "photo")


@dataclass(frozen=True)
class Stage:
    """Surfaces around the toys; all belong to object 0 and cast no shadow.

    ``fade_m`` (from, to): distances from the middle over which the floor melts into the backdrop; (0, 0) never.
    """

    name: str
    surfaces: tuple[tuple[str, Mesh, Material], ...]
    light_kind: str
    phrase: str = ""  # "on a wooden table"
    fade_m: tuple[float, float] = (0.0, 0.0)
    back_rgb: tuple[Rgb, Rgb] | None = None  # sRGB top and bottom of the backdrop; None: the light's sky
    is_catcher: bool = False  # the floor only darkens a photo where shadows fall


def floor(half_m: float) -> Mesh:
    """Return a level square about the origin facing up, ``half_m`` to each side."""
    corners = points([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)]) * half_m
    return Mesh(corners, np.array([(0, 1, 2), (0, 2, 3)], np.int32))


def walls(half_m: float, height_m: float) -> Mesh:
    """Return four walls facing inward; from outside they are not drawn, so every camera looks in."""
    low = points([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)]) * half_m
    high = low + (0, 0, height_m)
    made = []
    for k in range(4):
        m = (k + 1) % 4
        quad = np.stack([low[k], high[k], high[m], low[m]])
        made.append(Mesh(quad, np.array([(0, 1, 2), (0, 2, 3)], np.int32)))
    return joined(*made)


def skirting(half_m: float, height_m: float) -> Mesh:
    """Return the narrow board at the foot of the walls."""
    return walls(half_m * 0.995, height_m)


def make_stage(name: str, reach_m: float, rng: Generator, colour: str | None = None) -> Stage:
    """Return a random stage of a kind.

    Args:
        name: One of STAGES.
        reach_m: Radius of the circle that holds the toys; patterns and walls are sized by it.
        rng: Source of colours, pattern sizes and wall distances.
        colour: Main colour of the floor where the kind has a choice (studio, cloth, carpet, tiles).

    Raises:
        ValueError: name is unknown.
    """
    if name in ("studio", "photo"):
        return _open_stage(name, reach_m, rng, colour)
    if name in ("table", "cloth", "tiles", "carpet", "marble"):
        return _room(name, reach_m, rng, colour)
    if name in ("grass", "sand", "snow", "road"):
        return _outdoors(name, reach_m, rng)
    raise ValueError(f"There is no stage {name!r}; choose one of {', '.join(STAGES)}.")


def _open_stage(name: str, reach_m: float, rng: Generator, colour: str | None) -> Stage:
    """Return a seamless sweep of one colour, or a floor that only catches shadows on a photo."""
    ground = floor(reach_m * 14)
    if name == "photo":
        catcher = Material("grey", (0.6, 0.6, 0.6))
        light = ("studio", "window", "daylight", "overcast")[int(rng.integers(4))]
        return Stage(name, (("floor", ground, catcher),), light, fade_m=(reach_m * 3, reach_m * 6), is_catcher=True)
    tone = named_rgb(colour or COLOURS[int(rng.integers(len(COLOURS)))], rng)
    pale = rng.uniform(0.35, 0.95)
    rgb = _mix(tone, (0.93, 0.93, 0.92), float(pale))
    back = (shade(rgb, float(rng.uniform(0.72, 0.98))), rgb)
    return Stage(name, (("floor", ground, Material("", rgb)),), "studio", "", (reach_m * 2.5, reach_m * 9), back)


def _room(name: str, reach_m: float, rng: Generator, colour: str | None) -> Stage:
    """Return a floor or table top with four plain walls."""
    tint = colour or COLOURS[int(rng.integers(len(COLOURS)))]
    rgb = named_rgb(tint, rng)
    grain = float(rng.uniform(0.35, 0.8)) * reach_m
    wood = _mix(named_rgb("brown", rng), (0.86, 0.66, 0.44), float(rng.uniform(0.1, 0.9)))
    cloth = ("cloth", "plaid", "stripes", "dots", "checks")[int(rng.integers(5))]
    pale = _mix(rgb, (0.95, 0.94, 0.92), 0.75)
    surface, phrase = {
        "table": (
            Material("brown", wood, "satin").with_pattern("planks", shade(wood, 0.72), grain),
            "on a wooden table",
        ),
        "cloth": (Material(tint, rgb, "cloth").with_pattern(cloth, pale, grain * 0.8), f"on {_article(tint)} cloth"),
        "tiles": (Material(tint, pale, "glossy").with_pattern("tiles", (0.55, 0.54, 0.52), grain * 1.6), "on tiles"),
        "carpet": (
            Material(tint, rgb, "cloth").with_pattern("sand", shade(rgb, 0.7), grain * 0.4),
            f"on {_article(tint)} carpet",
        ),
        "marble": (
            Material("white", (0.90, 0.89, 0.88), "satin").with_pattern("marble", (0.62, 0.62, 0.65), reach_m),
            "on marble",
        ),
    }[name]
    half = reach_m * float(rng.uniform(4, 8))
    wall_tone = _mix(
        named_rgb(COLOURS[int(rng.integers(len(COLOURS)))], rng), (0.92, 0.91, 0.89), float(rng.uniform(0.45, 0.95))
    )
    wall = Material("", wall_tone, "matt")
    style = rng.random()
    if style < 0.2:
        wall = wall.with_pattern("tiles", shade(wall_tone, 0.85), reach_m * 0.7)
    elif style < 0.35:
        wall = wall.with_pattern("bricks", (0.80, 0.78, 0.75), reach_m * 0.9)
    elif style < 0.5:
        wall = wall.with_pattern("stripes", shade(wall_tone, 0.93), reach_m * 0.6)
    surfaces = [("floor", floor(half), surface), ("wall", walls(half, reach_m * 40), wall)]
    if name in ("tiles", "carpet"):
        surfaces.append(("skirting", skirting(half, reach_m * 0.35), paint("white", "satin")))
    kind = ("window", "studio", "overcast")[int(rng.integers(3))]
    return Stage(name, tuple(surfaces), kind, phrase)


def _outdoors(name: str, reach_m: float, rng: Generator) -> Stage:
    """Return open ground that melts into the sky far off."""
    jitter = float(rng.uniform(0.9, 1.1))
    rgb, second, pattern, size, phrase = {
        "grass": ((0.36, 0.56, 0.20), (0.20, 0.40, 0.12), "grass", 0.55, "on the grass"),
        "sand": ((0.90, 0.79, 0.58), (0.80, 0.67, 0.45), "sand", 0.5, "on the sand"),
        "snow": ((0.95, 0.96, 0.99), (0.86, 0.90, 0.97), "sand", 0.9, "in the snow"),
        "road": ((0.44, 0.44, 0.46), (0.36, 0.36, 0.38), "sand", 0.25, "on the road"),
    }[name]
    ground = Material("", shade(rgb, jitter), "cloth").with_pattern(pattern, shade(second, jitter), reach_m * size)
    kind = ("daylight", "daylight", "overcast", "evening")[int(rng.integers(4))]
    return Stage(name, (("ground", floor(reach_m * 80), ground),), kind, phrase, (reach_m * 14, reach_m * 60))


def _mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """Return the colour ``share`` of the way from the first to the second."""
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


def _article(tint: str) -> str:
    """Return a colour's name after "a" or "an"."""
    return f"{'an' if tint[0] in 'aeiou' else 'a'} {tint}"
