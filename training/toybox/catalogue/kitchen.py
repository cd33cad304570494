"""Kitchen shelf: crockery, cutlery and pots."""

from __future__ import annotations

import numpy as np

from training.toybox.kit import Kit, ToyClass
from training.toybox.mesh import Floats, Mesh, split
from training.toybox.palette import Material
from training.toybox.shapes import (
    box, cup_profile, curve, cylinder, ellipsoid, extrude, lathe, loft, ring_of, rod, sphere, torus, tube, wrap,
)  # fmt: skip


def vessel(
    kit: Kit, outside_rz: Floats, wall: float, *, name: str = "body", inside: Material | None = None, n: int = 32
) -> None:
    """Add an open vessel in two parts: ``name`` (outside and rim) and "inside"."""
    mesh = lathe(cup_profile(outside_rz, wall), n)
    middle = mesh.vertices[mesh.faces].mean(1)
    rim_z = outside_rz[-1, 1]
    facing = np.cross(
        mesh.vertices[mesh.faces[:, 1]] - mesh.vertices[mesh.faces[:, 0]],
        mesh.vertices[mesh.faces[:, 2]] - mesh.vertices[mesh.faces[:, 0]],
    )
    outward = (facing[:, :2] * middle[:, :2]).sum(1)
    is_inside = ((outward < 0) | (facing[:, 2] > 0) & (np.abs(middle[:, 2] - rim_z) > wall)) & (
        middle[:, 2] > outside_rz[:, 1].min() + wall * 0.5
    )
    inner, outer = split(mesh, is_inside)
    kit.add(name, outer)
    kit.add("inside", inner, inside)


def handle(x: float, low: float, high: float, reach: float, thickness: float, *, flat: float = 1.0) -> Mesh:
    """Return an ear-shaped handle in the xz plane from (x, low) to (x, high), bulging by ``reach``."""
    height = high - low
    way = [(x - 0.02, 0, high), (x + 0.6 * reach, 0, high + 0.02 * height), (x + reach, 0, high - 0.3 * height),
           (x + 0.85 * reach, 0, low + 0.28 * height), (x + 0.35 * reach, 0, low + 0.02 * height), (x - 0.03, 0, low - 0.02)]  # fmt: skip
    return tube(curve(way, 18), thickness, 10, flat=flat)


def mug(kit: Kit) -> None:
    height, low = kit.between(0.85, 1.25), kit.between(0.36, 0.46)
    top, belly = low * kit.between(0.95, 1.15), kit.between(-0.03, 0.05)
    outside = curve(
        [
            (low * 0.86, 0),
            (low, 0.05),
            ((low + top) / 2 + belly, height / 2),
            (top, height - 0.03),
            (top - 0.015, height),
        ],
        14,
    )
    inside = kit.main if kit.chance(0.4) else kit.paint(kit.pick("white", "white", kit.second.colour), "glossy")
    vessel(kit, outside, 0.045, inside=inside)
    trim = kit.second if kit.chance(0.35) else kit.main
    kit.add(
        "handle",
        handle(
            min(low, top) + belly * 0.5, height * 0.2, height * 0.8, kit.between(0.24, 0.34), kit.between(0.045, 0.065)
        ),
        trim,
    )
    if kit.chance(0.25):
        band = kit.between(0.25, 0.7) * height
        kit.add("band", wrap(outside, band - 0.07, band + 0.07), kit.second)


