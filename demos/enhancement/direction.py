"""A visitor's own direction of light: from two folders or two phrases, what it means, and a network taught by it.

    v_r = norm(v+ - v-)                          pictures: RAVE's residual vector; phrases: the same of their texts
    words of v_r                                 the vocabulary by cosine, both ends: what the direction really says
    v_r <- norm(v_r - <v_r, e> e)                with the words that the visitor ticks taken out (RAVE's shift)
    network                                      taught by L_res and L_id on the pictures of the dark side

For phrases there is no picture mean to set the threshold by: it is the projection of the pictures to be taught on,
plus as much as the two phrases lie apart along v_r, times the visitor's reach.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.device import exclusive
from core.errors import InputError
from core.image_text import ImageTextModel
from core.labels import quoted
from core.light_fit import FitOptions, LightFit, one_thread
from core.light_guide import Guide
from core.light_losses import Residual, residual_of, without_words
from core.tasks import Job

Rgb = NDArray[np.uint8]
Rows = NDArray[np.float32]
SHOWN_WORDS = 15  # at each end
LEAST_PICTURES = 2  # a side
MOST_PICTURES = 500
LEAST_GAP = 0.02  # of both means, as 1 - cosine: below it the groups do not differ
SIDE_PX = 80  # of training pictures
BATCH = 4
KEPT_SHARE = 0.5  # of what a network that went on from another one has learnt: all of it burns skies out
DARK_BELOW = 0.4  # mean light of pictures that lack some
DEFAULT_STEPS = 80
STEPS = (10, 2_000)


@dataclass(frozen=True)
class DirectionWord:
    """A word and how far it points along a direction: its cosine, less the mean over the vocabulary."""

    word: str
    cosine: float


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction of light and what it says.

    Attributes:
        residual: Vector and threshold.
        encoder: Name of the model in whose space it lies.
        gap: 1 - cosine of both ends' means.
        toward: Words at the end that pictures are moved to, best first.
        away: Words at the other end, best first.
        removed: Words that were taken out.
        positive: Embeddings of the first group, (N, D).
        negative: Embeddings of the second, (M, D).
    """

    residual: Residual
    encoder: str
    gap: float
    toward: tuple[DirectionWord, ...]
    away: tuple[DirectionWord, ...]
    removed: tuple[str, ...]
    positive: Rows
    negative: Rows


@dataclass(frozen=True)
class TrainedLight:
    """What a training made.

    Attributes:
        net: The network, for core.light.LightModel.
        guidance: L_res of each step.
        steps: How many.
        seconds: Wall time, s.
    """

    net: Any
    guidance: tuple[float, ...]
    steps: int
    seconds: float


def direction_of_pictures(
    good: Sequence[Rgb], bad: Sequence[Rgb], vocabulary: Sequence[str], *, clip: ImageTextModel, job: Job | None = None
) -> Direction:
    """The direction from one group of pictures to another.

    Args:
        good: What photos should become, (H, W, 3) each.
        bad: What they are.
        vocabulary: Words to explain it by.
        clip: The encoder.
        job: Told the pictures done; asked for Cancel.

    Raises:
        InputError: too few or too many pictures, or groups that do not differ.
        Cancelled: the job was cancelled.
    """
    for name, group in (("what photos should look like", good), ("what they look like", bad)):
        if not LEAST_PICTURES <= len(group) <= MOST_PICTURES:
            raise InputError(
                f"The folder of {name} has {_counted(group)}; it must have from {LEAST_PICTURES} to {MOST_PICTURES}."
            )
    positive, negative = clip.encode_images(good, job=job), clip.encode_images(bad, job=job)
    return _explained(positive, negative, vocabulary, "folders", clip, job)


def direction_of_phrases(
    good: str, bad: str, vocabulary: Sequence[str], *, clip: ImageTextModel, job: Job | None = None
) -> Direction:
    """The direction from one phrase to another, as "a dark photo" to "golden hour light".

    Raises:
        InputError: an empty phrase, or two that mean the same.
    """
    for name, phrase in (("To", good), ("From", bad)):
        if not phrase.strip():
            raise InputError(
                f"The phrase under “{name}” is empty; write what photos look like, and what they should look like."
            )
    rows = clip.encode_texts([good.strip(), bad.strip()], job=job)
    return _explained(rows[:1], rows[1:], vocabulary, "phrases", clip, job)


