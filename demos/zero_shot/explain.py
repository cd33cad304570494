"""Where a model looked: how much each patch of a picture speaks for one label against everything else.

Symbols: p patch embedding, t label embedding, n every other label and the background texts, s scale, T temperature.

    margin(p) = cos(p, t) - max_n cos(p, n)          the patch's relevancy before the sigmoid, LangSplat,
                                                     Qin et al. 2023, arXiv:2312.16084
    heat(p)   = (margin(p) - low) / max(high - low, 2 T / s)

The background texts are what keeps a single label from being hot everywhere (its softmax is 1 on every patch),
and the floor under the range is what keeps a picture of one colour from showing noise: patches that differ by
less than two logits are not blown up to the full scale.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FLOOR_LOGITS = 2.0
_LOW, _HIGH = 0.02, 0.98  # quantiles of the margins that become 0 and 1, so that one odd patch does not set the scale


def margins(cosines: NDArray[np.floating], background: NDArray[np.floating], index: int) -> NDArray[np.float64]:
    """How much nearer each patch is to one label than to its nearest rival.

    Args:
        cosines: Of patches and labels, (P, C).
        background: Of patches and background texts, (P, B), B >= 1.
        index: The label asked for.

    Returns:
        (P,), above 0 where the label wins.
    """
    rivals = np.concatenate([np.delete(cosines, index, axis=1), background], axis=1)
    return cosines[:, index].astype(np.float64) - rivals.max(axis=1)


def heat_of(margin: NDArray[np.floating], *, scale: float) -> NDArray[np.float32]:
    """Margins -> heat in [0, 1], relative to the picture, but flat where the picture is.

    Args:
        margin: (h, w).
        scale: Logits per unit of cosine, s / T.

    Returns:
        (h, w) float32.
    """
    low, high = np.quantile(margin, [_LOW, _HIGH])
    return np.clip((margin - low) / max(high - low, FLOOR_LOGITS / scale), 0.0, 1.0).astype(np.float32)


def enlarged(heat: NDArray[np.floating], size_hw: tuple[int, int]) -> NDArray[np.float32]:
    """Scale a patch grid up to the picture, smoothly; (h, w) -> (H, W) float32 in [0, 1].

    Patch (i, j) stands for the rectangle that it covers, so its centre keeps its value's place.
    """
    image = Image.fromarray(np.asarray(heat, np.float32))
    resized = image.resize((size_hw[1], size_hw[0]), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(resized, np.float32), 0.0, 1.0)
