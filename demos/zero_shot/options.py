"""What a visitor can choose and what comes back: the frozen dataclasses of this tab."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.image_text import Truncation
from core.prompts import LabelTexts, TemplateSet

Method = Literal["names", "descriptions", "examples", "diffusion"]
SynonymRule = Literal["mean", "max"]
UnknownScore = Literal["cosine", "mcm"]

METHODS: tuple[Method, ...] = ("names", "descriptions", "examples", "diffusion")
NONE_OF_THESE = "none of these"  # the label of a picture that fits no label well enough


@dataclass(frozen=True)
class Options:
    """How to classify; every field has a default that gives a good first answer.

    Attributes:
        method: By the labels' names, by descriptions of them, by example pictures and names together, or by a diffusion
            model that denoises (generative.py).
        templates: Which sentences a label is put into.
        own_templates: For ``"own"``: one sentence a line, each with {} where the label goes.
        synonym_rule: A label with synonyms scores by the best of their texts or by the mean of them.
        is_multi_label: Score every label on its own, so that several can be high (or none).
        unknown_score: What the threshold is held against: the best cosine with a label's texts, or MCM of all
            cosines (see scores.py).
        unknown_threshold: Below it the answer is "none of these"; None never says so.
        hubness: Take off each label's mean similarity to all kinds of pictures, where the model brings that.
        descriptors: For ``"descriptions"``: label -> its descriptors; labels not in it take the bundled ones.
        alpha: For ``"examples"``: weight of the example pictures; None chooses it by leaving one out.
        temperature: Softer (> 1) or sharper (< 1) confidences; None takes the model's own.
    """

    method: Method = "names"
    templates: TemplateSet = "photo"
    own_templates: str = ""
    synonym_rule: SynonymRule = "max"
    is_multi_label: bool = False
    unknown_score: UnknownScore = "cosine"
    unknown_threshold: float | None = None
    hubness: bool = True
    descriptors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    alpha: float | None = None
    temperature: float | None = None


@dataclass(frozen=True)
class Scored:
    """One label's score.

    Attributes:
        label: Name as the visitor wrote it.
        confidence: In [0, 1]; over all labels they sum to 1 unless each is scored on its own.
        cosine: Cosine of picture and label text in [-1, 1], before scale and temperature, hubness taken off if asked.
    """

    label: str
    confidence: float
    cosine: float


@dataclass(frozen=True)
class DescriptorBar:
    """One bar of the explanation: how well one descriptor fits, and its share of the label's cosine.

    The contributions of a label's bars sum to its cosine.
    """

    descriptor: str
    text: str
    cosine: float
    contribution: float


@dataclass(frozen=True)
class ErrorCurves:
    """How badly a latent diffusion told noise from picture under each label, the noise being the same for all.

    Attributes:
        labels: Those that raced, best first.
        steps: Of the scheduler, rising.
        errors: For each label its mean squared error at each step, None where it had left the race.
        gaps: Mean paired difference of each label with the winner, 0 for the winner.
        confidence: Share of resampled noises by which the winner beats the runner-up.
        model: Who judged.
    """

    labels: tuple[str, ...]
    steps: tuple[int, ...]
    errors: tuple[tuple[float | None, ...], ...]
    gaps: tuple[float, ...]
    confidence: float
    model: str


@dataclass(frozen=True)
class Classification:
    """The answer for one picture.

    Attributes:
        ranked: All labels, best first.
        is_unknown: Whether the threshold says that none of the labels fits.
        unknown_value: The score that was held against the threshold (cosine or MCM).
        unknown_threshold: The threshold, or None.
        zero_shot: For methods ``"examples"`` and ``"diffusion"``: the ranking by names alone, to show beside; else
            empty.
        bars: For method ``"descriptions"``: label -> its descriptor bars, for every label; else empty.
        alpha: For method ``"examples"``: the weight of the pictures that was used.
        texts: What was sent to the model, label by label.
        truncations: Texts that are longer than the model reads: their ``text``, ``tokens`` and ``limit``.
        notes: Sentences about what was merged, cut, guessed or left out.
        is_independent: Whether each label was scored on its own (several may be high).
        model: Name of the model.
        method: Method used.
        seconds: Wall time of the whole answer, s.
        curves: For method ``"diffusion"`` with a latent diffusion: what the race was decided by.
    """

    ranked: tuple[Scored, ...]
    is_unknown: bool
    unknown_value: float
    unknown_threshold: float | None
    zero_shot: tuple[Scored, ...]
    bars: Mapping[str, tuple[DescriptorBar, ...]]
    alpha: float | None
    texts: tuple[LabelTexts, ...]
    truncations: tuple[Truncation, ...]
    notes: tuple[str, ...]
    is_independent: bool
    model: str
    method: Method
    seconds: float
    curves: ErrorCurves | None = None

    @property
    def label(self) -> str:
        """The answer in a word: the best label, or ``NONE_OF_THESE``."""
        return NONE_OF_THESE if self.is_unknown else self.ranked[0].label

    def as_json(self) -> dict[str, object]:
        """The endpoint's first output: ``{"label", "confidences": [{"label", "confidence"}, ...]}``, best first."""
        confidences = [{"label": scored.label, "confidence": scored.confidence} for scored in self.ranked]
        return {"label": self.label, "confidences": confidences}
