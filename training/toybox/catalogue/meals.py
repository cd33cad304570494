"""Meals shelf: cakes, bread and dinners."""

# ruff: noqa: E501 (rows of the table are kept whole)
from __future__ import annotations

import numpy as np

from training.toybox.kit import Kit, ToyClass
from training.toybox.mesh import Floats
from training.toybox.shapes import (
    box,
    curve,
    cylinder,
    ellipsoid,
    extrude,
    lathe,
    loft,
    ring_of,
    sphere,
    torus,
    tube,
)  # fmt: skip


def cake(kit: Kit) -> None:
    layers = kit.pick(1, 2, 2, 3)
    wide, z = 0.72, 0.06
    plate = kit.paint("white", "glossy")
    kit.add("plate", lathe([(0.4, 0), (0.82, 0.04), (0.84, 0.06), (0, 0.06)], 36), plate)
    icing = kit.second if kit.second.colour not in ("black", "grey") else kit.paint("pink")
    for _ in range(layers):
        kit.add("cake", cylinder(wide, 0.34, bevel=0.04, n=36).at(z=z))
        z += 0.34
        kit.add("icing", cylinder(wide * 1.02, 0.07, bevel=0.03, n=36).at(z=z - 0.06), icing)
        drip = ellipsoid(0.07, 0.05, 0.11, 10)
        kit.add("icing", ring_of(drip.at(z=z - 0.07), int(14 * wide), wide * 0.99), icing)
        wide *= 0.68
    top = wide / 0.68 * 0.62
    candles = kit.count(1, 6)
    for k in range(candles):
        x, y = top * np.cos(6.283 * k / candles) * (candles > 1), top * np.sin(6.283 * k / candles) * (candles > 1)
        kit.add("candle", cylinder(0.035, 0.26, n=8).at(x, y, z), kit.paint(kit.pick("red", "blue", "yellow", "white")))
        flame = kit.paint("orange")
        kit.add("flame", lathe([(0, 0), (0.03, 0.04), (0.025, 0.08), (0, 0.14)], 8).at(x, y, z + 0.27), flame)


def donut(kit: Kit) -> None:
    dough = torus(0.5, 0.26, 36, 16).scaled(1, 1, 0.82)
    kit.add("dough", dough.at(z=0.215), kit.paint(kit.pick("brown", "orange")))
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    wave = 0.03 * np.sin(7 * turn) + 0.02 * np.sin(11 * turn)
    around = np.linspace(0.0, 2 * np.pi, 18, endpoint=False)
    rings = []
    for angle, w in zip(turn, wave, strict=True):
        r = 0.5 + (0.275 + (w + 0.01) * (np.sin(around) < 0.25)) * np.cos(around)
        z = 0.225 + 0.235 * np.maximum(np.sin(around), 0.02 - 1.3 * max(w, 0))
        rings.append(np.stack([r * np.cos(angle), r * np.sin(angle), z], -1))
    kit.add("icing", loft(np.array(rings)[:, ::-1][:, :, :], is_loop=True).creased(80), kit.main.with_finish("glossy"))
    stick = tube([(-0.035, 0, 0), (0.035, 0, 0)], 0.015, 6)
    for i in range(kit.pick(0, 26, 34)):
        angle, r = 2.399 * i, 0.36 + 0.28 * ((i * 0.618) % 1)
        z = 0.225 + 0.235 * np.sqrt(max(1 - ((r - 0.5) / 0.275) ** 2, 0)) + 0.006
        tone = ("yellow", "blue", "white", "green", "red")[i % 5]
        kit.add("sprinkle", stick.turned("z", 71 * i).at(r * np.cos(angle), r * np.sin(angle), z), kit.paint(tone))


