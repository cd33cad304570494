"""What the small map loses: the same network at every pixel of a photo, in the scale that it was taught.

A network that learnt on pictures of S px sees a thirtieth of one of 1,000 px when run on it, and answers another
question. Asked at every pixel in its own scale it does as much work, r^2 small pictures with r = longer side / S:

    x'  = mean of x over the r x r pixels around each pixel           what one pixel of the small copy is
    I   = interleaved net(x'[i::r, j::r]) for i, j in 0 ... r - 1     each phase a picture of the taught side

which inside the picture is the network with its convolutions dilated by r. Nothing of the drawing along edges is in it.

Source: dilated convolutions as interleaved phases ("shift and stitch"), Long et al. 2015, arXiv:1411.4038, section 3.2.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.measure import Measurement
from core.backlight import darkened, drawn_mask
from demos.enhancement.light_map import enhanced
from demos.enhancement.methods import LightSource, field_of
from demos.enhancement.options import EnhanceOptions, Method

Floats = NDArray[np.float32]
Rgb = NDArray[np.uint8]
RATIO = 17  # r of the test pictures
STOPS = 2.5  # EV that their subjects lose


def sliding_mean(values: Floats, size: int) -> Floats:
    """Mean over ``size`` x ``size`` pixels around each (an odd number), edges repeated; (H, W, C) -> (H, W, C)."""
    reach = size // 2
    out = np.pad(values.astype(np.float64), ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    for axis in (0, 1):
        sums = np.cumsum(np.insert(out, 0, 0.0, axis=axis), axis=axis)
        ends = np.arange(size, sums.shape[axis])
        out = (np.take(sums, ends, axis) - np.take(sums, ends - size, axis)) / size
    return out.astype(np.float32)


def dense_light(rgb: Rgb, method: Method, *, model: LightSource, ratio: int) -> Floats:
    """The light of every pixel, (H, W), of a picture whose sides are multiples of ``ratio``.

    Raises:
        ValueError: they are not.
    """
    height, width = rgb.shape[:2]
    if height % ratio or width % ratio:
        raise ValueError(f"{width} x {height} is not made of phases of {ratio}")
    means = np.rint(sliding_mean(rgb.astype(np.float32), ratio)).astype(np.uint8)
    light = np.empty((height, width), np.float32)
    for top in range(ratio):
        for left in range(ratio):
            phase = np.ascontiguousarray(means[top::ratio, left::ratio])
            light[top::ratio, left::ratio] = model.light(phase, method)
    return light


def divided(rgb: Rgb, light: Floats) -> Floats:
    """A picture by its light, in [0, 1]."""
    made: Floats = np.clip(rgb / np.float32(255) / light[..., None], 0, 1)
    return made


def psnr(error: Floats, weight: NDArray[np.float64] | None = None) -> float:
    """-10 log10 of the (weighted) mean squared error; of (H, W, 3) in [0, 1]."""
    squares = np.square(error.astype(np.float64)).mean(axis=2)
    mean = squares.mean() if weight is None else float((squares * weight).sum() / max(weight.sum(), 1.0))
    return float(-10 * np.log10(max(mean, 1e-10)))


def mended(rgb: Rgb, method: Method, model: LightSource, options: EnhanceOptions) -> Floats:
    """A picture by the light of its small copy, as the tab makes it, in [0, 1]."""
    small = Image.fromarray(rgb)
    small.thumbnail((model.map_px, model.map_px), Image.Resampling.BOX)
    field = field_of(np.asarray(small), method, model=model)
    return enhanced(rgb, field, options).astype(np.float32) / np.float32(255)


def dark_pictures(pictures: Sequence[Floats], side_px: int) -> list[Rgb]:
    """Pictures whose subject lost ``STOPS`` EV, ``RATIO`` times ``side_px`` wide and three quarters of that high."""
    rng = np.random.default_rng(11)
    size = (RATIO * side_px, RATIO * (side_px * 3 // 4))
    made = []
    for picture in pictures:
        image = Image.fromarray(np.rint(picture * 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
        good = np.asarray(image, np.float32) / np.float32(255)
        dark = darkened(good, drawn_mask(size[1], size[0], rng), STOPS, rng)
        made.append(np.rint(dark * 255).astype(np.uint8))
    return made


def measure_dense(
    pictures: Sequence[Floats], method: Method, model: LightSource, options: EnhanceOptions
) -> list[Measurement]:
    """Our photo against both ways of running the network at every pixel, on backlit pictures."""
    naive, dense, dense_s, naive_s = [], [], 0.0, 0.0
    dark = dark_pictures(pictures, model.map_px)
    for rgb in dark:
        ours = mended(rgb, method, model, options)
        start_s = time.process_time()
        whole = model.light(rgb, method)
        naive_s += time.process_time() - start_s
        start_s = time.process_time()
        every = dense_light(rgb, method, model=model, ratio=RATIO)
        dense_s += time.process_time() - start_s
        naive.append(psnr(divided(rgb, whole) - ours))
        dense.append(psnr(divided(rgb, every) - ours))
    height, width = dark[0].shape[:2]
    where = f"{len(dark)} photos of {width} x {height}, subject {STOPS:g} EV darker"
    spans = [f"{min(found):.1f} to {max(found):.1f}" for found in (dense, naive)]
    return [
        Measurement(
            "agreement with the network at every pixel in its own scale, dB", float(np.mean(dense)), None, "", 31.0,
            True, f"{where}; {spans[0]} dB; {dense_s:.0f} CPU s, the naive way {naive_s:.0f}",
        ),
        Measurement(
            "agreement with the network run naively on the same, dB", float(np.mean(naive)), None, "", 31.0,
            True, f"{where}; {spans[1]} dB",
        ),
    ]  # fmt: skip
