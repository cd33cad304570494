"""Birds and small beasts shelf: they stand on z = 0 and look towards -y."""

# ruff: noqa: E501 (rows of the table are kept whole)
from __future__ import annotations

import numpy as np

from training.toybox.kit import Kit, ToyClass
from training.toybox.mesh import Floats, Mesh
from training.toybox.palette import Material, shade
from training.toybox.shapes import (
    box,
    curve,
    cylinder,
    dome,
    ellipsoid,
    extrude,
    lathe,
    loft,
    rod,
    sheet,
    sphere,
    torus,
    tube,
)  # fmt: skip


def eyes(kit: Kit, x: float, y: float, z: float, radius: float, *, white: bool = True) -> None:
    """Add a pair of eyes at (+-x, y, z) looking towards -y."""
    if white:
        kit.both("eye", sphere(radius, 14).at(x, y, z), kit.paint("white", "glossy"))
        kit.both("pupil", sphere(radius * 0.62, 12).at(x * 1.02, y - radius * 0.55, z), kit.paint("black", "glossy"))
    else:
        kit.both("eye", sphere(radius, 12).at(x, y, z), kit.paint("black", "glossy"))


def darker(kit: Kit, factor: float = 0.7) -> Material:
    """Return a darker tone of the main paint."""
    return Material(kit.main.colour, shade(kit.main.rgb, factor), kit.main.finish)


def duck(kit: Kit) -> None:
    plump = kit.between(0.9, 1.1)
    body = ellipsoid(0.42 * plump, 0.62, 0.36, 26)

    def perk(v: Floats) -> Floats:
        back = np.clip((v[:, 1] - 0.25) / 0.4, 0, 1)
        v[:, 2] += 0.28 * back**1.6
        v[:, 0] *= 1 - 0.45 * back
        v[:, 2] = np.maximum(v[:, 2], -0.3)
        return v

    kit.add("body", body.mapped(perk).at(z=0.3))
    kit.add("head", sphere(0.29, 22).at(0, -0.38, 0.83))
    kit.add("neck", lathe(curve([(0.24, 0.3), (0.225, 0.5), (0.2, 0.62), (0.22, 0.8)], 10), 24).at(0, -0.31, 0))
    beak = kit.paint("orange" if kit.main.colour != "orange" else "yellow", "satin")
    kit.add("beak", ellipsoid(0.15, 0.19, 0.045, 18).at(0, -0.68, 0.79), beak)
    kit.add("beak", ellipsoid(0.12, 0.14, 0.035, 16).at(0, -0.65, 0.745), beak)
    eyes(kit, 0.14, -0.6, 0.92, 0.05)
    wing = ellipsoid(0.08, 0.3, 0.17, 16).mapped(
        lambda v: v + np.column_stack([0 * v[:, 0], 0 * v[:, 0], 0.8 * np.clip(v[:, 1], 0, 1) ** 1.3])
    )
    kit.both("wing", wing.at(0.39 * plump, 0.08, 0.36), darker(kit, 0.88) if kit.chance(0.6) else kit.main)


