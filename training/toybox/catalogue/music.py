"""Music shelf: instruments; fronts towards -y."""

# ruff: noqa: E501 (rows of the table are kept whole)
from __future__ import annotations

import numpy as np

from training.toybox.kit import Kit, ToyClass
from training.toybox.shapes import box, curve, cylinder, ellipsoid, extrude, lathe, rod, sphere, torus, tube, wrap


def drum(kit: Kit) -> None:
    high = kit.between(0.5, 0.75)
    kit.add("shell", cylinder(0.5, high, n=36))
    rim = kit.second if kit.chance(0.6) else kit.paint("yellow", "metal")
    for z in (0.03, high - 0.03):
        kit.add("rim", torus(0.51, 0.035, 36, 8).at(z=z), rim)
    kit.add("skin", cylinder(0.48, 0.03, bevel=0.01, n=32).at(z=high - 0.005), kit.paint("white"))
    count = 8
    for k in range(count):
        a, b = 2 * np.pi * k / count, 2 * np.pi * (k + 0.5) / count
        top = (0.52 * np.cos(a), 0.52 * np.sin(a), high - 0.05)
        low = (0.52 * np.cos(b), 0.52 * np.sin(b), 0.05)
        nxt = (0.52 * np.cos(a + 2 * np.pi / count), 0.52 * np.sin(a + 2 * np.pi / count), high - 0.05)
        kit.add("cord", rod(top, low, 0.014, n=5), rim)
        kit.add("cord", rod(low, nxt, 0.014, n=5), rim)
    if kit.chance(0.75):
        wood = kit.paint(kit.pick("brown", "yellow"))
        for sign in (-1, 1):
            way = np.array([(-0.35, sign * 0.05, high + 0.05), (0.45, sign * 0.28, high + 0.16)])
            kit.add("stick", tube(way, [0.022, 0.028], 8), wood)
            kit.add("stick", sphere(0.05, 10).at(*way[0]), wood)


def guitar(kit: Kit) -> None:
    right = curve(
        [(0, 0.62), (0.2, 0.6), (0.29, 0.42), (0.2, 0.2), (0.3, 0.0), (0.41, -0.24), (0.28, -0.5), (0, -0.58)], 34
    )
    outline = np.concatenate([right, (right * (-1, 1))[-2:0:-1]])
    deep = 0.16
    kit.add("body", extrude(outline, deep, 0.012))
    top = kit.main if kit.chance(0.5) else kit.paint(kit.pick("orange", "yellow", "brown"), "wooden")
    kit.add("top", extrude(outline * 0.955, 0.012).at(z=deep), top)
    kit.add("sound hole", cylinder(0.115, 0.01, n=28).at(0, 0.16, deep + 0.01), kit.paint("black"))
    kit.add("rosette", torus(0.13, 0.014, 28, 6).at(0, 0.16, deep + 0.014), kit.paint("white"))
    dark = kit.paint("brown" if top.colour != "brown" and kit.main.colour != "brown" else "black")
    neck = 1.28
    kit.add("neck", box(0.11, 0.98, 0.07, 0.01).at(0, 0.83, deep - 0.045), dark)
    grey = kit.paint("grey", "metal")
    for k in range(9):
        kit.add("fret", box(0.112, 0.012, 0.012).at(0, 0.44 + 0.9 * (k / 9) ** 0.9, deep + 0.024), grey)
    kit.add(
        "head",
        extrude([(-0.06, 0), (0.06, 0), (0.1, 0.1), (0.085, 0.32), (-0.085, 0.32), (-0.1, 0.1)], 0.06, 0.01).at(
            0, neck, deep - 0.045
        ),
        kit.main,
    )
    for y in (0.1, 0.18, 0.26):
        kit.both("peg", cylinder(0.022, 0.06, n=8).turned("y", 90).at(0.09, neck + y, deep - 0.015), grey)
        kit.both("peg", ellipsoid(0.03, 0.03, 0.015, 10).at(0.16, neck + y, deep - 0.015), kit.paint("white"))
    kit.add("bridge", box(0.3, 0.06, 0.04, 0.01).at(0, -0.26, deep + 0.01), dark)
    for k in range(6):
        x = -0.04 + 0.016 * k
        kit.add(
            "string", rod((x * 1.3, -0.26, deep + 0.052), (x, neck + 0.02, deep + 0.045), 0.005, n=4), kit.paint("grey")
        )
    stand = [(name, mesh.turned("x", 74).at(0, 0, 0.62), paint) for name, mesh, paint in kit.tray]
    kit.tray[:] = stand


