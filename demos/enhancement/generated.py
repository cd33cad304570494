"""A photo drawn anew by a generative model, as a comparison only: every pixel of it is invented.

drift   1 - correlation of both pictures' edges (gradient lengths of the luma): what became of the shapes
alike   cosine of both pictures to CLIP: what became of the content
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import InputError
from core.image_text import ImageTextModel
from core.light import LightScale
from core.light_field import luma_of
from core.tasks import Job
from demos.enhancement.light_score import scale_for
from demos.enhancement.photo import Photo

Rgb = NDArray[np.uint8]
LONGEST_PX, MULTIPLE_PX = 384, 64
STEPS = (5, 50)
MOST_LETTERS = 200


class Editor(Protocol):
    """Draws pictures anew by an instruction; core.diffusion_latent.LatentDiffusion is one."""

    name: str

    def edited(self, rgb: Rgb, instruction: str, *, steps: int = ..., seed: int = ..., job: Job | None = None) -> Rgb:
        """(H, W, 3) -> (H, W, 3), sides multiples of ``MULTIPLE_PX``."""
        ...


@dataclass(frozen=True, eq=False)
class Generated:
    """What came of it.

    Attributes:
        before: (h, w, 3), the small copy that was given.
        after: Of the same size, drawn anew.
        drift: Of the edges, in [0, 2].
        alike: Cosine to CLIP.
        light_before: CLIP's opinion of the light.
        light_after: The same of what was drawn.
        model: Who drew.
        seconds: Wall time.
    """

    before: Rgb
    after: Rgb
    drift: float
    alike: float
    light_before: float
    light_after: float
    model: str
    seconds: float


def drawn_anew(
    photo: Photo,
    instruction: str,
    *,
    editor: Editor,
    clip: ImageTextModel,
    scale: LightScale | None = None,
    steps: int = 15,
    seed: int = 0,
    job: Job | None = None,
) -> Generated:
    """Let a generative model draw a small copy of a photo anew.

    Args:
        photo: Of :func:`demos.enhancement.photo.read_photo`.
        instruction: As "make it well lit".
        editor: The model.
        clip: Who judges light and likeness.
        scale: What it is asked; None asks by phrases.
        steps: Of the scheduler, within ``STEPS``.
        seed: Of the noise.
        job: Told the steps done; asked for Cancel between them.

    Raises:
        InputError: an empty or endless instruction, or steps out of range.
        Cancelled: the job was cancelled.
    """
    words = instruction.strip()
    if not 1 <= len(words) <= MOST_LETTERS:
        raise InputError(
            f"The instruction has {len(words)} letters; write from 1 to {MOST_LETTERS}, as: make it well lit."
        )
    if not STEPS[0] <= steps <= STEPS[1]:
        raise InputError(f"The number of steps is {steps}; it must be from {STEPS[0]} to {STEPS[1]}.")
    begin_s = time.perf_counter()
    before = fitted(photo.small_rgb(LONGEST_PX))
    after = editor.edited(before, words, steps=steps, seed=seed, job=job)
    rows = clip.encode_images([before, after], job=job)
    scale = scale or scale_for(clip, None, job=job)
    return Generated(
        before=before,
        after=after,
        drift=edge_drift(before, after),
        alike=float(rows[0] @ rows[1]),
        light_before=scale.light(rows[0]),
        light_after=scale.light(rows[1]),
        model=editor.name,
        seconds=time.perf_counter() - begin_s,
    )


def fitted(rgb: Rgb) -> Rgb:
    """The picture with its sides brought to the nearest multiples of ``MULTIPLE_PX``, at least one of them each."""
    height, width = (max(1, round(side / MULTIPLE_PX)) * MULTIPLE_PX for side in rgb.shape[:2])
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC))


def edge_drift(before: Rgb, after: Rgb) -> float:
    """1 - correlation of the lengths of both lumas' gradients; 0 for the same shapes, about 1 for others."""
    lengths = []
    for rgb in (before, after):
        luma = luma_of(rgb).astype(np.float64)
        down, across = np.gradient(luma)
        lengths.append(np.hypot(down, across).ravel())
    a, b = (one - one.mean() for one in lengths)
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return 1.0 if size < 1e-9 else 1 - float(a @ b) / size