def burger(kit: Kit) -> None:
    bun = kit.main if kit.main.pattern == "plain" else kit.paint("orange")
    kit.add("bun", cylinder(0.56, 0.2, bevel=0.09, n=32), bun)
    z = 0.19
    for name, tone, thick, wide in (
        ("patty", "brown", 0.15, 0.6),
        ("cheese", "yellow", 0.04, 0.0),
        ("tomato", "red", 0.06, 0.55),
        ("lettuce", "green", 0.06, 0.64),
    ):
        if name == "cheese":
            kit.add(
                name,
                box(1.04, 1.04, 0.04, 0.01).mapped(_droop).turned("z", 45 * kit.pick(0, 1)).at(z=z),
                kit.paint(tone, "satin"),
            )
        elif name == "lettuce":
            turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
            rings = [
                np.stack([r * np.cos(turn), r * np.sin(turn), z + h + lift * np.sin(9 * turn)], -1)
                for r, h, lift in ((0.4, 0, 0), (wide, -0.02, 0.045), (wide, 0.02, 0.045), (0.4, 0.05, 0))
            ]
            kit.add(name, loft(np.array(rings)), kit.paint(tone))
        else:
            kit.add(name, cylinder(wide, thick, bevel=thick * 0.4, n=32).at(z=z), kit.paint(tone, "satin"))
        z += thick
    kit.add(
        "bun", lathe(curve([(0.54, z), (0.6, z + 0.07), (0.52, z + 0.26), (0.3, z + 0.4), (0, z + 0.44)], 16), 32), bun
    )
    for i in range(22):
        share = (i + 0.5) / 22
        r = 0.48 * np.sqrt(share)
        height = z + 0.44 - 0.48 * r**2 - 0.12 * r
        kit.add(
            "seed",
            ellipsoid(0.035, 0.02, 0.014, 8).turned("z", 50 * i).at(r * np.cos(2.4 * i), r * np.sin(2.4 * i), height),
            kit.paint("white"),
        )


def _droop(v: Floats) -> Floats:
    v[:, 2] -= 0.5 * np.maximum(np.abs(v[:, :2]).max(1) - 0.44, 0) + 0.25 * np.maximum(
        np.hypot(v[:, 0], v[:, 1]) - 0.55, 0
    )
    return v


def pizza(kit: Kit) -> None:
    gone = kit.pick(0, 0, 1, 2)
    slices = 8
    crust, cheese = kit.paint("brown", "matt"), kit.main.with_finish("satin")
    kinds = [kit.paint(tone, "satin") for tone in ("red", "green", "black")]
    for k in range(slices - gone):
        low, high = np.radians(360 / slices * k + 0.6), np.radians(360 / slices * (k + 1) - 0.6)
        arc = np.linspace(low, high, 7)
        rim = np.stack([np.cos(arc), np.sin(arc)], -1)
        kit.add("crust", extrude(np.concatenate([[(0, 0)], rim]), 0.06, 0.015), crust)
        kit.add("crust", tube(np.column_stack([rim * 0.95, np.full(7, 0.07)]), 0.075, 8), crust)
        kit.add("cheese", extrude(np.concatenate([[(0, 0)], rim * 0.9]), 0.03, 0.008).at(z=0.055), cheese)
        middle = (low + high) / 2
        for r, turn in ((0.42, 0.0), (0.72, 0.17), (0.74, -0.17)):
            kind = kinds[0] if r < 0.5 or turn > 0 else kinds[int(kit.rng.integers(3))]
            kit.add(
                "topping",
                cylinder(0.1 if kind is kinds[0] else 0.06, 0.035, bevel=0.01, n=14).at(
                    r * np.cos(middle + turn), r * np.sin(middle + turn), 0.075
                ),
                kind,
            )


