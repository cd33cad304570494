"""Animal shelf: toy beasts that stand on z = 0 and look towards -y."""

from __future__ import annotations

import numpy as np

from training.toybox.kit import Kit, ToyClass
from training.toybox.mesh import Floats, Mesh
from training.toybox.palette import Material, shade
from training.toybox.shapes import (
    box, curve, cylinder, dome, ellipsoid, extrude, lathe, loft, ring_of, rod, sheet, sphere, superellipsoid, torus, tube,
)  # fmt: skip


def eyes(kit: Kit, x: float, y: float, z: float, radius: float, *, white: bool = True) -> None:
    """Add a pair of eyes at (+-x, y, z) looking towards -y."""
    if white:
        kit.both("eye", sphere(radius, 14).at(x, y, z), kit.paint("white", "glossy"))
        kit.both("pupil", sphere(radius * 0.62, 12).at(x * 1.02, y - radius * 0.55, z), kit.paint("black", "glossy"))
    else:
        kit.both("eye", sphere(radius, 12).at(x, y, z), kit.paint("black", "glossy"))


def four_legs(
    kit: Kit, x: float, front_y: float, back_y: float, height: float, radius: float, paint: Material | None = None
) -> None:
    """Add four straight legs under (+-x, front_y) and (+-x, back_y)."""
    for y in (front_y, back_y):
        kit.both("leg", cylinder(radius, height, top=radius * 1.12, bevel=radius * 0.35, n=14).at(x, y, 0), paint)


def body_along(path: list[tuple[float, float]], radii: list[float], wide: float = 1.0, n: int = 22) -> Mesh:
    """Return a smooth body along (y, z) points with radii, ``wide`` times as broad as high."""
    way = curve([(0.0, y, z) for y, z in path], 26)
    thick = np.maximum(curve([[r] for r in radii], 26)[:, 0], 0.01)
    return tube(way, thick, n).scaled(wide, 1, 1)


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


def _pet_head(kit: Kit, y: float, z: float, r: float) -> None:
    kit.add("head", ellipsoid(r, r * 0.92, r * 0.9, 22).at(0, y, z))


def cat(kit: Kit) -> None:
    pale = kit.paint("white") if kit.chance(0.5) else kit.main
    seated = kit.chance(0.5)
    if seated:
        kit.add(
            "body",
            lathe(curve([(0.0, 0), (0.3, 0.02), (0.34, 0.2), (0.24, 0.55), (0.16, 0.75), (0, 0.8)], 20), 24).scaled(
                0.95, 1.1, 1
            ),
        )
        kit.both(
            "leg",
            tube(curve([(0.1, -0.2, 0.5), (0.11, -0.3, 0.25), (0.11, -0.33, 0.06)], 8), [0.09] * 4 + [0.075] * 4, 12),
            kit.main,
        )
        kit.both("paw", ellipsoid(0.085, 0.12, 0.06, 12).at(0.11, -0.38, 0.06), pale)
        kit.both("leg", ellipsoid(0.13, 0.26, 0.2, 14).at(0.25, 0.02, 0.18), kit.main)
        head_y, head_z = -0.12, 0.94
        tail = curve([(0.05, 0.3, 0.08), (0.3, 0.42, 0.07), (0.46, 0.15, 0.07), (0.42, -0.2, 0.07)], 16)
    else:
        kit.add(
            "body", body_along([(-0.42, 0.5), (-0.1, 0.52), (0.3, 0.5), (0.46, 0.48)], [0.2, 0.24, 0.24, 0.16], 0.95)
        )
        four_legs(kit, 0.13, -0.38, 0.36, 0.42, 0.075)
        kit.both("paw", ellipsoid(0.085, 0.11, 0.055, 12).at(0.13, -0.42, 0.05), pale)
        head_y, head_z = -0.62, 0.78
        tail = curve([(0, 0.5, 0.55), (0, 0.75, 0.62), (0, 0.84, 0.95), (0.05, 0.74, 1.2)], 16)
    kit.add("tail", tube(tail, np.linspace(0.07, 0.055, 16), 12))
    _pet_head(kit, head_y, head_z, 0.29)
    ear = lathe([(0.12, 0), (0.0, 0.24)], 4).scaled(1, 0.45, 1).turned("z", 0)
    kit.both("ear", ear.turned("y", 14).at(0.17, head_y, head_z + 0.17), kit.main)
    kit.both(
        "ear", ear.scaled(0.6, 0.6, 0.7).turned("y", 14).at(0.175, head_y - 0.045, head_z + 0.19), kit.paint("pink")
    )
    eyes(kit, 0.11, head_y - 0.245, head_z + 0.06, 0.045, white=False)
    kit.add("muzzle", ellipsoid(0.12, 0.07, 0.08, 14).at(0, head_y - 0.24, head_z - 0.08), pale)
    kit.add("nose", ellipsoid(0.035, 0.03, 0.025, 10).at(0, head_y - 0.305, head_z - 0.04), kit.paint("pink"))
    for turn in (-12, 0, 12):
        kit.both(
            "whisker",
            rod((0.06, head_y - 0.27, head_z - 0.08), (0.36, head_y - 0.26, head_z - 0.08 + turn * 0.006), 0.007, n=5),
            kit.paint("black"),
        )


