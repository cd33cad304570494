"""The papers page as a tab: one list, filtered in the browser."""

from __future__ import annotations

import gradio as gr

from demos.base import Demo
from demos.papers.catalogue import PAPERS
from demos.views import View


def build() -> None:
    """Place the list."""
    gr.Markdown(
        "## Papers\nThe methods behind this hub, one row each. A row stays until the hub does what it describes."
    )
    rows = [
        {"number": p.number, "title": p.title, "line": p.line, "tab": p.tab, "status": p.progress, "where": p.where}
        for p in PAPERS
    ]
    View("papers", {"rows": rows}, elem_id="papers-list", label="Papers")


PAGE = Demo(
    slug="papers",
    title="Papers",
    summary="The 51 papers that the hub grew from, and which of them work today.",
    build=build,
)
