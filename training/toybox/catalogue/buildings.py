"""Building shelf: houses, towers and bridges; fronts towards -y."""

# ruff: noqa: E501 (rows of the table are kept whole)
from __future__ import annotations

import numpy as np

from training.toybox.kit import Kit, ToyClass
from training.toybox.mesh import Mesh
from training.toybox.palette import Material, shade
from training.toybox.shapes import box, curve, cylinder, dome, extrude, lathe, ring_of, rod, sphere, torus, tube


def gable(wide: float, high: float, deep: float) -> Mesh:
    """Return a triangular prism standing on z = 0: ``wide`` along x, ridge along y."""
    return extrude([(-wide / 2, 0), (wide / 2, 0), (0, high)], deep).turned("x", 90).at(y=deep / 2)


def pane(kit: Kit) -> Material:
    """Return window paint."""
    return kit.paint(kit.pick("blue", "turquoise", "yellow"), "glass")


def house_window(kit: Kit, x: float, y: float, z: float, turn_deg: float, frame: Material, glass: Material) -> None:
    """Add a framed window to the wall at distance y from the middle, which is then turned about the z axis."""
    bars = (box(0.02, 0.044, 0.2, 0).at(z=0.02), box(0.2, 0.044, 0.02, 0).at(z=0.11))
    pieces = [("window frame", box(0.24, 0.03, 0.24, 0.006), frame), ("window", box(0.19, 0.036, 0.19, 0.004), glass)]
    pieces += [("window frame", bar, frame) for bar in bars]
    for name, mesh, paint in pieces:
        lift = 0.025 if name == "window" else 0.0
        kit.add(name, mesh.at(x, -y, z + lift).turned("z", turn_deg), paint)


def house(kit: Kit) -> None:
    wide, deep, high = kit.between(0.85, 1.1), kit.between(0.7, 0.9), kit.between(0.5, 0.7)
    floors = kit.pick(1, 1, 2)
    high *= 1.0 + 0.55 * (floors - 1)
    wall = (
        kit.main
        if kit.main.pattern != "plain" or kit.chance(0.75)
        else kit.main.with_pattern("bricks", shade(kit.main.rgb, 1.35), 0.13)
    )
    kit.add("wall", box(wide, deep, high, 0), wall)
    roof_paint = kit.second if kit.second.colour not in ("white", "pink") else kit.paint("red")
    tall = kit.between(0.38, 0.52)
    along = kit.chance(0.5)
    if along:  # ridge along x, so the front shows the roof's slope
        kit.add("wall", gable(deep, tall, wide).turned("z", 90).at(z=high), wall)
    else:
        kit.add("wall", gable(wide, tall, deep).at(z=high), wall)
    span, run = (deep, wide) if along else (wide, deep)
    slope, reach = np.hypot(span / 2, tall), 0.12
    angle = np.degrees(np.arctan2(tall, span / 2))
    tiles = roof_paint.with_pattern("bricks", shade(roof_paint.rgb, 0.7), 0.12)
    for sign in (-1, 1):
        slab = box(slope + reach, run + 0.16, 0.06, 0.01).at(-(slope + reach) / 2 + 0.01, 0, 0)
        slab = slab.scaled(-1, 1, 1).turned("y", angle).at(0, 0, high + tall)
        slab = slab if sign > 0 else slab.scaled(-1, 1, 1)
        kit.add("roof", slab.turned("z", 90) if along else slab, tiles)
    front = -deep / 2
    door = kit.paint(kit.pick("brown", "red", "green", "blue"))
    x = kit.pick(0.0, -wide * 0.22)
    kit.add("door", box(0.2, 0.03, 0.36, 0.008).at(x, front - 0.005, 0), door)
    kit.add("knob", sphere(0.018, 8).at(x + 0.06, front - 0.03, 0.18), kit.paint("yellow", "metal"))
    white, glass = kit.paint("white"), pane(kit)

    for level in range(floors):
        z = 0.2 + 0.36 * level
        for at_x in (-wide * 0.3, wide * 0.3) + ((0.0,) if level else ()):
            if level or abs(at_x - x) > 0.2:
                house_window(kit, at_x, deep / 2, z, 0, white, glass)
            house_window(kit, at_x, deep / 2, z, 180, white, glass)
        for turn in (-90, 90):
            house_window(kit, 0.0, wide / 2, z, turn, white, glass)
    kit.add(
        "chimney",
        box(0.13, 0.13, 0.4, 0.01).at(wide * 0.26, deep * 0.12, high + tall * 0.35),
        kit.paint("brown").with_pattern("bricks", (0.75, 0.7, 0.66), 0.06),
    )
    kit.add("step", box(0.3, 0.12, 0.05, 0.01).at(x, front - 0.06, 0), kit.paint("grey"))


