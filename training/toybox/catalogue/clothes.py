"""Clothes shelf: what one wears; toes towards +x."""

# ruff: noqa: E501 (rows of the table are kept whole)
from __future__ import annotations

import numpy as np

from training.toybox.kit import Kit, ToyClass
from training.toybox.mesh import Floats
from training.toybox.shapes import (
    box,
    cup_profile,
    curve,
    cylinder,
    ellipsoid,
    extrude,
    lathe,
    loft,
    sphere,
    superellipsoid,
    torus,
    tube,
    wrap,
)  # fmt: skip


def hat(kit: Kit) -> None:
    kind = kit.count(0, 2)
    band = kit.second
    if kind == 0:  # top hat
        high = kit.between(0.55, 0.75)
        kit.add("brim", lathe([(0.3, 0.0), (0.62, 0.03), (0.64, 0.06), (0.6, 0.06), (0, 0.05)], 36).scaled(1, 0.86, 1))
        kit.add(
            "crown",
            lathe([(0.36, 0.04), (0.35, high * 0.4), (0.38, high), (0.36, high + 0.02), (0, high + 0.02)], 34).scaled(
                1, 0.86, 1
            ),
        )
        kit.add(
            "band",
            lathe([(0.37, 0.05), (0.375, 0.05), (0.365, 0.2), (0.35, 0.2)], 34, is_hoop=True).scaled(1.01, 0.87, 1),
            band,
        )
    elif kind == 1:  # cowboy hat: brim turned up at the sides

        def roll(v: Floats) -> Floats:
            v[:, 2] += 0.34 * np.clip(np.abs(v[:, 0]) - 0.26, 0, 1) ** 1.5 * 1.6
            return v

        kit.add(
            "brim",
            lathe([(0.2, 0.0), (0.66, 0.02), (0.68, 0.045), (0.64, 0.05), (0, 0.04)], 40)
            .mapped(roll)
            .scaled(1, 1.05, 1),
        )
        crown = lathe(curve([(0.33, 0.02), (0.31, 0.25), (0.26, 0.42), (0.12, 0.46), (0, 0.44)], 16), 30)
        kit.add(
            "crown",
            crown.mapped(
                lambda v: (
                    v
                    - np.column_stack(
                        [0 * v[:, 0], 0 * v[:, 0], np.where(v[:, 2] > 0.3, 0.14 * np.exp(-((v[:, 0] / 0.1) ** 2)), 0)]
                    )
                )
            ).scaled(0.92, 1.1, 1),
        )
        kit.add("band", wrap([(0.33, 0.02), (0.315, 0.25)], 0.05, 0.14, 0.014).scaled(0.92, 1.1, 1), band)
    else:  # party hat
        kit.add(
            "cone",
            lathe([(0.42, 0), (0, 1.0)], 34),
            kit.main
            if kit.main.pattern != "plain"
            else kit.main.with_pattern(kit.pick("dots", "bands"), kit.second.rgb, 0.2),
        )
        kit.add("pompom", sphere(0.12, 16).at(z=1.0), band)
        kit.add("trim", torus(0.42, 0.04, 34, 8).at(z=0.03), band)


def crown(kit: Kit) -> None:
    points = kit.pick(5, 6, 8)
    n = points * 8
    turn = 2 * np.pi * np.arange(n) / n
    tip = np.abs(((turn * points / (2 * np.pi)) % 1) - 0.5) * 2
    top = 0.3 + 0.34 * tip**1.1
    flare = 1 + 0.22 * tip
    outer = [
        np.stack([0.5 * np.cos(turn), 0.5 * np.sin(turn), np.zeros(n)], -1),
        np.stack([0.52 * flare * np.cos(turn), 0.52 * flare * np.sin(turn), top], -1),
    ]
    inner = [ring * (0.94, 0.94, 1) for ring in outer]
    kit.add("crown", loft(np.array([*outer, inner[1], inner[0]]), is_loop=True))
    kit.add("band", torus(0.5, 0.045, 40, 8).at(z=0.03))
    kit.add("band", torus(0.53, 0.03, 40, 8).at(z=0.22))
    gems = [kit.paint(tone, "glossy") for tone in ("red", "blue", "green") if tone != kit.main.colour]
    for k in range(points):
        angle = 360.0 * k / points
        kit.add("pearl", sphere(0.05, 12).at(0.635, 0, 0.66).turned("z", angle), kit.paint("white", "glossy"))
        kit.add("jewel", ellipsoid(0.03, 0.055, 0.055, 12).at(0.53, 0, 0.12).turned("z", angle), gems[k % len(gems)])
        kit.add(
            "jewel",
            ellipsoid(0.025, 0.04, 0.04, 10).at(0.53, 0, 0.12).turned("z", angle + 180 / points),
            gems[(k + 1) % len(gems)],
        )
    if kit.chance(0.5):
        kit.add(
            "cushion",
            superellipsoid(0.46, 0.46, 0.2, 0.8, 24).at(z=0.16),
            kit.paint(kit.pick("red", "purple"), "cloth"),
        )


