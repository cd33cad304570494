"""Play shelf: balls, robots and shapes; fronts towards -y."""

# ruff: noqa: E501 (rows of the table are kept whole)
from __future__ import annotations

import numpy as np

from training.toybox.kit import Kit, ToyClass
from training.toybox.mesh import Floats, Mesh, split
from training.toybox.shapes import (
    box,
    cup_profile,
    curve,
    cylinder,
    disc_outline,
    ellipsoid,
    extrude,
    lathe,
    loft,
    ring_of,
    rod,
    sphere,
    star_outline,
    torus,
    tube,
)  # fmt: skip


def ball(kit: Kit) -> None:
    mesh = sphere(0.5, 36)
    middle = mesh.vertices[mesh.faces].mean(1)
    kind = kit.count(0, 2)
    if kind == 0:  # beach ball: six gores and a white cap
        turn = np.arctan2(middle[:, 1], middle[:, 0]) + np.pi
        gore = np.floor(turn / (2 * np.pi) * 6) % 2 < 1
        first, rest = split(mesh, gore)
        tilt = kit.between(15, 60)
        for name, piece, paint in (
            ("ball", first, kit.main),
            ("stripe", rest, kit.paint("white") if kit.main.colour != "white" else kit.second),
        ):
            kit.add(name, piece.turned("x", tilt).at(z=0.5), paint)
    elif kind == 1:  # football: dark patches on the twelve corners of an icosahedron
        kit.add("ball", mesh.at(z=0.5))
        patch = kit.paint("black" if kit.main.colour != "black" else "white")
        golden = (1 + 5**0.5) / 2
        corners = [(0, s, t * golden) for s in (-1, 1) for t in (-1, 1)]
        corners = [tuple(np.roll(c, k)) for c in corners for k in range(3)]
        for corner in corners:
            direction = np.array(corner, dtype=float) / np.linalg.norm(corner)
            tilt, turn = np.degrees(np.arccos(direction[2])), np.degrees(np.arctan2(direction[1], direction[0]))
            spot = _ball_patch(0.17).turned("y", tilt).turned("z", turn)
            kit.add("patch", spot.at(z=0.5), patch)
    else:  # plain with two bands
        kit.add("ball", mesh.at(z=0.5))
        tilt = kit.between(-40, 40)
        for k in range(2):
            hoop = lathe([(0.49, -0.05), (0.503, -0.05), (0.505, 0), (0.503, 0.05), (0.49, 0.05)], 36, is_hoop=True)
            kit.add("band", hoop.turned("x", 90 * k + tilt).at(z=0.5), kit.second)


def _ball_patch(radius: float) -> Mesh:
    """Return a five-cornered patch that hugs a ball of radius 0.5 about the origin, at its top."""
    outline = disc_outline(radius, 5)
    outline = np.concatenate([outline + (np.roll(outline, -1, axis=0) - outline) * k / 4 for k in range(4)]).reshape(
        4, 5, 2
    )
    corners = outline.transpose(1, 0, 2).reshape(20, 2)
    rings = [np.column_stack([corners, np.full(20, 0.44)])]
    for share in (1.0, 0.75, 0.5, 0.25):
        flat = corners * share
        rings.append(np.column_stack([flat, np.sqrt(0.506**2 - (flat**2).sum(1))]))
    return loft(np.array(rings), end=(0, 0, 0.506))


PIPS = {1: [(0, 0)], 2: [(-1, -1), (1, 1)], 3: [(-1, -1), (0, 0), (1, 1)], 4: [(-1, -1), (-1, 1), (1, -1), (1, 1)],
        5: [(-1, -1), (-1, 1), (1, -1), (1, 1), (0, 0)], 6: [(-1, -1), (-1, 0), (-1, 1), (1, -1), (1, 0), (1, 1)]}  # fmt: skip


def dice(kit: Kit) -> None:
    kit.add("cube", box(1, 1, 1, kit.between(0.08, 0.2), 4))
    pip_paint = kit.paint("white" if kit.main.colour not in ("white", "yellow", "pink") else "black", "glossy")
    pip = ellipsoid(0.095, 0.095, 0.02, 14)
    order = [1, 2, 3]
    kit.rng.shuffle(order)
    faces = [("x", 0), ("x", 180), ("x", 90), ("x", -90), ("y", 90), ("y", -90)]
    values = [order[0], 7 - order[0], order[1], 7 - order[1], order[2], 7 - order[2]]
    for (axis, angle), value in zip(faces, values, strict=True):
        for x, y in PIPS[value]:
            kit.add("dot", pip.at(0.26 * x, 0.26 * y, 0.5).turned(axis, angle).at(z=0.5), pip_paint)


