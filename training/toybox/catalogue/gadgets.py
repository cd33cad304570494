"""Gadget shelf: things with a plug or a battery; fronts towards -y."""

# ruff: noqa: E501 (rows of the table are kept whole)
from __future__ import annotations

import numpy as np

from training.toybox.kit import Kit, ToyClass
from training.toybox.palette import Material, shade
from training.toybox.shapes import (
    box,
    curve,
    cylinder,
    dome,
    ellipsoid,
    extrude,
    lathe,
    loft,
    rod,
    superellipsoid,
    torus,
    tube,
)  # fmt: skip


def camera(kit: Kit) -> None:
    black = kit.paint("black", "satin")
    kit.add("body", box(1.0, 0.34, 0.62, 0.06))
    grip = black if kit.main.colour != "black" else kit.paint("grey")
    kit.add("grip", box(1.006, 0.346, 0.34, 0.05).at(z=0.1), grip)
    kit.add(
        "prism",
        extrude([(-0.2, 0), (0.2, 0), (0.12, 0.15), (-0.12, 0.15)], 0.26, 0.02).turned("x", 90).at(0, 0.13, 0.6),
    )
    metal = kit.paint("grey", "metal")
    kit.add("lens", cylinder(0.27, 0.14, bevel=0.02, n=32).turned("x", 90).at(0, -0.16, 0.3), metal)
    kit.add("lens", cylinder(0.24, 0.2, bevel=0.03, n=32).turned("x", 90).at(0, -0.27, 0.3), black)
    kit.add("glass", ellipsoid(0.185, 0.05, 0.185, 24).at(0, -0.46, 0.3), kit.paint("blue", "glass"))
    kit.add("lens", torus(0.2, 0.035, 30, 8).turned("x", 90).at(0, -0.47, 0.3), black)
    kit.add(
        "button",
        cylinder(0.055, 0.06, n=16).at(0.36, 0, 0.61),
        kit.paint("red", "glossy") if kit.chance(0.5) else metal,
    )
    kit.add("dial", cylinder(0.1, 0.06, n=18).at(-0.34, 0, 0.61), metal)
    kit.add("flash", box(0.18, 0.03, 0.09, 0.01).at(-0.34, -0.17, 0.49), kit.paint("white", "glossy"))
    if kit.chance(0.4):
        strap = curve(
            [
                (-0.5, 0, 0.5),
                (-0.66, 0.16, 0.3),
                (-0.6, 0.42, 0.03),
                (0.0, 0.62, 0.03),
                (0.6, 0.42, 0.03),
                (0.66, 0.16, 0.3),
                (0.5, 0, 0.5),
            ],
            30,
        )
        kit.add("strap", tube(strap, 0.028, 6), kit.second)


