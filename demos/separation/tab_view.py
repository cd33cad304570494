"""The tracks of a separation as a component: a script and a style sheet of assets/views, both constant."""

from __future__ import annotations

from functools import cache
from typing import Any

from demos.views import VIEWS, View


@cache
def _style() -> str:
    return (VIEWS / "sound.css").read_text(encoding="utf-8")


class Tracks(View):
    """Players, spectrograms and presence of every sound; what its value holds stands in sound.js."""

    def __init__(self, value: Any = None, *, elem_id: str | None = None, render: bool = True) -> None:
        """Place it; Gradio says ``render=False`` when it rebuilds the component for one visitor's session."""
        super().__init__("sound", value, elem_id=elem_id, label="Tracks", render=render)
        self.css_template = _style()