def dog(kit: Kit) -> None:
    pale, dark = kit.paint("white"), kit.paint(kit.pick("brown", "black"))
    ear_paint = dark if dark.colour != kit.main.colour and kit.chance(0.6) else darker(kit, 0.6)
    long = kit.between(0.4, 0.55)
    kit.add("body", body_along([(-long, 0.55), (-0.1, 0.53), (long, 0.54)], [0.22, 0.24, 0.21], 0.95))
    four_legs(kit, 0.15, -long + 0.02, long - 0.04, 0.45, 0.085)
    kit.both("paw", ellipsoid(0.1, 0.13, 0.06, 12).at(0.15, -long - 0.03, 0.05), pale if kit.chance(0.4) else kit.main)
    y, z = -long - 0.14, 0.9
    kit.add("neck", rod((0, -long + 0.1, 0.62), (0, y + 0.04, z), 0.18, n=14))
    kit.add("head", ellipsoid(0.24, 0.25, 0.23, 20).at(0, y, z))
    kit.add("snout", ellipsoid(0.13, 0.2, 0.11, 16).at(0, y - 0.24, z - 0.07), pale if kit.chance(0.5) else kit.main)
    kit.add("nose", ellipsoid(0.06, 0.05, 0.045, 12).at(0, y - 0.43, z - 0.02), kit.paint("black", "glossy"))
    eyes(kit, 0.1, y - 0.2, z + 0.08, 0.04, white=False)
    if kit.chance(0.7):
        kit.both("ear", ellipsoid(0.055, 0.11, 0.2, 14).turned("y", -14).at(0.25, y + 0.02, z - 0.02), ear_paint)
    else:
        kit.both(
            "ear", lathe([(0.1, 0), (0, 0.22)], 4).scaled(1, 0.5, 1).turned("y", 18).at(0.15, y, z + 0.17), ear_paint
        )
    kit.add(
        "tail",
        tube(
            curve([(0, long + 0.1, 0.62), (0, long + 0.26, 0.76), (0, long + 0.3, 0.98)], 10),
            np.linspace(0.065, 0.03, 10),
            10,
        ),
    )
    kit.add("collar", torus(0.185, 0.035, 22, 8).turned("x", 28).at(0, -long - 0.02, 0.72), kit.second)
    if kit.chance(0.35):
        kit.add("spot", ellipsoid(0.13, 0.16, 0.12, 14).at(0.12, 0.1, 0.68), ear_paint)


