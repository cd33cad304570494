"""What a visitor can choose: how regions are found, how words are held against them, when a region stays nameless."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.clip_dense import DenseMethod
from core.errors import InputError
from core.labels import quoted
from core.prompts import TemplateSet

Way = Literal["sam+dense", "sam+clip", "dense", "ensemble"]
Crops = Literal["local-mean", "masked-mean", "box", "blur", "both"]
TextRefinement = Literal["none", "context", "content"]
Edges = Literal["none", "guided"]
Level = Literal["subpart", "part", "whole"]
LevelChoice = Literal["auto", "subpart", "part", "whole"]

WAYS: tuple[Way, ...] = ("sam+dense", "sam+clip", "dense", "ensemble")
CROPS: tuple[Crops, ...] = ("local-mean", "masked-mean", "box", "blur", "both")
TEXT_REFINEMENTS: tuple[TextRefinement, ...] = ("none", "context", "content")
EDGES: tuple[Edges, ...] = ("none", "guided")
LEVELS: tuple[Level, ...] = ("subpart", "part", "whole")
LEVEL_CHOICES: tuple[LevelChoice, ...] = ("auto", *LEVELS)
DENSE_METHODS: tuple[DenseMethod, ...] = ("naclip", "clearclip", "maskclip", "sclip")

MAX_POINTS = 64  # clicks of one prompt
MAX_LABELS = 250  # an 8-bit label map holds 255, one of them "other"
MAX_NOUNS = 5_000  # words of a vocabulary
DENSE_PX = (32, 1024)  # least and most of ``dense_px``
POINTS_PER_SIDE = (4, 64)


@dataclass(frozen=True)
class SegmentOptions:
    """How to segment; every field has a default that gives a good first answer.

    Attributes:
        way: ``"sam+dense"``: regions, each named by the dense features inside it (one pass, fast), with a small ConvNet
            also by the square around it; ``"sam+clip"``: regions, each cut out and named as a picture of its own;
            ``"ensemble"``: both, multiplied (measured best with the pocket model); ``"dense"``: no regions, a map of
            word scores for every pixel.
        crops: For cut-outs: what is outside the mask painted in its own mean colour or in the model's, left as it
            is, blurred, or the mean of box and painted; see crops.py.
        dense_method: How patches mix in the last layer of a vision transformer; see core/clip_dense.py.
        dense_px: Side of the square that has as many cells as the dense map; None takes what measured best.
        points_per_side: Of the grid of points that asks for regions; None takes the mask model's own.
        templates: Sentences each word is put into.
        own_templates: For ``"own"``: one sentence a line, each with {} where the word goes.
        hubness: Take off what a word scores on any picture, where the model knows it.
        refinement: Words adapted to the picture: ``"context"`` (DenseCLIP) or ``"content"`` (MAFT+), both in a form
            that needs no training; see refine.py.
        refinement_strength: 0 changes nothing.
        sharpness: Divides the temperature: above 1 the best word takes more of the probability.
        other: Let regions that fit none of the words stay "other".
        negatives: What "other" looks like, one word a line or comma separated; empty takes the bundled ones.
        threshold: Probability of the best word below which a region is "other".
        label_thresholds: The same for single labels by name, in place of ``threshold``.
        label_colours: Colours of single labels by name, red, green and blue from 0 to 255; others get their own.
        vocabulary: For no labels: the nouns to choose from, one a line or comma separated; empty takes the bundled.
        margin: Least lead of the best word over the second, in probability.
        least_share: Regions smaller than this share of the picture are left out.
        overlap: A region is kept if at least this part of it is not covered by better ones.
        joins_touching: Regions of one label that touch become one (right for sky and grass, wrong for counting).
        level: Only regions of one level of the nesting, or whatever scores best ("auto").
        edges: For ``"dense"``: leave the map as it is, or draw it along the edges of the picture.
    """

    way: Way = "ensemble"
    crops: Crops = "local-mean"
    dense_method: DenseMethod = "naclip"
    dense_px: int | None = None
    points_per_side: int | None = None
    templates: TemplateSet = "photo"
    own_templates: str = ""
    hubness: bool = True
    refinement: TextRefinement = "none"
    refinement_strength: float = 0.25
    sharpness: float = 1.0
    other: bool = True
    negatives: str = ""
    threshold: float = 0.35
    label_thresholds: Mapping[str, float] = field(default_factory=dict)
    label_colours: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    vocabulary: str = ""
    margin: float = 0.0
    least_share: float = 0.0005
    overlap: float = 0.5
    joins_touching: bool = False
    level: LevelChoice = "auto"
    edges: Edges = "guided"

    @property
    def analysis_key(self) -> tuple[object, ...]:
        """What an analysis depends on; as long as it stays the same, a kept analysis can be labelled anew."""
        return (self.way, self.crops, self.dense_method, self.dense_px, self.points_per_side)

    def check(self) -> None:
        """Refuse values that no part of the pipeline can use.

        Raises:
            InputError: which one, what it is, and what is allowed.
        """
        _one_of("way", self.way, WAYS)
        _one_of("crops", self.crops, CROPS)
        _one_of("dense method", self.dense_method, DENSE_METHODS)
        _one_of("refinement", self.refinement, TEXT_REFINEMENTS)
        _one_of("edges", self.edges, EDGES)
        _one_of("level", self.level, LEVEL_CHOICES)
        _in_range("dense size", self.dense_px, *DENSE_PX)
        _in_range("number of points a side", self.points_per_side, *POINTS_PER_SIDE)
        _in_range("sharpness", self.sharpness, 0.05, 20)
        _in_range("refinement strength", self.refinement_strength, 0, 1)
        for name, value in (
            ("threshold", self.threshold),
            ("margin", self.margin),
            ("least share", self.least_share),
            ("overlap", self.overlap),
        ):
            _in_range(name, value, 0, 1)
        for label, value in self.label_thresholds.items():
            _in_range(f"threshold of {quoted(label)}", value, 0, 1)
        for label, colour in self.label_colours.items():
            if len(colour) != 3 or not all(0 <= channel <= 255 for channel in colour):
                raise InputError(f"The colour of {quoted(label)} is {colour}; it must be three numbers from 0 to 255.")


@dataclass(frozen=True)
class Clicks:
    """What a visitor pointed at.

    Attributes:
        points_xy: Places in pixels of the picture, x to the right, y down.
        are_inside: For each point: part of the thing (True), or not (False).
        box_xyxy: A rectangle around the thing, or None.
    """

    points_xy: tuple[tuple[float, float], ...] = ()
    are_inside: tuple[bool, ...] = ()
    box_xyxy: tuple[float, float, float, float] | None = None

    def check(self, size_hw: tuple[int, int]) -> None:
        """Refuse what does not lie in a picture of this size.

        Raises:
            InputError: nothing given, too many points, a place outside, or an empty box.
            ValueError: points and ``are_inside`` differ in number.
        """
        if len(self.points_xy) != len(self.are_inside):
            raise ValueError(f"{len(self.points_xy)} points with {len(self.are_inside)} signs")
        if not self.points_xy and self.box_xyxy is None:
            raise InputError("There is no point and no box; click into the picture first.")
        if len(self.points_xy) > MAX_POINTS:
            raise InputError(f"These are {len(self.points_xy)} points; at most {MAX_POINTS}.")
        height, width = size_hw
        corners = [] if self.box_xyxy is None else [self.box_xyxy[:2], self.box_xyxy[2:]]
        for x, y in (*self.points_xy, *corners):
            if not (0 <= x <= width and 0 <= y <= height):
                raise InputError(f"The place ({x:.0f}, {y:.0f}) lies outside the picture of {width} x {height} pixels.")
        if self.box_xyxy is not None and not (
            self.box_xyxy[0] < self.box_xyxy[2] and self.box_xyxy[1] < self.box_xyxy[3]
        ):
            raise InputError("The box is empty; drag it from one corner to the opposite one.")
        if self.box_xyxy is None and not any(self.are_inside):
            raise InputError("All points say what does not belong; click at least once on what does.")


def _one_of(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"There is no {what} called {quoted(str(value))}; choose one of {', '.join(allowed)}.")


def _in_range(what: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise InputError(f"The {what} is {value:g}; it must be from {low:g} to {high:g}.")
