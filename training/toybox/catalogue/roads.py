"""Road shelf: what rolls; noses point towards +x, so the viewer at azimuth 0 sees the right side."""

# ruff: noqa: E501 (rows of the table are kept whole)
from __future__ import annotations

import numpy as np

from training.toybox.kit import Kit, ToyClass
from training.toybox.mesh import Floats, Mesh
from training.toybox.palette import Material
from training.toybox.shapes import box, curve, cylinder, dome, ellipsoid, extrude, lathe, loft, rod, torus, tube


def wheel(kit: Kit, x: float, y: float, radius: float, width: float, hub: Material) -> None:
    """Add a wheel standing on z = 0 with its axle along y, its hub on both sides."""
    tyre = cylinder(radius, width, bevel=radius * 0.18, n=22).turned("x", 90).at(x, y + width / 2, radius)
    kit.add("wheel", tyre, kit.paint("black", "matt"))
    for sign in (-1, 1):
        cap = (
            cylinder(radius * 0.55, 0.03, bevel=0.01, n=16).turned("x", 90).at(x, y + sign * width / 2 + 0.015, radius)
        )
        kit.add("hub", cap, hub)


def axles(kit: Kit, xs: tuple[float, ...], y: float, radius: float, width: float, hub: Material) -> None:
    """Add a pair of wheels at each x."""
    for x in xs:
        for sign in (-1, 1):
            wheel(kit, x, sign * y, radius, width, hub)


def hull(sections: list[tuple[float, float, float, float]], power: float = 0.45, n: int = 28) -> Mesh:
    """Return a rounded body through sections (x, half width, bottom z, top z) along x; power shapes the corners."""
    turn = 2 * np.pi * np.arange(n) / n
    c, s = np.cos(turn), np.sin(turn)
    across, up = np.sign(c) * np.abs(c) ** power, np.sign(s) * np.abs(s) ** power
    way = curve(sections, 4 * len(sections))
    rings = [
        np.stack([np.full(n, x), half * across, (low + high) / 2 + (high - low) / 2 * up], -1)
        for x, half, low, high in way
    ]
    return loft(np.array(rings)).creased(48)


def glass(kit: Kit) -> Material:
    """Return window paint."""
    return (
        kit.paint(kit.pick("blue", "grey", "black"), "glass")
        if kit.main.colour != "black"
        else kit.paint("grey", "glass")
    )


def lamps(kit: Kit, x: float, y: float, z: float, radius: float) -> None:
    """Add headlights at (x, +-y, z) and red tail lights at (-x, +-y, z)."""
    for sign in (-1, 1):
        kit.add("light", ellipsoid(0.03, radius, radius, 12).at(x, sign * y, z), kit.paint("yellow", "glossy"))
        kit.add("light", ellipsoid(0.03, radius, radius, 12).at(-x, sign * y, z), kit.paint("red", "glossy"))


def car(kit: Kit) -> None:
    long, roof = kit.between(0.92, 1.06), kit.between(0.72, 0.84)
    rear = kit.between(-0.75, -0.5)
    kit.add(
        "body",
        hull(
            [
                (-long, 0.36, 0.2, 0.46),
                (-long + 0.1, 0.42, 0.14, 0.52),
                (0, 0.44, 0.13, 0.54),
                (long - 0.15, 0.42, 0.14, 0.48),
                (long, 0.36, 0.2, 0.4),
            ],
            0.4,
        ),
    )
    kit.add(
        "cabin",
        hull(
            [
                (rear, 0.36, 0.45, 0.5),
                (rear + 0.2, 0.355, 0.45, roof),
                (0.1, 0.355, 0.45, roof),
                (0.42, 0.37, 0.45, 0.5),
            ],
            0.4,
        ),
        kit.main if kit.chance(0.6) else kit.second,
    )
    pane = glass(kit)
    for sign in (-1, 1):
        for a, b in ((rear + 0.16, -0.18), (-0.12, 0.2)):
            window = extrude([(a, 0.53), (b + 0.06, 0.53), (b, roof - 0.06), (a + 0.03, roof - 0.06)], 0.02).turned(
                "x", 90
            )
            kit.add("window", window.at(y=0.01 + sign * 0.352), pane)
    front = box(0.02, 0.58, 0.26, 0.01).turned("y", -54).at(0.42, 0, 0.535)
    kit.add("windscreen", front, pane)
    kit.add("windscreen", box(0.02, 0.56, 0.22, 0.01).turned("y", 38).at(rear + 0.005, 0, 0.53), pane)
    lamps(kit, long - 0.025, 0.27, 0.37, 0.06)
    grey = kit.paint("grey", "metal")
    for sign in (-1, 1):
        kit.add("bumper", box(0.1, 0.74, 0.08, 0.035).at(sign * (long - 0.01), 0, 0.17), grey)
    axles(kit, (-0.58, 0.58), 0.38, 0.2, 0.14, grey if kit.chance(0.7) else kit.second)
    if kit.chance(0.15):
        kit.add("taxi sign", box(0.2, 0.12, 0.09, 0.02).at(-0.1, 0, roof - 0.01), kit.paint("yellow"))


