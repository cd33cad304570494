"""The settings of the 3D tab as a link, and back; the view travels with them, a file of one's own does not."""

from __future__ import annotations

import itertools
import json
from typing import Any

from demos import permalink
from demos.base import visible_errors
from demos.forms import link_opener
from demos.gaussians.options import LEVEL_CHOICES, ORDERS, THRESHOLDS
from demos.gaussians.samples import bundled
from demos.gaussians.tab_parts import MODELS, OWN_MODEL, SIDES_PX, TEMPLATES, Inputs, Parts
from demos.permalink import Choice, Flag, Number, Text

SLUG = "gaussians"
MAX_CAMERA_CHARS = 600
SCHEMA: permalink.Schema = {
    "query": Text(4_000),
    "scene": Choice(tuple(sample.name for sample in bundled())),
    "model": Choice((OWN_MODEL, *MODELS)),
    "level": Choice(LEVEL_CHOICES),
    "threshold": Choice(THRESHOLDS),
    "cut": Number(0, 1),
    "least_peak": Text(20),
    "smoothing_px": Text(20),
    "negatives": Text(4_000),
    "templates": Choice(TEMPLATES),
    "temperature": Number(0.1, 200),
    "hubness": Flag(),
    "order": Choice(ORDERS),
    "neighbours": Number(0, 64),
    "grow": Number(-10, 10),
    "whole_objects": Flag(),
    "side_px": Choice(SIDES_PX),
    "camera": Text(MAX_CAMERA_CHARS),
}
_count = itertools.count(1)


@visible_errors
def make_link(*values: Any) -> dict[str, Any]:
    """The query of a link to these settings; ``values`` in the order of ``Inputs``."""
    settings = dict(zip(Inputs.__dataclass_fields__, values, strict=True))
    kept = {name: value for name, value in settings.items() if name in SCHEMA and value is not None}
    if "camera" in kept:
        kept["camera"] = _camera_text(kept["camera"])
    return {"query": permalink.link(SLUG, kept), "count": next(_count)}


def _camera_text(camera: Any) -> str:
    """A camera as short JSON: four digits are finer than a pixel."""
    if not isinstance(camera, dict):
        return ""
    short = {
        name: [round(float(part), 4) for part in value] if isinstance(value, list) else round(float(value), 2)
        for name, value in camera.items()
        if name in ("eye", "target", "up", "fov_deg", "width", "height")
    }
    return json.dumps(short, separators=(",", ":"))


def open_link(parts: Parts) -> Any:
    """The handler of a page load: put the settings of the link into the components, and say what did not fit."""

    def adjust(settings: permalink.Settings) -> dict[str, Any]:
        return {"camera": _camera_of(settings["camera"])} if "camera" in settings else {}

    press = "Press Find to see its answer."
    return link_opener(SLUG, SCHEMA, parts.inputs, parts.line, press=press, adjust=adjust)


def _camera_of(text: str) -> Any:
    """The JSON of a link's camera, or None; it is checked where it is used."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None
