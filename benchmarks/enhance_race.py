"""How many steps RAVE and CLIP-LIT take, from a map of ones, to the same value of guidance.

The value is RAVE's: the mean of (<Phi(y), v_r> - t)^2 on darkened pictures that neither is taught on, brought to
``SHARE`` of where it began. Every step counts that moves a parameter: of the network, and of CLIP-LIT's prompts.
Both see the same pictures at the same rate; the guide is pocket-clip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from benchmarks.measure import Measurement
from core.backlight import darkened, drawn_mask
from core.light import LightScale
from core.light_fit import FitOptions, LearntMethod, LightFit
from core.light_guide import Guide

Floats = NDArray[np.float32]
SHARE = 0.6  # of the guidance at the start
BATCH, ASKED = 4, 12  # pictures of a step; pictures that the value is read from
EVERY = 5  # network steps between readings
PROMPT_STEPS, ROUND_STEPS, REFINE_STEPS = 60, 42, 20  # of CLIP-LIT: the authors' 8,000, then rounds of 2,100 and 1,000
MOST_TIMES = 8  # CLIP-LIT is stopped at this many times RAVE's steps
MOST_STEPS = 200  # of RAVE
RATE = 4e-4


def batch(pictures: Sequence[Floats], count: int, side_px: int, rng: Generator, *, is_dark: bool) -> Floats:
    """(count, 3, S, S) of pictures, their subject 2 to 3 EV darker where asked."""
    rows = []
    for number in rng.integers(len(pictures), size=count):
        image = Image.fromarray(np.rint(pictures[number] * 255).astype(np.uint8))
        good = np.asarray(image.resize((side_px, side_px), Image.Resampling.BOX), np.float32) / 255
        mask = drawn_mask(side_px, side_px, rng)
        rows.append(darkened(good, mask, float(rng.uniform(2, 3)), rng) if is_dark else good)
    return np.stack(rows).transpose(0, 3, 1, 2).copy()


def guidance_of(fit: LightFit, asked: Floats, scale: LightScale) -> float:
    """L_res of what the network makes of pictures."""
    return float(np.square(scale.residual.score(fit.embedded(asked))).mean())


def advances(fit: LightFit, pictures: Sequence[Floats], side_px: int, rng: Generator) -> Iterator[int]:
    """Train as the authors' schedule says, shortened; yields all steps so far after each step of the network."""
    is_prompted = fit.options.method != "rave"
    for _ in range(PROMPT_STEPS if is_prompted else 0):
        dark, good = (batch(pictures, 6, side_px, rng, is_dark=kind) for kind in (True, False))
        fit.teach_prompts(dark, good)
    while True:
        fit.advance(batch(pictures, BATCH, side_px, rng, is_dark=True))
        yield fit.steps + fit.prompt_steps
        if is_prompted and fit.steps % ROUND_STEPS == 0:
            fit.close_round()
            for _ in range(REFINE_STEPS):
                dark, good = (batch(pictures, BATCH, side_px, rng, is_dark=kind) for kind in (True, False))
                fit.refine_prompts(dark, good)


def steps_to(
    method: LearntMethod, goal: float | None, most: int, pictures: Sequence[Floats], guide: Guide, scale: LightScale
) -> tuple[int, int, float, float]:
    """All steps until the guidance is at ``goal`` (None: ``SHARE`` of the start), those of the network, goal, value."""
    rng = np.random.default_rng(3)
    asked = batch(pictures, ASKED, guide.side_px, rng, is_dark=True)
    residual = scale.residual if method == "rave" else None
    fit = LightFit(guide, FitOptions(method=method, rate=RATE), residual=residual)
    value = guidance_of(fit, asked, scale)
    goal = SHARE * value if goal is None else goal
    for steps in advances(fit, pictures, guide.side_px, rng):
        if fit.steps % EVERY == 0:
            value = guidance_of(fit, asked, scale)
        if value <= goal or steps >= most:
            return steps, fit.steps, goal, value
    raise AssertionError("advances never ends")


def measure_race(pictures: Sequence[Floats], guide: Guide, scale: LightScale) -> list[Measurement]:
    """One row: CLIP-LIT's steps in RAVE's."""
    ours, our_net, goal, reached = steps_to("rave", None, MOST_STEPS, pictures, guide, scale)
    theirs, their_net, _, theirs_reached = steps_to("clip-lit", goal, MOST_TIMES * ours, pictures, guide, scale)
    words = (
        f"guidance {goal:.4f}; RAVE came to {reached:.4f}, CLIP-LIT to {theirs_reached:.4f}; of the network alone"
        f" {our_net} and {their_net}, the rest are prompts"
    )
    if theirs_reached > goal:
        words += f" when it was stopped at {MOST_TIMES} times the steps"
    name = "steps to the same guidance: RAVE, CLIP-LIT"
    return [Measurement(name, ours, theirs, "steps", 5.0, True, words)]
