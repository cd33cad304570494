"""What every reader hands back, and what every reader does to the rows of a stranger before it does.

A reader decodes a format into a scene whose values may be anything; :func:`finished` drops what cannot be shown,
says so, and promises a valid scene. Before that, :func:`rows_in_budget` picks the Gaussians worth decoding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from demos.gaussians.cameras import Camera
from demos.gaussians.scene import BLACK, Floats, GaussianScene, Language

MAX_GAUSSIANS = 3_000_000  # 708 MB with SH of degree 3; a LangSplat scene has some 2.5 million
MAX_READ = 10_000_000  # beyond this a file is refused rather than thinned out

UP_IS_MINUS_Y = (0.0, -1.0, 0.0)  # COLMAP's world and all that was trained in it: y points down
UP_IS_Z = (0.0, 0.0, 1.0)

# Beyond these nothing sensible can be drawn and float32 overflows when it is squared.
_MAX_COORDINATE = 1e9
_MAX_LOG_SCALE = 20.0
_MAX_SH = 1e6
_MIN_LOG_SCALE = -30.0  # 1e-13: flat for every purpose; log 0 ends here
_LEAST_SHARE = 1 / 1024  # a quarter of a byte's step: invisible, and 255 comes back as 255
_MAX_LOGIT = 80.0  # the logit of 1 ends here; exp of it is still finite


@dataclass(frozen=True, eq=False)
class ReadScene:
    """A scene out of a file.

    Attributes:
        scene: The Gaussians, valid.
        notes: Sentences about what was left out, mended or assumed.
        kind: What the file was, in words: ``"3DGS .ply"``.
        cameras: Views that came with it; the first one is the one to start from. May be empty.
        up_xyz: The direction that points up, as far as the format tells.
        background_rgb: What the scene is to be seen over, in [0, 1], as far as the format tells.
    """

    scene: GaussianScene
    notes: tuple[str, ...] = ()
    kind: str = ""
    cameras: tuple[Camera, ...] = ()
    up_xyz: tuple[float, float, float] = UP_IS_MINUS_Y
    background_rgb: tuple[float, float, float] = BLACK


def check_count(count: int, shown: str) -> None:
    """Refuse by the header's number alone what holds nothing or far too much.

    Raises:
        InputError: no Gaussian, or more than ``MAX_READ``.
    """
    if count == 0:
        raise InputError(f"{shown} holds no Gaussian.")
    if count > MAX_READ:
        raise InputError(f"{shown} claims {count:,} Gaussians; at most {MAX_READ:,} are read.")


def logits_of_bytes(opacity: NDArray[np.uint8]) -> Floats:
    """Opacities 0 to 255 -> logits; the ends stay finite, on the near side of the next rounding."""
    share = np.clip(opacity.astype(np.float32) / 255, np.float32(_LEAST_SHARE), np.float32(1 - _LEAST_SHARE))
    return np.log(share) - np.log1p(-share)


def rows_in_budget(
    opacity_logits: Floats, log_scales: Floats, budget: int, notes: list[str]
) -> NDArray[np.intp] | slice:
    """Pick the rows to decode: all of them, or the ``budget`` most important ones in the file's order.

    Importance is opacity times the area of the greatest cross-section, the product of the two longest axes.

    Args:
        opacity_logits: (N,) as in the file.
        log_scales: (N, 3) as in the file.
        budget: Most rows to keep.
        notes: Receives a sentence if some are left out.
    """
    count = len(opacity_logits)
    if count <= budget:
        return slice(None)
    with np.errstate(all="ignore"):
        log_opacity = -np.logaddexp(0.0, -opacity_logits.astype(np.float64))
        log_area = log_scales.sum(1, dtype=np.float64) - log_scales.min(1)
        importance = np.nan_to_num(log_opacity + log_area, nan=-np.inf)
    kept = np.sort(np.argpartition(importance, count - budget)[count - budget :])
    notes.append(
        f"Of its {count:,} Gaussians the {budget:,} with the most opacity times area are kept; the others are left out."
    )
    return kept


def finished(
    scene: GaussianScene,
    notes: list[str],
    *,
    shown: str,
    kind: str,
    cameras: tuple[Camera, ...] = (),
    up_xyz: tuple[float, float, float] = UP_IS_MINUS_Y,
) -> ReadScene:
    """Drop rows that are not numbers or out of all proportion, mend quaternions, and check the rest.

    Args:
        scene: float32 arrays of the right shapes with any values; its arrays may be changed in place.
        notes: What the reader has to say so far.
        shown: The file's name in sentences.
        kind: What the file is.
        cameras: Views that came with it.
        up_xyz: Where up is.

    Raises:
        InputError: nothing usable is left.
    """
    scene = _with_sound_rows(scene, notes)
    if not len(scene):
        raise InputError(f"{shown} holds no usable Gaussian: no row has finite values of sensible size.")
    quats = _mended(scene.quats_wxyz, notes)
    scene = replace(
        scene,
        log_scales=np.maximum(scene.log_scales, np.float32(_MIN_LOG_SCALE)),
        opacity_logits=np.clip(scene.opacity_logits, np.float32(-_MAX_LOGIT), np.float32(_MAX_LOGIT)),
        quats_wxyz=quats,
        language=None if scene.language is None else _with_unit_features(scene.language),
    )
    return ReadScene(scene.validated(), tuple(notes), kind, cameras, up_xyz)


def _with_sound_rows(scene: GaussianScene, notes: list[str]) -> GaussianScene:
    """Leave out the rows that cannot be drawn; an infinite logit or the logarithm of 0 is no fault."""
    sound = np.ones(len(scene), bool)
    limits: tuple[tuple[Floats, float, float], ...] = (
        (scene.means_xyz, -_MAX_COORDINATE, _MAX_COORDINATE),
        (scene.log_scales, -np.inf, _MAX_LOG_SCALE),
        (scene.quats_wxyz, -_MAX_COORDINATE, _MAX_COORDINATE),
        (scene.opacity_logits, -np.inf, np.inf),
        (scene.sh, -_MAX_SH, _MAX_SH),
    )
    if scene.language is not None and scene.language.codes is not None:
        limits += ((scene.language.codes, -_MAX_SH, _MAX_SH),)
    for array, low, high in limits:
        # A NaN anywhere makes min and max NaN: two quick passes find out whether the slow one is needed.
        if array.size and not (array.min() >= low and array.max() <= high):
            sound &= ((array >= low) & (array <= high)).reshape(len(array), -1).all(1)
    left_out = int(len(sound) - sound.sum())
    if not left_out:
        return scene
    what = "1 Gaussian was" if left_out == 1 else f"{left_out:,} Gaussians were"
    notes.append(f"{what} left out: values that are not finite or out of all proportion.")
    return scene.take(sound)


def _mended(quats_wxyz: Floats, notes: list[str]) -> Floats:
    """Quaternions of unit length; those that have it keep every bit, those of length 0 become the identity."""
    squares = np.einsum("nk,nk->n", quats_wxyz, quats_wxyz)
    off = np.flatnonzero(np.abs(squares - 1) > 1e-5)
    if not off.size:
        return quats_wxyz
    mended = quats_wxyz.copy()
    wide = quats_wxyz[off].astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    is_zero = lengths[:, 0] < 1e-12
    mended[off] = np.where(is_zero[:, None], (1.0, 0.0, 0.0, 0.0), wide / np.where(is_zero[:, None], 1.0, lengths))
    if is_zero.any():
        count = int(is_zero.sum())
        told = "1 rotation of length 0 was" if count == 1 else f"{count:,} rotations of length 0 were"
        notes.append(f"{told} taken as no rotation.")
    return mended


def _with_unit_features(language: Language) -> Language:
    """Embeddings of unit length; a row of zeros stays, a row that is not finite becomes one."""
    if language.features is None or not language.features.size:
        return language
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(language.features, axis=1, keepdims=True)
    if np.all(np.abs(lengths - 1) <= 1e-5):
        return language
    is_usable = np.isfinite(lengths) & (lengths > 0)
    return replace(language, features=np.where(is_usable, language.features / np.where(is_usable, lengths, 1), 0))
