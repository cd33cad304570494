"""Run lengths: known masks by hand, a slow twin, pycocotools character for character, and back again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from core.rle import area, decode, encode

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))


def _slow_text(mask: np.ndarray) -> str:
    """The format written down as a loop over pixels and a loop over runs."""
    runs, value, length = [], False, 0
    for pixel in mask.T.reshape(-1):
        if pixel != value:
            runs.append(length)
            value, length = bool(pixel), 0
        length += 1
    runs.append(length)
    text = ""
    for place, run in enumerate(runs):
        left = run - runs[place - 2] if place > 2 else run
        while True:
            low, left = left & 31, left >> 5
            more = left != (-1 if low & 16 else 0)
            text += chr(48 + low + 32 * more)
            if not more:
                break
    return text


def test_known_masks() -> None:
    mask = np.zeros((3, 4), bool)
    mask[1, 2] = True  # column by column: 7 zeros, 1 one, 4 zeros
    assert encode(mask) == {"size": [3, 4], "counts": "714"}
    assert encode(np.zeros((3, 4), bool))["counts"] == "<"  # 12 = chr(60) - 48
    assert encode(np.ones((3, 4), bool))["counts"] == "0<"  # begins with no zeros
    assert decode({"size": [3, 4], "counts": [7, 1, 4]})[1, 2]


@pytest.mark.parametrize("name", ["empty", "full", "first pixel", "last pixel", "ring", "noise", "stripes", "one row"])
def test_round_trip_slow_twin_and_pycocotools(name: str, rng: np.random.Generator) -> None:
    mask = np.zeros((61, 83), bool)
    if name == "full":
        mask[:] = True
    elif name == "first pixel":
        mask[0, 0] = True
    elif name == "last pixel":
        mask[-1, -1] = True
    elif name == "ring":
        mask[5:50, 7:60] = True
        mask[20:30, 20:40] = False
    elif name == "noise":
        mask = rng.random(mask.shape) < 0.3
    elif name == "stripes":
        mask[:, ::2] = True
    elif name == "one row":
        mask = rng.random((1, 500)) < 0.5
    _check(mask)


@given(MASKS)
def test_any_mask(mask: np.ndarray) -> None:
    _check(mask)


@given(st.integers(1, 900), st.integers(1, 900), st.data())
def test_boxes_with_long_runs(height: int, width: int, data: st.DataObject) -> None:
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    mask = np.zeros((height, width), bool)
    mask[top:, left : left + data.draw(st.integers(1, width))] = True
    rle = encode(mask)
    assert area(rle) == mask.sum() and (decode(rle) == mask).all()
    assert _counts_of_pycocotools(mask) in (None, rle["counts"])


def _check(mask: np.ndarray) -> None:
    rle = encode(mask)
    assert rle["counts"] == _slow_text(mask)
    assert _counts_of_pycocotools(mask) in (None, rle["counts"])
    assert (decode(rle) == mask).all() and decode(rle).dtype == bool
    assert (decode({**rle, "counts": rle["counts"].encode()}) == mask).all()
    assert area(rle) == mask.sum()


def _counts_of_pycocotools(mask: np.ndarray) -> str | None:
    """What the library that everybody reads it with writes; None where it is not installed."""
    try:
        from pycocotools.mask import encode as reference
    except ImportError:
        return None
    counts: bytes = reference(np.asfortranarray(mask.astype(np.uint8)))["counts"]
    return counts.decode()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pycocotools_decodes_ours(rng: np.random.Generator) -> None:
    reference = pytest.importorskip("pycocotools.mask")
    mask = rng.random((97, 54)) < 0.4
    rle = encode(mask)
    assert (reference.decode(rle).astype(bool) == mask).all() and reference.area(rle) == mask.sum()


@pytest.mark.parametrize("mask", [np.zeros(4, bool), np.zeros((2, 2), np.uint8)])
def test_what_is_not_a_mask_is_refused(mask: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"a mask is \(H, W\) bool"):
        encode(mask)


@pytest.mark.parametrize("counts", ["", "7\x7f", "71o", "p" * 20 + "0", "713", [7, -1, 6], [3, 4]])
def test_damaged_runs_are_refused(counts: object) -> None:
    with pytest.raises(ValueError, match="run"):
        decode({"size": [3, 4], "counts": counts})