def lighthouse(kit: Kit) -> None:
    bands, tall = kit.pick(3, 5), kit.between(1.3, 1.6)
    low, high = 0.3, 0.19
    white = kit.paint("white") if kit.main.colour != "white" else kit.paint("red")
    for k in range(bands):
        a, b = k / bands, (k + 1) / bands
        ra, rb = low + (high - low) * a, low + (high - low) * b
        kit.add(
            "tower" if k % 2 == 0 else "stripe",
            lathe([(ra, tall * a + 0.1), (rb, tall * b + 0.1)], 28),
            kit.main if k % 2 == 0 else white,
        )
    top = tall + 0.1
    dark = kit.paint("black")
    kit.add("rock", lathe([(0.52, 0), (0.46, 0.08), (0.32, 0.14), (0, 0.14)], 11).creased(10), kit.paint("grey"))
    kit.add("gallery", cylinder(0.27, 0.05, n=26).at(z=top), dark)
    kit.add("rail", torus(0.25, 0.012, 26, 6).at(z=top + 0.15), dark)
    kit.add("rail", ring_of(rod((0, 0, 0), (0, 0, 0.12), 0.01, n=5), 10, 0.25).at(z=top + 0.04), dark)
    kit.add("lantern", cylinder(0.14, 0.22, n=20).at(z=top + 0.05), Material("yellow", (1.0, 0.9, 0.45), is_unlit=True))
    kit.add("lantern", ring_of(rod((0, 0, 0), (0, 0, 0.22), 0.014, n=5), 6, 0.142).at(z=top + 0.05), dark)
    kit.add(
        "roof",
        lathe([(0.2, 0), (0.14, 0.1), (0.03, 0.17), (0, 0.24)], 24).at(z=top + 0.27),
        kit.main if kit.main.colour != "white" else white,
    )
    kit.add("door", box(0.15, 0.08, 0.25, 0.03).at(0, -0.27, 0.14), kit.paint("brown"))
    for k in range(3):
        z = 0.6 + 0.36 * k
        kit.add("window", box(0.08, 0.05, 0.11, 0.02).at(0, -(low + (high - low) * (z - 0.1) / tall) + 0.005, z), dark)


def windmill(kit: Kit) -> None:
    tall = kit.between(0.9, 1.1)
    kit.add("tower", cylinder(0.36, tall, top=0.24, n=8).creased(10))
    kit.add("cap", dome(0.28, 0.26, 22).at(z=tall), kit.second)
    wood = kit.paint("brown")
    white = kit.paint("white") if kit.main.colour != "white" else kit.paint(kit.pick("red", "white"))
    kit.add("axle", rod((0, -0.12, tall + 0.08), (0, -0.4, tall + 0.08), 0.05, n=10), wood)
    turn = kit.between(0, 90)
    for k in range(4):
        arm = rod((0, 0, 0), (0, 0, 0.86), 0.022, n=6)
        sail = box(0.2, 0.02, 0.6, 0.004).at(0.12, 0, 0.22)
        bars = [rod((0.02, 0, 0.3 + 0.12 * i), (0.23, 0, 0.3 + 0.12 * i), 0.012, n=5) for i in range(5)]
        for name, mesh, paint in (("sail", sail, white), *(("frame", bar.at(y=-0.015), wood) for bar in (arm, *bars))):
            kit.add(name, mesh.turned("y", turn + 90 * k).at(0, -0.38, tall + 0.08), paint)
    kit.add("door", box(0.2, 0.06, 0.32, 0.02).at(0, -0.325, 0), wood)
    for z in (0.46, 0.7):
        kit.add("window", box(0.11, 0.06, 0.13, 0.01).at(0, -0.33 + 0.12 * z, z), pane(kit))


