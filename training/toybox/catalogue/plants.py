"""Plant shelf: trees, flowers, and the snowman among them."""

# ruff: noqa: E501 (rows of the table are kept whole)
from __future__ import annotations

import numpy as np

from training.toybox.catalogue.fruit import leaf
from training.toybox.kit import Kit, ToyClass
from training.toybox.mesh import Floats
from training.toybox.palette import shade
from training.toybox.shapes import (
    box,
    curve,
    cylinder,
    ellipsoid,
    lathe,
    loft,
    ring_of,
    rod,
    sheet,
    sphere,
    torus,
    tube,
)  # fmt: skip


def tree(kit: Kit) -> None:
    bark = kit.paint("brown").with_pattern("wood", (0.2, 0.13, 0.08), 0.05)
    leaves = kit.main.with_pattern("grass", shade(kit.main.rgb, 0.55), 0.14)
    kind = kit.count(0, 2)
    if kind == 0:  # fir
        tiers = kit.count(3, 4)
        kit.add("trunk", cylinder(0.09, 0.5, n=14), bark)
        for k in range(tiers):
            r, z = 0.55 * (1 - 0.24 * k), 0.28 + 0.36 * k
            n = 30
            turn = 2 * np.pi * np.arange(n) / n
            wave = 1 + 0.1 * np.cos(10 * turn)
            ring = np.stack([r * wave * np.cos(turn), r * wave * np.sin(turn), np.full(n, z)], -1)
            mid = np.stack([0.45 * r * np.cos(turn), 0.45 * r * np.sin(turn), np.full(n, z + 0.32)], -1)
            kit.add("crown", loft(np.stack([ring, mid]), start=(0, 0, z + 0.1), end=(0, 0, z + 0.58)), leaves)
        return
    kit.add(
        "trunk",
        tube(
            curve([(0, 0, 0), (0.02, 0, 0.4), (-0.02, 0.02, 0.85)], 10),
            np.linspace(0.13, 0.08, 10),
            12,
            round_ends=False,
        ),
        bark,
    )
    if kind == 1:  # round crown
        for i in range(kit.count(7, 10)):
            r = kit.between(0.24, 0.36)
            spread = 0.0 if i == 0 else 0.3
            lump = sphere(r, 16).mapped(_lumpy(6 + i))
            kit.add(
                "crown",
                lump.at(spread * np.cos(2.4 * i), spread * np.sin(2.4 * i), 1.02 + 0.22 * np.sin(1.7 * i)),
                leaves,
            )
    else:  # tall oval
        kit.add("crown", ellipsoid(0.42, 0.42, 0.68, 26).mapped(_lumpy(8)).at(z=1.2), leaves)
    for turn in (20, 150, 260):
        kit.add("branch", rod((0, 0, 0.55), (0.24, 0, 0.85), 0.035, 0.02, n=8).turned("z", turn), bark)
    if kit.chance(0.35):
        for i in range(12):
            kit.add(
                "fruit",
                sphere(0.055, 10).at(0.37 * np.cos(2.4 * i), 0.37 * np.sin(2.4 * i), 0.95 + 0.035 * i),
                kit.paint("red", "glossy"),
            )


def _lumpy(frequency: float):  # type: ignore[no-untyped-def]
    """Return a map that ripples a ball's surface by 7 %."""

    def ripple(v: Floats) -> Floats:
        unit = v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-9)
        wave = (
            np.sin(frequency * unit[:, :1]) * np.sin(frequency * unit[:, 1:2] + 1) * np.sin(frequency * unit[:, 2:] + 2)
        )
        return v * (1 + 0.13 * wave)

    return ripple


