"""Few-shot classification without training: one Gaussian a class, one covariance for all, in closed form.

Symbols: x_i unit-norm features of the examples, y_i their classes, N of them, C classes, D dimensions,
mu_c class means, f a feature to classify, z(f) the zero-shot logits.

    Sigma  = cov(x_i - mu_{y_i})                 divides by N - 1
    P      = D inv((N - 1) Sigma + tr(Sigma) I)  shrinkage of Kubokawa and Srivastava
    g_c(f) = mu_c' P f + log(1 / C) - mu_c' P mu_c / 2
    logits = z(f) + alpha g(f)

Source: Wang et al. 2024, "A Hard-to-Beat Baseline for Training-free CLIP-based Adaptation", arXiv:2402.04087.
Ours: P = I when all classes have one example; the mean of a class without example is its text embedding moved by
the gap between texts and pictures of the other classes; alpha is chosen by leaving examples out.

What was measured (pocket-clip, 60 draws of 2 to 5 classes, top-1 by names -> with examples): Tiny-ImageNet, 1 shot
78.2 -> 79.3 %, 3 shots 78.1 -> 80.3, 10 shots 77.6 -> 82.8; PACS' four styles of pictures by name, 46.0 -> 50.1,
44.7 -> 53.9, 46.0 -> 65.8; classes called "mine 1", "mine 2", ..., 35.6 -> 55.9, 32.0 -> 69.6, 32.0 -> 79.7. Leaving
out alone, without the least weight, often turned two or three examples off: the last row was 48.0, 67.6, 79.7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.calibration import probabilities

MAX_SHOTS = 16
# The paper's grid goes by tens; its gaps cost up to 1 point with a handful of examples.
ALPHAS = (0.0, *(10.0 ** (step / 2) for step in range(-8, 5)))
UNTRIED_WEIGHT = 0.08  # a cosine between pictures against one with a text, where no example can be left out
LEAST_WEIGHT = 0.16  # the same where leaving out would give less: who shows examples means them
MAX_LEFT_OUT = 32  # up to so many examples each is left out once, beyond them in FOLDS parts
FOLDS = 8
_NO_SPREAD = 1e-9  # trace of the covariance below which all examples of a class are one picture


@dataclass(frozen=True, eq=False)
class Gaussians:
    """The fitted classifier.

    Attributes:
        means: mu, (C, D) float64.
        precision: P, (D, D) float64.
        weights: P mu', (D, C) float64.
        bias: log(1 / C) - mu' P mu / 2, (C,) float64.
        has_spread: Whether some class had two different examples; else P is I.
    """

    means: NDArray[np.float64]
    precision: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    has_spread: bool

    def scores(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """g: (N, D) -> (N, C), to be weighted with alpha and added to the zero-shot logits."""
        return features.astype(np.float64) @ self.weights + self.bias


def class_means(
    features: NDArray[np.floating], owners: NDArray[np.integer], texts: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Mean feature of each class; a class without example gets a guess from its text.

    The guess is t_c plus the mean of (mu_k - t_k) over the classes that have examples, scaled to the mean
    length of their means: pictures and texts lie in two cones, and this moves a text into that of the pictures.

    Args:
        features: (N, D) unit norm.
        owners: Class of each, (N,) in [0, C).
        texts: Class embeddings, (C, D) unit norm.

    Returns:
        (C, D) float64.
    """
    count = len(texts)
    members = np.bincount(owners, minlength=count)
    sums = np.zeros((count, features.shape[1]))
    np.add.at(sums, owners, features.astype(np.float64))
    means = sums / np.maximum(members, 1)[:, None]
    known = members > 0
    if known.all() or not known.any():
        return means
    gap = (means[known] - texts[known]).mean(axis=0)
    guesses = texts[~known].astype(np.float64) + gap
    length = np.linalg.norm(means[known], axis=1).mean()
    means[~known] = guesses / np.maximum(np.linalg.norm(guesses, axis=1, keepdims=True), 1e-12) * length
    return means