def cup(kit: Kit) -> None:
    height, top = kit.between(0.42, 0.55), kit.between(0.48, 0.56)
    outside = curve([(0.2, 0.06), (0.26, 0.09), (top * 0.86, 0.06 + height * 0.45), (top, height + 0.06)], 14)
    vessel(kit, outside, 0.03, inside=kit.paint("white", "glossy") if kit.chance(0.5) else None)
    kit.add("handle", handle(top * 0.86, 0.22 * height + 0.06, 0.8 * height + 0.04, 0.22, 0.035), kit.main)
    saucer = kit.second if kit.chance(0.3) else kit.main
    kit.add(
        "saucer",
        lathe([(0.28, 0), (0.34, 0.0), (0.85, 0.1), (0.86, 0.125), (0.8, 0.12), (0.36, 0.05), (0, 0.05)], 36),
        saucer,
    )
    if kit.chance(0.6):
        kit.add(
            "drink",
            lathe([(0.0, 0.0), (top * 0.8, 0.0), (top * 0.85, 0.01), (0, 0.012)]).at(z=0.06 + height * 0.62),
            kit.paint(kit.pick("brown", "brown", "green"), "glossy"),
        )


def teapot(kit: Kit) -> None:
    wide, height = kit.between(0.52, 0.62), kit.between(0.72, 0.95)
    body = curve(
        [
            (wide * 0.6, 0),
            (wide * 0.72, 0.04),
            (wide, height * 0.42),
            (wide * 0.78, height * 0.82),
            (wide * 0.5, height),
        ],
        16,
    )
    kit.add("body", lathe([*body, (0, height)], 32))
    lid = kit.second if kit.chance(0.35) else kit.main
    kit.add(
        "lid",
        lathe(
            curve(
                [
                    (wide * 0.52, height),
                    (wide * 0.48, height + 0.04),
                    (wide * 0.25, height + 0.13),
                    (0.0, height + 0.16),
                ],
                8,
            ),
            28,
        ),
        lid,
    )
    kit.add("knob", sphere(0.075, 14).at(z=height + 0.21), lid)
    spout = curve(
        [
            (wide * 0.8, 0, height * 0.28),
            (wide * 1.25, 0, height * 0.4),
            (wide * 1.4, 0, height * 0.72),
            (wide * 1.68, 0, height * 0.98),
        ],
        14,
    )
    kit.add("spout", tube(spout, np.linspace(0.15, 0.06, 14), 12, round_ends=False))
    kit.add("handle", handle(wide * 0.86, height * 0.2, height * 0.8, 0.36, 0.05).scaled(-1, 1, 1), lid)


def bowl(kit: Kit) -> None:
    height, low = kit.between(0.38, 0.55), kit.between(0.24, 0.34)
    outside = curve([(low, 0), (low + 0.02, 0.05), (0.72, height * 0.5), (0.92, height), (0.915, height + 0.02)], 14)
    vessel(kit, outside, 0.045, inside=kit.second if kit.chance(0.5) else None, n=36)
    if kit.chance(0.4):
        tone = kit.paint(kit.pick("orange", "green", "red", "yellow"))
        kit.add("food", lathe(curve([(0.8, height * 0.72), (0.5, height * 0.84), (0.0, height * 0.88)], 6), 28), tone)


def plate(kit: Kit) -> None:
    lift = kit.between(0.08, 0.14)
    rim = kit.second if kit.chance(0.5) else kit.main
    kit.add(
        "plate", lathe([(0.5, 0), (0.56, 0.0), (0.80, lift * 0.75), (0.78, lift * 0.95), (0.56, 0.045), (0, 0.04)], 40)
    )
    kit.add(
        "rim",
        lathe([(0.79, lift * 0.72), (1.0, lift), (1.0, lift + 0.025), (0.77, lift * 0.97)], 40, is_hoop=True),
        rim,
    )


def bottle(kit: Kit) -> None:
    wide, neck = kit.between(0.2, 0.27), kit.between(0.06, 0.085)
    shoulder = kit.between(0.5, 0.72)
    body = curve(
        [
            (wide * 0.9, 0.0),
            (wide, 0.04),
            (wide, shoulder - 0.05),
            (wide * 0.8, shoulder + 0.07),
            (neck * 1.2, shoulder + 0.2),
            (neck, shoulder + 0.27),
            (neck, 1.1),
        ],
        22,
    )
    kit.add("bottle", lathe(body, 28), kit.main.with_finish("glass") if kit.main.pattern == "plain" else kit.main)
    kit.add("cap", cylinder(neck * 1.25, 0.09, bevel=0.015, n=20).at(z=1.08), kit.second)
    if kit.chance(0.75):
        kit.add(
            "label",
            wrap(body, shoulder * 0.25, shoulder * 0.78, 0.006),
            kit.paint(kit.pick("white", "yellow", kit.second.colour)),
        )


