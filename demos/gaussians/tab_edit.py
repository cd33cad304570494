"""The handlers of the 3D tab that change the scene: sentences, buttons, recolouring towards a text, undo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from core.errors import InputError
from core.labels import quoted
from core.tasks import Job
from demos.base import run_job, status
from demos.forms import Updates
from demos.gaussians import present
from demos.gaussians.answers import SceneHandle
from demos.gaussians.commands import DIRECTIONS, Command, Direction, colour_named, read_command
from demos.gaussians.pipeline import edit, query, redo, undo
from demos.gaussians.select import extent_of
from demos.gaussians.tab_parts import Inputs, Parts
from demos.gaussians.tab_run import data_of, leased, options_of
from demos.gaussians.tab_state import Shown, Target, edited, next_serial
from demos.gaussians.viewpoints import number_of, read_camera
from demos.widgets import Upload

BY_BUTTON = ("isolate", "remove", "recolour", "move", "duplicate", "taller", "wider", "bigger", "twist")
_NO_SCENE = "There is no scene yet: choose one, or give a file of your own."
_SAID: dict[str, str] = {
    "isolate": "only {0} kept", "remove": "{0} removed", "recolour": "{0} recoloured", "move": "{0} moved {1}",
    "duplicate": "{0} copied to the {1}", "taller": "{0} made taller", "wider": "{0} made wider",
    "bigger": "{0} made bigger", "twist": "{0} twisted", "restyle": "{0} recoloured",
}  # fmt: skip
_SHRUNK = {"taller": "{0} made shorter", "wider": "{0} made narrower", "bigger": "{0} made smaller"}


@dataclass(frozen=True, eq=False)
class Done:
    """An edit's outcome: the page's new state, and what the status line says."""

    now: Shown
    words: str


def button_command(data: Mapping[str, Any]) -> Command:
    """The command behind a button of assets/views/gaussians_edits.js.

    Raises:
        InputError: there is no such button, or a value is out of range.
    """
    verb = data.get("verb")
    if verb not in BY_BUTTON:
        raise InputError(f"There is no edit called {quoted(str(verb))}; choose one of {', '.join(BY_BUTTON)}.")
    strength = number_of(data, "strength", -1, 1, usual=1)
    colour = data.get("colour")
    rgb = colour_named(colour) if verb == "recolour" and isinstance(colour, str) else None
    direction: Direction = next((way for way in DIRECTIONS if way == data.get("direction")), "right")
    return Command(verb, strength=strength, rgb=rgb, direction=direction)


def said_of(command: Command, name: str) -> str:
    """An edit in a few words, for the list."""
    words = _SHRUNK if command.strength < 0 and command.verb in _SHRUNK else _SAID
    return words.get(command.verb, "{0} changed").format(name, command.direction)


def _target_after(before: SceneHandle, after: SceneHandle, target: Target) -> Target | None:
    """The same selection, where the rows are still the same."""
    if len(before.scene) != len(after.scene):
        return None
    return Target(target.name, target.selection, extent_of(after.scene, target.selection))


def _changed(shown: Shown, after: SceneHandle, command: Command, target: Target, folder: str) -> Done:
    if after is shown.handle:
        return Done(shown, "A strength of 0 changes nothing.")
    words = said_of(command, target.name)
    said = (*shown.said[: len(shown.handle.history.done)], words)
    now = edited(shown, after, folder, said=said, target=_target_after(shown.handle, after, target))
    return Done(now, f"Done: {words}.")


def _updates(parts: Parts, done: Done, before: Shown) -> dict[Any, Any]:
    """The page after an edit; an answer to the scene before it goes."""
    now = done.now
    objects = now.handle.field.objects if now.handle.field is not None else None
    layer = None
    if now.target is not None:
        target = now.target
        layer = present.layer_value(
            [present.selection_item(target.name, target.selection, target.extent, now.packed, len(now.handle.scene))],
            next_serial(), show="picture",
        )  # fmt: skip
    changed = {} if now.handle.field is before.handle.field else {
        parts.objects: present.objects_value(objects, next_serial())
    }  # fmt: skip
    return {
        **changed,
        parts.shown: now,
        parts.viewer: now.viewer(layer),
        parts.edits: now.edits(),
        parts.found: None,
        parts.clicked: None,
        parts.which: gr.update(choices=[], value=None, visible=False),
        parts.line: status("done", done.words),
    }


def sentence_handler(parts: Parts) -> Callable[..., Updates]:
    """A sentence such as "make the mug red": the thing is looked for, then edited."""
    folder = parts.viewer.GRADIO_CACHE

    def run(sentence: str, shown: Shown | None, *values: Any) -> Updates:
        given = dict(zip(Inputs.__dataclass_fields__, values, strict=True))

        def work(job: Job) -> Done:
            if shown is None:
                raise InputError(_NO_SCENE)
            job.step("checking")
            command = read_command(sentence or "")
            command.check()
            handle = shown.handle
            camera = read_camera(given["camera"], handle.cameras, longest_px=int(given["side_px"]))
            with leased(given["model"], handle, job) as model:
                job.step("running", note=command.thing)
                found = query(handle, command.thing, options_of(given), model=model, camera=camera, job=job).found[0]
                if not found.selection.rows.size:
                    raise InputError(found.sentence)
                target = Target(command.thing, found.selection, found.extent)
                job.step("running", note="editing")
                after = edit(handle, command, found.selection, camera=camera, model=model, job=job)
            return _changed(shown, after, command, target, folder)

        done = yield from run_job(work, parts.line)
        yield _updates(parts, done, shown or done.now)

    return run


def button_handler(parts: Parts) -> Callable[..., Updates]:
    """A button of the list of edits; Undo and Redo among them."""
    folder = parts.viewer.GRADIO_CACHE

    def run(shown: Shown | None, camera: Any, event: gr.EventData) -> Updates:
        data = data_of(event)

        def work(job: Job) -> Done:
            if shown is None:
                raise InputError(_NO_SCENE)
            job.step("running", note="editing")
            if data.get("verb") in ("undo", "redo"):
                return _stepped(shown, str(data["verb"]), folder)
            command = button_command(data)
            command.check()
            if shown.target is None:
                raise InputError("Nothing is selected; query for something or click it first.")
            view = read_camera(camera, shown.handle.cameras, longest_px=640)
            after = edit(shown.handle, command, shown.target.selection, camera=view, job=job)
            return _changed(shown, after, command, shown.target, folder)

        done = yield from run_job(work, parts.line)
        yield _updates(parts, done, shown or done.now)

    return run


def _stepped(shown: Shown, verb: str, folder: str) -> Done:
    """Undo or redo."""
    after = undo(shown.handle) if verb == "undo" else redo(shown.handle)
    if after is shown.handle:
        return Done(shown, f"There is nothing to {verb}.")
    target = None if shown.target is None else _target_after(shown.handle, after, shown.target)
    now = edited(shown, after, folder, said=shown.said, target=target)
    return Done(now, "The last edit is undone." if verb == "undo" else "The edit is made again.")


def restyle_handler(parts: Parts) -> Callable[..., Updates]:
    """Recolour the selection towards a text or an example picture."""
    folder = parts.viewer.GRADIO_CACHE

    def run(towards: str, example: Upload | None, model_name: str, shown: Shown | None, camera: Any) -> Updates:
        def work(job: Job) -> Done:
            if shown is None:
                raise InputError(_NO_SCENE)
            if shown.target is None:
                raise InputError("Nothing is selected; query for something or click it first.")
            picture = None if example is None else example.read().rgb
            command = Command("restyle", towards=towards or "", example=picture)
            command.check()
            view = read_camera(camera, shown.handle.cameras, longest_px=640)
            with leased(model_name, shown.handle, job) as model:
                job.step("running", note="trying colours")
                after = edit(shown.handle, command, shown.target.selection, camera=view, model=model, job=job)
            return _changed(shown, after, command, shown.target, folder)

        done = yield from run_job(work, parts.line)
        yield _updates(parts, done, shown or done.now)

    return run