def fit(
    features: NDArray[np.floating],
    owners: NDArray[np.integer],
    means: NDArray[np.float64],
    *,
    dim: int | None = None,
) -> Gaussians:
    """Fit the classifier.

    Args:
        features: (N, D) unit norm.
        owners: Class of each, (N,).
        means: Class means, (C, D), as from :func:`class_means`.
        dim: D in the formula of P where the features were turned into fewer coordinates; else their own.

    Returns:
        The Gaussians; permuting the classes permutes their columns.
    """
    count, width = len(features), features.shape[1]
    centred = features.astype(np.float64) - means[owners]
    centred -= centred.mean(axis=0)  # cov() centres; with true class means this is zero already
    scatter = centred.T @ centred  # (N - 1) Sigma
    trace = float(np.trace(scatter)) / max(count - 1, 1)
    identity, has_spread = np.eye(width), trace >= _NO_SPREAD
    precision = (dim or width) * np.linalg.inv(scatter + trace * identity) if has_spread else identity
    weights = precision @ means.T
    bias = np.log(1.0 / len(means)) - 0.5 * (means.T * weights).sum(axis=0)
    return Gaussians(means, precision, weights, bias, has_spread)


def combined(
    zero_shot: NDArray[np.floating], gaussian_scores: NDArray[np.float64], alpha: float
) -> NDArray[np.float32]:
    """Logits z + alpha g, (N, C); alpha = 0 is zero-shot exactly."""
    return (zero_shot + alpha * gaussian_scores).astype(np.float32)


def left_out_scores(
    features: NDArray[np.floating], owners: NDArray[np.integer], texts: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Score each example by a classifier that has not seen it.

    Args:
        features: (N, D) unit norm.
        owners: Class of each, (N,).
        texts: Class embeddings, (C, D).

    Returns:
        g, (N, C), and which examples count, (N,): those whose class has another example left, scored by a
        classifier that saw some class twice (else its P is I and its scores are of another size).
    """
    dim = features.shape[1]
    features, texts = _short_coordinates(features, texts)
    folds = len(features) if len(features) <= MAX_LEFT_OUT else FOLDS
    fold_of = np.empty(len(features), int)
    fold_of[np.argsort(owners, kind="stable")] = np.arange(len(features)) % folds
    scores = np.zeros((len(features), len(texts)))
    is_counted = np.zeros(len(features), bool)
    for fold in range(folds):
        out = fold_of == fold
        kept, kept_owners = features[~out], owners[~out]
        if len(kept) == 0:
            continue
        gaussians = fit(kept, kept_owners, class_means(kept, kept_owners, texts), dim=dim)
        scores[out] = gaussians.scores(features[out])
        is_counted[out] = gaussians.has_spread & np.isin(owners[out], kept_owners)
    return scores, is_counted


def _short_coordinates(
    features: NDArray[np.floating], texts: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same points in coordinates of the space they span; nothing in the formulas changes, but N << D is fast."""
    points = np.concatenate([features, texts]).astype(np.float64)
    if len(points) < points.shape[1]:
        points = points @ np.linalg.qr(points.T)[0]
    return points[: len(features)], points[len(features) :]


def alpha_of_weight(gaussians: Gaussians, slope: float, weight: float) -> float:
    """The alpha that gives pictures the same say whatever the size of P.

    With P = I the scores differ by cosines between pictures, the zero-shot logits by ``slope`` times cosines with
    texts.

    Args:
        gaussians: The fitted classifier.
        slope: Logits per unit of cosine, s / T.
        weight: Of a cosine between pictures against one with a text.
    """
    mean_eigenvalue = float(np.trace(gaussians.precision)) / len(gaussians.precision)
    return weight * slope / mean_eigenvalue


def choose_alpha(
    features: NDArray[np.floating],
    owners: NDArray[np.integer],
    texts: NDArray[np.floating],
    zero_shot: NDArray[np.floating],
) -> float | None:
    """Choose the weight of the pictures by leaving examples out.

    The paper takes the best accuracy on a validation set. With a handful of examples accuracies tie, so the
    log-likelihood of the right class decides.

    Args:
        features: (N, D) unit norm.
        owners: Class of each, (N,).
        texts: Class embeddings, (C, D).
        zero_shot: Logits z of the examples, (N, C).

    Returns:
        One of ``ALPHAS``, or None where no example can be left out.
    """
    scores, is_counted = left_out_scores(features, owners, texts)
    if not is_counted.any():
        return None
    rows = np.flatnonzero(is_counted)
    likelihoods = []
    for alpha in ALPHAS:
        chances = probabilities(combined(zero_shot[rows], scores[rows], alpha), "softmax")
        right = chances[np.arange(len(rows)), owners[rows]].astype(np.float64)
        likelihoods.append(float(np.log(np.maximum(right, 1e-12)).mean()))
    return ALPHAS[int(np.argmax(likelihoods))]