def phone(kit: Kit) -> None:
    """Old telephone with dial and receiver, or a smartphone leaning on a stand."""
    if kit.chance(0.5):
        kit.add(
            "body",
            loft(
                np.array(
                    [
                        [(x * w, y * d, z) for x, y in ((1, -1), (1, 1), (-1, 1), (-1, -1))]
                        for w, d, z in ((0.5, 0.44, 0), (0.48, 0.42, 0.1), (0.26, 0.2, 0.46))
                    ]
                )
            ),
        )
        kit.add("dial", cylinder(0.23, 0.05, bevel=0.01, n=30).turned("x", 32).at(0, -0.28, 0.26), kit.paint("white"))
        for k in range(10):
            turn = np.radians(35 * k + 20)
            hole = cylinder(0.036, 0.03, n=10).at(0.16 * np.cos(turn), 0.16 * np.sin(turn), 0.035).turned("x", 32)
            kit.add("hole", hole.at(0, -0.28, 0.26), kit.paint("black"))
        kit.add("hub", cylinder(0.08, 0.04, n=18).at(0, 0, 0.04).turned("x", 32).at(0, -0.28, 0.26), kit.main)
        for sign in (-1, 1):
            kit.add("cradle", box(0.1, 0.2, 0.12, 0.03).at(sign * 0.2, 0, 0.44))
            kit.add(
                "receiver",
                lathe(curve([(0.12, 0), (0.16, 0.05), (0.14, 0.14), (0.0, 0.2)], 10), 22).at(sign * 0.44, 0, 0.46),
            )
        kit.add(
            "receiver", tube(curve([(-0.44, 0, 0.6), (-0.22, 0, 0.68), (0.22, 0, 0.68), (0.44, 0, 0.6)], 14), 0.07, 12)
        )
        return
    tilt = kit.between(8, 18)
    black, glow = kit.paint("black", "glass"), kit.paint(kit.pick("blue", "turquoise", "purple"), "glossy")
    pieces = [
        ("body", box(0.52, 0.07, 1.05, 0.035, 4), kit.main),
        ("screen", box(0.47, 0.02, 0.98, 0.008).at(0, -0.032, 0.035), black),
    ]
    pieces.append(
        (
            "picture",
            box(0.44, 0.02, 0.84, 0.004).at(0, -0.035, 0.1),
            Material(glow.colour, shade(glow.rgb, 0.6), "glossy"),
        )
    )
    tones = ("red", "yellow", "green", "white", "orange", "pink", "blue", "turquoise")
    for row in range(5):
        for col in range(4):
            icon = box(0.075, 0.02, 0.075, 0.004).at(-0.15 + 0.1 * col, -0.04, 0.2 + 0.14 * row)
            pieces.append(("icon", icon, kit.paint(tones[(row * 4 + col * 3 + row) % 8])))
    pieces.append(("camera", box(0.16, 0.02, 0.16, 0.01).at(0.14, 0.034, 0.84), black))
    pieces += [
        (
            "lens",
            cylinder(0.03, 0.03, n=14).turned("x", -90).at(0.11 + 0.06 * k, 0.035, 0.89 + 0.06 * k),
            kit.paint("grey", "metal"),
        )
        for k in range(2)
    ]
    for name, mesh, paint in pieces:
        kit.add(name, mesh.turned("x", -tilt).at(z=0.05), paint)
    kit.add("stand", box(0.34, 0.4, 0.05, 0.02).at(0, 0.08, 0), kit.paint("grey"))
    kit.add("stand", rod((0, 0.22, 0.03), (0, 0.13, 0.5), 0.03, n=8), kit.paint("grey"))


def laptop(kit: Kit) -> None:
    open_deg = kit.between(98, 118)
    kit.add("base", box(1.3, 0.9, 0.06, 0.025))
    black = kit.paint("black" if kit.main.colour != "black" else "grey")
    for row in range(4):
        for col in range(12):
            kit.add("key", box(0.078, 0.078, 0.022).at(-0.517 + 0.094 * col, 0.3 - 0.098 * row, 0.055), black)
    kit.add("key", box(0.5, 0.078, 0.022).at(0, -0.092, 0.055), black)
    kit.add("touchpad", box(0.36, 0.22, 0.012, 0.003).at(0, -0.29, 0.054), kit.paint("grey", "satin"))
    glow = kit.paint(kit.pick("blue", "turquoise", "green", "purple"))
    pieces = [
        ("lid", box(1.3, 0.05, 0.88, 0.022), kit.main),
        ("screen", box(1.2, 0.02, 0.76, 0.004).at(0, -0.022, 0.06), Material("black", (0.05, 0.05, 0.06), "glass")),
    ]
    pieces.append(
        ("picture", box(1.15, 0.02, 0.71, 0.0).at(0, -0.025, 0.085), Material(glow.colour, glow.rgb, "satin"))
    )
    pieces.append(("window", box(0.5, 0.02, 0.36, 0.0).at(-0.2, -0.029, 0.3), kit.paint("white")))
    pieces.append(
        ("window", box(0.4, 0.02, 0.26, 0.0).at(0.28, -0.031, 0.2), kit.paint(kit.pick("yellow", "orange", "pink")))
    )
    pieces.append(("logo", cylinder(0.09, 0.02, n=20).turned("x", -90).at(0, 0.018, 0.46), kit.second))
    for name, mesh, paint in pieces:
        kit.add(name, mesh.turned("x", 90 - open_deg).at(0, 0.44, 0.05), paint)


