""".spz of Niantic (MIT): quantised columns, packed by gzip (versions 1 to 3) or zstd (version 4).

A 16-byte header (32 in version 4), then all positions, opacities, colours, log-scales, rotations and harmonics:
positions in 24-bit fixed point (float16 in version 1), one byte each for sigmoid opacity, colour dc * 0.15 * 255 +
127.5, log-scale (s + 10) * 16 and every coefficient c * 128 + 128. Rotations are the signs-free (x, y, z) in one byte
each, from version 3 the smallest three of (x, y, z, w) in a sign and 9 bits each after 2 bits for the place of the
greatest. Axes are right, up, back; everything else here is right, down, forward.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from demos.gaussians.colour import sh_basis
from demos.gaussians.formats.blob import Blob
from demos.gaussians.formats.result import ReadScene, check_count, finished, logits_of_bytes, rows_in_budget
from demos.gaussians.rotations import from_smallest_three, smallest_three
from demos.gaussians.scene import BANDS, Floats, GaussianScene

Bytes = NDArray[np.uint8]

MAGIC = b"NGSP"
_HEADER = struct.Struct("<4sIIBBBB")  # magic, version, Gaussians, degree, fractional bits, flags, streams
_HEADER_4_BYTES = 32
_MIP_SPLATTING, _EXTENSIONS = 1, 2  # flags
_MAX_RATIO = 50  # unpacked : packed; real scenes shrink to a half or a third
_RATIO_FREE_BYTES = 10_000_000
_COLOUR_SCALE = 0.15
_COEFFICIENTS = (0, 3, 8, 15, 24)  # a channel without the constant band, degree 0 to 4
_MAX_BITS = 20  # of the fraction; a small scene keeps a micrometre of a metre
_DEGREE_1_STEP, _REST_STEP = 8, 16  # 5 and 4 bits survive, which makes gzip's work easier
_FLIP_XYZ = np.array((1, -1, -1), np.float32)
_FLIP_WXYZ = np.array((1, 1, -1, -1), np.float32)


def read_spz(blob: Blob, *, budget: int) -> ReadScene:
    """Read an .spz of version 1 to 4 (4 where a zstd library is there).

    Raises:
        InputError: another version, damaged, cut short, empty, too large, or a compression bomb.
    """
    header, columns = _columns(blob)
    _, version, count, degree, fraction_bits, flags, _ = header
    notes = ["It was trained for anti-aliased rendering, which is not done here."] if flags & _MIP_SPLATTING else []
    if flags & _EXTENSIONS:
        notes.append("Its vendor extensions were left out.")
    if degree >= len(BANDS):
        notes.append(f"Its spherical harmonics of degree {degree} were cut down to degree {len(BANDS) - 1}.")
    positions, opacities, colours, scales, rotations, bands = columns
    log_scales = scales.reshape(count, 3).astype(np.float32) * np.float32(1 / 16) - np.float32(10)
    rows = rows_in_budget(logits_of_bytes(opacities), log_scales, budget, notes)
    coefficients = bands.reshape(count, _COEFFICIENTS[degree], 3)[rows, : BANDS[-1] - 1]
    dc = (colours.reshape(count, 3)[rows].astype(np.float32) / 255 - np.float32(0.5)) / np.float32(_COLOUR_SCALE)
    rest = (
        (coefficients.astype(np.float32) - np.float32(128))
        * np.float32(1 / 128)
        * _sh_signs(coefficients.shape[1] + 1)[1:, None]
    )
    unpack = _smallest_three if version >= 3 else _first_three
    scene = GaussianScene(
        _unpack_positions(positions.reshape(count, -1)[rows], fraction_bits) * _FLIP_XYZ,
        log_scales[rows],
        unpack(rotations.reshape(count, -1)[rows]) * _FLIP_WXYZ,
        logits_of_bytes(opacities[rows]),
        np.concatenate([dc[:, None], rest], 1),
    )
    return finished(scene, notes, shown=blob.shown, kind=f".spz version {version}")


def write_spz(scene: GaussianScene, *, version: int = 3) -> bytes:
    """The scene as .spz of version 2 or 3, which every reader knows.

    Raises:
        ValueError: another version.
    """
    if version not in (2, 3):
        raise ValueError(f"version must be 2 or 3, not {version}")
    reach = max(float(np.abs(scene.means_xyz).max(initial=0)), 1e-6)
    fraction_bits = int(np.clip(np.floor(np.log2((2**23 - 1) / reach)), 0, _MAX_BITS))
    fixed = np.rint(scene.means_xyz.astype(np.float64) * _FLIP_XYZ * 2**fraction_bits)
    fixed = np.clip(fixed, -(2**23), 2**23 - 1).astype("<i4")
    quats = scene.quats_wxyz * _FLIP_WXYZ
    rest = np.rint(scene.sh[:, 1:] * _sh_signs(scene.sh.shape[1])[1:, None] * 128) + 128
    steps = np.where(np.arange(rest.shape[1]) < _COEFFICIENTS[1], _DEGREE_1_STEP, _REST_STEP)[:, None]
    columns = (
        fixed.view(np.uint8).reshape(len(scene), 3, 4)[..., :3],
        np.rint(scene.opacities * 255),
        np.rint(scene.sh[:, 0] * (_COLOUR_SCALE * 255) + 127.5),
        np.rint((scene.log_scales + 10) * 16),
        _pack_smallest_three(quats) if version == 3 else _pack_first_three(quats),
        np.floor((rest + steps // 2) / steps) * steps,
    )
    header = _HEADER.pack(MAGIC, version, len(scene), scene.degree, fraction_bits, 0, 0)
    body = b"".join(np.clip(column, 0, 255).astype(np.uint8).tobytes() for column in columns)
    packer = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return packer.compress(header + body) + packer.flush()


def _columns(blob: Blob) -> tuple[tuple[Any, ...], list[Bytes]]:
    """Header and the six columns as bytes."""
    if blob.piece(0, 4) != MAGIC:
        unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            head = unpack.decompress(blob.data.data, _HEADER.size)
            header, sizes = _checked(head, blob)
            _check_ratio(sum(sizes), blob)
            body = unpack.decompress(unpack.unconsumed_tail, sum(sizes)) if sum(sizes) else b""
        except zlib.error as error:
            raise InputError(f"{blob.shown} is damaged: its gzip data cannot be unpacked.") from error
        return header, _cut(np.frombuffer(body, np.uint8), sizes, blob)
    header, sizes = _checked(blob.piece(0, _HEADER.size), blob)
    if header[1] < 4:
        return header, _cut(blob.data[_HEADER.size :], sizes, blob)
    return header, list(_zstd_columns(header, sizes, blob))


def _checked(head: bytes, blob: Blob) -> tuple[tuple[Any, ...], list[int]]:
    """The header's fields and the byte counts of the six columns."""
    if len(head) < _HEADER.size or head[:4] != MAGIC:
        raise InputError(f"{blob.shown} is no .spz, or it is cut short within its header.")
    header = _HEADER.unpack(head)
    _, version, count, degree, fraction_bits, _, _ = header
    if not 1 <= version <= 4:
        raise InputError(f"{blob.shown} is .spz of version {version}; versions 1 to 4 are read.")
    if degree >= len(_COEFFICIENTS) or fraction_bits > 23:
        raise InputError(f"{blob.shown} is damaged: degree {degree} and {fraction_bits} fractional bits make no sense.")
    check_count(count, blob.shown)
    sizes = [6 if version == 1 else 9, 1, 3, 3, 4 if version >= 3 else 3, 3 * _COEFFICIENTS[degree]]
    return header, [count * size for size in sizes]


