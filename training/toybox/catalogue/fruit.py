"""Fruit shelf: fruit, vegetables and mushrooms."""

# ruff: noqa: E501 (rows of the table are kept whole)
from __future__ import annotations

import numpy as np

from training.toybox.kit import Kit, ToyClass
from training.toybox.mesh import Floats, Mesh
from training.toybox.shapes import (
    curve,
    cylinder,
    dome,
    ellipsoid,
    extrude,
    lathe,
    ring_of,
    rod,
    sheet,
    sphere,
    tube,
)  # fmt: skip


def leaf(length: float, width: float, bend: float = 0.15, n: int = 9) -> Mesh:
    """Return a pointed leaf from the origin along +x, arching up by ``bend`` of its length."""
    s = np.linspace(0.0, 1.0, n)
    half = width / 2 * np.sin(np.pi * s**0.8) + 1e-4
    across = np.linspace(-1, 1, 5)
    x = np.broadcast_to((length * s)[:, None], (n, 5))
    y = half[:, None] * across
    z = (bend * length * np.sin(np.pi * s * 0.8))[:, None] + 0.35 * half[:, None] * across**2
    return sheet(np.stack([x, y, z], -1), 0.035 * length)


def apple(kit: Kit) -> None:
    tall = kit.between(0.85, 1.0)
    profile = curve(
        [
            (0, 0.14),
            (0.1, 0.05),
            (0.26, 0.0),
            (0.44, 0.2),
            (0.52, 0.55),
            (0.42, 0.86),
            (0.22, 0.95),
            (0.08, 0.86),
            (0, 0.78),
        ],
        30,
    )
    kit.add("apple", lathe(profile * (1, tall), 28), kit.main)
    way = curve([(0, 0, 0.76 * tall), (0.01, 0, 0.95 * tall), (0.06, 0, 1.12 * tall)], 8)
    kit.add("stem", tube(way, np.linspace(0.022, 0.034, 8), 8), kit.paint("brown"))
    if kit.chance(0.85):
        kit.add(
            "leaf",
            leaf(0.38, 0.2).turned("y", -20).turned("z", kit.between(0, 360)).at(0.02, 0, 0.98 * tall),
            kit.paint("green", "satin"),
        )


def pear(kit: Kit) -> None:
    profile = curve(
        [(0, 0.06), (0.16, 0.0), (0.42, 0.22), (0.44, 0.46), (0.28, 0.82), (0.2, 1.04), (0.1, 1.15), (0, 1.15)], 26
    )
    kit.add(
        "pear",
        lathe(profile, 28).mapped(
            lambda v: v + np.column_stack([0.05 * np.sin(2.5 * v[:, 2]), 0 * v[:, 0], 0 * v[:, 0]])
        ),
    )
    kit.add("stem", tube(curve([(0.03, 0, 1.12), (0.05, 0, 1.24), (0.12, 0, 1.36)], 6), 0.026, 8), kit.paint("brown"))
    if kit.chance(0.7):
        kit.add(
            "leaf",
            leaf(0.36, 0.18).turned("y", -15).turned("z", kit.between(0, 360)).at(0.06, 0, 1.2),
            kit.paint("green"),
        )


def banana(kit: Kit) -> None:
    turn = np.radians(np.linspace(-58, 58, 26))
    bow = kit.between(0.75, 0.9)
    way = np.stack([bow * np.sin(turn), 0 * turn, 0.9 - bow * np.cos(turn)], -1)
    s = np.linspace(-1, 1, 26)
    radius = 0.155 * np.clip(1 - np.abs(s) ** 3.2, 0.12, 1) ** 0.6
    copies = kit.pick(1, 1, 2, 3)
    for k in range(copies):
        body = (
            tube(way, radius, 8)
            .creased(35)
            .turned("x", (k - (copies - 1) / 2) * 30)
            .turned("z", (k - (copies - 1) / 2) * 16)
        )
        kit.add("banana", body.at(y=0.2 * k))
        dark = kit.paint("brown")
        for end, sign in ((0, -1), (-1, 1)):
            tip = tube(way[[end, end]] + [[0, 0, 0], [sign * 0.075, 0, 0.065]], [0.05, 0.042 if sign < 0 else 0.02], 8)
            kit.add(
                "tip",
                tip.turned("x", (k - (copies - 1) / 2) * 30).turned("z", (k - (copies - 1) / 2) * 16).at(y=0.2 * k),
                dark,
            )


