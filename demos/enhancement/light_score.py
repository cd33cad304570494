"""What CLIP thinks of the light of a picture: how far its embedding lies along a direction from backlit to well lit.

    light(x) = (<Phi(x), v_r> - dark) / (lit - dark)     about 0 for backlit pictures, about 1 for well-lit ones

v_r comes from pictures where the networks brought it for this encoder (core.light), else from phrases. A score of one
picture is noisy: what it shows says more than how it is lit. The difference between before and after is what counts.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.image_text import ImageTextModel
from core.light import LightScale
from core.light_losses import residual_of
from core.tasks import Job

WELL_LIT = ("a well lit photo", "a bright photo with good exposure", "a photo in good light")
BACKLIT = ("a backlit photo", "a dark underexposed photo", "a photo in bad light")
SCORED_PX = 336  # longer side of what is sent to the encoder


class ScaleSource(Protocol):
    """What may bring a direction of light; core.light.LightModel does."""

    @property
    def scale(self) -> LightScale | None:
        """The direction, or None."""
        ...


def scale_for(clip: ImageTextModel, source: ScaleSource | None, *, job: Job | None = None) -> LightScale:
    """The direction of light for an encoder: of pictures where there is one for it, else of phrases."""
    if source is not None and source.scale is not None and source.scale.encoder == clip.name:
        return source.scale
    rows = clip.encode_texts([*WELL_LIT, *BACKLIT], job=job)
    residual = residual_of(rows[: len(WELL_LIT)], rows[len(WELL_LIT) :])
    scores = residual.score(rows)
    lit, dark = float(scores[: len(WELL_LIT)].mean()), float(scores[len(WELL_LIT) :].mean())
    return LightScale(clip.name, residual, dark, lit)


def light_of(
    pictures: list[NDArray[np.uint8]], clip: ImageTextModel, scale: LightScale, *, job: Job | None = None
) -> tuple[float, ...]:
    """The light of small pictures (h, w, 3) sRGB."""
    return tuple(scale.light(row) for row in clip.encode_images(pictures, job=job))