def vase(kit: Kit) -> None:
    style = kit.count(0, 2)
    foot, belly, neck, lip = (
        kit.between(0.16, 0.25),
        kit.between(0.34, 0.48),
        kit.between(0.12, 0.2),
        kit.between(0.18, 0.3),
    )
    where = (0.35, 0.62, 0.5)[style]
    outside = curve([(foot, 0), (foot * 1.05, 0.04), (belly, where), (neck, 0.98 if style else 0.85), (lip, 1.15)], 22)
    vessel(kit, outside, 0.03, inside=None)
    if kit.chance(0.5):
        kit.add("band", wrap(outside, where - 0.08, where + 0.08), kit.second)


def jug(kit: Kit) -> None:
    wide, height = kit.between(0.36, 0.44), kit.between(1.0, 1.25)
    outside = curve(
        [
            (wide * 0.75, 0),
            (wide * 0.8, 0.04),
            (wide, height * 0.35),
            (wide * 0.68, height * 0.78),
            (wide * 0.8, height),
        ],
        18,
    )
    lip = np.array((-1.0, 0.0, 0.0))

    def pull(v: Floats) -> Floats:
        share = np.clip((v[:, 2] / height - 0.8) / 0.2, 0, 1) * np.clip(v[:, :3] @ lip / wide, 0, 1) ** 3
        v[:, 0] -= 0.3 * wide * share
        return v

    mesh = lathe(cup_profile(outside, 0.04), 32).mapped(pull)
    kit.add("body", mesh)
    kit.add(
        "handle",
        handle(wide * 0.78, height * 0.3, height * 0.88, 0.34, 0.055),
        kit.second if kit.chance(0.3) else kit.main,
    )


def pan(kit: Kit) -> None:
    deep = kit.between(0.16, 0.28)
    black = kit.paint("black", "satin")
    outside = np.array([(0.48, 0.0), (0.52, 0.02), (0.6, deep), (0.605, deep + 0.01)])
    vessel(kit, outside, 0.035, name="pan", inside=black if kit.chance(0.6) else None, n=36)
    length = kit.between(0.75, 0.95)
    way = curve(
        [
            (0.56, 0, deep * 0.7),
            (0.72, 0, deep * 1.05),
            (0.6 + length * 0.6, 0, deep * 1.35),
            (0.6 + length, 0, deep * 1.3),
        ],
        12,
    )
    kit.add("handle", tube(way, np.linspace(0.05, 0.075, 12), 10, flat=0.6), black if kit.chance(0.6) else kit.second)


def pot(kit: Kit) -> None:
    height = kit.between(0.5, 0.75)
    kit.add("pot", cylinder(0.55, height, bevel=0.05, n=36))
    kit.add(
        "lid",
        lathe([(0.57, height), (0.575, height + 0.03), (0.4, height + 0.1), (0, height + 0.14)], 36),
        kit.second if kit.chance(0.4) else kit.main,
    )
    black = kit.paint("black", "satin")
    kit.add(
        "knob", lathe([(0.05, 0), (0.05, 0.05), (0.1, 0.08), (0.1, 0.11), (0, 0.13)], 18).at(z=height + 0.12), black
    )
    grip = tube(
        curve([(0.5, -0.16, 0), (0.68, -0.15, 0.02), (0.74, 0, 0.02), (0.68, 0.15, 0.02), (0.5, 0.16, 0)], 14), 0.035, 8
    )
    kit.both("handle", grip.at(z=height * 0.78), black)