def violin(kit: Kit) -> None:
    right = curve(
        [
            (0, 0.5),
            (0.17, 0.46),
            (0.2, 0.3),
            (0.13, 0.14),
            (0.12, 0.02),
            (0.2, -0.12),
            (0.25, -0.3),
            (0.18, -0.46),
            (0, -0.52),
        ],
        36,
    )
    outline = np.concatenate([right, (right * (-1, 1))[-2:0:-1]])
    kit.add("body", extrude(outline, 0.11, 0.03))
    black = kit.paint("black", "satin")
    kit.add("neck", box(0.07, 0.72, 0.05, 0.01).at(0, 0.6, 0.11), black)
    kit.add("scroll", torus(0.05, 0.03, 16, 8).turned("y", 90).at(0, 1.0, 0.1))
    kit.add("head", box(0.07, 0.14, 0.06, 0.01).at(0, 0.93, 0.09))
    for k in range(2):
        kit.both("peg", ellipsoid(0.07, 0.018, 0.018, 10).at(0.06, 0.9 + 0.06 * k, 0.12), black)
    kit.add("bridge", box(0.16, 0.02, 0.1, 0.006).at(0, -0.06, 0.1), kit.paint("yellow"))
    kit.add(
        "tailpiece", extrude([(-0.05, -0.18), (0.05, -0.18), (0.03, -0.48), (-0.03, -0.48)], 0.03).at(z=0.13), black
    )
    for k in range(4):
        x = -0.027 + 0.018 * k
        kit.add(
            "string", tube([(x, -0.2, 0.165), (x, -0.06, 0.21), (x * 0.8, 0.94, 0.165)], 0.005, 4), kit.paint("white")
        )
    for sign in (-1, 1):
        hole = curve(
            [
                (sign * 0.09, 0.05, 0.111),
                (sign * 0.12, -0.02, 0.111),
                (sign * 0.1, -0.1, 0.111),
                (sign * 0.13, -0.16, 0.111),
            ],
            10,
        )
        kit.add("sound hole", tube(hole, 0.012, 5), black)
    bow_wood = kit.paint("brown" if kit.main.colour != "brown" else "black")
    kit.add("bow", rod((0.36, -0.5, 0.04), (0.36, 0.75, 0.04), 0.016, n=6), bow_wood)
    kit.add("bow", rod((0.4, -0.48, 0.03), (0.4, 0.73, 0.03), 0.009, n=5), kit.paint("white"))
    for y in (-0.48, 0.74):
        kit.add("bow", box(0.06, 0.05, 0.05, 0.01).at(0.38, y, 0.01), black)


