"""Recolouring that an image-text model guides: twelve numbers, so that a selection looks like a text or a picture.

The job of CLIP-NeRF (Wang et al. 2022, arXiv:2112.05139) on an affine colour map c' = M c + t of the selection. A
picture is linear in the colours, so with A = W (s c) and B = W s of a view, the picture after the map is

    I' = I + (M - 1) A + t B

and a candidate costs a few sums a pixel and one look of the image tower. No gradient is needed: a grid of tints is
scored first, then the twelve numbers wander around the best of them by an evolution strategy.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.image_text import ImageTextModel
from core.tasks import Job
from demos.gaussians.cameras import Camera
from demos.gaussians.colour import colours_from
from demos.gaussians.edits import AffineColour, tint
from demos.gaussians.scene import Floats, GaussianScene
from demos.gaussians.weights import ViewWeights

HUES = 12
ROUNDS, WANDERERS, PARENTS = 3, 12, 3
_STEPS = (0.16, 0.10, 0.06)  # of the twelve numbers, a round each
_PRICE = 0.01  # of the squared distance of the map from the identity: no stronger change than the model asks for
_LEAST_SHARE = 0.05  # of the selection in a pixel, to belong to the crop
_MARGIN = 0.15


_Row: TypeAlias = tuple[float, int, AffineColour, float]  # score less price, number, map, score


@dataclass(frozen=True, eq=False)
class Piece:
    """What a view shows of a selection, cropped around it.

    Attributes:
        rgb: (h, w, 3) float32 in [0, 1], the picture as it is.
        own: (h, w, 3) float32, the selection's share of it: A.
        share: (h, w) float32 in [0, 1], how much of a pixel is the selection: B.
    """

    rgb: Floats
    own: Floats
    share: Floats

    def mapped(self, colour: AffineColour) -> NDArray[np.uint8]:
        """The picture with the selection's colours mapped, uint8."""
        change = (colour.matrix - np.eye(3)).astype(np.float32)
        picture = self.rgb + self.own @ change.T + self.share[..., None] * colour.offset.astype(np.float32)
        return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Guided:
    """What the search came to.

    Attributes:
        colour: The map.
        before: Mean cosine of the pieces with the target as they were.
        after: With the map.
        tried: How many maps were looked at.
    """

    colour: AffineColour
    before: float
    after: float
    tried: int


def piece_of(
    view: ViewWeights, scene: GaussianScene, camera: Camera, weights: Floats, *, job: Job | None = None
) -> Piece | None:
    """Crop a view around a soft selection (N,); None if the view hardly shows it."""
    colours = colours_from(scene.sh, scene.means_xyz, camera.centre_xyz)
    rgb = view.render(colours, job=job)
    own = view.render(colours * weights[:, None], job=job)
    share = view.render(weights, job=job)
    rows, columns = np.nonzero(share > _LEAST_SHARE)
    if not rows.size:
        return None
    top, bottom = _with_margin(int(rows.min()), int(rows.max()) + 1, view.height)
    left, right = _with_margin(int(columns.min()), int(columns.max()) + 1, view.width)
    crop = slice(top, bottom), slice(left, right)
    return Piece(np.clip(rgb[crop], 0, 1), own[crop], share[crop])


def guided_colour(
    pieces: Sequence[Piece],
    target: Floats,
    mean_rgb: NDArray[np.float64],
    *,
    model: ImageTextModel,
    seed: int = 0,
    job: Job | None = None,
) -> Guided:
    """Search for the map under which the pieces look most like the target.

    Args:
        pieces: Views of the selection, at least one.
        target: (D,) unit embedding of a text or a picture.
        mean_rgb: (3,) mean colour of the selection, where tints start from.
        model: The encoder.
        seed: Of the wandering; the same seed gives the same map.
        job: Told how many candidates are done; asked for Cancel.
    """
    total = 1 + len(_tints(mean_rgb)) + ROUNDS * WANDERERS
    done = 0

    def scores_of(colours: Sequence[AffineColour]) -> list[float]:
        nonlocal done
        found = []
        for colour in colours:
            if job is not None:
                job.step("running", done, total, unit="colours")
            rows = model.encode_images([piece.mapped(colour) for piece in pieces])
            found.append(float((rows @ target).mean()))
            done += 1
        return found

    start = AffineColour.identity()
    colours = [start, *_tints(mean_rgb)]
    raw = scores_of(colours)
    before = raw[0]
    pool = _ranked([(score - _price(c), i, c, score) for i, (score, c) in enumerate(zip(raw, colours, strict=True))])
    rng = np.random.default_rng(seed)
    for step in _STEPS[:ROUNDS]:
        parents = [row[2] for row in pool[-PARENTS:]]
        children = [_wandered(parents[i % len(parents)], step, rng) for i in range(WANDERERS)]
        found = scores_of(children)
        rows = [(s - _price(c), done + i, c, s) for i, (s, c) in enumerate(zip(found, children, strict=True))]
        pool = _ranked([*pool, *rows])
    _, _, best, after = pool[-1]
    return Guided(best, before, after, done)


def _ranked(rows: list[_Row]) -> list[_Row]:
    """The best last; of equals the one that was tried last."""
    return sorted(rows, key=lambda row: row[:2])


def _tints(mean_rgb: NDArray[np.float64]) -> list[AffineColour]:
    """Colours to start from: hues in two strengths, and greys from dark to light."""
    targets = [
        colorsys.hsv_to_rgb(i / HUES, saturation, value)
        for saturation, value in ((0.85, 0.8), (0.5, 0.6))
        for i in range(HUES)
    ]
    targets += [(value,) * 3 for value in (0.08, 0.35, 0.65, 0.95)]
    return [tint(target, mean_rgb) for target in targets]


def _wandered(colour: AffineColour, step: float, rng: np.random.Generator) -> AffineColour:
    return AffineColour(colour.matrix + rng.normal(0, step, (3, 3)), colour.offset + rng.normal(0, step / 2, 3))


def _price(colour: AffineColour) -> float:
    return _PRICE * float(((colour.matrix - np.eye(3)) ** 2).sum() + (colour.offset**2).sum())


def _with_margin(low: int, high: int, most: int) -> tuple[int, int]:
    spare = round(_MARGIN * (high - low)) + 2
    return max(0, low - spare), min(most, high + spare)