def kettle(kit: Kit) -> None:
    height = kit.between(0.62, 0.78)
    kit.add(
        "body", lathe(curve([(0.5, 0), (0.54, 0.05), (0.5, height * 0.5), (0.3, height * 0.92), (0.2, height)], 14), 32)
    )
    black = kit.paint("black", "satin")
    kit.add("lid", lathe([(0.21, height - 0.01), (0.19, height + 0.03), (0, height + 0.06)], 24))
    kit.add("knob", sphere(0.05, 12).at(z=height + 0.09), black)
    kit.add(
        "spout",
        tube(
            [(0.36, 0, height * 0.42), (0.55, 0, height * 0.6), (0.72, 0, height * 0.92)],
            [0.13, 0.09, 0.065],
            12,
            round_ends=False,
        ),
    )
    kit.add(
        "handle",
        tube(
            curve(
                [
                    (-0.36, 0, height * 0.72),
                    (-0.42, 0, height * 1.15),
                    (-0.1, 0, height * 1.45),
                    (0.25, 0, height * 1.35),
                    (0.36, 0, height * 0.82),
                ],
                20,
            ),
            0.045,
            10,
            flat=1.3,
        ),
        black,
    )


def _blade(outline: list[tuple[float, float]], thickness: float) -> Mesh:
    return extrude(curve([*outline], 4 * len(outline)), thickness, thickness * 0.3)


def spoon(kit: Kit) -> None:
    wide, long = kit.between(0.12, 0.15), kit.between(0.19, 0.24)
    shell = ellipsoid(wide, long, 0.075, 24).mapped(
        lambda v: np.column_stack([v[:, 0], v[:, 1], np.where(v[:, 2] > 0, -0.55 * v[:, 2], v[:, 2])])
    )
    kit.add("bowl", shell.creased(30).at(y=0.55, z=0.075))
    _stem(kit, 0.36)


def _stem(kit: Kit, top: float) -> None:
    grip = kit.main if kit.chance(0.6) else kit.second
    way = curve([(0, top, 0.05), (0, top - 0.18, 0.075), (0, -0.1, 0.06), (0, -0.62, 0.04)], 16)
    kit.add("neck", tube(way[:8], np.linspace(0.026, 0.022, 8), 8))
    kit.add(
        "handle", tube(way[7:], np.linspace(0.024, 0.062, 9), 10, flat=1.0).mapped(lambda v: v * (1.15, 1, 0.75)), grip
    )


def fork(kit: Kit) -> None:
    tines = kit.pick(3, 4)
    spread = np.linspace(-0.1, 0.1, tines)
    kit.add(
        "head",
        extrude(
            [
                (-0.03, 0.3),
                (0.03, 0.3),
                (0.1, 0.4),
                (0.125, 0.48),
                (0.125, 0.54),
                (-0.125, 0.54),
                (-0.125, 0.48),
                (-0.1, 0.4),
            ],
            0.03,
            0.008,
        ).at(z=0.045),
    )
    for x in spread:
        kit.add(
            "tine",
            tube(
                curve([(x, 0.52, 0.06), (x, 0.68, 0.045), (x * 0.95, 0.86, 0.08)], 8), np.linspace(0.024, 0.012, 8), 8
            ),
        )
    _stem(kit, 0.36)


def knife(kit: Kit) -> None:
    tip = kit.between(0.7, 0.95)
    outline = [
        (-0.07, 0.0),
        (0.075, 0.0),
        (0.085, tip * 0.45),
        (0.07, tip * 0.8),
        (0.03, tip * 0.95),
        (-0.06, tip),
        (-0.07, tip * 0.6),
    ]
    kit.add(
        "blade",
        extrude(outline, 0.03, 0.008).at(z=0.03),
        kit.paint("grey", "metal") if kit.main.finish != "metal" else kit.main,
    )
    shaft = (
        box(0.15, 0.55, 0.085, 0.03)
        .mapped(lambda v: v * np.column_stack([1 + 0.15 * np.cos(9 * v[:, 1]), np.ones(len(v)), np.ones(len(v))]))
        .at(y=-0.28)
    )
    kit.add("handle", shaft)
    kit.both("rivet", cylinder(0.018, 0.012, n=10).at(0.0, -0.14, 0.083), kit.paint("grey", "metal"))
    kit.add("rivet", cylinder(0.018, 0.012, n=10).at(0.0, -0.4, 0.083), kit.paint("grey", "metal"))


