"""The example pictures of this tab: files of the repository, and photos of libraries where those are installed."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.settings import ROOT

FOLDER = ROOT / "assets" / "examples" / "zero_shot"
INDEX = FOLDER / "samples.json"  # [{"file", "title", "labels"}], in the order on the screen


@dataclass(frozen=True)
class Sample:
    """One example: a picture and labels among which it has a clear answer.

    Attributes:
        title: A word or two, shown under the thumbnail.
        path: The picture.
        labels: What goes into the labels field.
    """

    title: str
    path: Path
    labels: str


# (package, path inside it, title, labels); the packages are for tests, a hub without them shows our own pictures only.
_LIBRARY_PHOTOS = (
    ("skimage", "data/chelsea.png", "A cat", "cat = kitten, tabby\nbird\nteapot\ncar\nship"),
    ("skimage", "data/coffee.png", "Coffee", "cup of coffee = espresso\ncat\nflower\ncar\nboat"),
    ("sklearn", "datasets/images/flower.jpg", "A flower", "flower = blossom\ncat\nhouse\ncar\nguitar"),
    ("sklearn", "datasets/images/china.jpg", "A palace", "temple = palace, pagoda\nbridge\nbeach\ncar\nflower"),
)


def _library_photo(package: str, inside: str) -> Path | None:
    """Where a library keeps a photo, without importing the library."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / inside
    return path if path.is_file() else None


@cache
def samples() -> tuple[Sample, ...]:
    """All examples that can be shown here."""
    own = json.loads(INDEX.read_text(encoding="utf-8")) if INDEX.is_file() else []
    photos = [(_library_photo(package, inside), title, labels) for package, inside, title, labels in _LIBRARY_PHOTOS]
    return (
        *(Sample(item["title"], FOLDER / item["file"], item["labels"]) for item in own),
        *(Sample(title, path, labels) for path, title, labels in photos if path is not None),
    )
