"""COLMAP's sparse model, text or binary: cameras, images, points3D (colmap.github.io/format.html).

Poses are world to camera with OpenCV's axes, quaternion wxyz first; pixel (0, 0) is the picture's corner. Binary
files are little-endian; every count is held against the bytes that are left before it is believed.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.images import shown_name
from demos.gaussians.cameras import world_to_cam_from_colmap
from demos.gaussians.formats.posed_photo import PosedPhoto, checked_camera
from demos.gaussians.scene import Floats

MAX_PHOTOS = 10_000
MAX_POINTS = 5_000_000
_MAX_NAME_BYTES = 4_096
_CHECKED_EVERY = 4_096  # points between two looks at Cancel
# Number, name, count of parameters; the lenses that are read are pinholes with at most k1, k2, p1, p2.
_MODELS: Final = {
    0: ("SIMPLE_PINHOLE", 3),
    1: ("PINHOLE", 4),
    2: ("SIMPLE_RADIAL", 4),
    3: ("RADIAL", 5),
    4: ("OPENCV", 8),
    5: ("OPENCV_FISHEYE", 8),
    6: ("FULL_OPENCV", 12),
    7: ("FOV", 5),
    8: ("SIMPLE_RADIAL_FISHEYE", 4),
    9: ("RADIAL_FISHEYE", 5),
    10: ("THIN_PRISM_FISHEYE", 12),
}
_COUNTS = dict(_MODELS.values())
_READ = tuple(_MODELS[number][0] for number in range(5))

Lens = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float, float, float]]
Model = tuple[list[PosedPhoto], Floats, NDArray[np.uint8]]


def parse_text(cameras: bytes, images: bytes, points: bytes, *, shown: str, check: Callable[[], None]) -> Model:
    """Parse the three text files; ``points`` may be empty.

    Returns:
        Photos, sparse points (P, 3) float32, and their colours (P, 3) uint8.

    Raises:
        InputError: a line that makes no sense, a lens that is not read, or a camera that is not there.
    """
    lenses: dict[int, Lens] = {}
    for line in _lines(cameras):
        words = line.split()
        numbers = _numbers([words[0], *words[2:]] if len(words) > 4 else [], "cameras.txt", line, shown)
        if words[1] in _COUNTS and len(numbers) != 3 + _COUNTS[words[1]]:
            raise _bad_line("cameras.txt", line, shown)
        lenses[_whole(numbers[0], "cameras.txt", line, shown)] = _lens(
            words[1], (numbers[1], numbers[2]), numbers[3:], shown
        )
    photos = []
    for line in _image_lines(images):
        words = line.split(maxsplit=9)
        numbers = _numbers(words[:9] if len(words) == 10 else [], "images.txt", line, shown)
        camera_id = _whole(numbers[8], "images.txt", line, shown)
        photos.append(_photo(words[9].strip(), np.array(numbers[1:8]), camera_id, lenses, shown))
        _check_count(len(photos), MAX_PHOTOS, "photos", shown)
    rows = []
    for at, line in enumerate(_lines(points)):
        if at % _CHECKED_EVERY == 0:
            check()
        rows.append(_numbers(line.split()[1:7], "points3D.txt", line, shown, 6))
        _check_count(len(rows), MAX_POINTS, "points", shown)
    return photos, *_points(np.array(rows, np.float64).reshape(-1, 6))


def parse_binary(cameras: bytes, images: bytes, points: bytes, *, shown: str, check: Callable[[], None]) -> Model:
    """Parse the three binary files; the same as :func:`parse_text`."""
    try:
        lenses = dict(_binary_lenses(_Bytes(cameras), shown))
        photos = list(_binary_photos(_Bytes(images), lenses, shown))
        rows = list(_binary_points(_Bytes(points), shown, check)) if points else []
    except (struct.error, OverflowError) as error:
        raise InputError(f"{shown} is damaged: COLMAP's binary model ends early.") from error
    return photos, *_points(np.array(rows, np.float64).reshape(-1, 6))


class _Bytes:
    """A cursor over bytes; reading past the end raises struct.error."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, layout: str) -> tuple[float, ...]:
        values = struct.unpack_from(f"<{layout}", self._data, self._at)
        self._at += struct.calcsize(f"<{layout}")
        return values

    def skip(self, byte_count: int) -> None:
        if byte_count > len(self._data) - self._at:
            raise struct.error("skip past the end")
        self._at += byte_count

    def text(self) -> str:
        end = self._data.find(b"\0", self._at, self._at + _MAX_NAME_BYTES)
        if end < 0:
            raise struct.error("text without an end")
        value = self._data[self._at : end].decode("utf-8", "replace")
        self._at = end + 1
        return value

    @property
    def left(self) -> int:
        return len(self._data) - self._at


