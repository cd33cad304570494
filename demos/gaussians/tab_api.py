"""What the endpoint of this tab takes and says of itself."""

from __future__ import annotations

from typing import Any

from demos.gaussians.samples import bundled
from demos.gaussians.tab_parts import DEFAULT_SIDE_PX, OWN_MODEL, USUAL

# The endpoint's arguments after the query, in the order of ``Inputs``, as they stand on the page when it opens.
DEFAULTS: dict[str, Any] = {
    "scene": bundled()[0].name if bundled() else None,
    "model": OWN_MODEL,
    "level": USUAL.level,
    "threshold": USUAL.threshold,
    "cut": USUAL.cut,
    "least_peak": "",
    "smoothing_px": "",
    "negatives": USUAL.negatives,
    "templates": USUAL.templates,
    "temperature": USUAL.temperature,
    "hubness": USUAL.hubness,
    "order": USUAL.order,
    "neighbours": USUAL.neighbours,
    "grow": USUAL.grow,
    "whole_objects": USUAL.whole_objects,
    "side_px": DEFAULT_SIDE_PX,
    "camera": None,
    "file": None,
}

# What "Use via API" says of the endpoint; Gradio reads the lines under Args.
QUERY_DOC = """Find what words name in a 3D scene: a heat picture, a mask as PNG, and where it is as JSON.

Args:
    query: Words, several with a semicolon between; mask and JSON are those of the first.
    scene: Name of a bundled scene.
    model: Name of the scene's image-text model, or "auto".
    level: "auto", "subpart", "part" or "whole".
    threshold: How the mask is cut: "fixed", "otsu" or "stability".
    cut: For "fixed", 0 to 1: of the relevancy stretched to [-1, 1].
    least_peak: Relevancy below which a query counts as not found, as text; "" takes the model's own, "0" finds all.
    smoothing_px: Side of the box filter in pixels, as text; "" takes 30 for 731 rows.
    negatives: What a query is held against, with semicolons between.
    templates: Sentences each word is put into: "plain", "photo", "seven" or "eighty".
    temperature: Factor on the cosines.
    hubness: Take off what a word scores on anything, where the model knows it.
    order: "pieces" compares things and their parts, where the scene knows them; "features" draws embeddings and
        compares them (LangSplat), "relevancy" compares and draws.
    neighbours: Gaussians over which relevancy is averaged before the 3D selection; 0 is off.
    grow: Rings of neighbours to add to the selection, or to take off.
    whole_objects: Select whole objects where the scene has them.
    side_px: Longer side of the pictures, as text.
    camera: null, {"view": 3}, or {"eye": [x, y, z], "target": [x, y, z], "up": [x, y, z], "fov_deg": 45, "width": 4,
        "height": 3}.
    file: A scene file of your own, in the place of a bundled one; a list of several for LangSplat's checkpoints.
"""
