"""Furniture shelf; fronts towards -y."""

# ruff: noqa: E501 (rows of the table are kept whole)
from __future__ import annotations

from training.toybox.kit import Kit, ToyClass
from training.toybox.palette import Material, shade
from training.toybox.shapes import box, curve, cylinder, extrude, lathe, ring_of, rod, sphere, superellipsoid, torus


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


SOFT = ("cloth",)


WOOD = ("wooden", "wooden", "matt", "satin")


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
)  # fmt: skip
