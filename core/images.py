"""Reading pictures of strangers: any file becomes upright 8-bit sRGB, or one sentence that says why not.

Sizes are judged from the header, before a pixel is decoded. Sentences name the file, never its folder.
"""

from __future__ import annotations

import io
import re
import struct
import unicodedata
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

from core.errors import InputError

MAX_PIXELS = 64_000_000  # 192 MB as RGB; a phone's 50-megapixel photo fits
MAX_FILE_BYTES = 200_000_000
MAX_ASPECT = 100  # encoders scale the short side up to some 224 px; the long side grows with it
FORMATS = ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF")
_ALLOWED = f"allowed are {', '.join(FORMATS[:-1])} and {FORMATS[-1]}"
_SHOWN_CHARS = 80  # of a file name inside a sentence
_SNIFFED_BYTES = 1_024

_EXIF_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What Pillow's decoders raise on damaged bytes, found by flipping and cutting them (test_images.py).
_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    SyntaxError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as everything else expects it.

    Attributes:
        rgb: (H, W, 3) uint8, upright, sRGB, opaque.
        name: File name without its folder, or what the caller called it.
        notes: Sentences about what was done to it: turned upright, laid on white, first frame of many, ...
    """

    rgb: NDArray[np.uint8]
    name: str = ""
    notes: tuple[str, ...] = ()


def read_image(source: Path | bytes, *, name: str = "") -> Picture:
    """Read one picture.

    Args:
        source: A file or its content.
        name: What to call it; a file's own name if left out.

    Returns:
        The picture, upright, in sRGB, transparent parts on white, 16-bit values scaled to 8 bits.

    Raises:
        InputError: the file is empty, damaged, no picture, too large, or of a format that is not read.
    """
    name = name or (source.name if isinstance(source, Path) else "")
    shown = shown_name(name)
    if isinstance(source, bytes):
        return _read(io.BytesIO(source), len(source), name, shown)
    try:
        with source.open("rb") as stream:
            return _read(stream, source.stat().st_size, name, shown)
    except OSError as error:  # decoding errors are InputError by now; this is the file itself
        raise InputError(f"{shown} cannot be read: {error.strerror or 'no such file'}.") from error


def shown_name(name: str) -> str:
    """A file name inside a sentence: no control characters, no folders of the machine, cut in the middle."""
    text = "".join(c for c in name if unicodedata.category(c) not in ("Cc", "Cs"))
    if len(text) > _SHOWN_CHARS:
        text = f"{text[: _SHOWN_CHARS // 2]}…{text[-_SHOWN_CHARS // 2 :]}"
    return text or "The file"


def _read(stream: IO[bytes], byte_count: int, name: str, shown: str) -> Picture:
    """Check and decode an open file; every fault is an InputError."""
    if byte_count == 0:
        raise InputError(f"{shown} is empty (0 bytes).")
    if byte_count > MAX_FILE_BYTES:
        raise InputError(f"{shown} has {byte_count / 1e6:,.0f} MB; at most {MAX_FILE_BYTES / 1e6:,.0f} MB.")
    head = stream.read(_SNIFFED_BYTES)
    stream.seek(0)
    try:
        with Image.open(stream, formats=[form.upper() for form in FORMATS]) as image:
            _check_size(image.size, shown)
            rgb, notes = _decode(image)
    except InputError:
        raise
    except Image.DecompressionBombError as error:  # Pillow's own limit, met while it reads the header
        found = re.search(r"\((\d+) pixels\)", str(error))
        size = f"{int(found[1]) / 1e6:,.0f} megapixels" if found else "too many pixels"
        raise InputError(f"{shown} has {size}; at most {MAX_PIXELS // 10**6} megapixels.") from error
    except UnidentifiedImageError as error:
        raise InputError(_sentence_for_unknown(head, shown)) from error
    except _DAMAGE as error:
        raise InputError(f"{shown} is damaged or incomplete and cannot be decoded.") from error
    return Picture(rgb, name, tuple(notes))


def _check_size(size_wh: tuple[int, int], shown: str) -> None:
    """Refuse by the header alone what would be too much to decode or to scale."""
    width, height = size_wh
    if width * height > MAX_PIXELS:
        megapixels = f"{width:,} x {height:,} pixels ({width * height / 1e6:,.0f} megapixels)"
        raise InputError(f"{shown} has {megapixels}; at most {MAX_PIXELS // 10**6} megapixels.")
    if max(size_wh) > MAX_ASPECT * min(size_wh):
        raise InputError(
            f"{shown} has {width:,} x {height:,} pixels; no side may be more than {MAX_ASPECT} times the other."
        )


def _decode(image: Image.Image) -> tuple[NDArray[np.uint8], list[str]]:
    """Decode the first frame: (H, W, 3) uint8 upright sRGB, and what was done to it."""
    notes: list[str] = []
    tagged = _orientation(image)
    image.load()
    orientation = _orientation(image)  # TIFF is turned by Pillow while it loads and then says 1
    rgb = _to_srgb(image, notes)
    if orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[orientation])
    if {tagged, orientation} & set(_UPRIGHT):
        notes.append("It was turned upright as its EXIF orientation says.")
    frames = _frame_count(image)
    if frames > 1:
        notes.append(f"Only the first of {frames:,} frames is used.")
    return np.ascontiguousarray(np.asarray(rgb, np.uint8)), notes


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation 1 to 8; 1 where there is none or it cannot be read."""
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except _DAMAGE:
        return 1


