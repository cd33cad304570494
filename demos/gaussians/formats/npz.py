"""This hub's own scene file: NumPy's .npz with the Gaussians, what they mean, cameras and where up is.

Arrays: ``means_xyz``, ``log_scales``, ``quats_wxyz``, ``opacity_logits``, ``sh`` as in
:class:`~demos.gaussians.scene.GaussianScene`; ``language_levels`` (L,) text, ``language_model`` () text,
``language_ids``, ``language_features``, ``language_codes`` and ``decoder/NAME`` where there is language;
``camera_intrinsics`` (V, 6) = width, height, fx, fy, cx, cy and ``camera_world_to_cam`` (V, 4, 4) where there are
views; ``up_xyz`` (3,); ``background_rgb`` (3,) in [0, 1] where it is not black; ``format`` () = 1. Floats may be stored
as float16. No pickles, ever.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.images import shown_name
from demos.gaussians.cameras import Camera
from demos.gaussians.formats.archive import Archive
from demos.gaussians.formats.blob import Blob
from demos.gaussians.formats.result import (
    UP_IS_MINUS_Y,
    ReadScene,
    check_count,
    finished,
    rows_in_budget,
)
from demos.gaussians.scene import BANDS, BLACK, Floats, GaussianScene, Language

FORMAT = 1
MAX_UNPACKED_BYTES = 1_500_000_000  # 6 million Gaussians with SH of degree 3
_SHAPES: dict[str, tuple[int | None, ...]] = {
    "means_xyz": (None, 3),
    "log_scales": (None, 3),
    "quats_wxyz": (None, 4),
    "opacity_logits": (None,),
    "sh": (None, None, 3),
}
_MAX_LEVELS = 16
_MAX_CODE_WIDTH = 1_024
_MAX_CAMERAS = 10_000
_MAX_SIDE_PX = 100_000
# What NumPy writes before an array, and nothing else that its own parser, a tokenizer of Python, would let through.
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00.{2}\{'descr': '([<>|][fiuUO][0-9]{0,9})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:[0-9]{1,15},? ?){0,8})\), \} *\n",
    re.DOTALL,
)
_LAST_CHARACTER, _SURROGATES = 0x10FFFF, 0xD800 >> 11


def read_npz(blob: Blob, *, budget: int) -> ReadScene:
    """Read a scene that :func:`write_npz` wrote.

    Raises:
        InputError: an array is missing, damaged, of another shape or kind, or holds pickled objects.
    """
    with Archive(blob) as archive:
        arrays = Arrays(archive, blob.shown)
        parts = {name: arrays.floats(name, shape) for name, shape in _SHAPES.items()}
        count = len(parts["means_xyz"])
        check_count(count, blob.shown)
        for name, array in parts.items():
            if len(array) != count:
                raise InputError(f"{blob.shown} is damaged: {name} has {len(array):,} rows, means_xyz {count:,}.")
        if parts["sh"].shape[1] not in BANDS:
            raise InputError(
                f"{blob.shown} has {parts['sh'].shape[1]} harmonics a channel; allowed are 1, 4, 9 and 16."
            )
        language = _read_language(arrays, count)
        cameras = _read_cameras(arrays)
        up = arrays.floats("up_xyz", (3,)) if "up_xyz" in arrays else np.array(UP_IS_MINUS_Y, np.float32)
        behind = arrays.floats("background_rgb", (3,)) if "background_rgb" in arrays else np.array(BLACK, np.float32)
    notes: list[str] = []
    rows = rows_in_budget(parts["opacity_logits"], parts["log_scales"], budget, notes)
    scene = GaussianScene(**parts, language=language)
    if not isinstance(rows, slice):
        scene = scene.take(rows)
    x, y, z = (float(v) for v in up) if np.isfinite(up).all() and up.any() else UP_IS_MINUS_Y
    read = finished(scene, notes, shown=blob.shown, kind="CLIP Atlas .npz", cameras=cameras, up_xyz=(x, y, z))
    red, green, blue = (float(v) for v in np.clip(behind, 0, 1)) if np.isfinite(behind).all() else BLACK
    return replace(read, background_rgb=(red, green, blue))


def write_npz(
    scene: GaussianScene,
    *,
    cameras: Sequence[Camera] = (),
    up_xyz: Sequence[float] = UP_IS_MINUS_Y,
    background_rgb: Sequence[float] = BLACK,
    compact: bool = False,
) -> bytes:
    """The scene with all it knows, deflated; the same input gives the same bytes.

    Args:
        scene: The Gaussians.
        cameras: Views to keep, the one to start from first.
        up_xyz: Where up is.
        background_rgb: What is behind the scene, in [0, 1].
        compact: Store all but positions and logits as float16: half the size, colours to 1/1000.
    """
    arrays: dict[str, NDArray[Any]] = {name: getattr(scene, name) for name in _SHAPES}
    if compact:
        arrays.update({name: arrays[name].astype(np.float16) for name in ("log_scales", "quats_wxyz", "sh")})
    if scene.language is not None:
        arrays |= _language_arrays(scene.language, compact)
    if cameras:
        numbers = [(view.width, view.height, view.fx, view.fy, view.cx, view.cy) for view in cameras]
        arrays["camera_intrinsics"] = np.array(numbers, np.float64)
        arrays["camera_world_to_cam"] = np.stack([view.world_to_cam for view in cameras])
    arrays["up_xyz"] = np.array(up_xyz, np.float32)
    if any(background_rgb):
        arrays["background_rgb"] = np.array(background_rgb, np.float32)
    arrays["format"] = np.array(FORMAT, np.int32)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asarray(array, order="C"), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _language_arrays(language: Language, compact: bool) -> dict[str, NDArray[Any]]:
    tables = {"features": language.features, "codes": language.codes}
    arrays: dict[str, NDArray[Any]] = {
        f"language_{name}": array.astype(np.float16) if compact else array
        for name, array in tables.items()
        if array is not None
    }
    if language.ids is not None:
        arrays["language_ids"] = language.ids
    arrays["language_levels"] = np.array(language.levels, np.str_)
    arrays["language_model"] = np.array(language.model, np.str_)
    return arrays | {f"decoder/{name}": weight for name, weight in language.decoder.items()}


class Arrays:
    """The arrays of an archive, each checked against its own header before it is believed."""

    def __init__(self, archive: Archive, shown: str) -> None:
        self._archive, self._shown = archive, shown
        self._left_bytes = MAX_UNPACKED_BYTES

    def __contains__(self, name: str) -> bool:
        return f"{name}.npy" in self._archive.names

    def under(self, folder: str) -> list[str]:
        """Names of the arrays in a folder of the archive, without the folder."""
        return [n[len(folder) : -4] for n in self._archive.names if n.startswith(folder) and n.endswith(".npy")]

    def floats(self, name: str, shape: tuple[int | None, ...]) -> Floats:
        """An array of float16, 32 or 64 as float32."""
        array = self._read(name, shape, "f")
        with np.errstate(over="ignore"):
            return np.array(array, np.float32)

    def wide_floats(self, name: str, shape: tuple[int | None, ...]) -> NDArray[np.float64]:
        """An array of floats as float64."""
        return np.array(self._read(name, shape, "f"), np.float64)

    def integers(self, name: str, shape: tuple[int | None, ...]) -> NDArray[np.int32]:
        """An array of integers as int32; what does not fit becomes -1."""
        array = self._read(name, shape, "iu").astype(np.int64)
        return np.where((array >= -1) & (array < 2**31), array, -1).astype(np.int32)

    def texts(self, name: str, shape: tuple[int | None, ...]) -> list[str]:
        """The texts of an array, in order."""
        array = self._read(name, shape, "U")
        codes = np.frombuffer(array.tobytes(), np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
        if ((codes > _LAST_CHARACTER) | (codes >> 11 == _SURROGATES)).any():
            raise InputError(f"{self._shown} is damaged: “{shown_name(name)}” holds no text.")
        return [str(text) for text in array.ravel()]

    def _read(self, name: str, shape: tuple[int | None, ...], kinds: str) -> NDArray[Any]:
        entry = shown_name(name)
        if name not in self:
            raise InputError(f"{self._shown} holds no array “{entry}”; it is no scene of this hub.")
        data = self._archive.read(f"{name}.npy", self._left_bytes)
        self._left_bytes -= len(data)
        header = _HEADER.match(data)
        if not header:
            raise InputError(f"{self._shown} is damaged: the header of its array “{entry}” makes no sense.")
        code, order, lengths = (part.decode() for part in header.groups())
        if "O" in code:
            raise InputError(f"{self._shown} holds pickled objects in “{entry}”, which are refused.")
        found = tuple(int(length) for length in lengths.split(",") if length.strip())
        fits = len(found) == len(shape) and all(want in (None, have) for want, have in zip(shape, found, strict=True))
        if code[1] not in kinds or not fits:
            raise InputError(f"{self._shown} has {code} {found} in “{entry}”, which no scene of this hub has.")
        try:
            dtype, count = np.dtype(code), math.prod(found)
            if count * dtype.itemsize != len(data) - header.end():
                raise InputError(f"{self._shown} is cut short: “{entry}” has fewer values than its header claims.")
            if count == 0:
                return np.zeros(found, dtype)
            return np.ndarray(found, dtype, data, header.end(), order="F" if order == "True" else "C")
        except InputError:
            raise
        except (TypeError, ValueError, MemoryError) as error:  # <f3, <U0, (0, 10**15, 10**15)
            raise InputError(f"{self._shown} is damaged: “{entry}” is of no type and size that can be.") from error


def _read_language(arrays: Arrays, count: int) -> Language | None:
    if "language_levels" not in arrays:
        return None
    levels = tuple(arrays.texts("language_levels", (None,)))
    shown = arrays._shown
    if not 1 <= len(levels) <= _MAX_LEVELS:
        raise InputError(f"{shown} has {len(levels)} levels of language; allowed are 1 to {_MAX_LEVELS}.")
    model = arrays.texts("language_model", ())[0] if "language_model" in arrays else ""
    ids = features = codes = None
    if "language_ids" in arrays:
        ids = arrays.integers("language_ids", (count, len(levels)))
        features = arrays.floats("language_features", (None, None))
        if ids.size and int(ids.max()) >= len(features):
            raise InputError(f"{shown} is damaged: an id is {ids.max():,}, but there are {len(features):,} embeddings.")
    if "language_codes" in arrays:
        codes = arrays.floats("language_codes", (count, len(levels), None))
        if not 1 <= codes.shape[2] <= _MAX_CODE_WIDTH:
            raise InputError(f"{shown} has codes of {codes.shape[2]} values; allowed are 1 to {_MAX_CODE_WIDTH}.")
    decoder: Mapping[str, Floats] = {name: _weight(arrays, f"decoder/{name}") for name in arrays.under("decoder/")}
    return Language(levels, model, ids, features, codes, decoder)


def _weight(arrays: Arrays, name: str) -> Floats:
    """A matrix or a vector of a decoder."""
    is_matrix = name.endswith("weight")
    weight = arrays.floats(name, (None, None) if is_matrix else (None,))
    if not np.isfinite(weight).all():
        raise InputError(f"{arrays._shown} is damaged: the decoder's “{shown_name(name)}” is not finite.")
    return weight


def _read_cameras(arrays: Arrays) -> tuple[Camera, ...]:
    if "camera_intrinsics" not in arrays:
        return ()
    numbers = arrays.wide_floats("camera_intrinsics", (None, 6))
    if len(numbers) > _MAX_CAMERAS:
        raise InputError(f"{arrays._shown} holds {len(numbers):,} views; at most {_MAX_CAMERAS:,}.")
    motions = arrays.wide_floats("camera_world_to_cam", (len(numbers), 4, 4))
    sizes = numbers[:, :2]
    is_sound = np.isfinite(numbers).all() and np.isfinite(motions).all() and (numbers[:, :4] > 0).all()
    if not is_sound or (sizes > _MAX_SIDE_PX).any() or (sizes != np.rint(sizes)).any():
        raise InputError(f"{arrays._shown} is damaged: a view has no sensible size or focal length.")
    return tuple(
        Camera(int(width), int(height), float(fx), float(fy), float(cx), float(cy), motion.copy())
        for (width, height, fx, fy, cx, cy), motion in zip(numbers, motions, strict=True)
    )
