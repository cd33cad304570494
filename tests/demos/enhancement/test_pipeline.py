"""From photo to photo: what is kept, what is said, and when nothing is done."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.errors import Cancelled, InputError
from core.tasks import Job
from demos.enhancement import pipeline
from demos.enhancement.light_score import scale_for
from demos.enhancement.options import METHODS, EnhanceOptions
from demos.enhancement.photo import read_photo
from demos.enhancement.pipeline import enhance
from tests.demos.enhancement.stubs import StubClip, StubLight
from tests.demos.enhancement.test_photo import SRGB, exif, lossless_files, saved


def backlit(height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    rgb = np.full((height, width, 3), 225, np.uint8)
    rgb[12:, 16:48] = np.random.default_rng(0).integers(10, 40, (height - 12, 32, 3))
    return rgb


def jpeg() -> bytes:
    return saved(Image.fromarray(backlit()), "JPEG", exif=exif(6), icc_profile=SRGB, quality=95)


def test_a_backlit_photo_gets_light_and_keeps_its_metadata() -> None:
    answer = enhance(read_photo(jpeg(), name="me.JPG"), light=StubLight(), clip=StubClip())
    assert answer.name == "me-lit.jpg"
    assert answer.tones_after.mean_luma > answer.tones_before.mean_luma + 0.05
    assert answer.light_before is not None and answer.light_after is not None
    assert answer.light_after > answer.light_before
    assert (answer.models, answer.is_unchanged, answer.notes) == (("stub-light", "stub-clip"), False, ())
    with Image.open(io.BytesIO(answer.file)) as image:
        assert image.size == (64, 48)  # as stored; upright it is 48 x 64
        assert image.getexif()[0x0112] == 6
        assert image.info["icc_profile"] == SRGB
    assert answer.before.shape == answer.after.shape == (64, 48, 3)
    assert answer.light_map.shape == (64, 48)


def test_the_json_has_the_endpoints_names() -> None:
    given = enhance(read_photo(jpeg()), light=StubLight(), clip=StubClip()).as_json()
    assert list(given) == [
        "method", "light_before", "light_after",
        "mean_luma_before", "mean_luma_after", "clipped_before", "clipped_after",
    ]  # fmt: skip
    assert json.loads(json.dumps(given)) == given


@pytest.mark.parametrize("name", list(lossless_files()))
def test_strength_nil_gives_the_very_file_back(name: str) -> None:
    data = lossless_files()[name]
    answer = enhance(read_photo(data, name="a.png"), EnhanceOptions(strength=0), light=StubLight())
    assert answer.file is data or answer.file == data
    assert answer.is_unchanged and pipeline.NO_STRENGTH in answer.notes


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["png 16 rgba", "png grey alpha", "tiff 16 rgb", "webp", "bmp"])
def test_every_method_on_every_kind_of_file(name: str, method: str) -> None:
    photo = read_photo(lossless_files()[name])
    options = EnhanceOptions(method=method, skips_well_lit=False, denoise=0.5)  # type: ignore[arg-type]
    answer = enhance(photo, options, light=StubLight())
    again = read_photo(answer.file)
    assert (again.bits, again.values.shape, again.profile) == (photo.bits, photo.values.shape, photo.profile)
    assert (again.values.astype(int) + 300 >= photo.values.astype(int)).mean() > 0.97
    if photo.alpha is not None:
        np.testing.assert_array_equal(again.alpha, photo.alpha)


@pytest.mark.parametrize(
    "values, why",
    [
        (np.zeros((9, 9, 3), np.uint8), pipeline.ALL_BLACK),
        (np.full((9, 9, 3), 255, np.uint8), pipeline.ALL_WHITE),
        (np.array([[0, 255] * 4] * 8, np.uint8), pipeline.TWO_TONES),
        (np.full((9, 9, 3), 230, np.uint8), pipeline.WELL_LIT),
    ],
)
def test_nothing_to_do_is_said_and_not_done(values: NDArray[np.uint8], why: str) -> None:
    data = saved(Image.fromarray(values), "PNG")
    answer = enhance(read_photo(data, name="x.png"), light=StubLight())
    assert (answer.file, answer.name, answer.notes) == (data, "x.png", (why,))


def test_a_well_lit_photo_can_be_enhanced_all_the_same() -> None:
    data = saved(Image.fromarray(np.full((9, 9, 3), 200, np.uint8)), "PNG")
    answer = enhance(read_photo(data), EnhanceOptions(skips_well_lit=False), light=StubLight())
    assert not answer.is_unchanged


def test_a_panorama_and_a_tiny_photo() -> None:
    wide = np.tile(backlit(20, 500), (1, 3, 1))
    assert enhance(read_photo(saved(Image.fromarray(wide), "PNG")), light=StubLight()).after.shape[1] == 1280
    tiny = saved(Image.fromarray(backlit()[10:13, 14:18]), "PNG")
    assert not enhance(read_photo(tiny), light=StubLight()).is_unchanged


def test_options_are_checked() -> None:
    photo = read_photo(jpeg())
    with pytest.raises(InputError, match=r"strength is 2; it must be from 0 to 1\.3"):
        enhance(photo, EnhanceOptions(strength=2), light=StubLight())
    with pytest.raises(InputError, match="no method called"):
        enhance(photo, replace(EnhanceOptions(), method="magic"), light=StubLight())  # type: ignore[arg-type]


def test_cancel() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        enhance(read_photo(jpeg()), light=StubLight(), job=job)


def test_the_scale_comes_with_the_networks_or_from_phrases() -> None:
    clip, light = StubClip(), StubLight()
    assert scale_for(clip, light) is light.scale
    phrases = scale_for(clip, None)
    assert phrases.encoder == "stub-clip"
    dark, lit = clip.encode_images([np.full((2, 2, 3), 20, np.uint8), np.full((2, 2, 3), 200, np.uint8)])
    assert phrases.light(lit) > phrases.light(dark)
