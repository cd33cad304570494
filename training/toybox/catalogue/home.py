"""Home shelf: furniture, tools and things about the house; fronts towards -y."""

from __future__ import annotations

import numpy as np

from training.toybox.kit import Kit, ToyClass
from training.toybox.mesh import Floats, Mesh, split
from training.toybox.palette import Material, shade
from training.toybox.shapes import (
    box, cup_profile, curve, cylinder, disc_outline, dome, ellipsoid, extrude, lathe, loft, ring_of, rod, sheet, sphere,
    superellipsoid, torus, tube, wrap,
)  # fmt: skip


def chair(kit: Kit) -> None:
    seat, back = kit.between(0.46, 0.54), kit.between(0.5, 0.65)
    thick = kit.between(0.028, 0.04)
    kit.add("seat", box(0.56, 0.54, 0.07, 0.025).at(z=seat))
    for x in (-0.23, 0.23):
        kit.add("leg", rod((x * 1.08, -0.25, 0), (x, -0.21, seat), thick, thick * 1.2, n=8))
        kit.add("leg", rod((x * 1.08, 0.27, 0), (x, 0.22, seat), thick, thick * 1.2, n=8))
        kit.add("back", rod((x, 0.23, seat), (x, 0.32, seat + back), thick, n=8))
    style = kit.count(0, 2)
    if style == 0:
        for k in range(3):
            s = 0.4 + 0.28 * k
            kit.add("back", box(0.46, 0.03, 0.09, 0.012).at(0, 0.23 + 0.09 * s, seat + back * s - 0.03))
    elif style == 1:
        kit.add("back", box(0.5, 0.035, back * 0.55, 0.015).turned("x", -8).at(0, 0.27, seat + back * 0.45))
    else:
        kit.add("back", box(0.52, 0.04, 0.1, 0.015).at(0, 0.31, seat + back - 0.06))
        for x in (-0.14, -0.05, 0.05, 0.14):
            kit.add("back", rod((x, 0.23, seat + 0.05), (x, 0.31, seat + back), 0.018, n=6))
    if kit.chance(0.4):
        kit.add(
            "cushion", superellipsoid(0.25, 0.24, 0.05, 0.5).at(0, -0.01, seat + 0.11), kit.second.with_finish("cloth")
        )


def armchair(kit: Kit) -> None:
    kit.add("base", box(0.9, 0.78, 0.3, 0.06).at(z=0.08))
    kit.add("seat", box(0.6, 0.66, 0.18, 0.07).at(0, -0.06, 0.34), kit.second if kit.chance(0.3) else kit.main)
    for x in (-0.4, 0.4):
        kit.add("arm", box(0.18, 0.78, 0.54, 0.08).at(x, 0, 0.08))
    kit.add("back", box(0.9, 0.22, 0.9, 0.1).turned("x", -6).at(0, 0.34, 0.1))
    for x in (-0.36, 0.36):
        for y in (-0.32, 0.32):
            kit.add("leg", cylinder(0.04, 0.1, n=10).at(x, y, 0), kit.paint("brown"))


def sofa(kit: Kit) -> None:
    wide = kit.between(1.5, 1.9)
    seats = 2 if wide < 1.7 else 3
    kit.add("base", box(wide, 0.76, 0.28, 0.05).at(z=0.1))
    tone = kit.main if kit.chance(0.75) else kit.second.with_finish("cloth")
    inner = wide - 0.36
    for k in range(seats):
        x = -inner / 2 + inner * (k + 0.5) / seats
        kit.add("cushion", box(inner / seats - 0.02, 0.62, 0.16, 0.06).at(x, -0.08, 0.37), tone)
        kit.add("cushion", box(inner / seats - 0.02, 0.18, 0.42, 0.07).turned("x", -8).at(x, 0.18, 0.48), tone)
    for sign in (-1, 1):
        kit.add("arm", box(0.18, 0.78, 0.52, 0.08).at(sign * (wide / 2 - 0.09), 0, 0.1))
        for y in (-0.3, 0.3):
            kit.add("leg", cylinder(0.04, 0.12, n=10).at(sign * (wide / 2 - 0.12), y, 0), kit.paint("brown"))
    kit.add("back", box(wide, 0.2, 0.78, 0.09).at(0, 0.32, 0.1))
    if kit.chance(0.5):
        pillow = superellipsoid(0.17, 0.06, 0.17, 0.6).turned("x", -18).turned("y", 8)
        kit.add("pillow", pillow.at(kit.pick(-1, 1) * (inner / 2 - 0.2), 0.03, 0.68), kit.second.with_finish("cloth"))


