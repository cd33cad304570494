"""Tool shelf: what lies in drawers and stands in corners."""

# ruff: noqa: E501 (rows of the table are kept whole)
from __future__ import annotations

import numpy as np

from training.toybox.kit import Kit, ToyClass
from training.toybox.palette import shade
from training.toybox.shapes import (
    box,
    curve,
    cylinder,
    extrude,
    lathe,
    loft,
    rod,
    sphere,
    superellipsoid,
    torus,
    tube,
)  # fmt: skip


def key(kit: Kit) -> None:
    if kit.chance(0.5):
        bow = torus(0.24, 0.075, 30, 10).scaled(1, 1, 0.7)
        kit.add("bow", bow.at(-0.62, 0, 0.075))
    else:
        turn = 90 + 120 * np.arange(3)
        for angle in np.radians(turn):
            kit.add(
                "bow",
                torus(0.13, 0.055, 22, 8).at(
                    -0.62 + 0.15 * np.cos(angle + np.pi / 2), 0.15 * np.sin(angle + np.pi / 2), 0.075
                ),
            )
    kit.add("shaft", rod((-0.42, 0, 0.075), (0.72, 0, 0.075), 0.055, n=14))
    kit.add("collar", cylinder(0.085, 0.07, n=16).turned("y", 90).at(-0.36, 0, 0.085))
    teeth = kit.pick(2, 3)
    for k in range(teeth):
        kit.add("tooth", box(0.09, kit.between(0.16, 0.3), 0.07, 0.01).at(0.66 - 0.16 * k, -0.14, 0.04))


def padlock(kit: Kit) -> None:
    kit.add("body", box(0.8, 0.34, 0.62, 0.1, 4))
    tall = kit.between(0.26, 0.4)
    arch = np.linspace(0, np.pi, 16)
    way = np.concatenate(
        [
            [(0.26, 0, 0.5)],
            np.stack([0.26 * np.cos(arch), 0 * arch, 0.6 + tall * 0.4 + tall * np.sin(arch)], -1),
            [(-0.26, 0, 0.5)],
        ]
    )
    kit.add("shackle", tube(way, 0.065, 12), kit.paint("grey", "metal"))
    black = kit.paint("black")
    kit.add("keyhole", cylinder(0.075, 0.02, n=18).turned("x", 90).at(0, -0.165, 0.36), black)
    kit.add(
        "keyhole",
        extrude([(-0.03, 0.0), (0.03, 0.0), (0.055, -0.2), (-0.055, -0.2)], 0.02).turned("x", 90).at(0, -0.165, 0.36),
        black,
    )


def hammer(kit: Kit) -> None:
    handle = kit.main
    kit.add(
        "handle",
        tube(
            curve([(0, -0.85, 0.1), (0, -0.3, 0.1), (0, 0.3, 0.1), (0, 0.58, 0.1)], 14),
            np.interp(np.arange(14), [0, 5, 9, 13], [0.085, 0.07, 0.055, 0.06]),
            14,
        ),
        handle,
    )
    steel = kit.paint("grey", "metal")
    kit.add("head", box(0.42, 0.18, 0.18, 0.03).at(0.03, 0.56, 0.01), steel)
    kit.add("face", cylinder(0.115, 0.2, bevel=0.025, n=20).turned("y", 90).at(0.2, 0.56, 0.1), steel)
    for sign in (-1, 1):
        claw = curve(
            [(-0.14, 0.56 + sign * 0.045, 0.1), (-0.32, 0.56 + sign * 0.05, 0.1), (-0.48, 0.48 + sign * 0.06, 0.1)], 10
        )
        kit.add("claw", tube(claw, np.linspace(0.075, 0.025, 10), 8, flat=1.0), steel)


def screwdriver(kit: Kit) -> None:
    grip = lathe(curve([(0.05, 0), (0.15, 0.03), (0.16, 0.4), (0.11, 0.56), (0.14, 0.68), (0.09, 0.74)], 22), 24)
    ribs = grip.mapped(
        lambda v: v * np.column_stack([1 + 0.06 * np.cos(6 * np.arctan2(v[:, 1], v[:, 0]))] * 2 + [np.ones(len(v))])
    )
    steel = kit.paint("grey", "metal")
    kit.add("handle", ribs.turned("x", 90).at(0, -0.1, 0.16))
    kit.add("shaft", rod((0, -0.8, 0.16), (0, -1.5, 0.16), 0.04, n=12), steel)
    kit.add(
        "tip",
        extrude([(-0.04, 0), (0.04, 0), (0.07, 0.13), (0.05, 0.2), (-0.05, 0.2), (-0.07, 0.13)], 0.03)
        .turned("z", 180)
        .at(0, -1.48, 0.145),
        steel,
    )


