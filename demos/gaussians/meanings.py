"""Relevancy of what was drawn or of Gaussians themselves, whichever kind of field they come from, and its cache.

What depends on a view alone is made once (mixtures of table rows, decoded codes), what depends on the negatives once a
set of negatives; a new word then costs one sparse product and one pass.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakKeyDictionary, ref

import numpy as np
from numpy.typing import NDArray

from core.shared_work import SharedWork
from core.tasks import Job
from demos.gaussians.decoder import Decoder, decode
from demos.gaussians.field import LanguageField
from demos.gaussians.mixtures import LEAST_TOTAL, gaussian_mixtures, pixel_mixtures
from demos.gaussians.raster_threads import share, thread_count
from demos.gaussians.scene import Floats
from demos.gaussians.weights import ViewWeights

CACHE_BYTES = 640 << 20  # three levels of a LangSplat scene at 200,000 pixels take 615 MB, of an uplifted one about 60
_OWN_CODES = 32_768  # decoded for the Gaussians themselves, whose relevancies are averaged with their neighbours'
_Key = tuple[int, int, int]
_PIECE = 65_536
_KEPT_NEGATIVES = 4


class Meant(Protocol):
    """R embeddings that P things (pixels or Gaussians) have: mixtures, or decoded codes."""

    @property
    def norms(self) -> Floats:
        """(R,) lengths of the embeddings before they are normalised; 0 for none."""
        ...

    @property
    def size_bytes(self) -> int:
        """Memory taken."""
        ...

    def dots(self, texts: Floats, *, job: Job | None = None) -> Floats:
        """Products with texts (Q, D) before normalisation: (R, Q)."""
        ...

    def spread(self, values: Floats) -> Floats:
        """Values of the embeddings (R,) -> of the things (P,)."""
        ...


@dataclass(frozen=True, eq=False)
class Texts:
    """Embeddings of a query's and its negatives' texts.

    Attributes:
        query: (D,) float32, unit norm.
        negatives: (J, D) float32, unit norm.
        query_offset: Cosine that the query has with everything; 0 where hubness is left on.
        negative_offsets: (J,) float32, likewise.
        temperature: Of the relevancy.
    """

    query: Floats
    negatives: Floats
    query_offset: float
    negative_offsets: Floats
    temperature: float


class Meanings:
    """P things with their embeddings, asked for relevancies; safe from any thread."""

    def __init__(self, meant: Meant) -> None:
        """Wrap embeddings."""
        self.meant = meant
        self._lock = threading.Lock()
        self._best_negatives: OrderedDict[bytes, Floats] = OrderedDict()

    def relevancy(self, texts: Texts, *, job: Job | None = None) -> Floats:
        """(P,) float32 in [0, 1]; 0 where there is no meaning."""
        from demos.gaussians.pixel_loops import fill_relevancy

        negatives = self._negatives(texts, job)
        dots = np.ascontiguousarray(self.meant.dots(texts.query[None], job=job)[:, 0])
        found, norms = np.empty_like(dots), self.meant.norms
        offset, scale = np.float32(texts.query_offset), np.float32(texts.temperature)
        count = len(dots)

        def part(i: int) -> None:
            first, last = i * _PIECE, min((i + 1) * _PIECE, count)
            fill_relevancy(dots, norms, negatives, offset, scale, first, last, found)

        share(part, -(-count // _PIECE), threads=thread_count(), job=job)
        return self.meant.spread(found)

    def cosines(self, vectors: Floats, *, job: Job | None = None) -> Floats:
        """Cosines of the R embeddings with unit vectors (Q, D): (R, Q) float32, -1 where there is no meaning."""
        dots, norms = self.meant.dots(vectors, job=job), self.meant.norms
        has_meaning = norms > 0
        return np.where(has_meaning[:, None], dots / np.where(has_meaning, norms, 1)[:, None], np.float32(-1.0))

    def _negatives(self, texts: Texts, job: Job | None) -> Floats:
        """(R,) greatest cosine with a negative, kept for the next word."""
        key = texts.negatives.tobytes() + texts.negative_offsets.tobytes()
        with self._lock:
            if key in self._best_negatives:
                self._best_negatives.move_to_end(key)
                return self._best_negatives[key]
        norms = np.where(self.meant.norms > 0, self.meant.norms, 1)
        best = np.full(len(norms), -np.inf, np.float32)
        for first in range(0, len(texts.negatives), 4):
            dots = self.meant.dots(texts.negatives[first : first + 4], job=job)
            cosines = dots / norms[:, None] - texts.negative_offsets[first : first + 4]
            best = np.maximum(best, cosines.max(axis=1))
        with self._lock:
            self._best_negatives[key] = best
            while len(self._best_negatives) > _KEPT_NEGATIVES:
                self._best_negatives.popitem(last=False)
        return best


def of_pixels(view: ViewWeights, field: LanguageField, level: int, *, job: Job | None = None) -> Meanings:
    """What the H * W pixels of a view mean, drawn first and compared then; row by row."""
    if field.codes is None:
        return Meanings(pixel_mixtures(view, field, level, job=job))
    unit, has_code = _unit_codes(field, level)
    drawn = view.render(unit, job=job)
    total = view.render(has_code.astype(np.float32), job=job).reshape(-1)
    codes = drawn.reshape(len(total), -1)
    return Meanings(decode(Decoder.of(field.decoder), codes, total >= LEAST_TOTAL, job=job))


def of_gaussians(field: LanguageField, level: int, *, job: Job | None = None) -> Meanings:
    """What the N Gaussians mean, each by itself."""
    if field.codes is None:
        return Meanings(gaussian_mixtures(field, level, job=job))
    unit, has_code = _unit_codes(field, level)
    return Meanings(decode(Decoder.of(field.decoder), unit, has_code, most_codes=_OWN_CODES, job=job))


def _unit_codes(field: LanguageField, level: int) -> tuple[Floats, NDArray[np.bool_]]:
    """The codes of a level at length 1, as LangSplat draws them, and which Gaussians have one."""
    assert field.codes is not None
    codes = field.codes[:, level]
    lengths = np.linalg.norm(codes, axis=1, keepdims=True)
    return np.ascontiguousarray(codes / np.where(lengths > 0, lengths, np.float32(1.0))), lengths[:, 0] > 0


class MeaningsCache:
    """Meanings by what they belong to: the field, and for pixels the view's weights, too; safe from any thread.

    Those of Gaussians live as long as their field. Those of pixels take more, and of them the least recently used leave
    when they outgrow ``max_bytes``.
    """

    def __init__(self, max_bytes: int = CACHE_BYTES) -> None:
        """Start empty."""
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._pixels: OrderedDict[_Key, tuple[ref[ViewWeights], ref[LanguageField], Meanings]] = OrderedDict()
        self._gaussians: WeakKeyDictionary[LanguageField, dict[int, Meanings]] = WeakKeyDictionary()
        self._inverse: WeakKeyDictionary[ViewWeights, WeakKeyDictionary[LanguageField, Floats]] = WeakKeyDictionary()
        self._work: SharedWork[Meanings] = SharedWork()

    @property
    def size_bytes(self) -> int:
        """Memory taken by the meanings of pixels."""
        with self._lock:
            return self._sizes()

    def pixels(self, view: ViewWeights, field: LanguageField, level: int, *, job: Job | None = None) -> Meanings:
        """See :func:`of_pixels`."""
        key = (id(view), id(field), level)
        with self._lock:
            kept = self._pixels.get(key)
            if kept is not None and kept[0]() is view and kept[1]() is field:
                self._pixels.move_to_end(key)
                return kept[2]
        found = self._work.run(key, lambda inner: of_pixels(view, field, level, job=inner), job=job)
        with self._lock:
            self._pixels[key] = ref(view), ref(field), found
            self._pixels.move_to_end(key)
            for other in [k for k, row in self._pixels.items() if row[0]() is None or row[1]() is None]:
                del self._pixels[other]
            while self._sizes() > self.max_bytes and len(self._pixels) > 1:
                self._pixels.popitem(last=False)
        return found

    def gaussians(self, field: LanguageField, level: int, *, job: Job | None = None) -> Meanings:
        """See :func:`of_gaussians`."""
        with self._lock:
            kept = self._gaussians.setdefault(field, {})
        found = kept.get(level)
        if found is None:
            make = self._work.run((id(field), level), lambda inner: of_gaussians(field, level, job=inner), job=job)
            found = kept.setdefault(level, make)
        return found

    def inverse_shares(self, view: ViewWeights, field: LanguageField, *, job: Job | None = None) -> Floats:
        """(H, W, L) float32: 1 / how much of a pixel has a meaning at each level; 0 below ``LEAST_TOTAL``.

        It depends on no word, and is kept as long as view and field live.
        """
        with self._lock:
            kept = self._inverse.setdefault(view, WeakKeyDictionary()).get(field)
        if kept is not None:
            return kept
        everything = [self.gaussians(field, level, job=job).meant for level in range(len(field.levels))]
        has_meaning = np.column_stack([meant.spread(meant.norms) > 0 for meant in everything]).astype(np.float32)
        totals = view.render(has_meaning, job=job)
        found: Floats = np.where(totals >= LEAST_TOTAL, 1 / np.maximum(totals, np.float32(LEAST_TOTAL)), np.float32(0))
        with self._lock:
            self._inverse.setdefault(view, WeakKeyDictionary())[field] = found
        return found

    def clear(self) -> None:
        """Forget the meanings of pixels."""
        with self._lock:
            self._pixels.clear()
            self._inverse.clear()

    def _sizes(self) -> int:
        return sum(row[2].meant.size_bytes for row in self._pixels.values())
