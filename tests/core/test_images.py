"""Pictures of strangers: every kind becomes upright sRGB or one sentence; a bomb is refused before decoding."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from core import images
from core.errors import InputError
from core.images import read_image

RED, BLUE = (200, 30, 40), (20, 60, 210)


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def two_colours(size_wh: tuple[int, int] = (8, 4)) -> Image.Image:
    """Left half red, right half blue."""
    image = Image.new("RGB", size_wh, RED)
    image.paste(BLUE, (size_wh[0] // 2, 0, *size_wh))
    return image


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def one_bit_png(width: int, height: int) -> bytes:
    """A valid black one-bit PNG of any size, written row by row: 20,000 x 20,000 are 50 kB."""
    pack = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    body = b"".join(pack.compress(row) for _ in range(height)) + pack.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


# --- pictures that are read -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Readable:
    """One kind of file and the colour of its first pixel."""

    name: str
    make: Callable[[], bytes]
    first_rgb: tuple[int, int, int]
    note: str = ""  # a word of the note that must be there; "" means no note at all
    within: int = 0


def _sixteen_bit() -> bytes:
    ramp = np.array([[0x8080, 0xFFFF], [0, 257]], np.uint16)
    return encoded(Image.fromarray(ramp))


def _palette_with_alpha() -> bytes:
    image = Image.new("P", (2, 2), 0)
    image.putpalette([*RED, *BLUE])
    image.putpixel((1, 1), 1)
    return encoded(image, transparency=bytes([0, 255]))


def _animation(form: str) -> bytes:
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, BLUE, (0, 255, 0))]
    return encoded(frames[0], form, save_all=True, append_images=frames[1:], duration=100, loop=0)


def _tiff_of(value: float, kind: type) -> bytes:
    return encoded(Image.fromarray(np.full((3, 3), value, kind)), "TIFF")


def _cmyk_jpeg() -> bytes:
    return encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)


def _keyed_rgb() -> bytes:
    return encoded(Image.new("RGB", (3, 3), RED), transparency=RED)


READABLE = [
    Readable("rgb png", lambda: encoded(two_colours()), RED),
    Readable("jpeg", lambda: encoded(Image.new("RGB", (16, 16), RED), "JPEG", quality=95), RED, within=4),
    Readable("webp", lambda: encoded(Image.new("RGB", (16, 16), RED), "WEBP", lossless=True), RED),
    Readable("bmp", lambda: encoded(two_colours(), "BMP"), RED),
    Readable("tiff", lambda: encoded(two_colours(), "TIFF"), RED),
    Readable("one bit", lambda: encoded(Image.new("1", (5, 5), 1)), (255, 255, 255)),
    Readable("gray", lambda: encoded(Image.new("L", (5, 5), 77)), (77, 77, 77)),
    Readable("palette", lambda: encoded(two_colours().quantize(4)), RED, within=2),
    Readable("palette with alpha", _palette_with_alpha, (255, 255, 255), "white"),
    Readable("gray with alpha", lambda: encoded(Image.new("LA", (3, 3), (0, 128))), (127, 127, 127), "white"),
    Readable("clear rgba", lambda: encoded(Image.new("RGBA", (3, 3), (*RED, 0))), (255, 255, 255), "white"),
    Readable("half clear rgba", lambda: encoded(Image.new("RGBA", (3, 3), (0, 0, 0, 51))), (204,) * 3, "white"),
    Readable("opaque rgba", lambda: encoded(Image.new("RGBA", (3, 3), (*RED, 255))), RED),
    Readable("key colour", _keyed_rgb, (255, 255, 255), "white"),
    Readable("16 bit", _sixteen_bit, (128, 128, 128), "16"),
    Readable("16 bit tiff", lambda: _tiff_of(0x4040, np.uint16), (64,) * 3, "16"),
    Readable("32 bit tiff", lambda: _tiff_of(0x4040, np.int32), (64,) * 3, "32"),
    Readable("float tiff", lambda: _tiff_of(0.2, np.float32), (51,) * 3, "float"),
    Readable("cmyk jpeg", _cmyk_jpeg, (255, 0, 0), "CMYK", 5),
    Readable("cmyk tiff", lambda: encoded(Image.new("CMYK", (4, 4), (255, 255, 0, 0)), "TIFF"), (0, 0, 255), "CMYK"),
    Readable("lab tiff", lambda: encoded(Image.new("LAB", (4, 4), (255, 128, 128)), "TIFF"), (255, 255, 255), "", 3),
    Readable("animated gif", lambda: _animation("GIF"), RED, "first of 3"),
    Readable("animated webp", lambda: _animation("WEBP"), RED, "first of 3", 6),
    Readable("animated png", lambda: _animation("PNG"), RED, "first of 3"),
    Readable("many pages", lambda: _animation("TIFF"), RED, "first of 3"),
    Readable("one pixel", lambda: encoded(Image.new("RGB", (1, 1), BLUE)), BLUE),
]  # fmt: skip


@pytest.mark.parametrize("case", READABLE, ids=lambda case: case.name)
def test_kinds_that_are_read(case: Readable) -> None:
    picture = read_image(case.make(), name="photo")
    assert picture.rgb.dtype == np.uint8 and picture.rgb.ndim == 3 and picture.rgb.shape[2] == 3
    assert picture.rgb.flags.c_contiguous
    assert np.abs(picture.rgb[0, 0].astype(int) - case.first_rgb).max() <= case.within
    notes = " ".join(picture.notes)
    assert (case.note in notes) if case.note else not notes


def test_sixteen_bits_are_scaled_not_cut() -> None:
    rgb = read_image(_sixteen_bit()).rgb
    assert rgb[..., 0].tolist() == [[128, 255], [0, 1]]


def test_float_picture_outside_unit_range_is_stretched() -> None:
    values = np.array([[-2.0, 0.0], [2.0, np.nan]], np.float32)
    rgb = read_image(encoded(Image.fromarray(values), "TIFF")).rgb
    assert rgb[..., 0].tolist() == [[0, 128], [255, 0]]


def test_file_equals_its_bytes_and_keeps_its_name(tmp_path: Path) -> None:
    path = tmp_path / "two colours.png"
    path.write_bytes(encoded(two_colours()))
    by_path, by_bytes = read_image(path), read_image(path.read_bytes(), name="other")
    assert np.array_equal(by_path.rgb, by_bytes.rgb)
    assert by_path.name == "two colours.png" and by_bytes.name == "other"


# --- upright --------------------------------------------------------------------------------------------------

# What each EXIF orientation does to an upright picture to give the stored one (its inverse brings it back).
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", STORED)
def test_every_exif_orientation_comes_upright(orientation: int, form: str) -> None:
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :16], upright[8:, 16:] = 255, 90
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 100}, "WEBP": {"lossless": True}}.get(form, {})
    picture = read_image(encoded(stored, form, exif=exif, **options))
    assert picture.rgb.shape == upright.shape
    assert np.abs(picture.rgb.astype(int) - upright).max() <= 3
    assert ("upright" in " ".join(picture.notes)) is (orientation != 1)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_nonsense_exif_is_passed_over() -> None:
    exif = Image.Exif()
    exif[0x0112] = 99
    assert not read_image(encoded(two_colours(), exif=exif)).notes
    assert read_image(encoded(two_colours(), exif=b"Exif\x00\x00MM\x00*garbage")).rgb.shape == (4, 8, 3)


# --- colour profiles -------------------------------------------------------------------------------------------


def _swapped_profile() -> bytes:
    """An sRGB profile whose red and blue primaries have changed places, so that red is stored as blue."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", data[128:132])[0]
    entries = {bytes(data[132 + 12 * i : 136 + 12 * i]): 136 + 12 * i for i in range(count)}
    red, blue = entries[b"rXYZ"], entries[b"bXYZ"]
    data[red : red + 8], data[blue : blue + 8] = data[blue : blue + 8], data[red : red + 8]
    for old, new in ((b"s\x00R\x00G\x00B", b"s\x00W\x00A\x00P"), (b"sRGB", b"swap")):
        data = data.replace(old, new)
    return bytes(data)


