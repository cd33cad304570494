"""One encoder over every image-text family that transformers knows: pictures and texts into one space.

CLIP, SigLIP and SigLIP 2, Chinese-CLIP, AltCLIP and dual encoders such as the pocket model all answer
``get_image_features`` and ``get_text_features``; what differs lies in their own files and in :mod:`core.clip_files`.
Embeddings are kept by content (picture bytes, exact text), so that asking again costs nothing.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.calibration import Calibration, Scoring, read_calibration, unit_rows
from core.catalog import ModelSpec
from core.clip_dense import (
    DenseMethod,
    grid_hw,
    joined_windows,
    map_embeddings,
    patch_embeddings,
    patch_px,
    sides_px,
    tower_kind,
    window_places,
)
from core.clip_files import Parts, read_parts
from core.clip_prefixes import text_features
from core.device import exclusive
from core.embedding_cache import EmbeddingCache, image_key
from core.errors import ModelUnavailable
from core.memory import give_back_memory
from core.tasks import Job

if TYPE_CHECKING:
    import torch

Rgb = NDArray[np.uint8]  # (H, W, 3), upright sRGB
Embeddings = NDArray[np.float32]
Unit = Literal["images", "texts", "windows"]

BATCH_S = 0.5  # aim of one batch, so that others get the device and Cancel is heard
MAX_BATCH = 64
LEAST_TEXTS = 16  # texts are short: the usual handful of labels goes through in one batch and shares beginnings
LEAST_WINDOWS = 4  # of a small tower: only those are read in windows
DEFAULT_PX = 224  # side of the input where neither processor nor config says it
MAX_ASPECT = 8  # a longer strip is cut to its middle before the centre crop that would throw the rest away anyway


@dataclass(frozen=True)
class Truncation:
    """A text that is longer than the model reads.

    Attributes:
        text: The whole text.
        tokens: How many tokens it has, start and end included.
        limit: How many of them the model reads.
    """

    text: str
    tokens: int
    limit: int


class _Pace:
    """Chooses how many items go into one batch: ``least`` at first, then what fits into ``BATCH_S``."""

    def __init__(self, least: int) -> None:
        self.size = self._least = least

    def note(self, count: int, seconds: float) -> None:
        """Learn from a batch of ``count`` items; grows at most fourfold a step, and not from a small remainder."""
        if count < self.size and seconds < BATCH_S:
            return
        fitting = int(count * BATCH_S / max(seconds, 1e-6))
        self.size = max(self._least, min(fitting, 4 * count, MAX_BATCH))


class ClipEncoder:
    """Pictures and texts to unit vectors of one space; safe to use from many threads.

    Attributes:
        name: Name in the catalogue.
        dim: Length D of an embedding.
        size_bytes: Memory of the weights.
        scoring: ``"softmax"`` (texts compete) or ``"sigmoid"`` (SigLIP: each on its own).
        logit_scale: Factor on cosines, already exponentiated.
        logit_bias: Summand after scaling; 0 for softmax models.
        max_tokens: Longest text that is read whole, in tokens with start and end.
        calibration: What came with the weights; the identity where nothing did.
    """

    def __init__(self, name: str, parts: Parts, calibration: Calibration, *, device: str) -> None:
        """Wrap a loaded checkpoint; :func:`load` is the usual way."""
        network = parts.network
        self.name = name
        self.dim = embedding_length(network)
        self.size_bytes = sum(t.numel() * t.element_size() for t in (*network.parameters(), *network.buffers()))
        self.scoring: Scoring = "sigmoid" if hasattr(network, "logit_bias") else "softmax"
        self.logit_scale = math.exp(float(network.logit_scale))
        self.logit_bias = float(network.logit_bias) if self.scoring == "sigmoid" else 0.0
        self.max_tokens = parts.max_tokens
        self.calibration = calibration
        self.cache = EmbeddingCache()
        self._parts = parts
        self._device = device
        self._tokenizer_lock = threading.Lock()  # fast tokenizers fail when two threads set their padding
        self._paces: dict[Unit, _Pace] = {
            "images": _Pace(1), "texts": _Pace(LEAST_TEXTS), "windows": _Pace(LEAST_WINDOWS),
        }  # fmt: skip
        self._running_job: Job | None = None
        self._check_between_layers()

    def encode_images(self, images: Sequence[Rgb], *, job: Job | None = None) -> Embeddings:
        """Embed pictures.

        Args:
            images: (H, W, 3) uint8 each, upright sRGB, of any sizes.
            job: Asked for Cancel between batches and between layers; told ``done`` of ``total`` images.

        Returns:
            (N, D) float32, unit norm; what ``get_image_features`` of the same checkpoint gives, normalised.

        Raises:
            ValueError: a picture is not (H, W, 3) uint8.
            Cancelled: the job was cancelled; what was finished stays in the cache.
        """
        for rgb in images:
            _check_rgb(rgb)

        def compute(indices: list[int]) -> Iterator[tuple[int, Embeddings]]:
            return self._in_batches(
                indices, "images", lambda batch: self._image_rows([images[i] for i in batch], job), job
            )

        return self._stacked(self.cache.fetch([image_key(rgb) for rgb in images], compute, job=job))

    def encode_texts(self, texts: Sequence[str], *, job: Job | None = None) -> Embeddings:
        """Embed texts; what lies beyond ``max_tokens`` is cut (see :meth:`truncated`).

        Args:
            texts: Any strings; equal ones are embedded once.
            job: As in :meth:`encode_images`.

        Returns:
            (M, D) float32, unit norm.

        Raises:
            Cancelled: the job was cancelled.
        """

        def compute(indices: list[int]) -> Iterator[tuple[int, Embeddings]]:
            # Texts of a batch should begin alike where that is used, else be of one length, for little padding.
            order = sorted(indices, key=lambda i: texts[i] if self._parts.is_causal else len(texts[i]))
            return self._in_batches(order, "texts", lambda batch: self._text_rows([texts[i] for i in batch], job), job)

        return self._stacked(self.cache.fetch(list(texts), compute, job=job))

    def encode_patches(
        self,
        image: Rgb,
        *,
        size_px: int | None = None,
        method: DenseMethod = "naclip",
        job: Job | None = None,
    ) -> Embeddings:
        """Embed the patches of one whole picture, in the space of the texts.

        Args:
            image: (H, W, 3) uint8; the picture is resized to the grid, nothing is cropped away.
            size_px: The grid has as many cells as a square of this side; None takes the trained size.
            method: How patches mix in the last layer; see :mod:`core.clip_dense`.
            job: Asked for Cancel between layers.

        Returns:
            (h, w, D) float32, unit norm; cell (0, 0) is the top left corner, h / w is about H / W.

        Raises:
            ValueError: the picture is not (H, W, 3) uint8.
            ModelUnavailable: the image tower has no patch features.
            Cancelled: the job was cancelled.
        """
        _check_rgb(image)
        network = self._parts.network
        if tower_kind(network) == "other":
            raise ModelUnavailable(f"{self.name} gives no patch features; choose another model for this.")
        size_px = size_px or self.image_px
        cell = patch_px(network)
        rows, columns = grid_hw(*image.shape[:2], size_px=size_px, cell_px=cell)

        def compute(indices: list[int]) -> Iterator[tuple[int, Embeddings]]:
            pixels = self._whole(image, rows * cell, columns * cell)
            yield 0, self._run(lambda: patch_embeddings(network, pixels, method=method), job)

        key = ("patches", image_key(image), rows, columns, method)
        return self.cache.fetch([key], compute, job=job)[0].copy()

    def encode_windows(self, image: Rgb, *, size_px: int, job: Job | None = None) -> Embeddings:
        """Embed one whole picture through overlapping windows of the trained side; for towers that read any size.

        Args:
            image: (H, W, 3) uint8; resized to the grid, nothing is cropped away.
            size_px: The grid has as many cells as a square of this side.
            job: Asked for Cancel between batches of windows.

        Returns:
            (h, w, D) float32, unit norm; a cell is the mean of the windows over it.

        Raises:
            ValueError: the picture is not (H, W, 3) uint8, or ``reads_windows`` is False.
            Cancelled: the job was cancelled.
        """
        _check_rgb(image)
        if not self.reads_windows:
            raise ValueError(f"{self.name} reads pictures whole")
        cell = patch_px(self._parts.network)
        window = max(1, self.image_px // cell)
        grid = grid_hw(*image.shape[:2], size_px=size_px, cell_px=cell)
        places = window_places(*grid, window)

        def compute(indices: list[int]) -> Iterator[tuple[int, Embeddings]]:
            pixels = self._whole(image, grid[0] * cell, grid[1] * cell)
            yield 0, unit_rows(joined_windows(self._window_cells(pixels, places, window * cell, job), places, grid))

        return self.cache.fetch([("windows", image_key(image), *grid)], compute, job=job)[0].copy()

    def _window_cells(
        self, pixels: torch.Tensor, places: Sequence[tuple[int, int]], side: int, job: Job | None
    ) -> Embeddings:
        """Cells of each window; (1, 3, H, W) -> (P, h, w, D) unit norm."""
        import torch

        cell = patch_px(self._parts.network)

        def rows_of(batch: list[int]) -> Embeddings:
            corners = [(places[i][0] * cell, places[i][1] * cell) for i in batch]
            parts = torch.cat([pixels[..., y : y + side, x : x + side] for y, x in corners])
            return self._run(lambda: map_embeddings(self._parts.network, parts), job)

        return np.stack([row for _, row in self._in_batches(list(range(len(places))), "windows", rows_of, job)])

    def _whole(self, image: Rgb, height: int, width: int) -> torch.Tensor:
        """A whole picture at a size, normalised; (H, W, 3) -> (1, 3, height, width)."""
        resized = _resized(image, height, width)
        pixels: torch.Tensor = self._pixels([resized], do_resize=False, do_center_crop=False)["pixel_values"]
        return pixels

    @property
    def reads_windows(self) -> bool:
        """Whether :meth:`encode_windows` works: a ConvNet's tower, which has no positions."""
        return tower_kind(self._parts.network) == "map"

    @property
    def image_px(self) -> int:
        """Side of the square that the image tower was trained on, in pixels."""
        pixels = self._parts.pixels
        size = dict(pixels.crop_size if getattr(pixels, "do_center_crop", False) else pixels.size)
        trained = getattr(self._parts.network.config.vision_config, "image_size", None)
        return int(size.get("height") or size.get("shortest_edge") or trained or DEFAULT_PX)

    @property
    def patch_sides_px(self) -> tuple[int, ...]:
        """Sizes at which patches are worth asking for; see :func:`core.clip_dense.sides_px`."""
        return sides_px(self._parts.network, self.image_px)

    def truncated(self, texts: Sequence[str]) -> tuple[Truncation, ...]:
        """Those of ``texts`` of which the model reads only the beginning, each once, in order."""
        distinct = list(dict.fromkeys(texts))
        if not distinct:
            return ()
        with self._tokenizer_lock:
            ids = self._parts.tokenizer(distinct, padding=False, truncation=False, verbose=False)["input_ids"]
        return tuple(
            Truncation(text, len(tokens), self.max_tokens)
            for text, tokens in zip(distinct, ids, strict=True)
            if len(tokens) > self.max_tokens
        )

    def _in_batches(
        self, indices: list[int], unit: Unit, rows_of: Callable[[list[int]], Embeddings], job: Job | None
    ) -> Iterator[tuple[int, Embeddings]]:
        """Run ``rows_of`` over batches that take about ``BATCH_S`` each; yields (index, row)."""
        pace, done = self._paces[unit], 0
        while done < len(indices):
            if job is not None:
                job.step("running", done, len(indices), unit=unit, note=self.name)
            batch = indices[done : done + pace.size]
            start_s = time.perf_counter()
            rows = rows_of(batch)
            pace.note(len(batch), time.perf_counter() - start_s)
            done += len(batch)
            yield from zip(batch, rows, strict=True)
        if job is not None:
            job.step("running", done, len(indices), unit=unit, note=self.name)

    def _image_rows(self, images: list[Rgb], job: Job | None) -> Embeddings:
        inputs = self._pixels([self._middle(rgb) for rgb in images])
        return self._run(lambda: self._parts.network.get_image_features(**inputs).pooler_output, job)

    def _text_rows(self, texts: list[str], job: Job | None) -> Embeddings:
        parts = self._parts
        limits: dict[str, Any] = {"truncation": True, "max_length": parts.max_tokens}
        if parts.is_causal:
            with self._tokenizer_lock:
                tokens = parts.tokenizer(texts, padding=False, **limits)["input_ids"]
            return self._run(lambda: text_features(parts.network, tokens), job)
        with self._tokenizer_lock:
            padding = "max_length" if parts.pads_to_limit else True
            inputs = parts.tokenizer(texts, padding=padding, return_tensors="pt", **limits)
        inputs = inputs.to(self._device)
        return self._run(lambda: parts.network.get_text_features(**inputs).pooler_output, job)

    def _pixels(self, images: list[Rgb], **options: Any) -> dict[str, Any]:
        """Resize, crop and normalise as the checkpoint's own files say."""
        from PIL import Image

        pictures = [Image.fromarray(rgb) for rgb in images]
        inputs = self._parts.pixels(images=pictures, return_tensors="pt", **options)
        return dict(inputs.to(self._device, self._parts.network.dtype))

    def _middle(self, rgb: Rgb) -> Rgb:
        """Cut a very long strip to its middle, where the centre crop lies (resizing it whole could take gigabytes)."""
        if not dict(self._parts.pixels.size).get("shortest_edge"):
            return rgb
        most = MAX_ASPECT * min(rgb.shape[:2])
        top, left = (max(0, (side - most) // 2) for side in rgb.shape[:2])
        return rgb[top : top + most, left : left + most]

    def _run(self, forward: Callable[[], torch.Tensor], job: Job | None) -> Embeddings:
        """Run one forward pass alone on the device; returns its rows, scaled to unit length, float32."""
        import torch

        with exclusive(self._device, job), torch.inference_mode():
            self._running_job = job
            try:
                rows = forward().float()
            finally:
                self._running_job = None
            rows = rows / rows.norm(dim=-1, keepdim=True)
            return rows.cpu().numpy()

    def _check_between_layers(self) -> None:
        """Hear Cancel inside a forward pass too: a large tower takes seconds for one picture on a CPU."""
        from torch import nn

        def check(*_: Any) -> None:
            if self._running_job is not None:
                self._running_job.check()

        for module in self._parts.network.modules():
            if isinstance(module, nn.ModuleList):
                for layer in module:
                    layer.register_forward_pre_hook(check)

    def _stacked(self, rows: list[Embeddings]) -> Embeddings:
        return np.stack(rows) if rows else np.zeros((0, self.dim), np.float32)


def load(
    folder: Path, spec: ModelSpec, *, device: str = "cpu", dtype: str = "float32", job: Job | None = None
) -> ClipEncoder:
    """Load a checkpoint folder into an encoder.

    Args:
        folder: What :func:`core.checkpoints.resolve` returned.
        spec: Its row of the catalogue.
        device: Where it runs.
        dtype: Number format of the weights; embeddings are float32 whatever it is.
        job: Told the stage; asked for Cancel.

    Raises:
        ModelUnavailable: the folder does not hold a checkpoint that fits together; one sentence.
        Cancelled: the job was cancelled.
    """
    if job is not None:
        job.step("loading", note=spec.title)
    parts = read_parts(folder, spec, device=device, dtype=dtype, job=job)
    calibration = read_calibration(folder, embedding_length(parts.network))
    if device == "cpu":
        give_back_memory()
    return ClipEncoder(spec.name, parts, calibration, device=device)


def embedding_length(network: Any) -> int:
    """Length D of the embeddings of a transformers image-text model."""
    if hasattr(network, "visual_projection"):
        return int(network.visual_projection.out_features)
    return int(network.config.vision_config.hidden_size)


def _check_rgb(rgb: Rgb) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
        raise ValueError(f"a picture is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")


def _resized(rgb: Rgb, height: int, width: int) -> Rgb:
    """Resize bicubically with antialiasing; (H, W, 3) -> (height, width, 3)."""
    from PIL import Image

    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC))