def shoe(kit: Kit) -> None:
    """One trainer, toe towards +x."""

    def section(x: float, half: float, top: float, n: int = 18) -> Floats:
        turn = np.linspace(0, np.pi, n)
        return np.stack([np.full(n, x), half * np.cos(turn), 0.1 + top * np.sin(turn) ** 0.8], -1)

    rows = curve(
        [
            (-0.72, 0.1, 0.44),
            (-0.62, 0.2, 0.62),
            (-0.3, 0.23, 0.6),
            (0.0, 0.23, 0.4),
            (0.35, 0.27, 0.26),
            (0.6, 0.24, 0.21),
            (0.76, 0.1, 0.1),
        ],
        26,
    )
    rings = np.array([section(x, half, top) for x, half, top in rows])
    kit.add("shoe", loft(rings).creased(60))
    outline_x = np.concatenate([rows[:, 0], rows[::-1, 0]])
    outline_y = np.concatenate([-rows[:, 1] - 0.02, rows[::-1, 1] + 0.02])
    white = kit.paint("white") if kit.main.colour != "white" else kit.second
    kit.add("sole", extrude(np.stack([outline_x, outline_y], -1), 0.13, 0.025), white)
    hole = ellipsoid(0.25, 0.15, 0.06, 16).turned("y", -3).at(-0.4, 0, 0.7)
    kit.add("opening", hole, kit.paint("black"))
    kit.add("collar", torus(0.2, 0.05, 24, 8).scaled(1.2, 0.82, 0.9).turned("y", -3).at(-0.41, 0, 0.7), kit.second)
    for k in range(4):
        x = -0.1 + 0.13 * k
        top = 0.1 + float(np.interp(x, rows[:, 0], rows[:, 2]))
        lace = curve([(x, -0.13, top - 0.07), (x, 0, top + 0.015), (x, 0.13, top - 0.07)], 8)
        kit.add("lace", tube(lace, 0.024, 6), white)
    for sign in (-1, 1):
        stripe = curve([(-0.35, sign * 0.245, 0.2), (-0.1, sign * 0.22, 0.34), (0.1, sign * 0.2, 0.4)], 8)
        kit.add("stripe", tube(stripe, 0.035, 6), kit.second)


def boot(kit: Kit) -> None:
    """Wellington boot, toe towards +x."""

    def section(x: float, half: float, top: float, n: int = 16) -> Floats:
        turn = np.linspace(0, np.pi, n)
        return np.stack([np.full(n, x), half * np.cos(turn), 0.08 + top * np.sin(turn) ** 0.8], -1)

    rows = curve(
        [
            (-0.3, 0.12, 0.2),
            (-0.2, 0.2, 0.32),
            (0.1, 0.2, 0.32),
            (0.4, 0.21, 0.24),
            (0.56, 0.16, 0.18),
            (0.63, 0.06, 0.1),
        ],
        18,
    )
    kit.add("foot", loft(np.array([section(x, half, top) for x, half, top in rows])).creased(60))
    high = kit.between(0.8, 1.05)
    outside = np.array([(0.18, 0.14), (0.18, 0.3), (0.2, 0.55), (0.225, high), (0.23, high + 0.01)])
    kit.add("shaft", lathe(cup_profile(outside, 0.03), 26).at(x=-0.1))
    kit.add("trim", torus(0.225, 0.03, 26, 8).at(-0.1, 0, high), kit.second)
    outline = np.concatenate(
        [np.stack([rows[:, 0], -rows[:, 1] - 0.015], -1), np.stack([rows[::-1, 0], rows[::-1, 1] + 0.015], -1)]
    )
    kit.add("sole", extrude(outline, 0.1, 0.015), kit.second)
    kit.add("heel", box(0.26, 0.36, 0.05, 0.02).at(-0.16, 0, -0.04), kit.second)


