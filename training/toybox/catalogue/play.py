"""Play shelf: toys, instruments, clothes and gadgets; fronts towards -y."""

from __future__ import annotations

import numpy as np

from training.toybox.kit import Kit, ToyClass
from training.toybox.mesh import Floats, Mesh, split
from training.toybox.palette import Material, shade
from training.toybox.shapes import (
    box, cup_profile, curve, cylinder, disc_outline, dome, ellipsoid, extrude, lathe, loft, ring_of, rod, sheet, sphere,
    star_outline, superellipsoid, torus, tube, wrap,
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


def drum(kit: Kit) -> None:
    high = kit.between(0.5, 0.75)
    kit.add("shell", cylinder(0.5, high, n=36))
    rim = kit.second if kit.chance(0.6) else kit.paint("yellow", "metal")
    for z in (0.03, high - 0.03):
        kit.add("rim", torus(0.51, 0.035, 36, 8).at(z=z), rim)
    kit.add("skin", cylinder(0.48, 0.03, bevel=0.01, n=32).at(z=high - 0.005), kit.paint("white"))
    count = 8
    for k in range(count):
        a, b = 2 * np.pi * k / count, 2 * np.pi * (k + 0.5) / count
        top = (0.52 * np.cos(a), 0.52 * np.sin(a), high - 0.05)
        low = (0.52 * np.cos(b), 0.52 * np.sin(b), 0.05)
        nxt = (0.52 * np.cos(a + 2 * np.pi / count), 0.52 * np.sin(a + 2 * np.pi / count), high - 0.05)
        kit.add("cord", rod(top, low, 0.014, n=5), rim)
        kit.add("cord", rod(low, nxt, 0.014, n=5), rim)
    if kit.chance(0.75):
        wood = kit.paint(kit.pick("brown", "yellow"))
        for sign in (-1, 1):
            way = np.array([(-0.35, sign * 0.05, high + 0.05), (0.45, sign * 0.28, high + 0.16)])
            kit.add("stick", tube(way, [0.022, 0.028], 8), wood)
            kit.add("stick", sphere(0.05, 10).at(*way[0]), wood)


def guitar(kit: Kit) -> None:
    right = curve(
        [(0, 0.62), (0.2, 0.6), (0.29, 0.42), (0.2, 0.2), (0.3, 0.0), (0.41, -0.24), (0.28, -0.5), (0, -0.58)], 34
    )
    outline = np.concatenate([right, (right * (-1, 1))[-2:0:-1]])
    deep = 0.16
    kit.add("body", extrude(outline, deep, 0.012))
    top = kit.main if kit.chance(0.5) else kit.paint(kit.pick("orange", "yellow", "brown"), "wooden")
    kit.add("top", extrude(outline * 0.955, 0.012).at(z=deep), top)
    kit.add("sound hole", cylinder(0.115, 0.01, n=28).at(0, 0.16, deep + 0.01), kit.paint("black"))
    kit.add("rosette", torus(0.13, 0.014, 28, 6).at(0, 0.16, deep + 0.014), kit.paint("white"))
    dark = kit.paint("brown" if top.colour != "brown" and kit.main.colour != "brown" else "black")
    neck = 1.28
    kit.add("neck", box(0.11, 0.98, 0.07, 0.01).at(0, 0.83, deep - 0.045), dark)
    grey = kit.paint("grey", "metal")
    for k in range(9):
        kit.add("fret", box(0.112, 0.012, 0.012).at(0, 0.44 + 0.9 * (k / 9) ** 0.9, deep + 0.024), grey)
    kit.add(
        "head",
        extrude([(-0.06, 0), (0.06, 0), (0.1, 0.1), (0.085, 0.32), (-0.085, 0.32), (-0.1, 0.1)], 0.06, 0.01).at(
            0, neck, deep - 0.045
        ),
        kit.main,
    )
    for y in (0.1, 0.18, 0.26):
        kit.both("peg", cylinder(0.022, 0.06, n=8).turned("y", 90).at(0.09, neck + y, deep - 0.015), grey)
        kit.both("peg", ellipsoid(0.03, 0.03, 0.015, 10).at(0.16, neck + y, deep - 0.015), kit.paint("white"))
    kit.add("bridge", box(0.3, 0.06, 0.04, 0.01).at(0, -0.26, deep + 0.01), dark)
    for k in range(6):
        x = -0.04 + 0.016 * k
        kit.add(
            "string", rod((x * 1.3, -0.26, deep + 0.052), (x, neck + 0.02, deep + 0.045), 0.005, n=4), kit.paint("grey")
        )
    stand = [(name, mesh.turned("x", 74).at(0, 0, 0.62), paint) for name, mesh, paint in kit.tray]
    kit.tray[:] = stand


def violin(kit: Kit) -> None:
    right = curve(
        [
            (0, 0.5),
            (0.17, 0.46),
            (0.2, 0.3),
            (0.13, 0.14),
            (0.12, 0.02),
            (0.2, -0.12),
            (0.25, -0.3),
            (0.18, -0.46),
            (0, -0.52),
        ],
        36,
    )
    outline = np.concatenate([right, (right * (-1, 1))[-2:0:-1]])
    kit.add("body", extrude(outline, 0.11, 0.03))
    black = kit.paint("black", "satin")
    kit.add("neck", box(0.07, 0.72, 0.05, 0.01).at(0, 0.6, 0.11), black)
    kit.add("scroll", torus(0.05, 0.03, 16, 8).turned("y", 90).at(0, 1.0, 0.1))
    kit.add("head", box(0.07, 0.14, 0.06, 0.01).at(0, 0.93, 0.09))
    for k in range(2):
        kit.both("peg", ellipsoid(0.07, 0.018, 0.018, 10).at(0.06, 0.9 + 0.06 * k, 0.12), black)
    kit.add("bridge", box(0.16, 0.02, 0.1, 0.006).at(0, -0.06, 0.1), kit.paint("yellow"))
    kit.add(
        "tailpiece", extrude([(-0.05, -0.18), (0.05, -0.18), (0.03, -0.48), (-0.03, -0.48)], 0.03).at(z=0.13), black
    )
    for k in range(4):
        x = -0.027 + 0.018 * k
        kit.add(
            "string", tube([(x, -0.2, 0.165), (x, -0.06, 0.21), (x * 0.8, 0.94, 0.165)], 0.005, 4), kit.paint("white")
        )
    for sign in (-1, 1):
        hole = curve(
            [
                (sign * 0.09, 0.05, 0.111),
                (sign * 0.12, -0.02, 0.111),
                (sign * 0.1, -0.1, 0.111),
                (sign * 0.13, -0.16, 0.111),
            ],
            10,
        )
        kit.add("sound hole", tube(hole, 0.012, 5), black)
    bow_wood = kit.paint("brown" if kit.main.colour != "brown" else "black")
    kit.add("bow", rod((0.36, -0.5, 0.04), (0.36, 0.75, 0.04), 0.016, n=6), bow_wood)
    kit.add("bow", rod((0.4, -0.48, 0.03), (0.4, 0.73, 0.03), 0.009, n=5), kit.paint("white"))
    for y in (-0.48, 0.74):
        kit.add("bow", box(0.06, 0.05, 0.05, 0.01).at(0.38, y, 0.01), black)


def trumpet(kit: Kit) -> None:
    lift = 0.34
    bell_s = np.linspace(0, 1, 18)
    radius = 0.055 + 0.24 * bell_s**5
    path = np.stack([0.2 + 0.75 * bell_s, 0 * bell_s, np.full(18, lift + 0.12)], -1)
    outer = np.column_stack([radius, path[:, 0]])
    inner = outer[::-1] * (0.88, 1.0)
    bell = (
        lathe(np.concatenate([outer, [[radius[-1] + 0.015, 0.955]], inner[:-6]]), 28).turned("y", 90).at(z=lift + 0.12)
    )
    kit.add("bell", bell)
    loop = curve(
        [
            (0.24, 0, lift + 0.12),
            (-0.3, 0, lift + 0.12),
            (-0.62, 0, lift + 0.08),
            (-0.68, 0, lift - 0.04),
            (-0.6, 0, lift - 0.14),
            (0.3, 0, lift - 0.14),
            (0.5, 0, lift - 0.1),
            (0.52, 0, lift - 0.02),
            (0.44, 0, lift + 0.02),
            (-0.9, 0.02, lift + 0.02),
        ],
        70,
    )
    kit.add("tube", tube(loop, 0.04, 10))
    kit.add(
        "mouthpiece",
        lathe([(0.03, 0), (0.045, 0.1), (0.075, 0.16), (0.075, 0.19), (0, 0.19)], 16)
        .turned("y", -90)
        .at(-0.9, 0.02, lift + 0.02),
    )
    pearl = kit.paint("white", "glossy")
    for k in range(3):
        x = -0.2 + 0.17 * k
        kit.add("valve", cylinder(0.065, 0.42, bevel=0.01, n=18).at(x, 0, lift - 0.24))
        kit.add("valve", cylinder(0.02, 0.09, n=10).at(x, 0, lift + 0.18))
        kit.add("button", cylinder(0.045, 0.025, n=14).at(x, 0, lift + 0.26), pearl)
    kit.add("stand", cylinder(0.16, 0.02, n=20).at(-0.03, 0, 0), kit.paint("black"))
    kit.add("stand", cylinder(0.02, lift - 0.22, n=8).at(-0.03, 0, 0), kit.paint("black"))


def piano(kit: Kit) -> None:
    """Grand piano: the curved case, a lid on a prop, a keyboard, three legs."""
    right = curve([(0.62, 0.0), (0.62, 0.4), (0.5, 0.75), (0.15, 0.95), (-0.05, 1.3), (-0.32, 1.5), (-0.6, 1.35)], 26)
    outline = np.concatenate([[(-0.62, 0.0)], right, [(-0.62, 1.25)]])
    y0, z0 = -0.6, 0.5
    kit.add("case", extrude(outline, 0.24, 0.01).at(0, y0, z0))
    kit.add(
        "strings",
        extrude(np.concatenate([[(-0.56, 0.14)], right * 0.94 + (-0.005, 0.06), [(-0.56, 1.2)]]), 0.012).at(
            0, y0, z0 + 0.236
        ),
        kit.paint("yellow", "metal"),
    )
    tilt = kit.between(28, 42)
    lid = extrude(outline, 0.03, 0.005).at(0.62, 0, 0).turned("y", -tilt).at(-0.62, y0, z0 + 0.25)
    kit.add("lid", lid)
    kit.add(
        "prop",
        rod((0.5, y0 + 0.5, z0 + 0.24), (0.34, y0 + 0.5, z0 + 0.25 + 0.96 * np.tan(np.radians(tilt))), 0.014, n=6),
        kit.paint("brown"),
    )
    kit.add("keybed", box(1.24, 0.26, 0.1, 0.01).at(0, y0 - 0.12, z0))
    white, black = kit.paint("white", "glossy"), kit.paint("black", "glossy")
    keys = 21
    for k in range(keys):
        x = -0.56 + 1.12 * (k + 0.5) / keys
        kit.add("white key", box(1.12 / keys - 0.005, 0.19, 0.03).at(x, y0 - 0.13, z0 + 0.09), white)
        if k % 7 not in (2, 6) and k < keys - 1:
            kit.add("black key", box(0.028, 0.12, 0.03).at(x + 0.56 / keys, y0 - 0.09, z0 + 0.11), black)
    for x in (-0.57, 0.57):
        kit.add("cheek", box(0.1, 0.27, 0.18, 0.015).at(x, y0 - 0.12, z0))
    for x, y in ((-0.5, y0 + 0.05), (0.5, y0 + 0.05), (-0.3, y0 + 1.2)):
        kit.add("leg", cylinder(0.045, z0, top=0.065, n=12).at(x, y, 0))
    if kit.chance(0.6):
        kit.add("bench", box(0.5, 0.26, 0.07, 0.02).at(0, y0 - 0.52, 0.3))
        for x in (-0.2, 0.2):
            for y in (-0.09, 0.09):
                kit.add("bench", rod((x, y0 - 0.52 + y, 0), (x, y0 - 0.52 + y, 0.31), 0.022, n=6))


def bell(kit: Kit) -> None:
    profile = [(0.5, 0), (0.5, 0.03), (0.4, 0.16), (0.33, 0.5), (0.26, 0.72), (0.12, 0.82), (0.0, 0.84)]
    outer = curve(profile[:-1], 18)
    mesh = lathe(np.concatenate([[(0.0, 0.08), (0.42, 0.04)], outer, [(0.0, 0.84)]]), 32)
    kit.add("bell", mesh.at(z=0.1), kit.main)
    kit.add("band", wrap(outer, 0.16, 0.21, 0.012, 32).at(z=0.1), kit.second if kit.chance(0.4) else kit.main)
    kit.add("clapper", sphere(0.1, 14).at(z=0.1), kit.paint("grey", "metal"))
    if kit.chance(0.5):
        kit.add(
            "handle",
            lathe(curve([(0.05, 0), (0.04, 0.1), (0.085, 0.3), (0.06, 0.42), (0, 0.46)], 14), 18).at(z=0.92),
            kit.paint("brown", "wooden"),
        )
    else:
        kit.add("loop", torus(0.11, 0.035, 20, 8).turned("x", 90).at(z=1.03))
        for sign in (-1, 1):
            kit.add(
                "bow",
                lathe([(0.02, 0), (0.12, 0.26)], 12).scaled(1, 0.5, 1).turned("y", 90 * sign).at(0, -0.06, 0.98),
                kit.second,
            )


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


def microphone(kit: Kit) -> None:
    black = kit.paint("black", "satin")
    tall = kit.between(0.5, 0.8)
    kit.add("base", cylinder(0.28, 0.05, bevel=0.015, n=28), black)
    kit.add("stand", rod((0, 0, 0.04), (0, 0, tall), 0.022, n=8), kit.paint("grey", "metal"))
    tilt = kit.between(-35, -10)
    metal = kit.paint("grey", "metal").with_pattern("checks", (0.16, 0.16, 0.18), 0.025)
    for name, mesh, paint in (
        ("body", lathe([(0.05, -0.36), (0.075, -0.34), (0.12, 0.16), (0.13, 0.2), (0, 0.2)], 22), kit.main),
        ("band", torus(0.135, 0.028, 24, 8).at(z=0.22), kit.second),
        ("grille", ellipsoid(0.17, 0.17, 0.19, 24).at(z=0.34), metal),
    ):
        kit.add(name, mesh.turned("x", tilt).at(0, 0, tall + 0.1), paint)


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
    ToyClass("drum", drum, "music", ("red", "blue", "white", "green"), SHINY, (0.14, 0.24), (12, 45)),
    ToyClass("guitar", guitar, "music", ("brown", "orange", "black", "red", "blue"), SHINY, (0.24, 0.36), (4, 34), 58),
    ToyClass("violin", violin, "music", ("brown", "orange"), SHINY, (0.2, 0.3), (42, 80)),
    ToyClass("trumpet", trumpet, "music", ("yellow", "yellow", "grey"), BRASS, (0.2, 0.3), (4, 34), 62),
    ToyClass("piano", piano, "music", ("black", "black", "white", "brown"), ("glossy",), (0.24, 0.34), (12, 42), 80, ("grand piano",)),
    ToyClass("bell", bell, "music", ("yellow", "yellow", "grey"), ("metal", "glossy"), (0.1, 0.18), (2, 34), 120),
    ToyClass("hat", hat, "clothes", ("black", "brown", "red", "blue", "grey"), ("cloth", "satin"), (0.16, 0.24), (6, 40)),
    ToyClass("crown", crown, "clothes", ("yellow", "yellow", "grey"), BRASS, (0.14, 0.2), (8, 40)),
    ToyClass("shoe", shoe, "clothes", ("red", "blue", "white", "black", "green"), ("satin", "matt"), (0.16, 0.24), (14, 48), 180, ("sneaker", "trainer")),
    ToyClass("boot", boot, "clothes", ("red", "yellow", "green", "blue", "black"), SHINY, (0.16, 0.24), (8, 40), 180, ("rubber boot",)),
    ToyClass("glasses", glasses, "gadget", ("black", "red", "brown", "blue"), SHINY, (0.12, 0.18), (8, 42), 65, ("pair of glasses", "sunglasses"), "pairs of glasses", has_article=False),
    ToyClass("backpack", backpack, "clothes", ("red", "blue", "green", "orange"), ("cloth",), (0.18, 0.28), (4, 36), 130, ("rucksack",)),
    ToyClass("camera", camera, "gadget", ("black", "grey", "red", "white"), ("satin", "metal"), (0.12, 0.18), (4, 38), 75),
    ToyClass("telephone", phone, "gadget", ("red", "black", "white", "green", "blue"), SHINY, (0.14, 0.22), (8, 42), 65, ("phone",)),
    ToyClass("laptop", laptop, "gadget", ("grey", "grey", "black", "white"), ("metal", "satin"), (0.2, 0.3), (12, 45), 75, ("notebook computer",)),
    ToyClass("television", television, "gadget", ("black", "brown", "grey", "red"), ("satin",), (0.2, 0.32), (2, 34), 58, ("tv",)),
    ToyClass("microphone", microphone, "music", ("black", "red", "blue", "grey"), SHINY, (0.14, 0.24), (4, 34)),
    ToyClass("headphones", headphones, "gadget", ("black", "white", "red", "blue"), SHINY, (0.16, 0.22), (4, 36), 80, ("pair of headphones",), "pairs of headphones", has_article=False),
    ToyClass("trophy", trophy, "home", ("yellow", "yellow", "grey"), BRASS, (0.16, 0.26), (4, 36), 70, plural="trophies"),
    ToyClass("globe", globe, "home", ("blue", "blue", "turquoise"), ("glossy",), (0.18, 0.28), (4, 36)),
    ToyClass("hourglass", hourglass, "home", ("brown", "yellow", "red"), ("wooden", "satin"), (0.12, 0.2), (3, 34), plural="hourglasses"),
)  # fmt: skip
