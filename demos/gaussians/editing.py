"""From a command and a selection to an edit of the history, and the scene's field carried along."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from demos.gaussians.answers import SceneHandle
from demos.gaussians.cameras import Camera
from demos.gaussians.commands import Command
from demos.gaussians.deform import Verb as DeformVerb
from demos.gaussians.deform import body_of
from demos.gaussians.edits import AffineColour, mean_colour, tint
from demos.gaussians.history import (
    Deform,
    Edit,
    History,
    Isolate,
    Move,
    Recolour,
    Remove,
    Scale,
    Selection,
    applied,
)
from demos.gaussians.scene import GaussianScene, Language
from demos.gaussians.select import extent_of

_DEFORMS: dict[str, DeformVerb] = {"taller": "taller", "wider": "wider", "bigger": "bigger", "twist": "twist"}


def edit_of(
    handle: SceneHandle, command: Command, selection: Selection, camera: Camera, colour: AffineColour | None = None
) -> Edit:
    """What a command means for a selection.

    Args:
        handle: The scene.
        command: Checked; its strength is not 0.
        selection: Rows of ``handle.scene``.
        camera: The view, for left and right.
        colour: The map, for "restyle".

    Raises:
        InputError: nothing is selected, or everything is to be removed.
    """
    count = len(handle.scene)
    if not selection.rows.size:
        raise InputError("Nothing is selected; query for something or click it first.")
    if command.verb == "isolate":
        return Isolate(selection)
    if command.verb == "remove":
        return Remove(selection)
    if command.verb == "recolour":
        assert command.rgb is not None
        colour = tint(command.rgb, mean_colour(handle.scene, selection.spread(count)))
    if colour is not None:
        return Recolour(selection, colour, command.strength)
    if command.verb in ("move", "duplicate"):
        offset = _offset(handle, command, selection, camera)
        return Move(selection, offset, is_copy=command.verb == "duplicate")
    if command.verb == "scale":
        where = extent_of(handle.scene, selection)
        assert where is not None
        return Scale(selection, command.factor**command.strength, where.centroid_xyz)
    weights = selection.spread(count)
    body = body_of(handle.scene, weights, handle.up_xyz)
    return Deform(selection, _DEFORMS[command.verb], body, command.strength)


def with_edit(handle: SceneHandle, edit: Edit) -> SceneHandle:
    """The scene after one edit more."""
    history = handle.history.then(edit)
    return _with(handle, history, applied(_tracked(handle.scene, handle.rows), edit))


def with_history(handle: SceneHandle, history: History) -> SceneHandle:
    """The scene after other edits, replayed from the original."""
    if not history.done:
        return replace(
            handle,
            scene=handle.original,
            rows=np.arange(len(handle.original), dtype=np.int32),
            field=handle.original_field,
            history=history,
        )
    rows = np.arange(len(handle.original), dtype=np.int32)
    return _with(handle, history, history.replayed(_tracked(handle.original, rows)))


def _tracked(scene: GaussianScene, rows: NDArray[np.int32]) -> GaussianScene:
    """The scene with the rows of the original in place of its language, which edits carry along."""
    return replace(scene, language=Language(("row",), ids=rows[:, None], features=np.zeros((1, 1), np.float32)))


def _with(handle: SceneHandle, history: History, tracked: GaussianScene) -> SceneHandle:
    """A handle of an edited scene; where the rows stay, so does the field itself, and with it what is kept of it."""
    assert tracked.language is not None and tracked.language.ids is not None
    rows = np.ascontiguousarray(tracked.language.ids[:, 0])
    field = handle.field
    if not np.array_equal(rows, handle.rows):
        field = handle.original_field
        if field is not None and not np.array_equal(rows, np.arange(len(handle.original))):
            field = field.take(rows.astype(np.intp))
    return replace(handle, scene=replace(tracked, language=None), rows=rows, field=field, history=history)


def _offset(handle: SceneHandle, command: Command, selection: Selection, camera: Camera) -> tuple[float, float, float]:
    """A step in the picture's directions, level with the ground, as long as the selection is wide or high."""
    where = extent_of(handle.scene, selection)
    assert where is not None
    up = np.asarray(handle.up_xyz, np.float64)
    up = up / np.linalg.norm(up)
    right = camera.world_to_cam[0, :3]
    right = right - (right @ up) * up
    if np.linalg.norm(right) < 1e-6:  # the camera lies on its side
        right = np.cross(camera.world_to_cam[2, :3], up)
    right = right / max(float(np.linalg.norm(right)), 1e-9)
    ahead = np.cross(up, right)
    axis = {"right": right, "left": -right, "up": up, "down": -up, "forward": ahead, "back": -ahead}[command.direction]
    size = float(np.abs(axis) @ np.asarray(where.size_xyz))
    x, y, z = (float(v) for v in axis * size * command.distance * command.strength)
    return x, y, z