def test_profile_is_applied() -> None:
    picture = read_image(encoded(Image.new("RGB", (4, 4), (0, 0, 255)), icc_profile=_swapped_profile()))
    assert np.abs(picture.rgb[0, 0].astype(int) - (255, 0, 0)).max() <= 2
    assert "colour profile" in " ".join(picture.notes)


def test_profile_of_srgb_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    picture = read_image(encoded(Image.fromarray(noise), icc_profile=profile))
    assert np.array_equal(picture.rgb, noise) and not picture.notes


def test_profile_with_alpha_keeps_the_alpha() -> None:
    clear = Image.new("RGBA", (4, 4), (0, 0, 255, 0))
    assert read_image(encoded(clear, icc_profile=_swapped_profile())).rgb[0, 0].tolist() == [255] * 3


@pytest.mark.parametrize("profile", [b"not a profile", b"\x00" * 200], ids=["text", "zeros"])
def test_broken_profile_is_said_and_passed_over(profile: bytes) -> None:
    picture = read_image(encoded(two_colours(), icc_profile=profile))
    assert picture.rgb[0, 0].tolist() == list(RED)
    assert "profile" in " ".join(picture.notes)


def test_profile_of_another_kind_of_colour_is_passed_over() -> None:
    gray = read_image(encoded(Image.new("L", (4, 4), 60), icc_profile=_swapped_profile()))
    assert gray.rgb[0, 0].tolist() == [60] * 3


