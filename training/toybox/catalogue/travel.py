"""Travel shelf: what floats and flies; bows and noses point towards +x."""

# ruff: noqa: E501 (rows of the table are kept whole)
from __future__ import annotations

import numpy as np

from training.toybox.catalogue.roads import glass, hull
from training.toybox.kit import Kit, ToyClass
from training.toybox.mesh import Mesh, split
from training.toybox.shapes import box, curve, cylinder, ellipsoid, extrude, lathe, loft, ring_of, rod, torus, tube


def boat(kit: Kit) -> None:
    """Sailing boat: hull, deck, mast, sails."""
    s = np.linspace(0, 1, 20)
    half = 0.34 * np.sin(np.pi * (0.16 + 0.84 * (1 - s)) / 2 * 1.12).clip(0.02, 1) ** 0.8
    half = 0.36 * np.clip(1 - s**2.4, 0.0, 1) ** 0.7 * (0.82 + 0.18 * np.minimum(s * 4, 1)) + 0.012
    sheer = 0.42 + 0.14 * (s - 0.35) ** 2
    turn = np.linspace(0, np.pi, 13)
    rings = []
    for x, h, top in zip(-0.95 + 1.9 * s, half, sheer, strict=True):
        keel = 0.02 + 0.2 * max(0.0, (x - 0.45) / 0.5) ** 2
        rings.append(np.stack([np.full(13, x), -h * np.cos(turn) * 1.0, top - (top - keel) * np.sin(turn) ** 0.7], -1))
    kit.add("hull", loft(np.array(rings)).creased(60))
    kit.add("rail", tube(np.column_stack([-0.95 + 1.9 * s, half, sheer]), 0.025, 8), kit.second)
    kit.add("rail", tube(np.column_stack([-0.95 + 1.9 * s, -half, sheer]), 0.025, 8), kit.second)
    wood = kit.paint("brown", "satin")
    tall = kit.between(1.5, 1.8)
    kit.add("mast", rod((0.1, 0, 0.35), (0.1, 0, 0.45 + tall), 0.035, 0.02, n=10), wood)
    kit.add("boom", rod((0.1, 0, 0.62), (-0.85, 0, 0.6), 0.025, n=8), wood)
    cloth = kit.paint("white") if kit.chance(0.6) or kit.main.colour == "white" else kit.second
    if kit.chance(0.25):
        cloth = cloth.with_pattern("bands", kit.paint("red").rgb, 0.18)
    for corners, paint in (
        ([(0.06, 0.7), (-0.82, 0.68), (0.06, 0.36 + tall)], cloth),
        ([(0.16, 0.6), (0.9, 0.58), (0.14, 0.2 + tall)], cloth if kit.chance(0.6) else kit.second),
    ):
        sail = extrude(corners, 0.02).turned("x", 90)
        kit.add("sail", sail.at(y=0.01), paint)
    kit.add(
        "flag",
        extrude([(0, 0), (-0.24, 0.07), (0, 0.14)], 0.014).turned("x", 90).at(0.1, 0.007, 0.32 + tall),
        kit.paint("red"),
    )


def ship(kit: Kit) -> None:
    """Steamer: hull with a red keel, white house, funnels."""

    def body(low: float, high: float, grow: float) -> Mesh:
        s = np.linspace(0, 1, 22)
        half = (
            (0.3 + grow)
            * np.clip(1 - np.abs(2 * s - 0.9).clip(0.35) ** 3.4 * 0.75, 0.03, 1)
            * np.minimum((1 - s) * 4.0 + 0.02, 1) ** 0.6
        )
        bottom = np.stack([-1.1 + (2.0 + 0.25 * 0) * s, half, np.full(22, low)], -1)
        top = bottom * (1.0, 1.12, 1.0) + np.column_stack([0.28 * s**3 * (high - low), 0 * s, high - low + 0.1 * s**4])
        rings = []
        for b, t in zip(bottom, top, strict=True):
            rings.append(np.array([(b[0], -b[1], b[2]), (b[0], b[1], b[2]), (t[0], t[1], t[2]), (t[0], -t[1], t[2])]))
        return loft(np.array(rings)).creased(40)

    kit.add("keel", body(0.0, 0.12, -0.03), kit.paint("red") if kit.main.colour != "red" else kit.paint("black"))
    kit.add("hull", body(0.12, 0.42, 0.0))
    white = kit.paint("white")
    kit.add("house", box(1.15, 0.44, 0.2, 0.03).at(-0.2, 0, 0.42), white)
    kit.add("house", box(0.8, 0.34, 0.17, 0.03).at(-0.15, 0, 0.62), white)
    for k in range(6):
        kit.add("window", box(0.08, 0.456, 0.08, 0.02).at(-0.62 + 0.17 * k, 0, 0.49), kit.paint("blue", "glass"))
    funnels = kit.count(1, 3)
    for k in range(funnels):
        x = -0.15 + (k - (funnels - 1) / 2) * 0.28
        kit.add("funnel", cylinder(0.09, 0.4, n=18).turned("y", -6).at(x, 0, 0.76), kit.second)
        kit.add("funnel", cylinder(0.095, 0.09, n=18).turned("y", -6).at(x - 0.033, 0, 1.08), kit.paint("black"))
    kit.add("mast", rod((0.55, 0, 0.4), (0.55, 0, 1.15), 0.02, n=8), white)