def bus(kit: Kit) -> None:
    long, high = kit.between(1.2, 1.5), kit.between(0.9, 1.0)
    is_double = kit.chance(0.3)
    top = high * (1.55 if is_double else 1.0)
    kit.add("body", box(2 * long, 0.78, top - 0.16, 0.12, 4).at(0, 0, 0.16))
    kit.add("stripe", box(2 * long + 0.012, 0.792, 0.09, 0.03).at(0, 0, 0.42), kit.second)
    pane = glass(kit)
    count = kit.count(4, 6)
    for level in range(2 if is_double else 1):
        low = 0.56 + 0.5 * level
        for k in range(count):
            x = -long + 0.28 + (2 * long - 0.75) * (k + 0.5) / count
            kit.add("window", box((2 * long - 0.75) / count - 0.07, 0.796, 0.28, 0.03).at(x, 0, low), pane)
        kit.add("windscreen", box(0.03, 0.62, 0.34, 0.012).at(long - 0.008, 0, low - 0.03), pane)
        kit.add("windscreen", box(0.03, 0.56, 0.26, 0.012).at(-long + 0.008, 0, low), pane)
    for sign in (-1, 1):
        kit.add("door", box(0.24, 0.03, 0.58, 0.01).at(long - 0.3, sign * 0.385, 0.24), pane)
    lamps(kit, long, 0.28, 0.3, 0.06)
    axles(kit, (-long * 0.62, long * 0.58), 0.34, 0.19, 0.13, kit.paint("grey", "metal"))


def truck(kit: Kit) -> None:
    kind = kit.count(0, 2)
    grey = kit.paint("grey", "satin")
    kit.add("frame", box(2.2, 0.5, 0.12, 0.02).at(-0.05, 0, 0.24), grey)
    kit.add(
        "cab",
        hull(
            [
                (0.5, 0.38, 0.22, 0.98),
                (0.58, 0.4, 0.2, 1.0),
                (0.86, 0.4, 0.2, 0.98),
                (1.02, 0.39, 0.2, 0.62),
                (1.08, 0.36, 0.22, 0.5),
            ],
            0.3,
        ),
    )
    pane = glass(kit)
    kit.add("windscreen", box(0.02, 0.62, 0.34, 0.01).turned("y", -24).at(0.985, 0, 0.6), pane)
    for sign in (-1, 1):
        kit.add("window", box(0.24, 0.02, 0.26, 0.01).at(0.72, sign * 0.395, 0.62), pane)
    for sign in (-1, 1):
        kit.add("light", ellipsoid(0.03, 0.06, 0.06, 12).at(1.07, sign * 0.26, 0.34), kit.paint("yellow", "glossy"))
    cargo = kit.main if kit.chance(0.45) else kit.second
    if kind == 0:
        kit.add("box", box(1.5, 0.84, 0.95, 0.03).at(-0.33, 0, 0.36), cargo)
    elif kind == 1:
        bed = [
            (-1.12, 0.5),
            (-0.95, 0.36),
            (0.4, 0.36),
            (0.44, 1.0),
            (0.38, 1.0),
            (0.34, 0.44),
            (-0.92, 0.44),
            (-1.06, 0.56),
        ]
        kit.add("bed", extrude(bed, 0.8).turned("x", 90).at(y=0.4), cargo)
        for sign in (-1, 1):
            side = [(-1.12, 0.5), (-0.95, 0.36), (0.4, 0.36), (0.44, 1.0), (0.1, 0.85), (-1.14, 0.8)]
            kit.add("bed", extrude(side, 0.05).turned("x", 90).at(y=0.025 + sign * 0.39), cargo)
        if kit.chance(0.6):
            kit.add(
                "load",
                ellipsoid(0.62, 0.34, 0.26, 16).at(-0.3, 0, 0.72),
                kit.paint(kit.pick("brown", "yellow", "grey")),
            )
    else:
        kit.add(
            "tank", cylinder(0.4, 1.5, bevel=0.12, n=28).turned("y", 90).at(-1.1, 0, 0.76), cargo.with_finish("glossy")
        )
        kit.add("cap", cylinder(0.1, 0.08, n=16).at(-0.35, 0, 1.13), grey)
    axles(kit, (-0.85, -0.42, 0.72), 0.36, 0.21, 0.15, grey)