def _binary_lenses(data: _Bytes, shown: str) -> Iterator[tuple[int, Lens]]:
    (count,) = data.take("Q")
    _check_count(count, MAX_PHOTOS, "cameras", shown)
    for _ in range(int(count)):
        camera_id, number, width, height = data.take("IiQQ")
        if number not in _MODELS:
            raise InputError(f"{shown} has a camera of the unknown model {number}; allowed are {', '.join(_READ)}.")
        name, parameters = _MODELS[int(number)]
        yield int(camera_id), _lens(name, (width, height), list(data.take(f"{parameters}d")), shown)


def _binary_photos(data: _Bytes, lenses: dict[int, Lens], shown: str) -> Iterator[PosedPhoto]:
    (count,) = data.take("Q")
    _check_count(count, MAX_PHOTOS, "photos", shown)
    for _ in range(int(count)):
        _, *pose, camera_id = data.take("I7dI")
        name = data.text()
        (points,) = data.take("Q")
        data.skip(int(points) * 24)  # x, y, and the 3D point's number
        yield _photo(name, np.array(pose), int(camera_id), lenses, shown)


def _binary_points(data: _Bytes, shown: str, check: Callable[[], None]) -> Iterator[tuple[float, ...]]:
    (count,) = data.take("Q")
    _check_count(count, MAX_POINTS, "points", shown)
    for at in range(int(count)):
        if at % _CHECKED_EVERY == 0:
            check()
        _, x, y, z, red, green, blue, _, seen_by = data.take("Q3d3BdQ")
        data.skip(int(seen_by) * 8)
        yield x, y, z, red, green, blue


def _check_count(count: float, most: int, what: str, shown: str) -> None:
    if count > most:
        raise InputError(f"{shown} claims {int(count):,} {what}; at most {most:,}.")


def _lens(model: str, size: tuple[float, float], parameters: list[float], shown: str) -> Lens:
    """Size, focal lengths, principal point, and k1, k2, p1, p2."""
    if model not in _READ:
        raise InputError(
            f"{shown} has cameras of the model {shown_name(model)}; undistort the photos first "
            f"(colmap image_undistorter), allowed are {', '.join(_READ)}."
        )
    values = list(parameters)
    fx = values.pop(0)
    fy = values.pop(0) if model in ("PINHOLE", "OPENCV") else fx
    cx, cy, *bends = values
    k1, k2, p1, p2 = (*bends, 0.0, 0.0, 0.0, 0.0)[:4]
    return size, (fx, fy), (cx, cy), (k1, k2, p1, p2)


def _photo(name: str, pose: NDArray[np.float64], camera_id: int, lenses: dict[int, Lens], shown: str) -> PosedPhoto:
    if camera_id not in lenses:
        raise InputError(f"{shown} is damaged: {shown_name(name)} was taken by camera {camera_id}, which is not there.")
    size, focal, centre, bends = lenses[camera_id]
    if not (np.abs(pose) < 1e9).all() or float(np.linalg.norm(pose[:4])) < 1e-6:
        raise InputError(f"{shown}: the pose of {shown_name(name)} is no rotation and shift.")
    motion = world_to_cam_from_colmap(pose[:4], pose[4:])
    return PosedPhoto(name, checked_camera(size, focal, centre, motion, photo=name, shown=shown), bends)


def _points(rows: NDArray[np.float64]) -> tuple[Floats, NDArray[np.uint8]]:
    """Sparse points and colours; those that are not finite are left out."""
    rows = rows[(np.abs(rows) < 1e9).all(1)]
    return rows[:, :3].astype(np.float32), np.clip(rows[:, 3:], 0, 255).astype(np.uint8)


def _all_lines(content: bytes) -> Iterator[str]:
    """One line at a time: a list of them all would take ten times the file."""
    for line in io.BytesIO(content):
        yield line.decode("utf-8", "replace").rstrip("\r\n")


def _lines(content: bytes) -> Iterator[str]:
    for line in _all_lines(content):
        if line.strip() and not line.startswith("#"):
            yield line


def _image_lines(content: bytes) -> Iterator[str]:
    """Every image has two lines; the second one, its 2D points, may be empty and is stepped over."""
    is_image = True
    for line in _all_lines(content):
        if line.startswith("#") or (is_image and not line.strip()):
            continue
        if is_image:
            yield line
        is_image = not is_image


def _numbers(words: list[str], file: str, line: str, shown: str, count: int = 0) -> list[float]:
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise _bad_line(file, line, shown) from error
    if not numbers or (count and len(numbers) != count):
        raise _bad_line(file, line, shown)
    return numbers


def _whole(number: float, file: str, line: str, shown: str) -> int:
    if not np.isfinite(number):
        raise _bad_line(file, line, shown)
    return int(number)


def _bad_line(file: str, line: str, shown: str) -> InputError:
    return InputError(f"{shown} is damaged: {file} has the line “{shown_name(line)}”.")
