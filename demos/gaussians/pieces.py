"""Words held against pieces: groups of Gaussians that photos agree on, and their parts.

    excess of a piece     e_g = cos(q, g) - m_q - max(l_g, max_j cos(n_j, g) - m_j) + u_g
    relevancy             r_g = sigmoid(s e_g), LangSplat's but for l_g and u_g
                          m: hubness of a text; n_j: negatives; l_g: what g has in common with any word; u_g: support
    the answer            the piece that the best ones agree on, argmax_g sum_k p_k IoU(g, k) with p = softmax(e / T),
                          and others that are as good as the best (``MARGIN``) and have nothing in common with it
    "X of the Y"          Y's best piece first; then X among the pieces that lie inside of it

A scene has a few hundred pieces, so that a word costs a few hundred products, whatever the number of Gaussians.
Pieces overlap: a thing is there whole, without its handle, with what stands on it, and the cosines of these differ by
less than they are good to. The least expected loss (minimum Bayes risk, Kumar and Byrne 2004) takes one in the middle.
(LightSplat asks about a hundred objects; OpenGaussian, Wu et al. 2024, arXiv:2406.02058, selects Gaussians by group.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from core.tasks import Job
from demos.gaussians.field import Pieces
from demos.gaussians.meanings import Texts
from demos.gaussians.raster_threads import share, thread_count
from demos.gaussians.scene import Floats

MARGIN: Final = 0.003  # of cosine: pieces that fall short of the best by less are answers, too
PART_MARGIN: Final = 0.02  # of the two cosines added up for a part: a car has four wheels
PART_SIZE: Final = 0.03  # of cosine, times the log of a part's share of its whole: what has a name is seldom a speck
AGREEMENT: Final = 0.02  # T: of cosine
_AGREEING: Final = 40  # the best pieces, which are asked what they agree on
APART: Final = 0.1  # of the smaller one's Gaussians that two answers may share
INSIDE: Final = 0.6  # of a part's Gaussians that its whole holds
PART_SHARE: Final = 0.7  # of its whole that a part may be

_PIECE = 65_536
_SHARED: WeakKeyDictionary[Pieces, Floats] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Chosen:
    """What answers a query.

    Attributes:
        relevancy: (P,) float32 in [0, 1].
        is_chosen: (P,) bool, the pieces that answer.
        level: Index of the best piece's level.
    """

    relevancy: Floats
    is_chosen: NDArray[np.bool_]
    level: int


def shared(pieces: Pieces) -> Floats:
    """(P, P) how many Gaussians any two pieces have in common; their sizes on the diagonal. Kept while they live."""
    from scipy.sparse import csr_matrix

    if pieces not in _SHARED:
        rows, columns = np.nonzero(pieces.ids >= 0)
        places = rows, pieces.ids[rows, columns]
        inside = csr_matrix((np.ones(len(rows), np.float32), places), (len(pieces.ids), len(pieces.table)))
        _SHARED[pieces] = (inside.T @ inside).toarray()
    return _SHARED[pieces]


def choose(
    pieces: Pieces,
    texts: Texts,
    part: tuple[Texts, Texts] | None = None,
    *,
    level: int | None = None,
    generosity: float = 1.0,
) -> Chosen:
    """Answer a query with pieces.

    Args:
        pieces: At least one.
        texts: The whole query.
        part: For "X of the Y" the texts of X and Y.
        level: The only level that may answer, or None.
        generosity: Factor on the margin.
    """
    excess, scale, margin = excess_of(pieces, texts), np.float32(texts.temperature), MARGIN
    allowed = np.ones(len(excess), bool) if level is None else pieces.levels == level
    common = shared(pieces)
    if part is not None:
        found = _part_excess(pieces, texts, part, common)
        if found is not None and (allowed & np.isfinite(found)).any():
            excess, margin = found, PART_MARGIN
    if not allowed.any():
        allowed[:] = True
    excess = np.where(allowed, excess, -np.inf)
    best = agreed(excess, common) if margin == MARGIN else int(excess.argmax())
    excess[best] = excess.max()  # it answers for the best one
    is_chosen = np.zeros(len(excess), bool)
    sizes = np.maximum(np.diagonal(common), 1)
    for row in (best, *np.argsort(-excess, kind="stable")):
        if excess[row] < excess[best] - generosity * margin:
            break
        if not (common[row, is_chosen] > APART * np.minimum(sizes[row], sizes[is_chosen])).any():
            is_chosen[row] = True
    with np.errstate(over="ignore"):
        relevancy = (1 / (1 + np.exp(-scale * excess.astype(np.float64)))).astype(np.float32)
    return Chosen(relevancy, is_chosen, int(pieces.levels[best]))


def agreed(excess: Floats, common: Floats) -> int:
    """The piece that the best ones agree on.

    Args:
        excess: (P,) e_g, -inf for those that may not answer; one may at least.
        common: (P, P) of :func:`shared`.
    """
    best = np.argsort(-excess, kind="stable")[:_AGREEING]
    best = best[np.isfinite(excess[best])]
    shares = np.exp((excess[best].astype(np.float64) - excess[best[0]]) / AGREEMENT)
    inner, sizes = common[np.ix_(best, best)], np.diagonal(common)[best]
    iou = inner / np.maximum(sizes[:, None] + sizes[None] - inner, 1)
    return int(best[(iou @ shares).argmax()])


def excess_of(pieces: Pieces, texts: Texts) -> Floats:
    """(P,) e_g above."""
    negatives = (pieces.table @ texts.negatives.T - texts.negative_offsets).max(axis=1, initial=-1)
    excess: Floats = _cosines(pieces, texts) - np.maximum(pieces.general, negatives) + pieces.support
    return excess


def _cosines(pieces: Pieces, texts: Texts) -> Floats:
    """(P,) cosines with the query, less its hubness."""
    found: Floats = pieces.table @ texts.query - np.float32(texts.query_offset)
    return found


def _part_excess(pieces: Pieces, texts: Texts, part: tuple[Texts, Texts], common: Floats) -> Floats | None:
    """e_g for "X of the Y": Y's, less what a piece inside Y falls short of the best X there; -inf outside of Y."""
    whole = excess_of(pieces, part[1])
    thing = int(whole.argmax())
    sizes = np.maximum(np.diagonal(common), 1)
    is_inside = (common[:, thing] >= INSIDE * sizes) & (sizes < PART_SHARE * sizes[thing])
    if not is_inside.any():
        return None
    own = _cosines(pieces, part[0]) + _cosines(pieces, texts)
    own = own + np.float32(PART_SIZE) * np.log(sizes / sizes[thing]).astype(np.float32)
    falls_short = own - own[is_inside].max()
    return np.where(is_inside, whole[thing] + falls_short, np.float32(-np.inf))


def of_gaussians(pieces: Pieces, chosen: Chosen, level_count: int, *, job: Job | None = None) -> Floats:
    """What the pieces say of every Gaussian: (N, level_count + 1) float32.

    The greatest relevancy of the pieces of each level that it is in, 0 without one, and whether any of its pieces
    answers, 1 or 0.
    """
    from demos.gaussians.pixel_loops import fill_by_level

    count = len(pieces.ids)
    found = np.empty((count, level_count + 1), np.float32)
    ids, levels = np.ascontiguousarray(pieces.ids), pieces.levels.astype(np.int64)
    is_chosen = chosen.is_chosen.astype(np.uint8)

    def part(i: int) -> None:
        first, last = i * _PIECE, min((i + 1) * _PIECE, count)
        fill_by_level(ids, chosen.relevancy, levels, is_chosen, first, last, found)

    share(part, -(-count // _PIECE), threads=thread_count(), job=job)
    return found
