"""Household shelf: clocks, books, boxes and bags; fronts towards -y."""

# ruff: noqa: E501 (rows of the table are kept whole)
from __future__ import annotations

import numpy as np

from training.toybox.kit import Kit, ToyClass
from training.toybox.mesh import Mesh, split
from training.toybox.palette import Material, shade
from training.toybox.shapes import (
    box,
    cup_profile,
    curve,
    cylinder,
    dome,
    extrude,
    lathe,
    loft,
    rod,
    sphere,
    torus,
    tube,
    wrap,
)  # fmt: skip


def clock(kit: Kit) -> None:
    """Twin-bell alarm clock or round wall clock on feet."""
    face = cylinder(0.5, 0.2, bevel=0.03, n=40).turned("x", 90).at(0, 0.1, 0.62)
    kit.add("case", face)
    kit.add(
        "face",
        cylinder(0.43, 0.02, n=36).turned("x", 90).at(0, -0.095, 0.62),
        kit.paint("white" if kit.main.colour != "white" else "yellow"),
    )
    black = kit.paint("black")
    for k in range(12):
        long = 0.09 if k % 3 == 0 else 0.05
        mark = box(0.025, 0.02, long).at(0, -0.118, 0.39 - long).turned("y", 30 * k).at(0, 0, 0.62)
        kit.add("mark", mark, black)
    hours, minutes = kit.between(0, 360), kit.between(0, 360)
    kit.add("hand", box(0.045, 0.015, 0.24, 0.005).at(0, -0.125, -0.02).turned("y", hours).at(0, 0, 0.62), black)
    kit.add(
        "hand",
        box(0.03, 0.015, 0.35, 0.005).at(0, -0.135, -0.02).turned("y", minutes).at(0, 0, 0.62),
        kit.paint("red") if kit.chance(0.4) else black,
    )
    kit.add("hub", cylinder(0.035, 0.05, n=12).turned("x", 90).at(0, -0.1, 0.62), black)
    metal = kit.paint(kit.pick("grey", "yellow"), "metal")
    if kit.chance(0.75):
        for sign in (-1, 1):
            bell = dome(0.19, 0.13, 18).turned("y", sign * 34).at(sign * 0.3, 0, 1.08)
            kit.add("bell", bell, metal)
        kit.add(
            "handle",
            tube(curve([(-0.24, 0, 1.2), (-0.12, 0, 1.36), (0.12, 0, 1.36), (0.24, 0, 1.2)], 12), 0.025, 8),
            metal,
        )
        kit.add("hammer", rod((0, 0, 1.1), (0, 0, 1.24), 0.03, n=8), metal)
    for sign in (-1, 1):
        kit.add("foot", rod((sign * 0.36, 0, 0), (sign * 0.28, 0, 0.24), 0.035, 0.045, n=10), metal)


def book(kit: Kit) -> None:
    wide, deep, thick = 0.75, kit.between(0.95, 1.1), kit.between(0.12, 0.26)
    is_open = kit.chance(0.3)
    white = kit.paint("white")
    if is_open:
        s = np.linspace(0, 1, 10)
        for sign in (-1, 1):
            arch = 0.05 + 0.1 * np.sin(np.pi * np.clip(s * 1.15, 0, 1)) * (1 - 0.5 * s) + 0.03
            outline = np.concatenate([np.stack([sign * wide * s, arch], -1), [[sign * wide, 0.025], [0, 0.025]]])
            kit.add("page", extrude(outline, deep * 0.96).turned("x", 90).at(y=deep * 0.48), white)
            kit.add("cover", box(wide + 0.03, deep, 0.03, 0.008).at(sign * (wide + 0.03) / 2, 0, 0))
            grey = kit.paint("grey")
            for row in range(7):
                y = deep * 0.36 - row * deep * 0.12
                kit.add(
                    "text",
                    box(wide * 0.62, 0.022, 0.012).at(sign * wide * 0.52, y, float(np.interp(0.52, s, arch)) - 0.004),
                    grey,
                )
        return
    kit.add("page", box(wide, deep, thick, 0).at(0.015, 0, 0.03), white)
    for z in (0.0, thick + 0.03):
        kit.add("cover", box(wide + 0.08, deep + 0.07, 0.035, 0.008).at(0, 0, z))
    kit.add("spine", box(0.05, deep + 0.07, thick + 0.065, 0.02).at(-wide / 2 - 0.03, 0, 0))
    top = thick + 0.066
    kit.add("title", box(wide * 0.62, 0.15, 0.012, 0.003).at(0.03, deep * 0.24, top), kit.second)
    kit.add("picture", cylinder(0.16, 0.012, n=24).at(0.03, -deep * 0.14, top), kit.second)
    kit.add("band", box(0.062, 0.06, thick + 0.066, 0.01).at(-wide / 2 - 0.031, deep * 0.3, 0.0), kit.second)
    if kit.chance(0.4):
        kit.add("bookmark", box(0.05, 0.3, 0.008).at(0.1, -deep / 2 - 0.1, thick * 0.6), kit.paint("red"))


