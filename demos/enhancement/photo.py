"""A photo with everything that its file holds: pixels in their own depth and colours, alpha, profile, EXIF, texts.

Unlike :mod:`core.images`, which makes 8-bit sRGB of anything for models to look at, nothing is converted here that
can be written back. Pixels are upright in memory and go back as the file had them, so that its orientation stays true.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, JpegImagePlugin

from core.errors import InputError
from core.images import FORMATS, MAX_ASPECT, MAX_FILE_BYTES, MAX_PIXELS, read_image, shown_name
from demos.enhancement import png_file, tiff_file

Kept = Literal["JPEG", "PNG", "WebP", "TIFF"]
Values = NDArray[Any]  # (H, W, C) uint8 or uint16, C 1 or 3
SUFFIXES: Mapping[Kept, str] = {"JPEG": ".jpg", "PNG": ".png", "WebP": ".webp", "TIFF": ".tif"}
LEAST_SIDE_PX = 2
REDUCING_GAP = 1.5  # of small copies
JPEG_QUALITY = 92  # coarser tables of the file are refined to this
WEBP_QUALITY = 95
_ORIENTATION, _BITS = 0x0112, 258  # tags of EXIF and TIFF


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo as it was given.

    Attributes:
        values: (H, W, C) uint8 or uint16, upright; C is 1 (grey) or 3 (RGB of the file's own profile), display light.
        alpha: (H, W) of the same kind, or None.
        name: File name, or what the visitor called it.
        source: The file as it came.
        kind: The format that it is written in again.
        orientation: EXIF orientation of the pixels in the file, 1 to 8.
        profile: ICC profile of the values, or None for sRGB.
        kept: What else goes back into the file, by the name of :func:`written`'s argument.
        notes: Sentences about what could not be kept.
    """

    values: Values
    alpha: Values | None
    name: str
    source: bytes
    kind: Kept
    orientation: int = 1
    profile: bytes | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def bits(self) -> int:
        """Bits a channel."""
        return 8 * int(self.values.dtype.itemsize)

    @property
    def top(self) -> int:
        """The greatest value."""
        return int(np.iinfo(self.values.dtype).max)

    def small_rgb(self, longest_px: int, values: Values | None = None) -> NDArray[np.uint8]:
        """The photo, or other values of its size, as (h, w, 3) uint8 sRGB, longer side at most ``longest_px``."""
        image = Image.fromarray(_eight_bits(self.values if values is None else values))
        width, height = image.size
        scale = longest_px / max(width, height)
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            way = Image.Resampling.BOX if scale < 0.25 else Image.Resampling.LANCZOS
            # Whole pixels are averaged first: half of the time, and 42 to 49 dB from it all the same.
            image = image.resize(size, way, reducing_gap=None if scale < 0.25 else REDUCING_GAP)
        return np.asarray(_to_srgb(image, self.profile))


def read_photo(source: Path | bytes, *, name: str = "") -> Photo:
    """Read a photo with all that its file holds.

    Args:
        source: A file or its content.
        name: What to call it; a file's own name if left out.

    Raises:
        InputError: empty, damaged, too large, too small, or of a format that is not read; one sentence.
    """
    name = name or (source.name if isinstance(source, Path) else "")
    try:
        data = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise InputError(f"{shown_name(name)} cannot be read: {error.strerror or 'no such file'}.") from error
    if not data or len(data) > MAX_FILE_BYTES:
        raise _refused(data, name)
    try:
        with Image.open(io.BytesIO(data), formats=[form.upper() for form in FORMATS]) as image:
            width, height = image.size
            if width * height > MAX_PIXELS or max(width, height) > MAX_ASPECT * min(width, height):
                raise _refused(data, name)
            photo = _read(image, data, name)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - decoders raise anything; read_image knows what to say of it
        raise _refused(data, name) from error
    if min(photo.values.shape[:2]) < LEAST_SIDE_PX:
        raise InputError(f"{shown_name(name)} has {width} x {height} pixels; at least {LEAST_SIDE_PX} a side.")
    return photo


def _refused(data: bytes, name: str) -> InputError:
    """The sentence that core.images has for such a file."""
    try:
        read_image(data, name=name)
    except InputError as error:
        return error
    return InputError(f"{shown_name(name)} is damaged or incomplete and cannot be decoded.")