def table(kit: Kit) -> None:
    high = kit.between(0.55, 0.75)
    is_round = kit.chance(0.35)
    if is_round:
        kit.add("top", cylinder(0.6, 0.06, bevel=0.015, n=36).at(z=high))
    else:
        kit.add("top", box(kit.between(1.0, 1.5), kit.between(0.65, 0.8), 0.06, 0.015).at(z=high))
    legs = kit.second if kit.chance(0.2) else kit.main
    if is_round and kit.chance(0.6):
        kit.add("leg", cylinder(0.07, high, n=16), legs)
        kit.add("leg", cylinder(0.34, 0.05, bevel=0.02, n=28), legs)
        return
    mesh = kit.tray[0][1].vertices
    x, y = (0.4, 0.4) if is_round else (mesh[:, 0].max() - 0.07, mesh[:, 1].max() - 0.07)
    for sx in (-1, 1):
        for sy in (-1, 1):
            kit.add("leg", rod((sx * x * 1.02, sy * y * 1.02, 0), (sx * x, sy * y, high), 0.032, 0.045, n=8), legs)
    if not is_round:
        kit.add("apron", box(2 * x, 2 * y, 0.1, 0.0).at(z=high - 0.1), legs)


def stool(kit: Kit) -> None:
    high = kit.between(0.6, 0.95)
    kit.add("seat", cylinder(0.27, 0.07, bevel=0.02, n=28).at(z=high), kit.main)
    legs = kit.second if kit.chance(0.35) else kit.main
    count = kit.pick(3, 4)
    leg = rod((0.3, 0, 0), (0.17, 0, high), 0.03, 0.034, n=8)
    kit.add("leg", ring_of(leg, count, 0, 45), legs)
    kit.add("ring", torus(0.245, 0.018, 26, 8).at(z=high * 0.4), legs)


def bed(kit: Kit) -> None:
    wide, wood = kit.between(0.85, 1.2), kit.paint("brown", "wooden") if kit.chance(0.7) else kit.paint("white")
    kit.add("frame", box(wide + 0.08, 1.9, 0.2, 0.02).at(z=0.12), wood)
    for x in (-wide / 2, wide / 2):
        for y in (-0.9, 0.9):
            kit.add("leg", box(0.08, 0.08, 0.14, 0.01).at(x, y, 0), wood)
    kit.add(
        "headboard",
        extrude(
            curve(
                [
                    (-wide / 2 - 0.05, 0),
                    (-wide / 2 - 0.05, 0.62),
                    (0, 0.82),
                    (wide / 2 + 0.05, 0.62),
                    (wide / 2 + 0.05, 0),
                ],
                20,
            ),
            0.08,
            0.015,
        )
        .turned("x", 90)
        .at(0, 0.98, 0.1),
        wood,
    )
    kit.add("footboard", box(wide + 0.1, 0.07, 0.42, 0.02).at(0, -0.95, 0.08), wood)
    kit.add("mattress", box(wide, 1.8, 0.2, 0.06).at(z=0.26), kit.paint("white"))
    kit.add("blanket", box(wide + 0.05, 1.26, 0.22, 0.07).at(0, -0.28, 0.27), kit.main)
    count = 2 if wide > 1.0 else 1
    for k in range(count):
        kit.add(
            "pillow",
            superellipsoid(wide / count * 0.4, 0.19, 0.09, 0.6)
            .turned("x", 14)
            .at((k - (count - 1) / 2) * wide / 2, 0.64, 0.54),
            kit.paint("white"),
        )


def wardrobe(kit: Kit) -> None:
    wide, high = kit.between(0.8, 1.0), kit.between(1.35, 1.6)
    kit.add("body", box(wide, 0.5, high, 0.02).at(z=0.08))
    kit.add("top", box(wide + 0.08, 0.56, 0.07, 0.02).at(0, -0.01, high + 0.07))
    panel = Material(
        kit.main.colour,
        shade(kit.main.rgb, 0.86),
        kit.main.finish,
        kit.main.pattern,
        kit.main.second_rgb,
        kit.main.pattern_size,
    )
    for x in (-1, 1):
        kit.add("door", box(wide / 2 - 0.03, 0.03, high - 0.32, 0.012).at(x * wide / 4, -0.255, 0.36), panel)
        kit.add("panel", box(wide / 2 - 0.15, 0.03, high - 0.48, 0.012).at(x * wide / 4, -0.268, 0.44), kit.main)
        kit.add("knob", sphere(0.028, 10).at(x * 0.05, -0.29, high * 0.55), kit.paint("yellow", "metal"))
        kit.add("foot", box(0.1, 0.4, 0.09, 0.01).at(x * (wide / 2 - 0.07), 0, 0))
    kit.add("drawer", box(wide - 0.06, 0.03, 0.2, 0.012).at(0, -0.255, 0.12), panel)
    kit.both("knob", sphere(0.028, 10).at(wide * 0.2, -0.29, 0.22), kit.paint("yellow", "metal"))


