"""Classification by generating: the text that a picture denoises to, or the text under which its noise is told best.

    a diffusion over texts   softmax_c((z_c + s max_{t in c} mean_k cos(e0_k, t)) / 2), e0_k drawn given the picture, z
                             the logits by name: both ways have one vote; alone neither is better on all sets (card)
    a latent diffusion       CLIP's best labels race over shared noise (core.diffusion_race); of their joint confidence
                             M each gets M exp(-z_c) / sum exp(-z), z the paired difference with the winner in
                             standard errors

Sources: DiffDis, Huang et al. 2023, arXiv:2308.09306 (core.diffusion_text); Li et al. 2023, arXiv:2303.16203.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from core.diffusion_race import ROUNDS, Race, race, steps_of
from core.errors import InputError
from core.prompts import fill, templates_of
from core.tasks import Job
from demos.zero_shot.options import Classification, ErrorCurves, Scored

Rows = NDArray[np.float32]
TOP = 5  # labels that race
SIDE_PX = 256  # of the picture that a latent diffusion looks at: a quarter of the work of 512


@runtime_checkable
class TextDenoiser(Protocol):
    """Pictures' embeddings to texts; core.diffusion_text.TextDiffusion is one."""

    name: str
    encoder: str
    logit_scale: float

    def denoised(
        self, pictures: Rows, *, draws: int = ..., steps: int = ..., seed: int = ..., job: Job | None = None
    ) -> Rows:
        """(N, D) -> (N, draws, D) unit norm."""
        ...


@runtime_checkable
class NoiseJudge(Protocol):
    """Tells noise from pictures under texts; core.diffusion_latent.LatentDiffusion is one."""

    name: str

    def encode_texts(self, texts: Sequence[str], *, job: Job | None = None) -> Rows:
        """(C, T, E)."""
        ...

    def encode_picture(self, rgb: NDArray[np.uint8], side_px: int, *, job: Job | None = None) -> Rows:
        """(4, h, w)."""
        ...

    def noise_errors(self, latent: Rows, noise: Rows, step: int, texts: Rows, *, job: Job | None = None) -> list[float]:
        """Mean squared errors, (C,)."""
        ...


Generator = TextDenoiser | NoiseJudge


def check(generator: Generator | None, encoder: str) -> None:
    """Refuse a generator that is not there or does not fit the encoder.

    Raises:
        InputError: one sentence.
    """
    if generator is None:
        raise InputError("The method “diffusion” needs a diffusion model; choose one.")
    if isinstance(generator, TextDenoiser) and generator.encoder != encoder:
        raise InputError(
            f"{generator.name} reads embeddings of {generator.encoder}, the model is {encoder}; choose"
            f" {generator.encoder} as the model, or another diffusion model."
        )


def cosines_of_draws(denoiser: TextDenoiser, embeddings: Rows, texts: Rows, *, job: Job | None = None) -> Rows:
    """Mean over draws of the cosines of what pictures (N, D) denoise to with texts (M, D); (N, M)."""
    drawn = denoiser.denoised(embeddings, job=job)
    cosines: Rows = np.einsum("nkd,md->nm", drawn, texts, optimize=True).astype(np.float32) / drawn.shape[1]
    return cosines


def reranked(
    answer: Classification,
    rgb: NDArray[np.uint8],
    judge: NoiseJudge,
    *,
    words: Mapping[str, str] | None = None,
    seed: int = 0,
    job: Job | None = None,
) -> Classification:
    """Rank CLIP's best labels anew by a latent diffusion.

    Args:
        answer: Ranked by names.
        rgb: The picture, (H, W, 3).
        judge: The diffusion model.
        words: Label -> the word that stands for it in the text; a label not in it stands for itself.
        seed: Of the noise, which is the same for all labels.
        job: Told the tries done; asked for Cancel between texts.

    Returns:
        The same answer with the best ``TOP`` labels in their new order, CLIP's order beside it, and the error curves.
    """
    top = answer.ranked[:TOP]
    template = templates_of("photo", "")[0]
    texts = judge.encode_texts([fill(template, (words or {}).get(one.label, one.label)) for one in top], job=job)
    latent = judge.encode_picture(rgb, SIDE_PX, job=job)
    steps = steps_of(ROUNDS[-1].samples)
    noises = np.random.default_rng(seed).standard_normal((len(steps), *latent.shape), np.float32)

    def error_of(sample: int, some: Sequence[int]) -> list[float]:
        return judge.noise_errors(latent, noises[sample], steps[sample], texts[list(some)], job=job)

    found = race(error_of, len(top), seed=seed, job=job)
    weights = np.exp(-found.deviations)
    shares = weights / weights.sum() * sum(one.confidence for one in top)
    order = sorted(range(len(top)), key=lambda place: (-shares[place], found.order.index(place)))
    new = [Scored(top[place].label, float(shares[place]), top[place].cosine) for place in order]
    return replace(
        answer,
        ranked=(*new, *answer.ranked[TOP:]),
        zero_shot=answer.ranked,
        curves=_curves(found, steps, [one.label for one in top], order, judge.name),
        notes=(*answer.notes, f"{judge.name} ranked the best {len(top)} labels of {answer.model} anew."),
    )


def _curves(found: Race, steps: Sequence[int], labels: Sequence[str], order: Sequence[int], model: str) -> ErrorCurves:
    """The errors by rising step, less each step's mean over the labels that all reached it."""
    places = np.argsort(steps, kind="stable")
    errors = found.errors[:, places]
    asked = np.flatnonzero(~np.isnan(errors).all(axis=0))
    rows = errors[list(order)][:, asked]
    return ErrorCurves(
        labels=tuple(labels[place] for place in order),
        steps=tuple(int(steps[place]) for place in places[asked]),
        errors=tuple(tuple(None if np.isnan(value) else float(value) for value in row) for row in rows),
        gaps=tuple(float(found.gaps[place]) for place in order),
        confidence=found.confidence,
        model=model,
    )