def trumpet(kit: Kit) -> None:
    lift = 0.34
    bell_s = np.linspace(0, 1, 18)
    radius = 0.055 + 0.24 * bell_s**5
    path = np.stack([0.2 + 0.75 * bell_s, 0 * bell_s, np.full(18, lift + 0.12)], -1)
    outer = np.column_stack([radius, path[:, 0]])
    inner = outer[::-1] * (0.88, 1.0)
    bell = (
        lathe(np.concatenate([outer, [[radius[-1] + 0.015, 0.955]], inner[:-6]]), 28).turned("y", 90).at(z=lift + 0.12)
    )
    kit.add("bell", bell)
    loop = curve(
        [
            (0.24, 0, lift + 0.12),
            (-0.3, 0, lift + 0.12),
            (-0.62, 0, lift + 0.08),
            (-0.68, 0, lift - 0.04),
            (-0.6, 0, lift - 0.14),
            (0.3, 0, lift - 0.14),
            (0.5, 0, lift - 0.1),
            (0.52, 0, lift - 0.02),
            (0.44, 0, lift + 0.02),
            (-0.9, 0.02, lift + 0.02),
        ],
        70,
    )
    kit.add("tube", tube(loop, 0.04, 10))
    kit.add(
        "mouthpiece",
        lathe([(0.03, 0), (0.045, 0.1), (0.075, 0.16), (0.075, 0.19), (0, 0.19)], 16)
        .turned("y", -90)
        .at(-0.9, 0.02, lift + 0.02),
    )
    pearl = kit.paint("white", "glossy")
    for k in range(3):
        x = -0.2 + 0.17 * k
        kit.add("valve", cylinder(0.065, 0.42, bevel=0.01, n=18).at(x, 0, lift - 0.24))
        kit.add("valve", cylinder(0.02, 0.09, n=10).at(x, 0, lift + 0.18))
        kit.add("button", cylinder(0.045, 0.025, n=14).at(x, 0, lift + 0.26), pearl)
    kit.add("stand", cylinder(0.16, 0.02, n=20).at(-0.03, 0, 0), kit.paint("black"))
    kit.add("stand", cylinder(0.02, lift - 0.22, n=8).at(-0.03, 0, 0), kit.paint("black"))


def piano(kit: Kit) -> None:
    """Grand piano: the curved case, a lid on a prop, a keyboard, three legs."""
    right = curve([(0.62, 0.0), (0.62, 0.4), (0.5, 0.75), (0.15, 0.95), (-0.05, 1.3), (-0.32, 1.5), (-0.6, 1.35)], 26)
    outline = np.concatenate([[(-0.62, 0.0)], right, [(-0.62, 1.25)]])
    y0, z0 = -0.6, 0.5
    kit.add("case", extrude(outline, 0.24, 0.01).at(0, y0, z0))
    kit.add(
        "strings",
        extrude(np.concatenate([[(-0.56, 0.14)], right * 0.94 + (-0.005, 0.06), [(-0.56, 1.2)]]), 0.012).at(
            0, y0, z0 + 0.236
        ),
        kit.paint("yellow", "metal"),
    )
    tilt = kit.between(28, 42)
    lid = extrude(outline, 0.03, 0.005).at(0.62, 0, 0).turned("y", -tilt).at(-0.62, y0, z0 + 0.25)
    kit.add("lid", lid)
    kit.add(
        "prop",
        rod((0.5, y0 + 0.5, z0 + 0.24), (0.34, y0 + 0.5, z0 + 0.25 + 0.96 * np.tan(np.radians(tilt))), 0.014, n=6),
        kit.paint("brown"),
    )
    kit.add("keybed", box(1.24, 0.26, 0.1, 0.01).at(0, y0 - 0.12, z0))
    white, black = kit.paint("white", "glossy"), kit.paint("black", "glossy")
    keys = 21
    for k in range(keys):
        x = -0.56 + 1.12 * (k + 0.5) / keys
        kit.add("white key", box(1.12 / keys - 0.005, 0.19, 0.03).at(x, y0 - 0.13, z0 + 0.09), white)
        if k % 7 not in (2, 6) and k < keys - 1:
            kit.add("black key", box(0.028, 0.12, 0.03).at(x + 0.56 / keys, y0 - 0.09, z0 + 0.11), black)
    for x in (-0.57, 0.57):
        kit.add("cheek", box(0.1, 0.27, 0.18, 0.015).at(x, y0 - 0.12, z0))
    for x, y in ((-0.5, y0 + 0.05), (0.5, y0 + 0.05), (-0.3, y0 + 1.2)):
        kit.add("leg", cylinder(0.045, z0, top=0.065, n=12).at(x, y, 0))
    if kit.chance(0.6):
        kit.add("bench", box(0.5, 0.26, 0.07, 0.02).at(0, y0 - 0.52, 0.3))
        for x in (-0.2, 0.2):
            for y in (-0.09, 0.09):
                kit.add("bench", rod((x, y0 - 0.52 + y, 0), (x, y0 - 0.52 + y, 0.31), 0.022, n=6))