def cherry(kit: Kit) -> None:
    top = np.array((0.05, 0.0, 1.25))
    for x, y, r in ((-0.3, 0.05, 0.27), (0.3, -0.05, kit.between(0.24, 0.28))):
        fruit = lathe(
            curve([(0, 0), (r * 0.7, r * 0.22), (r, r), (r * 0.75, r * 1.65), (0.05, r * 1.86), (0, r * 1.78)], 18), 22
        )
        kit.add("cherry", fruit.at(x, y))
        kit.add(
            "stem",
            tube(curve([(x, y, r * 1.7), (x * 0.9, y, 0.85), top], 12), np.linspace(0.018, 0.026, 12), 7),
            kit.paint("green"),
        )
    kit.add(
        "leaf", leaf(0.55, 0.28).turned("y", -5).turned("z", kit.between(-40, 40)).at(*top), kit.paint("green", "satin")
    )


def strawberry(kit: Kit) -> None:
    profile = curve([(0, 0), (0.16, 0.1), (0.38, 0.5), (0.42, 0.76), (0.28, 0.94), (0, 0.96)], 22)
    kit.add("berry", lathe(profile, 26))
    seed = ellipsoid(0.014, 0.022, 0.03, 6)
    pale = kit.paint("yellow")
    for i in range(34):
        z = 0.1 + 0.76 * (i + 0.5) / 34
        r = float(np.interp(z, profile[:, 1], profile[:, 0]))
        kit.add("seed", seed.at(r, 0, z).turned("z", 137.5 * i), pale)
    green = kit.paint("green")
    kit.add("leaf", ring_of(leaf(0.4, 0.19, -0.12).turned("y", -6).at(z=1.0), 6, 0.02, kit.between(0, 60)), green)
    kit.add("stem", rod((0, 0, 0.94), (0.05, 0, 1.16), 0.03), green)


def pineapple(kit: Kit) -> None:
    tall = kit.between(0.9, 1.1)
    s = np.linspace(0, 1, 24)
    radius = 0.36 * (np.sin(np.pi * (0.1 + 0.82 * s)) ** 0.55)
    body = lathe(np.column_stack([np.concatenate([[0], radius, [0]]), np.concatenate([[0], s, [1]]) * tall]), 30)

    def knobs(v: Floats) -> Floats:
        angle = np.arctan2(v[:, 1], v[:, 0])
        bump = np.abs(np.sin(5 * angle + 12 * v[:, 2])) * np.abs(np.sin(5 * angle - 12 * v[:, 2]))
        v[:, :2] *= (1 + 0.13 * bump - 0.04)[:, None]
        return v

    kit.add("fruit", body.mapped(knobs).creased(25), kit.main.with_finish("satin"))
    green = kit.paint("green", "satin")
    for tier, (count, lift, length) in enumerate(((7, 25, 0.42), (6, 48, 0.5), (4, 72, 0.55))):
        blade = leaf(length, 0.13, 0.12).turned("y", -lift).at(z=tall * 0.97)
        kit.add("leaf", ring_of(blade, count, 0.04, 25.0 * tier), green)


def pumpkin(kit: Kit) -> None:
    flat, ribs = kit.between(0.68, 0.85), kit.count(8, 11)
    angle = np.linspace(-np.pi / 2, np.pi / 2, 18)
    profile = np.stack([0.62 * np.cos(angle) ** 0.75, 0.5 * np.sin(angle)], -1)
    profile[[0, -1], 0] = 0

    def ribbed(v: Floats) -> Floats:
        turn = np.arctan2(v[:, 1], v[:, 0])
        v[:, :2] *= (0.88 + 0.14 * np.abs(np.cos(ribs * turn / 2)) ** 0.6)[:, None]
        dip = 0.12 * np.exp(-((v[:, 0] ** 2 + v[:, 1] ** 2) / 0.03))
        v[:, 2] -= np.sign(v[:, 2]) * dip
        return v

    kit.add("pumpkin", lathe(profile, 66).mapped(ribbed).scaled(1, 1, flat).at(z=0.5 * flat).creased(70))
    kit.add(
        "stem",
        tube(
            curve([(0, 0, 0.85 * flat), (0.02, 0, flat), (0.12, 0, flat + 0.17)], 8), np.linspace(0.1, 0.06, 8), 6
        ).creased(20),
        kit.paint(kit.pick("green", "brown")),
    )
    if kit.chance(0.35):
        dark = kit.paint("black")
        kit.both("eye", ellipsoid(0.09, 0.06, 0.09, 10).at(0.2, -0.55, flat * 0.66), dark)
        kit.add(
            "mouth",
            tube(curve([(-0.26, -0.53, flat * 0.4), (0, -0.63, flat * 0.3), (0.26, -0.53, flat * 0.4)], 10), 0.045, 8),
            dark,
        )