def ice_cream(kit: Kit) -> None:
    wafer = kit.paint("orange").with_pattern("checks", tuple(c * 0.8 for c in kit.paint("orange").rgb), 0.05)  # type: ignore[arg-type]
    kit.add("cone", lathe([(0, 0), (0.04, 0.0), (0.3, 0.95), (0.33, 0.98), (0.33, 1.04), (0, 1.04)], 26), wafer)
    scoops = kit.pick(1, 2, 2, 3)
    for k in range(scoops):
        tone = (
            kit.main
            if k == 0 or kit.chance(0.55)
            else kit.paint(kit.pick("white", "pink", "brown", "yellow", "green"), "satin")
        )
        r = 0.36 - 0.03 * k
        blob = sphere(r, 24).mapped(
            lambda v, r=r: v * (1 + 0.05 * np.sin(9 * v[:, :1] / r) * np.sin(7 * v[:, 2:] / r + 1))
        )
        kit.add("scoop", blob.at(0.02 * k, 0.02, 1.14 + 0.45 * k), tone)
        kit.add("scoop", torus(r * 0.94, 0.06, 24, 8).at(0.02 * k, 0.02, 1.05 + 0.45 * k), tone)
    if kit.chance(0.6):
        top = 1.14 + 0.45 * (scoops - 1) + 0.36
        kit.add("cherry", sphere(0.1, 14).at(0.03, 0, top + 0.06), kit.paint("red", "glossy"))


def cupcake(kit: Kit) -> None:
    turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    frill = 1 + 0.045 * np.sign(np.sin(18 * turn))
    rings = [
        np.stack([r * frill * np.cos(turn), r * frill * np.sin(turn), np.full(72, z)], -1)
        for r, z in ((0.34, 0), (0.48, 0.5))
    ]
    kit.add("wrapper", loft(np.array(rings)).creased(20), kit.second)
    s = np.linspace(0, 4.2 * 2 * np.pi, 110)
    share = s / s[-1]
    way = np.stack([0.36 * (1 - share) * np.cos(s), 0.36 * (1 - share) * np.sin(s), 0.54 + 0.62 * share], -1)
    kit.add("icing", tube(way, 0.17 * (1 - 0.55 * share), 10))
    kit.add("icing", cylinder(0.46, 0.12, bevel=0.05, n=30).at(z=0.46))
    if kit.chance(0.7):
        kit.add("cherry", sphere(0.12, 14).at(0, 0, 1.27), kit.paint("red", "glossy"))


def bread(kit: Kit) -> None:
    length = kit.between(1.0, 1.4)
    s = np.linspace(0, np.pi, 16)
    rings = []
    for x in np.linspace(-1, 1, 21):
        swell = (1 - abs(x) ** 5) ** 0.5 * (1 + 0.05 * np.cos(8 * np.pi * x)) + 0.03
        top = np.stack(
            [np.full(16, x * length / 2), 0.34 * swell * np.cos(s), 0.16 + 0.34 * swell * np.sin(s) ** 0.8], -1
        )
        foot = np.stack(
            [np.full(3, x * length / 2), 0.3 * swell * np.array([-0.98, 0, 0.98]), 0.16 * (1 - swell) * np.ones(3)], -1
        )
        rings.append(np.concatenate([top, foot]))
    kit.add("loaf", loft(np.array(rings)).creased(70), kit.main)
    for x in np.linspace(-0.33, 0.33, 4) * length:
        cut = tube(curve([(x - 0.08, -0.2, 0.44), (x, 0, 0.505), (x + 0.08, 0.2, 0.44)], 10), 0.03, 6)
        kit.add("cut", cut, kit.paint("yellow" if kit.main.colour != "yellow" else "brown"))


def cheese(kit: Kit) -> None:
    high = kit.between(0.4, 0.55)
    wedge = extrude([(0, -0.6), (1.05, 0.0), (0, 0.6), (-0.1, 0.3), (-0.12, 0.0), (-0.1, -0.3)], high, 0.02)
    kit.add("cheese", wedge, kit.main)
    hole = kit.paint("brown" if kit.main.colour in ("yellow", "orange") else kit.main.colour)
    normal_side = np.degrees(np.arctan2(1.05, 0.6))
    for i in range(kit.count(9, 13)):
        t, z, r = 0.1 + 0.75 * ((i * 0.618) % 1), high * (0.2 + 0.6 * ((i * 0.382) % 1)), 0.04 + 0.05 * ((i * 0.29) % 1)
        disc = ellipsoid(r, 0.012, r, 12)
        sign = -1 if i % 2 else 1
        kit.add("hole", disc.turned("z", -sign * (90 - normal_side)).at(1.05 * t, sign * 0.6 * (1 - t), z), hole)
    for i in range(4):
        kit.add("hole", ellipsoid(0.07, 0.06, 0.012, 12).at(0.1 + 0.2 * i, 0.12 * (-1) ** i, high), hole)


