"""What surrounds the tabs: the start strip, and the link that opens a tab."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import gradio as gr

from core.settings import ROOT
from demos.base import Demo

_STEPS = (
    ("Picture, scene or sound", "Drop or record one, or take ours."),
    ("Say what you look for", "Any words you like, no training needed."),
    ("See or hear it", "With scores, where it looked, and why."),
)


def header_html(demos: Sequence[Demo]) -> str:
    """The start strip as HTML; everything in it is ours, nothing comes from a visitor."""
    chart = (ROOT / "assets" / "chart.svg").read_text(encoding="utf-8")
    steps = "".join(f"<li><b>{html.escape(head)}</b><span>{html.escape(line)}</span></li>" for head, line in _STEPS)
    tabs = "".join(f"<li><b>{html.escape(d.title)}</b> {html.escape(d.summary)}</li>" for d in demos)
    return (
        f'<header class="strip"><div class="strip-text"><p class="brand">CLIP Atlas</p>'
        f"<h1>Ask for things in plain words.</h1>"
        f'<p class="lead">It finds them in pictures, 3D scenes and sound, and shows why. '
        f"The models run in this hub: no account, and nothing is sent on.</p>"
        f'<ol class="steps">{steps}</ol><ul class="tabs-told">{tabs}</ul></div>'
        f'<div class="strip-chart" aria-hidden="true">{chart}</div></header>'
    )


def place_header(demos: Sequence[Demo]) -> None:
    """Place the start strip."""
    gr.HTML(header_html(demos), apply_default_css=False, elem_id="start-strip")


def select_tab_by_link(page: gr.Blocks, tabs: gr.Tabs, slugs: tuple[str, ...]) -> None:
    """Open the tab that ``?tab=`` names; the page script keeps the address in step when the visitor moves on.

    Without such a link nothing is selected: Gradio draws a selected tab anew, and what was typed by then would be lost.
    ``<body data-opened>`` says that this is over.
    """

    def select(request: gr.Request) -> Any:
        asked = request.query_params.get("tab", "")
        return gr.update(selected=asked) if asked in slugs[1:] else gr.skip()

    opened = page.load(select, None, tabs, api_visibility="private", show_progress="hidden")
    opened.then(None, None, None, js="() => { document.body.dataset.opened = 'yes'; }", api_visibility="private")