def scissors(kit: Kit) -> None:
    steel = kit.paint("grey", "metal")
    spread = kit.between(9, 22)
    for sign in (-1, 1):
        blade = extrude([(-0.06, -0.1), (0.06, -0.1), (0.075, 0.15), (0.0, 0.95), (-0.055, 0.6)], 0.03, 0.006)
        shank = tube([(0.0, -0.08, 0.015), (0.05, -0.36, 0.015)], [0.045, 0.04], 8)
        grip = torus(0.17, 0.05, 26, 10).scaled(0.82, 1.15, 0.9).at(0.15, -0.56, 0.03)
        z = 0.035 + 0.035 * (sign > 0)
        for name, mesh, paint in (("blade", blade, steel), ("handle", shank, kit.main), ("handle", grip, kit.main)):
            kit.add(name, mesh.scaled(sign, 1, 1).turned("z", -sign * spread * -1.0).at(0, 0, z), paint)
    kit.add("screw", cylinder(0.045, 0.03, bevel=0.008, n=14).at(0, 0, 0.1), steel)


def broom(kit: Kit) -> None:
    straw = kit.paint(kit.pick("yellow", "orange"))
    kit.add("handle", rod((0, 0, 0.42), (0, 0, 1.9), 0.035, n=12))
    if kit.chance(0.5):
        kit.add(
            "bristle",
            loft(
                np.array(
                    [
                        [(x * w, y * d, z) for x, y in ((1, -1), (1, 1), (-1, 1), (-1, -1))]
                        for w, d, z in ((0.4, 0.1, 0.0), (0.34, 0.09, 0.34))
                    ]
                )
            ),
            straw.with_pattern("stripes", shade(straw.rgb, 0.7), 0.02),
        )
        kit.add("head", box(0.72, 0.2, 0.12, 0.03).at(z=0.33), kit.second)
    else:
        kit.add(
            "bristle",
            lathe(curve([(0.32, 0), (0.3, 0.16), (0.1, 0.46), (0.06, 0.62)], 12), 24).scaled(1, 0.5, 1),
            straw.with_pattern("stripes", shade(straw.rgb, 0.7), 0.025),
        )
        kit.add("band", torus(0.1, 0.03, 20, 8).scaled(1, 0.6, 1).at(z=0.47), kit.second)
        kit.add("band", torus(0.2, 0.025, 20, 8).scaled(1, 0.52, 1).at(z=0.3), kit.second)


def ladder(kit: Kit) -> None:
    rungs, wide = kit.count(5, 7), kit.between(0.2, 0.26)
    tall = 0.26 * (rungs + 1)
    is_step = kit.chance(0.6)
    lean = 14 if is_step else 0

    for x in (-1, 1):
        reach = tall * np.tan(np.radians(lean))
        kit.add("rail", rod((x * wide * 1.25, -reach, 0), (x * wide, 0, tall), 0.035, n=8))
        if is_step:
            kit.add("rail", rod((x * wide * 1.25, reach, 0), (x * wide, 0.03, tall), 0.03, n=8))
    for k in range(rungs):
        z = 0.26 * (k + 1) - 0.05
        s = z / tall
        w, y = wide * (1.25 - 0.25 * s), -tall * np.tan(np.radians(lean)) * (1 - s)
        rung = box(2 * w, 0.11, 0.04, 0.01).at(0, y, z) if is_step else rod((-w, y, z), (w, y, z), 0.028, n=8)
        kit.add("rung", rung)
    if is_step:
        kit.add("top", box(2 * wide + 0.1, 0.2, 0.05, 0.015).at(0, 0.01, tall - 0.02), kit.second)
        kit.add("brace", rod((-wide * 1.1, 0.17, tall * 0.32), (wide * 1.1, 0.17, tall * 0.32), 0.02, n=6))