def castle(kit: Kit) -> None:
    wall = kit.main if kit.chance(0.4) else kit.main.with_pattern("bricks", shade(kit.main.rgb, 0.72), 0.12)
    half, high = 0.5, 0.42
    roof = kit.second if kit.second.colour != kit.main.colour else kit.paint("red")
    for x, y, sx, sy in ((0, -half, 1, 0.1), (0, half, 1, 0.1), (-half, 0, 0.1, 1), (half, 0, 0.1, 1)):
        kit.add("wall", box(sx, sy, high, 0).at(x, y, 0), wall)
        for k in range(5):
            s = -0.36 + 0.18 * k
            kit.add(
                "battlement",
                box(0.09, 0.09, 0.08, 0.006).at(x + (s if sx > sy else 0), y + (s if sy > sx else 0), high),
                kit.main,
            )
    for x in (-half, half):
        for y in (-half, half):
            tall = kit.between(0.68, 0.84)
            kit.add("tower", cylinder(0.17, tall, n=20).at(x, y, 0), wall)
            kit.add("roof", lathe([(0.21, 0), (0, 0.36)], 22).at(x, y, tall), roof)
    kit.add("keep", box(0.46, 0.42, 0.84, 0).at(0, 0.1, 0), wall)
    for k in range(3):
        for y in (-0.09, 0.29):
            kit.add("battlement", box(0.1, 0.05, 0.09, 0.006).at(-0.17 + 0.17 * k, y, 0.84), kit.main)
    kit.add("flag pole", rod((0, 0.1, 0.84), (0, 0.1, 1.3), 0.012, n=6), kit.paint("brown"))
    kit.add("flag", extrude([(0, 0), (0.26, 0.07), (0, 0.15)], 0.014).turned("x", 90).at(0, 0.107, 1.14), roof)
    turn = np.linspace(0, np.pi, 12)
    gate = np.concatenate(
        [[(-0.13, 0.0)], np.stack([-0.13 * np.cos(turn), 0.2 + 0.13 * np.sin(turn)], -1), [(0.13, 0.0)]]
    )
    kit.add("gate", extrude(gate, 0.14).turned("x", 90).at(0, -half + 0.07, 0), kit.paint("brown"))
    for x in (-half, half):
        kit.add("window", box(0.05, 0.05, 0.13, 0.01).at(x, -half - 0.155, 0.42), kit.paint("black"))
    for x in (-0.1, 0.1):
        kit.add("window", box(0.07, 0.03, 0.13, 0.01).at(x, -0.105, 0.58), kit.paint("black"))


def bridge(kit: Kit) -> None:
    long, wide = 2.0, kit.between(0.4, 0.52)
    rise = kit.between(0.16, 0.26)
    if kit.chance(0.5):  # stone arch
        s = np.linspace(-1, 1, 25)
        deck = 0.46 + rise * (1 - s**2)
        turn = np.linspace(0, np.pi, 19)
        arch = np.stack([0.66 * np.cos(turn), 0.02 + (0.3 + rise) * np.sin(turn)], -1)
        outline = np.concatenate(
            [np.stack([s[::-1], deck[::-1]], -1), [[-1, 0], [-0.68, 0]], arch[::-1], [[0.68, 0], [1, 0]]]
        )
        stone = kit.main.with_pattern("bricks", shade(kit.main.rgb, 0.65), 0.09)
        kit.add("arch", extrude(outline, wide).turned("x", 90).at(y=wide / 2), stone)
        for sign in (-1, 1):
            rail = np.concatenate([np.stack([s, deck - 0.02], -1), np.stack([s, deck + 0.16], -1)[::-1]])
            kit.add("rail", extrude(rail, 0.06).turned("x", 90).at(y=0.03 + sign * wide / 2), kit.main)
        road = np.concatenate([np.stack([s, deck], -1), np.stack([s, deck + 0.012], -1)[::-1]])
        kit.add("road", extrude(road, wide - 0.08).turned("x", 90).at(y=wide / 2 - 0.04), kit.paint("grey"))
        return
    kit.add("deck", box(long, wide, 0.06, 0.01).at(z=0.4), kit.paint("grey"))
    for x in (-0.52, 0.52):
        for sign in (-1, 1):
            kit.add("tower", box(0.08, 0.08, 1.15, 0.01).at(x, sign * wide / 2, 0))
        for z in (0.72, 1.08):
            kit.add("tower", box(0.07, wide, 0.07, 0.01).at(x, 0, z))
    for sign in (-1, 1):
        y = sign * wide / 2
        s = np.linspace(-1, 1, 17)
        middle = np.stack([0.52 * s, np.full(17, y), 0.52 + 0.6 * s**2], -1)
        kit.add("cable", tube(middle, 0.018, 6))
        for end in (-1, 1):
            kit.add("cable", tube([(end * 0.52, y, 1.12), (end * 1.0, y, 0.46)], 0.018, 6))
            for x in (0.64, 0.76, 0.88):
                kit.add("cable", rod((end * x, y, 0.44), (end * x, y, 1.12 - (x - 0.52) / 0.48 * 0.66), 0.009, n=5))
        for x in np.linspace(-0.42, 0.42, 8):
            kit.add("cable", rod((x, y, 0.44), (x, y, 0.52 + 0.6 * (x / 0.52) ** 2), 0.009, n=5))


