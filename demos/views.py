"""Page elements of our own whose data reach the browser as data and are shown as text, never as markup.

Gradio's HTML component runs JavaScript that it finds in its value (``${...}``) or renders it as HTML. A View never
gives it the chance: its template is constant, its value is JSON, and a script of assets/views fills the page through
``textContent``.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import gradio as gr

from core.settings import ROOT

VIEWS = ROOT / "assets" / "views"


@cache
def _script(name: str) -> str:
    """The JavaScript of one view, with the few functions that all views share in front."""
    return (VIEWS / "dom.js").read_text(encoding="utf-8") + (VIEWS / f"{name}.js").read_text(encoding="utf-8")


class View(gr.HTML):
    """A read-only page element: ``value`` is any JSON, drawn by assets/views/<name>.js."""

    def __init__(
        self,
        name: str,
        value: Any = None,
        *,
        elem_id: str | None = None,
        label: str | None = None,
        is_api: bool = False,
        render: bool = True,
    ) -> None:
        """Place the view; the script may trigger events by the names that stand quoted in it.

        Args:
            name: Of the script.
            value: First value, any JSON.
            elem_id: Id on the page.
            label: What it is, for the API's documentation.
            is_api: Whether endpoints return it; most views are for the eye only.
            render: Gradio says False when it rebuilds the component for one visitor's session.
        """
        self._is_api = is_api
        super().__init__(
            value,
            label=label or name,
            html_template="<div></div>",
            css_template="",
            js_on_load=_script(name),
            apply_default_css=False,
            elem_id=elem_id,
            elem_classes=["view", f"view-{name}"],
            render=render,
        )

    def postprocess(self, value: Any) -> Any:
        """Pass JSON on as it is."""
        return value

    def preprocess(self, payload: Any) -> Any:
        """Pass JSON on as it is; handlers treat it as untrusted."""
        return payload

    def api_info(self) -> dict[str, Any]:
        """Any JSON."""
        return {"type": {}, "description": "any JSON"}

    @property
    def skip_api(self) -> bool:
        """Whether the API passes it over."""
        return not self._is_api


class LabelBars(View):
    """Ranked bars whose value is the payload of gr.Label: ``{"label", "confidences": [{"label", "confidence"}]}``."""

    def __init__(self, *, label: str, elem_id: str | None = None, render: bool = True) -> None:
        """Place the bars, empty."""
        super().__init__("bars", None, label=label, elem_id=elem_id, is_api=True, render=render)

    def api_info(self) -> dict[str, Any]:
        """The schema of gr.Label's payload."""
        row = {
            "type": "object",
            "properties": {"label": {"type": "string"}, "confidence": {"type": "number"}},
            "required": ["label", "confidence"],
        }
        return {
            "type": "object",
            "properties": {"label": {"type": "string"}, "confidences": {"type": "array", "items": row}},
            "required": ["label", "confidences"],
        }
