"""From picture embeddings to answers: scores under each label, rankings, reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.calibration import probabilities
from core.labels import Label
from core.tasks import Job
from demos.zero_shot import few_shot, generative
from demos.zero_shot.classifier import Classifier
from demos.zero_shot.descriptions import bars
from demos.zero_shot.options import Classification, DescriptorBar, Options, Scored
from demos.zero_shot.scores import each, mcm, together


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of N pictures under C labels.

    Attributes:
        rows: Cosines with every text, (N, M).
        cosines: Cosines with the labels, (N, C).
        confidences: (N, C) in [0, 1].
        by_name: Confidences by the labels' names alone, (N, C): differs with methods "examples" and "diffusion" only.
        unknown: What the threshold is held against, (N,).
    """

    rows: NDArray[np.float32]
    cosines: NDArray[np.float32]
    confidences: NDArray[np.float32]
    by_name: NDArray[np.float32]
    unknown: NDArray[np.float32]


def score(classifier: Classifier, embeddings: NDArray[np.float32], *, job: Job | None = None) -> Scores:
    """Score pictures: embeddings (N, D) unit norm -> scores under each label."""
    head, options = classifier.head, classifier.options
    rows = classifier.row_cosines(embeddings)
    cosines = classifier.bank.grouped(rows)
    background = None if classifier.background is None else classifier.background_cosines(embeddings)
    if classifier.is_independent:
        assert background is not None
        by_name = each(
            cosines,
            background,
            scoring=head.scoring,
            scale=head.scale,
            bias=head.bias,
            temperature=head.temperature,
        )
    else:
        by_name = together(
            cosines, scoring=head.scoring, scale=head.scale, bias=head.bias, temperature=head.temperature
        )
    confidences = by_name
    if classifier.gaussians is not None and not classifier.is_independent:
        assert classifier.alpha is not None
        logits = few_shot.combined(head.logits(cosines), classifier.gaussians.scores(embeddings), classifier.alpha)
        confidences = probabilities(logits, "softmax")
    if classifier.denoiser is not None and not classifier.is_independent:
        drawn = generative.cosines_of_draws(classifier.denoiser, embeddings, classifier.bank.rows, job=job)
        slope = classifier.denoiser.logit_scale / (options.temperature or 1.0)
        told = classifier.bank.grouped(drawn) * np.float32(slope)
        votes: NDArray[np.float32] = ((head.logits(cosines) + told) / 2).astype(np.float32)
        confidences = probabilities(votes, "softmax")
    if options.unknown_score == "cosine":
        unknown = cosines.max(axis=1)
    else:
        unknown = mcm(cosines if background is None or cosines.shape[1] > 1 else np.hstack([cosines, background]))
    return Scores(rows, cosines, confidences, by_name, unknown)


def ranked(
    labels: Sequence[Label], confidences: NDArray[np.float32], cosines: NDArray[np.float32]
) -> tuple[Scored, ...]:
    """One picture's labels, best first; ties keep the visitor's order."""
    order = np.argsort(-confidences, kind="stable")
    return tuple(Scored(labels[i].name, float(confidences[i]), float(cosines[i])) for i in order)


def is_unknown(options: Options, value: float) -> bool:
    """Whether the threshold says that none of the labels fits."""
    return options.unknown_threshold is not None and value < options.unknown_threshold


def answer(
    classifier: Classifier, scores: Scores, index: int, *, notes: Sequence[str], seconds: float
) -> Classification:
    """Put the answer for one of the scored pictures together."""
    options, cosines = classifier.options, scores.cosines[index]
    zero_shot: tuple[Scored, ...] = ()
    if classifier.gaussians is not None or classifier.denoiser is not None:
        zero_shot = ranked(classifier.labels, scores.by_name[index], cosines)
    value = float(scores.unknown[index])
    return Classification(
        ranked=ranked(classifier.labels, scores.confidences[index], cosines),
        is_unknown=is_unknown(options, value),
        unknown_value=value,
        unknown_threshold=options.unknown_threshold,
        zero_shot=zero_shot,
        bars=_bars(classifier, scores.rows[index]),
        alpha=classifier.alpha,
        texts=classifier.texts,
        truncations=classifier.truncations,
        notes=(*notes, *classifier.notes),
        is_independent=classifier.is_independent,
        model=classifier.head.name,
        method=options.method,
        seconds=seconds,
    )


def _bars(classifier: Classifier, cosines: NDArray[np.float32]) -> dict[str, tuple[DescriptorBar, ...]]:
    """Descriptor bars of every label; ``cosines`` are one picture's, (M,)."""
    if classifier.options.method != "descriptions":
        return {}
    found = {}
    ends = np.append(classifier.bank.starts, len(cosines))
    for i, label in enumerate(classifier.labels):
        some = cosines[ends[i] : ends[i + 1]]
        texts = classifier.texts[i].texts
        step = len(texts) // len(some)
        names = classifier.descriptors.get(label.name) or label.words
        found[label.name] = bars(names, texts[::step], some)
    return found
