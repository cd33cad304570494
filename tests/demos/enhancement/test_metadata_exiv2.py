"""Metadata as exiv2 reads it, which shares no code with Pillow: what came in the file goes out with it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from demos.enhancement.options import EnhanceOptions
from demos.enhancement.photo import read_photo
from demos.enhancement.pipeline import enhance
from tests.demos.enhancement.stubs import StubLight
from tests.demos.enhancement.test_photo import SRGB, saved
from tests.demos.enhancement.test_pipeline import backlit

pyexiv2 = pytest.importorskip("pyexiv2", reason="exiv2 needs pyexiv2 (requirements-dev.txt) and a recent glibc")
EXIF = {
    "Exif.Image.Make": "Optics & Co",
    "Exif.Image.Orientation": "6",
    "Exif.Image.Copyright": "(c) somebody",
    "Exif.Photo.DateTimeOriginal": "2026:11:22 12:00:00",
    "Exif.Photo.FNumber": "28/10",
    "Exif.Photo.UserComment": "charset=Ascii against the light",
    "Exif.GPSInfo.GPSLatitudeRef": "N",
    "Exif.GPSInfo.GPSLatitude": "52/1 31/1 12/1",
}
XMP = {"Xmp.dc.title": {'lang="x-default"': "Dusk"}, "Xmp.xmp.Rating": "4"}
FILES = {
    "JPEG": {"quality": 95, "icc_profile": SRGB},
    "PNG": {"icc_profile": SRGB},
    "WEBP": {"lossless": True, "icc_profile": SRGB},
    "TIFF": {"icc_profile": SRGB},
}


def tagged(kind: str) -> bytes:
    """A backlit photo whose tags were written by exiv2."""
    with pyexiv2.ImageData(saved(Image.fromarray(backlit()), kind, **FILES[kind])) as image:
        image.modify_exif(EXIF)
        image.modify_xmp(XMP)
        content: bytes = image.get_bytes()
    return content


@pytest.mark.parametrize("kind", list(FILES))
def test_exif_xmp_and_profile_are_there_for_exiv2_and_pillow(kind: str) -> None:
    given = tagged(kind)
    options = EnhanceOptions(skips_well_lit=False)
    answer = enhance(read_photo(given, name=f"me.{kind.lower()}"), options, light=StubLight())
    assert not answer.is_unchanged and answer.file != given
    with pyexiv2.ImageData(given) as image:
        exif, xmp = image.read_exif(), image.read_xmp()
    with pyexiv2.ImageData(answer.file) as image:
        assert {name: value for name, value in image.read_exif().items() if name in EXIF} == {
            name: value for name, value in exif.items() if name in EXIF
        }
        assert {name: image.read_xmp().get(name) for name in XMP} == {name: xmp[name] for name in XMP}
        assert image.read_icc() == SRGB
    with Image.open(io.BytesIO(answer.file)) as shown:
        assert shown.getexif()[0x0112] == 6 and shown.getexif()[0x010F] == "Optics & Co"
        assert shown.info["icc_profile"] == SRGB
        assert not np.array_equal(np.asarray(shown.convert("RGB")), backlit())
