"""The settings of the zero-shot tab as a link, and back."""

from __future__ import annotations

import itertools
from typing import Any

import gradio as gr

from core.errors import InputError
from core.prompts import TEMPLATE_SETS
from demos import permalink
from demos.base import status, visible_errors
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

    def run(request: gr.Request) -> dict[Any, Any]:
        query = request.query_params
        if query.get("tab", SLUG) != SLUG or not query.get("p"):
            return {parts.line: status("idle")}
        try:
            settings, problems = permalink.unpack(query.get("p", ""), SCHEMA)
        except InputError as error:
            return {parts.line: status("error", str(error))}
        updates: dict[Any, Any] = {getattr(parts.inputs, name): value for name, value in settings.items()}
        if settings.get("templates") == "own":
            own = settings.get("own_templates", "")
            updates[parts.inputs.own_templates] = gr.update(value=own, visible=True)
        if settings.get("method") == "diffusion":
            chosen = {"value": settings["generator"]} if "generator" in settings else {}
            updates[parts.inputs.generator] = gr.update(visible=True, **chosen)
        line = (
            status("error", " ".join(problems))
            if problems
            else status("idle", "These settings come from the link. Choose a picture, then press Classify.")
        )
        return {**updates, parts.line: line}

    return run
