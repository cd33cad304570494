"""Kitchen shelf: pots, cutlery and what stands beside them."""

# ruff: noqa: E501 (rows of the table are kept whole)
from __future__ import annotations

import numpy as np

from training.toybox.catalogue.crockery import vessel
from training.toybox.kit import Kit, ToyClass
from training.toybox.palette import Material
from training.toybox.shapes import (
    box,
    cup_profile,
    curve,
    cylinder,
    ellipsoid,
    extrude,
    lathe,
    rod,
    sphere,
    torus,
    tube,
)  # fmt: skip


def pan(kit: Kit) -> None:
    deep = kit.between(0.16, 0.28)
    black = kit.paint("black", "satin")
    outside = np.array([(0.48, 0.0), (0.52, 0.02), (0.6, deep), (0.605, deep + 0.01)])
    vessel(kit, outside, 0.035, name="pan", inside=black if kit.chance(0.6) else None, n=36)
    length = kit.between(0.75, 0.95)
    way = curve(
        [
            (0.56, 0, deep * 0.7),
            (0.72, 0, deep * 1.05),
            (0.6 + length * 0.6, 0, deep * 1.35),
            (0.6 + length, 0, deep * 1.3),
        ],
        12,
    )
    kit.add("handle", tube(way, np.linspace(0.05, 0.075, 12), 10, flat=0.6), black if kit.chance(0.6) else kit.second)


def pot(kit: Kit) -> None:
    height = kit.between(0.5, 0.75)
    kit.add("pot", cylinder(0.55, height, bevel=0.05, n=36))
    kit.add(
        "lid",
        lathe([(0.57, height), (0.575, height + 0.03), (0.4, height + 0.1), (0, height + 0.14)], 36),
        kit.second if kit.chance(0.4) else kit.main,
    )
    black = kit.paint("black", "satin")
    kit.add(
        "knob", lathe([(0.05, 0), (0.05, 0.05), (0.1, 0.08), (0.1, 0.11), (0, 0.13)], 18).at(z=height + 0.12), black
    )
    grip = tube(
        curve([(0.5, -0.16, 0), (0.68, -0.15, 0.02), (0.74, 0, 0.02), (0.68, 0.15, 0.02), (0.5, 0.16, 0)], 14), 0.035, 8
    )
    kit.both("handle", grip.at(z=height * 0.78), black)


def kettle(kit: Kit) -> None:
    height = kit.between(0.62, 0.78)
    kit.add(
        "body", lathe(curve([(0.5, 0), (0.54, 0.05), (0.5, height * 0.5), (0.3, height * 0.92), (0.2, height)], 14), 32)
    )
    black = kit.paint("black", "satin")
    kit.add("lid", lathe([(0.21, height - 0.01), (0.19, height + 0.03), (0, height + 0.06)], 24))
    kit.add("knob", sphere(0.05, 12).at(z=height + 0.09), black)
    kit.add(
        "spout",
        tube(
            [(0.36, 0, height * 0.42), (0.55, 0, height * 0.6), (0.72, 0, height * 0.92)],
            [0.13, 0.09, 0.065],
            12,
            round_ends=False,
        ),
    )
    kit.add(
        "handle",
        tube(
            curve(
                [
                    (-0.36, 0, height * 0.72),
                    (-0.42, 0, height * 1.15),
                    (-0.1, 0, height * 1.45),
                    (0.25, 0, height * 1.35),
                    (0.36, 0, height * 0.82),
                ],
                20,
            ),
            0.045,
            10,
            flat=1.3,
        ),
        black,
    )


def spoon(kit: Kit) -> None:
    wide, long = kit.between(0.12, 0.15), kit.between(0.19, 0.24)
    shell = ellipsoid(wide, long, 0.075, 24).mapped(
        lambda v: np.column_stack([v[:, 0], v[:, 1], np.where(v[:, 2] > 0, -0.55 * v[:, 2], v[:, 2])])
    )
    kit.add("bowl", shell.creased(30).at(y=0.55, z=0.075))
    _stem(kit, 0.36)


