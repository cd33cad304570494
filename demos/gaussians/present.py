"""From frozen answers to the plain JSON that the page's views show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from demos.gaussians import packing
from demos.gaussians.answers import ClickAnswer, Extent, Found, SceneAnswer, SceneHandle
from demos.gaussians.cameras import frame_of
from demos.gaussians.field import Objects
from demos.gaussians.history import Deform, Edit, History, Isolate, Move, Recolour, Remove, Scale, Selection
from demos.gaussians.packing import Packed
from demos.gaussians.viewpoints import plain, told_about

MAX_CAMERAS = 200  # views of photos that the page can step through
MAX_OBJECTS = 400
_LEAST_HEAT = 0.5  # relevancy at which heat begins: as likely as the best negative
_LEAST_SPAN = 0.05
_STAGE_WORDS = {"view": "drawing", "language": "embeddings of the view", "words": "words", "answer": "comparing"}


def seconds_words(seconds: float) -> str:
    """A wall time for people: "84 ms", "1.3 s"."""
    return f"{1000 * seconds:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"


def size_words(byte_count: int) -> str:
    """A file's size for people: "12 kB", "3.4 MB"."""
    return f"{byte_count / 1e6:.1f} MB" if byte_count >= 999_500 else f"{max(byte_count / 1e3, 1):.0f} kB"


def foot(answer: SceneAnswer) -> str:
    """Time and model in a line, as in "240 ms with pocket-clip: drawing 90 ms, comparing 12 ms"."""
    stages = ", ".join(
        f"{_STAGE_WORDS.get(name, name)} {seconds_words(value)}" for name, value in answer.seconds.items()
    )
    total = seconds_words(sum(answer.seconds.values()))
    return f"{total} with {answer.model}: {stages}." if stages else f"{total} with {answer.model}."


# ---- the viewer ----


def scene_value(
    handle: SceneHandle, packed: Packed, file: Mapping[str, Any], *, key: str, place: str
) -> dict[str, Any]:
    """The scene as assets/views/gaussians.js loads it.

    Args:
        handle: The scene.
        packed: It, packed.
        file: Where the packed file lies.
        key: Tells one file from the next.
        place: Tells one scene from the next; while it is the same, edits do not move the view.
    """
    centre, radius = frame_of(handle.scene)
    views = [told_about(camera, centre, radius) for camera in handle.cameras[:MAX_CAMERAS]]
    ids = handle.field.objects.ids if handle.field is not None and handle.field.objects is not None else None
    return {
        "key": key,
        "place": place,
        "file": dict(file),
        "background": [round(255 * value) for value in handle.background_rgb],
        "start": {**views[0], "up": plain(handle.up_xyz), "radius": radius},
        "cameras": [{"eye": view["eye"], "target": view["target"]} for view in views],
        "ids": packing.ids_layer(np.full(len(handle.scene), -1) if ids is None else ids, packed),
    }


def layer_value(items: Sequence[Mapping[str, Any]], serial: int, *, show: str | None) -> dict[str, Any]:
    """Heat and selections over the scene; ``show`` is the mode to change to, None keeps the visitor's."""
    return {"serial": serial, "first": 0, "show": show, "items": list(items)}


def found_item(found: Found, packed: Packed, count: int) -> dict[str, Any]:
    """One query's heat and selection.

    Heat begins at relevancy 1/2 and is full at the greatest one, but never below what counts as found: a word that is
    not there does not glow.
    """
    high = max(found.peak, found.least_peak, float(found.gaussian_relevancy.max(initial=0)), _LEAST_HEAT + _LEAST_SPAN)
    shares = (found.gaussian_relevancy - _LEAST_HEAT) / (high - _LEAST_HEAT)
    return {
        "name": found.query,
        "heat": packing.layer(shares, packed),
        "low": _LEAST_HEAT,
        "high": high,
        **_selected(found.selection, found.extent, packed, count),
    }


def selection_item(
    name: str, selection: Selection, extent: Extent | None, packed: Packed, count: int
) -> dict[str, Any]:
    """A selection without heat: what a click or the list of objects chose."""
    shown = _selected(selection, extent, packed, count)
    return {"name": name, "heat": shown["selection"], "low": 0.0, "high": 1.0, **shown}


