"""Memory of pictures: used again when nobody looks at it, never before."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from demos.gaussians.raster_sheets import LEAST_BYTES, Sheets

SIDE = 600  # 1.44 MB of float32


def _address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


def test_memory_is_drawn_into_again_once_its_last_view_is_gone() -> None:
    sheets = Sheets()
    first = sheets.take(SIDE, SIDE)
    where = _address(first)
    corner = first[:10, :10].T
    first[:] = 7
    del first
    gc.collect()
    assert sheets.idle_bytes == 0, "a view of it lives"
    other = sheets.take(SIDE, SIDE)
    assert _address(other) != where
    other[:] = 3
    np.testing.assert_array_equal(corner, 7)
    del corner
    gc.collect()
    assert sheets.idle_bytes == 4 * SIDE * SIDE
    again = sheets.take(SIDE // 2, 2 * SIDE)
    assert _address(again) == where and again.shape == (SIDE // 2, 2 * SIDE) and again.flags.c_contiguous
    assert sheets.idle_bytes == 0 and again.flags.writeable


def test_no_two_arrays_share_memory() -> None:
    sheets = Sheets()
    for _ in range(3):
        held = [sheets.take(SIDE, SIDE) for _ in range(4)]
        for value, array in enumerate(held):
            array[:] = value
        assert [float(array.max()) for array in held] == [0, 1, 2, 3] == [float(array.min()) for array in held]
        del held, array


@pytest.mark.parametrize(("rooms", "kept"), [(2, 2), (0, 0)])
def test_no_more_is_kept_than_allowed(rooms: int, kept: int) -> None:
    size = 4 * SIDE * SIDE
    sheets = Sheets(max_bytes=rooms * size)
    held = [sheets.take(SIDE, SIDE) for _ in range(3)]
    del held
    gc.collect()
    assert sheets.idle_bytes == kept * size
    other = sheets.take(2 * SIDE, SIDE)  # another size: what lies idle makes room for it
    assert sheets.idle_bytes == 0
    del other
    gc.collect()
    assert sheets.idle_bytes == (2 * size if rooms else 0)


def test_small_and_empty_arrays_are_numpys_own() -> None:
    sheets = Sheets()
    side = int((LEAST_BYTES // 4) ** 0.5) - 1
    for shape in ((side, side), (0, 5), (40, 30, 0)):
        array = sheets.take(*shape)
        assert array.shape == shape and array.dtype == np.float32
        del array
    gc.collect()
    assert sheets.idle_bytes == 0