def bookshelf(kit: Kit) -> None:
    wide, high, shelves = kit.between(0.8, 1.0), kit.between(1.2, 1.5), kit.count(3, 4)
    kit.add("back", box(wide, 0.03, high, 0).at(0, 0.14, 0))
    for x in (-1, 1):
        kit.add("side", box(0.045, 0.32, high, 0.008).at(x * wide / 2, 0, 0))
    for k in range(shelves + 1):
        kit.add("shelf", box(wide, 0.31, 0.04, 0.006).at(0, 0, k * (high - 0.04) / shelves))
    gap = (high - 0.04) / shelves
    for k in range(shelves):
        x = -wide / 2 + 0.04
        while x < wide / 2 - 0.13:
            thick, tall = kit.between(0.045, 0.085), gap * kit.between(0.55, 0.82)
            if kit.chance(0.9):
                tone = kit.paint(kit.pick("red", "blue", "green", "yellow", "white", "orange", "purple", "turquoise"))
                kit.add("book", box(thick, 0.22, tall, 0.006).at(x + thick / 2, -0.02, k * gap + 0.04), tone)
            x += thick + 0.006


def lamp(kit: Kit) -> None:
    high, wide = kit.between(0.6, 0.85), kit.between(0.3, 0.4)
    base = kit.second if kit.second.colour != kit.main.colour else kit.paint("brown")
    kit.add("base", lathe([(0.22, 0), (0.22, 0.03), (0.06, 0.07), (0.0, 0.07)], 28), base)
    if kit.chance(0.5):
        kit.add(
            "stem",
            lathe(curve([(0.05, 0.05), (0.13, 0.22), (0.05, 0.42), (0.028, 0.5), (0.028, high + 0.1)], 20), 20),
            base,
        )
    else:
        kit.add("stem", cylinder(0.025, high, n=12).at(z=0.05), base)
    glow = Material(
        kit.main.colour, kit.main.rgb, "cloth", kit.main.pattern, kit.main.second_rgb, kit.main.pattern_size
    )
    top = wide * kit.between(0.5, 0.8)
    kit.add(
        "shade",
        lathe([(wide, high), (top, high + 0.42), (top - 0.015, high + 0.42), (wide - 0.02, high)], 32, is_hoop=True),
        glow,
    )
    kit.add("bulb", sphere(0.08, 14).at(z=high + 0.14), Material("white", (1.0, 0.95, 0.75), is_unlit=True))
    kit.add("shade", torus(wide, 0.012, 32, 6).at(z=high), base)


def desk_lamp(kit: Kit) -> None:
    grey = kit.paint("grey", "metal")
    kit.add("base", cylinder(0.26, 0.06, bevel=0.02, n=28))
    elbow, neck = (-0.28, 0, 0.62), (0.22, 0, 1.02)
    kit.add("arm", rod((0, 0, 0.05), elbow, 0.025, n=8), grey)
    kit.add("joint", sphere(0.05, 12).at(*elbow))
    kit.add("arm", rod(elbow, neck, 0.025, n=8), grey)
    kit.add("joint", sphere(0.05, 12).at(*neck))
    head = lathe([(0.24, 0), (0.23, 0.03), (0.1, 0.3), (0.05, 0.36), (0, 0.36)], 26)
    kit.add("shade", head.turned("y", -28).at(0.36, 0, 0.72))
    kit.add("bulb", sphere(0.11, 14).at(0.37, 0, 0.75), Material("white", (1.0, 0.95, 0.75), is_unlit=True))


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


