"""The settings of the segmentation tab as a link, and back."""

from __future__ import annotations

import itertools
from typing import Any

import gradio as gr

from core.prompts import TEMPLATE_SETS
from demos import permalink
from demos.base import visible_errors
from demos.forms import link_opener
from demos.permalink import Choice, Flag, Number, Text
from demos.segmentation.options import CROPS, DENSE_METHODS, EDGES, LEVEL_CHOICES, TEXT_REFINEMENTS, WAYS
from demos.segmentation.tab_parts import MASK_MODELS, MODELS, POINT_CHOICES, Inputs, Parts

SLUG = "segmentation"
SCHEMA: permalink.Schema = {
    "labels": Text(),
    "words": Choice(("labels", "vocabulary")),
    "model": Choice(MODELS),
    "mask_model": Choice(MASK_MODELS),
    "way": Choice(WAYS),
    "threshold": Number(0, 1),
    "other": Flag(),
    "margin": Number(0, 1),
    "negatives": Text(),
    "points_per_side": Choice(POINT_CHOICES),
    "level": Choice(LEVEL_CHOICES),
    "least_share": Number(0, 5),
    "overlap": Number(0, 1),
    "joins_touching": Flag(),
    "templates": Choice(TEMPLATE_SETS),
    "own_templates": Text(),
    "refinement": Choice(TEXT_REFINEMENTS),
    "refinement_strength": Number(0, 1),
    "sharpness": Number(0.1, 5),
    "hubness": Flag(),
    "crops": Choice(CROPS),
    "dense_method": Choice(DENSE_METHODS),
    "edges": Choice(EDGES),
    "vocabulary": Text(),
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
        if settings.get("words") == "vocabulary":
            updates["labels"] = gr.update(value=settings.get("labels", ""), visible=False)
        return updates

    press = "Choose a picture, then press Segment."
    return link_opener(SLUG, SCHEMA, parts.inputs, parts.line, press=press, adjust=adjust)
