"""From a photo to the same photo in better light; knows no Gradio.

    enhance   everything: light map, division at full resolution, noise, file, measures

The map is predicted on a small copy (core.light, :mod:`.methods`), drawn along the photo's edges and applied to the
file's own values in bands (:mod:`.light_map`), so that size, depth, profile and metadata stay (:mod:`.photo`).
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from core.image_text import ImageTextModel
from core.light import LightScale
from core.light_field import LightField, luma_of
from core.tasks import Job
from demos.enhancement.answers import Enhancement
from demos.enhancement.denoise import Denoiser, denoised, noise_of
from demos.enhancement.light_map import enhanced
from demos.enhancement.light_score import SCORED_PX, light_of, scale_for
from demos.enhancement.measures import Tones, tone_curve, tones_of
from demos.enhancement.methods import LightSource, field_of, small_px
from demos.enhancement.options import LEARNT, EnhanceOptions
from demos.enhancement.photo import SUFFIXES, Photo, Values, written

__all__ = ["EnhanceOptions", "Enhancement", "Photo", "enhance"]

SHOWN_PX = 1_280  # longer side of the copies for the page
WELL_LIT_SHARE = 0.08  # of the photo: if less of it misses light, it is left alone
MISSING_BELOW = 0.85  # map values below this mean that light is missing

WELL_LIT = "This photo is well lit already: nothing was changed. Turn the check off to enhance it all the same."
NO_STRENGTH = "With strength 0 the photo stays as it is, byte by byte."
ALL_BLACK = "Every pixel is black: there is no light to divide by."
ALL_WHITE = "Every pixel is white: nothing can be lifted."
TWO_TONES = "It holds only black and white: there are no shadows to lift."


def enhance(
    photo: Photo,
    options: EnhanceOptions | None = None,
    *,
    light: LightSource | None,
    clip: ImageTextModel | None = None,
    scale: LightScale | None = None,
    denoiser: Denoiser | None = None,
    job: Job | None = None,
) -> Enhancement:
    """Enhance a photo.

    Args:
        photo: Of :func:`demos.enhancement.photo.read_photo`.
        options: None takes the defaults.
        light: The networks; None only for the methods without one.
        clip: Who judges the light before and after; None leaves that out.
        scale: What is asked of it; None takes what came with the networks, or phrases.
        denoiser: The diffusion model, where the options want one; None takes the filter.
        job: Where progress is told and Cancel is asked.

    Returns:
        The answer; its file is ``photo.source`` itself where there was nothing to do.

    Raises:
        InputError: an option is out of range.
        ModelUnavailable: the networks lack the method.
        Cancelled: the job was cancelled.
    """
    options = options or EnhanceOptions()
    options.check()
    seconds: dict[str, float] = {}
    start_s = time.perf_counter()
    if job is not None:
        job.step("running", note="looking at the light")
    field = field_of(
        photo.small_rgb(small_px(options.method, light)), options.method, model=light, job=job
    )  # fmt: skip
    seconds["map"] = _lap(start_s)
    before, tones_before = _seen(photo, photo.values)
    shown_map = field.small(luma_of(before))
    why = _why_not(photo, options, shown_map)
    sigma = noise_of(photo.values)
    values, is_cleaned = photo.values, False
    if not why:
        model = denoiser if options.denoiser == "diffusion" else None
        values, is_cleaned = _lifted(photo, field, options, sigma, model, seconds, job)
    start_s = time.perf_counter()
    is_unchanged = values is photo.values
    unchanged = photo.source, before, tones_before
    file, after, tones_after = unchanged if is_unchanged else _written_and_seen(photo, values)
    seconds["file"] = _lap(start_s)
    start_s = time.perf_counter()
    lights: tuple[float | None, ...] = (None, None)
    if clip is not None:
        lights = _judged([before, after], clip, scale, light, job)
        seconds["judge"] = _lap(start_s)
    models = [light.name] if light is not None and options.method in LEARNT else []
    models += [denoiser.name] if denoiser is not None and options.denoiser == "diffusion" and is_cleaned else []
    return Enhancement(
        file=file,
        name=_name_of(photo, is_unchanged=is_unchanged),
        method=options.method,
        before=before,
        after=after,
        light_map=shown_map,
        tones_before=tones_before,
        tones_after=tones_after,
        curve=tone_curve(luma_of(before), luma_of(after)),
        light_before=lights[0],
        light_after=lights[1],
        noise=sigma,
        is_unchanged=is_unchanged,
        seconds=seconds,
        models=tuple([*models, clip.name] if clip is not None else models),
        notes=(*([why] if why else []), *photo.notes),
    )


def _seen(photo: Photo, values: Values) -> tuple[NDArray[np.uint8], Tones]:
    """The small copy of a photo's values for the page, and their light."""
    return photo.small_rgb(SHOWN_PX, values), tones_of(values)