def _frame_count(image: Image.Image) -> int:
    """Frames or pages of the file; the second picture that some cameras hide in a JPEG does not count."""
    if image.format == "MPO":
        return 1
    try:
        return int(getattr(image, "n_frames", 1))
    except _DAMAGE:
        return 1


def _to_srgb(image: Image.Image, notes: list[str]) -> Image.Image:
    """Any mode of Pillow -> RGB on white, through the colour profile if there is one."""
    alpha: Image.Image | None = None
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        colour = _to_eight_bits(image, notes)
    elif image.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        alpha, colour = rgba.getchannel("A"), rgba.convert("RGB")
    elif image.mode in ("L", "RGB", "CMYK"):
        colour = image
    else:
        colour = image.convert("L" if image.mode == "1" else "RGB")
    if colour.mode == "CMYK":
        notes.append("Its CMYK colours were turned into RGB.")
    rgb = _through_profile(colour, image.info.get("icc_profile"), notes).convert("RGB")
    if alpha is None or alpha.getextrema() == (255, 255):
        return rgb
    notes.append("Its transparent parts were laid on white.")
    white = Image.new("RGB", rgb.size, (255, 255, 255))
    white.paste(rgb, mask=alpha)
    return white


def _to_eight_bits(image: Image.Image, notes: list[str]) -> Image.Image:
    """One channel of 16 or 32 bits or of floats -> L; the full range of the type becomes 0 to 255.

    16 bits: value / 257, so that 65,535 becomes 255. Floats in [0, 1]: times 255. What fits no such
    range (a depth map in metres, say) is stretched from its least to its greatest value.
    """
    values = np.nan_to_num(np.asarray(image, np.float64), nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    kind = {"I": "32-bit", "F": "float"}.get(image.mode, "16-bit")
    top = 65_535.0 if kind == "16-bit" else 1.0 if kind == "float" and high <= 1 else 255.0 if high <= 255 else 65_535.0
    if low < 0 or high > top:
        notes.append(f"Its {kind} values from {low:.4g} to {high:.4g} were stretched to 8 bits.")
    else:
        low, high = 0.0, top
        notes.append(f"Its {kind} values were scaled to 8 bits.")
    unit = (np.clip(values, low, high) - low) / ((high - low) or 1.0)
    return Image.fromarray(np.rint(unit * 255).astype(np.uint8))


def _through_profile(image: Image.Image, profile: bytes | None, notes: list[str]) -> Image.Image:
    """Apply the embedded ICC profile; without one, or with a broken one, colours are taken as sRGB."""
    if not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        title = ImageCms.getProfileDescription(source).strip()
        if "srgb" in title.lower() and image.mode != "CMYK":
            return image
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, *_DAMAGE):
        notes.append("Its colour profile cannot be used; its colours are taken as sRGB.")
        return image
    if converted is None:
        return image
    notes.append(f"Its colour profile was applied ({shown_name(title)}).")
    return converted


def _sentence_for_unknown(head: bytes, shown: str) -> str:
    """Say what a file is that none of the decoders took, by its first bytes."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"avif", b"avis"):
            return f"{shown} is an AVIF picture, which is not read; {_ALLOWED}."
        if brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"):
            return f"{shown} is a HEIC picture, which is not read; {_ALLOWED}."
        return f"{shown} is a video, no picture; {_ALLOWED}."
    if start.startswith(b"<svg") or (start.startswith((b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in start):
        return f"{shown} is an SVG drawing, which is not read; {_ALLOWED}."
    if head.startswith(b"%PDF"):
        return f"{shown} is a PDF document, no picture; {_ALLOWED}."
    if head.startswith(b"PK"):
        return f"{shown} is a ZIP archive, no picture; {_ALLOWED}."
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")) or head[8:12] == b"WEBP":
        return f"{shown} is damaged or incomplete and cannot be decoded."
    looks = " (it looks like text)" if _is_text(head) else ""
    return f"{shown} is no picture{looks}; {_ALLOWED}."


def _is_text(head: bytes) -> bool:
    """Whether bytes read as UTF-8 without control characters; a character cut at the end is forgiven."""
    text = head.decode("utf-8", "ignore")
    is_utf8 = len(text.encode()) >= len(head) - 3
    return is_utf8 and not any(unicodedata.category(c) == "Cc" and c not in "\r\n\t\f" for c in text)
