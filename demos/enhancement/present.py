"""From a frozen answer to the plain JSON that assets/views/enhance.js draws; no arithmetic on light here."""

from __future__ import annotations

from typing import Any

import numpy as np

from demos.enhancement.answers import Enhancement
from demos.enhancement.measures import Tones

SHOWN_BINS = 64
SHOWN_POINTS = 64


def seconds_words(seconds: float) -> str:
    """A wall time for people: "84 ms", "1.3 s"."""
    return f"{1000 * seconds:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"


def _tones(tones: Tones, light: float | None) -> dict[str, Any]:
    return {
        "histogram": tones.histogram.reshape(SHOWN_BINS, -1).sum(axis=1).tolist(),
        "mean": tones.mean_luma,
        "clippedHigh": tones.clipped_high,
        "clippedLow": tones.clipped_low,
        "pixels": tones.pixels,
        "light": light,
    }


def charts_value(answer: Enhancement) -> dict[str, Any]:
    """Histogram, tone curve and numbers of an answer."""
    curve = answer.curve[~np.isnan(answer.curve[:, 1])]
    step = max(1, len(curve) // SHOWN_POINTS)
    total = sum(answer.seconds.values())
    by = f" with {' and '.join(answer.models)}" if answer.models else ""
    stages = ", ".join(f"{name} {seconds_words(value)}" for name, value in answer.seconds.items())
    return {
        "before": _tones(answer.tones_before, answer.light_before),
        "after": _tones(answer.tones_after, answer.light_after),
        "curve": curve[::step].round(4).tolist(),
        "noise": answer.noise,
        "isUnchanged": answer.is_unchanged,
        "notes": list(answer.notes),
        "foot": f"{seconds_words(total)}{by}: {stages}.",
    }


def done_words(answer: Enhancement) -> str:
    """The status line after an answer."""
    if answer.is_unchanged:
        return answer.notes[0] if answer.notes else "Nothing was changed."
    before, after = answer.tones_before.mean_luma, answer.tones_after.mean_luma
    return f"Done: mean light {100 * before:.0f} to {100 * after:.0f} of 100."
