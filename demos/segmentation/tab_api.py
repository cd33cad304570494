"""What the endpoints of this tab take and say of themselves."""

from __future__ import annotations

from typing import Any

from demos.segmentation.tab_parts import AUTO, DEFAULT_LABELS, MASK_MODELS, MODELS, USUAL

# The endpoints' arguments after the picture, in the order of ``Inputs``, as they stand on the page when it opens.
DEFAULTS: dict[str, Any] = {
    "labels": DEFAULT_LABELS,
    "words": "labels",
    "model": MODELS[0],
    "mask_model": MASK_MODELS[0],
    "way": USUAL.way,
    "threshold": USUAL.threshold,
    "other": USUAL.other,
    "margin": USUAL.margin,
    "negatives": "",
    "points_per_side": AUTO,
    "level": USUAL.level,
    "least_share": 100 * USUAL.least_share,
    "overlap": USUAL.overlap,
    "joins_touching": USUAL.joins_touching,
    "templates": USUAL.templates,
    "own_templates": "",
    "refinement": USUAL.refinement,
    "refinement_strength": USUAL.refinement_strength,
    "sharpness": USUAL.sharpness,
    "hubness": USUAL.hubness,
    "crops": USUAL.crops,
    "dense_method": USUAL.dense_method,
    "edges": USUAL.edges,
    "vocabulary": "",
}


# What "Use via API" says of the endpoint; Gradio reads the lines under Args.
SEGMENT_DOC = """Outline what labels name in a picture: an overlay, a label map with palette, regions with RLE masks.

Args:
    image: The picture: JPEG, PNG, WebP, GIF, BMP or TIFF.
    labels: One a line or comma separated; synonyms after an equals sign: "dog = puppy, hound". Empty: the
        hub finds words.
    words: "labels", or "vocabulary" to let the hub find words.
    model: Name of an image-text model in the catalogue.
    mask_model: Name of a mask model in the catalogue.
    way: "sam+dense", "sam+clip", "ensemble" or "dense".
    threshold: Probability below which a region stays "other".
    other: Whether regions may stay "other" at all.
    margin: Least lead of the best label over the second.
    negatives: What "other" looks like, comma separated; empty takes the hub's words.
    points_per_side: Of the grid that asks for regions: "auto" or a number as text.
    level: "auto", "subpart", "part" or "whole".
    least_share: Smallest region, per cent of the picture.
    overlap: Least visible part of a region that is kept.
    joins_touching: Join regions of one label that touch.
    templates: Sentences each label is put into: "plain", "photo", "seven", "eighty" or "own".
    own_templates: For "own": one sentence a line with {} where the label goes.
    refinement: Labels adapted to the picture: "none", "context" or "content".
    refinement_strength: How strongly.
    sharpness: Above 1 the best label takes more of the probability.
    hubness: Take off what a label scores on any picture, where the model knows it.
    crops: For "sam+clip" and "ensemble": "local-mean", "masked-mean", "box", "blur" or "both".
    dense_method: For vision transformers: "naclip", "clearclip", "maskclip" or "sclip".
    edges: For "dense": "guided" or "none".
    vocabulary: Nouns to find words among; empty takes the hub's.
"""
