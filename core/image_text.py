"""What tabs need from an image-text model: embeddings of pictures, texts and patches in one space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from core.tasks import Job

if TYPE_CHECKING:
    from core.calibration import Calibration

Scoring = Literal["softmax", "sigmoid"]


class Truncation(Protocol):
    """A text that was longer than the model reads: ``limit`` of its ``tokens`` were kept."""

    @property
    def text(self) -> str:
        """The whole text."""
        ...

    @property
    def tokens(self) -> int:
        """How many tokens it has."""
        ...

    @property
    def limit(self) -> int:
        """How many of them were read."""
        ...


class ImageTextModel(Protocol):
    """An image-text encoder; core.clip.ClipEncoder is one, tests hand in a stub.

    Attributes:
        name: Name in the catalogue.
        scoring: How the model was trained: softmax over the texts (CLIP) or a sigmoid per text (SigLIP).
        logit_scale: What cosines are multiplied with, already exponentiated (100 for OpenAI's CLIP).
        logit_bias: What is added after scaling; 0 for softmax models.
        calibration: Temperature, background bank and threshold that came with the weights.
    """

    @property
    def name(self) -> str:
        """Name in the catalogue."""
        ...

    @property
    def scoring(self) -> Scoring:
        """Softmax or sigmoid."""
        ...

    @property
    def logit_scale(self) -> float:
        """Factor on cosines."""
        ...

    @property
    def logit_bias(self) -> float:
        """Summand after scaling."""
        ...

    @property
    def calibration(self) -> Calibration:
        """What came with the weights."""
        ...

    def encode_images(self, images: Sequence[NDArray[np.uint8]], *, job: Job | None = None) -> NDArray[np.float32]:
        """(H, W, 3) pictures -> (N, D) unit norm."""
        ...

    def encode_texts(self, texts: Sequence[str], *, job: Job | None = None) -> NDArray[np.float32]:
        """Texts -> (M, D) unit norm."""
        ...

    def encode_patches(
        self, image: NDArray[np.uint8], *, size_px: int | None = None, job: Job | None = None
    ) -> NDArray[np.float32]:
        """One (H, W, 3) picture -> (h, w, D) unit norm; the grid covers the whole picture."""
        ...

    @property
    def patch_sides_px(self) -> tuple[int, ...]:
        """(S,) sizes at which patches are worth asking for; the mean over several, and their mirrors, is meant."""
        ...

    def truncated(self, texts: Sequence[str]) -> tuple[Truncation, ...]:
        """Those of the texts that are longer than the model reads."""
        ...
