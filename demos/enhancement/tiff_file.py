"""TIFF files without loss: eight or sixteen bits a channel, and the tags that are not pixels, EXIF and GPS included.

Read are chunky strips, plain or packed by LZW, Deflate or PackBits, with or without the horizontal predictor; what
else there is, Pillow reads at eight bits. Written are strips, Deflate, horizontal predictor.

Source: TIFF 6.0, Adobe 1992; Deflate and its number 8 from Adobe's technical notes of 2002.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Endian = Literal["<", ">"]
Entry = tuple[int, int, bytes]  # type, count, content as it stands in the file
Directory = dict[int, Entry]

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_OFFSETS, ORIENTATION, _SAMPLES, _ROWS, _COUNTS, _PLANAR = 273, 274, 277, 278, 279, 284
_PREDICTOR, _TILE_WIDTH, _EXTRA, _FORMAT, _PROFILE = 317, 322, 338, 339, 34_675
_POINTERS = (34_665, 34_853, 40_965)  # directories of EXIF, GPS and interoperability
# Tags of the layout, which is ours, and of what is not copied: tiles, palettes, previews in sub-directories, JPEG.
_LAYOUT = frozenset((
    254, 255, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, 266, _OFFSETS, _SAMPLES, _ROWS, _COUNTS, 280, 281,
    _PLANAR, 288, 289, 290, 291, _PREDICTOR, 320, 322, 323, 324, 325, 330, 332, 333, 334, _EXTRA, _FORMAT, 340, 341,
    347, 512, 513, 514, 529, 530, 531, 532,
))  # fmt: skip
_NONE, _LZW, _DEFLATE, _OLD_DEFLATE, _PACKBITS = 1, 5, 8, 32_946, 32_773
_STRIP_BYTES = 1 << 20
_MOST_ENTRIES = 512


@dataclass(frozen=True)
class TiffTags:
    """What a file says besides its pixels.

    Attributes:
        endian: Order of bytes, in which the contents stand.
        tags: Of the first picture, without those of the layout.
        inner: The directories that some tags point to.
    """

    endian: Endian
    tags: Directory
    inner: dict[int, TiffTags]


def read_tags(data: bytes) -> TiffTags | None:
    """The tags of a TIFF file's first picture, or None where it is no classic TIFF."""
    endian = _endian(data)
    if endian is None:
        return None
    (first,) = struct.unpack(f"{endian}I", data[4:8])
    try:
        return _tree(data, endian, first, depth=0)
    except (struct.error, ValueError):
        return None


def read_sixteen(data: bytes) -> NDArray[np.uint16] | None:
    """The pixels of a file of sixteen bits a channel.

    Returns:
        (H, W, C) uint16, C is 1 to 4 as for PNG; None where the file is laid out in a way that is not read here.

    Raises:
        ValueError: it is damaged.
    """
    endian = _endian(data)
    if endian is None:
        return None
    try:
        tags = _directory(data, endian, struct.unpack(f"{endian}I", data[4:8])[0])
        return _pixels(data, endian, tags)
    except (struct.error, zlib.error, IndexError, KeyError) as error:
        raise ValueError("damaged TIFF") from error


def _endian(data: bytes) -> Endian | None:
    return {b"II*\x00": "<", b"MM\x00*": ">"}.get(data[:4])  # type: ignore[return-value]


