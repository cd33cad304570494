"""What the page of one visitor shows: the scene with its edits, the answer, what is selected; and how it gets there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from gradio.processing_utils import save_bytes_to_cache

from core.errors import InputError
from core.tasks import Job
from demos.gaussians import packing, present
from demos.gaussians.answers import Extent, SceneAnswer, SceneHandle
from demos.gaussians.history import Selection
from demos.gaussians.packing import Packed
from demos.gaussians.pipeline import open_scene
from demos.gaussians.tab_parts import MODELS, OWN_MODEL

KEPT_SCENES = 4  # bundled ones, opened and packed
_serials = count(1)


@dataclass(frozen=True, eq=False)
class Target:
    """What the buttons of the page act on."""

    name: str
    selection: Selection
    extent: Extent | None


@dataclass(frozen=True, eq=False)
class Shown:
    """The scene on the page.

    Attributes:
        source: What it was opened from, so that the same is not opened twice.
        handle: With its edits.
        packed: As the page's file has it.
        scene: What the viewer loads it by.
        patch: What edits changed since that file, or None.
        answer: To the last query, of this very handle; or None.
        target: What was found or clicked last, or None.
        said: Sentences of the edits, the first ones first.
    """

    source: tuple[str, ...]
    handle: SceneHandle
    packed: Packed
    scene: Mapping[str, Any]
    patch: Mapping[str, Any] | None = None
    answer: SceneAnswer | None = None
    target: Target | None = None
    said: tuple[str, ...] = ()

    def viewer(self, layer: Mapping[str, Any] | None = None, *, flies: bool = False) -> dict[str, Any]:
        """The value of the viewer."""
        return {"scene": self.scene, "patch": self.patch, "layer": layer, "fly": flies or None, "at": None}

    def edits(self) -> dict[str, Any]:
        """The value of the list of edits."""
        target, selected = self.target, 0 if self.target is None else len(self.target.selection.rows)
        name = "" if target is None else target.name
        return present.edits_value(self.handle.history, name, selected, next_serial(), self.said)


def next_serial() -> int:
    """A number that tells one value on the page from the next."""
    return next(_serials)


def page_file(data: bytes, name: str, folder: str) -> dict[str, Any]:
    """A file that the page may load, in Gradio's folder of files; Gradio writes its address into it."""
    return {"path": save_bytes_to_cache(data, name, folder), "meta": {"_type": "gradio.FileData"}}


def source_of(scene: str | None, files: Sequence[str] | str | None) -> tuple[str, ...]:
    """What is asked for, by one word or a few: the files, or the bundled scene.

    Raises:
        InputError: neither is named.
    """
    paths = [files] if isinstance(files, str) else list(files or ())
    if paths:
        return ("file", *(str(path) for path in paths))
    if not scene:
        raise InputError("There is no scene yet: choose one, or give a file of your own.")
    return "bundled", scene


def opened(source: tuple[str, ...], folder: str, job: Job) -> Shown:
    """Open and pack a scene; bundled ones are kept."""
    kind, *names = source
    if kind == "bundled":
        return shown_of(source, *_bundled(names[0]), folder=folder)
    paths = [Path(name) for name in names]
    handle = open_scene(paths[0] if len(paths) == 1 else paths, job=job)
    job.step("loading", note="packing for the page")
    return shown_of(source, handle, packing.pack(handle.scene), folder=folder)


@lru_cache(KEPT_SCENES)
def _bundled(name: str) -> tuple[SceneHandle, Packed]:
    handle = open_scene(name)
    return handle, packing.pack(handle.scene)


def shown_of(source: tuple[str, ...], handle: SceneHandle, packed: Packed, *, folder: str) -> Shown:
    """A scene as the page gets it."""
    file = page_file(packed.to_bytes(), "scene.gsv", folder)
    value = present.scene_value(handle, packed, file, key=str(next_serial()), place=" ".join(source))
    return Shown(source, handle, packed, value)


def current(
    given: Mapping[str, Any], shown: Shown | None, folder: str, job: Job, *, source: tuple[str, ...] | None = None
) -> Shown:
    """The scene that a request is about: the one on the page, with its edits, or another one freshly opened."""
    wanted = source or source_of(given["scene"], given["file"])
    if shown is not None and shown.source == wanted:
        return shown
    return opened(wanted, folder, job)


def edited(shown: Shown, handle: SceneHandle, folder: str, *, said: tuple[str, ...], target: Target | None) -> Shown:
    """The page after an edit: a patch where the Gaussians are the same, else a new file."""
    if len(handle.scene) != len(shown.handle.scene) or not _same_rows(handle, shown.handle):
        packed = packing.pack(handle.scene)
        return replace(shown_of(shown.source, handle, packed, folder=folder), said=said, target=target)
    after = packing.repacked(shown.packed, handle.scene)
    told = packing.patch(shown.packed, after)
    patch = {"serial": next_serial(), **told} if told["count"] else None
    return replace(shown, handle=handle, patch=patch, answer=None, said=said, target=target)


def _same_rows(one: SceneHandle, other: SceneHandle) -> bool:
    return bool((one.rows == other.rows).all())


def model_of(name: str, handle: SceneHandle) -> str:
    """The image-text model that a request is answered with."""
    if name != OWN_MODEL:
        return name
    own = "" if handle.field is None else handle.field.model
    return own if own in MODELS else MODELS[0]