def _written_and_seen(photo: Photo, values: Values) -> tuple[bytes, NDArray[np.uint8], Tones]:
    """The file with other values, and what :func:`_seen` says of them, at the same time."""
    with ThreadPoolExecutor(1) as beside:
        writing = beside.submit(written, photo, values)
        after, tones = _seen(photo, values)
        return writing.result(), after, tones


def _lifted(
    photo: Photo,
    field: LightField,
    options: EnhanceOptions,
    sigma: float,
    model: Denoiser | None,
    seconds: dict[str, float],
    job: Job | None,
) -> tuple[Values, bool]:
    """The values in better light, and whether noise was taken out of them; both stages add their time."""
    start_s = time.perf_counter()
    lifted = enhanced(photo.values, field, options, job=job)
    seconds["apply"] = _lap(start_s)
    start_s = time.perf_counter()
    values = denoised(lifted, photo.values, field, options, sigma=sigma, model=model, job=job)
    if values is not lifted:
        seconds["noise"] = _lap(start_s)
    return values, values is not lifted


def _why_not(photo: Photo, options: EnhanceOptions, light_map: NDArray[np.float32]) -> str:
    """Why nothing is to be done, one sentence; empty where something is."""
    if options.strength == 0:
        return NO_STRENGTH
    lowest, highest = int(photo.values.min()), int(photo.values.max())
    if highest == 0:
        return ALL_BLACK
    if lowest == photo.top:
        return ALL_WHITE
    if photo.values.shape[2] == 1 and not ((photo.values != 0) & (photo.values != photo.top)).any():
        return TWO_TONES
    if options.skips_well_lit and float((light_map < MISSING_BELOW).mean()) < WELL_LIT_SHARE:
        return WELL_LIT
    return ""


def _judged(
    pictures: list[NDArray[np.uint8]],
    clip: ImageTextModel,
    scale: LightScale | None,
    light: LightSource | None,
    job: Job | None,
) -> tuple[float, ...]:
    """CLIP's opinion of the small copies."""
    from PIL import Image

    small = []
    for rgb in pictures:
        image = Image.fromarray(rgb)
        image.thumbnail((SCORED_PX, SCORED_PX))
        small.append(np.asarray(image))
    source = light if hasattr(light, "scale") else None
    return light_of(small, clip, scale or scale_for(clip, source, job=job), job=job)  # type: ignore[arg-type]


def _name_of(photo: Photo, *, is_unchanged: bool) -> str:
    """``holiday.jpg`` -> ``holiday-lit.jpg``; a file that did not change keeps its name."""
    path = PurePath(photo.name or "photo")
    if is_unchanged and path.suffix:
        return path.name
    return f"{path.stem or 'photo'}-lit{SUFFIXES[photo.kind]}"


def _lap(start_s: float) -> float:
    return time.perf_counter() - start_s


def apply_to(photo: Photo, field: LightField, options: EnhanceOptions, *, job: Job | None = None) -> Values:
    """A photo's values divided by a light that is known already: for a strength that moves."""
    options.check()
    return enhanced(photo.values, field, options, job=job)
