"""The bundled scenes: folders of assets/scenes that hold a scene.npz and the card that says how it was made.

A langsplat.npz beside it is LangSplat's trained field for the same Gaussians, and makes a scene of its own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.errors import InputError
from core.labels import quoted
from core.settings import ROOT

FOLDER = ROOT / "assets" / "scenes"
SCENE, TRAINED, CARD = "scene.npz", "langsplat.npz", "card.json"


@dataclass(frozen=True)
class SceneSample:
    """A bundled scene.

    Attributes:
        name: Its folder, and what :func:`demos.gaussians.pipeline.open_scene` takes.
        title: A few words for the page.
        path: The scene's file.
        queries: Words to try, each of which is there, split by ``;`` where they go into the query field.
        field_path: A field in the place of the scene's own, or None.
    """

    name: str
    title: str
    path: Path
    queries: tuple[str, ...]
    field_path: Path | None = None


@cache
def bundled() -> tuple[SceneSample, ...]:
    """All bundled scenes, those with the least "order" in their cards first, then by name; trained fields last."""
    found: list[tuple[bool, float, str, SceneSample]] = []
    for path in sorted(FOLDER.glob(f"*/{SCENE}")):
        card_path = path.with_name(CARD)
        card = json.loads(card_path.read_text(encoding="utf-8")) if card_path.is_file() else {}
        name = path.parent.name
        title = str(card.get("title", name.replace("-", " ").capitalize()))
        queries = tuple(str(word) for word in card.get("queries", ()))
        order = float(card.get("order", 100))
        found.append((False, order, name, SceneSample(name, title, path, queries)))
        trained = path.with_name(TRAINED)
        if trained.is_file():
            sample = SceneSample(f"{name}-langsplat", f"{title}, LangSplat's field", path, queries, trained)
            found.append((True, order, name, sample))
    return tuple(sample for *_, sample in sorted(found, key=lambda row: row[:3]))


def sample_named(name: str) -> SceneSample:
    """The bundled scene of a name; "" is the first.

    Raises:
        InputError: there is none.
    """
    known = bundled()
    for sample in known:
        if name in (sample.name, "") or name == sample.title:
            return sample
    names = ", ".join(sample.name for sample in known) or "none"
    raise InputError(f"There is no bundled scene called {quoted(name)}; there are: {names}.")