def umbrella(kit: Kit) -> None:
    ribs = 8
    angle = np.linspace(0.0, np.pi / 2 * 0.86, 9)
    n = ribs * 6
    turn = 2 * np.pi * np.arange(n) / n
    scallop = 1 - 0.055 * np.abs(np.sin(turn * ribs / 2)) ** 1.0
    outer, inner = [], []
    for a in angle[1:][::-1]:
        r, z = np.sin(a) * 0.9, 0.62 * np.cos(a)
        k = 1 + (scallop - 1) * (a / angle[-1]) ** 2
        lift = -0.05 * (1 - k) * 4
        outer.append(np.stack([r * k * np.cos(turn), r * k * np.sin(turn), z + 0 * turn - lift], -1))
        inner.append(
            np.stack([0.975 * r * k * np.cos(turn), 0.975 * r * k * np.sin(turn), z - 0.02 + 0 * turn - lift], -1)
        )
    canopy = loft(np.array(inner[::-1] + outer), start=(0, 0, 0.6), end=(0, 0, 0.63)).creased(60)
    canopy = canopy.at(z=0.8)
    if kit.chance(0.45):
        middle = canopy.vertices[canopy.faces].mean(1)
        gore = np.floor((np.arctan2(middle[:, 1], middle[:, 0]) + np.pi) / (2 * np.pi) * ribs) % 2 < 1
        first, rest = split(canopy, gore)
        kit.add("canopy", first)
        kit.add("stripe", rest, kit.second)
    else:
        kit.add("canopy", canopy)
    grey = kit.paint("grey", "metal")
    kit.add("shaft", rod((0, 0, 0.1), (0, 0, 1.52), 0.02, n=8), grey)
    hook = curve([(0, 0, 0.25), (0, 0, 0.1), (0.05, 0, 0.0), (0.14, 0, 0.0), (0.18, 0, 0.1)], 14)
    kit.add("handle", tube(hook, 0.035, 10), kit.paint(kit.pick("brown", "black")))


def bucket(kit: Kit) -> None:
    outside = np.array([(0.34, 0.0), (0.35, 0.02), (0.46, 0.68), (0.48, 0.7), (0.48, 0.73)])
    mesh = lathe(cup_profile(outside, 0.03), 32)
    kit.add("bucket", mesh)
    kit.add("rim", torus(0.47, 0.025, 32, 8).at(z=0.72), kit.second if kit.chance(0.3) else kit.main)
    is_up = kit.chance(0.5)
    arch = np.linspace(0, np.pi, 20)
    way = np.stack([0.48 * np.cos(arch), 0 * arch, 0.42 * np.sin(arch)], -1)
    handle = tube(way, 0.02, 8).turned("x", 0 if is_up else 64)
    kit.add("handle", handle.at(z=0.66), kit.paint("grey", "metal"))
    fill = kit.pick("", "", "blue", "yellow")
    if fill:
        kit.add(
            "water" if fill == "blue" else "sand",
            lathe([(0.43, 0.56), (0, 0.57)] if fill == "blue" else [(0.43, 0.56), (0.3, 0.68), (0, 0.74)], 28),
            kit.paint(fill, "glossy" if fill == "blue" else "matt"),
        )


def barrel(kit: Kit) -> None:
    profile = curve([(0.32, 0), (0.42, 0.3), (0.44, 0.5), (0.42, 0.7), (0.32, 1.0)], 18)
    staves = kit.main.with_pattern("wood", shade(kit.main.rgb, 0.75), 0.08)
    mesh = lathe([*profile], 16)
    kit.add("barrel", mesh.creased(18), staves)
    hoop = kit.paint(kit.pick("grey", "black"), "metal")
    for z in (0.08, 0.3, 0.7, 0.92):
        kit.add("hoop", wrap(profile, z - 0.04, z + 0.04, 0.016, 24), hoop)
    kit.add("lid", cylinder(0.28, 0.012, n=24).at(z=1.0), staves)