def _read(image: Image.Image, data: bytes, name: str) -> Photo:
    """Decode the first picture of an open file."""
    notes: list[str] = []
    kind: Kept = {"JPEG": "JPEG", "MPO": "JPEG", "WEBP": "WebP", "TIFF": "TIFF"}.get(image.format or "", "PNG")  # type: ignore[assignment]
    orientation = _orientation(image)
    if image.format not in ("MPO",) and int(getattr(image, "n_frames", 1)) > 1:
        notes.append(f"Only the first of {image.n_frames:,} frames is used.")  # type: ignore[attr-defined]
    stored, profile = _stored_pixels(image, data, notes)
    if image.format in ("GIF", "BMP"):
        notes.append(f"A {image.format} file holds few colours or no metadata: the result is a PNG.")
    kept = _kept(image, data, kind, keeps_colours=profile is not None or "icc_profile" not in image.info)
    channels = stored.shape[2]
    upright = _upright(stored, orientation)
    has_alpha = channels in (2, 4)
    values = upright[..., : channels - 1] if has_alpha else upright
    return Photo(
        values=np.ascontiguousarray(values),
        alpha=np.ascontiguousarray(upright[..., -1]) if has_alpha else None,
        name=name,
        source=data,
        kind=kind,
        orientation=orientation,
        profile=profile,
        kept=kept,
        notes=tuple(notes),
    )


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none."""
    found = image.getexif().get(_ORIENTATION, 1)
    return int(found) if found in range(1, 9) else 1


def _stored_pixels(image: Image.Image, data: bytes, notes: list[str]) -> tuple[Values, bytes | None]:
    """Pixels (H, W, 1 to 4) as the file has them, and the profile that they stand in."""
    profile = image.info.get("icc_profile") or None
    header = png_file.read_header(data)
    if header is not None and header.bits == 16:
        return png_file.read_sixteen(data), profile
    if image.format == "TIFF":
        deep = tiff_file.read_sixteen(data)
        if deep is not None:
            return deep, profile
        if max(image.tag_v2.get(_BITS, (8,))) == 16 and image.mode in ("RGB", "RGBA"):  # type: ignore[attr-defined]
            notes.append("Its 16 bits are laid out in a way that is not read whole; they became 8.")
    tagged = _orientation(image)
    image.load()
    pixels, profile = _pillow_pixels(image, profile, notes)
    # Pillow turns a TIFF upright while it loads, and says so by its tag.
    is_turned = image.format == "TIFF" and _orientation(image) != tagged
    return (_as_stored(pixels, tagged) if is_turned else pixels), profile


def _pillow_pixels(image: Image.Image, profile: bytes | None, notes: list[str]) -> tuple[Values, bytes | None]:
    """What Pillow decoded in any of its modes -> (H, W, 1 to 4), and the profile that they stand in now."""
    mode = image.mode
    if mode in ("I", "F") or mode.startswith("I;16"):
        return _deep_grey(image, notes)[..., None], profile
    if mode == "CMYK":
        notes.append("Its CMYK colours were turned into sRGB.")
        return np.asarray(_to_srgb(image, profile)), None
    if mode == "1":
        return np.asarray(image.convert("L"))[..., None], profile
    if mode in ("LA", "La"):
        return np.asarray(image.convert("LA")), profile
    if mode in ("RGBA", "RGBa", "PA") or "transparency" in image.info:
        pixels = np.asarray(image.convert("RGBA"))
        return (pixels if (pixels[..., 3] < 255).any() or mode == "RGBA" else pixels[..., :3]), profile
    pixels = np.asarray(image if mode in ("L", "RGB") else image.convert("RGB"))
    return (pixels[..., None] if pixels.ndim == 2 else pixels), profile


def _deep_grey(image: Image.Image, notes: list[str]) -> NDArray[np.uint16]:
    """One channel of more than eight bits -> (H, W) uint16; what does not fit is stretched."""
    values = np.asarray(image)
    if image.mode.startswith("I;16") or (image.mode == "I" and values.min() >= 0 and values.max() <= 65_535):
        return values.astype(np.uint16)
    numbers = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(numbers.min()), float(numbers.max())
    if image.mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    notes.append(f"Its values from {low:.4g} to {high:.4g} became 16 bits.")
    return np.rint((numbers - low) / ((high - low) or 1.0) * 65_535).astype(np.uint16)


def _kept(image: Image.Image, data: bytes, kind: Kept, *, keeps_colours: bool) -> dict[str, Any]:
    """What goes back into the file besides pixels and profile."""
    if kind == "PNG":
        return {"chunks": png_file.kept_chunks(data, colours=keeps_colours)} if image.format == "PNG" else {}
    if kind == "TIFF":
        return {"tags": tiff_file.read_tags(data)}
    info = image.info
    kept = {name: info[name] for name in ("xmp", "comment", "dpi") if info.get(name)}
    if info.get("exif"):
        kept["exif"] = without_thumbnail(info["exif"])
    if kind == "JPEG":
        kept["progressive"] = bool(info.get("progressive"))
        sampling = JpegImagePlugin.get_sampling(image) if image.mode == "RGB" else -1
        kept["subsampling"] = max(sampling, 0)
        kept["qtables"] = _fine_tables(getattr(image, "quantization", {}))
    else:
        kept["lossless"] = _is_lossless_webp(data)
    return kept


def _is_lossless_webp(data: bytes) -> bool:
    """Whether the pixels are in a chunk of the lossless kind."""
    place = 12
    while place + 8 <= len(data):
        name, length = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        if name in (b"VP8L", b"VP8 "):
            return name == b"VP8L"
        place += 8 + length + length % 2
    return False


def _fine_tables(given: Mapping[int, Any]) -> list[list[int]]:
    """The file's own quantisation, made no coarser than ``JPEG_QUALITY``: a second coarse one would show."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", quality=JPEG_QUALITY)
    usual = Image.open(buffer).quantization  # type: ignore[attr-defined]
    tables = []
    for place in (0, 1):
        theirs = given.get(place, given.get(0, usual[place]))
        tables.append([max(1, min(a, b)) for a, b in zip(theirs, usual[place], strict=True)])
    return tables


