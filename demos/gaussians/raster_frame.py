"""A scene seen by a camera, as far as a picture and the weights of a view have it in common: splats and their bins.

Importing this module compiles the loops or fetches them from the cache (see raster_jit); demos.gaussians.raster does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.tasks import Job
from demos.gaussians.cameras import Camera
from demos.gaussians.raster_bins import (
    MAX_SIDE_PX,
    TILE_H,
    TILE_W,
    count_rows,
    fill_rows,
    fill_tiles,
    span_tiles,
)
from demos.gaussians.raster_project import CAMERA, ROW, project, sort_by_depth
from demos.gaussians.raster_threads import share
from demos.gaussians.scene import Floats, GaussianScene

MAX_PIXELS = 1 << 25  # of a picture
MAX_ROWS = 1 << 23  # rows of tiles of all splats that are held at a time: 134 MB
MAX_ENTRIES = 1 << 25  # splats of all tiles that are held at a time: 134 MB; one tile may have as many as the scene
_PIECE = 8192  # Gaussians projected between two looks at the job: 1 ms
_SPAN_PIECES = 16  # each counts in tables of its own, so that sums do not depend on the number of threads
_TILE_PIECE = 16_384  # entries blended between two looks at the job: 2 ms
_LINE = 64  # bytes of a line of the processor's cache

_CLAMP = 0.3  # of half the field of view, outside the picture on either side: 3DGS's "1.3 tan(fov / 2)"


@dataclass(frozen=True, eq=False)
class Part:
    """Some tiles of the picture and the splats that touch them.

    Attributes:
        entries: int32, splats of every tile, front to back.
        starts: (all tiles + 1,) int64, where in ``entries`` each tile begins.
        pieces: int32 tiles in pieces of like weight, each of neighbours; the heaviest pieces first.
    """

    entries: NDArray[np.int32]
    starts: NDArray[np.int64]
    pieces: tuple[NDArray[np.int32], ...]


@dataclass(frozen=True, eq=False)
class Frame:
    """What of a scene reaches a picture.

    Attributes:
        splats: (N, ROW) float32 of raster_project; row i belongs to Gaussian i and is set if ``order`` has it.
        keys: (N,) uint32 of raster_project.
        order: (S,) int32, Gaussians that reach a pixel, front to back.
        camera: The camera.
        threads: In how many threads the bins are made.
    """

    splats: Floats
    keys: NDArray[np.uint32]
    order: NDArray[np.int32]
    camera: Camera
    threads: int

    @property
    def tile_rows(self) -> int:
        """Rows of tiles."""
        return -(-self.camera.height // TILE_H)

    @property
    def tile_columns(self) -> int:
        """Tiles in a row of tiles."""
        return -(-self.camera.width // TILE_W)

    def parts(self, job: Job | None = None) -> Iterator[Part]:
        """The picture in parts whose bins fit into memory, from the top; most pictures have one."""
        offsets = np.empty(len(self.keys) + 1, np.int64)
        first = 0
        while first < self.tile_rows:
            counts = np.zeros(self.tile_rows + 1, np.int64)
            count_rows(self.splats, self.keys, first, self.tile_rows, offsets, counts)
            held = np.cumsum(counts[first:-1])
            last = first + max(1, int(np.searchsorted(held, MAX_ROWS, side="right")))
            if last < self.tile_rows:
                counts[:] = 0
                count_rows(self.splats, self.keys, first, last, offsets, counts)
            yield from self._parts_of_rows(first, last, offsets, np.cumsum(counts) - counts, job)
            first = last

    def _parts_of_rows(
        self, first: int, last: int, offsets: NDArray[np.int64], begins: NDArray[np.int64], job: Job | None
    ) -> Iterator[Part]:
        """The parts of the rows of tiles ``first`` to ``last - 1``; ``begins`` is where their members begin."""
        columns, total = self.tile_columns, int(offsets[-1])
        spans = np.empty((total, 4), np.int16)
        tables = np.zeros((_SPAN_PIECES, self.tile_rows, columns), np.int64)
        edges = np.linspace(0, len(self.keys), _SPAN_PIECES + 1).astype(np.int64)
        share(
            lambda i: span_tiles(self.splats, offsets, edges[i], edges[i + 1], first, spans, tables[i]),
            _SPAN_PIECES,
            threads=self.threads,
            job=job,
        )
        counts = tables.sum(axis=0).reshape(-1)
        members, reaches = np.empty(total, np.int32), np.empty((total, 2), np.int16)
        fill_rows(self.order, offsets, spans, begins[:-1].copy(), members, reaches)
        left, end = first * columns, last * columns
        while left < end:
            held = np.cumsum(counts[left:end])
            right = left + max(1, int(np.searchsorted(held, MAX_ENTRIES, side="right")))
            yield self._part(left, right, counts, members, reaches, begins, job)
            left = right

    def _part(
        self,
        first: int,
        last: int,
        counts: NDArray[np.int64],
        members: NDArray[np.int32],
        reaches: NDArray[np.int16],
        begins: NDArray[np.int64],
        job: Job | None,
    ) -> Part:
        """The tiles ``first`` to ``last - 1``, counted row by row."""
        columns = self.tile_columns
        starts = np.zeros(len(counts) + 1, np.int64)
        np.cumsum(counts[first:last], out=starts[first + 1 : last + 1])
        starts[last + 1 :] = starts[last]
        entries, filled = np.empty(int(starts[last]), np.int32), starts[:-1].copy()

        def fill(i: int) -> None:
            row = first // columns + i
            ends = filled[row * columns : (row + 1) * columns]
            left, right = max(first - row * columns, 0), min(last - row * columns, columns)
            fill_tiles(members, reaches, begins[row], begins[row + 1], left, right, ends, entries)

        share(fill, (last - 1) // columns - first // columns + 1, threads=self.threads, job=job)
        tiles = along_curve(np.arange(first, last, dtype=np.int32), columns)
        work = counts[tiles] + 16  # an empty tile takes time, too
        pieces = np.split(tiles, np.flatnonzero(np.diff(np.cumsum(work) // _TILE_PIECE)) + 1)
        pieces.sort(key=lambda piece: -int(counts[piece].sum()) // (2 * _TILE_PIECE))  # the usual ones stay in order
        return Part(entries, starts, tuple(pieces))


def make_frame(scene: GaussianScene, camera: Camera, *, near: float, threads: int, job: Job | None = None) -> Frame:
    """Project a scene and sort what reaches the picture.

    Raises:
        InputError: the picture is empty or too large.
        ValueError: the camera's focal lengths or the near depth are not above 0.
        Cancelled: ``job`` was cancelled.
    """
    _check(camera, near)
    count = len(scene)
    splats, keys = aligned_rows(count, ROW), np.empty(count, np.uint32)
    numbers = _camera_numbers(camera, near)
    given = (scene.means_xyz, scene.log_scales, scene.quats_wxyz, scene.opacity_logits, scene.sh)
    means, log_scales, quats, logits, sh = (np.require(array, np.float32, ["C", "A"]) for array in given)

    def piece(i: int) -> None:
        first, last = i * _PIECE, min((i + 1) * _PIECE, count)
        project(means, log_scales, quats, logits, sh, numbers, first, last, splats, keys)

    share(piece, -(-count // _PIECE), threads=threads, job=job)
    order = np.empty(count, np.int32)
    return Frame(splats, keys, order[: sort_by_depth(keys, order)], camera, threads)


def along_curve(tiles: NDArray[np.int32], columns: int) -> NDArray[np.int32]:
    """Tiles in the order of Morton's curve: what neighbours share is still in the cache.

    Args:
        tiles: Numbers of tiles, counted row by row.
        columns: Tiles in a row of tiles; two of them side by side are about a square.
    """
    across, down = tiles.astype(np.int64) % columns, tiles.astype(np.int64) // columns
    places = across & 1
    across >>= 1
    for bit in range(max(MAX_SIDE_PX // TILE_H, MAX_SIDE_PX // (2 * TILE_W)).bit_length()):
        places |= (across >> bit & 1) << (2 * bit + 1) | (down >> bit & 1) << (2 * bit + 2)
    return tiles[np.argsort(places, kind="stable")]


def aligned_rows(count: int, width: int) -> Floats:
    """An uninitialised (count, width) float32 array that begins where a line of the processor's cache does."""
    spare = _LINE // 4
    flat = np.empty(count * width + spare, np.float32)
    skipped = -flat.ctypes.data % _LINE // 4
    return flat[skipped : skipped + count * width].reshape(count, width)


