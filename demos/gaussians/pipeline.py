"""3D language Gaussians from scene file to found words, edits and exports; knows no Gradio.

open_scene   a file, its content, or a bundled scene by name
query        words -> heat, mask, selection, in one view
click        a pixel -> the object there and its nearest words
edit         isolate, remove, recolour, move, duplicate, scale, deform; undo and redo
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.image_text import ImageTextModel
from core.tasks import Job
from demos.gaussians.answers import ClickAnswer, SceneAnswer, SceneHandle
from demos.gaussians.cameras import Camera
from demos.gaussians.options import QueryOptions

__all__ = ["ClickAnswer", "QueryOptions", "SceneAnswer", "SceneHandle", "click", "open_scene", "query", "redo", "undo"]


def open_scene(source: Path | bytes | str | Sequence[Path], *, name: str = "", job: Job | None = None) -> SceneHandle:
    """Open a scene.

    Args:
        source: A file, its content, the several files of a LangSplat scene, or the name of a bundled scene.
        name: What to call content without a path; ``.splat`` needs its suffix.
        job: Where progress is told and Cancel is asked.

    Raises:
        InputError: no such scene, or the file cannot be read; one sentence.
        Cancelled: the job was cancelled.
    """
    raise NotImplementedError


def query(
    handle: SceneHandle,
    text: str,
    options: QueryOptions | None = None,
    *,
    model: ImageTextModel,
    camera: Camera | None = None,
    job: Job | None = None,
) -> SceneAnswer:
    """Find words in a view of a scene.

    Args:
        handle: Of :func:`open_scene` or an edit.
        text: Queries, split by ``;`` or lines.
        options: How; None takes the defaults.
        model: The encoder; its name must be the field's.
        camera: The view; None takes the scene's first.
        job: Where progress is told and Cancel is asked.

    Raises:
        InputError: no query, too many, a scene without language or of another model, a bad option.
        Cancelled: the job was cancelled.
    """
    raise NotImplementedError


def click(
    handle: SceneHandle,
    camera: Camera,
    xy: tuple[int, int],
    *,
    model: ImageTextModel | None = None,
    vocabulary: Sequence[str] | None = None,
    job: Job | None = None,
) -> ClickAnswer:
    """Say what lies under a pixel.

    Args:
        handle: The scene.
        camera: The view.
        xy: Pixel (column, row).
        model: Names the object; without it only words kept in the scene are shown.
        vocabulary: Words to choose from; None takes the bundled ones.
        job: Where progress is told and Cancel is asked.

    Raises:
        InputError: the pixel is outside the picture.
    """
    raise NotImplementedError


def undo(handle: SceneHandle) -> SceneHandle:
    """Without the last edit; the same handle if there is none."""
    raise NotImplementedError


def redo(handle: SceneHandle) -> SceneHandle:
    """With the edit that was taken back last; the same handle if there is none."""
    raise NotImplementedError
