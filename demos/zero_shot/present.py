"""From a frozen answer to the plain JSON that the page's views and the API show; no arithmetic on scores here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.prompts import LabelTexts
from demos.zero_shot.batch import Table
from demos.zero_shot.options import Classification, ErrorCurves, Scored
from demos.zero_shot.scores import Histogram

SHOWN_LABELS = 100  # labels whose texts and descriptors are sent to the page
SHOWN_TEXTS = 120  # texts of one label
SHOWN_REASONS = 8  # labels whose traits are drawn
SHOWN_RANKED = 300  # rows of a secondary ranking
SHOWN_BEST = 3  # labels a picture of a batch shows
_METHOD_WORDS = {
    "names": "by name",
    "descriptions": "by description",
    "examples": "by example pictures",
    "diffusion": "by diffusion",
}


def seconds_words(seconds: float) -> str:
    """A wall time for people: "84 ms", "1.3 s"."""
    return f"{1000 * seconds:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"


def _rows(ranked: Sequence[Scored], most: int | None = None) -> list[dict[str, Any]]:
    return [{"label": s.label, "confidence": s.confidence, "cosine": s.cosine} for s in ranked[:most]]


def _texts(texts: Sequence[LabelTexts], order: Mapping[str, int]) -> list[dict[str, Any]]:
    """The texts of the best labels, in the order of the ranking."""
    by_rank = sorted(texts, key=lambda item: order.get(item.label, len(order)))[:SHOWN_LABELS]
    return [{"label": t.label, "texts": list(t.texts[:SHOWN_TEXTS]), "count": len(t.texts)} for t in by_rank]


def details(answer: Classification) -> dict[str, Any]:
    """All that is known about an answer beside its bars; the endpoint's second output."""
    order = {scored.label: rank for rank, scored in enumerate(answer.ranked)}
    shown = [scored.label for scored in answer.ranked[:SHOWN_LABELS] if scored.label in answer.bars]
    return {
        "model": answer.model,
        "method": answer.method,
        "method_words": _METHOD_WORDS[answer.method],
        "seconds": round(answer.seconds, 4),
        "time_words": seconds_words(answer.seconds),
        "is_unknown": answer.is_unknown,
        "unknown_value": answer.unknown_value,
        "unknown_threshold": answer.unknown_threshold,
        "is_independent": answer.is_independent,
        "alpha": answer.alpha,
        "notes": list(answer.notes),
        "ranked": _rows(answer.ranked),
        "by_name_alone": _rows(answer.zero_shot, SHOWN_RANKED),
        "descriptors": {
            label: [
                {"descriptor": b.descriptor, "cosine": b.cosine, "contribution": b.contribution}
                for b in answer.bars[label]
            ]
            for label in shown
        },
        "curves": curves_value(answer.curves),
        "texts": _texts(answer.texts, order),
        "text_count": sum(len(item.texts) for item in answer.texts),
    }


def curves_value(curves: ErrorCurves | None) -> dict[str, Any] | None:
    """Error curves as assets/views/curves.js draws them: each label's error less the winner's at the same noise."""
    if curves is None:
        return None
    best = curves.errors[0]
    rows = [
        [None if own is None or first is None else own - first for own, first in zip(row, best, strict=True)]
        for row in curves.errors
    ]
    return {
        "steps": list(curves.steps),
        "rows": [
            {"label": label, "errors": list(errors), "above": above, "gap": gap}
            for label, errors, above, gap in zip(curves.labels, curves.errors, rows, curves.gaps, strict=True)
        ],
        "confidence": curves.confidence,
        "model": curves.model,
    }


def reasons_value(told: Mapping[str, Any]) -> dict[str, Any]:
    """Of :func:`details` what assets/views/reasons.js draws: labels in order of the ranking with their traits."""
    return {"labels": [{"label": label, "bars": bars} for label, bars in told["descriptors"].items()][:SHOWN_REASONS]}


def texts_value(told: Mapping[str, Any]) -> dict[str, Any]:
    """Of :func:`details` what assets/views/texts.js draws."""
    return {"texts": told["texts"], "text_count": told["text_count"], "model": told["model"]}


def at_threshold(answer: Classification, threshold: float | None) -> Classification:
    """The same answer with another "none of these" threshold; nothing is computed again."""
    is_unknown = threshold is not None and answer.unknown_value < threshold
    return replace(answer, unknown_threshold=threshold, is_unknown=is_unknown)


def slider_range(histogram: Histogram, threshold: float) -> tuple[float, float]:
    """Ends of the threshold slider so that it moves finely over the scores there are; multiples of 0.05."""
    values = (float(histogram.edges[0]), float(histogram.edges[-1]), histogram.value, threshold)
    return max(-1.0, math.floor(20 * min(values) - 0.5) / 20), min(1.0, math.ceil(20 * max(values) + 0.5) / 20)


def histogram_value(histogram: Histogram, threshold: float | None) -> dict[str, Any]:
    """A histogram as assets/views/histogram.js draws it."""
    return {
        "edges": [float(edge) for edge in histogram.edges],
        "counts": [int(count) for count in histogram.counts],
        "value": float(histogram.value),
        "threshold": threshold,
        "what": histogram.what,
    }


def table_value(table: Table) -> dict[str, Any]:
    """A batch as assets/views/table.js draws it: one row a picture with its best labels."""
    failed = sum(1 for row in table.rows if row.error)
    return {
        "rows": [
            {"name": r.name, "label": r.label, "best": _rows(r.ranked, SHOWN_BEST), "error": r.error}
            for r in table.rows
        ],
        "notes": list(table.notes),
        "count": len(table.rows),
        "failed": failed,
        "model": table.model,
        "time_words": seconds_words(table.seconds),
    }