def fire_engine(kit: Kit) -> None:
    kit.add("body", box(2.2, 0.8, 0.62, 0.07).at(0, 0, 0.2))
    kit.add("cab", box(0.7, 0.8, 0.36, 0.09).at(0.74, 0, 0.72))
    pane, grey, white = glass(kit), kit.paint("grey", "metal"), kit.paint("white")
    kit.add("windscreen", box(0.03, 0.62, 0.26, 0.012).at(1.085, 0, 0.76), pane)
    for sign in (-1, 1):
        kit.add("window", box(0.34, 0.03, 0.24, 0.012).at(0.78, sign * 0.395, 0.78), pane)
        kit.add("stripe", box(2.19, 0.02, 0.1, 0.005).at(0, sign * 0.4, 0.38), white)
        for k in range(3):
            kit.add("shutter", box(0.36, 0.02, 0.28, 0.01).at(-0.85 + 0.44 * k, sign * 0.4, 0.5), grey)
        kit.add("siren", ellipsoid(0.08, 0.1, 0.09, 14).at(0.8, sign * 0.22, 1.1), kit.paint("blue", "glossy"))
        kit.add("light", ellipsoid(0.03, 0.07, 0.07, 12).at(1.1, sign * 0.27, 0.38), kit.paint("yellow", "glossy"))
    tilt = kit.between(4, 20)
    for sign in (-1, 1):
        kit.add(
            "ladder",
            rod((-1.05, sign * 0.16, 0), (0.75, sign * 0.16, 0), 0.03, n=8).turned("y", -tilt).at(0, 0, 0.98),
            white,
        )
    for k in range(9):
        x = -0.95 + 0.2 * k
        kit.add("ladder", rod((x, -0.16, 0), (x, 0.16, 0), 0.022, n=6).turned("y", -tilt).at(0, 0, 0.98), white)
    kit.add("turntable", cylinder(0.22, 0.14, n=20).at(-0.55, 0, 0.8), grey)
    axles(kit, (-0.68, 0.68), 0.36, 0.22, 0.14, grey)


def train(kit: Kit) -> None:
    black, trim = kit.paint("black", "satin"), kit.second
    kit.add("frame", box(2.0, 0.6, 0.14, 0.03).at(0, 0, 0.3), black)
    kit.add("boiler", cylinder(0.32, 1.15, bevel=0.04, n=28).turned("y", 90).at(-0.2, 0, 0.76))
    kit.add("front", cylinder(0.27, 0.06, bevel=0.02, n=24).turned("y", 90).at(0.94, 0, 0.76), black)
    for x in (0.05, 0.45):
        kit.add("band", cylinder(0.328, 0.05, n=28).turned("y", 90).at(x, 0, 0.76), trim)
    kit.add(
        "chimney", lathe([(0.09, 0), (0.09, 0.28), (0.17, 0.42), (0.17, 0.46), (0, 0.46)], 20).at(0.68, 0, 1.02), black
    )
    kit.add("dome", dome(0.13, 0.16, 18).at(0.2, 0, 1.05), trim)
    kit.add("cab", box(0.62, 0.74, 0.62, 0.03).at(-0.62, 0, 0.42))
    for sign in (-1, 1):
        kit.add("window", box(0.3, 0.03, 0.26, 0.01).at(-0.62, sign * 0.365, 0.72), glass(kit))
    kit.add("roof", box(0.8, 0.88, 0.1, 0.045).at(-0.62, 0, 1.03), trim)
    for x, r in ((-0.62, 0.27), (0.0, 0.27), (0.62, 0.19)):
        for sign in (-1, 1):
            wheel(kit, x, sign * 0.33, r, 0.09, trim)
    for sign in (-1, 1):
        kit.add("rod", rod((-0.62, sign * 0.4, 0.25), (0.0, sign * 0.4, 0.25), 0.035, n=8), kit.paint("grey", "metal"))
    kit.add(
        "cowcatcher",
        extrude([(-0.34, 0), (0.34, 0), (0.16, 0.28), (-0.16, 0.28)], 0.2)
        .turned("x", 90)
        .turned("z", 90)
        .at(0.95, 0, 0.06)
        .mapped(_wedge),
        black,
    )
    kit.add("light", cylinder(0.08, 0.1, n=14).turned("y", 90).at(0.9, 0, 1.06), kit.paint("yellow"))


