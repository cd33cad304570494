"""All toy classes in a fixed order: the one list that training, captions and tests count on."""

from __future__ import annotations

from training.toybox.catalogue import (
    animals,
    birds,
    buildings,
    clothes,
    crockery,
    fruit,
    furniture,
    gadgets,
    household,
    kitchen,
    meals,
    music,
    plants,
    play,
    roads,
    tools,
    travel,
)
from training.toybox.kit import ToyClass

SHELVES = (
    animals,
    birds,
    buildings,
    clothes,
    crockery,
    fruit,
    furniture,
    gadgets,
    household,
    kitchen,
    meals,
    music,
    plants,
    play,
    roads,
    tools,
    travel,
)

# The position of a class is its id in shards and checkpoints: new ones go to the end.
CLASSES: tuple[str, ...] = (
    "mug", "cup", "teapot", "bowl", "plate", "bottle", "vase", "jug", "pan", "pot", "kettle", "spoon", "fork",
    "knife", "candle", "jar", "basket", "toaster", "apple", "pear", "banana", "cherry", "strawberry", "pineapple",
    "pumpkin", "watermelon slice", "orange", "lemon", "grapes", "carrot", "mushroom", "cake", "donut", "cupcake",
    "burger", "hot dog", "pizza", "ice cream", "bread", "cheese", "egg", "duck", "cat", "dog", "elephant", "giraffe",
    "fish", "bird", "owl", "snail", "penguin", "rabbit", "turtle", "ladybird", "teddy bear", "pig", "horse",
    "butterfly", "car", "bus", "truck", "fire engine", "train", "boat", "ship", "airplane", "helicopter", "bicycle",
    "tractor", "digger", "rocket", "hot air balloon", "chair", "armchair", "sofa", "table", "stool", "bed",
    "wardrobe", "bookshelf", "lamp", "desk lamp", "clock", "book", "key", "padlock", "hammer", "screwdriver",
    "scissors", "paintbrush", "pencil", "broom", "umbrella", "bucket", "barrel", "chest", "ladder", "suitcase",
    "gift", "light bulb", "house", "tree", "palm tree", "cactus", "flower", "lighthouse", "windmill", "castle",
    "bridge", "tent", "snowman", "fountain", "ball", "dice", "robot", "star", "heart", "balloon", "kite", "drum",
    "guitar", "violin", "trumpet", "piano", "bell", "hat", "crown", "shoe", "boot", "glasses", "backpack", "camera",
    "telephone", "laptop", "television", "microphone", "headphones", "trophy", "globe", "hourglass",
)  # fmt: skip
BY_NAME: dict[str, ToyClass] = {row.name: row for shelf in SHELVES for row in shelf.TOYS}
TOYS: tuple[ToyClass, ...] = tuple(BY_NAME[name] for name in CLASSES)


def toy_class(name: str) -> ToyClass:
    """Return the row of a class.

    Raises:
        ValueError: no class has that name.
    """
    if name not in BY_NAME:
        raise ValueError(f"Toybox has no class {name!r}; see training.toybox.classes.CLASSES.")
    return BY_NAME[name]