def palm(kit: Kit) -> None:
    lean = kit.between(0.1, 0.35)
    way = curve([(0, 0, 0), (lean * 0.3, 0, 0.5), (lean, 0, 1.3)], 22)
    radius = np.linspace(0.1, 0.06, 22) * (1 + 0.1 * (np.arange(22) % 2))
    kit.add("trunk", tube(way, radius, 12, round_ends=False).creased(20), kit.paint("brown"))
    top = way[-1]
    count = kit.count(7, 9)
    for k in range(count):
        s = np.linspace(0, 1, 12)
        half = 0.11 * np.sin(np.pi * s**0.7) * (1 + 0.28 * np.where(np.arange(12) % 2, 1, -1)) + 0.004
        across = np.array([-1, 0, 1])
        x = np.broadcast_to((0.8 * s)[:, None], (12, 3))
        z = (0.36 * np.sin(np.pi * 0.62 * s) - 0.52 * s**2.2)[:, None] - 0.5 * half[:, None] * np.abs(across)
        frond = sheet(np.stack([x, half[:, None] * across, z], -1), 0.02)
        kit.add("leaf", frond.turned("z", 360 * k / count + 14 * (k % 2)).at(*top), kit.main)
    for k in range(3):
        kit.add(
            "coconut",
            sphere(0.075, 12).at(top[0] + 0.09 * np.cos(2.1 * k), 0.09 * np.sin(2.1 * k), top[2] - 0.06),
            kit.paint("brown"),
        )


def cactus(kit: Kit) -> None:
    tall = kit.between(1.0, 1.3)
    pot = kit.second
    kit.add(
        "pot",
        lathe([(0.24, 0), (0.31, 0.32), (0.36, 0.32), (0.36, 0.42), (0.3, 0.42), (0.29, 0.37), (0, 0.37)], 28),
        pot,
    )
    body = tube(np.stack([np.zeros(10), np.zeros(10), np.linspace(0.3, tall, 10)], -1), 0.19, 24).mapped(
        _ribs(0.0, 0.0, 8)
    )
    kit.add("stem", body.creased(60))
    for sign in (-1, 1) if kit.chance(0.7) else (1,):
        z = kit.between(0.6, 0.85)
        way = curve(
            [
                (0, 0, z),
                (sign * 0.3, 0, z + 0.02),
                (sign * 0.4, 0, z + 0.16),
                (sign * 0.4, 0, z + kit.between(0.3, 0.5)),
            ],
            18,
        )
        kit.add("arm", tube(way, 0.11, 16))
    white = kit.paint("white")
    for i in range(40):
        z, turn = 0.45 + (tall - 0.4) * ((i * 0.618) % 1), 45.0 * (i % 8)
        kit.add("spine", rod((0.17, 0, z), (0.25, 0, z + 0.02), 0.008, 0.003, n=4).turned("z", turn), white)
    if kit.chance(0.6):
        petal = ellipsoid(0.09, 0.045, 0.02, 10).turned("y", -28).at(0.07)
        kit.add("flower", ring_of(petal, 6).at(z=tall + 0.17), kit.paint(kit.pick("pink", "red", "yellow")))


def _ribs(x: float, y: float, count: int):  # type: ignore[no-untyped-def]
    """Return a map that grooves an upright column about (x, y)."""

    def groove(v: Floats) -> Floats:
        turn = np.arctan2(v[:, 1] - y, v[:, 0] - x)
        v[:, :2] *= (1 + 0.1 * np.abs(np.cos(count * turn / 2)))[:, None]
        return v

    return groove