def chest(kit: Kit) -> None:
    wide, deep, high = 1.1, 0.66, kit.between(0.36, 0.46)
    kit.add("chest", box(wide, deep, high, 0.015))
    turn = np.linspace(0, np.pi, 14)
    lid = (
        extrude(np.stack([deep / 2 * np.cos(turn), 0.26 * np.sin(turn)], -1), wide, 0.0).turned("x", 90).turned("z", 90)
    )
    gap = 0.012
    metal = kit.paint(kit.pick("yellow", "grey", "black"), "metal")
    opened = kit.chance(0.35)
    tilt = 55 if opened else 0

    def place(mesh: Mesh) -> Mesh:
        return mesh.at(0, -deep / 2, 0).turned("x", -tilt).at(0, deep / 2, high + gap)

    kit.add("lid", place(lid.at(-wide / 2)), kit.main)
    for x in (-0.42, 0.0, 0.42) if not opened else (-0.42, 0.42):
        kit.add("band", box(0.09, deep + 0.03, high + 0.008, 0.008).at(x, 0, 0), metal)
        strap = (
            extrude(np.stack([(deep / 2 + 0.015) * np.cos(turn), 0.275 * np.sin(turn)], -1), 0.09)
            .turned("x", 90)
            .turned("z", 90)
        )
        kit.add("band", place(strap.at(x - 0.045)), metal)
    kit.add("lock", box(0.16, 0.06, 0.18, 0.02).at(0, -deep / 2 - 0.02, high - 0.1), kit.paint("yellow", "metal"))
    if opened:
        gold = kit.paint("yellow", "metal")
        for i in range(26):
            coin = cylinder(0.08, 0.025, n=12).turned("x", 40 * np.sin(i * 2.1)).turned("y", 40 * np.cos(i * 1.3))
            kit.add("gold", coin.at(0.45 * np.sin(i * 2.4), 0.22 * np.cos(i * 1.7), high + 0.02 * (i % 3)), gold)


def suitcase(kit: Kit) -> None:
    high = kit.between(0.7, 0.85)
    kit.add("body", box(1.1, 0.34, high, 0.09, 4))
    kit.add("seam", box(1.11, 0.02, high + 0.01, 0.0).at(z=-0.005), shade_of(kit, 0.55))
    trim = kit.second
    for x in (-1, 1):
        kit.add("strap", box(0.09, 0.355, high + 0.016, 0.05).at(x * 0.32, 0, -0.008), trim)
        kit.add("buckle", box(0.12, 0.02, 0.09, 0.008).at(x * 0.32, -0.18, high * 0.62), kit.paint("yellow", "metal"))
    kit.add(
        "handle",
        tube(
            curve([(-0.16, 0, high - 0.01), (-0.14, 0, high + 0.1), (0.14, 0, high + 0.1), (0.16, 0, high - 0.01)], 12),
            0.035,
            8,
        ),
        trim,
    )


def shade_of(kit: Kit, factor: float) -> Material:
    """Return a darker plain tone of the main paint."""
    return Material(kit.main.colour, shade(kit.main.rgb, factor), "matt")


def gift(kit: Kit) -> None:
    wide, deep, high = kit.between(0.8, 1.1), kit.between(0.7, 0.95), kit.between(0.5, 0.9)
    kit.add("box", box(wide, deep, high, 0.02))
    kit.add("lid", box(wide + 0.06, deep + 0.06, 0.16, 0.02).at(z=high - 0.08))
    ribbon = kit.second.with_finish("glossy")
    top = high + 0.08
    for x, y in ((0.15, deep + 0.075), (wide + 0.075, 0.15)):
        kit.add("ribbon", box(x, y, top + 0.008, 0.004), ribbon)
    for k in range(kit.pick(2, 4)):
        loop = curve([(0, 0, 0), (0.16, 0.03, 0.2), (0.36, 0, 0.22), (0.34, -0.03, 0.06), (0, 0, 0.0)], 20)
        kit.add(
            "bow",
            tube(loop, 0.06, 8, flat=0.4).turned("z", 180 * k + (45 if k > 1 else 0) * 2).at(0, 0, top + 0.02),
            ribbon,
        )
    kit.add("bow", sphere(0.08, 12).at(0, 0, top + 0.05), ribbon)


TOYS = (
    ToyClass("clock", clock, "home", ("red", "blue", "yellow", "black"), ("glossy", "satin", "metal"), (0.1, 0.18), (0, 32), 60, ("alarm clock",)),
    ToyClass("book", book, "home", ("red", "blue", "green", "brown"), ("matt", "satin"), (0.14, 0.22), (20, 65)),
    ToyClass("umbrella", umbrella, "clothes", ("red", "blue", "black", "yellow"), ("cloth", "satin"), (0.22, 0.34), (1, 30)),
    ToyClass("bucket", bucket, "vessel", ("red", "blue", "grey", "yellow"), ("glossy", "metal", "satin"), (0.16, 0.26), (12, 45), synonyms=("pail",)),
    ToyClass("barrel", barrel, "home", ("brown", "brown", "orange"), ("matt",), (0.16, 0.26), (6, 42)),
    ToyClass("chest", chest, "home", ("brown", "brown", "red"), ("wooden",), (0.18, 0.28), (8, 42), 110, ("treasure chest",)),
    ToyClass("suitcase", suitcase, "home", ("brown", "red", "blue", "black"), ("satin", "matt"), (0.18, 0.26), (4, 38), 70),
    ToyClass("gift", gift, "home", ("red", "blue", "green", "purple", "pink"), ("glossy", "satin"), (0.12, 0.2), (10, 45), synonyms=("present", "gift box")),
)  # fmt: skip
