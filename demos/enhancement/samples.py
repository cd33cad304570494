"""The example photos of this tab: files of the repository, and photos of libraries where those are installed."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.settings import ROOT

FOLDER = ROOT / "assets" / "examples" / "enhancement"
INDEX = FOLDER / "samples.json"  # [{"file", "title"}], in the order on the screen


@dataclass(frozen=True)
class Sample:
    """One example: a word or two under its thumbnail, and the photo."""

    title: str
    path: Path


_LIBRARY_PHOTOS = (("skimage", "data/rocket.jpg", "A rocket"), ("sklearn", "datasets/images/china.jpg", "A palace"))


@cache
def samples() -> tuple[Sample, ...]:
    """All examples that can be shown here."""
    own = json.loads(INDEX.read_text(encoding="utf-8")) if INDEX.is_file() else []
    found = [Sample(item["title"], FOLDER / item["file"]) for item in own]
    for package, inside, title in _LIBRARY_PHOTOS:
        home = importlib.util.find_spec(package)
        if home is not None and home.origin is not None and (path := Path(home.origin).parent / inside).is_file():
            found.append(Sample(title, path))
    return tuple(found)
