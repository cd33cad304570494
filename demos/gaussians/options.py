"""What a visitor can choose: how to query, and what to do with what was found. Frozen, checked in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from core.errors import InputError
from core.labels import quoted
from core.prompts import TEMPLATE_SETS, TemplateSet
from demos.gaussians.field import LEVELS

Level = Literal["auto", "subpart", "part", "whole"]
Threshold = Literal["fixed", "otsu", "stability"]
Order = Literal["pieces", "features", "relevancy"]
Protocol = Literal["picture", "scene"]
Kind = Literal["picture", "heat", "composite", "mask", "contour", "depth", "pca"]

LEVEL_CHOICES: Final[tuple[Level, ...]] = ("auto", "subpart", "part", "whole")
THRESHOLDS: Final[tuple[Threshold, ...]] = ("fixed", "otsu", "stability")
ORDERS: Final[tuple[Order, ...]] = ("pieces", "features", "relevancy")
KINDS: Final[tuple[Kind, ...]] = ("picture", "heat", "composite", "mask", "contour", "depth", "pca")

# What stands behind and under things. On 103 true masks of 24 held-out Toybox scenes, asked for 140 kinds of things of
# which 2 to 6 were there, pocket-clip named the right mask best 96 times of 100 with these, 88 with LangSplat's.
NEGATIVES = "background; floor; wall; ground; texture; surface; shadow"
LANGSPLAT_NEGATIVES = "object; things; stuff; texture"  # its canonical phrases, arXiv:2312.16084, section 3.4
FIXED_CUT = 0.4  # LangSplat's: of the relevancy stretched to [0, 1], doubled, less 1
SMOOTHING_PX = 30  # LangSplat's box filter, for pictures as high as
REFERENCE_PX = 731  # those of LERF's scenes, 988 x 731
MAP_PX = 200_000  # of a relevancy map; a picture of 988 x 731 has 722,000, and its box filter is 30 wide
LEAST_WEIGHT = 1 / 256  # of a Gaussian in a pixel: what is left out changes no colour of 8 bits
MAX_QUERIES = 16
MAX_NEGATIVES = 64
MAX_SIDE_PX = 2_048

assert LEVEL_CHOICES[1:] == LEVELS


@dataclass(frozen=True)
class QueryOptions:
    """How to look for words; every field has a default that gives a good first answer.

    Attributes:
        level: Which level answers; "auto" takes the one with the highest peak, as LangSplat does.
        negatives: What a query is held against, split by ``;`` or lines; one that equals a query does not count.
        templates: Which sentences queries and negatives are put into; "plain" is LangSplat's.
        temperature: Factor on the cosines in the relevancy; LangSplat's is 10.
        hubness: Take off each text's mean cosine with all kinds of pictures, where the model brings that.
        threshold: How the mask is cut out of the relevancy.
        cut: For "fixed": of the relevancy stretched to [-1, 1]; LangSplat's is 0.4.
        order: "pieces" compares groups of Gaussians, where a scene has them, and answers with whole ones; "features"
            draws embeddings and compares them (LangSplat's order; scenes without groups take it for "pieces");
            "relevancy" compares and draws.
        smoothing_px: Side of the box filter; None takes LangSplat's 30 for 731 rows, in proportion.
        least_peak: Relevancy below which a query counts as not found; None takes what was measured for the model,
            0 finds always.
        neighbours: Gaussians over which each one's relevancy is averaged before the 3D selection; 0 is off.
        grow: Rings of neighbours to add to the 3D selection (> 0) or to take off (< 0).
        whole_objects: Select whole objects where the scene has them.
        map_px: Most pixels of which meanings are computed; maps of larger pictures are enlarged before they are
            smoothed and cut. 0 computes every pixel.
        least_weight: Weights of Gaussians in a pixel up to here do not count for its meaning.
    """

    level: Level = "auto"
    negatives: str = NEGATIVES
    templates: TemplateSet = "plain"
    temperature: float = 10.0
    hubness: bool = True
    threshold: Threshold = "fixed"
    cut: float = FIXED_CUT
    order: Order = "pieces"
    smoothing_px: int | None = None
    least_peak: float | None = None
    neighbours: int = 8
    grow: int = 0
    whole_objects: bool = False
    map_px: int = MAP_PX
    least_weight: float = LEAST_WEIGHT

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            InputError: a value is not among those allowed; one sentence.
        """
        _check_choice("level", self.level, LEVEL_CHOICES)
        _check_choice("threshold", self.threshold, THRESHOLDS)
        _check_choice("order", self.order, ORDERS)
        _check_choice("set of templates", self.templates, TEMPLATE_SETS)
        _check_range("temperature", self.temperature, 0.1, 200)
        _check_range("cut", self.cut, 0, 1)
        _check_range("number of neighbours", self.neighbours, 0, 64)
        _check_range("number of rings to grow by", self.grow, -10, 10)
        _check_range("number of pixels of a map", self.map_px, 0, MAX_SIDE_PX**2)
        _check_range("least weight", self.least_weight, 0, 0.25)
        if self.smoothing_px is not None:
            _check_range("smoothing in pixels", self.smoothing_px, 1, 512)
        if self.least_peak is not None:
            _check_range("least peak", self.least_peak, 0, 1)

    def filter_px(self, height: int) -> int:
        """Side of the box filter for a picture of ``height`` rows."""
        if self.smoothing_px is not None:
            return self.smoothing_px
        return max(1, round(SMOOTHING_PX * height / REFERENCE_PX))

    def map_wh(self, width: int, height: int) -> tuple[int, int]:
        """Size of the map for a picture."""
        if not self.map_px or width * height <= self.map_px:
            return width, height
        shrink = math.sqrt(self.map_px / (width * height))
        return max(1, round(width * shrink)), max(1, round(height * shrink))


def _check_choice(what: str, given: str, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        raise InputError(f"There is no {what} called {quoted(str(given))}; choose one of {', '.join(allowed)}.")


def _check_range(what: str, given: float, least: float, most: float) -> None:
    if not least <= given <= most:
        raise InputError(f"The {what} is {given:g}; it must be from {least:g} to {most:g}.")