def fin_slab(points_xz: list[tuple[float, float]]) -> Mesh:
    """Return a thin fin in the xz plane: the first half of the points is its upper edge, the rest the lower, backwards."""
    upper, lower = curve(points_xz[: len(points_xz) // 2], 8), curve(points_xz[len(points_xz) // 2 :][::-1], 8)
    grid = np.stack([upper, (upper + lower) / 2, lower], 1)
    return sheet(np.stack([grid[..., 0], 0 * grid[..., 0], grid[..., 1]], -1), 0.05)


def fish(kit: Kit) -> None:
    tall = kit.between(0.34, 0.48)
    s = np.linspace(0, 1, 22)
    high = tall * np.sin(np.pi * np.clip(s * 0.9 + 0.06, 0, 1)) ** 0.75 + 0.03
    rings = []
    turn = np.linspace(0, 2 * np.pi, 22, endpoint=False)
    for x, h in zip(0.75 - 1.35 * s, high, strict=True):
        rings.append(np.stack([np.full(22, x), -0.5 * h * np.cos(turn), h * np.sin(turn)], -1))
    body = loft(np.array(rings), start=(0.8, 0, 0), end=(-0.63, 0, 0))
    lift = tall + 0.12
    kit.add("body", body.at(z=lift))
    fin = kit.second

    kit.add(
        "tail",
        fin_slab([(-0.55, 0.06), (-0.8, 0.26), (-1.05, 0.42), (-0.9, 0.0), (-0.8, -0.0), (-0.55, -0.0)]).at(z=lift),
        fin,
    )
    kit.add(
        "tail",
        fin_slab([(-0.55, 0.0), (-0.8, 0.0), (-0.9, 0.0), (-1.05, -0.42), (-0.8, -0.26), (-0.55, -0.06)]).at(z=lift),
        fin,
    )
    upper = [(0.3, tall * 0.9), (0.0, tall + 0.25), (-0.35, tall + 0.12)]
    lower = [(-0.35, tall * 0.6), (0.0, tall * 0.8), (0.3, tall * 0.7)]
    kit.add("fin", fin_slab([*upper, *lower]).at(z=lift), fin)
    for sign in (-1, 1):
        side = (
            ellipsoid(0.16, 0.025, 0.085, 12)
            .turned("y", 24)
            .turned("z", sign * 22)
            .at(0.0, sign * tall * 0.5, lift - 0.1)
        )
        kit.add("fin", side, fin)
        eye, pupil = ellipsoid(0.075, 0.035, 0.075, 14), ellipsoid(0.04, 0.03, 0.04, 12)
        kit.add("eye", eye.at(0.48, sign * tall * 0.36, lift + 0.1), kit.paint("white", "glossy"))
        kit.add("pupil", pupil.at(0.5, sign * (tall * 0.36 + 0.018), lift + 0.1), kit.paint("black", "glossy"))
    if kit.chance(0.55):
        for x in (-0.1, 0.2):
            k = int(np.argmin(np.abs(0.75 - 1.35 * s - x)))
            hoop = lathe([(0.985, -0.05), (1.015, -0.05), (1.015, 0.05), (0.985, 0.05)], 26, is_hoop=True)
            kit.add("stripe", hoop.turned("y", 90).scaled(1, 0.5 * high[k], high[k]).at(x, 0, lift), kit.paint("white"))
    kit.add("mouth", torus(0.05, 0.025, 14, 8).turned("y", 90).scaled(1, 0.8, 1.2).at(0.8, 0, lift - 0.02), fin)
    kit.add("stand", cylinder(0.02, 0.2, n=8), kit.paint("grey"))
    kit.add("stand", cylinder(0.22, 0.03, bevel=0.01, n=20), kit.paint("grey"))


def bird(kit: Kit) -> None:
    body = ellipsoid(0.3, 0.46, 0.32, 24).mapped(
        lambda v: v + np.column_stack([0 * v[:, 0], 0 * v[:, 0], -0.45 * np.clip(v[:, 1] - 0.1, 0, 1)])
    )
    kit.add("body", body.turned("x", -22).at(0, 0, 0.62))
    kit.add("head", sphere(0.23, 20).at(0, -0.34, 1.0))
    kit.add("belly", ellipsoid(0.22, 0.3, 0.24, 18).at(0, -0.17, 0.6), kit.second)
    kit.add(
        "beak",
        lathe([(0.075, 0), (0, 0.2)], 14).turned("x", 90).at(0, -0.54, 0.98),
        kit.paint("orange" if kit.main.colour != "orange" else "black"),
    )
    eyes(kit, 0.12, -0.5, 1.07, 0.042, white=kit.chance(0.5))
    wing = ellipsoid(0.07, 0.33, 0.17, 16).mapped(
        lambda v: v + np.column_stack([0 * v[:, 0], 0 * v[:, 0], -0.4 * np.clip(v[:, 1], 0, 1)])
    )
    kit.both("wing", wing.turned("x", -18).at(0.28, 0.06, 0.66), darker(kit, 0.72))
    grid = np.stack(
        [
            np.stack([w * np.array([-1, -0.4, 0.4, 1]), np.full(4, y), np.full(4, z)], -1)
            for w, y, z in ((0.1, 0.3, 0.5), (0.13, 0.55, 0.38), (0.2, 0.85, 0.26))
        ]
    )
    kit.add("tail", sheet(grid, 0.05), darker(kit, 0.72))
    thin = kit.paint("orange")
    kit.both("leg", rod((0.1, -0.05, 0.4), (0.1, -0.08, 0.03), 0.022, n=8), thin)
    for turn in (-28, 0, 28):
        kit.both(
            "foot", rod((0, 0, 0.02), (0, -0.15, 0.015), 0.02, 0.012, n=6).turned("z", turn).at(0.1, -0.07, 0), thin
        )


def owl(kit: Kit) -> None:
    tall = kit.between(0.9, 1.05)
    kit.add(
        "body",
        lathe(
            curve([(0, 0), (0.26, 0.03), (0.38, 0.3), (0.36, 0.65), (0.31, 0.85), (0.17, 0.98), (0, 1.0)], 22)
            * (1, tall),
            26,
        ),
    )
    kit.add(
        "belly",
        ellipsoid(0.27, 0.2, 0.3, 18).at(0, -0.21, 0.34 * tall),
        kit.paint("white") if kit.main.colour != "white" else kit.second,
    )
    for x in (-1, 1):
        kit.add("face", ellipsoid(0.17, 0.06, 0.17, 18).at(0.14 * x, -0.27, 0.78 * tall), kit.paint("white"))
        kit.add(
            "eye",
            ellipsoid(0.11, 0.05, 0.11, 16).at(0.13 * x, -0.31, 0.78 * tall),
            kit.paint(kit.pick("yellow", "orange"), "glossy"),
        )
        kit.add(
            "pupil", ellipsoid(0.06, 0.04, 0.06, 14).at(0.13 * x, -0.345, 0.78 * tall), kit.paint("black", "glossy")
        )
        kit.add("ear", lathe([(0.1, 0), (0, 0.22)], 6).turned("y", 22 * x).at(0.2 * x, -0.02, 0.9 * tall))
        kit.add(
            "wing", ellipsoid(0.08, 0.2, 0.34, 16).turned("y", 6 * x).at(0.35 * x, 0.04, 0.45 * tall), darker(kit, 0.7)
        )
        for toe in (-0.05, 0.05):
            kit.add("foot", ellipsoid(0.035, 0.08, 0.03, 10).at(0.13 * x + toe, -0.26, 0.03), kit.paint("orange"))
    kit.add("beak", lathe([(0.05, 0), (0, 0.14)], 10).turned("x", 130).at(0, -0.31, 0.71 * tall), kit.paint("orange"))


def snail(kit: Kit) -> None:
    skin = kit.second if kit.chance(0.5) else kit.paint(kit.pick("brown", "yellow", "grey"))
    way = curve([(0, 0.7, 0.05), (0, 0.3, 0.1), (0, -0.3, 0.12), (0, -0.58, 0.2), (0, -0.66, 0.48)], 22)
    kit.add(
        "body",
        tube(way, np.interp(np.arange(22), [0, 8, 16, 21], [0.03, 0.15, 0.14, 0.12]), 16)
        .scaled(1.1, 1, 1)
        .mapped(lambda v: np.maximum(v, [-9, -9, 0])),
        skin,
    )
    kit.add("head", sphere(0.15, 16).at(0, -0.68, 0.54), skin)
    kit.both("horn", rod((0.06, -0.7, 0.62), (0.14, -0.78, 0.9), 0.025, 0.018, n=8), skin)
    kit.both("eye", sphere(0.045, 10).at(0.14, -0.78, 0.92), kit.paint("black", "glossy"))
    turns = 2.35
    angle = np.linspace(0, turns * 2 * np.pi, 76)
    grow = np.exp((angle - angle[-1]) * 0.145)
    spiral = np.stack([0.1 * (1 - grow), 0.36 * grow * np.cos(angle - 1.3), 0.36 * grow * np.sin(angle - 1.3)], -1)
    shell = tube(spiral, 0.225 * grow, 14).at(0, 0.1, 0.56)
    kit.add("shell", shell)
    kit.add("shell", shell.scaled(-1, 1, 1))


def penguin(kit: Kit) -> None:
    profile = curve(
        [(0, 0.05), (0.28, 0.07), (0.37, 0.35), (0.3, 0.75), (0.26, 0.95), (0.24, 1.1), (0.13, 1.24), (0, 1.27)], 26
    )
    kit.add("body", lathe(profile, 28))
    white = kit.paint("white")
    kit.add("belly", ellipsoid(0.28, 0.22, 0.38, 22).at(0, -0.175, 0.47), white)
    kit.both("cheek", ellipsoid(0.11, 0.09, 0.13, 16).at(0.1, -0.175, 1.0), white)
    orange = kit.paint("orange", "satin")
    kit.add(
        "beak",
        lathe([(0.07, 0), (0.05, 0.1), (0, 0.2)], 14).scaled(1, 0.7, 1).turned("x", 95).at(0, -0.22, 0.97),
        orange,
    )
    eyes(kit, 0.095, -0.25, 1.06, 0.035, white=False)
    kit.both("wing", ellipsoid(0.05, 0.13, 0.33, 16).turned("y", -kit.between(12, 40)).at(0.42, 0, 0.62))
    kit.both("foot", ellipsoid(0.13, 0.2, 0.05, 16).at(0.15, -0.2, 0.05), orange)
    kit.add("tail", lathe([(0.1, 0), (0, 0.2)], 10).turned("x", -110).at(0, 0.28, 0.13))
    if kit.chance(0.35):
        kit.add("scarf", torus(0.255, 0.06, 26, 10).at(0, 0, 0.86), kit.second)
        kit.add("scarf", box(0.12, 0.04, 0.3, 0.02).turned("y", 8).at(0.15, -0.3, 0.55), kit.second)


def turtle(kit: Kit) -> None:
    skin = kit.second if kit.second.colour not in ("white", "black") else kit.paint("yellow")
    shell = dome(0.52, 0.4, 26).scaled(0.95, 1.12, 1)
    kit.add("shell", shell.at(z=0.17), kit.main)
    dark = darker(kit, 0.6)
    for i in range(13):
        r = 0.0 if i == 0 else (0.24 if i < 6 else 0.41)
        turn = 0 if i == 0 else (72 * i if i < 6 else 51.4 * i)
        z = 0.17 + 0.4 * np.sqrt(max(1 - (r / 0.52) ** 2, 0))
        tilt = np.degrees(np.arctan2(r / 0.52**2, (z - 0.17) / 0.4**2)) if r else 0.0
        plate = ellipsoid(0.105, 0.105, 0.03, 6).creased(10)
        kit.add("spot", plate.turned("y", tilt).at(r, 0, z).turned("z", turn).scaled(0.95, 1.12, 1), dark)
    kit.add("rim", torus(0.52, 0.06, 30, 10).scaled(0.95, 1.12, 0.9).at(z=0.17), dark)
    for x, y in ((0.4, -0.38), (0.4, 0.38)):
        kit.both("leg", ellipsoid(0.14, 0.17, 0.11, 14).turned("z", 30 * np.sign(y)).at(x, y, 0.1), skin)
    kit.add("neck", tube(curve([(0, -0.45, 0.2), (0, -0.62, 0.25), (0, -0.72, 0.36)], 8), 0.1, 12), skin)
    kit.add("head", ellipsoid(0.15, 0.18, 0.14, 18).at(0, -0.78, 0.42), skin)
    eyes(kit, 0.1, -0.87, 0.48, 0.035, white=False)
    kit.add("tail", lathe([(0.06, 0), (0, 0.2)], 10).turned("x", -100).at(0, 0.58, 0.12), skin)


def ladybird(kit: Kit) -> None:
    black = kit.paint("black", "glossy")
    kit.add("shell", dome(0.52, 0.46, 28).scaled(0.9, 1.05, 1).at(z=0.12), kit.main.with_finish("glossy"))
    kit.add(
        "seam",
        tube(
            np.stack(
                [
                    np.zeros(14),
                    0.55 * np.cos(np.linspace(0, np.pi, 14)),
                    0.12 + 0.467 * np.sin(np.linspace(0, np.pi, 14)),
                ],
                -1,
            ),
            0.016,
            6,
        ),
        black,
    )
    kit.add("body", cylinder(0.46, 0.14, n=26).scaled(0.95, 1.05, 1).at(z=0.04), black)
    kit.add("head", ellipsoid(0.25, 0.2, 0.2, 18).at(0, -0.56, 0.22), black)
    eyes(kit, 0.14, -0.68, 0.3, 0.06)
    for turn, r in ((32, 0.3), (80, 0.36), (132, 0.3), (-4, 0.41)):
        z = 0.12 + 0.46 * np.sqrt(1 - (r / 0.52) ** 2)
        tilt = np.degrees(np.arctan2(r / 0.52**2, (z - 0.12) / 0.46**2))
        spot = ellipsoid(0.085, 0.085, 0.02, 12).turned("y", tilt).at(r, 0, z).turned("z", turn - 50)
        kit.both("spot", spot.scaled(0.9, 1.05, 1), black)
    for y in (-0.3, 0.0, 0.3):
        kit.both("leg", tube(curve([(0.4, y, 0.1), (0.58, y * 1.15, 0.14), (0.66, y * 1.25, 0.02)], 7), 0.03, 7), black)
    kit.both("antenna", tube(curve([(0.08, -0.68, 0.36), (0.16, -0.8, 0.5), (0.26, -0.85, 0.54)], 7), 0.018, 6), black)


def butterfly(kit: Kit) -> None:
    black = kit.paint("black")
    kit.add("body", tube([(0, -0.4, 0.3), (0, 0.0, 0.3), (0, 0.4, 0.3)], [0.05, 0.075, 0.03], 12), black)
    kit.add("head", sphere(0.085, 14).at(0, -0.47, 0.31), black)
    lift = kit.between(18, 45)
    for outline, paint in (
        ([(0.05, -0.25), (0.35, -0.62), (0.72, -0.66), (0.78, -0.3), (0.5, 0.0), (0.06, -0.02)], kit.main),
        (
            [(0.05, 0.0), (0.45, 0.03), (0.62, 0.25), (0.5, 0.52), (0.28, 0.5), (0.05, 0.16)],
            kit.main if kit.chance(0.6) else kit.second,
        ),
    ):
        edge = curve([*outline, outline[0]], 26)[:-1]
        middle = edge.mean(0)
        wing, inner = extrude(edge, 0.03), extrude(middle + (edge - middle) * 0.55, 0.036)
        kit.both("wing", wing.turned("y", -lift).at(z=0.31), paint)
        kit.both("spot", inner.turned("y", -lift).at(z=0.31), kit.second if paint is kit.main else kit.main)
    kit.both("antenna", tube(curve([(0.03, -0.52, 0.34), (0.1, -0.68, 0.44), (0.2, -0.78, 0.48)], 8), 0.014, 6), black)
    kit.add("stand", cylinder(0.02, 0.28, n=8), kit.paint("grey"))


TOYS = (
    ToyClass("duck", duck, "animal", ("yellow", "yellow", "white", "green"), ("satin", "glossy"), (0.09, 0.15), (3, 38), 140, ("rubber duck",)),
    ToyClass("fish", fish, "animal", ("orange", "blue", "yellow", "red", "turquoise"), ("glossy", "satin"), (0.12, 0.2), (2, 32), 70, ("goldfish",), "fish"),
    ToyClass("bird", bird, "animal", ("blue", "red", "yellow", "brown", "green"), ("matt", "satin"), (0.1, 0.16), (3, 35), 140),
    ToyClass("owl", owl, "animal", ("brown", "grey", "white"), ("matt",), (0.1, 0.16), (2, 30), 75),
    ToyClass("snail", snail, "animal", ("brown", "orange", "pink", "purple"), ("satin", "glossy"), (0.1, 0.16), (3, 40), 130),
    ToyClass("penguin", penguin, "animal", ("black", "black", "blue", "grey"), ("matt", "satin"), (0.12, 0.18), (2, 30), 80),
    ToyClass("turtle", turtle, "animal", ("green", "green", "brown"), ("satin",), (0.12, 0.2), (12, 50), 150, ("tortoise",)),
    ToyClass("ladybird", ladybird, "animal", ("red", "red", "orange", "yellow"), ("glossy",), (0.06, 0.12), (15, 60), 150, ("ladybug",)),
    ToyClass("butterfly", butterfly, "animal", ("blue", "orange", "yellow", "purple", "pink"), ("satin",), (0.08, 0.14), (35, 70), 180, (), "butterflies"),
)  # fmt: skip