def robot(kit: Kit) -> None:
    grey = kit.paint("grey", "metal")
    wide = kit.between(0.5, 0.62)
    kit.add("body", box(wide, 0.38, 0.6, 0.05).at(z=0.5))
    kit.add("head", box(0.46, 0.36, 0.36, 0.05).at(z=1.2), kit.main if kit.chance(0.6) else kit.second)
    kit.add("neck", cylinder(0.09, 0.12, n=14).at(z=1.09), grey)
    glow = kit.paint(kit.pick("yellow", "turquoise", "red"), "glossy")
    kit.both("eye", cylinder(0.075, 0.05, bevel=0.015, n=18).turned("x", 90).at(0.11, -0.17, 1.42), glow)
    kit.add("mouth", box(0.24, 0.03, 0.07, 0.01).at(0, -0.18, 1.26), kit.paint("black"))
    for k in range(4):
        kit.add("tooth", box(0.03, 0.04, 0.07, 0.004).at(-0.08 + 0.055 * k, -0.18, 1.26), grey)
    kit.add("antenna", rod((0, 0, 1.56), (0, 0, 1.72), 0.018, n=8), grey)
    kit.add("antenna", sphere(0.05, 12).at(z=1.75), kit.paint("red", "glossy"))
    kit.both("ear", cylinder(0.08, 0.07, n=14).turned("y", 90).at(0.23, 0, 1.38), grey)
    lift = kit.between(-10, 70)
    for sign in (-1, 1):
        shoulder = np.array((sign * (wide / 2 + 0.08), 0, 0.98))
        swing = lift if sign > 0 else kit.between(-10, 30)
        kit.add("arm", sphere(0.1, 14).at(*shoulder), grey)
        arm = cylinder(0.065, 0.42, n=12).turned("x", 180).turned("x", -swing)
        kit.add("arm", arm.at(*shoulder))
        hand = torus(0.075, 0.035, 16, 8).turned("y", 90).at(0, 0, -0.48).turned("x", -swing)
        kit.add("hand", hand.at(*shoulder), grey)
        kit.add("leg", cylinder(0.09, 0.42, n=14).at(sign * 0.15, 0, 0.1), grey)
        kit.add("foot", box(0.22, 0.34, 0.13, 0.04).at(sign * 0.15, -0.05, 0), kit.main)
    kit.add("panel", box(0.34, 0.03, 0.26, 0.015).at(0, -0.19, 0.74), grey)
    for k, tone in enumerate(("red", "yellow", "green")):
        kit.add(
            "button",
            cylinder(0.035, 0.03, n=12).turned("x", 90).at(-0.1 + 0.1 * k, -0.2, 0.9),
            kit.paint(tone, "glossy"),
        )


def star(kit: Kit) -> None:
    inner = kit.between(0.42, 0.55)
    deep = kit.between(0.16, 0.3)
    outline = star_outline(1.0, inner)
    ring = np.column_stack([outline[:, 0], np.zeros(10), outline[:, 1]])[::-1]
    mesh = loft(np.stack([ring, ring * (1, 1, 1)]), start=(0, deep, 0), end=(0, -deep, 0))
    mesh = mesh if _volume(mesh) > 0 else Mesh(mesh.vertices, np.ascontiguousarray(mesh.faces[:, ::-1]))
    kit.add("star", mesh.creased(15).at(z=0.84))
    if kit.chance(0.3):
        eyes_paint = kit.paint("black", "glossy")
        kit.both("eye", ellipsoid(0.06, 0.05, 0.1, 12).at(0.16, -deep * 0.78, 0.92), eyes_paint)
        kit.add(
            "mouth",
            tube(curve([(-0.14, -deep * 0.8, 0.72), (0, -deep * 0.9, 0.66), (0.14, -deep * 0.8, 0.72)], 8), 0.025, 6),
            eyes_paint,
        )


def _volume(mesh: Mesh) -> float:
    """Return the signed volume, to turn a mesh inside out when needed."""
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)))