def _check_ratio(byte_count: int, blob: Blob) -> None:
    if byte_count > max(_RATIO_FREE_BYTES, _MAX_RATIO * len(blob)):
        raise InputError(f"{blob.shown} unpacks to more than {_MAX_RATIO} times its size, which no scene does.")


def _cut(body: Bytes, sizes: list[int], blob: Blob) -> list[Bytes]:
    if len(body) < sum(sizes):
        raise InputError(
            f"{blob.shown} is cut short: {sum(sizes):,} bytes of Gaussians are promised, {len(body):,} there."
        )
    ends = np.cumsum(sizes)
    return [body[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def _zstd_columns(header: tuple[Any, ...], sizes: list[int], blob: Blob) -> Iterator[Bytes]:
    """The columns of version 4: a table of (packed, unpacked) sizes, then a zstd stream for each that is not empty."""
    toc = int.from_bytes(blob.piece(16, 20), "little")
    streams = sum(size > 0 for size in sizes)
    start = toc + 16 * streams
    if toc < _HEADER_4_BYTES or header[6] != streams or start > len(blob):
        raise InputError(f"{blob.shown} is damaged or cut short: its table of streams makes no sense.")
    _check_ratio(sum(sizes), blob)
    table = np.frombuffer(blob.piece(toc, start), "<u8").reshape(streams, 2).tolist()
    for size in sizes:
        if size == 0:
            yield np.empty(0, np.uint8)
            continue
        packed, unpacked = table.pop(0)
        data = _unzstd(blob.piece(start, start + packed), size, blob)
        if start + packed > len(blob) or unpacked != size or len(data) != size:
            raise InputError(f"{blob.shown} is damaged or cut short: a stream has not the size it claims.")
        start += packed
        yield np.frombuffer(data, np.uint8)


def _unzstd(packed: bytes, size: int, blob: Blob) -> bytes:
    """The first ``size`` bytes of a zstd stream, fewer if it ends before."""
    try:
        from compression import zstd  # Python 3.14
    except ImportError:
        return _unzstd_by_package(packed, size, blob)
    try:
        return bytes(zstd.ZstdDecompressor().decompress(packed, size))
    except zstd.ZstdError as error:
        raise InputError(f"{blob.shown} is damaged: a stream cannot be unpacked.") from error


def _unzstd_by_package(packed: bytes, size: int, blob: Blob) -> bytes:
    try:
        import zstandard
    except ImportError as error:
        raise InputError(
            f"{blob.shown} is .spz of version 4, which needs the package zstandard; save it as version 3, or as .ply."
        ) from error
    try:
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(packed) as stream:
            return bytes(stream.read(size))
    except zstandard.ZstdError as error:
        raise InputError(f"{blob.shown} is damaged: a stream cannot be unpacked.") from error


def _sh_signs(bands: int) -> Floats:
    """(K,) factors that turn harmonics by half a turn about x, between up-back and down-forward."""
    direction = np.array((0.36, 0.48, 0.8))  # no basis function is 0 here
    degree = BANDS.index(bands)
    signs: Floats = np.sign(sh_basis(direction, degree) * sh_basis(direction * _FLIP_XYZ, degree)).astype(np.float32)
    return signs


def _unpack_positions(packed: Bytes, fraction_bits: int) -> Floats:
    if packed.shape[1] == 6:
        return np.ascontiguousarray(packed).view("<f2").astype(np.float32)
    wide = np.zeros((len(packed), 3, 4), np.uint8)
    wide[..., 1:] = packed.reshape(-1, 3, 3)  # in the upper bytes, so that shifting down keeps the sign
    fixed = wide.view("<i4")[..., 0] >> 8
    return (fixed / np.float64(1 << fraction_bits)).astype(np.float32)


def _first_three(packed: Bytes) -> Floats:
    xyz = packed.astype(np.float32) / np.float32(127.5) - np.float32(1)
    w = np.sqrt(np.maximum(np.float32(0), np.float32(1) - (xyz * xyz).sum(1, keepdims=True)))
    return np.concatenate([w, xyz], 1)


def _pack_first_three(quats_wxyz: Floats) -> Floats:
    return np.rint(np.where(quats_wxyz[:, :1] < 0, -1, 1) * quats_wxyz[:, 1:] * 127.5 + 127.5)


def _smallest_three(packed: Bytes) -> Floats:
    word = np.ascontiguousarray(packed).view("<u4")[:, 0].astype(np.uint32)
    fields = np.stack([word >> shift & 1023 for shift in (20, 10, 0)], 1)
    three = np.where(fields >> 9 & 1, -1, 1) * (fields & 511) * (np.sqrt(0.5) / 511)
    return from_smallest_three((word >> 30).astype(np.intp), three.astype(np.float32))[:, [3, 0, 1, 2]]


def _pack_smallest_three(quats_wxyz: Floats) -> Bytes:
    greatest, three = smallest_three(quats_wxyz[:, [1, 2, 3, 0]])
    size = np.minimum(np.rint(np.abs(three) * (511 / np.sqrt(0.5))), 511).astype(np.uint32)
    fields = (three < 0).astype(np.uint32) << 9 | size
    word = greatest.astype(np.uint32) << 30 | fields[:, 0] << 20 | fields[:, 1] << 10 | fields[:, 2]
    return word.astype("<u4").view(np.uint8).reshape(-1, 4)
