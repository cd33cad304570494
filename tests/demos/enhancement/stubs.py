"""Stand-ins: a network whose map is known, and an encoder that sees brightness and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.light import LightScale
from core.light_losses import Residual


class StubLight:
    """I = 0.3 + 0.7 luma, so that dark places lack light."""

    name = "stub-light"
    map_px = 64
    scale = LightScale("stub-clip", Residual(np.array([1.0, 0.0], np.float32), 0.0), 0.0, 1.0)

    def light(self, rgb: NDArray[np.uint8], method: str, *, job: Any = None) -> NDArray[np.float32]:
        if job is not None:
            job.check()
        return (0.3 + 0.7 * rgb.astype(np.float32).mean(axis=2) / 255).astype(np.float32)


class StubClip:
    """Embeds a picture by its mean: (m, sqrt(1 - m^2))."""

    name = "stub-clip"

    def encode_images(self, images: Sequence[NDArray[np.uint8]], *, job: Any = None) -> NDArray[np.float32]:
        means = np.array([rgb.mean() / 255 for rgb in images])
        return np.stack([means, np.sqrt(1 - means**2)], axis=1).astype(np.float32)

    def encode_texts(self, texts: Sequence[str], *, job: Any = None) -> NDArray[np.float32]:
        rows = [[0.8, 0.6] if "good" in text or "well" in text or "bright" in text else [0.1, 0.995] for text in texts]
        return np.array(rows, np.float32)
