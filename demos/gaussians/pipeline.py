"""3D language Gaussians from scene file to found words, edits and pictures; knows no Gradio.

    open_scene   a file, its content, or a bundled scene by name
    query        words -> heat, mask, selection, in one view
    picture      an answer drawn: heat, composite, mask, contour, depth, false colours
    click        a pixel -> the object there and its nearest words
    edit         isolate, remove, recolour, restyle, move, duplicate, scale, deform; undo and redo

The flow of a query: words -> text embeddings (:mod:`.words`); view -> weights (:mod:`.weights`) -> what every pixel
means (:mod:`.meanings`); both -> relevancy, level, mask (:mod:`.query`) -> Gaussians (:mod:`.select`).
What depends on the view alone is kept, so that another word costs milliseconds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.image_text import ImageTextModel
from core.labels import quoted
from core.tasks import Job
from demos.gaussians.answers import ClickAnswer, SceneAnswer, SceneHandle, Vector
from demos.gaussians.cameras import Camera, fitting_distance, frame_of, orbit
from demos.gaussians.commands import Command
from demos.gaussians.editing import edit_of, with_edit, with_history
from demos.gaussians.edits import mean_colour
from demos.gaussians.field import LanguageField, from_language
from demos.gaussians.field_file import read_field
from demos.gaussians.formats.blob import open_blob
from demos.gaussians.formats.reading import read_scene
from demos.gaussians.formats.result import ReadScene
from demos.gaussians.history import History, Selection
from demos.gaussians.objects import shown_by, with_words
from demos.gaussians.options import MAX_SIDE_PX, Kind, QueryOptions
from demos.gaussians.pieces import shared
from demos.gaussians.query import MEANINGS, asks_pieces, find
from demos.gaussians.recolour import Guided, guided_colour, piece_of
from demos.gaussians.render_view import PictureCache, picture_of
from demos.gaussians.samples import sample_named
from demos.gaussians.select import NEIGHBOURS
from demos.gaussians.weights import ViewCache, ViewWeights
from demos.gaussians.words import encode_words, read_queries

__all__ = [
    "ClickAnswer",
    "Command",
    "QueryOptions",
    "SceneAnswer",
    "SceneHandle",
    "click",
    "default_camera",
    "edit",
    "open_scene",
    "picture",
    "prepare",
    "query",
    "redo",
    "undo",
    "view_picture",
]

VIEW_WH = (988, 731)  # of a picture where nothing else is asked: LERF's
_LOOK_DOWN_DEG = 25.0
_FOV_DEG = 50.0
_RESTYLE_WH = (640, 480)

VIEWS = ViewCache()
PICTURES = PictureCache()


def open_scene(source: Path | bytes | str | Sequence[Path], *, name: str = "", job: Job | None = None) -> SceneHandle:
    """Open a scene.

    Args:
        source: A file, its content, the several files of a LangSplat scene, or the name of a bundled scene ("" is the
            first).
        name: What to call content without a path; ``.splat`` needs its suffix.
        job: Where progress is told and Cancel is asked.

    Raises:
        InputError: no such scene, or the file cannot be read; one sentence.
        Cancelled: the job was cancelled.
    """
    if isinstance(source, str):
        sample = sample_named(source)
        handle = open_scene(sample.path, name=f"{sample.name}.npz", job=job)
        if sample.field_path is not None:
            trained = read_field(open_blob(sample.field_path), len(handle.scene))
            handle = replace(handle, field=trained, original_field=trained)
        return replace(handle, name=sample.name, is_bundled=True)
    read = read_scene(source, name=name, job=job)
    notes = list(read.notes)
    field = _field_of(source, name, read, notes)
    scene = replace(read.scene, language=None)
    if isinstance(source, Path):
        name = name or source.name
    rows = np.arange(len(scene), dtype=np.int32)
    cameras = read.cameras or (_camera_around(read),)
    return SceneHandle(
        name=name or "scene",
        original=scene,
        scene=scene,
        rows=rows,
        field=field,
        history=History(),
        cameras=cameras,
        up_xyz=read.up_xyz,
        kind=read.kind,
        notes=tuple(notes),
        original_field=field,
        background_rgb=read.background_rgb,
    )


def default_camera(handle: SceneHandle, *, width: int = VIEW_WH[0], height: int = VIEW_WH[1]) -> Camera:
    """The scene's first view, as large as fits into ``width`` x ``height`` with its own proportions."""
    first = handle.cameras[0]
    shrink = min(width / first.width, height / first.height)
    return first.resized(max(1, round(first.width * shrink)), max(1, round(first.height * shrink)))


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
    options = options or QueryOptions()
    options.check()
    queries = read_queries(text)
    field = _language_of(handle, model)
    camera = _checked(camera or default_camera(handle))
    seconds: dict[str, float] = {}
    with _timed(seconds, "words"):
        words = encode_words(queries, options, model=model, job=job)
    if words.rows.shape[1] != field.dim:
        raise InputError(
            f"The language of this scene has {field.dim} numbers a meaning, {model.name} has {words.rows.shape[1]}; "
            "choose the model that it was made with."
        )
    if job is not None:
        job.step("running", note="drawing the view")
    with _timed(seconds, "view"):
        drawn = PICTURES.get(handle.scene, camera, handle.background_rgb, job=job)
        view = _map_view(handle, camera, options, job)
    found, size_wh = [], (camera.width, camera.height)
    with _timed(seconds, "answer"):
        for index in range(len(queries)):
            if job is not None:
                job.step("running", index, len(queries), unit="queries")
            found.append(find(handle.scene, field, view, words, index, options, size_wh, model=model.name, job=job))
    notes = [*words.notes]
    if options.level != "auto" and options.level not in field.levels:
        notes.append(f"The scene has no level {quoted(options.level)}; it has {', '.join(field.levels)}.")
    if view.least > options.least_weight:
        notes.append(f"Weights up to {view.least:.3g} of a pixel were left out, so that the view fits into memory.")
    return SceneAnswer(tuple(found), camera, drawn.rgb, drawn.depth, model.name, handle.name, seconds, tuple(notes))


