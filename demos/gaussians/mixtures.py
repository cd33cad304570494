"""Mixtures of embeddings: pixels or Gaussians whose embedding is a weighted sum of rows of one table.

A pixel shows f_p = sum_i w_i(p) sum_k s_ik table[id_ik]; gathered by table row that is a sparse row A_p over the
table. Then the cosine of every pixel with a text t costs one product of A with M numbers,

    cos(f_p, t) = (A_p . (table t)) / |f_p|,   |f_p|^2 = A_p G A_p^T,   G = table table^T,

exactly what drawing D channels, normalising them and comparing them with t gives (LangSplat's order of steps), at a
few multiplications a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.tasks import Job
from demos.gaussians.field import Ints, LanguageField
from demos.gaussians.raster_threads import share, thread_count
from demos.gaussians.scene import Floats
from demos.gaussians.weights import ViewWeights

LEAST_TOTAL = 0.1  # weight of language that a pixel needs to have a meaning; below it shows next to nothing
_PIECE = 16_384
_MOST_GRAM = 4_096  # rows of a table whose Gram matrix is held: 67 MB


@dataclass(frozen=True, eq=False)
class Mixtures:
    """P mixtures over a table of M embeddings, in compressed rows.

    Attributes:
        starts: (P + 1,) int64, where each mixture begins.
        rows: int32, rows of the table, each once a mixture.
        weights: float32, their weights.
        norms: (P,) float32, length of the mixed embedding; 0 where there is too little to have a meaning.
        table: (M, D) float32, unit norm; the field's own.
    """

    starts: NDArray[np.int64]
    rows: Ints
    weights: Floats
    norms: Floats
    table: Floats

    @property
    def size_bytes(self) -> int:
        """Memory taken beside the table."""
        return self.starts.nbytes + self.rows.nbytes + self.weights.nbytes + self.norms.nbytes

    def mixed(self, values: Floats, *, job: Job | None = None) -> Floats:
        """Values of the table's rows, mixed: (M, C) -> (P, C) float32."""
        from demos.gaussians.raster_csr import multiply

        count = len(self.starts) - 1
        product = np.empty((count, values.shape[1]), np.float32)
        table = np.require(values, np.float32, ["C", "A"])

        def part(i: int) -> None:
            first, last = i * _PIECE, min((i + 1) * _PIECE, count)
            multiply(self.starts, self.rows, self.weights, table, first, last, product)

        share(part, -(-count // _PIECE), threads=thread_count(), job=job)
        return product

    def dots(self, texts: Floats, *, job: Job | None = None) -> Floats:
        """Products of the mixed embeddings, not normalised, with texts (Q, D): (P, Q) float32."""
        return self.mixed(self.table @ texts.T, job=job)

    def spread(self, values: Floats) -> Floats:
        """Values of the mixtures are values of the pixels: there is one for each."""
        return values


def pixel_mixtures(view: ViewWeights, field: LanguageField, level: int, *, job: Job | None = None) -> Mixtures:
    """What every pixel of a view means at a level of an uplifted field.

    Args:
        view: Weights of the field's Gaussians.
        field: Uplifted.
        level: Index of the level.
        job: Asked for Cancel between pieces.
    """
    assert field.ids is not None and field.weights is not None and field.table is not None
    from demos.gaussians.pixel_loops import mix

    ids = np.ascontiguousarray(field.ids[:, level])
    shares = np.ascontiguousarray(field.weights[:, level])
    pixel_count, choices, table_rows = len(view.starts) - 1, ids.shape[1], len(field.table)
    pieces = -(-pixel_count // _PIECE)
    ends = np.zeros(pixel_count + 1, np.int64)
    parts: list[tuple[Ints, Floats]] = [(np.empty(0, np.int32), np.empty(0, np.float32))] * pieces

    def part(i: int) -> None:
        first, last = i * _PIECE, min((i + 1) * _PIECE, pixel_count)
        most = int(view.starts[last] - view.starts[first]) * choices
        rows, sums = np.empty(most, np.int32), np.empty(most, np.float32)
        place_of = np.full(table_rows, -1, np.int64)
        written = ends[first + 1 : last + 1]
        total = mix(
            *(view.starts, view.owners, view.weights, ids, shares, first, last, place_of, written, rows, sums),
        )
        parts[i] = rows[:total].copy(), sums[:total].copy()

    share(part, pieces, threads=thread_count(), job=job)
    begin = 0
    for i, (rows, _) in enumerate(parts):
        ends[i * _PIECE + 1 : min((i + 1) * _PIECE, pixel_count) + 1] += begin
        begin += len(rows)
    rows = np.concatenate([rows for rows, _ in parts])
    sums = np.concatenate([sums for _, sums in parts])
    return _with_norms(ends, rows, sums, field.table, LEAST_TOTAL, job)


def gaussian_mixtures(field: LanguageField, level: int, *, job: Job | None = None) -> Mixtures:
    """What every Gaussian itself means at a level of an uplifted field."""
    assert field.ids is not None and field.weights is not None and field.table is not None
    ids, weights = field.ids[:, level], field.weights[:, level]
    is_set = (ids >= 0) & (weights > 0)
    starts = np.concatenate([[0], np.cumsum(is_set.sum(axis=1))]).astype(np.int64)
    return _with_norms(starts, ids[is_set], weights[is_set], field.table, 0.0, job)


def _with_norms(
    starts: NDArray[np.int64], rows: Ints, weights: Floats, table: Floats, least_total: float, job: Job | None
) -> Mixtures:
    """Add the lengths; mixtures whose weights sum to less than ``least_total`` get 0."""
    from demos.gaussians.pixel_loops import mixture_norms

    count = len(starts) - 1
    norms = np.zeros(count, np.float32)
    mixtures = Mixtures(starts, rows, weights, norms, table)
    totals = mixtures.mixed(np.ones((len(table), 1), np.float32), job=job)[:, 0]
    if len(table) <= _MOST_GRAM:
        gram = np.ascontiguousarray(table @ table.T)

        def part(i: int) -> None:
            first, last = i * _PIECE, min((i + 1) * _PIECE, count)
            mixture_norms(starts, rows, weights, gram, first, last, norms)

        share(part, -(-count // _PIECE), threads=thread_count(), job=job)
    else:  # channels in groups, so that a picture of D channels is never held
        squares = np.zeros(count, np.float64)
        for first in range(0, table.shape[1], 8):
            squares += (mixtures.mixed(table[:, first : first + 8], job=job).astype(np.float64) ** 2).sum(axis=1)
        norms[:] = np.sqrt(squares)
    norms[(totals < least_total) | (totals <= 0)] = 0
    return mixtures
