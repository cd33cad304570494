"""What every Gaussian of a scene means, at several levels: the input of all queries.

Two kinds, never both in one field:

    uplifted    f_i = unit(sum_k weights[i, l, k] table[ids[i, l, k]])     training-free, one table for all levels
    coded       f_i = decoder(codes[i, l])                                 LangSplat's autoencoder (arXiv:2312.16084)

Beside them may stand *objects*: groups of Gaussians with one embedding each, for clicks and whole selections; and
*pieces*: groups that overlap and lie in each other, things and their parts, for queries that answer with groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from demos.gaussians.scene import Floats, Language

LEVELS = ("subpart", "part", "whole")  # SAM's three outputs, LangSplat's levels 1, 2, 3
MAX_LEVELS = 4
MAX_CHOICES = 16  # K of an uplifted field
MAX_MEMBERSHIPS = 64  # pieces that one Gaussian may be in

Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Objects:
    """Groups of Gaussians.

    Attributes:
        ids: (N,) int32, row of ``table`` or -1 for no object.
        table: (O, D) float32, unit norm.
        words: O tuples of words, the best first; may be empty tuples.
    """

    ids: Ints
    table: Floats
    words: tuple[tuple[str, ...], ...] = ()

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Objects:
        """For some of the Gaussians, by mask or index."""
        return replace(self, ids=self.ids[rows])


@dataclass(frozen=True, eq=False)
class Pieces:
    """Groups of Gaussians that may overlap and lie in each other.

    Attributes:
        ids: (N, K) int32, the pieces of each Gaussian in any order, -1 for none.
        levels: (P,) int8, index into the field's levels.
        table: (P, D) float32, unit norm.
        general: (P,) float32: cosine that a piece has with any word, because some are a little like every one.
        support: (P,) float32: added to its cosines; the fewer photos agree on a piece, the more it is below 0.
    """

    ids: Ints
    levels: NDArray[np.int8]
    table: Floats
    general: Floats
    support: Floats

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Pieces:
        """For some of the Gaussians, by mask or index."""
        return replace(self, ids=self.ids[rows])

    def check(self, count: int, level_count: int) -> None:
        """Raise ValueError if it does not fit ``count`` Gaussians and ``level_count`` levels."""
        _check("piece table", self.table, (None, None))
        _check("general likeness of pieces", self.general, (len(self.table),))
        _check("support of pieces", self.support, (len(self.table),))
        if self.ids.ndim != 2 or len(self.ids) != count or self.ids.shape[1] > MAX_MEMBERSHIPS:
            raise ValueError(f"piece ids must be ({count}, 0 to {MAX_MEMBERSHIPS}), not {self.ids.shape}")
        _check_ids("piece ids", self.ids, len(self.table))
        if self.levels.shape != (len(self.table),) or not np.isin(self.levels, range(level_count)).all():
            raise ValueError(f"piece levels must be ({len(self.table)},) from 0 to {level_count - 1}")


@dataclass(frozen=True, eq=False)
class LanguageField:
    """The language of N Gaussians at L levels.

    Attributes:
        model: Name in the catalogue of the image-text model in whose space the embeddings live; "" if unknown.
        levels: Names of the levels, finest first; usually :data:`LEVELS`.
        ids: (N, L, K) int32, rows of ``table``, -1 for none; None for a coded field.
        weights: (N, L, K) float32 >= 0, of ``ids``; need not sum to 1; None for a coded field.
        table: (M, D) float32, unit norm; None for a coded field.
        codes: (N, L, C) float32; None for an uplifted field.
        decoder: Weights by the names of LangSplat's state dict (``decoder.0.weight``, ...); empty without codes.
        objects: Groups, or None.
        pieces: Groups in groups, or None.
    """

    model: str
    levels: tuple[str, ...]
    ids: Ints | None = None
    weights: Floats | None = None
    table: Floats | None = None
    codes: Floats | None = None
    decoder: Mapping[str, Floats] = field(default_factory=dict)
    objects: Objects | None = None
    pieces: Pieces | None = None

    def __len__(self) -> int:
        array = self.codes if self.ids is None else self.ids
        return 0 if array is None else len(array)

    @property
    def is_coded(self) -> bool:
        """Whether a decoder stands between the Gaussians and the embeddings."""
        return self.codes is not None

    @property
    def dim(self) -> int:
        """Length D of the embeddings."""
        if self.table is not None:
            return self.table.shape[1]
        return len(self.decoder[last_layer(self.decoder)])

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> LanguageField:
        """The field of some of the Gaussians, by mask or index; an index may name a row twice. Tables stay whole."""
        return replace(
            self,
            ids=None if self.ids is None else self.ids[rows],
            weights=None if self.weights is None else self.weights[rows],
            codes=None if self.codes is None else self.codes[rows],
            objects=None if self.objects is None else self.objects.take(rows),
            pieces=None if self.pieces is None else self.pieces.take(rows),
        )

    def validated(self, count: int) -> LanguageField:
        """Return itself if it fits ``count`` Gaussians.

        Raises:
            ValueError: an array has another shape or type, a number is not finite, or an id points past its table.
        """
        level_count = len(self.levels)
        if not 1 <= level_count <= MAX_LEVELS or len(set(self.levels)) != level_count:
            raise ValueError(f"a field has 1 to {MAX_LEVELS} levels of different names, not {self.levels}")
        if (self.ids is None) == (self.codes is None):
            raise ValueError("a field is either uplifted (ids, weights, table) or coded (codes, decoder)")
        if self.codes is not None:
            _check("codes", self.codes, (count, level_count, None))
            last_layer(self.decoder)
        else:
            if self.ids is None or self.weights is None or self.table is None:
                raise ValueError("ids, weights and table come together; one of them is missing")
            _check("weights", self.weights, (count, level_count, None))
            if self.ids.shape != self.weights.shape or self.ids.shape[2] > MAX_CHOICES:
                raise ValueError(f"ids are {self.ids.shape}, weights {self.weights.shape}; at most {MAX_CHOICES} each")
            if self.weights.size and float(self.weights.min()) < 0:
                raise ValueError(f"weights must not be negative; one is {float(self.weights.min()):g}")
            _check("table", self.table, (None, None))
            _check_ids("ids", self.ids, len(self.table))
        if self.objects is not None:
            _check("object table", self.objects.table, (None, None))
            if self.objects.ids.shape != (count,):
                raise ValueError(f"object ids must be ({count},), not {self.objects.ids.shape}")
            if self.objects.words and len(self.objects.words) != len(self.objects.table):
                raise ValueError(f"{len(self.objects.words)} word lists for {len(self.objects.table)} objects")
            _check_ids("object ids", self.objects.ids, len(self.objects.table))
        if self.pieces is not None:
            self.pieces.check(count, level_count)
        return self


def from_language(language: Language) -> LanguageField:
    """What a scene file knows as a field; codes win where a file has both kinds."""
    if language.codes is not None and language.decoder:
        return LanguageField(language.model, language.levels, codes=language.codes, decoder=language.decoder)
    if language.ids is None or language.features is None:
        raise ValueError("the language has neither codes with a decoder nor ids with features")
    weights = (language.ids >= 0).astype(np.float32)[..., None]
    return LanguageField(
        language.model, language.levels, ids=language.ids[..., None], weights=weights, table=language.features
    )


def to_language(found: LanguageField) -> Language:
    """The field as scene files of other programs carry it: the heaviest id a level, or the codes."""
    if found.ids is None or found.weights is None:
        return Language(found.levels, found.model, codes=found.codes, decoder=found.decoder)
    best = np.where(found.ids >= 0, found.weights, np.float32(-1.0)).argmax(axis=2)[..., None]
    ids = np.take_along_axis(found.ids, best, axis=2)[..., 0]
    return Language(found.levels, found.model, ids=ids, features=found.table)


def last_layer(decoder: Mapping[str, Floats]) -> str:
    """Name of the last weight matrix of a decoder.

    Raises:
        ValueError: there is none.
    """
    names = sorted((name for name in decoder if name.endswith(".weight")), key=lambda name: int(name.split(".")[1]))
    if not names:
        raise ValueError("codes need a decoder, and none was given")
    return names[-1]


def _check(name: str, array: Floats, shape: tuple[int | None, ...]) -> None:
    fits = array.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape, array.shape, strict=True))
    if array.dtype != np.float32 or not fits:
        raise ValueError(f"{name} must be float32 {shape}, not {array.dtype.name} {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; {int((~np.isfinite(array)).sum())} values are not")


def _check_ids(name: str, ids: Ints, rows: int) -> None:
    if ids.dtype != np.int32:
        raise ValueError(f"{name} must be int32, not {ids.dtype.name}")
    if ids.size and (int(ids.min()) < -1 or int(ids.max()) >= rows):
        raise ValueError(f"{name} must lie in -1..{rows - 1}, not {int(ids.min())}..{int(ids.max())}")
