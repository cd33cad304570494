"""Photos come back as they were: depth, alpha, orientation, profile, EXIF, texts; other libraries read the files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

from core.errors import InputError
from core.images import read_image
from demos.enhancement import png_file, tiff_file
from demos.enhancement.photo import read_photo, without_thumbnail, written

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SIZE_HW = (9, 14)
ORIENTATION, MAKER, DATE = 0x0112, 0x010F, 0x9003


def pixels(channels: int, *, bits: int = 8, seed: int = 0) -> NDArray[Any]:
    kind = np.uint8 if bits == 8 else np.uint16
    shape = SIZE_HW if channels == 0 else (*SIZE_HW, channels)
    return np.random.default_rng(seed).integers(0, 2**bits, shape).astype(kind)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(orientation: int = 1) -> Image.Exif:
    tags = Image.Exif()
    tags[ORIENTATION], tags[MAKER] = orientation, "Optics & Co"
    tags.get_ifd(0x8769)[DATE] = "2026:11:22 12:00:00"
    return tags


def lossless_files() -> dict[str, bytes]:
    text = PngImagePlugin.PngInfo()
    text.add_text("Title", "Tree")
    return {
        "png rgb": saved(
            Image.fromarray(pixels(3)), "PNG", pnginfo=text, icc_profile=SRGB, exif=exif(), dpi=(300, 300)
        ),
        "png rgba": saved(Image.fromarray(pixels(4)), "PNG"),
        "png grey": saved(Image.fromarray(pixels(0)), "PNG"),
        "png grey alpha": saved(Image.fromarray(pixels(2)), "PNG"),
        "png 16 grey": png_file.write_png(pixels(1, bits=16)),
        "png 16 rgb": png_file.write_png(pixels(3, bits=16), (png_file.profile_chunk(SRGB),)),
        "png 16 rgba": png_file.write_png(pixels(4, bits=16)),
        "tiff rgb": saved(Image.fromarray(pixels(3)), "TIFF", icc_profile=SRGB),
        "tiff 16 rgb": tiff_file.write_tiff(pixels(3, bits=16), profile=SRGB),
        "tiff 16 rgba": tiff_file.write_tiff(pixels(4, bits=16)),
        "webp": saved(Image.fromarray(pixels(4)), "WEBP", lossless=True, exact=True, icc_profile=SRGB, exif=exif()),
        "bmp": saved(Image.fromarray(pixels(3)), "BMP"),
    }


@pytest.mark.parametrize("name", list(lossless_files()))
def test_lossless_files_come_back_pixel_by_pixel(name: str) -> None:
    first = read_photo(lossless_files()[name], name=name)
    again = read_photo(written(first, first.values), name=name)
    np.testing.assert_array_equal(again.values, first.values)
    assert (again.alpha is None) == (first.alpha is None)
    if first.alpha is not None:
        np.testing.assert_array_equal(again.alpha, first.alpha)
    assert (again.bits, again.profile, again.orientation) == (first.bits, first.profile, first.orientation)
    assert first.bits == (16 if " 16 " in name else 8)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_our_png_is_what_others_read(channels: int) -> None:
    deep = pixels(channels, bits=16)
    with Image.open(io.BytesIO(png_file.write_png(deep))) as image:
        image.load()
        shown = np.asarray(image).reshape(*SIZE_HW, -1)
    expected = deep if channels == 1 else deep >> 8  # Pillow keeps the high bytes of colours
    if channels == 2:  # and makes RGBA of grey with alpha where it keeps no LA
        shown = shown[..., [0, -1]]
    np.testing.assert_array_equal(shown, expected)
    small = pixels(channels)
    with Image.open(io.BytesIO(png_file.write_png(small))) as image:
        np.testing.assert_array_equal(np.asarray(image).reshape(small.shape), small)


def filtered_png(deep: NDArray[np.uint16], kinds: list[int]) -> bytes:
    """A file with given row filters, written by the formulas of the specification one byte at a time."""
    import struct
    import zlib

    height, width, channels = deep.shape
    raw = deep.astype(">u2").view(np.uint8).reshape(height, -1).astype(int)
    step, out = channels * 2, bytearray()
    for y in range(height):
        kind = kinds[y % len(kinds)]
        out.append(kind)
        for x in range(raw.shape[1]):
            a = raw[y, x - step] if x >= step else 0
            b = raw[y - 1, x] if y else 0
            c = raw[y - 1, x - step] if y and x >= step else 0
            p = a + b - c
            nearest = min(((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c)))[2]
            out.append((raw[y, x] - [0, a, b, (a + b) // 2, nearest][kind]) & 255)
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    chunk = png_file._chunk
    return png_file.MAGIC + chunk("IHDR", header) + chunk("IDAT", zlib.compress(bytes(out))) + chunk("IEND", b"")


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_png_filter_is_undone(channels: int) -> None:
    deep = pixels(channels, bits=16)
    np.testing.assert_array_equal(png_file.read_sixteen(filtered_png(deep, [4, 3, 2, 1, 0])), deep)


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "packbits"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_tiffs_of_others_are_read(compression: str | None, byteorder: str) -> None:
    deep = (np.arange(40 * 70 * 3).reshape(40, 70, 3) * 37 % 65_536).astype(np.uint16)
    buffer = io.BytesIO()
    try:
        tifffile.imwrite(
            buffer, deep, photometric="rgb", compression=compression, byteorder=byteorder, rowsperstrip=7,
            predictor=compression in ("zlib", "lzw"),
        )  # fmt: skip
    except (ImportError, ValueError, RuntimeError, KeyError):
        pytest.skip("tifffile needs imagecodecs for this")
    np.testing.assert_array_equal(tiff_file.read_sixteen(buffer.getvalue()), deep)


def test_lzw_of_libtiff_is_read() -> None:
    ramp = (np.arange(300 * 90).reshape(90, 300) // 7 % 65_536).astype(np.uint16)
    data = saved(Image.fromarray(ramp), "TIFF", compression="tiff_lzw")
    np.testing.assert_array_equal(read_photo(data).values[..., 0], ramp)


@pytest.mark.parametrize("channels, bits", [(1, 8), (3, 8), (4, 8), (1, 16), (3, 16), (4, 16)])
def test_our_tiff_is_what_tifffile_reads(channels: int, bits: int) -> None:
    given_pixels = pixels(channels, bits=bits)
    read = tifffile.imread(io.BytesIO(tiff_file.write_tiff(given_pixels)))
    np.testing.assert_array_equal(read.reshape(given_pixels.shape), given_pixels)


def test_tiff_keeps_tags_and_the_directories_they_point_to() -> None:
    when = tiff_file.TiffTags(">", {DATE: (2, 20, b"2026:11:22 12:00:00\x00")}, {})
    where = tiff_file.TiffTags(">", {1: (2, 2, b"N\x00")}, {})
    own = {MAKER: (2, 12, b"Optics & Co\x00"), ORIENTATION: (3, 1, b"\x00\x06")}
    tags = tiff_file.TiffTags(">", own, {0x8769: when, 0x8825: where})
    photo = read_photo(tiff_file.write_tiff(pixels(3, bits=16), tags, SRGB))
    with Image.open(io.BytesIO(written(photo, photo.values))) as image:
        found = image.getexif()
        assert (found[MAKER], found[ORIENTATION]) == ("Optics & Co", 6)
        assert found.get_ifd(0x8769)[DATE] == "2026:11:22 12:00:00"
        assert found.get_ifd(0x8825)[1] == "N"
        assert image.info["icc_profile"] == SRGB


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_orientation_is_turned_and_turned_back(orientation: int, kind: str) -> None:
    stored = pixels(3)
    options = {"lossless": True} if kind == "WEBP" else {}
    source = saved(Image.fromarray(stored), kind, exif=exif(orientation), **options)
    photo = read_photo(source)
    np.testing.assert_array_equal(photo.values, read_image(source).rgb)
    again = written(photo, photo.values)
    assert read_photo(again).orientation == orientation
    np.testing.assert_array_equal(read_image(again).rgb, read_image(source).rgb)


def test_jpeg_keeps_its_metadata_and_drops_the_old_thumbnail() -> None:
    tags = exif(orientation=8)
    source = saved(
        Image.fromarray(pixels(3)), "JPEG", exif=tags, icc_profile=SRGB, comment=b"hello", xmp=b"<x/>", quality=60
    )
    photo = read_photo(source)
    with Image.open(io.BytesIO(written(photo, photo.values))) as image:
        found = image.getexif()
        assert (found[ORIENTATION], found[MAKER]) == (8, "Optics & Co")
        assert found.get_ifd(0x8769)[DATE] == "2026:11:22 12:00:00"
        assert image.info["icc_profile"] == SRGB
        assert image.info["comment"] == b"hello"
        assert image.info["xmp"] == b"<x/>"
        assert max(image.quantization[0]) <= 20  # type: ignore[attr-defined]
    plain = tags.tobytes()
    linked = bytearray(plain)
    count = int.from_bytes(plain[14:16], "big")
    linked[16 + 12 * count : 20 + 12 * count] = b"\x00\x00\x01\x00"
    assert plain[6:8] == b"MM"
    assert without_thumbnail(bytes(linked)) == plain
    assert without_thumbnail(b"no exif") == b"no exif"


def test_png_keeps_every_chunk_that_stays_true() -> None:
    photo = read_photo(lossless_files()["png rgb"])
    with Image.open(io.BytesIO(written(photo, 255 - photo.values))) as image:
        image.load()
        assert image.info["Title"] == "Tree"  # type: ignore[index]
        assert image.info["icc_profile"] == SRGB
        assert image.getexif()[MAKER] == "Optics & Co"
        np.testing.assert_array_equal(np.asarray(image), 255 - photo.values)


def test_modes_without_a_place_of_their_own() -> None:
    one = read_photo(saved(Image.fromarray(pixels(0) > 127), "PNG"))
    assert (one.values.shape, set(np.unique(one.values))) == ((*SIZE_HW, 1), {0, 255})
    palette = read_photo(saved(Image.fromarray(pixels(3)).quantize(16), "PNG"))
    assert (palette.values.shape[2], palette.kind) == (3, "PNG")
    gif = read_photo(saved(Image.fromarray(pixels(3)), "GIF"))
    assert gif.kind == "PNG" and gif.notes
    cmyk = read_photo(saved(Image.fromarray(pixels(3)).convert("CMYK"), "JPEG"))
    assert cmyk.values.shape[2] == 3 and "CMYK" in cmyk.notes[0]
    deep = read_photo(saved(Image.fromarray(pixels(0, bits=16)), "PNG"))
    np.testing.assert_array_equal(deep.values[..., 0], pixels(0, bits=16))
    floats = read_photo(saved(Image.fromarray(np.linspace(0, 1, 20, dtype=np.float32).reshape(4, 5)), "TIFF"))
    assert (floats.bits, int(floats.values.max())) == (16, 65_535)


def test_interlaced_sixteen_bits() -> None:
    deep = pixels(3, bits=16)
    import struct
    import zlib

    rows = b""
    for top, left, down, right in png_file._ADAM7:
        part = deep[top::down, left::right]
        if part.size:
            rows += b"".join(b"\x00" + row.astype(">u2").tobytes() for row in part)
    header = struct.pack(">IIBBBBB", SIZE_HW[1], SIZE_HW[0], 16, 2, 0, 0, 1)
    chunk = png_file._chunk
    data = png_file.MAGIC + chunk("IHDR", header) + chunk("IDAT", zlib.compress(rows)) + chunk("IEND", b"")
    np.testing.assert_array_equal(png_file.read_sixteen(data), deep)


@pytest.mark.parametrize("data, words", [(b"", "empty"), (b"hello there", "text"), (b"\x89PNG\r\n\x1a\nxx", "damaged")])
def test_other_files_are_refused_by_a_sentence(data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_photo(data, name="x.png")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_photo(tmp_path / "gone.png")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10), st.integers(0, 2**31), st.integers(1, 40))
def test_damaged_files_never_crash(which: int, seed: int, flips: int) -> None:
    data = bytearray(list(lossless_files().values())[which])
    rng = np.random.default_rng(seed)
    for place in rng.integers(8, len(data), flips):
        data[place] = rng.integers(256)
    try:
        photo = read_photo(bytes(data[: int(rng.integers(20, len(data) + 1))]))
    except InputError:
        return
    written(photo, photo.values)


def test_small_rgb_is_srgb_of_at_most_the_size() -> None:
    photo = read_photo(lossless_files()["png 16 rgba"])
    assert photo.small_rgb(7).shape == (4, 7, 3)
    deep = np.full((4, 4, 3), 65_535, np.uint16)
    assert (read_photo(png_file.write_png(deep)).small_rgb(9) == 255).all()
