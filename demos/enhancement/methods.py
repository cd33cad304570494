"""Where light is missing, by any of the methods, as a field that a photo of any size can be divided by.

    rave, clip-lit, clip-lit-latent   I from a network (core.light_net) on a small copy, then the guided filter
    retinex                           T = guided filter of max(R, G, B), guided by itself; I = T^(1 - 0.6)
    gamma                             I = g^(1 - gamma), gamma so that the mean luma becomes 118 / 255

Retinex in the form of Guo et al. 2017, LIME, DOI 10.1109/TIP.2016.2639450, with a guided filter in place of its solver.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.light_field import Floats, LightField, guided, luma_of, network_field
from core.light_net import LEAST_MAP, MOST_MAP
from core.tasks import Job
from demos.enhancement.options import LEARNT, Method

RETINEX_GAMMA = 0.6
RETINEX_RADIUS = 12  # cells of the small copy
TARGET_LUMA = 118 / 255  # what people call well exposed, in display light
GAMMA_RANGE = (0.2, 1.0)  # auto-gamma brightens, it never darkens
SMALL_PX = 512  # longer side of the small copy for methods without a network


class LightSource(Protocol):
    """The networks; core.light.LightModel is one, tests hand in a stub."""

    @property
    def name(self) -> str:
        """Name in the catalogue."""
        ...

    @property
    def map_px(self) -> int:
        """Longer side of the picture on which maps are best predicted."""
        ...

    def light(self, rgb: NDArray[np.uint8], method: str, *, job: Job | None = None) -> NDArray[np.float32]:
        """(h, w, 3) -> (h, w), 1 where there is enough light."""
        ...


def small_px(method: Method, model: LightSource | None) -> int:
    """Longer side of the small copy that a method looks at."""
    return model.map_px if method in LEARNT and model is not None else SMALL_PX


def field_of(
    rgb: NDArray[np.uint8], method: Method, *, model: LightSource | None, job: Job | None = None
) -> LightField:
    """The light of a photo.

    Args:
        rgb: A small copy of it, (h, w, 3) sRGB, of :func:`small_px`.
        method: Which way.
        model: The networks, for those that need one.
        job: Asked for Cancel.

    Raises:
        ValueError: the method needs a network and there is none.
    """
    luma = luma_of(rgb)
    if method == "gamma":
        return LightField(luma, luma, power=1 - auto_gamma(luma))
    if method == "retinex":
        light = retinex_light(rgb)
    else:
        if model is None:
            raise ValueError(f"the method {method} needs a network")
        return network_field(luma, model.light(rgb, method, job=job))
    return LightField(*guided(luma, np.clip(light, LEAST_MAP, MOST_MAP).astype(np.float32)))


def retinex_light(rgb: NDArray[np.uint8]) -> Floats:
    """I of the Retinex baseline, (h, w)."""
    brightest = rgb.max(axis=2).astype(np.float32) / 255
    slope, offset = guided(brightest, brightest, radius=RETINEX_RADIUS, eps=1e-2)
    smooth = np.clip(slope * brightest + offset, 1e-2, 1.0)
    light: Floats = smooth ** np.float32(1 - RETINEX_GAMMA)
    return light


def auto_gamma(luma: Floats, target: float = TARGET_LUMA) -> float:
    """The exponent in ``GAMMA_RANGE`` by which the mean luma comes nearest to ``target``; by bisection."""
    low, high = GAMMA_RANGE
    for _ in range(30):
        middle = (low + high) / 2
        if float((np.maximum(luma, 1e-3) ** np.float32(middle)).mean()) > target:
            low = middle
        else:
            high = middle
    return (low + high) / 2