SOFT, WOOD = ("cloth",), ("wooden", "wooden", "matt", "satin")
FLAT = (36.0, 78.0)
TOYS = (
    ToyClass("chair", chair, "furniture", ("brown", "brown", "white", "red", "black"), WOOD, (0.14, 0.24), (6, 40)),
    ToyClass("armchair", armchair, "furniture", ("red", "green", "grey", "blue", "brown"), SOFT, (0.14, 0.22), (8, 40), 80),
    ToyClass("sofa", sofa, "furniture", ("red", "grey", "blue", "green", "brown"), SOFT, (0.2, 0.3), (8, 40), 75, ("couch",)),
    ToyClass("table", table, "furniture", ("brown", "brown", "white"), WOOD, (0.2, 0.32), (8, 42)),
    ToyClass("stool", stool, "furniture", ("brown", "red", "white"), WOOD, (0.12, 0.2), (8, 40)),
    ToyClass("bed", bed, "furniture", ("blue", "red", "white", "green", "pink"), SOFT, (0.22, 0.32), (12, 50), 150),
    ToyClass("wardrobe", wardrobe, "furniture", ("brown", "brown", "white"), WOOD, (0.2, 0.3), (3, 30), 60, ("cupboard",)),
    ToyClass("bookshelf", bookshelf, "furniture", ("brown", "white", "black"), WOOD, (0.2, 0.3), (2, 28), 55, ("bookcase",), "bookshelves"),
    ToyClass("lamp", lamp, "furniture", ("white", "yellow", "red", "green"), ("cloth",), (0.16, 0.28), (1, 32), 180, ("table lamp",)),
    ToyClass("desk lamp", desk_lamp, "furniture", ("black", "red", "white", "green"), ("glossy", "satin"), (0.18, 0.28), (4, 36)),
    ToyClass("clock", clock, "home", ("red", "blue", "yellow", "black"), ("glossy", "satin", "metal"), (0.1, 0.18), (0, 32), 60, ("alarm clock",)),
    ToyClass("book", book, "home", ("red", "blue", "green", "brown"), ("matt", "satin"), (0.14, 0.22), (20, 65)),
    ToyClass("key", key, "tool", ("yellow", "grey", "brown"), ("metal",), (0.08, 0.14), FLAT),
    ToyClass("padlock", padlock, "tool", ("yellow", "grey", "black"), ("metal", "satin"), (0.07, 0.12), (2, 38), 70, ("lock",)),
    ToyClass("hammer", hammer, "tool", ("brown", "red", "yellow"), ("wooden", "satin"), (0.18, 0.26), FLAT),
    ToyClass("screwdriver", screwdriver, "tool", ("red", "yellow", "blue", "black"), ("glossy", "satin"), (0.16, 0.24), FLAT),
    ToyClass("scissors", scissors, "tool", ("red", "black", "blue", "orange"), ("glossy", "satin"), (0.14, 0.2), FLAT, 180, ("pair of scissors",), "pairs of scissors", has_article=False),
    ToyClass("paintbrush", brush, "tool", ("red", "blue", "green", "yellow"), ("satin",), (0.14, 0.22), FLAT, 180, ("brush",), "paintbrushes"),
    ToyClass("pencil", pencil, "tool", ("yellow", "red", "blue", "green"), ("satin",), (0.14, 0.2), (30, 75)),
    ToyClass("broom", broom, "home", ("brown", "red", "blue"), ("wooden", "satin"), (0.24, 0.36), (2, 32)),
    ToyClass("umbrella", umbrella, "clothes", ("red", "blue", "black", "yellow"), ("cloth", "satin"), (0.22, 0.34), (1, 30)),
    ToyClass("bucket", bucket, "vessel", ("red", "blue", "grey", "yellow"), ("glossy", "metal", "satin"), (0.16, 0.26), (12, 45), synonyms=("pail",)),
    ToyClass("barrel", barrel, "home", ("brown", "brown", "orange"), ("matt",), (0.16, 0.26), (6, 42)),
    ToyClass("chest", chest, "home", ("brown", "brown", "red"), ("wooden",), (0.18, 0.28), (8, 42), 110, ("treasure chest",)),
    ToyClass("ladder", ladder, "home", ("brown", "grey", "yellow", "red"), ("satin", "wooden"), (0.24, 0.36), (3, 32)),
    ToyClass("suitcase", suitcase, "home", ("brown", "red", "blue", "black"), ("satin", "matt"), (0.18, 0.26), (4, 38), 70),
    ToyClass("gift", gift, "home", ("red", "blue", "green", "purple", "pink"), ("glossy", "satin"), (0.12, 0.2), (10, 45), synonyms=("present", "gift box")),
    ToyClass("light bulb", lightbulb, "home", ("yellow", "white"), ("glass",), (0.1, 0.16), (0, 32), synonyms=("lightbulb",)),
)  # fmt: skip