def landing_gear(kit: Kit, lift: float) -> None:
    """Add three wheels on struts under a fuselage at height ``lift``."""
    kit.add("strut", rod((0.1, 0, lift), (0.1, 0, 0.08), 0.02, n=6), kit.paint("grey"))
    for x, y in ((0.62, 0.0), (0.0, 0.2), (0.0, -0.2)):
        kit.add("strut", rod((x, y * 0.5, lift), (x, y, 0.08), 0.018, n=6), kit.paint("grey"))
        kit.add(
            "wheel", cylinder(0.08, 0.06, bevel=0.015, n=14).turned("x", 90).at(x, y + 0.03, 0.08), kit.paint("black")
        )


def airplane(kit: Kit) -> None:
    lift = 0.34
    sections = [(-1.0, 0.04, 0.13, 0.2), (-0.6, 0.12, 0.02, 0.24), (0.1, 0.16, -0.04, 0.28)]
    sections += [(0.7, 0.15, -0.04, 0.25), (0.95, 0.07, 0.02, 0.16), (1.0, 0.02, 0.07, 0.1)]
    kit.add("fuselage", hull(sections, 0.9).at(z=lift))
    wing = extrude(
        [(0.3, 0.1), (-0.1, 1.1), (-0.3, 1.1), (-0.15, 0.1), (-0.15, -0.1), (-0.3, -1.1), (-0.1, -1.1), (0.3, -0.1)],
        0.05,
        0.015,
    )
    kit.add(
        "wing",
        wing.mapped(lambda v: v + np.column_stack([0 * v[:, 0], 0 * v[:, 0], 0.1 * np.abs(v[:, 1])])).at(
            0.02, 0, lift + 0.02
        ),
        kit.main if kit.chance(0.4) else kit.second,
    )
    tail = kit.second
    kit.add(
        "tail",
        extrude([(-0.68, 0.2), (-0.9, 0.62), (-1.06, 0.62), (-1.0, 0.16)], 0.04, 0.01)
        .turned("x", 90)
        .at(0, 0.02, lift),
        tail,
    )
    kit.add(
        "tail",
        extrude(
            [(-0.75, 0.0), (-0.92, 0.42), (-1.06, 0.42), (-1.0, 0), (-1.06, -0.42), (-0.92, -0.42)], 0.035, 0.01
        ).at(z=lift + 0.17),
        tail,
    )
    pane = glass(kit)
    if kit.chance(0.5):
        for k in range(7):
            kit.add(
                "window",
                cylinder(0.035, 0.335, n=12)
                .turned("x", 90)
                .at(-0.3 + 0.13 * k, 0.1675, lift + 0.16)
                .scaled(1, 0.96, 1),
                pane,
            )
        kit.add("cockpit", ellipsoid(0.14, 0.12, 0.1, 16).at(0.76, 0, lift + 0.17), pane)
        for sign in (-1, 1):
            kit.add(
                "engine",
                cylinder(0.075, 0.3, bevel=0.02, n=18).turned("y", 90).at(0.0, sign * 0.48, lift - 0.03),
                kit.paint("grey", "metal"),
            )
    else:
        kit.add("cockpit", ellipsoid(0.22, 0.12, 0.13, 18).at(0.28, 0, lift + 0.25), pane)
        kit.add("nose", ellipsoid(0.08, 0.06, 0.06, 14).at(1.0, 0, lift + 0.085), kit.paint("red"))
        blade = ellipsoid(0.012, 0.045, 0.32, 12).turned("x", kit.between(0, 90)).at(1.04, 0, lift + 0.085)
        kit.add("propeller", blade, kit.paint("grey"))
    landing_gear(kit, lift)


def helicopter(kit: Kit) -> None:
    kit.add("body", ellipsoid(0.52, 0.3, 0.34, 24).at(0.1, 0, 0.52))
    kit.add("cockpit", ellipsoid(0.34, 0.26, 0.28, 20).at(0.34, 0, 0.54), glass(kit))
    kit.add("tail", tube([(-0.3, 0, 0.6), (-0.8, 0, 0.68), (-1.2, 0, 0.74)], [0.13, 0.08, 0.05], 14))
    kit.add(
        "fin",
        extrude([(-1.1, 0.7), (-1.24, 1.0), (-1.36, 1.0), (-1.26, 0.7)], 0.04, 0.01).turned("x", 90).at(y=0.02),
        kit.second,
    )
    grey = kit.paint("grey", "metal")
    turn = kit.between(0, 90)
    kit.add("mast", cylinder(0.05, 0.2, n=12).at(0.05, 0, 0.82), grey)
    for k in range(kit.pick(2, 2, 4)):
        blade = box(1.0, 0.1, 0.022, 0.01).at(0.5).turned("z", turn + 180 * k if k < 2 else turn + 90 + 180 * k)
        kit.add("rotor", blade.at(0.05, 0, 1.0), kit.second)
    kit.add("rotor", ellipsoid(0.24, 0.015, 0.035, 12).turned("y", turn).at(-1.25, -0.06, 0.78), kit.second)
    for sign in (-1, 1):
        skid = curve(
            [(-0.5, sign * 0.26, 0.05), (0.3, sign * 0.26, 0.03), (0.55, sign * 0.26, 0.05), (0.66, sign * 0.26, 0.14)],
            12,
        )
        kit.add("skid", tube(skid, 0.03, 8), grey)
        for x in (-0.15, 0.3):
            kit.add("skid", rod((x, sign * 0.14, 0.3), (x, sign * 0.26, 0.04), 0.022, n=6), grey)


