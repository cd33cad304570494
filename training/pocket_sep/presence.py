"""Fit the presence head of a trained network in closed form, and the level of its masks; see core/sep_presence.py.

The map that hears is a ridge regression from pooled activations of training mixtures to which labels are in them; the
map that reads, one from all training queries (words and pictures) to their label. The curve and the level of the masks
are chosen on held-out sources mixed by another seed than the mixtures of the scores.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import nn

from core.sep_network import enlarged, mask_logits, query_vectors, way_down, way_up
from core.sep_presence import chances, pooled
from core.sep_spectrogram import HOP, levelled, loudness
from training.pocket_sep.mixtures import Clips, Mixture, Queries, draw_mixture, pictures_of, spectra_of
from training.pocket_sep.train import FLOOR

MIXTURES = 5_000
PENALTY = 0.4  # of the map that hears, by the number of features
QUERY_PENALTY = 0.01  # of the map that reads, in the units of unit embeddings
PICTURE_WEIGHT = 0.3  # of a label's pictures against its words
MISSED = 0.1  # share of sounds that are there and may be called "not heard"
CHECKED = 150  # held-out mixtures for curve and level
LEVELS = (0.7, 0.85, 1.0, 1.2, 1.4, 1.7)
WINDOW_FRAMES = 256
SEED = 11

Doubles = NDArray[np.float64]


def drawn(clips: Clips, count: int, rng: Generator, jitter_db: float) -> Iterator[Mixture]:
    """Mixtures of two, every fourth of three."""
    for number in range(count):
        sources = 3 if number % 4 == 3 else 2
        yield draw_mixture(clips, sources, WINDOW_FRAMES * HOP, rng, jitter_db=jitter_db)


def shown(mixture: NDArray[np.float32]) -> torch.Tensor:
    """Magnitudes (256, F) -> what the network sees, (1, 1, 256, F)."""
    picture = np.log(mixture).T
    return torch.from_numpy(np.ascontiguousarray(levelled(picture, loudness(picture), FLOOR).T))[None, None]


def heard(net: nn.ModuleDict, mixture: NDArray[np.float32]) -> torch.Tensor:
    """What the head hears of a mixture, (1, P)."""
    with torch.inference_mode():
        seen = shown(mixture)
        return pooled(seen, way_down(net, seen))


def ridge(inputs: Doubles, targets: Doubles, penalty: Doubles | float, weights: Doubles | None = None) -> Doubles:
    """(N, P), (N, L) -> (P, L); with fewer rows than columns it is solved among the rows."""
    root = np.sqrt(weights if weights is not None else np.ones(len(inputs)))[:, None]
    inputs, targets = inputs * root, targets * root
    if len(inputs) < inputs.shape[1]:
        found: Doubles = inputs.T @ np.linalg.solve(inputs @ inputs.T + penalty * np.eye(len(inputs)), targets)
        return found
    return np.linalg.solve(inputs.T @ inputs + penalty * np.eye(inputs.shape[1]), inputs.T @ targets)


def fit_hearing(net: nn.ModuleDict, clips: Clips, count: int = MIXTURES) -> None:
    """Fill mean, spread, weight and bias of the head."""
    rows, targets = [], np.zeros((count, len(clips.labels)))
    for number, mixture in enumerate(drawn(clips, count, np.random.default_rng(SEED), 3.0)):
        rows.append(heard(net, pictures_of(spectra_of(mixture.sources))[0])[0].numpy())
        targets[number, [clips.labels.index(name) for name in mixture.names]] = 1
    inputs = np.stack(rows).astype(np.float64)
    mean, spread = inputs.mean(0), np.maximum(inputs.std(0), 1e-3)
    bias = targets.mean(0)
    weight = ridge((inputs - mean) / spread, targets - bias, PENALTY * inputs.shape[1])
    deviation = ((inputs - mean) / spread @ weight).std(0) + 1e-6  # every label speaks equally loud
    fill(net, mean=mean, spread=spread, weight=(weight / deviation).T, bias=np.zeros_like(bias))


def fit_reading(net: nn.ModuleDict, clips: Clips, queries: Queries) -> None:
    """Fill queries, offset and names of the head."""
    rows, targets, weights = [], [], []
    for number, name in enumerate(clips.labels):
        for kind, share in (("text", 1.0), ("picture", PICTURE_WEIGHT)):
            if queries.has(name, kind):  # type: ignore[arg-type]
                some = queries.all(name, kind)  # type: ignore[arg-type]
                rows.append(some)
                targets += [np.eye(len(clips.labels))[number]] * len(some)
                weights += [share / len(some)] * len(some)
    inputs, wanted, share = np.concatenate(rows).astype(np.float64), np.array(targets), np.array(weights)
    mean, base = np.average(inputs, 0, share), np.average(wanted, 0, share)
    weight = ridge(inputs - mean, wanted - base, QUERY_PENALTY, share)
    names = np.stack([queries.all(name, "text").mean(0) for name in clips.labels])
    names /= np.linalg.norm(names, axis=1, keepdims=True)
    fill(net, queries=weight.T, offset=base - mean @ weight, names=names)


def fill(net: nn.ModuleDict, **values: Any) -> None:
    """Set buffers of the head."""
    head: Any = net["presence"]
    for name, value in values.items():
        getattr(head, name).copy_(torch.from_numpy(np.asarray(value, np.float32)))


def fit_curve(net: nn.ModuleDict, data: tuple[Clips, Queries]) -> tuple[float, float]:
    """Fill the curve by logistic regression; returns the chance from which a sound counts as heard, and the AUROC."""
    clips, queries = data
    fill(net, curve=[1.0, 0.0])
    scores, truths = [], []
    rng = np.random.default_rng(SEED)
    for mixture in drawn(clips, CHECKED, rng, 0.0):
        absent = str(rng.choice([name for name in clips.labels if name not in mixture.names]))
        asked = torch.from_numpy(np.stack([queries.name(name) for name in (*mixture.names, absent)]))
        chance = chances(net["presence"], heard(net, pictures_of(spectra_of(mixture.sources))[0]), asked)[:, 0].double()
        scores += list(chance.logit().numpy())
        truths += [1.0] * len(mixture.names) + [0.0]
    found, truth = np.array(scores), np.array(truths)
    fill(net, curve=logistic(found, truth))
    head: Any = net["presence"]
    chance = 1 / (1 + np.exp(-(float(head.curve[0]) * found + float(head.curve[1]))))
    present, absent = chance[truth == 1], chance[truth == 0]
    return round(float(np.quantile(present, MISSED)), 2), float((present[:, None] > absent).mean())


def logistic(scores: Doubles, truths: Doubles) -> tuple[float, float]:
    """Slope and offset of the chance of a score, both kinds counting equally, by Newton's method."""
    weights = np.where(truths == 1, 0.5 / truths.sum(), 0.5 / (1 - truths).sum())
    inputs, found = np.stack([scores, np.ones_like(scores)], 1), np.zeros(2)
    for _ in range(50):
        chance = 1 / (1 + np.exp(-inputs @ found))
        slope = inputs.T @ (weights * (truths - chance)) - 1e-4 * found
        bend = (inputs.T * (weights * chance * (1 - chance))) @ inputs + 1e-4 * np.eye(2)
        found = found + np.linalg.solve(bend, slope)
    return float(found[0]), float(found[1])


def fit_level(net: nn.ModuleDict, clips: Clips, queries: Queries) -> float:
    """Multiply the masks' logits so that masked magnitudes come nearest to the sources' on held-out mixtures."""
    gains = {level: 0.0 for level in LEVELS}
    for mixture in drawn(clips, CHECKED // 3, np.random.default_rng(SEED), 0.0):
        whole, own = pictures_of(spectra_of(mixture.sources))
        with torch.inference_mode():
            asked = torch.from_numpy(np.stack([queries.name(name) for name in mixture.names]))
            levels = way_down(net, shown(whole))
            logits = enlarged(mask_logits(net, way_up(net, levels), query_vectors(net, asked)), whole.shape)[0].numpy()
        for level in LEVELS:
            masked = whole / (1 + np.exp(-level * logits))
            for found, truth in zip(masked, own, strict=True):
                error = truth - found * ((truth * found).sum() / (found**2).sum())
                gains[level] += float(np.log10((truth**2).sum() / (error**2).sum()))
    best = max(gains, key=lambda level: gains[level])
    with torch.no_grad():
        net.scale.mul_(best)  # type: ignore[union-attr]
        net.bias.mul_(best)  # type: ignore[union-attr]
    return best