def lightbulb(kit: Kit) -> None:
    glow = kit.main.with_finish("glass")
    kit.add(
        "glass",
        lathe(curve([(0.14, 0.38), (0.17, 0.48), (0.36, 0.82), (0.33, 1.12), (0.16, 1.28), (0.0, 1.31)], 24), 28),
        glow,
    )
    metal = kit.paint("grey", "metal")
    kit.add("socket", lathe([(0.06, 0.0), (0.08, 0.04), (0.15, 0.08), (0.15, 0.4), (0, 0.4)], 22), metal)
    for z in (0.13, 0.21, 0.29):
        kit.add("socket", torus(0.15, 0.022, 22, 8).at(z=z), metal)
    kit.add("contact", sphere(0.05, 10).at(z=0.02), kit.paint("black"))


def brush(kit: Kit) -> None:
    """Paintbrush with a dab of paint."""
    kit.add(
        "handle",
        tube(
            curve([(0, -0.9, 0.09), (0, -0.5, 0.09), (0, -0.1, 0.09), (0, 0.12, 0.09)], 16),
            np.interp(np.arange(16), [0, 6, 11, 15], [0.045, 0.085, 0.06, 0.1]),
            14,
        ).scaled(1.3, 1, 0.9),
        kit.paint("brown", "wooden") if kit.chance(0.6) else kit.second,
    )
    kit.add("ferrule", box(0.34, 0.24, 0.17, 0.03).at(0, 0.24, 0.0), kit.paint("grey", "metal"))
    bristle = kit.paint("brown" if kit.main.colour != "brown" else "yellow")
    kit.add(
        "bristle",
        box(0.32, 0.4, 0.14, 0.02).at(0, 0.5, 0.015),
        bristle.with_pattern("stripes", shade(bristle.rgb, 0.7), 0.03),
    )
    kit.add("paint", superellipsoid(0.175, 0.14, 0.085, 0.6).at(0, 0.68, 0.085), kit.main.with_finish("glossy"))


def pencil(kit: Kit) -> None:
    long = kit.between(1.3, 1.7)
    kit.add("body", cylinder(0.1, long, n=6).creased(20).turned("y", 90).at(0, 0, 0.09))
    kit.add("wood", cylinder(0.098, 0.22, top=0.035, n=16).turned("y", 90).at(long, 0, 0.09), kit.paint("orange"))
    kit.add(
        "tip",
        lathe([(0.036, 0), (0, 0.09)], 12).turned("y", 90).at(long + 0.22, 0, 0.09),
        kit.paint("black") if kit.chance(0.5) else kit.main,
    )
    kit.add("ferrule", cylinder(0.1, 0.14, n=16).turned("y", -90).at(0, 0, 0.09), kit.paint("grey", "metal"))
    kit.add("eraser", cylinder(0.095, 0.13, bevel=0.03, n=16).turned("y", -90).at(-0.13, 0, 0.09), kit.paint("pink"))


FLAT = (36.0, 78.0)


TOYS = (
    ToyClass("key", key, "tool", ("yellow", "grey", "brown"), ("metal",), (0.08, 0.14), FLAT),
    ToyClass("padlock", padlock, "tool", ("yellow", "grey", "black"), ("metal", "satin"), (0.07, 0.12), (2, 38), 70, ("lock",)),
    ToyClass("hammer", hammer, "tool", ("brown", "red", "yellow"), ("wooden", "satin"), (0.18, 0.26), FLAT),
    ToyClass("screwdriver", screwdriver, "tool", ("red", "yellow", "blue", "black"), ("glossy", "satin"), (0.16, 0.24), FLAT),
    ToyClass("scissors", scissors, "tool", ("red", "black", "blue", "orange"), ("glossy", "satin"), (0.14, 0.2), FLAT, 180, ("pair of scissors",), "pairs of scissors", has_article=False),
    ToyClass("paintbrush", brush, "tool", ("red", "blue", "green", "yellow"), ("satin",), (0.14, 0.22), FLAT, 180, ("brush",), "paintbrushes"),
    ToyClass("pencil", pencil, "tool", ("yellow", "red", "blue", "green"), ("satin",), (0.14, 0.2), (30, 75)),
    ToyClass("broom", broom, "home", ("brown", "red", "blue"), ("wooden", "satin"), (0.24, 0.36), (2, 32)),
    ToyClass("ladder", ladder, "home", ("brown", "grey", "yellow", "red"), ("satin", "wooden"), (0.24, 0.36), (3, 32)),
    ToyClass("light bulb", lightbulb, "home", ("yellow", "white"), ("glass",), (0.1, 0.16), (0, 32), synonyms=("lightbulb",)),
)  # fmt: skip