def bell(kit: Kit) -> None:
    profile = [(0.5, 0), (0.5, 0.03), (0.4, 0.16), (0.33, 0.5), (0.26, 0.72), (0.12, 0.82), (0.0, 0.84)]
    outer = curve(profile[:-1], 18)
    mesh = lathe(np.concatenate([[(0.0, 0.08), (0.42, 0.04)], outer, [(0.0, 0.84)]]), 32)
    kit.add("bell", mesh.at(z=0.1), kit.main)
    kit.add("band", wrap(outer, 0.16, 0.21, 0.012, 32).at(z=0.1), kit.second if kit.chance(0.4) else kit.main)
    kit.add("clapper", sphere(0.1, 14).at(z=0.1), kit.paint("grey", "metal"))
    if kit.chance(0.5):
        kit.add(
            "handle",
            lathe(curve([(0.05, 0), (0.04, 0.1), (0.085, 0.3), (0.06, 0.42), (0, 0.46)], 14), 18).at(z=0.92),
            kit.paint("brown", "wooden"),
        )
    else:
        kit.add("loop", torus(0.11, 0.035, 20, 8).turned("x", 90).at(z=1.03))
        for sign in (-1, 1):
            kit.add(
                "bow",
                lathe([(0.02, 0), (0.12, 0.26)], 12).scaled(1, 0.5, 1).turned("y", 90 * sign).at(0, -0.06, 0.98),
                kit.second,
            )


def microphone(kit: Kit) -> None:
    black = kit.paint("black", "satin")
    tall = kit.between(0.5, 0.8)
    kit.add("base", cylinder(0.28, 0.05, bevel=0.015, n=28), black)
    kit.add("stand", rod((0, 0, 0.04), (0, 0, tall), 0.022, n=8), kit.paint("grey", "metal"))
    tilt = kit.between(-35, -10)
    metal = kit.paint("grey", "metal").with_pattern("checks", (0.16, 0.16, 0.18), 0.025)
    for name, mesh, paint in (
        ("body", lathe([(0.05, -0.36), (0.075, -0.34), (0.12, 0.16), (0.13, 0.2), (0, 0.2)], 22), kit.main),
        ("band", torus(0.135, 0.028, 24, 8).at(z=0.22), kit.second),
        ("grille", ellipsoid(0.17, 0.17, 0.19, 24).at(z=0.34), metal),
    ):
        kit.add(name, mesh.turned("x", tilt).at(0, 0, tall + 0.1), paint)


SHINY = ("glossy", "satin")


BRASS = ("metal",)


TOYS = (
    ToyClass("drum", drum, "music", ("red", "blue", "white", "green"), SHINY, (0.14, 0.24), (12, 45)),
    ToyClass("guitar", guitar, "music", ("brown", "orange", "black", "red", "blue"), SHINY, (0.24, 0.36), (4, 34), 58),
    ToyClass("violin", violin, "music", ("brown", "orange"), SHINY, (0.2, 0.3), (42, 80)),
    ToyClass("trumpet", trumpet, "music", ("yellow", "yellow", "grey"), BRASS, (0.2, 0.3), (4, 34), 62),
    ToyClass("piano", piano, "music", ("black", "black", "white", "brown"), ("glossy",), (0.24, 0.34), (12, 42), 80, ("grand piano",)),
    ToyClass("bell", bell, "music", ("yellow", "yellow", "grey"), ("metal", "glossy"), (0.1, 0.18), (2, 34), 120),
    ToyClass("microphone", microphone, "music", ("black", "red", "blue", "grey"), SHINY, (0.14, 0.24), (4, 34)),
)  # fmt: skip