def watermelon(kit: Kit) -> None:
    turn = np.linspace(0, np.pi, 22)
    for name, radius, deep, paint in (
        ("rind", 1.0, 0.3, kit.main),
        ("white", 0.93, 0.306, kit.paint("white")),
        ("flesh", 0.88, 0.312, kit.paint("red")),
    ):
        outline = np.stack([radius * np.cos(turn), -radius * np.sin(turn)], -1)
        outline = np.concatenate([outline, [[-radius, 0.002 * deep], [radius, 0.002 * deep]]])
        kit.add(name, extrude(outline, deep).turned("x", 90).at(0, deep / 2, 1.0), paint)
    seed = ellipsoid(0.022, 0.014, 0.04, 8)
    dark = kit.paint("black", "glossy")
    for i in range(kit.count(9, 14)):
        angle, r = np.pi * ((i * 0.382) % 1 * 0.8 + 0.1), 0.3 + 0.45 * ((i * 0.618) % 1)
        for y in (-0.156, 0.156):
            kit.add("seed", seed.at(r * np.cos(angle), y, 1.0 - r * np.sin(angle)), dark)


def orange(kit: Kit) -> None:
    kit.add("orange", sphere(0.5, 28).scaled(1, 1, kit.between(0.92, 1.0)).at(z=0.5))
    green = kit.paint("green")
    kit.add("stem", cylinder(0.05, 0.04, n=6).at(z=0.96), green)
    if kit.chance(0.7):
        kit.add("leaf", leaf(0.42, 0.22, 0.1).turned("z", kit.between(0, 360)).at(z=0.98), green)
    if kit.chance(0.5):
        x = 1.02
        kit.add("half", dome(0.5, 0.48, 28).turned("x", 180).at(x, 0, 0.5))
        kit.add("peel", cylinder(0.5, 0.02, n=28).at(x, 0, 0.49))
        kit.add("flesh", cylinder(0.45, 0.03, n=28).at(x, 0, 0.49), kit.paint("white"))
        wedge = extrude(np.array([(0.05, -0.01), (0.36, -0.12), (0.41, 0.0), (0.36, 0.12), (0.05, 0.01)]), 0.045, 0.01)
        kit.add("segment", ring_of(wedge, 9).at(x, 0, 0.49), kit.paint(kit.main.colour, "glossy"))


def lemon(kit: Kit) -> None:
    profile = curve(
        [
            (0, -0.78),
            (0.07, -0.72),
            (0.12, -0.62),
            (0.36, -0.36),
            (0.43, 0),
            (0.36, 0.36),
            (0.12, 0.6),
            (0.09, 0.68),
            (0, 0.72),
        ],
        28,
    )
    kit.add("lemon", lathe(profile, 26).turned("y", 90 - kit.between(0, 12)).at(z=0.43))
    if kit.chance(0.6):
        kit.add("leaf", leaf(0.5, 0.24, 0.1).turned("z", kit.between(-50, 50)).at(0.62, 0, 0.55), kit.paint("green"))


def grapes(kit: Kit) -> None:
    ball = sphere(0.15, 14)
    for tier, count in enumerate((1, 3, 5, 6, 7)):
        for k in range(count):
            r = 0.0 if count == 1 else 0.05 + 0.062 * count
            turn = 2 * np.pi * (k / count) + tier * 0.7
            kit.add(
                "grape",
                ball.at(r * np.cos(turn), 0.8 * r * np.sin(turn), 0.16 + 0.215 * tier),
                kit.main.with_finish("glossy"),
            )
    kit.add("stem", tube(curve([(0, 0, 1.05), (0, 0, 1.25), (0.1, 0, 1.42)], 8), 0.032, 7), kit.paint("brown"))
    kit.add(
        "leaf",
        leaf(0.5, 0.4, 0.1).turned("y", -10).turned("z", kit.between(-60, 60)).at(0, 0, 1.22),
        kit.paint("green"),
    )


