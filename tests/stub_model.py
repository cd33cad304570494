"""An image-text model whose geometry is known: a colour in the picture is the colour word in the text.

Axes of the embedding: one for each colour of ``COLOURS``, one that everything shares (cosines of a real
model are rarely near zero), and ``HASHED`` for words that name no colour. A picture is the share of its
pixels that lie nearest to each colour; a text is the sum of its colour words.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.tasks import Job

COLOURS = {
    "red": (220, 30, 30),
    "green": (30, 160, 50),
    "blue": (40, 60, 220),
    "yellow": (240, 220, 40),
    "orange": (250, 140, 20),
    "black": (10, 10, 10),
    "white": (250, 250, 250),
    "gray": (128, 128, 128),
}
SYNONYMS = {"crimson": "red", "scarlet": "red", "azure": "blue", "grey": "gray", "lime": "green", "golden": "yellow"}
HASHED = 16
SHARED = 0.5  # length of the part that all embeddings have in common, against 1 for a colour
DIM = len(COLOURS) + 1 + HASHED
PATCH_PX = 8


@dataclass(frozen=True)
class StubCalibration:
    """The fields of core.calibration.Calibration, all neutral."""

    temperature: float = 1.0
    image_mean: NDArray[np.float32] | None = None
    image_bank: NDArray[np.float32] | None = None
    unknown_threshold: float | None = None
    note: str = ""


@dataclass(frozen=True)
class StubTruncation:
    """A text that was cut."""

    text: str
    tokens: int
    limit: int


def solid(colour: str, size_wh: tuple[int, int] = (32, 32)) -> NDArray[np.uint8]:
    """A picture of one colour, (H, W, 3)."""
    return np.full((size_wh[1], size_wh[0], 3), COLOURS[colour], np.uint8)


def halves(left: str, right: str, size_wh: tuple[int, int] = (64, 32)) -> NDArray[np.uint8]:
    """A picture of two colours side by side, (H, W, 3)."""
    rgb = solid(left, size_wh)
    rgb[:, size_wh[0] // 2 :] = COLOURS[right]
    return rgb


def _unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def _colour_shares(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(..., K, 3) pixels -> (..., C) share of the K nearest to each colour."""
    palette = np.array(list(COLOURS.values()), np.float64)
    distances = ((pixels[..., None, :].astype(np.float64) - palette) ** 2).sum(-1)
    return np.eye(len(palette))[distances.argmin(-1)].mean(-2)


def _embed_pixels(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    shares = _colour_shares(pixels)
    vectors = np.zeros((*shares.shape[:-1], DIM))
    vectors[..., : len(COLOURS)] = shares
    vectors[..., len(COLOURS)] = SHARED
    return _unit(vectors)


def _embed_text(text: str) -> NDArray[np.float32]:
    words = [SYNONYMS.get(word, word) for word in re.findall(r"\w+", text.lower())]
    vector = np.zeros(DIM)
    for word in words:
        if word in COLOURS:
            vector[list(COLOURS).index(word)] += 1.0
    if not vector.any():
        seed = int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big")
        vector[len(COLOURS) + 1 :] = np.random.default_rng(seed).standard_normal(HASHED)
    vector /= np.linalg.norm(vector)
    vector[len(COLOURS)] = SHARED
    return _unit(vector)


@dataclass
class StubModel:
    """The model; ``seconds_per_item`` makes it slow, so that Cancel and progress can be tried."""

    name: str = "stub"
    scoring: Literal["softmax", "sigmoid"] = "softmax"
    logit_scale: float = 10.0
    logit_bias: float = 0.0
    calibration: Any = field(default_factory=StubCalibration)
    max_tokens: int = 77
    seconds_per_item: float = 0.0
    dim: int = DIM
    size_bytes: int = 1_000
    texts_seen: list[str] = field(default_factory=list)
    images_seen: int = 0
    image_batches: list[int] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def patch_sides_px(self) -> tuple[int, ...]:
        return (32,)

    def _work(self, count: int, unit: str, job: Job | None) -> None:
        for done in range(count):
            if job is not None:
                job.step("running", done, count, unit=unit)
                if self.seconds_per_item:
                    job.wait(self.seconds_per_item)

    def encode_images(self, images: Sequence[NDArray[np.uint8]], *, job: Job | None = None) -> NDArray[np.float32]:
        self._work(len(images), "images", job)
        with self._lock:
            self.images_seen += len(images)
            self.image_batches.append(len(images))
        if not images:
            return np.zeros((0, DIM), np.float32)
        return np.stack([_embed_pixels(image.reshape(-1, 3)) for image in images])

    def encode_texts(self, texts: Sequence[str], *, job: Job | None = None) -> NDArray[np.float32]:
        self._work(len(texts), "texts", job)
        with self._lock:
            self.texts_seen.extend(texts)
        if not texts:
            return np.zeros((0, DIM), np.float32)
        return np.stack([_embed_text(text) for text in texts])

    def encode_patches(
        self, image: NDArray[np.uint8], *, size_px: int | None = None, job: Job | None = None
    ) -> NDArray[np.float32]:
        self._work(1, "images", job)
        height, width = image.shape[:2]
        rows = np.linspace(0, height, max(1, height // PATCH_PX) + 1).astype(int)
        columns = np.linspace(0, width, max(1, width // PATCH_PX) + 1).astype(int)
        grid = [
            [_embed_pixels(image[top:bottom, left:right].reshape(-1, 3)) for left, right in pairwise(columns)]
            for top, bottom in pairwise(rows)
        ]
        return np.array(grid, np.float32)

    def truncated(self, texts: Sequence[str]) -> tuple[StubTruncation, ...]:
        counts = [(text, len(text.split())) for text in texts]
        return tuple(StubTruncation(text, n, self.max_tokens) for text, n in counts if n > self.max_tokens)