def _directory(data: bytes, endian: Endian, offset: int) -> Directory:
    """The entries at an offset, contents fetched; entries of unknown type or beyond the end are left out."""
    (count,) = struct.unpack_from(f"{endian}H", data, offset)
    if count > _MOST_ENTRIES:
        raise ValueError("damaged TIFF")
    found: Directory = {}
    for place in range(offset + 2, offset + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(f"{endian}HHI", data, place)
        length = _SIZES.get(kind, 0) * number
        start = place + 8 if length <= 4 else struct.unpack_from(f"{endian}I", data, place + 8)[0]
        if length and start + length <= len(data):
            found[tag] = (kind, number, data[start : start + length])
    return found


def _tree(data: bytes, endian: Endian, offset: int, depth: int) -> TiffTags:
    entries = _directory(data, endian, offset)
    inner = {}
    for tag in _POINTERS:
        if tag in entries and depth < 2:
            inner[tag] = _tree(data, endian, _numbers(entries[tag], endian)[0], depth + 1)
    kept = {tag: entry for tag, entry in entries.items() if tag not in _POINTERS and (depth or tag not in _LAYOUT)}
    return TiffTags(endian, kept, inner)


def _numbers(entry: Entry, endian: Endian) -> tuple[int, ...]:
    """The whole numbers of an entry of bytes, shorts or longs."""
    kind, count, content = entry
    letter = {1: "B", 3: "H", 4: "I", 13: "I"}[kind]
    return struct.unpack(f"{endian}{count}{letter}", content)


def _pixels(data: bytes, endian: Endian, tags: Directory) -> NDArray[np.uint16] | None:
    def number(tag: int, usual: int) -> int:
        return _numbers(tags[tag], endian)[0] if tag in tags else usual

    width, height, samples = number(_WIDTH, 0), number(_HEIGHT, 0), number(_SAMPLES, 1)
    is_ours = (
        set(_numbers(tags[_BITS], endian)) == {16}
        and number(_PLANAR, 1) == 1
        and number(_FORMAT, 1) == 1
        and number(_PREDICTOR, 1) in (1, 2)
        and number(_PHOTOMETRIC, 9) == (1 if samples < 3 else 2)
        and samples <= 4
        and _TILE_WIDTH not in tags
    )
    if not is_ours:
        return None
    rows_per_strip = min(number(_ROWS, height), height)
    pixels = np.empty((height, width, samples), np.uint16)
    for place, (start, size) in enumerate(
        zip(_numbers(tags[_OFFSETS], endian), _numbers(tags[_COUNTS], endian), strict=True)
    ):
        part = pixels[place * rows_per_strip : (place + 1) * rows_per_strip]
        raw = _unpacked(data[start : start + size], number(_COMPRESSION, 1), part.nbytes)
        if raw is None:
            return None
        if len(raw) < part.nbytes:
            raise ValueError("the pixels end too early")
        part[:] = np.frombuffer(raw, f"{endian}u2", part.size).reshape(part.shape)
    if number(_PREDICTOR, 1) == 2:
        np.cumsum(pixels, axis=1, dtype=np.uint16, out=pixels)  # modulo 2^16, as the predictor wants it
    return pixels


def _unpacked(packed: bytes, compression: int, most: int) -> bytes | None:
    """A strip's bytes, at most ``most``; None for a compression that is not read here."""
    if compression == _NONE:
        return packed[:most]
    if compression in (_DEFLATE, _OLD_DEFLATE):
        return zlib.decompressobj().decompress(packed, most)
    if compression == _LZW:
        from demos.enhancement.file_loops import unpack_lzw

        out = np.zeros(most, np.uint8)
        done = unpack_lzw(np.frombuffer(packed, np.uint8), out)
        return out[: max(done, 0)].tobytes()
    return _from_packbits(packed, most) if compression == _PACKBITS else None


def _from_packbits(packed: bytes, most: int) -> bytes:
    out, place = bytearray(), 0
    while place < len(packed) and len(out) < most:
        head = packed[place]
        if head < 128:
            out += packed[place + 1 : place + 2 + head]
            place += 2 + head
        elif head > 128:
            out += packed[place + 1 : place + 2] * (257 - head)
            place += 2
        else:
            place += 1
    return bytes(out[:most])


def write_tiff(pixels: NDArray[Any], kept: TiffTags | None = None, profile: bytes | None = None) -> bytes:
    """A TIFF file.

    Args:
        pixels: (H, W, C) uint8 or uint16; C is 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        kept: Tags of :func:`read_tags`.
        profile: ICC profile; None keeps that of the tags.
    """
    kept = kept or TiffTags("<", {}, {})
    height, width, channels = pixels.shape
    endian: Endian = kept.endian
    bits = 8 * pixels.dtype.itemsize
    differences = pixels.copy()
    differences[:, 1:] -= pixels[:, :-1]  # modulo 2^bits
    stored = differences.astype(f"{endian}u{bits // 8}")
    rows = max(1, _STRIP_BYTES // max(1, width * channels * bits // 8))
    strips = [zlib.compress(np.ascontiguousarray(stored[top : top + rows]).data, 4) for top in range(0, height, rows)]
    starts = np.cumsum([8, *(len(strip) + len(strip) % 2 for strip in strips)])
    tags = {
        **{tag: entry for tag, entry in kept.tags.items() if profile is None or tag != _PROFILE},
        _WIDTH: _longs(endian, width),
        _HEIGHT: _longs(endian, height),
        _BITS: _shorts(endian, *[bits] * channels),
        _COMPRESSION: _shorts(endian, _DEFLATE),
        _PHOTOMETRIC: _shorts(endian, 1 if channels < 3 else 2),
        _OFFSETS: _longs(endian, *starts[:-1].tolist()),
        _SAMPLES: _shorts(endian, channels),
        _ROWS: _longs(endian, rows),
        _COUNTS: _longs(endian, *map(len, strips)),
        _PLANAR: _shorts(endian, 1),
        _PREDICTOR: _shorts(endian, 2),
        _FORMAT: _shorts(endian, *[1] * channels),
    }
    if channels in (2, 4):
        tags[_EXTRA] = _shorts(endian, 2)  # alpha that the colours are not multiplied with
    if profile is not None:
        tags[_PROFILE] = (7, len(profile), profile)
    body = b"".join(strip + b"\x00" * (len(strip) % 2) for strip in strips)
    directory = _written(TiffTags(endian, tags, kept.inner), int(starts[-1]))
    magic = b"II*\x00" if endian == "<" else b"MM\x00*"
    return magic + struct.pack(f"{endian}I", int(starts[-1])) + body + directory


def _shorts(endian: Endian, *values: int) -> Entry:
    return 3, len(values), struct.pack(f"{endian}{len(values)}H", *values)


def _longs(endian: Endian, *values: int) -> Entry:
    return 4, len(values), struct.pack(f"{endian}{len(values)}I", *values)


def _written(node: TiffTags, offset: int) -> bytes:
    """A directory that will stand at ``offset``, followed by its contents and the directories that it points to."""
    tags: dict[int, Entry | None] = {**node.tags, **dict.fromkeys(node.inner)}
    table_bytes = 2 + 12 * len(tags) + 4
    table, tail = bytearray(struct.pack(f"{node.endian}H", len(tags))), bytearray()
    for tag in sorted(tags):
        entry = tags[tag]
        end = offset + table_bytes + len(tail)
        if entry is None:
            kind, count, content = _longs(node.endian, end)
            tail += _written(node.inner[tag], end)
        else:
            kind, count, content = entry
        if len(content) > 4:
            tail += content + b"\x00" * (len(content) % 2)
            content = struct.pack(f"{node.endian}I", end)
        table += struct.pack(f"{node.endian}HHI", tag, kind, count) + content.ljust(4, b"\x00")
    return bytes(table) + b"\x00" * 4 + bytes(tail)