def _wedge(v: Floats) -> Floats:
    v[:, 0] += np.where(v[:, 2] < 0.1, 0.16 * (1 - np.abs(v[:, 1]) / 0.36), 0)
    return v


def bicycle(kit: Kit) -> None:
    black, grey = kit.paint("black", "satin"), kit.paint("grey", "metal")
    r = 0.42
    back, front = np.array((-0.66, 0, r)), np.array((0.66, 0, r))
    for hub in (back, front):
        kit.add("wheel", torus(r - 0.03, 0.035, 34, 10).turned("x", 90).at(*hub), black)
        kit.add("hub", cylinder(0.045, 0.09, n=12).turned("x", 90).at(hub[0], 0.045, r), grey)
        for k in range(6):
            spoke = rod((0, 0, -r + 0.03), (0, 0, r - 0.03), 0.009, n=5).turned("y", 30 * k)
            kit.add("spoke", spoke.at(*hub), grey)
    crank, seat, head = np.array((-0.12, 0, 0.36)), np.array((-0.3, 0, 0.86)), np.array((0.46, 0, 0.92))
    for a, b in (
        (crank, seat),
        (seat * (1, 1, 0.97), head * (0.98, 1, 0.97)),
        (crank, head * (1, 1, 0.9)),
        (back, crank),
        (back, seat * (1, 1, 0.95)),
        (front, head * (1, 1, 1.02)),
    ):
        kit.add("frame", rod(a, b, 0.036, n=10))
    kit.add("seat", ellipsoid(0.17, 0.09, 0.045, 14).at(seat[0] - 0.02, 0, seat[2] + 0.1), black)
    kit.add("seat post", rod(seat, seat + (0, 0, 0.1), 0.025, n=8), grey)
    bar = curve([(0.36, -0.3, 1.06), (0.46, -0.15, 1.1), (0.46, 0.15, 1.1), (0.36, 0.3, 1.06)], 12)
    kit.add("handlebar", tube(bar, 0.026, 8), grey)
    kit.add("handlebar", rod(head, (0.46, 0, 1.1), 0.026, n=8), grey)
    kit.add("chainring", cylinder(0.1, 0.03, n=20).turned("x", 90).at(crank[0], -0.035, crank[2]), grey)
    for sign in (-1, 1):
        kit.add(
            "pedal",
            box(0.1, 0.1, 0.035, 0.01).at(crank[0] + sign * 0.14, sign * 0.13, crank[2] - 0.02 + sign * 0.08),
            black,
        )
        kit.add(
            "pedal",
            rod(
                (crank[0], sign * 0.07, crank[2]),
                (crank[0] + sign * 0.14, sign * 0.08, crank[2] + sign * 0.08),
                0.016,
                n=6,
            ),
            grey,
        )