def picture(
    handle: SceneHandle, answer: SceneAnswer, kind: Kind = "heat", index: int = 0, *, job: Job | None = None
) -> NDArray[np.uint8]:
    """Draw an answer: (H, W, 3) uint8; see :mod:`.render_view`."""
    return picture_of(handle, answer, kind, index, job=job)


def view_picture(handle: SceneHandle, camera: Camera, *, job: Job | None = None) -> NDArray[np.uint8]:
    """The scene itself in a view, (H, W, 3) uint8; a query of the same view reuses the work."""
    return PICTURES.get(handle.scene, _checked(camera), handle.background_rgb, job=job).rgb


def prepare(handle: SceneHandle, camera: Camera | None = None, *, job: Job | None = None) -> None:
    """Do ahead what the first query with default options would do: neighbours, picture, weights and meanings.

    An app calls this in the background while a person reads the page. A scene without language is only drawn.
    """
    options = QueryOptions()
    camera = _checked(camera or default_camera(handle))
    PICTURES.get(handle.scene, camera, handle.background_rgb, job=job)
    if handle.field is None:
        return
    view = _map_view(handle, camera, options, job)
    if asks_pieces(handle.field, options) and handle.field.pieces is not None:
        shared(handle.field.pieces)
        return
    for level in range(len(handle.field.levels)):
        MEANINGS.pixels(view, handle.field, level, job=job)
        MEANINGS.gaussians(handle.field, level, job=job)
    NEIGHBOURS.get(handle.scene.means_xyz, options.neighbours)


