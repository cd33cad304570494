"""Crockery shelf: what one drinks and eats from, and vessels of all kinds."""

# ruff: noqa: E501 (rows of the table are kept whole)
from __future__ import annotations

import numpy as np

from training.toybox.kit import Kit, ToyClass
from training.toybox.mesh import Floats, Mesh, split
from training.toybox.palette import Material
from training.toybox.shapes import cup_profile, curve, cylinder, ellipsoid, lathe, sphere, tube, wrap


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


def jar(kit: Kit) -> None:
    wide, height = kit.between(0.3, 0.38), kit.between(0.6, 0.8)
    body = curve([(wide * 0.92, 0), (wide, 0.05), (wide, height - 0.1), (wide * 0.82, height)], 12)
    kit.add("jar", lathe(body, 30), kit.main.with_finish("glass") if kit.main.pattern == "plain" else kit.main)
    kit.add("lid", cylinder(wide * 0.9, 0.15, bevel=0.02, n=30).at(z=height), kit.second)
    kit.add("label", wrap(body, height * 0.2, height * 0.68, 0.006), kit.paint("white"))
    kit.add("picture", ellipsoid(0.1, 0.05, 0.1, 16).at(0, -wide, height * 0.44), kit.paint(kit.main.colour))


TOYS = (
    ToyClass("mug", mug, "crockery", size_m=(0.08, 0.13), synonyms=("coffee mug",)),
    ToyClass("cup", cup, "crockery", size_m=(0.09, 0.15), elevation_deg=(18, 50), synonyms=("teacup", "cup and saucer")),
    ToyClass("teapot", teapot, "crockery", size_m=(0.16, 0.24)),
    ToyClass("bowl", bowl, "crockery", size_m=(0.12, 0.2), elevation_deg=(18, 50)),
    ToyClass("plate", plate, "crockery", ("white", "white", "blue", "green"), size_m=(0.16, 0.26), elevation_deg=(25, 60)),
    ToyClass("bottle", bottle, "vessel", ("green", "brown", "blue", "white"), size_m=(0.18, 0.28), elevation_deg=(4, 35)),
    ToyClass("vase", vase, "vessel", size_m=(0.15, 0.28), elevation_deg=(5, 35)),
    ToyClass("jug", jug, "crockery", size_m=(0.15, 0.24), elevation_deg=(8, 40), synonyms=("pitcher",)),
    ToyClass("jar", jar, "vessel", ("red", "orange", "yellow", "purple"), ("glossy",), (0.1, 0.16), (5, 35), synonyms=("jam jar",)),
)  # fmt: skip