def tractor(kit: Kit) -> None:
    hub = kit.second
    kit.add(
        "hood",
        hull([(0.0, 0.2, 0.42, 0.82), (0.1, 0.24, 0.38, 0.86), (0.7, 0.23, 0.38, 0.82), (0.82, 0.2, 0.42, 0.76)], 0.35),
    )
    kit.add("body", box(0.8, 0.4, 0.3, 0.05).at(-0.3, 0, 0.36))
    kit.add("cab", box(0.56, 0.5, 0.5, 0.05).at(-0.34, 0, 0.66), glass(kit))
    for x in (-0.6, -0.08):
        for y in (-0.24, 0.24):
            kit.add("cab", rod((x, y, 0.64), (x, y, 1.2), 0.035, n=6))
    kit.add("roof", box(0.72, 0.64, 0.1, 0.04).at(-0.34, 0, 1.17))
    kit.add("exhaust", cylinder(0.04, 0.45, n=12).at(0.35, 0.1, 0.8), kit.paint("black"))
    for sign in (-1, 1):
        wheel(kit, -0.45, sign * 0.42, 0.46, 0.22, hub)
        wheel(kit, 0.6, sign * 0.34, 0.26, 0.16, hub)
        kit.add("light", ellipsoid(0.03, 0.05, 0.05, 10).at(0.82, sign * 0.12, 0.66), kit.paint("yellow", "glossy"))


def digger(kit: Kit) -> None:
    black = kit.paint("black")
    for sign in (-1, 1):
        turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
        outline = np.stack([np.cos(turn) * 0.17 + np.sign(np.cos(turn)) * 0.48, 0.17 + 0.17 * np.sin(turn)], -1)
        kit.add("track", extrude(outline, 0.22, 0.02).turned("x", 90).at(y=sign * 0.32 + 0.11), black)
        for x in (-0.48, 0.0, 0.48):
            kit.add(
                "wheel", cylinder(0.11, 0.26, n=16).turned("x", 90).at(x, sign * 0.32 + 0.13, 0.17), kit.paint("grey")
            )
    kit.add("body", box(1.0, 0.66, 0.34, 0.08).at(-0.15, 0, 0.4))
    kit.add("cab", box(0.42, 0.36, 0.46, 0.05).at(0.12, -0.14, 0.72))
    kit.add("window", box(0.3, 0.37, 0.28, 0.02).at(0.16, -0.14, 0.84), glass(kit))
    kit.add("window", box(0.43, 0.28, 0.28, 0.02).at(0.125, -0.14, 0.84), glass(kit))
    elbow, tip = np.array((0.78, 0.16, 1.28)), np.array((1.25, 0.16, 0.62))
    kit.add("arm", tube(curve([(0.25, 0.16, 0.66), (0.5, 0.16, 1.08), elbow], 10), 0.085, 8))
    kit.add("arm", rod(elbow, tip, 0.075, 0.055, n=8))
    scoop = extrude([(0, 0.16), (0.06, -0.06), (-0.1, -0.26), (-0.34, -0.28), (-0.12, -0.12), (-0.08, 0.02)], 0.36)
    kit.add("bucket", scoop.turned("x", 90).at(tip[0], 0.34, tip[2] - 0.02), kit.paint("grey", "metal"))


VEHICLE = ("glossy", "satin")


TOYS = (
    ToyClass("car", car, "vehicle", ("red", "blue", "white", "black", "grey", "yellow"), VEHICLE, (0.12, 0.2), (6, 40), synonyms=("automobile",)),
    ToyClass("bus", bus, "vehicle", ("red", "yellow", "blue", "white"), VEHICLE, (0.16, 0.26), (6, 40), plural="buses"),
    ToyClass("truck", truck, "vehicle", ("blue", "red", "white", "green", "orange"), VEHICLE, (0.16, 0.26), (6, 40), synonyms=("lorry",)),
    ToyClass("fire engine", fire_engine, "vehicle", ("red", "red", "red", "yellow"), VEHICLE, (0.16, 0.26), (8, 40), synonyms=("fire truck",)),
    ToyClass("train", train, "vehicle", ("green", "red", "blue", "black"), VEHICLE, (0.16, 0.26), (5, 38), synonyms=("steam train", "locomotive")),
    ToyClass("bicycle", bicycle, "vehicle", ("red", "blue", "green", "black"), VEHICLE, (0.18, 0.28), (3, 30), 60, ("bike",)),
    ToyClass("tractor", tractor, "vehicle", ("green", "red", "blue"), VEHICLE, (0.14, 0.22), (6, 36)),
    ToyClass("digger", digger, "vehicle", ("yellow", "yellow", "orange"), VEHICLE, (0.16, 0.26), (6, 36), synonyms=("excavator",)),
)  # fmt: skip
