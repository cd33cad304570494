"""The weights of a view: which pixel takes how much of which Gaussian, as a sparse matrix W_v (pixels x Gaussians).

A picture is linear in whatever is drawn: pixel p shows sum_i w_i(p) x_i with w_i(p) = alpha_i(p) T_i(p) of the
rasteriser. Stored once, W_v draws any new values of the Gaussians (colours, labels, relevancies) without projecting
and sorting anew, and its transpose carries pixels back to the Gaussians:

    uplift without training     f_i = sum_{v,p} w_i(v,p) F_v(p) / sum_{v,p} w_i(v,p)      (LUDVIG, arXiv:2410.14462)
    gradient by the values      dL/dx = W^T dL/dpicture
    what is under a click       row p of W, front to back
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.shared_work import SharedWork
from core.tasks import Job
from demos.gaussians.cameras import Camera
from demos.gaussians.raster import NEAR, make_frame, prepare
from demos.gaussians.raster_threads import share, thread_count
from demos.gaussians.scene import Floats, GaussianScene

if TYPE_CHECKING:
    from demos.gaussians.raster_frame import Frame, Part

MIB = 1 << 20
MAX_BYTES = 512 * MIB  # of the weights of one view; 300,000 Gaussians at 1440 x 1080 take about 360
CACHE_BYTES = 512 * MIB
GREATEST_LEAST = 0.25  # weights up to here may be left out to fit the budget; more would no longer be the view
_FIRST_LEAST = 1 / 1024
_PIXEL_PIECE = 16_384
_CHANNEL_PIECE = 8


@dataclass(frozen=True, eq=False)
class LabelWeights:
    """How much of every Gaussian the pixels of every label took: W^T times one-hot labels, sparse.

    Attributes:
        starts: (N + 1,) int64, where each Gaussian's labels begin.
        labels: int32, labels, each once a Gaussian.
        weights: float32, sums of w.
    """

    starts: NDArray[np.int64]
    labels: NDArray[np.int32]
    weights: Floats

    def totals(self) -> Floats:
        """(N,) sums of w over all labels."""
        sums = np.concatenate([[0.0], np.cumsum(self.weights, dtype=np.float64)])
        return np.diff(sums[self.starts]).astype(np.float32)

    def sums(self, table: Floats, *, job: Job | None = None) -> Floats:
        """Carry what labels stand for to the Gaussians: (labels, C) -> (N, C) float32, the sums of w table[label]."""
        return _multiply(self.starts, self.labels, self.weights, np.require(table, np.float32, ["C", "A"]), job)


@dataclass(frozen=True, eq=False)
class ViewWeights:
    """W_v in compressed rows: pixels row by row, the Gaussians of a pixel front to back.

    Attributes:
        width: Picture width in pixels.
        height: Picture height in pixels.
        gaussian_count: N.
        starts: (H * W + 1,) int64, where each pixel's weights begin.
        owners: int32, whose weight it is.
        weights: float32, w above ``least``.
        least: Weights up to here were left out; with 0 the products are the rasteriser's pictures within rounding.
    """

    width: int
    height: int
    gaussian_count: int
    starts: NDArray[np.int64]
    owners: NDArray[np.int32]
    weights: Floats
    least: float

    @property
    def size_bytes(self) -> int:
        """Memory taken."""
        return self.starts.nbytes + self.owners.nbytes + self.weights.nbytes

    def render(self, values: NDArray, *, job: Job | None = None) -> Floats:
        """Draw values of the Gaussians over nothing: (N,) -> (H, W), (N, C) -> (H, W, C) float32.

        Raises:
            ValueError: another number of Gaussians.
            Cancelled: ``job`` was cancelled.
        """
        if len(values) != self.gaussian_count or values.ndim > 2:
            raise ValueError(
                f"values must be ({self.gaussian_count},) or ({self.gaussian_count}, C), not {values.shape}"
            )
        columns = np.require(values if values.ndim == 2 else values[:, None], np.float32, ["C", "A"])
        product = _multiply(self.starts, self.owners, self.weights, columns, job)
        return product.reshape(self.height, self.width, *values.shape[1:])

    def sums(self, picture: NDArray, *, job: Job | None = None) -> Floats:
        """Carry a picture back: (H, W) -> (N,), (H, W, C) -> (N, C) float32, the sums of w picture.

        Of the derivative of a loss by the picture it makes the derivative by the drawn values.

        Raises:
            ValueError: another size.
            Cancelled: ``job`` was cancelled.
        """
        if picture.shape[:2] != (self.height, self.width) or picture.ndim > 3:
            raise ValueError(f"the picture must be ({self.height}, {self.width}[, C]), not {picture.shape}")
        prepare(job)
        from demos.gaussians.raster_csr import multiply_back

        pixels = np.require(picture.reshape(self.height * self.width, -1), np.float32, ["C", "A"])
        channels = pixels.shape[1]
        sums = np.zeros((self.gaussian_count, channels), np.float32)

        def part(i: int) -> None:
            last = min((i + 1) * _CHANNEL_PIECE, channels)
            multiply_back(self.starts, self.owners, self.weights, pixels, i * _CHANNEL_PIECE, last, sums)

        share(part, -(-channels // _CHANNEL_PIECE), threads=thread_count(), job=job)
        return sums.reshape(self.gaussian_count, *picture.shape[2:])

    def totals(self, *, job: Job | None = None) -> Floats:
        """(N,) float32: how much of every Gaussian the view shows, in pixels."""
        return self.sums(np.ones((self.height, self.width), np.float32), job=job)

    def by_label(self, labels: NDArray[np.int32], count: int, *, job: Job | None = None) -> LabelWeights:
        """Sum the weights of every Gaussian by the label of the pixel.

        Args:
            labels: (H, W) int32 below ``count``; negative for none.
            count: Number of labels.
            job: Asked for Cancel before the work, which takes 0.1 s for ten million weights.

        Raises:
            ValueError: another size, or a label of ``count`` or more.
        """
        if labels.shape != (self.height, self.width) or (labels.size and int(labels.max()) >= count):
            raise ValueError(f"labels must be ({self.height}, {self.width}) below {count}, not {labels.shape}")
        prepare(job)
        from demos.gaussians.raster_csr import sum_by_label

        flat = np.require(labels.reshape(-1), np.int32, ["C", "A"])
        ends = np.zeros(self.gaussian_count + 1, np.int64)
        found, sums = np.empty(len(self.owners), np.int32), np.empty(len(self.owners), np.float32)
        total = sum_by_label(self.starts, self.owners, self.weights, flat, count, ends, found, sums)
        return LabelWeights(ends, found[:total].copy(), sums[:total].copy())

    def at(self, column: int, row: int) -> tuple[NDArray[np.int32], Floats]:
        """The Gaussians that a pixel shows, front to back, and how much of each.

        Raises:
            ValueError: the pixel is outside the picture.
        """
        if not (0 <= column < self.width and 0 <= row < self.height):
            raise ValueError(f"pixel ({column}, {row}) is outside a picture of {self.width} x {self.height}")
        pixel = row * self.width + column
        entries = slice(int(self.starts[pixel]), int(self.starts[pixel + 1]))
        return self.owners[entries], self.weights[entries]


class Uplift:
    """The mean of pictures by the weights of their views: f_i = sum w F / sum w, view after view."""

    def __init__(self, gaussian_count: int, channels: int) -> None:
        """Start with nothing seen of ``gaussian_count`` Gaussians."""
        self.sums = np.zeros((gaussian_count, channels), np.float32)
        self.totals = np.zeros(gaussian_count, np.float32)

    def add(
        self, view: ViewWeights, picture: Floats, *, mask: NDArray[np.bool_] | None = None, job: Job | None = None
    ) -> None:
        """Add a picture F (H, W, C); pixels outside ``mask`` (H, W) count for nothing, not for zero."""
        if mask is None:
            self.sums += view.sums(picture, job=job)
            self.totals += view.totals(job=job)
        else:
            self.sums += view.sums(np.where(mask[..., None], picture, np.float32(0.0)), job=job)
            self.totals += view.sums(mask.astype(np.float32), job=job)

    def add_labels(
        self, view: ViewWeights, labels: NDArray[np.int32], table: Floats, *, job: Job | None = None
    ) -> None:
        """Add the picture ``table[labels]`` without making it: labels (H, W), negative for none; table (labels, C)."""
        weights = view.by_label(labels, len(table), job=job)
        self.sums += weights.sums(table, job=job)
        self.totals += weights.totals()

    def means(self) -> Floats:
        """(N, C) float32; 0 for a Gaussian that no view shows."""
        seen = np.where(self.totals > 0, self.totals, np.float32(1.0))
        return np.divide(self.sums, seen[:, None], dtype=np.float32)


def view_weights(
    scene: GaussianScene,
    camera: Camera,
    *,
    least: float = 0.0,
    max_bytes: int = MAX_BYTES,
    near: float = NEAR,
    threads: int | None = None,
    job: Job | None = None,
) -> ViewWeights:
    """Compute W_v.

    The weights are counted before they are stored. If they do not fit into ``max_bytes``, the smallest are left out:
    ``least`` is raised to 1/1024 and doubled until they do.

    Args:
        scene: The Gaussians.
        camera: The view.
        least: Weights up to here are left out; 0 keeps all.
        max_bytes: Memory that the result may take.
        near: See :func:`demos.gaussians.raster.render`.
        threads: Likewise.
        job: Asked for Cancel about every 10 ms of work.

    Raises:
        InputError: even the weights above GREATEST_LEAST do not fit, or the picture is empty or too large.
        Cancelled: ``job`` was cancelled.
    """
    frame = make_frame(scene, camera, near=near, threads=threads, job=job)
    kept = list(islice(frame.parts(job), 2))  # of a huge scene the parts are made anew for every round

    def parts() -> Iterable[Part]:
        return kept if len(kept) < 2 else frame.parts(job)

    pixels = camera.width * camera.height
    nothing = np.empty(0, np.int32), np.empty(0, np.float32)
    while True:
        counts = np.zeros(pixels, np.int64)
        _list(frame, parts(), least, counts, *nothing, job)
        starts = np.concatenate([[0], np.cumsum(counts)])
        needed = starts.nbytes + 8 * int(starts[-1])
        if needed <= max_bytes:
            break
        if 2 * least > GREATEST_LEAST:
            raise InputError(
                f"The weights of this view take {needed / MIB:,.0f} MiB; {max_bytes / MIB:,.0f} MiB are allowed."
            )
        least = max(2 * least, _FIRST_LEAST)
    owners, weights = np.empty(int(starts[-1]), np.int32), np.empty(int(starts[-1]), np.float32)
    _list(frame, parts(), least, starts[:-1].copy(), owners, weights, job)
    return ViewWeights(camera.width, camera.height, len(scene), starts, owners, weights, least)


def _list(
    frame: Frame,
    parts: Iterable[Part],
    least: float,
    filled: NDArray[np.int64],
    owners: NDArray[np.int32],
    weights: Floats,
    job: Job | None,
) -> None:
    """Count the weights of all tiles into ``filled``, or write them where it says."""
    from demos.gaussians.raster_tiles import list_weights

    for part in parts:

        def piece(i: int, part: Part = part) -> None:
            list_weights(
                *(frame.splats.reshape(-1), part.entries, part.starts, part.pieces[i]),
                *(frame.tile_columns, frame.camera.width, frame.camera.height, least),
                *(filled, owners, weights),
            )

        share(piece, len(part.pieces), threads=frame.threads, job=job)


def _multiply(
    starts: NDArray[np.int64], owners: NDArray[np.int32], weights: Floats, values: Floats, job: Job | None
) -> Floats:
    """A matrix in compressed rows times ``values`` (N, C): (rows, C) float32."""
    prepare(job)
    from demos.gaussians.raster_csr import multiply

    count = len(starts) - 1
    product = np.empty((count, values.shape[1]), np.float32)

    def part(i: int) -> None:
        multiply(starts, owners, weights, values, i * _PIXEL_PIECE, min((i + 1) * _PIXEL_PIECE, count), product)

    share(part, -(-count // _PIXEL_PIECE), threads=thread_count(), job=job)
    return product


class ViewCache:
    """Weights of views by what they depend on, the least recently used leave first; safe from any thread.

    They depend on the Gaussians' places, shapes and opacities, not on colours: a recoloured scene finds its views
    again. Who asks for a view that is being computed waits for it.
    """

    def __init__(self, max_bytes: int = CACHE_BYTES) -> None:
        """Start empty; a view larger than ``max_bytes`` is handed out and not kept."""
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._views: OrderedDict[Any, ViewWeights] = OrderedDict()
        self._names: WeakKeyDictionary[GaussianScene, bytes] = WeakKeyDictionary()
        self._work: SharedWork[ViewWeights] = SharedWork()

    @property
    def size_bytes(self) -> int:
        """Memory taken by the views that are kept."""
        with self._lock:
            return sum(view.size_bytes for view in self._views.values())

    def get(
        self,
        scene: GaussianScene,
        camera: Camera,
        *,
        least: float = 0.0,
        near: float = NEAR,
        job: Job | None = None,
    ) -> ViewWeights:
        """The weights of a view, kept or computed; see :func:`view_weights`."""
        if job is not None:
            job.check()
        lens = (camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy)
        pose = np.asarray(camera.world_to_cam, np.float64)[:3].tobytes()
        key = (self._name(scene), lens, pose, least, near)
        return self._kept(key) or self._work.run(
            key,
            lambda inner: self._compute(key, lambda: view_weights(scene, camera, least=least, near=near, job=inner)),
            job=job,
        )

    def clear(self) -> None:
        """Forget all views."""
        with self._lock:
            self._views.clear()

    def _kept(self, key: Any) -> ViewWeights | None:
        with self._lock:
            if key in self._views:
                self._views.move_to_end(key)
            return self._views.get(key)

    def _compute(self, key: Any, compute: Callable[[], ViewWeights]) -> ViewWeights:
        view = self._kept(key) or compute()  # kept: computed between the caller's look and this thread's start
        with self._lock:
            self._views[key] = view
            size = sum(kept.size_bytes for kept in self._views.values())
            while size > self.max_bytes:
                size -= self._views.popitem(last=False)[1].size_bytes
        return view

    def _name(self, scene: GaussianScene) -> bytes:
        """A hash of what the weights depend on, computed once a scene: 15 ms for 300,000 Gaussians."""
        with self._lock:
            name = self._names.get(scene)
        if name is None:
            digest = hashlib.blake2b(digest_size=20)
            for array in (scene.means_xyz, scene.log_scales, scene.quats_wxyz, scene.opacity_logits):
                digest.update(np.ascontiguousarray(array).data)
            name = digest.digest()
            with self._lock:
                self._names[scene] = name
        return name