def elephant(kit: Kit) -> None:
    kit.add("body", ellipsoid(0.42, 0.58, 0.42, 24).at(0, 0.1, 0.72))
    four_legs(kit, 0.23, -0.22, 0.42, 0.6, 0.14)
    for y in (-0.22, 0.42):
        for x in (-0.23, 0.23):
            for toe in (-0.07, 0, 0.07):
                kit.add(
                    "toe",
                    ellipsoid(0.03, 0.03, 0.035, 8).at(x + toe, y - 0.125 + abs(toe) * 0.4, 0.03),
                    kit.paint("white"),
                )
    y, z = -0.58, 0.95
    kit.add("head", ellipsoid(0.31, 0.3, 0.32, 22).at(0, y, z))
    up = kit.chance(0.4)
    way = [
        (0, y - 0.2, z - 0.05),
        (0, y - 0.42, z - 0.3),
        (0, y - 0.42, z - 0.6),
        (0, y - 0.52, z - 0.72 if not up else z - 0.45),
    ]
    if up:
        way = [(0, y - 0.2, z - 0.08), (0, y - 0.42, z - 0.32), (0, y - 0.66, z - 0.25), (0, y - 0.74, z + 0.08)]
    kit.add("trunk", tube(curve(way, 18), np.linspace(0.15, 0.07, 18), 14))
    ear = ellipsoid(0.3, 0.05, 0.34, 20).mapped(
        lambda v: v * np.column_stack([1 + 0.25 * v[:, 2], np.ones(len(v)), np.ones(len(v))])
    )
    kit.both("ear", ear.turned("z", 24).at(0.46, y + 0.12, z + 0.04), darker(kit, 0.85))
    kit.both("ear", ear.scaled(0.72, 0.7, 0.72).turned("z", 24).at(0.45, y + 0.09, z + 0.03), kit.paint("pink"))
    kit.both(
        "tusk",
        tube(
            curve([(0.14, y - 0.2, z - 0.2), (0.17, y - 0.4, z - 0.3), (0.17, y - 0.55, z - 0.22)], 8),
            np.linspace(0.045, 0.015, 8),
            10,
        ),
        kit.paint("white", "glossy"),
    )
    eyes(kit, 0.17, y - 0.24, z + 0.08, 0.04, white=False)
    kit.add("tail", tube(curve([(0, 0.65, 0.8), (0, 0.78, 0.62), (0, 0.8, 0.4)], 8), 0.025, 8))