def click(
    handle: SceneHandle,
    camera: Camera,
    xy: tuple[int, int],
    *,
    model: ImageTextModel | None = None,
    vocabulary: Sequence[str] | None = None,
    level: str = "whole",
    job: Job | None = None,
) -> ClickAnswer:
    """Say what lies under a pixel.

    Args:
        handle: The scene.
        camera: The view.
        xy: Pixel (column, row).
        model: Names the object; without it, or with another than the field's, only words kept in the scene are shown.
        vocabulary: Words to choose from; None takes the bundled ones.
        level: Which level's embeddings to follow where the scene has no objects.
        job: Where progress is told and Cancel is asked.

    Raises:
        InputError: the pixel is outside the picture.
    """
    camera = _checked(camera)
    column, row = xy
    if not (0 <= column < camera.width and 0 <= row < camera.height):
        raise InputError(
            f"The pixel ({column}, {row}) lies outside of the picture of {camera.width} x {camera.height}."
        )
    view = _map_view(handle, camera, QueryOptions(), job)
    owners, weights = view.at(column * view.width // camera.width, row * view.height // camera.height)
    nothing = Selection.of(np.zeros(len(handle.scene), np.float32))
    depth = float(PICTURES.get(handle.scene, camera, handle.background_rgb, job=job).depth[row, column])
    if not owners.size or not np.isfinite(depth):
        return ClickAnswer(xy, -1, None, -1, "", (), nothing, None, "There is nothing under this pixel.")
    gaussian = int(owners[weights.argmax()])
    point = camera.unproject([(column + 0.5, row + 0.5)], [depth])[0]
    place: Vector = (float(point[0]), float(point[1]), float(point[2]))
    answer = shown_by(handle, gaussian, place, xy, owners, weights, level)
    return answer if model is None else with_words(handle, answer, model, vocabulary, job=job)


def edit(
    handle: SceneHandle,
    command: Command,
    selection: Selection,
    *,
    camera: Camera | None = None,
    model: ImageTextModel | None = None,
    job: Job | None = None,
) -> SceneHandle:
    """Edit a selection; the handle that was given stays as it is.

    Args:
        handle: The scene.
        command: What to do, made or read by :func:`demos.gaussians.commands.read_command`.
        selection: Rows of ``handle.scene``: of a query, a click, or :func:`demos.gaussians.select.changed`.
        camera: The view, for directions and for "restyle"; None takes the scene's first.
        model: For "restyle".
        job: Where progress is told and Cancel is asked.

    Returns:
        The edited scene; the very same handle for strength 0.

    Raises:
        InputError: nothing is selected, too many edits, or the command lacks something.
        Cancelled: the job was cancelled.
    """
    command.check()
    if command.strength == 0:
        return handle
    camera = _checked(camera or default_camera(handle))
    colour = None
    if command.verb == "restyle" and selection.rows.size:
        colour = restyled(handle, command, selection, camera, model=model, job=job).colour
    done = with_edit(handle, edit_of(handle, command, selection, camera, colour))
    if job is not None:
        job.check()
    return done


def restyled(
    handle: SceneHandle,
    command: Command,
    selection: Selection,
    camera: Camera,
    *,
    model: ImageTextModel | None,
    job: Job | None = None,
) -> Guided:
    """Search for the colours of "restyle" without applying them; see :mod:`.recolour`.

    Raises:
        InputError: there is no model, or the view does not show the selection.
    """
    if model is None:
        raise InputError("Restyling needs an image-text model; choose one.")
    weights = selection.spread(len(handle.scene))
    shrink = min(1.0, _RESTYLE_WH[0] / camera.width, _RESTYLE_WH[1] / camera.height)
    small = camera.resized(max(1, round(camera.width * shrink)), max(1, round(camera.height * shrink)))
    piece = piece_of(VIEWS.get(handle.scene, small, job=job), handle.scene, small, weights, job=job)
    if piece is None:
        raise InputError("This view does not show the selection; turn it into view first.")
    if command.example is not None:
        target = model.encode_images([command.example], job=job)[0]
    else:
        target = model.encode_texts([command.towards], job=job)[0]
    return guided_colour([piece], target, mean_colour(handle.scene, weights), model=model, job=job)


def undo(handle: SceneHandle) -> SceneHandle:
    """Without the last edit; the same handle if there is none."""
    return with_history(handle, handle.history.undo()) if handle.history.done else handle


def redo(handle: SceneHandle) -> SceneHandle:
    """With the edit that was taken back last; the same handle if there is none."""
    if not handle.history.undone:
        return handle
    history = handle.history.redo()
    return replace(with_edit(handle, history.done[-1]), history=history)


def _field_of(
    source: Path | bytes | Sequence[Path], name: str, read: ReadScene, notes: list[str]
) -> LanguageField | None:
    """The field in the scene's file, or what the file's format knows of language; a note where rows were dropped."""
    if isinstance(source, (Path, bytes)):
        blob = open_blob(source, name=name)
        if blob.piece(0, 2) == b"PK" and blob.suffix == ".npz":
            try:
                field = read_field(blob, len(read.scene))
            except InputError:
                if not any("left out" in note for note in notes):
                    raise
                field = None
                notes.append("Its language was left out with them: it belongs to all Gaussians of the file.")
            if field is not None:
                return field
    if read.scene.language is None:
        return None
    try:
        return from_language(read.scene.language).validated(len(read.scene))
    except ValueError as error:
        notes.append(f"Its language cannot be asked: {error}.")
        return None


def _camera_around(read: ReadScene) -> Camera:
    """A look at a scene that came without views: from aside and a little above."""
    centre, radius = frame_of(read.scene)
    return orbit(
        centre,
        fitting_distance(radius, _FOV_DEG),
        30.0,
        _LOOK_DOWN_DEG,
        up_xyz=read.up_xyz,
        fov_deg=_FOV_DEG,
        width=VIEW_WH[0],
        height=VIEW_WH[1],
    )


def _map_view(handle: SceneHandle, camera: Camera, options: QueryOptions, job: Job | None) -> ViewWeights:
    """Weights of a view at the size at which meanings are computed."""
    small = camera.resized(*options.map_wh(camera.width, camera.height))
    return VIEWS.get(handle.scene, small, least=options.least_weight, job=job)


def _language_of(handle: SceneHandle, model: ImageTextModel) -> LanguageField:
    field = handle.field
    if field is None:
        raise InputError(
            f"{quoted(handle.name)} carries no language to query; build it from photos, or open a scene that has some."
        )
    if field.model and field.model != model.name:
        raise InputError(
            f"The language of this scene was made with {field.model}, not {model.name}; choose that model."
        )
    return field


def _checked(camera: Camera) -> Camera:
    if max(camera.width, camera.height) > MAX_SIDE_PX:
        raise InputError(f"The picture is {camera.width:,} x {camera.height:,} pixels; at most {MAX_SIDE_PX:,} a side.")
    return camera


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Add the wall time of a block to a table."""
    start_s = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - start_s
