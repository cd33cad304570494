"""Who comes first: ranks of right answers, random candidate lists, and the area under a ROC curve. NumPy only."""

from __future__ import annotations

import numpy as np


def ranks(similarities: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Place of the right answer, 0 = first: (N, M), (N,) -> (N,)."""
    own = similarities[np.arange(len(answers)), answers]
    return (similarities > own[:, None]).sum(1)


def random_candidates(
    similarities: np.ndarray,
    answers: np.ndarray,
    count: int,
    *,
    draws: int = 10,
    seed: int = 0,
    may_both: np.ndarray | None = None,
) -> np.ndarray:
    """How often the right answer beats all of ``count - 1`` random others.

    Args:
        similarities: (N, M) of pictures and texts.
        answers: (N,) right columns.
        count: Candidates with the right one.
        draws: Lists a picture; the pictures stay the sample.
        seed: Of the lists.
        may_both: (M, M) bool, texts that may be true of one picture and are no candidates together; None = only
            the text itself.

    Returns:
        (N,) float64, the share of the draws that each picture won.
    """
    rng = np.random.default_rng(seed)
    won = np.zeros(len(answers))
    for place, (row, answer) in enumerate(zip(similarities, answers, strict=True)):
        allowed = np.arange(len(row)) != answer if may_both is None else ~may_both[answer]
        others = np.nonzero(allowed)[0]
        for _ in range(draws):
            won[place] += row[answer] > row[rng.choice(others, count - 1, replace=False)].max()
    return won / draws


def area_under_roc(known: np.ndarray, unknown: np.ndarray) -> float:
    """Chance that a known picture scores above an unknown one, ties half. Source: Hanley and McNeil 1982."""
    both = np.concatenate([known, unknown])
    _, place, counts = np.unique(both, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[place]  # ties share their mean rank
    return float((rank[: len(known)].sum() - len(known) * (len(known) + 1) / 2) / (len(known) * len(unknown)))


def area_interval(area: float, known: int, unknown: int) -> tuple[float, float]:
    """95 % interval of an area under the ROC curve. Source: Hanley and McNeil 1982, Radiology 143:29, equation 1."""
    both_known, both_unknown = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (known - 1) * (both_known - area**2) + (unknown - 1) * (both_unknown - area**2)
    error = 1.96 * float(np.sqrt(max(spread, 0.0) / (known * unknown)))
    return max(0.0, area - error), min(1.0, area + error)


def expected_calibration_error(chances: np.ndarray, is_right: np.ndarray, bins: int = 10) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, weighted by their counts.

    Args:
        chances: (N,) probability of each first answer.
        is_right: (N,) bool.
        bins: Their number.

    Source: Guo et al. 2017, arXiv:1706.04599, equation 3.
    """
    place = np.minimum((chances * bins).astype(int), bins - 1)
    filled = [place == number for number in range(bins) if (place == number).any()]
    return float(sum(abs(is_right[rows].mean() - chances[rows].mean()) * rows.mean() for rows in filled))


def peak_uv(similarities: np.ndarray, width_px: int, height_px: int) -> tuple[int, int]:
    """Pixel of the highest point of a map, resized bicubically to the picture: (h, w) float -> (x, y)."""
    from PIL import Image

    resized = Image.fromarray(similarities.astype(np.float32)).resize((width_px, height_px), Image.Resampling.BICUBIC)
    y, x = np.unravel_index(int(np.argmax(np.asarray(resized))), (height_px, width_px))
    return int(x), int(y)
