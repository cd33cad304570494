"""Fields that programs fill as well as people: what cannot be meant is refused in a sentence of ours.

Gradio checks what a request holds before any handler runs, and answers with the inside of its validation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.data_classes import ListFiles

from core.errors import InputError
from core.labels import quoted
from demos.base import readable

_NO_FILE = 'The parameter "file" takes uploaded files, one or a list: handle_file("scene.ply") of gradio_client.'
_FILE_KEYS = ("path", "url")


class _SceneFilesData(ListFiles):
    """A list of files; one alone is a list of one."""

    @classmethod
    def model_validate(cls, obj: Any, **more: Any) -> _SceneFilesData:
        """Gradio's first look at what a request holds.

        Raises:
            gr.Error: something in it is no file; pydantic would wrap what a validator raises.
        """
        files = list(obj) if isinstance(obj, (list, tuple)) else [obj]
        if not all(_is_file(file) for file in files):
            raise readable(InputError(_NO_FILE))
        return super().model_validate(files, **more)


class SceneFiles(gr.File):
    """Scene files of one's own: one, or several that belong together; placed by :func:`place_scene_files`."""

    def get_block_name(self) -> str:
        """The browser shows it as a file field."""
        return "file"


def place_scene_files(**more: Any) -> SceneFiles:
    """Place the field; ``more`` as for gr.File.

    A constructor of our own would not do: what the page gets is what Gradio finds in the constructor's signature.
    """
    field = SceneFiles(file_count="multiple", **more)
    field.data_model = _SceneFilesData
    return field


class SceneChoice(gr.Dropdown):
    """One of the bundled scenes."""

    def get_block_name(self) -> str:
        """The browser shows it as a dropdown."""
        return "dropdown"

    def preprocess(self, payload: Any) -> Any:
        """The name of a scene, or None.

        Raises:
            gr.Error: there is no such scene, or the request holds something else; one sentence.
        """
        names = [str(name) for _, name in self.choices]
        if payload in (None, "", []) or payload in names:
            return payload or None
        listed = ", ".join(names)
        words = f'The scene is one of the names {listed}; a file goes into the parameter "file".'
        if isinstance(payload, str):
            words = f"There is no bundled scene called {quoted(payload)}; there are: {listed}."
        raise readable(InputError(words))


def _is_file(given: Any) -> bool:
    held = given if isinstance(given, Mapping) else getattr(given, "__dict__", {})
    return any(isinstance(held.get(key), str) for key in _FILE_KEYS)