def _selected(selection: Selection, extent: Extent | None, packed: Packed, count: int) -> dict[str, Any]:
    return {
        "selection": packing.layer(selection.spread(count), packed),
        "count": len(selection.rows),
        "point": None if extent is None else plain(extent.centroid_xyz),
        "radius": 0.0 if extent is None else float(np.linalg.norm(extent.size_xyz)) / 2,
    }


# ---- what stands beside it ----


def found_value(answer: SceneAnswer, serial: int) -> dict[str, Any]:
    """The answers as assets/views/gaussians_found.js draws them: a line and the strip of levels for each query."""
    return {
        "serial": serial,
        "answers": [
            {
                "query": found.query,
                "is_found": found.is_found,
                "sentence": found.sentence,
                "peak": found.peak,
                "least": found.least_peak,
                "levels": [
                    {"level": peak.level, "peak": peak.peak, "is_chosen": peak.is_chosen} for peak in found.peaks
                ],
                **_where(found.extent),
            }
            for found in answer.found
        ],
        "foot": foot(answer),
        "notes": list(answer.notes),
    }


def clicked_value(answer: ClickAnswer, seconds: float, serial: int) -> dict[str, Any]:
    """What lies under a click, as assets/views/gaussians_clicked.js shows it."""
    return {
        "serial": serial,
        "sentence": answer.sentence,
        "is_something": answer.gaussian >= 0,
        "words": [{"word": word.word, "score": word.relevancy} for word in answer.words],
        "count": len(answer.selection.rows),
        "point": None if answer.point_xyz is None else plain(answer.point_xyz),
        **_where(answer.extent),
        "foot": f"{seconds_words(seconds)}.",
    }


def _where(extent: Extent | None) -> dict[str, Any]:
    if extent is None:
        return {"centroid": None, "size": None}
    return {"centroid": plain(extent.centroid_xyz), "size": plain(extent.size_xyz)}


def objects_value(objects: Objects | None, serial: int) -> dict[str, Any]:
    """The list of the scene's objects, the largest first."""
    if objects is None or not len(objects.table):
        return {"serial": serial, "objects": [], "more": 0}
    counts = np.bincount(objects.ids[objects.ids >= 0], minlength=len(objects.table))
    order = [int(row) for row in np.argsort(-counts, kind="stable") if counts[row]]
    words = objects.words or ((),) * len(objects.table)
    rows = [{"id": row, "words": list(words[row][:3]), "count": int(counts[row])} for row in order[:MAX_OBJECTS]]
    return {"serial": serial, "objects": rows, "more": max(0, len(order) - MAX_OBJECTS)}


_EDIT_WORDS: dict[type[Any], str] = {
    Isolate: "only {0} kept", Remove: "{0} removed", Recolour: "{0} recoloured", Move: "{0} moved", Scale: "{0} scaled",
    Deform: "{0} bent into shape",
}  # fmt: skip


def edit_words(edit: Edit) -> str:
    """An edit in a few words: "1,204 Gaussians removed"."""
    count = f"{len(edit.selection.rows):,} Gaussians"
    if isinstance(edit, Move) and edit.is_copy:
        return f"{count} copied"
    return _EDIT_WORDS[type(edit)].format(count)


def edits_value(history: History, target: str, count: int, serial: int, said: Sequence[str] = ()) -> dict[str, Any]:
    """The edits as assets/views/gaussians_edits.js lists them.

    Args:
        history: Done and undone.
        target: Name of what the buttons act on; "" if nothing is selected.
        count: Its Gaussians.
        serial: Tells one value from the next.
        said: Sentences that belong to the first edits, in their order.
    """
    words = [said[i] if i < len(said) else edit_words(edit) for i, edit in enumerate(history.done)]
    return {
        "serial": serial,
        "target": target,
        "count": count,
        "done": words,
        "undone": len(history.undone),
        "has_hole": any(isinstance(edit, Remove) for edit in history.done),
    }
