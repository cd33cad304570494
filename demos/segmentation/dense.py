"""Dense features: pooled inside masks, or held against the words everywhere and drawn out to the picture's size.

Symbols: f_x unit-norm feature of grid cell x, M_n(x) in [0, 1] the share of the cell that mask n fills, t_c word c.

    v_n  = sum_x M_n(x) f_x / sum_x M_n(x)         mask pooling (FC-CLIP, arXiv:2308.02487; MAFT+, arXiv:2408.00744)
    S_xc = f_x . t_c                                pixel-text map (DenseCLIP, Rao et al. 2022, arXiv:2112.01518)

M is the exact share (area weights): by the nearest pixel a small mask would vanish from the grid. A mask that fills
no cell by ``LEAST_COVER`` is read off at its innermost point instead, between the four nearest cells.

Edges: the guided filter fits the probabilities p of one word by a linear function of the colours I around each pixel,
q = a . I + b with a = (cov(I) + eps)^-1 cov(I, p), so that q has edges only where the picture has some. a and b are
found on a small picture and enlarged, which leaves the edges to the full-size I.
Source: He et al. 2013, Guided Image Filtering, TPAMI 35(6), eq. 5, 6, 19, 20; He and Sun 2015, arXiv:1505.00996.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.calibration import unit_rows

Floats = NDArray[np.float32]
LEAST_COVER = 0.25
GUIDE_PX = 160  # longer side of the small picture; a quarter of a 640 px picture, as in the fast filter
GUIDE_RADIUS = 5  # of its box windows, px, at least
GUIDE_EPS = 1e-3  # against noise: colours in [0, 1] that vary less are flat


def covers(cell_map: NDArray[np.int32], count: int, grid_hw: tuple[int, int]) -> Floats:
    """Share of each grid cell that each value of a map fills.

    Args:
        cell_map: (H, W) int32, values from 0 to ``count`` - 1.
        count: Number of values.
        grid_hw: Rows and columns of the grid that covers the same picture.

    Returns:
        (count, h, w) float32; sums to 1 over the values in every cell. A grid finer than the pixels repeats them.
    """
    rows, columns = grid_hw
    height, width = cell_map.shape
    if height < rows or width < columns:
        cell_map = np.repeat(np.repeat(cell_map, -(-rows // height), 0), -(-columns // width), 1)
        height, width = cell_map.shape
    row_edges = np.linspace(0, height, rows + 1).round().astype(int)
    column_edges = np.linspace(0, width, columns + 1).round().astype(int)
    out = np.empty((rows, columns, count), np.float32)
    for i in range(rows):
        band = cell_map[row_edges[i] : row_edges[i + 1]]
        for j in range(columns):
            tile = band[:, column_edges[j] : column_edges[j + 1]]
            out[i, j] = np.bincount(tile.ravel(), minlength=count) / tile.size
    return np.ascontiguousarray(out.transpose(2, 0, 1))


def pooled(grid: Floats, mask_covers: Floats, points_xy: NDArray[np.floating] | None = None) -> Floats:
    """Mean feature inside each mask.

    Args:
        grid: (h, w, D) float32.
        mask_covers: (N, h, w) in [0, 1].
        points_xy: (N, 2) innermost point of each mask, x and y as shares of the picture in [0, 1]; where a mask
            fills no cell well, the grid is read there. None never does.

    Returns:
        (N, D) float32, unit norm; zeros for a mask that fills nothing.
    """
    flat = mask_covers.reshape(len(mask_covers), grid.shape[0] * grid.shape[1])
    means = flat @ grid.reshape(-1, grid.shape[-1]) / np.maximum(flat.sum(axis=1, keepdims=True), 1e-9)
    if points_xy is not None and len(flat):
        is_small = flat.max(axis=1) < LEAST_COVER
        for n in np.flatnonzero(is_small):
            means[n] = read_at(grid, float(points_xy[n, 0]), float(points_xy[n, 1]))
    return unit_rows(means)


def read_at(grid: Floats, x: float, y: float) -> Floats:
    """The grid between its four nearest cells at a place in [0, 1] x [0, 1]; (h, w, D) -> (D,)."""
    weights = [share_matrix(1, size, at) for size, at in zip(grid.shape[:2], (y, x), strict=True)]
    return np.einsum("h,hwd,w->d", weights[0][0], grid, weights[1][0]).astype(np.float32)


def share_matrix(size: int, source: int, at: float | None = None) -> Floats:
    """(size, source) weights that enlarge ``source`` samples to ``size`` linearly, pixel centres at halves.

    Args:
        size: Samples wanted.
        source: Samples there are.
        at: For ``size`` 1: the place in [0, 1] instead of the middle.
    """
    places = np.array([at]) if at is not None else (np.arange(size) + 0.5) / size
    centre = np.clip(places * source - 0.5, 0, source - 1)
    low = np.minimum(centre.astype(np.intp), max(source - 2, 0))
    share = (centre - low).astype(np.float32)
    matrix = np.zeros((len(centre), source), np.float32)
    rows = np.arange(len(centre))
    matrix[rows, low] += 1 - share
    matrix[rows, np.minimum(low + 1, source - 1)] += share
    return matrix


def named_pixels(
    maps: Floats, rgb: NDArray[np.uint8], thresholds: Floats, margin: float, *, guided: bool
) -> NDArray[np.uint8]:
    """Draw maps out to the picture's size and name every pixel as :func:`demos.segmentation.scores.named` does.

    Args:
        maps: (h, w, C + 1) float32 in [0, 1], C words, then "other".
        rgb: (H, W, 3) uint8, the picture that they lie over.
        thresholds: Of each word, (C,) float32.
        margin: Least lead over the second word.
        guided: Whether edges follow the picture.

    Returns:
        (H, W) uint8, position of the word + 1, 0 = other.
    """
    from demos.segmentation.pixel_loops import name_pixels

    fields = _guided_fields(maps, rgb) if guided else maps
    fields = np.ascontiguousarray(fields.reshape(*fields.shape[:2], -1), np.float32)
    down, across = (_neighbours(size, source) for size, source in zip(rgb.shape[:2], fields.shape[:2], strict=True))
    out = np.empty(rgb.shape[:2], np.uint8)
    name_pixels(fields, rgb, down, across, thresholds.astype(np.float32), np.float32(margin), out)
    return out


def _neighbours(size: int, source: int) -> tuple[NDArray[np.intp], Floats]:
    """For each of ``size`` samples the first of its two neighbours among ``source``, and the share of the second."""
    centre = np.clip((np.arange(size) + 0.5) / size * source - 0.5, 0, source - 1)
    low = np.minimum(centre.astype(np.intp), max(source - 2, 0))
    return low, (centre - low).astype(np.float32)


def _guided_fields(maps: Floats, rgb: NDArray[np.uint8]) -> Floats:
    """Coefficients of the guided filter on a small picture: (h', w', 4, K), a for red, green and blue, then b."""
    from PIL import Image

    height, width = rgb.shape[:2]
    scale = min(1.0, GUIDE_PX / max(height, width))
    size_hw = max(1, round(height * scale)), max(1, round(width * scale))
    small = Image.fromarray(rgb).resize((size_hw[1], size_hw[0]), Image.Resampling.BOX)
    guide = np.asarray(small, np.float32) / 255.0
    down, across = share_matrix(size_hw[0], maps.shape[0]), share_matrix(size_hw[1], maps.shape[1])
    fine = np.einsum("Hh,hwk,Ww->HWk", down, maps, across, optimize=True)
    reach = round(max(size_hw) / max(maps.shape[:2]) / 2)  # a window has to see beyond one cell
    return guided_coefficients(guide, fine.astype(np.float32), radius=max(GUIDE_RADIUS, reach))


def guided_coefficients(guide: Floats, maps: Floats, *, radius: int = GUIDE_RADIUS, eps: float = GUIDE_EPS) -> Floats:
    """The linear functions of colour that fit maps best around each pixel, averaged over their windows.

    Args:
        guide: (H, W, 3) float32 in [0, 1].
        maps: (H, W, K) float32.
        radius: Windows have 2 radius + 1 pixels a side.
        eps: Regularisation.

    Returns:
        (H, W, 4, K): q = out[..., 0:3, :] . guide + out[..., 3, :].
    """
    size = 2 * radius + 1
    mean_guide = _box(guide, size)
    mean_maps = _box(maps, size)
    pairs = guide[..., :, None] * guide[..., None, :]
    covariance = _box(pairs, size) - mean_guide[..., :, None] * mean_guide[..., None, :]
    crossed = _box(guide[..., :, None] * maps[..., None, :], size) - mean_guide[..., :, None] * mean_maps[..., None, :]
    inverse = _inverse(covariance.astype(np.float64) + eps * np.eye(3)).astype(np.float32)
    slope = sum(inverse[..., :, j, None] * crossed[..., j, None, :] for j in range(3))
    offset = mean_maps - (slope * mean_guide[..., :, None]).sum(axis=-2)
    return _box(np.concatenate([slope, offset[..., None, :]], axis=-2), size).astype(np.float32)


def _inverse(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of symmetric (..., 3, 3) matrices, by cofactors: a tenth of the time of a solver that is called for each."""
    first, second, third = np.moveaxis(matrices, -1, 0)
    columns = [np.cross(second, third), np.cross(third, first), np.cross(first, second)]
    determinant = (first * columns[0]).sum(axis=-1)
    return np.stack(columns, axis=-1) / determinant[..., None, None]


def _box(values: Floats, size: int) -> Floats:
    """Mean over square windows along the first two axes; the border repeats."""
    from scipy.ndimage import uniform_filter1d

    return uniform_filter1d(uniform_filter1d(values, size, axis=0, mode="nearest"), size, axis=1, mode="nearest")
