"""Animal shelf: four-legged toys and bears; they stand on z = 0 and look towards -y."""

# ruff: noqa: E501 (rows of the table are kept whole)
from __future__ import annotations

import numpy as np

from training.toybox.catalogue.birds import darker, eyes
from training.toybox.kit import Kit, ToyClass
from training.toybox.mesh import Mesh
from training.toybox.palette import Material
from training.toybox.shapes import box, curve, cylinder, ellipsoid, lathe, rod, sphere, torus, tube


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


TOYS = (
    ToyClass("cat", cat, "animal", ("black", "orange", "grey", "white", "brown"), ("matt", "satin"), (0.12, 0.2), (3, 35), 125, ("kitten",)),
    ToyClass("dog", dog, "animal", ("brown", "white", "black", "grey", "orange"), ("matt", "satin"), (0.12, 0.2), (3, 35), 140, ("puppy",)),
    ToyClass("elephant", elephant, "animal", ("grey", "grey", "blue", "pink"), ("matt", "satin"), (0.16, 0.24), (3, 32), 130),
    ToyClass("giraffe", giraffe, "animal", ("yellow", "orange"), ("matt", "satin"), (0.2, 0.3), (2, 30), 140),
    ToyClass("rabbit", rabbit, "animal", ("white", "grey", "brown", "pink"), ("matt",), (0.14, 0.2), (2, 32), 120, ("bunny",)),
    ToyClass("teddy bear", teddy, "animal", ("brown", "brown", "white", "pink"), ("cloth",), (0.16, 0.26), (2, 32), 80, ("stuffed bear",)),
    ToyClass("pig", pig, "animal", ("pink", "pink", "brown"), ("matt", "satin"), (0.12, 0.2), (4, 32), 120, ("piglet",)),
    ToyClass("horse", horse, "animal", ("brown", "black", "white", "grey"), ("matt", "satin"), (0.18, 0.28), (3, 30), 140, ("pony",)),
)  # fmt: skip