def _stem(kit: Kit, top: float) -> None:
    grip = kit.main if kit.chance(0.6) else kit.second
    way = curve([(0, top, 0.05), (0, top - 0.18, 0.075), (0, -0.1, 0.06), (0, -0.62, 0.04)], 16)
    kit.add("neck", tube(way[:8], np.linspace(0.026, 0.022, 8), 8))
    kit.add(
        "handle", tube(way[7:], np.linspace(0.024, 0.062, 9), 10, flat=1.0).mapped(lambda v: v * (1.15, 1, 0.75)), grip
    )


def fork(kit: Kit) -> None:
    tines = kit.pick(3, 4)
    spread = np.linspace(-0.1, 0.1, tines)
    kit.add(
        "head",
        extrude(
            [
                (-0.03, 0.3),
                (0.03, 0.3),
                (0.1, 0.4),
                (0.125, 0.48),
                (0.125, 0.54),
                (-0.125, 0.54),
                (-0.125, 0.48),
                (-0.1, 0.4),
            ],
            0.03,
            0.008,
        ).at(z=0.045),
    )
    for x in spread:
        kit.add(
            "tine",
            tube(
                curve([(x, 0.52, 0.06), (x, 0.68, 0.045), (x * 0.95, 0.86, 0.08)], 8), np.linspace(0.024, 0.012, 8), 8
            ),
        )
    _stem(kit, 0.36)


def knife(kit: Kit) -> None:
    tip = kit.between(0.7, 0.95)
    outline = [
        (-0.07, 0.0),
        (0.075, 0.0),
        (0.085, tip * 0.45),
        (0.07, tip * 0.8),
        (0.03, tip * 0.95),
        (-0.06, tip),
        (-0.07, tip * 0.6),
    ]
    kit.add(
        "blade",
        extrude(outline, 0.03, 0.008).at(z=0.03),
        kit.paint("grey", "metal") if kit.main.finish != "metal" else kit.main,
    )
    shaft = (
        box(0.15, 0.55, 0.085, 0.03)
        .mapped(lambda v: v * np.column_stack([1 + 0.15 * np.cos(9 * v[:, 1]), np.ones(len(v)), np.ones(len(v))]))
        .at(y=-0.28)
    )
    kit.add("handle", shaft)
    kit.both("rivet", cylinder(0.018, 0.012, n=10).at(0.0, -0.14, 0.083), kit.paint("grey", "metal"))
    kit.add("rivet", cylinder(0.018, 0.012, n=10).at(0.0, -0.4, 0.083), kit.paint("grey", "metal"))


def candle(kit: Kit) -> None:
    height, wide = kit.between(0.6, 1.0), kit.between(0.12, 0.2)
    kit.add(
        "candle",
        lathe(
            [
                (wide, 0.1),
                (wide, 0.1 + height - 0.03),
                (wide * 0.9, 0.1 + height),
                (wide * 0.5, 0.07 + height),
                (0, 0.06 + height),
            ],
            24,
        ),
    )
    kit.add("wick", rod((0, 0, height + 0.05), (0.01, 0, height + 0.19), 0.012, n=6), kit.paint("black"))
    flame = Material("yellow", (1.0, 0.82, 0.30), "matt", is_unlit=True)
    kit.add(
        "flame",
        lathe(curve([(0, 0), (0.05, 0.05), (0.062, 0.1), (0.035, 0.2), (0.0, 0.29)], 12), 14).at(
            0.01, 0, height + 0.14
        ),
        flame,
    )
    dish = lathe([(wide * 1.1, 0), (wide * 2.1, 0.06), (wide * 2.15, 0.1), (wide * 1.2, 0.09), (0, 0.09)], 30)
    kit.add("holder", dish, kit.second)
    if kit.chance(0.6):
        kit.add("handle", torus(0.085, 0.022, 18, 8).turned("x", 90).at(wide * 2.1 + 0.07, 0, 0.1), kit.second)


