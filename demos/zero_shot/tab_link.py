"""The settings of the zero-shot tab as a link, and back."""

from __future__ import annotations

import itertools
from typing import Any

import gradio as gr

from core.prompts import TEMPLATE_SETS
from demos import permalink
from demos.base import visible_errors
from demos.forms import link_opener
from demos.permalink import Choice, Flag, Number, Text
from demos.zero_shot.options import METHODS
from demos.zero_shot.tab_parts import GENERATORS, MODELS, Inputs, Parts

SLUG = "zero_shot"
SCHEMA: permalink.Schema = {
    "labels": Text(),
    "model": Choice(MODELS),
    "method": Choice(METHODS),
    "templates": Choice(TEMPLATE_SETS),
    "own_templates": Text(),
    "is_multi_label": Flag(),
    "none_of_these": Flag(),
    "none_score": Choice(("cosine", "mcm")),
    "none_below": Number(-1, 1),
    "hubness": Flag(),
    "descriptors": Text(),
    "generator": Choice(GENERATORS),
}
_count = itertools.count(1)


@visible_errors
def make_link(*values: Any) -> dict[str, Any]:
    """The query of a link to these settings; ``values`` in the order of ``Inputs``."""
    settings = dict(zip(Inputs.__dataclass_fields__, values, strict=True))
    return {"query": permalink.link(SLUG, settings), "count": next(_count)}


def open_link(parts: Parts) -> Any:
    """The handler of a page load: put the settings of the link into the components, and say what did not fit."""

    def adjust(settings: permalink.Settings) -> dict[str, Any]:
        updates = {}
        if settings.get("templates") == "own":
            updates["own_templates"] = gr.update(value=settings.get("own_templates", ""), visible=True)
        if settings.get("method") == "diffusion":
            chosen = {"value": settings["generator"]} if "generator" in settings else {}
            updates["generator"] = gr.update(visible=True, **chosen)
        return updates

    press = "Choose a picture, then press Classify."
    return link_opener(SLUG, SCHEMA, parts.inputs, parts.line, press=press, is_first=True, adjust=adjust)