def _check(camera: Camera, near: float) -> None:
    width, height = camera.width, camera.height
    if not (1 <= width <= MAX_SIDE_PX and 1 <= height <= MAX_SIDE_PX and width * height <= MAX_PIXELS):
        raise InputError(
            f"The picture is {width:,} x {height:,} pixels; at most {MAX_SIDE_PX:,} a side and {MAX_PIXELS:,} in all."
        )
    if not (camera.fx > 0 and camera.fy > 0 and near > 0):
        raise ValueError(f"fx, fy and near must be above 0, not {camera.fx}, {camera.fy} and {near}")


def _camera_numbers(camera: Camera, near: float) -> NDArray[np.float64]:
    """The camera as raster_project wants it."""
    width, height = camera.width, camera.height
    spare_x, spare_y = _CLAMP * width / 2 / camera.fx, _CLAMP * height / 2 / camera.fy
    numbers = np.concatenate(
        [
            np.asarray(camera.world_to_cam, np.float64)[:3].reshape(-1),
            (camera.fx, camera.fy, camera.cx, camera.cy, width, height),
            (-camera.cx / camera.fx - spare_x, (width - camera.cx) / camera.fx + spare_x),
            (-camera.cy / camera.fy - spare_y, (height - camera.cy) / camera.fy + spare_y),
            camera.centre_xyz,
            (near,),
        ]
    )
    assert len(numbers) == CAMERA
    return numbers
