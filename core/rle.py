"""Masks as COCO run lengths: what annotation tools read, in a few hundred bytes a mask.

A mask is read column by column (as Fortran stores it); the lengths of its runs alternate, zeros first, so that a mask
which begins with a one begins with a run of length 0. "Compressed" text then holds, for each run, its difference to
the run two before it (from the fourth on): five bits a character, least significant first, bit 5 says that more
follow, the highest bit of the last five is the sign, and 48 is added to make it printable.
Source: the format as pycocotools 2.0 reads and writes it; written from that description, without a loop over runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

_BITS, _MORE, _SIGN, _FIRST = 5, 0x20, 0x10, 48
_MAX_CHARACTERS = 13  # 64 bits in groups of five


class Rle(TypedDict):
    """One mask: ``size`` is [height, width], ``counts`` the compressed run lengths."""

    size: list[int]
    counts: str


def encode(mask: NDArray[np.bool_]) -> Rle:
    """Compress a mask.

    Args:
        mask: (H, W) bool.

    Returns:
        The object that COCO's annotations hold, character for character what pycocotools makes.

    Raises:
        ValueError: not (H, W) bool.
    """
    if mask.ndim != 2 or mask.dtype != np.bool_:
        raise ValueError(f"a mask is (H, W) bool, not {mask.shape} {mask.dtype}")
    return {"size": [int(side) for side in mask.shape], "counts": _to_text(_run_lengths(mask))}


def decode(rle: Mapping[str, Any]) -> NDArray[np.bool_]:
    """The mask again; (H, W) bool.

    Args:
        rle: ``size`` and ``counts``, compressed text (str or bytes) or a list of run lengths.

    Raises:
        ValueError: the runs do not fill the size.
    """
    height, width = (int(side) for side in rle["size"])
    runs = _runs_of(rle["counts"])
    if (runs < 0).any() or runs.sum() != height * width:
        raise ValueError(f"the runs fill {runs.sum()} px of a mask of {height} x {width}")
    ones = (np.arange(len(runs)) & 1).astype(bool)
    return np.repeat(ones, runs).reshape(width, height).T


def area(rle: Mapping[str, Any]) -> int:
    """Pixels inside the mask, counted without decoding it."""
    return int(_runs_of(rle["counts"])[1::2].sum())


def _run_lengths(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts_with_one = [0] if flat.size and flat[0] else []
    ends = np.concatenate([[0], starts_with_one, changes, [flat.size]]).astype(np.int64)
    return ends[1:] - ends[:-1]


def _runs_of(counts: Any) -> NDArray[np.int64]:
    if isinstance(counts, (str, bytes)):
        return _from_text(counts.encode("ascii") if isinstance(counts, str) else counts)
    return np.asarray(counts, np.int64)


def _to_text(runs: NDArray[np.int64]) -> str:
    """Compress run lengths: a table of one row a run, one column a character, read where a run still has some."""
    left = runs.copy()
    left[3:] -= runs[1:-2]
    table = np.zeros((len(left), _MAX_CHARACTERS), np.uint8)
    is_used = np.zeros(table.shape, bool)
    unfinished = np.ones(len(left), bool)
    for place in range(_MAX_CHARACTERS):
        low = left & (2**_BITS - 1)
        left >>= _BITS
        more = unfinished & np.where(low & _SIGN, left != -1, left != 0)
        table[:, place] = low + _MORE * more + _FIRST
        is_used[:, place] = unfinished
        unfinished = more
        if not unfinished.any():
            break
    return table[is_used].tobytes().decode("ascii")


def _from_text(text: bytes) -> NDArray[np.int64]:
    codes = np.frombuffer(text, np.uint8).astype(np.int64) - _FIRST
    if not codes.size or (codes < 0).any() or (codes >= 64).any() or codes[-1] & _MORE:
        raise ValueError("the run lengths are not compressed as COCO does it")
    ends = np.flatnonzero(~(codes & _MORE).astype(bool))
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > _MAX_CHARACTERS:
        raise ValueError("a run length has too many characters")
    shift = _BITS * (np.arange(len(codes)) - np.repeat(starts, lengths))
    runs = np.add.reduceat((codes & (2**_BITS - 1)) << shift, starts)
    is_negative = (codes[ends] & _SIGN).astype(bool) & (lengths < _MAX_CHARACTERS)  # the last one has its sign in it
    runs[is_negative] -= 1 << (_BITS * lengths[is_negative])
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs
