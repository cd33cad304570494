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

    def __init__(self, name: str, value: Any = None, *, elem_id: str | None = None, label: str | None = None) -> None:
        """Place the view; the script may trigger events by the names that stand quoted in it."""
        super().__init__(
            value,
            label=label or name,
            html_template="<div></div>",
            css_template="",
            js_on_load=_script(name),
            apply_default_css=False,
            elem_id=elem_id,
            elem_classes=["view", f"view-{name}"],
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
        """A view is for the eye: the API neither asks for it nor returns it."""
        return True


class LabelBars(View):
    """Ranked bars whose value is the payload of gr.Label: ``{"label", "confidences": [{"label", "confidence"}]}``."""

    def __init__(self, *, label: str, elem_id: str | None = None) -> None:
        """Place the bars, empty."""
        super().__init__("bars", None, label=label, elem_id=elem_id)

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

    @property
    def skip_api(self) -> bool:
        """The bars are the answer: the API returns them."""
        return False
