"""All toy classes in a fixed order: the one list that training, captions and tests count on."""

from __future__ import annotations

from training.toybox.catalogue import animals, food, home, kitchen, outdoors, play, vehicles
from training.toybox.kit import ToyClass

TOYS: tuple[ToyClass, ...] = (
    *kitchen.TOYS,
    *food.TOYS,
    *animals.TOYS,
    *vehicles.TOYS,
    *home.TOYS,
    *outdoors.TOYS,
    *play.TOYS,
)
CLASSES: tuple[str, ...] = tuple(row.name for row in TOYS)
BY_NAME: dict[str, ToyClass] = {row.name: row for row in TOYS}


def toy_class(name: str) -> ToyClass:
    """Return the row of a class.

    Raises:
        ValueError: no class has that name.
    """
    if name not in BY_NAME:
        raise ValueError(f"Toybox has no class {name!r}; see training.toybox.classes.CLASSES.")
    return BY_NAME[name]
