"""Files to take along, and the same question from code."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import PurePath
from typing import Any

import gradio as gr

from core.errors import InputError
from core.tasks import Job
from demos.base import run_job, status
from demos.forms import Updates
from demos.gaussians import exports, present
from demos.gaussians.answers import SceneAnswer
from demos.gaussians.history import Selection
from demos.gaussians.tab_api import DEFAULTS
from demos.gaussians.tab_parts import EXPORTS, Inputs, Parts
from demos.gaussians.tab_run import data_of
from demos.gaussians.tab_state import Shown, page_file
from demos.gaussians.viewpoints import read_camera

ENDPOINT = "/query_scene"
_saves = count(1)
_ENDING = (
    "heat, mask, answer = result  # two files, and where it is\n"
    'print(answer["found"], answer["peak"], answer["centroid_xyz"])\n'
)


def save_handler(parts: Parts) -> Callable[..., Updates]:
    """A file was asked for by its button."""
    kinds = [{"name": name, "title": title, "line": line} for name, title, line in EXPORTS]
    folder = parts.viewer.GRADIO_CACHE

    def run(shown: Shown | None, camera: Any, event: gr.EventData) -> Updates:
        kind = str(data_of(event).get("kind"))

        def work(job: Job) -> tuple[bytes, str]:
            if shown is None:
                raise InputError("There is no scene yet: choose one, or give a file of your own.")
            job.step("running", note="writing the file")
            return export(shown, kind, camera, job)

        data, name = yield from run_job(work, parts.line)
        saved = {
            "count": next(_saves),
            "name": name,
            "size": present.size_words(len(data)),
            "file": page_file(data, name, folder),
        }
        yield {parts.exports: {"kinds": kinds, "saved": saved}, parts.line: status("done", f"Saved {name}.")}

    return run


def export(shown: Shown, kind: str, given_camera: Any, job: Job) -> tuple[bytes, str]:
    """One file, and its name.

    Args:
        shown: What the page shows.
        kind: Which file.
        given_camera: The view, as the page sends it; films begin there.
        job: Cancel.

    Raises:
        InputError: there is no such kind, nothing is selected, or there is no answer.
        Cancelled: the job was cancelled.
    """
    handle, camera = shown.handle, read_camera(given_camera, shown.handle.cameras, longest_px=exports.FILM_SIDE_PX)
    selection = None if shown.target is None else shown.target.selection
    makers: dict[str, tuple[Callable[[], bytes], str]] = {
        "ply": (lambda: exports.scene_file(handle, "ply"), ".ply"),
        "splat": (lambda: exports.scene_file(handle, "splat"), ".splat"),
        "npz": (lambda: exports.scene_file(handle, "npz"), ".npz"),
        "selection": (lambda: exports.scene_file(handle, "ply", selection=_required(selection)), "-selection.ply"),
        "mask": (lambda: exports.mask_png(_answer(shown).found[0]), "-mask.png"),
        "json": (lambda: json.dumps(exports.answer_json(_answer(shown)), indent=1).encode(), "-answer.json"),
        "gif": (lambda: exports.turn_film(handle, camera, selection, kind="gif", job=job), "-turn.gif"),
        "webp": (lambda: exports.turn_film(handle, camera, selection, kind="webp", job=job), "-turn.webp"),
        "mp4": (lambda: exports.turn_film(handle, camera, selection, kind="mp4", job=job), "-turn.mp4"),
    }
    if kind not in makers:
        raise InputError(f"There is no file of the kind {kind!r}; there are {', '.join(makers)}.")
    make, ending = makers[kind]
    data = make()
    job.check()
    return data, (PurePath(handle.name).stem or "scene") + ending


def _required(selection: Selection | None) -> Selection:
    if selection is None:
        raise InputError("Nothing is selected; query for something or click it first.")
    return selection


def _answer(shown: Shown) -> SceneAnswer:
    if shown.answer is None and shown.handle.history.done:
        raise InputError("The scene was edited since the last answer: press Find again.")
    if shown.answer is None:
        raise InputError("There is no answer yet: write what to look for and press Find.")
    return shown.answer


# ---- from code ----


def code(parts: Parts) -> Any:
    """The handler that writes the snippets: only settings that differ from their defaults go in."""
    names = list(Inputs.__dataclass_fields__)

    def run(request: gr.Request, *values: Any) -> tuple[str, str]:
        url = str(request.base_url) if request else "http://127.0.0.1:7860/"
        given = dict(zip(names, values, strict=True))
        file = given.pop("file")
        arguments = {"query": given.pop("query")}
        arguments |= {name: value for name, value in given.items() if value != DEFAULTS[name]}
        return python_of(url, arguments, has_file=bool(file)), curl_of(url, arguments)

    return run


def python_of(url: str, arguments: Mapping[str, object], *, has_file: bool) -> str:
    """Python that asks the endpoint."""
    lines = "".join(f"    {name}={value!r},\n" for name, value in arguments.items())
    file = "    file=[handle_file('scene.ply')],\n" if has_file else ""
    names = "Client, handle_file" if has_file else "Client"
    return (
        f"from gradio_client import {names}  # pip install gradio_client\n\n"
        f"client = Client({url!r})\n"
        f"result = client.predict(\n{lines}{file}    api_name={ENDPOINT!r},\n)\n{_ENDING}"
    )


def curl_of(url: str, arguments: Mapping[str, object]) -> str:
    """Shell commands that do the same; they need curl alone. A file of one's own is left out."""
    body = shlex.quote(json.dumps(dict(arguments), ensure_ascii=True))
    # The answer of the call is {"event_id": "id"}: the fourth piece between quotes.
    return (
        f"HUB={shlex.quote(url.rstrip('/'))}\n"
        f'EVENT=$(curl -s "$HUB/gradio_api/call/v2{ENDPOINT}" -H "Content-Type: application/json" -d {body}'
        " | cut -d'\"' -f4)\n"
        f'curl -sN "$HUB/gradio_api/call{ENDPOINT}/$EVENT"\n'
    )