def glasses(kit: Kit) -> None:
    lens = kit.paint(kit.pick("blue", "black", "grey"), "glass")
    is_round = kit.chance(0.5)
    for sign in (-1, 1):
        ring = torus(0.24, 0.035, 28, 8).turned("x", 90).scaled(1.0 if is_round else 1.15, 1, 1.0 if is_round else 0.82)
        kit.add("frame", ring.at(sign * 0.31, 0, 0.27))
        disc = (
            cylinder(0.225, 0.015, n=26).turned("x", 90).scaled(1.0 if is_round else 1.15, 1, 1.0 if is_round else 0.82)
        )
        kit.add("lens", disc.at(sign * 0.31, 0.0, 0.27), lens)
        way = curve(
            [(sign * 0.57, 0.0, 0.33), (sign * 0.6, 0.35, 0.33), (sign * 0.58, 0.75, 0.3), (sign * 0.56, 0.95, 0.12)],
            14,
        )
        kit.add("temple", tube(way, 0.03, 8))
    kit.add("bridge", tube(curve([(-0.08, 0, 0.3), (0, -0.02, 0.36), (0.08, 0, 0.3)], 8), 0.03, 8))


def backpack(kit: Kit) -> None:
    kit.add("bag", superellipsoid(0.42, 0.26, 0.52, 0.55).at(z=0.52))
    kit.add("pocket", superellipsoid(0.32, 0.14, 0.22, 0.5).at(0, -0.24, 0.3), kit.second)
    kit.add(
        "flap", superellipsoid(0.4, 0.27, 0.16, 0.6).at(0, -0.02, 0.92), kit.second if kit.chance(0.5) else kit.main
    )
    kit.add("buckle", box(0.09, 0.04, 0.11, 0.015).at(0, -0.3, 0.72), kit.paint("yellow", "metal"))
    kit.add(
        "zip",
        tube(curve([(-0.22, -0.385, 0.4), (0, -0.4, 0.44), (0.22, -0.385, 0.4)], 8), 0.014, 6),
        kit.paint("yellow", "metal"),
    )
    kit.add(
        "handle",
        tube(curve([(-0.1, 0.1, 1.02), (-0.08, 0.1, 1.16), (0.08, 0.1, 1.16), (0.1, 0.1, 1.02)], 10), 0.03, 8),
        kit.second,
    )
    for sign in (-1, 1):
        strap = curve(
            [(sign * 0.2, 0.2, 0.98), (sign * 0.26, 0.42, 0.75), (sign * 0.28, 0.42, 0.4), (sign * 0.3, 0.2, 0.15)], 14
        )
        kit.add("strap", tube(strap, 0.055, 8, flat=0.5), kit.second)
        kit.add("pocket", superellipsoid(0.1, 0.16, 0.18, 0.6).at(sign * 0.42, 0, 0.26), kit.second)


SHINY = ("glossy", "satin")


BRASS = ("metal",)


TOYS = (
    ToyClass("hat", hat, "clothes", ("black", "brown", "red", "blue", "grey"), ("cloth", "satin"), (0.16, 0.24), (6, 40)),
    ToyClass("crown", crown, "clothes", ("yellow", "yellow", "grey"), BRASS, (0.14, 0.2), (8, 40)),
    ToyClass("shoe", shoe, "clothes", ("red", "blue", "white", "black", "green"), ("satin", "matt"), (0.16, 0.24), (14, 48), 180, ("sneaker", "trainer")),
    ToyClass("boot", boot, "clothes", ("red", "yellow", "green", "blue", "black"), SHINY, (0.16, 0.24), (8, 40), 180, ("rubber boot",)),
    ToyClass("glasses", glasses, "gadget", ("black", "red", "brown", "blue"), SHINY, (0.12, 0.18), (8, 42), 65, ("pair of glasses", "sunglasses"), "pairs of glasses", has_article=False),
    ToyClass("backpack", backpack, "clothes", ("red", "blue", "green", "orange"), ("cloth",), (0.18, 0.28), (4, 36), 130, ("rucksack",)),
)  # fmt: skip