def without(
    direction: Direction,
    words: Sequence[str],
    vocabulary: Sequence[str] = (),
    *,
    clip: ImageTextModel,
    job: Job | None = None,
) -> Direction:
    """Take words out of a direction: RAVE's shift, with the visitor's choice in place of the first fifteen.

    Args:
        direction: The direction.
        words: Some of those shown at its ends.
        vocabulary: Words to explain the new direction by; none keeps the old ones.
        clip: The encoder of the direction.
        job: Asked for Cancel.

    Raises:
        InputError: a word that is not among those shown, or nothing is left.
    """
    if not words:
        return direction
    ends = {**{word.word: 1 for word in direction.toward}, **{word.word: -1 for word in direction.away}}
    for word in words:
        if word not in ends:
            raise InputError(f"{quoted(word)} is not among the words of this direction; tick some of those shown.")
    rows = clip.encode_texts(list(words), job=job)
    is_top = np.array([ends[word] > 0 for word in words])
    try:
        residual = without_words(direction.residual, rows[is_top], rows[~is_top], direction.positive)
    except ValueError as error:
        raise InputError("Without these words nothing is left of the direction; tick fewer.") from error
    shorter = replace(direction, residual=residual, removed=(*direction.removed, *words))
    if not vocabulary:
        return shorter
    left = [word for word in vocabulary if word not in shorter.removed]
    toward, away = nearest_words(residual.vector, left, clip=clip, job=job)
    return replace(shorter, toward=toward, away=away)


def aimed(direction: Direction, pictures: Rows, reach: float) -> Direction:
    """Set the threshold of a direction of phrases by the pictures that will be moved.

    Args:
        direction: Of :func:`direction_of_phrases`.
        pictures: Embeddings of what is to be taught on, (N, D).
        reach: How far, in distances of both phrases along the direction; 0 is nowhere.
    """
    vector = direction.residual.vector
    apart = float((direction.positive.mean(axis=0) - direction.negative.mean(axis=0)) @ vector)
    start = float((pictures @ vector).mean())
    return replace(direction, residual=Residual(vector, start + reach * apart))


def train_light(
    direction: Direction,
    pictures: Sequence[Rgb],
    *,
    guide: Guide,
    start: Any | None = None,
    steps: int = DEFAULT_STEPS,
    seed: int = 0,
    job: Job | None = None,
) -> TrainedLight:
    """Teach a network to move pictures along a direction.

    Args:
        direction: Where to, in the space of ``guide``.
        pictures: What to teach on, (H, W, 3) each: those that lack light.
        guide: The model behind the direction, with gradients.
        start: A network to go on from, which is trained in place and whose results stay the measure of what a picture
            shows; None starts at a map of ones.
        steps: How many, within ``STEPS``; a few seconds each for a full-size CLIP on a CPU.
        seed: Of the order and the crops.
        job: Told the steps done; asked for Cancel before each.

    Returns:
        The network in evaluation mode; with a start, the one between both (WiSE-FT, Wortsman et al. 2022, eq. 1, with
        ``KEPT_SHARE``): a small guide's gradient also finds what a person would not call light.

    Raises:
        InputError: too few pictures or steps out of range.
        ValueError: the direction is of another model.
        Cancelled: the job was cancelled.
    """
    if direction.encoder != guide.name:
        raise ValueError(f"the direction is one of {direction.encoder}, the guide is {guide.name}")
    if len(pictures) < LEAST_PICTURES:
        raise InputError(f"To teach on there is only {_counted(pictures)}; give at least {LEAST_PICTURES}.")
    if not STEPS[0] <= steps <= STEPS[1]:
        raise InputError(f"The number of steps is {steps}; it must be from {STEPS[0]} to {STEPS[1]:,}.")
    begin_s = time.perf_counter()
    rng = np.random.default_rng(seed)
    small = [_small(rgb) for rgb in pictures]
    likeness = None if start is None else copy.deepcopy(start).eval().requires_grad_(False)
    fit = LightFit(guide, FitOptions(seed=seed), residual=direction.residual, net=start, likeness=likeness)
    guidance: list[float] = []
    with one_thread():
        for step in range(steps):
            if job is not None:
                job.step("running", step, steps, unit="steps", note=_progress_words(guidance))
            batch = np.stack([_cut(small[int(n)], rng) for n in rng.integers(len(small), size=BATCH)])
            rate = fit.options.rate * (0.1 + 0.9 * 0.5 * (1 + np.cos(np.pi * step / steps)))
            with exclusive("cpu", job):
                guidance.append(fit.advance(batch, rate=float(rate))["guidance"])
    if likeness is not None:
        _draw_back(fit.net, likeness)
    return TrainedLight(fit.net.eval().requires_grad_(False), tuple(guidance), steps, time.perf_counter() - begin_s)