# --- files that are refused -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refused:
    """One bad file and words that its sentence must hold."""

    name: str
    data: Callable[[], bytes]
    words: tuple[str, ...]


def _noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))


ISO_MEDIA = b"\x00\x00\x00\x18ftyp%s\x00\x00\x00\x00mif1" + bytes(40)
REFUSED = [
    Refused("empty", lambda: b"", ("empty", "0 bytes")),
    Refused("text", lambda: b"hello, this is a diary\n" * 20, ("no picture", "text", "JPEG, PNG")),
    Refused("utf-8 text", lambda: "žluťoučký kůň\n".encode() * 9, ("text",)),
    Refused("html", lambda: b"<!doctype html><script>alert(1)</script>", ("no picture", "JPEG, PNG")),
    Refused("svg", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', ("SVG", "JPEG, PNG")),
    Refused("svg in xml", lambda: b'<?xml version="1.0"?>\n<!-- x -->\n<svg/>', ("SVG", "JPEG, PNG")),
    Refused("heic", lambda: ISO_MEDIA.replace(b"%s", b"heic"), ("HEIC", "JPEG, PNG")),
    Refused("avif", lambda: ISO_MEDIA.replace(b"%s", b"avif"), ("AVIF", "JPEG, PNG")),
    Refused("real avif", lambda: encoded(_noise(), "AVIF"), ("AVIF", "JPEG, PNG")),
    Refused("mp4", lambda: ISO_MEDIA.replace(b"%s", b"isom"), ("video", "JPEG, PNG")),
    Refused("pdf", lambda: b"%PDF-1.7\n" + bytes(99), ("PDF", "JPEG, PNG")),
    Refused("zip", lambda: b"PK\x03\x04" + bytes(99), ("ZIP",)),
    Refused("icon", lambda: encoded(Image.new("RGB", (16, 16)), "ICO"), ("no picture", "JPEG, PNG")),
    Refused("postscript", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", ("JPEG, PNG",)),
    Refused("random bytes", lambda: np.random.default_rng(1).bytes(500), ("no picture",)),
    Refused("png signature alone", lambda: b"\x89PNG\r\n\x1a\n", ("damaged",)),
    Refused("half a png", lambda: (lambda d: d[: len(d) // 2])(encoded(_noise())), ("damaged",)),
    Refused("half a jpeg", lambda: (lambda d: d[: len(d) // 2])(encoded(_noise(), "JPEG")), ("damaged",)),
    Refused("half a gif", lambda: (lambda d: d[: len(d) // 2])(encoded(_noise(), "GIF")), ("damaged",)),
    Refused("half a webp", lambda: (lambda d: d[: len(d) // 2])(encoded(_noise(), "WEBP")), ("damaged",)),
    Refused("half a tiff", lambda: (lambda d: d[: len(d) // 2])(encoded(_noise(), "TIFF")), ("damaged",)),
    Refused("flipped png", lambda: encoded(_noise()).replace(b"IDAT", b"IDAX"), ("damaged",)),
    Refused("large", lambda: one_bit_png(9_000, 8_000), ("9,000 x 8,000", "72", "at most 64 megapixels")),
    Refused("larger than Pillow opens", lambda: one_bit_png(20_000, 10_000), ("200", "at most 64 megapixels")),
    Refused("thread", lambda: one_bit_png(3_000, 2), ("3,000 x 2", "100")),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_bad_files_are_one_sentence(case: Refused, tmp_path: Path) -> None:
    path = tmp_path / "holiday.png"
    path.write_bytes(case.data())
    for source in (path, path.read_bytes()):
        with warnings.catch_warnings(), pytest.raises(InputError) as caught:
            warnings.simplefilter("ignore")
            read_image(source, name="holiday.png")
        sentence = str(caught.value)
        assert all(word in sentence for word in case.words), sentence
        assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 300
        assert "holiday.png" in sentence
        assert str(tmp_path) not in sentence and "Traceback" not in sentence and "0x" not in sentence


def test_missing_file_and_folder_leak_no_path(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.png", tmp_path):
        with pytest.raises(InputError) as caught:
            read_image(path)
        assert str(tmp_path) not in str(caught.value) and path.name in str(caught.value)


def test_file_too_heavy_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_FILE_BYTES", 1_000)
    path = tmp_path / "noise.png"
    path.write_bytes(encoded(_noise()))
    for source in (path, path.read_bytes()):
        with pytest.raises(InputError, match="at most"):
            read_image(source)


def test_long_and_odd_names_stay_readable() -> None:
    with pytest.raises(InputError) as caught:
        read_image(b"", name="a\nb\x00" + "x" * 500 + ".png")
    assert len(str(caught.value)) < 160 and "\n" not in str(caught.value) and "\x00" not in str(caught.value)


# --- the bomb ---------------------------------------------------------------------------------------------------

BOMB_PROBE = """
import resource, sys
from pathlib import Path
from core.errors import InputError
from core.images import read_image
from PIL import Image
Image.init()
before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_image(Path(sys.argv[1]))
except InputError as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib)
"""


@pytest.mark.parametrize("size_wh", [(20_000, 20_000), (13_000, 13_000), (9_000, 9_000)], ids=str)
def test_bomb_is_refused_before_decoding(size_wh: tuple[int, int], tmp_path: Path, repository: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(one_bit_png(*size_wh))
    assert path.stat().st_size < 60_000
    arguments = [sys.executable, "-W", "ignore", "-c", BOMB_PROBE, str(path)]
    out = subprocess.run(arguments, cwd=repository, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "at most 64 megapixels" in out[0]
    assert int(out[1]) < 100 * 1024, f"{int(out[1]) / 1024:.0f} MiB"


def test_bomb_of_metadata_is_not_inflated(tmp_path: Path, repository: Path) -> None:
    """A text chunk that inflates to 300 MB."""
    pack = zlib.compressobj(9)
    bomb = b"".join(pack.compress(bytes(10_000_000)) for _ in range(30)) + pack.flush()
    data = encoded(Image.new("RGB", (2, 2)))
    path = tmp_path / "bomb.png"
    path.write_bytes(data[:33] + png_chunk(b"zTXt", b"note\x00\x00" + bomb) + data[33:])
    arguments = [sys.executable, "-c", BOMB_PROBE, str(path)]
    out = subprocess.run(arguments, cwd=repository, capture_output=True, text=True, check=True).stdout.splitlines()
    assert int(out[-1]) < 100 * 1024, f"{int(out[-1]) / 1024:.0f} MiB"


# --- properties ---------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(
    cut=st.integers(0, 400),
    at=st.integers(0, 400),
    value=st.integers(0, 255),
    form=st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"]),
)
def test_any_damage_gives_a_picture_or_a_sentence(cut: int, at: int, value: int, form: str) -> None:
    image = Image.fromarray(np.arange(12 * 9 * 3, dtype=np.uint8).reshape(9, 12, 3))
    data = bytearray(encoded(image, form))
    data[at % len(data)] = value
    data = data[: max(1, len(data) - cut)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            assert read_image(bytes(data)).rgb.dtype == np.uint8
        except InputError as error:
            assert str(error).endswith(".")


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_give_a_picture_or_a_sentence(data: bytes) -> None:
    try:
        read_image(data)
    except InputError as error:
        assert str(error).endswith(".")