def rocket(kit: Kit) -> None:
    profile = curve([(0.2, 0.2), (0.3, 0.5), (0.3, 0.95), (0.2, 1.35)], 14)
    kit.add("body", lathe([*profile], 28))
    kit.add("nose", lathe(curve([(0.205, 1.34), (0.13, 1.58), (0.0, 1.8)], 10), 26), kit.second)
    kit.add("nozzle", lathe([(0.24, 0.06), (0.18, 0.22), (0, 0.22)], 22), kit.paint("grey", "metal"))
    fins = kit.pick(3, 4)
    fin = (
        extrude(curve([(0.18, 0.25), (0.46, 0.0), (0.5, 0.02), (0.44, 0.35), (0.25, 0.66)], 16), 0.05, 0.01)
        .turned("x", 90)
        .at(y=0.025)
    )
    kit.add("fin", ring_of(fin, fins, 0.0, 45), kit.second)
    for k in range(kit.count(1, 2)):
        z = 1.08 - 0.32 * k
        r = float(np.interp(z, profile[:, 1], profile[:, 0]))
        kit.add("window", ellipsoid(0.105, 0.05, 0.105, 18).at(0, -r, z), kit.paint("blue", "glass"))
        kit.add(
            "window frame", torus(0.11, 0.028, 20, 8).turned("x", 90).at(0, -r - 0.02, z), kit.paint("grey", "metal")
        )
    if kit.chance(0.4):
        kit.add("flame", lathe(curve([(0.0, -0.35), (0.12, -0.1), (0.15, 0.06)], 8), 16), kit.paint("orange"))


def hot_air_balloon(kit: Kit) -> None:
    profile = curve([(0.12, 0.62), (0.3, 0.85), (0.62, 1.3), (0.66, 1.65), (0.42, 2.0), (0.0, 2.1)], 24)
    n = 32
    mesh = lathe(profile, n)
    gores = int(kit.pick(4, 8, 8, 16))
    middle = mesh.vertices[mesh.faces].mean(1)
    stripe = (np.floor((np.arctan2(middle[:, 1], middle[:, 0]) + np.pi) / (2 * np.pi) * gores) % 2).astype(bool)
    first, rest = split(mesh, ~stripe)
    kit.add("balloon", first)
    kit.add(
        "stripe", rest, kit.second if kit.chance(0.7) else kit.paint("white" if kit.main.colour != "white" else "red")
    )
    wicker = kit.paint("brown")
    kit.add("basket", box(0.3, 0.3, 0.26, 0.05), wicker.with_pattern("bands", tuple(c * 0.7 for c in wicker.rgb), 0.03))  # type: ignore[arg-type]
    for x in (-0.12, 0.12):
        for y in (-0.12, 0.12):
            kit.add("rope", rod((x, y, 0.24), (x * 0.9, y * 0.9, 0.68), 0.012, n=5), kit.paint("black"))


VEHICLE = ("glossy", "satin")


TOYS = (
    ToyClass("boat", boat, "vehicle", ("red", "blue", "white", "brown"), VEHICLE, (0.16, 0.26), (3, 32), synonyms=("sailboat", "sailing boat")),
    ToyClass("ship", ship, "vehicle", ("black", "blue", "red"), VEHICLE, (0.18, 0.28), (6, 38), synonyms=("steamship",)),
    ToyClass("airplane", airplane, "vehicle", ("white", "red", "blue", "grey"), VEHICLE, (0.16, 0.28), (10, 50), synonyms=("plane", "aeroplane")),
    ToyClass("helicopter", helicopter, "vehicle", ("red", "blue", "yellow", "green"), VEHICLE, (0.16, 0.26), (5, 40)),
    ToyClass("rocket", rocket, "vehicle", ("white", "red", "grey", "blue"), VEHICLE, (0.18, 0.3), (0, 30), 120, ("space rocket",)),
    ToyClass("hot air balloon", hot_air_balloon, "vehicle", ("red", "blue", "yellow", "orange", "purple"), ("satin",), (0.2, 0.32), (1, 28)),
)  # fmt: skip