def television(kit: Kit) -> None:
    if kit.chance(0.5):  # old set with legs and aerial
        kit.add("case", box(1.1, 0.62, 0.82, 0.07).at(z=0.25))
        kit.add("frame", box(0.8, 0.04, 0.68, 0.03).at(-0.11, -0.3, 0.32), kit.paint("black"))
        kit.add(
            "screen",
            superellipsoid(0.35, 0.06, 0.29, 0.5).at(-0.11, -0.3, 0.66),
            kit.paint(kit.pick("grey", "turquoise", "blue"), "glass"),
        )
        for k in range(2):
            kit.add(
                "knob",
                cylinder(0.065, 0.06, bevel=0.01, n=18).turned("x", 90).at(0.42, -0.3, 0.88 - 0.18 * k),
                kit.second,
            )
        for k in range(4):
            kit.add("grille", box(0.16, 0.02, 0.025).at(0.42, -0.31, 0.36 + 0.055 * k), kit.paint("black"))
        for x in (-0.42, 0.42):
            kit.add("leg", rod((x * 1.15, -0.2, 0), (x, -0.15, 0.28), 0.035, n=8), kit.paint("brown"))
            kit.add("leg", rod((x * 1.15, 0.24, 0), (x, 0.18, 0.28), 0.035, n=8), kit.paint("brown"))
        for sign in (-1, 1):
            kit.add("aerial", rod((0, 0, 1.06), (sign * 0.36, 0, 1.55), 0.014, n=6), kit.paint("grey", "metal"))
        kit.add("aerial", dome(0.12, 0.08, 16).at(z=1.06), kit.paint("black"))
        return
    kit.add("frame", box(1.7, 0.09, 1.0, 0.02).at(z=0.18))
    kit.add("screen", box(1.62, 0.02, 0.92, 0.003).at(0, -0.04, 0.22), kit.paint("black", "glass"))
    if kit.chance(0.7):  # a landscape is on
        kit.add("picture", box(1.58, 0.02, 0.88).at(0, -0.042, 0.24), Material("blue", (0.45, 0.72, 0.95), "satin"))
        hill = np.stack([np.linspace(-0.79, 0.79, 24), 0.3 + 0.12 * np.sin(np.linspace(0, 5, 24))], -1)
        kit.add(
            "picture",
            extrude(np.concatenate([hill, [[0.79, 0.0], [-0.79, 0.0]]]), 0.02).turned("x", 90).at(0, -0.037, 0.24),
            Material("green", (0.25, 0.6, 0.25), "satin"),
        )
        kit.add(
            "picture",
            cylinder(0.1, 0.02, n=20).turned("x", 90).at(0.45, -0.037, 0.92),
            Material("yellow", (1.0, 0.85, 0.25), "satin"),
        )
    kit.add("stand", box(0.12, 0.07, 0.2, 0.01).at(z=0.02), kit.paint("grey"))
    kit.add("stand", box(0.7, 0.3, 0.035, 0.015), kit.paint("grey"))


def headphones(kit: Kit) -> None:
    arch = np.linspace(-0.12, np.pi + 0.12, 26)
    way = np.stack([0.52 * np.cos(arch), 0 * arch, 0.5 + 0.56 * np.sin(arch)], -1)
    kit.add("band", tube(way, 0.055, 10, flat=1.0))
    kit.add("band", tube(way[6:20] * (0.93, 1, 0.93) + (0, 0, 0.035), 0.05, 8), kit.paint("black"))
    for sign in (-1, 1):
        shell = lathe(curve([(0.2, 0), (0.22, 0.06), (0.16, 0.14), (0, 0.15)], 10), 26).turned("y", 90).at(0.04)
        pad = torus(0.16, 0.075, 26, 10).turned("y", 90)
        for name, mesh, paint in (
            ("ear cup", shell, kit.main),
            ("pad", pad, kit.paint("black") if kit.main.colour != "black" else kit.paint("grey")),
        ):
            mesh = mesh if sign > 0 else mesh.scaled(-1, 1, 1)
            kit.add(name, mesh.at(sign * 0.52, 0, 0.3), paint)
        kit.add("logo", ellipsoid(0.02, 0.08, 0.08, 14).at(sign * 0.705, 0, 0.3), kit.second)


SHINY = ("glossy", "satin")


TOYS = (
    ToyClass("camera", camera, "gadget", ("black", "grey", "red", "white"), ("satin", "metal"), (0.12, 0.18), (4, 38), 75),
    ToyClass("telephone", phone, "gadget", ("red", "black", "white", "green", "blue"), SHINY, (0.14, 0.22), (8, 42), 65, ("phone",)),
    ToyClass("laptop", laptop, "gadget", ("grey", "grey", "black", "white"), ("metal", "satin"), (0.2, 0.3), (12, 45), 75, ("notebook computer",)),
    ToyClass("television", television, "gadget", ("black", "brown", "grey", "red"), ("satin",), (0.2, 0.32), (2, 34), 58, ("tv",)),
    ToyClass("headphones", headphones, "gadget", ("black", "white", "red", "blue"), SHINY, (0.16, 0.22), (4, 36), 80, ("pair of headphones",), "pairs of headphones", has_article=False),
)  # fmt: skip