def flower(kit: Kit) -> None:
    green = kit.paint("green")
    tall = kit.between(0.8, 1.05)
    kit.add("stem", tube(curve([(0, 0, 0.1), (0.03, 0, tall * 0.5), (0, -0.02, tall)], 12), 0.028, 8), green)
    for k in range(2):
        kit.add(
            "leaf", leaf(0.42, 0.16, 0.25).turned("y", -32).turned("z", 30 + 170 * k).at(0.02, 0, 0.3 + 0.14 * k), green
        )
    head = Kit(kit.rng, kit.main, kit.second)
    kind = kit.count(0, 2)
    if kind == 0:  # daisy
        count = kit.count(8, 12)
        petal = ellipsoid(0.19, 0.26 * 3.0 / count, 0.025, 14).turned("y", -10).at(0.24)
        head.add("petal", ring_of(petal, count))
        head.add(
            "centre", ellipsoid(0.13, 0.13, 0.06, 18), kit.paint("yellow" if kit.main.colour != "yellow" else "brown")
        )
    elif kind == 1:  # tulip
        cup = curve([(0, 0), (0.14, 0.03), (0.2, 0.18), (0.16, 0.36)], 12)
        head.add("petal", lathe(cup, 24))
        for k in range(6):
            head.add(
                "petal",
                ellipsoid(0.05, 0.12, 0.21, 14).turned("y", 8 if k % 2 else 4).at(0.14, 0, 0.22).turned("z", 60 * k),
            )
    else:  # five round petals
        petal = ellipsoid(0.16, 0.15, 0.035, 16).turned("y", -14).at(0.19)
        head.add("petal", ring_of(petal, 5))
        head.add("centre", sphere(0.09, 14).at(z=0.02), kit.paint("yellow" if kit.main.colour != "yellow" else "white"))
    nod = 0 if kind == 1 else kit.between(30, 62)
    for name, mesh, paint in head.tray:
        kit.add(name, mesh.turned("x", nod).at(0, -0.02, tall), paint)
    kit.add(
        "pot",
        lathe([(0.16, 0), (0.22, 0.24), (0.25, 0.24), (0.25, 0.3), (0.2, 0.3), (0.2, 0.27), (0, 0.27)], 24),
        kit.second if kit.second.colour != kit.main.colour else kit.paint("brown"),
    )


def snowman(kit: Kit) -> None:
    z = 0.0
    for r in (0.42, 0.31, 0.22):
        kit.add("body" if r > 0.25 else "head", sphere(r, 24).at(z=z + r * 0.92), kit.main)
        z += r * 1.62
    head = z - 0.22 * 1.62 + 0.22 * 0.92
    black = kit.paint("black")
    kit.both("eye", sphere(0.028, 10).at(0.075, -0.195, head + 0.06), black)
    kit.add("nose", lathe([(0.045, 0), (0, 0.26)], 12).turned("x", 88).at(0, -0.2, head), kit.paint("orange"))
    for k in range(3):
        kit.add("button", sphere(0.032, 10).at(0, -0.305 + 0.012 * k - 0.015 * (k == 0), head - 0.52 + 0.13 * k), black)
    kit.add("scarf", torus(0.2, 0.055, 24, 10).at(z=head - 0.19), kit.second)
    kit.add("scarf", box(0.1, 0.05, 0.28, 0.02).turned("y", 8).at(0.12, -0.26, head - 0.46), kit.second)
    if kit.chance(0.7):
        hat = black if kit.chance(0.7) else kit.second
        kit.add("hat", cylinder(0.27, 0.03, bevel=0.01, n=26).at(z=head + 0.16), hat)
        kit.add("hat", cylinder(0.17, 0.25, bevel=0.015, n=24).at(z=head + 0.17), hat)
    stick = kit.paint("brown")
    for sign in (-1, 1):
        hand = np.array((sign * 0.72, -0.05, head - 0.16))
        kit.add("arm", tube([(sign * 0.26, 0, head - 0.36), hand], [0.025, 0.016], 7), stick)
        for up in (0.12, -0.02):
            kit.add("arm", tube([hand * (0.9, 1, 1) - (0, 0, 0.02), hand + (sign * 0.06, 0, up)], 0.012, 6), stick)


TOYS = (
    ToyClass("tree", tree, "plant", ("green", "green", "green", "orange"), ("matt",), (0.2, 0.34), (3, 36)),
    ToyClass("palm tree", palm, "plant", ("green", "green"), ("matt", "satin"), (0.22, 0.36), (2, 32)),
    ToyClass("cactus", cactus, "plant", ("green", "green", "turquoise"), ("matt", "satin"), (0.14, 0.24), (3, 36), plural="cacti"),
    ToyClass("flower", flower, "plant", ("red", "yellow", "pink", "purple", "white", "orange"), ("satin", "matt"), (0.14, 0.24), (8, 42), 110),
    ToyClass("snowman", snowman, "figure", ("white",) * 6, ("matt",), (0.16, 0.26), (2, 32), 90, plural="snowmen"),
)  # fmt: skip