def giraffe(kit: Kit) -> None:
    spots = kit.paint("brown" if kit.main.colour != "brown" else "yellow")
    neck_top = kit.between(1.75, 2.0)
    body = body_along([(-0.4, 0.92), (0, 0.9), (0.42, 0.84)], [0.21, 0.23, 0.2], 0.9)
    kit.add("body", body)
    four_legs(kit, 0.13, -0.38, 0.36, 0.85, 0.065)
    for y in (-0.38, 0.36):
        kit.both("hoof", cylinder(0.08, 0.09, n=14).at(0.13, y, 0), spots)
    way = curve([(0, -0.4, 0.95), (0, -0.58, 1.3), (0, -0.68, neck_top)], 14)
    kit.add("neck", tube(way, np.linspace(0.17, 0.1, 14), 16))
    kit.add("head", ellipsoid(0.13, 0.25, 0.13, 18).turned("x", 16).at(0, -0.82, neck_top + 0.04))
    kit.add("muzzle", ellipsoid(0.1, 0.1, 0.085, 14).at(0, -1.01, neck_top - 0.02), kit.paint("white"))
    kit.both("horn", rod((0.06, -0.7, neck_top + 0.1), (0.07, -0.68, neck_top + 0.27), 0.022, n=8), spots)
    kit.both("horn", sphere(0.04, 10).at(0.07, -0.68, neck_top + 0.28), spots)
    kit.both("ear", ellipsoid(0.11, 0.03, 0.055, 12).turned("y", -20).at(0.19, -0.68, neck_top + 0.12))
    eyes(kit, 0.1, -0.87, neck_top + 0.1, 0.03, white=False)
    kit.add("tail", tube(curve([(0, 0.58, 0.92), (0, 0.7, 0.75), (0, 0.72, 0.5)], 8), 0.022, 8))
    for i in range(26):
        angle, s = 2.399 * i, (i + 0.5) / 26
        blob = ellipsoid(0.07, 0.085, 0.03, 8)
        y, r = -0.4 + 0.85 * s, 0.222
        if np.sin(angle) > -0.5:
            kit.add(
                "spot",
                blob.turned("y", 90 - np.degrees(angle)).at(0.9 * r * np.cos(angle), y, 0.9 + r * np.sin(angle)),
                spots,
            )
        k = int(s * 13)
        kit.add(
            "spot",
            ellipsoid(0.02, 0.05, 0.06, 8).at(0.165 - 0.075 * s).turned("z", np.degrees(angle)).at(*way[k]),
            spots,
        )


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

    def slab(points_xz: list[tuple[float, float]]) -> Mesh:
        upper, lower = curve(points_xz[: len(points_xz) // 2], 8), curve(points_xz[len(points_xz) // 2 :][::-1], 8)
        grid = np.stack([upper, (upper + lower) / 2, lower], 1)
        return sheet(np.stack([grid[..., 0], 0 * grid[..., 0], grid[..., 1]], -1), 0.05)

    kit.add(
        "tail",
        slab([(-0.55, 0.06), (-0.8, 0.26), (-1.05, 0.42), (-0.9, 0.0), (-0.8, -0.0), (-0.55, -0.0)]).at(z=lift),
        fin,
    )
    kit.add(
        "tail",
        slab([(-0.55, 0.0), (-0.8, 0.0), (-0.9, 0.0), (-1.05, -0.42), (-0.8, -0.26), (-0.55, -0.06)]).at(z=lift),
        fin,
    )
    kit.add(
        "fin",
        slab(
            [
                (0.3, tall * 0.9),
                (0.0, tall + 0.25),
                (-0.35, tall + 0.12),
                (-0.35, tall * 0.6),
                (0.0, tall * 0.8),
                (0.3, tall * 0.7),
            ]
        ).at(z=lift),
        fin,
    )
    for sign in (-1, 1):
        side = (
            ellipsoid(0.16, 0.025, 0.085, 12)
            .turned("y", 24)
            .turned("z", sign * 22)
            .at(0.0, sign * tall * 0.5, lift - 0.1)
        )
        kit.add("fin", side, fin)
        kit.add(
            "eye",
            ellipsoid(0.075, 0.035, 0.075, 14).at(0.48, sign * tall * 0.36, lift + 0.1),
            kit.paint("white", "glossy"),
        )
        kit.add(
            "pupil",
            ellipsoid(0.04, 0.03, 0.04, 12).at(0.5, sign * (tall * 0.36 + 0.018), lift + 0.1),
            kit.paint("black", "glossy"),
        )
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


def rabbit(kit: Kit) -> None:
    pink = kit.paint("pink" if kit.main.colour != "pink" else "white")
    kit.add(
        "body", lathe(curve([(0, 0), (0.28, 0.03), (0.36, 0.25), (0.26, 0.58), (0, 0.72)], 18), 24).scaled(0.95, 1.1, 1)
    )
    kit.add("head", ellipsoid(0.26, 0.27, 0.25, 20).at(0, -0.12, 0.84))
    tilt = kit.between(4, 16)
    kit.both("ear", ellipsoid(0.075, 0.045, 0.32, 16).turned("y", tilt).at(0.14, -0.04, 1.26))
    kit.both("inner ear", ellipsoid(0.045, 0.035, 0.24, 14).turned("y", tilt).at(0.14, -0.065, 1.26), pink)
    kit.both("foot", ellipsoid(0.11, 0.26, 0.08, 14).at(0.2, -0.27, 0.08))
    kit.both("arm", ellipsoid(0.075, 0.09, 0.18, 12).turned("x", 24).at(0.17, -0.3, 0.44))
    kit.add("tail", sphere(0.13, 14).at(0, 0.4, 0.2), kit.paint("white"))
    kit.add("muzzle", ellipsoid(0.13, 0.08, 0.09, 14).at(0, -0.35, 0.78), kit.paint("white"))
    kit.add("nose", ellipsoid(0.04, 0.03, 0.03, 10).at(0, -0.43, 0.82), pink)
    eyes(kit, 0.13, -0.34, 0.91, 0.04, white=False)
    kit.add("tooth", box(0.07, 0.02, 0.07, 0.008).at(0, -0.41, 0.67), kit.paint("white", "glossy"))


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


def teddy(kit: Kit) -> None:
    pale = Material(kit.main.colour, tuple(min(1.0, c * 0.6 + 0.4) for c in kit.main.rgb), "cloth")  # type: ignore[arg-type]
    kit.add("body", ellipsoid(0.34, 0.28, 0.38, 22).at(0, 0, 0.42))
    kit.add("belly", ellipsoid(0.22, 0.1, 0.26, 18).at(0, -0.22, 0.42), pale)
    kit.add("head", ellipsoid(0.31, 0.27, 0.28, 22).at(0, -0.03, 0.98))
    kit.both("ear", ellipsoid(0.12, 0.07, 0.12, 14).at(0.25, -0.02, 1.2))
    kit.both("ear", ellipsoid(0.075, 0.05, 0.075, 12).at(0.25, -0.06, 1.2), pale)
    kit.both("arm", ellipsoid(0.12, 0.13, 0.25, 14).turned("y", -38).turned("z", 18).at(0.4, -0.1, 0.58))
    kit.both("leg", ellipsoid(0.15, 0.29, 0.15, 14).turned("z", 18).at(0.26, -0.3, 0.15))
    kit.both("foot", ellipsoid(0.11, 0.03, 0.11, 14).turned("z", 18).at(0.34, -0.57, 0.16), pale)
    kit.add("muzzle", ellipsoid(0.14, 0.12, 0.1, 16).at(0, -0.27, 0.91), pale)
    kit.add("nose", ellipsoid(0.05, 0.04, 0.035, 10).at(0, -0.385, 0.95), kit.paint("black", "glossy"))
    eyes(kit, 0.12, -0.265, 1.06, 0.034, white=False)
    if kit.chance(0.55):
        for x in (-1, 1):
            kit.add(
                "bow",
                lathe([(0.02, 0), (0.1, 0.17)], 10).scaled(1, 0.5, 1).turned("y", 90 * x).at(0, -0.27, 0.75),
                kit.second,
            )
        kit.add("bow", sphere(0.045, 10).at(0, -0.29, 0.75), kit.second)


def pig(kit: Kit) -> None:
    kit.add("body", ellipsoid(0.36, 0.52, 0.36, 24).at(0, 0.05, 0.52))
    four_legs(kit, 0.2, -0.22, 0.34, 0.34, 0.095)
    kit.add("head", ellipsoid(0.28, 0.26, 0.26, 20).at(0, -0.5, 0.66))
    snout = darker(kit, 0.85)
    kit.add("snout", cylinder(0.13, 0.13, bevel=0.03, n=20).turned("x", 90).at(0, -0.7, 0.62), snout)
    kit.both("nostril", ellipsoid(0.025, 0.015, 0.04, 8).at(0.05, -0.835, 0.62), kit.paint("black"))
    eyes(kit, 0.13, -0.7, 0.76, 0.035, white=False)
    kit.both(
        "ear",
        lathe([(0.11, 0), (0, 0.2)], 5).scaled(1, 0.4, 1).turned("x", 35).turned("y", 15).at(0.17, -0.52, 0.84),
        snout,
    )
    s = np.linspace(0, 4 * np.pi, 26)
    kit.add("tail", tube(np.stack([0.06 * np.cos(s), 0.54 + 0.014 * s, 0.6 + 0.06 * np.sin(s)], -1), 0.024, 7), snout)


def horse(kit: Kit) -> None:
    mane = kit.paint(kit.pick("black", "brown", "white", "yellow"))
    kit.add("body", body_along([(-0.42, 0.82), (0, 0.78), (0.42, 0.84)], [0.22, 0.24, 0.23], 0.92))
    four_legs(kit, 0.14, -0.38, 0.4, 0.72, 0.075)
    for y in (-0.38, 0.4):
        kit.both("hoof", cylinder(0.09, 0.09, top=0.075, n=14).at(0.14, y, 0), kit.paint("black"))
    kit.add(
        "neck", tube(curve([(0, -0.36, 0.9), (0, -0.58, 1.12), (0, -0.68, 1.36)], 12), np.linspace(0.2, 0.13, 12), 16)
    )
    kit.add(
        "head",
        tube(curve([(0, -0.64, 1.42), (0, -0.82, 1.3), (0, -0.98, 1.14)], 10), np.linspace(0.15, 0.1, 10), 16).scaled(
            0.85, 1, 1
        ),
    )
    kit.both("ear", lathe([(0.05, 0), (0, 0.15)], 8).at(0.07, -0.6, 1.52))
    eyes(kit, 0.11, -0.78, 1.4, 0.03, white=False)
    way = curve([(0, -0.22, 1.02), (0, -0.44, 1.22), (0, -0.54, 1.46), (0, -0.66, 1.58)], 14)
    kit.add("mane", tube(way, np.interp(np.arange(14), [0, 5, 13], [0.05, 0.1, 0.06]), 10).scaled(0.7, 1, 1), mane)
    kit.add(
        "tail",
        tube(
            curve([(0, 0.6, 0.95), (0, 0.78, 0.82), (0, 0.82, 0.4)], 12),
            np.interp(np.arange(12), [0, 6, 11], [0.05, 0.09, 0.03]),
            10,
        ),
        mane,
    )
    if kit.chance(0.4):
        kit.add("saddle", ellipsoid(0.24, 0.22, 0.12, 16).at(0, 0.0, 0.96), kit.second)


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
    ToyClass("cat", cat, "animal", ("black", "orange", "grey", "white", "brown"), ("matt", "satin"), (0.12, 0.2), (3, 35), 125, ("kitten",)),
    ToyClass("dog", dog, "animal", ("brown", "white", "black", "grey", "orange"), ("matt", "satin"), (0.12, 0.2), (3, 35), 140, ("puppy",)),
    ToyClass("elephant", elephant, "animal", ("grey", "grey", "blue", "pink"), ("matt", "satin"), (0.16, 0.24), (3, 32), 130),
    ToyClass("giraffe", giraffe, "animal", ("yellow", "orange"), ("matt", "satin"), (0.2, 0.3), (2, 30), 140),
    ToyClass("fish", fish, "animal", ("orange", "blue", "yellow", "red", "turquoise"), ("glossy", "satin"), (0.12, 0.2), (2, 32), 70, ("goldfish",), "fish"),
    ToyClass("bird", bird, "animal", ("blue", "red", "yellow", "brown", "green"), ("matt", "satin"), (0.1, 0.16), (3, 35), 140),
    ToyClass("owl", owl, "animal", ("brown", "grey", "white"), ("matt",), (0.1, 0.16), (2, 30), 75),
    ToyClass("snail", snail, "animal", ("brown", "orange", "pink", "purple"), ("satin", "glossy"), (0.1, 0.16), (3, 40), 130),
    ToyClass("penguin", penguin, "animal", ("black", "black", "blue", "grey"), ("matt", "satin"), (0.12, 0.18), (2, 30), 80),
    ToyClass("rabbit", rabbit, "animal", ("white", "grey", "brown", "pink"), ("matt",), (0.14, 0.2), (2, 32), 120, ("bunny",)),
    ToyClass("turtle", turtle, "animal", ("green", "green", "brown"), ("satin",), (0.12, 0.2), (12, 50), 150, ("tortoise",)),
    ToyClass("ladybird", ladybird, "animal", ("red", "red", "orange", "yellow"), ("glossy",), (0.06, 0.12), (15, 60), 150, ("ladybug",)),
    ToyClass("teddy bear", teddy, "animal", ("brown", "brown", "white", "pink"), ("cloth",), (0.16, 0.26), (2, 32), 80, ("stuffed bear",)),
    ToyClass("pig", pig, "animal", ("pink", "pink", "brown"), ("matt", "satin"), (0.12, 0.2), (4, 32), 120, ("piglet",)),
    ToyClass("horse", horse, "animal", ("brown", "black", "white", "grey"), ("matt", "satin"), (0.18, 0.28), (3, 30), 140, ("pony",)),
    ToyClass("butterfly", butterfly, "animal", ("blue", "orange", "yellow", "purple", "pink"), ("satin",), (0.08, 0.14), (35, 70), 180, (), "butterflies"),
)  # fmt: skip