def without_thumbnail(exif: bytes) -> bytes:
    """EXIF data without its link to the small picture inside, which would show the old photo; the rest untouched.

    Args:
        exif: As in a JPEG, with or without "Exif" in front.
    """
    start = 6 if exif[:6] == b"Exif\x00\x00" else 0
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(exif[start : start + 4])
    if order is None:
        return exif
    try:
        (first,) = struct.unpack_from(f"{order}I", exif, start + 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start + first)
        link = start + first + 2 + 12 * count
        struct.unpack_from(f"{order}I", exif, link)
    except struct.error:
        return exif
    return exif[:link] + b"\x00" * 4 + exif[link + 4 :]


def written(photo: Photo, values: Values) -> bytes:
    """The file with other pixels: same format, depth, orientation, profile and metadata.

    Args:
        photo: What was read.
        values: Of the shape and kind of ``photo.values``.

    Raises:
        ValueError: another shape or kind.
    """
    if values.shape != photo.values.shape or values.dtype != photo.values.dtype:
        raise ValueError(f"values are {values.shape} {values.dtype}, the photo {photo.values.shape}")
    pixels = values if photo.alpha is None else np.concatenate([values, photo.alpha[..., None]], axis=2)
    pixels = np.ascontiguousarray(_as_stored(pixels, photo.orientation))
    kept = dict(photo.kept)
    if photo.kind == "PNG":
        chunks = kept.get("chunks") or ()
        if photo.profile is not None and not any(name == "iCCP" for name, _ in chunks):
            chunks = (*chunks, png_file.profile_chunk(photo.profile))
        return png_file.write_png(pixels, chunks)
    if photo.kind == "TIFF":
        tags = kept.get("tags")
        return tiff_file.write_tiff(pixels, tags, photo.profile)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    if photo.kind == "WebP":
        kept["quality"] = WEBP_QUALITY
        kept["exact"] = True  # colours under alpha 0 too
    elif image.mode == "L":
        kept["qtables"] = kept["qtables"][:1]
        kept.pop("subsampling")
    buffer = io.BytesIO()
    more = {} if photo.profile is None else {"icc_profile": photo.profile}
    image.save(buffer, photo.kind, **kept, **more)
    return buffer.getvalue()


def _eight_bits(values: Values) -> NDArray[np.uint8]:
    """(H, W, C) -> (H, W) or (H, W, 3) uint8 for Pillow."""
    pixels = values if values.dtype == np.uint8 else ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Through the profile to sRGB; without one, or with a broken one, colours are taken as sRGB."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return image.convert("RGB")


def _upright(pixels: Values, orientation: int) -> Values:
    """Turn stored pixels (H, W, C) upright."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def _as_stored(pixels: Values, orientation: int) -> Values:
    """The inverse of :func:`_upright`."""
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    return pixels