def carrot(kit: Kit) -> None:
    s = np.linspace(0, 1, 20)
    radius = 0.19 * (1 - s) ** 0.62 * (1 + 0.05 * np.sin(45 * s)) + 0.004
    way = np.stack([1.25 * s - 0.2, 0.05 * np.sin(3 * s), 0.19 - 0.12 * s], -1)
    kit.add("root", tube(way, radius, 16))
    green = kit.paint("green")
    for k in range(kit.count(4, 6)):
        side = (k - 2.2) * 0.13
        way = curve(
            [
                (-0.36, side * 0.2, 0.2),
                (-0.62, side * 0.8, 0.26 + 0.05 * (k % 2)),
                (-0.95, side * 1.9, 0.2 + 0.1 * (k % 2)),
            ],
            10,
        )
        kit.add("leaf", tube(way, np.concatenate([np.linspace(0.025, 0.07, 7), [0.055, 0.035, 0.01]]), 7), green)


def mushroom(kit: Kit) -> None:
    wide, tall = kit.between(0.48, 0.62), kit.between(0.5, 0.72)
    kit.add(
        "stem", lathe(curve([(0.2, 0), (0.21, 0.04), (0.14, tall * 0.5), (0.15, tall)], 12), 22), kit.paint("white")
    )
    cap = curve(
        [
            (0.12, tall - 0.05),
            (wide * 0.95, tall - 0.05),
            (wide, tall + 0.03),
            (wide * 0.82, tall + 0.28),
            (wide * 0.4, tall + 0.44),
            (0, tall + 0.48),
        ],
        20,
    )
    kit.add("cap", lathe([(0, tall - 0.02), *cap], 30))
    if kit.chance(0.75):
        pale = kit.paint("white" if kit.main.colour != "white" else "red")
        for i in range(11):
            share = (i + 0.6) / 11
            z = tall + 0.06 + 0.4 * share
            r = float(np.interp(z, cap[6:, 1], cap[6:, 0]))
            kit.add("spot", ellipsoid(0.03, 0.07, 0.07, 10).at(r, 0, z).turned("z", 137.5 * i), pale)


TOYS = (
    ToyClass("apple", apple, "fruit", ("red", "red", "green", "yellow"), ("satin", "glossy"), (0.07, 0.1)),
    ToyClass("pear", pear, "fruit", ("green", "yellow"), ("satin",), (0.08, 0.12)),
    ToyClass("banana", banana, "fruit", ("yellow", "yellow", "green"), ("satin",), (0.14, 0.2), (12, 60)),
    ToyClass("cherry", cherry, "fruit", ("red",), ("glossy",), (0.05, 0.09), plural="cherries", synonyms=("pair of cherries",)),
    ToyClass("strawberry", strawberry, "fruit", ("red", "red", "pink"), ("satin",), (0.05, 0.09), plural="strawberries"),
    ToyClass("pineapple", pineapple, "fruit", ("yellow", "orange", "brown"), ("matt",), (0.2, 0.3), (5, 40)),
    ToyClass("pumpkin", pumpkin, "fruit", ("orange", "orange", "white"), ("satin",), (0.16, 0.28)),
    ToyClass("watermelon slice", watermelon, "fruit", ("green",), ("satin",), (0.16, 0.24), (3, 32), 60, ("slice of watermelon", "watermelon"), "watermelon slices"),
    ToyClass("orange", orange, "fruit", ("orange",), ("satin",), (0.07, 0.16), plural="oranges"),
    ToyClass("lemon", lemon, "fruit", ("yellow",), ("satin",), (0.07, 0.1)),
    ToyClass("grapes", grapes, "fruit", ("purple", "green"), ("glossy",), (0.12, 0.18), (5, 40), synonyms=("bunch of grapes",), plural="bunches of grapes", has_article=False),
    ToyClass("carrot", carrot, "vegetable", ("orange",), ("matt",), (0.14, 0.22), (25, 65)),
    ToyClass("mushroom", mushroom, "vegetable", ("red", "brown", "white"), ("satin", "matt"), (0.07, 0.14), (3, 35)),
)  # fmt: skip