def heart(kit: Kit) -> None:
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    outline = np.stack(
        [np.sin(t) ** 3, (13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 16], -1
    )
    layers = [
        (0.12, -0.26),
        (0.5, -0.24),
        (0.8, -0.18),
        (0.96, -0.08),
        (1.0, 0.0),
        (0.96, 0.08),
        (0.8, 0.18),
        (0.5, 0.24),
        (0.12, 0.26),
    ]
    rings = [
        np.column_stack([outline[:, 0] * k, np.full(40, -y), outline[:, 1] * k + 0.1 * (1 - k)]) for k, y in layers
    ]
    mesh = loft(np.array(rings))
    mesh = mesh if _volume(mesh) > 0 else Mesh(mesh.vertices, np.ascontiguousarray(mesh.faces[:, ::-1]))
    kit.add("heart", mesh.creased(70).at(z=1.0))


def balloon(kit: Kit) -> None:
    profile = curve([(0.0, 0.0), (0.1, 0.06), (0.4, 0.52), (0.45, 0.78), (0.28, 1.1), (0.0, 1.18)], 26)
    kit.add("balloon", lathe(profile, 30).at(z=0.9), kit.main.with_finish("glossy"))
    kit.add("knot", lathe([(0.07, 0), (0.02, 0.08), (0, 0.08)], 12).at(z=0.85), kit.main)
    wave = np.linspace(0, 1, 26)
    string = np.stack([0.07 * np.sin(7 * wave) * wave, 0.04 * np.cos(5 * wave) * wave, 0.87 - 0.86 * wave], -1)
    kit.add("string", tube(string, 0.012, 6), kit.paint("white" if kit.chance(0.5) else "black"))


def kite(kit: Kit) -> None:
    outline = [(0, 0.75), (0.5, 0.15), (0, -0.8), (-0.5, 0.15)]
    a, b = extrude([outline[0], outline[1], outline[2]], 0.03), extrude([outline[0], outline[2], outline[3]], 0.03)
    stick = kit.paint("brown")
    tilt = 78
    pieces = [("kite", a, kit.main), ("kite", b, kit.second if kit.chance(0.5) else kit.main)]
    pieces += [
        ("stick", rod((0, 0.75, 0.035), (0, -0.8, 0.035), 0.018, n=6), stick),
        ("stick", rod((-0.5, 0.15, 0.035), (0.5, 0.15, 0.035), 0.018, n=6), stick),
    ]
    tail = curve([(0, -0.8, 0.02), (0.15, -1.05, 0.02), (-0.1, -1.3, 0.02), (0.12, -1.6, 0.02)], 20)
    pieces.append(("tail", tube(tail, 0.014, 6), kit.paint("white")))
    for k in (5, 10, 15, 19):
        for sign in (-1, 1):
            bow = extrude([(0, 0), (sign * 0.13, 0.07), (sign * 0.13, -0.07)], 0.02).at(*(tail[k] - (0, 0, 0.01)))
            pieces.append(("bow", bow, kit.second))
    for name, mesh, paint in pieces:
        kit.add(name, mesh.turned("x", tilt), paint)


def trophy(kit: Kit) -> None:
    outside = curve([(0.06, 0.42), (0.12, 0.48), (0.3, 0.66), (0.38, 0.92), (0.42, 1.18)], 18)
    kit.add("cup", lathe(cup_profile(outside, 0.03), 32))
    kit.add("stem", lathe(curve([(0.2, 0.2), (0.14, 0.24), (0.05, 0.32), (0.07, 0.44)], 12), 24))
    for sign in (-1, 1):
        way = curve([(0.38, 0, 1.06), (0.6, 0, 1.08), (0.64, 0, 0.86), (0.46, 0, 0.7), (0.28, 0, 0.66)], 18)
        kit.add("handle", tube(way * (sign, 1, 1), 0.04, 10))
    base = kit.paint(kit.pick("black", "brown"), "satin")
    kit.add("base", box(0.5, 0.5, 0.2, 0.02), base)
    kit.add("plaque", box(0.28, 0.02, 0.1, 0.004).at(0, -0.252, 0.05), kit.main)
    badge = extrude(star_outline(0.17, 0.075), 0.05).turned("x", 90).at(0, -0.362, 0.96)
    kit.add("star", badge, kit.second)


def globe(kit: Kit) -> None:
    """Globe of the world on a stand; the seas in the main colour."""
    kit.add("sea", sphere(0.42, 32).at(z=0.68), kit.main.with_finish("glossy"))
    land = kit.paint("green" if kit.main.colour != "green" else "yellow")
    for turn, tilt, w, h in (
        (0, 62, 0.2, 0.16),
        (18, 95, 0.13, 0.2),
        (95, 60, 0.17, 0.2),
        (105, 98, 0.13, 0.17),
        (165, 55, 0.3, 0.17),
        (215, 62, 0.22, 0.16),
        (240, 112, 0.13, 0.1),
        (130, 74, 0.14, 0.12),
    ):
        blob = ellipsoid(h, w, 0.05, 14).mapped(_blot).at(z=0.4).turned("y", tilt).turned("z", turn)
        kit.add("land", blob.at(z=0.68), land)
    kit.add("ice", ellipsoid(0.13, 0.13, 0.03, 14).at(z=0.68 + 0.4), kit.paint("white"))
    arc = np.radians(np.linspace(-95, 95, 26))
    metal = kit.paint(kit.pick("yellow", "grey"), "metal")
    way = np.stack([0.48 * np.cos(arc), 0 * arc, 0.68 + 0.48 * np.sin(arc)], -1)
    kit.add("arm", tube(way, 0.026, 8).at(z=-0.68).turned("y", -18).at(z=0.68), metal)
    kit.add("stand", cylinder(0.035, 0.18, n=10).at(0.05, 0, 0.04), metal)
    kit.add("base", lathe([(0.3, 0), (0.3, 0.04), (0.08, 0.09), (0, 0.09)], 28), kit.paint("brown"))


def _blot(v: Floats) -> Floats:
    turn = np.arctan2(v[:, 1], v[:, 0])
    v[:, :2] *= (1 + 0.18 * np.sin(3 * turn + 1) + 0.12 * np.sin(5 * turn))[:, None]
    return v


def hourglass(kit: Kit) -> None:
    wood = kit.main
    for z in (0.0, 1.1):
        kit.add("frame", cylinder(0.42, 0.09, bevel=0.02, n=30).at(z=z), wood)
    kit.add("post", ring_of(cylinder(0.035, 1.05, n=10), 3, 0.35, 30).at(z=0.05), wood)
    half = curve([(0.27, 0.1), (0.29, 0.22), (0.2, 0.42), (0.045, 0.6)], 14)
    glass = kit.paint("white", "glass")
    sand = kit.second if kit.second.colour not in ("white", kit.main.colour) else kit.paint("yellow")
    share = kit.between(0.25, 0.75)
    fill = 0.1 + 0.34 * share
    low = half[half[:, 1] <= fill]
    kit.add("sand", lathe([*low, (0, fill + 0.1)], 26), sand)
    kit.add("glass", lathe(half[half[:, 1] >= fill - 0.01], 26), glass)
    upper = half * (1, -1) + (0, 1.2)
    rows = upper[::-1]
    top = 0.6 + 0.32 * (1 - share) + 0.05
    kit.add("sand", lathe(rows[rows[:, 1] <= top + 0.02], 26), sand)
    kit.add("glass", lathe(rows[rows[:, 1] >= top - 0.02], 26), glass)


SHINY = ("glossy", "satin")


BRASS = ("metal",)


TOYS = (
    ToyClass("ball", ball, "play", ("red", "blue", "yellow", "white", "orange"), SHINY, (0.08, 0.2)),
    ToyClass("dice", dice, "game", ("white", "red", "black", "blue", "green"), ("glossy",), (0.04, 0.09), (12, 48), plural="dice"),
    ToyClass("robot", robot, "figure", ("grey", "red", "blue", "turquoise"), ("metal", "glossy", "satin"), (0.14, 0.24), (2, 30), 75),
    ToyClass("star", star, "shape", ("yellow", "yellow", "red", "grey"), ("glossy", "metal", "satin"), (0.08, 0.16), (0, 32), 55),
    ToyClass("heart", heart, "shape", ("red", "red", "pink"), ("glossy", "satin"), (0.08, 0.16), (1, 32), 55),
    ToyClass("balloon", balloon, "play", ("red", "blue", "yellow", "green", "pink", "purple"), ("glossy",), (0.24, 0.36), (1, 28)),
    ToyClass("kite", kite, "play", ("red", "blue", "yellow", "green"), ("satin",), (0.2, 0.34), (2, 30), 50),
    ToyClass("trophy", trophy, "home", ("yellow", "yellow", "grey"), BRASS, (0.16, 0.26), (4, 36), 70, plural="trophies"),
    ToyClass("globe", globe, "home", ("blue", "blue", "turquoise"), ("glossy",), (0.18, 0.28), (4, 36)),
    ToyClass("hourglass", hourglass, "home", ("brown", "yellow", "red"), ("wooden", "satin"), (0.12, 0.2), (3, 34), plural="hourglasses"),
)  # fmt: skip