def candle(kit: Kit) -> None:
    height, wide = kit.between(0.6, 1.0), kit.between(0.12, 0.2)
    kit.add(
        "candle",
        lathe(
            [
                (wide, 0.1),
                (wide, 0.1 + height - 0.03),
                (wide * 0.9, 0.1 + height),
                (wide * 0.5, 0.07 + height),
                (0, 0.06 + height),
            ],
            24,
        ),
    )
    kit.add("wick", rod((0, 0, height + 0.05), (0.01, 0, height + 0.19), 0.012, n=6), kit.paint("black"))
    flame = Material("yellow", (1.0, 0.82, 0.30), "matt", is_unlit=True)
    kit.add(
        "flame",
        lathe(curve([(0, 0), (0.05, 0.05), (0.062, 0.1), (0.035, 0.2), (0.0, 0.29)], 12), 14).at(
            0.01, 0, height + 0.14
        ),
        flame,
    )
    dish = lathe([(wide * 1.1, 0), (wide * 2.1, 0.06), (wide * 2.15, 0.1), (wide * 1.2, 0.09), (0, 0.09)], 30)
    kit.add("holder", dish, kit.second)
    if kit.chance(0.6):
        kit.add("handle", torus(0.085, 0.022, 18, 8).turned("x", 90).at(wide * 2.1 + 0.07, 0, 0.1), kit.second)


def jar(kit: Kit) -> None:
    wide, height = kit.between(0.3, 0.38), kit.between(0.6, 0.8)
    body = curve([(wide * 0.92, 0), (wide, 0.05), (wide, height - 0.1), (wide * 0.82, height)], 12)
    kit.add("jar", lathe(body, 30), kit.main.with_finish("glass") if kit.main.pattern == "plain" else kit.main)
    kit.add("lid", cylinder(wide * 0.9, 0.15, bevel=0.02, n=30).at(z=height), kit.second)
    kit.add("label", wrap(body, height * 0.2, height * 0.68, 0.006), kit.paint("white"))
    kit.add("picture", ellipsoid(0.1, 0.05, 0.1, 16).at(0, -wide, height * 0.44), kit.paint(kit.main.colour))


def basket(kit: Kit) -> None:
    height = kit.between(0.45, 0.6)
    straw = kit.main.with_pattern("bands", tuple(c * 0.7 for c in kit.main.rgb), 0.06)  # type: ignore[arg-type]
    outside = np.array([(0.42, 0.0), (0.44, 0.02), (0.58, height - 0.02), (0.58, height)])
    mesh = lathe(cup_profile(outside, 0.05), 32).scaled(1.15, 0.85, 1)
    kit.add("basket", mesh, straw)
    kit.add("rim", torus(0.575, 0.045, 32, 8).scaled(1.15, 0.85, 1).at(z=height), kit.main)
    arch = np.linspace(0, np.pi, 18)
    way = np.stack([0.66 * np.cos(arch), 0 * arch, height + kit.between(0.5, 0.7) * np.sin(arch)], -1)
    kit.add("handle", tube(way, 0.04, 8), kit.main)
    for k in range(kit.count(0, 4)):
        kit.add(
            "fruit",
            sphere(0.17, 14).at(0.28 * np.cos(1.7 * k), 0.2 * np.sin(1.7 * k), height * 0.9),
            kit.paint(kit.pick("red", "orange", "green", "yellow"), "satin"),
        )