def lacking_light(pictures: Sequence[Rgb]) -> list[Rgb]:
    """Those of some pictures that are dark on the whole; all of them where these are too few to teach on."""
    dark = [rgb for rgb in pictures if float(rgb.mean()) < DARK_BELOW * 255]
    return dark if len(dark) >= LEAST_PICTURES else list(pictures)


def _draw_back(net: Any, start: Any) -> None:
    """Leave ``KEPT_SHARE`` of the way from one network's weights to another's, in place."""
    import torch

    with torch.no_grad():
        for now, before in zip(net.parameters(), start.parameters(), strict=True):
            now.lerp_(before, 1 - KEPT_SHARE)


def _explained(
    positive: Rows, negative: Rows, vocabulary: Sequence[str], what: str, clip: ImageTextModel, job: Job | None
) -> Direction:
    """Residual vector and the words at both ends."""
    means = [rows.mean(axis=0) for rows in (positive, negative)]
    gap = 1 - float(means[0] @ means[1] / (np.linalg.norm(means[0]) * np.linalg.norm(means[1])))
    if gap < LEAST_GAP:
        raise InputError(
            f"Both {what} look alike to {clip.name} (they differ by {gap:.3f}); give some that differ more."
        )
    residual = residual_of(positive, negative)
    toward, away = nearest_words(residual.vector, vocabulary, clip=clip, job=job)
    return Direction(residual, clip.name, gap, toward, away, (), positive, negative)


def nearest_words(
    vector: Rows, vocabulary: Sequence[str], *, clip: ImageTextModel, job: Job | None = None
) -> tuple[tuple[DirectionWord, ...], tuple[DirectionWord, ...]]:
    """The words at both ends of a direction, ``SHOWN_WORDS`` each, best first.

    Cosines are taken less their mean over the vocabulary: texts and pictures lie in different corners of the space,
    and what all words share says nothing.
    """
    words = list(dict.fromkeys(vocabulary))
    if not words:
        return (), ()
    cosines = clip.encode_texts(words, job=job) @ vector
    cosines = cosines - cosines.mean()
    order = np.argsort(-cosines, kind="stable")
    ranked = [DirectionWord(words[place], float(cosines[place])) for place in order]
    count = min(SHOWN_WORDS, len(ranked) // 2)
    return tuple(ranked[:count]), tuple(ranked[::-1][:count])


def _small(rgb: Rgb) -> NDArray[np.float32]:
    """The whole picture as a square a quarter larger than training wants it, (S, S, 3) in [0, 1]."""
    side = SIDE_PX * 5 // 4
    small: NDArray[np.float32] = np.asarray(Image.fromarray(rgb).resize((side, side), Image.Resampling.BOX), np.float32)
    return small / np.float32(255)


def _cut(picture: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A random crop, mirrored at random, (3, S, S)."""
    top, left = rng.integers(len(picture) - SIDE_PX + 1, size=2)
    cut = picture[top : top + SIDE_PX, left : left + SIDE_PX].transpose(2, 0, 1)
    return np.ascontiguousarray(cut[..., ::-1] if rng.random() < 0.5 else cut)


def _counted(group: Sequence[Rgb]) -> str:
    """``1 picture``, ``4 pictures``."""
    return f"{len(group)} picture{'' if len(group) == 1 else 's'}"


def _progress_words(guidance: Sequence[float]) -> str:
    """The loss so far: where it began and where the last steps are."""
    if len(guidance) < 10:
        return "teaching the network"
    return f"guidance {np.mean(guidance[:10]):.3f} to {np.mean(guidance[-10:]):.3f}"