def egg(kit: Kit) -> None:
    profile = curve([(0, 0), (0.2, 0.05), (0.36, 0.3), (0.35, 0.55), (0.22, 0.85), (0.1, 0.96), (0, 0.99)], 22)
    kit.add("egg", lathe(profile, 28).at(z=0.3))
    kit.add(
        "egg cup",
        lathe(curve([(0.26, 0), (0.24, 0.04), (0.08, 0.12), (0.09, 0.22), (0.3, 0.4), (0.35, 0.56)], 18), 28),
        kit.second,
    )


def hot_dog(kit: Kit) -> None:
    bun = kit.paint(kit.pick("orange", "brown"), "satin")
    for y, tilt in ((-0.17, -25), (0.17, 25)):
        half = ellipsoid(0.85, 0.24, 0.22, 24).turned("x", -tilt).at(0, y, 0.24)
        kit.add("bun", half, bun)
    bow = np.linspace(-1, 1, 20)
    way = np.stack([0.95 * bow, 0 * bow, 0.31 + 0.06 * bow**2], -1)
    kit.add("sausage", tube(way, 0.16, 14), kit.main.with_finish("glossy"))
    s = np.linspace(-1, 1, 60)
    kit.add(
        "mustard",
        tube(np.stack([0.8 * s, 0.07 * np.sin(22 * s), 0.475 + 0.045 * s**2], -1), 0.035, 7),
        kit.paint("yellow" if kit.main.colour != "yellow" else "red", "glossy"),
    )


TOYS = (
    ToyClass("cake", cake, "baking", ("brown", "white", "pink", "yellow"), ("matt",), (0.18, 0.28), (10, 45), synonyms=("birthday cake",)),
    ToyClass("donut", donut, "baking", ("pink", "brown", "white"), ("glossy",), (0.09, 0.13), (25, 65), synonyms=("doughnut",)),
    ToyClass("burger", burger, "meal", ("orange", "brown"), ("satin",), (0.1, 0.15), (3, 35), synonyms=("hamburger", "cheeseburger")),
    ToyClass("pizza", pizza, "meal", ("yellow", "yellow", "orange"), ("satin",), (0.24, 0.34), (28, 70)),
    ToyClass("ice cream", ice_cream, "baking", ("pink", "white", "brown", "yellow", "green"), ("satin",), (0.14, 0.22), (0, 35), synonyms=("ice cream cone",)),
    ToyClass("cupcake", cupcake, "baking", ("pink", "white", "brown", "turquoise"), ("satin",), (0.08, 0.12), (8, 40), synonyms=("muffin",)),
    ToyClass("bread", bread, "baking", ("brown", "orange", "yellow"), ("matt",), (0.2, 0.3), (15, 50), synonyms=("loaf of bread",), plural="loaves of bread", has_article=False),
    ToyClass("cheese", cheese, "meal", ("yellow", "yellow", "orange"), ("satin",), (0.12, 0.2), (12, 45), 120, ("piece of cheese",), "pieces of cheese", has_article=False),
    ToyClass("egg", egg, "meal", ("white", "brown", "white"), ("satin",), (0.07, 0.1), (5, 40), synonyms=("boiled egg",)),
    ToyClass("hot dog", hot_dog, "meal", ("red", "brown"), ("glossy",), (0.14, 0.2), (15, 50)),
)  # fmt: skip
