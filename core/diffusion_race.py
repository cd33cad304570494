"""Which of a few texts explains a picture best to a diffusion model: a race over shared noise, the slow ones leave.

Symbols: s a sample = (step t, noise eps), the same for every text c; e_cs the error of the noise that the model
predicts for the picture under text c.

    E_c = mean_s e_cs                      the text with the least error explains the picture best
    d_c = mean_s (e_cs - e_ws)             against the winner w over the samples both have: what is hard for one text
    z_c = d_c / se(d_c)                      is hard for all, so differences need few samples

Source: Li et al. 2023, "Your Diffusion Model is Secretly a Zero-Shot Classifier", arXiv:2303.16203, with the adaptive
rounds of its code (50 samples keep 5 texts, 500 keep 1); here rounds are short, because CLIP has chosen the texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.tasks import Job

Errors = NDArray[np.float64]  # (C, S)
ErrorsOf = Callable[[int, Sequence[int]], Sequence[float]]  # sample, texts -> an error of each
STEP_RANGE = (200, 700)  # of 1,000: below them every text fits, above them none does
RESAMPLES = 2_000


@dataclass(frozen=True)
class Round:
    """After ``samples`` samples in all, the best ``keep`` texts stay."""

    samples: int
    keep: int


ROUNDS = (Round(4, 3), Round(8, 2), Round(12, 1))


@dataclass(frozen=True, eq=False)
class Race:
    """How it went.

    Attributes:
        errors: (C, S), NaN where a text had left.
        order: Texts, winner first: those that stayed longer before others, then by their error.
        gaps: d_c, (C,); 0 for the winner, never below.
        deviations: z_c, (C,); 0 for the winner.
        confidence: Share of resampled sample sets in which the winner beats the runner-up.
    """

    errors: Errors
    order: tuple[int, ...]
    gaps: NDArray[np.float64]
    deviations: NDArray[np.float64]
    confidence: float


def steps_of(samples: int, low: int = STEP_RANGE[0], high: int = STEP_RANGE[1]) -> list[int]:
    """Steps evenly over [low, high], in an order whose every beginning is spread (bit-reversed)."""
    bits = max(1, (samples - 1).bit_length())
    places = [int(format(number, f"0{bits}b")[::-1], 2) for number in range(2**bits)]
    grid = np.linspace(low, high, samples).round().astype(int)
    return [int(grid[place]) for place in places if place < samples]


def race(
    error_of: ErrorsOf, count: int, *, rounds: Sequence[Round] = ROUNDS, seed: int = 0, job: Job | None = None
) -> Race:
    """Run it.

    Args:
        error_of: Errors of some texts on one sample; the same sample number must be the same step and noise.
        count: Texts, C.
        rounds: Rising samples, falling numbers of texts.
        seed: Of the resampling.
        job: Told the errors done; asked for Cancel before each sample.

    Raises:
        ValueError: no text, or rounds that do not narrow.
        Cancelled: the job was cancelled.
    """
    samples = [one.samples for one in rounds]
    if count < 1 or not rounds or samples != sorted(set(samples)) or samples[0] < 1:
        raise ValueError(f"{count} texts cannot race over rounds of {samples} samples")
    errors = np.full((count, samples[-1]), np.nan)
    alive = list(range(count))
    left: list[int] = []
    done = 0
    for number, one in enumerate(rounds):
        for sample in range(rounds[number - 1].samples if number else 0, one.samples):
            if job is not None:
                total = done + _calls_left(rounds, number, sample, len(alive))
                job.step("running", done, total, unit="tries", note="telling texts apart by noise")
            errors[alive, sample] = error_of(sample, alive)
            done += len(alive)
        alive.sort(key=lambda text: (float(errors[text, : one.samples].mean()), text))
        left[:0] = alive[max(one.keep, 1) :]
        alive = alive[: max(one.keep, 1)]
        if len(alive) == 1:
            break
    order = (*alive, *left)
    gaps, deviations = _against(errors, order[0])
    return Race(errors, order, gaps, deviations, _confidence(errors, order, seed))


def _calls_left(rounds: Sequence[Round], number: int, sample: int, alive: int) -> int:
    """Errors still to be asked for, this sample's included."""
    calls, before = (rounds[number].samples - sample) * alive, rounds[number].samples
    for place in range(number + 1, len(rounds)):
        alive = min(alive, rounds[place - 1].keep)
        calls += (rounds[place].samples - before) * alive if alive > 1 else 0
        before = rounds[place].samples
    return calls


def _against(errors: Errors, winner: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean paired differences with the winner, and the same in standard errors."""
    gaps, deviations = np.zeros(len(errors)), np.zeros(len(errors))
    for text in range(len(errors)):
        both = ~np.isnan(errors[text]) & ~np.isnan(errors[winner])
        if text == winner or not both.any():
            continue
        differences = errors[text, both] - errors[winner, both]
        gaps[text] = differences.mean()
        spread = differences.std(ddof=1) if len(differences) > 1 else abs(differences[0])
        deviations[text] = gaps[text] / max(float(spread) / len(differences) ** 0.5, 1e-12)
    return gaps, deviations


def _confidence(errors: Errors, order: Sequence[int], seed: int) -> float:
    """Bootstrap of the paired differences between winner and runner-up; 1 where there is no other."""
    if len(order) < 2:
        return 1.0
    both = ~np.isnan(errors[order[0]]) & ~np.isnan(errors[order[1]])
    differences = (errors[order[1]] - errors[order[0]])[both]
    drawn = np.random.default_rng(seed).integers(len(differences), size=(RESAMPLES, len(differences)))
    return float((differences[drawn].mean(axis=1) > 0).mean())