def basket(kit: Kit) -> None:
    height = kit.between(0.45, 0.6)
    straw = kit.main.with_pattern("bands", tuple(c * 0.7 for c in kit.main.rgb), 0.06)  # type: ignore[arg-type]
    outside = np.array([(0.42, 0.0), (0.44, 0.02), (0.58, height - 0.02), (0.58, height)])
    mesh = lathe(cup_profile(outside, 0.05), 32).scaled(1.15, 0.85, 1)
    kit.add("basket", mesh, straw)
    kit.add("rim", torus(0.575, 0.045, 32, 8).scaled(1.15, 0.85, 1).at(z=height), kit.main)
    arch = np.linspace(0, np.pi, 18)
    way = np.stack([0.66 * np.cos(arch), 0 * arch, height + kit.between(0.5, 0.7) * np.sin(arch)], -1)
    kit.add("handle", tube(way, 0.04, 8), kit.main)
    for k in range(kit.count(0, 4)):
        kit.add(
            "fruit",
            sphere(0.17, 14).at(0.28 * np.cos(1.7 * k), 0.2 * np.sin(1.7 * k), height * 0.9),
            kit.paint(kit.pick("red", "orange", "green", "yellow"), "satin"),
        )


def toaster(kit: Kit) -> None:
    wide, deep, high = kit.between(0.9, 1.05), kit.between(0.5, 0.6), kit.between(0.6, 0.7)
    kit.add("body", box(wide, deep, high, 0.16, 4).at(z=0.05))
    black = kit.paint("black", "satin")
    for y in (-0.1, 0.1):
        kit.add("slot", box(wide * 0.66, 0.08, 0.02).at(0, y, high + 0.041), black)
        if kit.chance(0.7):
            bread = extrude(
                [
                    (-0.22, 0),
                    (0.22, 0),
                    (0.22, 0.24),
                    (0.26, 0.32),
                    (0.2, 0.4),
                    (-0.2, 0.4),
                    (-0.26, 0.32),
                    (-0.22, 0.24),
                ],
                0.06,
                0.015,
            )
            kit.add("toast", bread.turned("x", 90).at(0, y + 0.03, high - 0.13), kit.paint(kit.pick("brown", "orange")))
    kit.add("lever", box(0.05, 0.14, 0.05, 0.02).at(wide / 2 + 0.03, 0, high * 0.62), black)
    kit.add("knob", cylinder(0.06, 0.05, bevel=0.01, n=16).turned("y", 90).at(wide / 2, -0.12, 0.22), kit.second)
    kit.both("foot", cylinder(0.05, 0.06, n=12).at(wide * 0.36, 0, 0), black)


METAL = ("metal", "metal", "glossy")


FLAT = (38.0, 78.0)


TOYS = (
    ToyClass("pan", pan, "kitchen", ("black", "grey", "red"), METAL, (0.22, 0.34), (22, 60), synonyms=("frying pan",)),
    ToyClass("pot", pot, "kitchen", ("red", "grey", "blue", "orange"), METAL, (0.18, 0.28), (10, 45), synonyms=("cooking pot",)),
    ToyClass("kettle", kettle, "kitchen", ("grey", "red", "turquoise", "white"), METAL, (0.18, 0.26)),
    ToyClass("spoon", spoon, "cutlery", ("grey", "grey", "brown"), METAL, (0.14, 0.2), FLAT),
    ToyClass("fork", fork, "cutlery", ("grey", "grey", "white"), METAL, (0.14, 0.2), FLAT),
    ToyClass("knife", knife, "cutlery", ("black", "brown", "red"), ("satin", "wooden"), (0.16, 0.24), FLAT, plural="knives"),
    ToyClass("candle", candle, "home", ("white", "red", "yellow"), ("satin",), (0.12, 0.22), (5, 40)),
    ToyClass("basket", basket, "home", ("brown", "yellow", "orange"), ("matt",), (0.22, 0.34), (10, 45)),
    ToyClass("toaster", toaster, "kitchen", ("grey", "red", "black", "turquoise"), METAL, (0.22, 0.3), (12, 45), 70),
)  # fmt: skip