def tent(kit: Kit) -> None:
    wide, high, deep = kit.between(0.9, 1.1), kit.between(0.65, 0.8), kit.between(1.0, 1.3)
    kit.add("tent", gable(wide, high, deep))
    for sign in (-1, 1):
        flap = extrude([(0, high * 0.9), (sign * 0.05, 0.0), (sign * wide * 0.3, 0.0)], 0.012).turned("x", 90)
        kit.add("door", flap.at(0, -deep / 2 - 0.003, 0), kit.second)
    kit.add(
        "opening",
        extrude([(-wide * 0.17, 0.0), (wide * 0.17, 0.0), (0, high * 0.8)], 0.008).turned("x", 90).at(0, -deep / 2, 0),
        kit.paint("black"),
    )
    wood = kit.paint("brown")
    for y in (-deep / 2 - 0.02, deep / 2 + 0.02):
        kit.add("pole", rod((0, y, 0), (0, y, high + 0.08), 0.018, n=8), wood)
        for sign in (-1, 1):
            kit.add("rope", rod((0, y, high), (sign * wide * 0.55, y * 1.5, 0.02), 0.008, n=5), kit.paint("white"))
            kit.add(
                "peg", rod((sign * wide * 0.55, y * 1.5, 0), (sign * wide * 0.56, y * 1.52, 0.09), 0.014, n=6), wood
            )


def fountain(kit: Kit) -> None:
    water = kit.paint("blue", "glass")
    kit.add("basin", lathe([(0.7, 0), (0.72, 0.02), (0.72, 0.24), (0.64, 0.24), (0.62, 0.12), (0, 0.12)], 36))
    kit.add("water", cylinder(0.635, 0.07, n=32).at(z=0.12), water)
    kit.add("column", lathe(curve([(0.16, 0.1), (0.08, 0.3), (0.07, 0.5), (0.12, 0.6)], 12), 22))
    kit.add("bowl", lathe([(0.1, 0.56), (0.36, 0.66), (0.38, 0.72), (0.33, 0.71), (0, 0.64)], 32))
    kit.add("water", cylinder(0.34, 0.03, n=28).at(z=0.67), water)
    kit.add("column", lathe(curve([(0.07, 0.66), (0.04, 0.8), (0.08, 0.9)], 8), 18))
    for k in range(10):
        jet = curve([(0.02, 0, 0.92), (0.1, 0, 1.05), (0.22, 0, 0.95), (0.28, 0, 0.7)], 12)
        kit.add("jet", tube(jet, np.linspace(0.016, 0.024, 12), 6).turned("z", 36 * k), kit.paint("white", "glass"))
        fall = curve([(0.36, 0, 0.72), (0.45, 0, 0.66), (0.5, 0, 0.2)], 10)
        kit.add("jet", tube(fall, 0.02, 6).turned("z", 36 * k + 18), kit.paint("white", "glass"))


WALLS = ("matt", "satin")


TOYS = (
    ToyClass("house", house, "building", ("white", "yellow", "red", "blue", "orange"), WALLS, (0.18, 0.3), (8, 42)),
    ToyClass("lighthouse", lighthouse, "building", ("red", "red", "white", "black", "blue"), WALLS, (0.24, 0.36), (2, 30)),
    ToyClass("windmill", windmill, "building", ("white", "brown", "red", "grey"), WALLS, (0.22, 0.34), (2, 30), 80),
    ToyClass("castle", castle, "building", ("grey", "grey", "brown", "pink", "white"), WALLS, (0.22, 0.34), (8, 42)),
    ToyClass("bridge", bridge, "building", ("red", "grey", "brown"), WALLS, (0.24, 0.36), (6, 38), 65),
    ToyClass("tent", tent, "building", ("orange", "green", "blue", "yellow"), ("cloth",), (0.2, 0.32), (6, 38), 75),
    ToyClass("fountain", fountain, "building", ("grey", "white", "brown"), ("matt", "satin"), (0.2, 0.3), (10, 42)),
)  # fmt: skip