def toaster(kit: Kit) -> None:
    wide, deep, high = kit.between(0.9, 1.05), kit.between(0.5, 0.6), kit.between(0.6, 0.7)
    kit.add("body", box(wide, deep, high, 0.16, 4).at(z=0.05))
    black = kit.paint("black", "satin")
    for y in (-0.1, 0.1):
        kit.add("slot", box(wide * 0.66, 0.08, 0.02).at(0, y, high + 0.041), black)
        if kit.chance(0.7):
            bread = extrude(
                [
                    (-0.22, 0),
                    (0.22, 0),
                    (0.22, 0.24),
                    (0.26, 0.32),
                    (0.2, 0.4),
                    (-0.2, 0.4),
                    (-0.26, 0.32),
                    (-0.22, 0.24),
                ],
                0.06,
                0.015,
            )
            kit.add("toast", bread.turned("x", 90).at(0, y + 0.03, high - 0.13), kit.paint(kit.pick("brown", "orange")))
    kit.add("lever", box(0.05, 0.14, 0.05, 0.02).at(wide / 2 + 0.03, 0, high * 0.62), black)
    kit.add("knob", cylinder(0.06, 0.05, bevel=0.01, n=16).turned("y", 90).at(wide / 2, -0.12, 0.22), kit.second)
    kit.both("foot", cylinder(0.05, 0.06, n=12).at(wide * 0.36, 0, 0), black)


METAL = ("metal", "metal", "glossy")
FLAT = (38.0, 78.0)
TOYS = (
    ToyClass("mug", mug, "crockery", size_m=(0.08, 0.13), synonyms=("coffee mug",)),
    ToyClass("cup", cup, "crockery", size_m=(0.09, 0.15), elevation_deg=(18, 50), synonyms=("teacup", "cup and saucer")),
    ToyClass("teapot", teapot, "crockery", size_m=(0.16, 0.24)),
    ToyClass("bowl", bowl, "crockery", size_m=(0.12, 0.2), elevation_deg=(18, 50)),
    ToyClass("plate", plate, "crockery", ("white", "white", "blue", "green"), size_m=(0.16, 0.26), elevation_deg=(25, 60)),
    ToyClass("bottle", bottle, "vessel", ("green", "brown", "blue", "white"), size_m=(0.18, 0.28), elevation_deg=(4, 35)),
    ToyClass("vase", vase, "vessel", size_m=(0.15, 0.28), elevation_deg=(5, 35)),
    ToyClass("jug", jug, "crockery", size_m=(0.15, 0.24), elevation_deg=(8, 40), synonyms=("pitcher",)),
    ToyClass("pan", pan, "kitchen", ("black", "grey", "red"), METAL, (0.22, 0.34), (22, 60), synonyms=("frying pan",)),
    ToyClass("pot", pot, "kitchen", ("red", "grey", "blue", "orange"), METAL, (0.18, 0.28), (10, 45), synonyms=("cooking pot",)),
    ToyClass("kettle", kettle, "kitchen", ("grey", "red", "turquoise", "white"), METAL, (0.18, 0.26)),
    ToyClass("spoon", spoon, "cutlery", ("grey", "grey", "brown"), METAL, (0.14, 0.2), FLAT),
    ToyClass("fork", fork, "cutlery", ("grey", "grey", "white"), METAL, (0.14, 0.2), FLAT),
    ToyClass("knife", knife, "cutlery", ("black", "brown", "red"), ("satin", "wooden"), (0.16, 0.24), FLAT, plural="knives"),
    ToyClass("candle", candle, "home", ("white", "red", "yellow"), ("satin",), (0.12, 0.22), (5, 40)),
    ToyClass("jar", jar, "vessel", ("red", "orange", "yellow", "purple"), ("glossy",), (0.1, 0.16), (5, 35), synonyms=("jam jar",)),
    ToyClass("basket", basket, "home", ("brown", "yellow", "orange"), ("matt",), (0.22, 0.34), (10, 45)),
    ToyClass("toaster", toaster, "kitchen", ("grey", "red", "black", "turquoise"), METAL, (0.22, 0.3), (12, 45), 70),
)  # fmt: skip
