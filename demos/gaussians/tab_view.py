"""The 3D viewer as a component: several scripts of assets/views that share one page element."""

from __future__ import annotations

from functools import cache
from typing import Any

from demos.views import VIEWS, View

# In order: what each may use stands before it.
_SCRIPTS = (
    "dom", "gaussians_camera", "gaussians_sort", "gaussians_gpu", "gaussians_stage", "gaussians_control", "gaussians",
)  # fmt: skip


@cache
def _script() -> str:
    return "".join((VIEWS / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS)


class Viewer(View):
    """The scene that one turns and asks; what its value holds and its events stand in gaussians.js."""

    def __init__(self, value: Any = None, *, elem_id: str | None = None, render: bool = True) -> None:
        """Place it; Gradio says ``render=False`` when it rebuilds the component for one visitor's session."""
        super().__init__("gaussians", value, elem_id=elem_id, label="Scene", render=render)
        self.js_on_load = _script()
