"""A scene with its language field in one file: arrays ``field/...`` in the hub's own .npz, beside the Gaussians.

``field/model`` () and ``field/levels`` (L,) text; ``field/ids`` (N, L, K) integers, -1 for none, ``field/weights``
(N, L, K) and ``field/table`` (M, D), or ``field/codes`` (N, L, C) and ``field/decoder/NAME``; ``field/object_ids``
(N,), ``field/object_table`` (O, D) and ``field/object_words`` (O,) text, words split by ``;``, where there are objects;
``field/piece_ids`` (N, K), ``field/piece_levels``, ``field/piece_general`` and ``field/piece_support`` (P,) and
``field/piece_table`` (P, D) where there are pieces.
Floats may be float16, integers of any width; no pickles. A file may also hold a field alone, to lie next to a scene.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.calibration import unit_rows
from core.errors import InputError
from demos.gaussians.cameras import Camera
from demos.gaussians.field import LanguageField, Objects, Pieces
from demos.gaussians.formats.archive import Archive
from demos.gaussians.formats.blob import Blob
from demos.gaussians.formats.npz import Arrays, write_npz
from demos.gaussians.formats.result import UP_IS_MINUS_Y
from demos.gaussians.scene import BLACK, Floats, GaussianScene

_FOLDER = "field/"
_SPLIT = ";"
_MAX_SHARE = 255  # steps of a weight in compact files


def write_scene(
    scene: GaussianScene,
    field: LanguageField | None,
    *,
    cameras: Sequence[Camera] = (),
    up_xyz: Sequence[float] = UP_IS_MINUS_Y,
    background_rgb: Sequence[float] = BLACK,
    compact: bool = False,
) -> bytes:
    """Scene and field as one .npz; ``compact`` stores float16 and 8-bit weights (see formats.npz.write_npz)."""
    content = write_npz(scene, cameras=cameras, up_xyz=up_xyz, background_rgb=background_rgb, compact=compact)
    return content if field is None else _with_entries(content, field, compact)


def write_field(field: LanguageField, *, compact: bool = False) -> bytes:
    """The field alone as .npz."""
    return _with_entries(b"", field, compact)


def read_field(blob: Blob, count: int) -> LanguageField | None:
    """The field of an .npz for ``count`` Gaussians; None if the file holds none.

    Raises:
        InputError: an array is missing, damaged, of another shape or kind, or points past its table.
    """
    with Archive(blob) as archive:
        arrays = Arrays(archive, blob.shown)
        if f"{_FOLDER}levels" not in arrays:
            return None
        levels = tuple(arrays.texts(f"{_FOLDER}levels", (None,)))
        model = arrays.texts(f"{_FOLDER}model", ())[0]
        wide = (count, len(levels), None)
        try:
            if f"{_FOLDER}codes" in arrays:
                codes = arrays.floats(f"{_FOLDER}codes", wide)
                field = LanguageField(model, levels, codes=codes, decoder=_decoder(arrays))
            else:
                ids = arrays.integers(f"{_FOLDER}ids", wide)
                weights = arrays.floats(f"{_FOLDER}weights", wide)
                table = unit_rows(arrays.floats(f"{_FOLDER}table", (None, None)))
                field = LanguageField(model, levels, ids=ids, weights=weights, table=table)
            return _with_pieces(_with_objects(field, arrays, count), arrays, count).validated(count)
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{blob.shown} is damaged: in its language field {error}.") from error


def _with_entries(content: bytes, field: LanguageField, compact: bool) -> bytes:
    """Append the field's arrays to an archive; the same input gives the same bytes."""
    buffer = io.BytesIO()
    buffer.write(content)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, array in _arrays_of(field, compact).items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.asarray(array, order="C"), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{_FOLDER}{name}.npy"), entry.getvalue(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _arrays_of(field: LanguageField, compact: bool) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        "model": np.array(field.model, np.str_),
        "levels": np.array(field.levels, np.str_),
    }
    if field.codes is not None:
        arrays["codes"] = _halved(field.codes, compact)
        arrays |= {f"decoder/{name}": weight for name, weight in field.decoder.items()}
    if field.ids is not None and field.weights is not None and field.table is not None:
        arrays["ids"] = _narrowed(field.ids) if compact else field.ids
        arrays["weights"] = _stepped(field.weights) if compact else field.weights
        arrays["table"] = _halved(field.table, compact)
    if field.objects is not None:
        arrays["object_ids"] = _narrowed(field.objects.ids) if compact else field.objects.ids
        arrays["object_table"] = _halved(field.objects.table, compact)
        words = field.objects.words or ((),) * len(field.objects.table)
        arrays["object_words"] = np.array([_SPLIT.join(row) for row in words], np.str_)
    if field.pieces is not None:
        arrays["piece_ids"] = _narrowed(field.pieces.ids) if compact else field.pieces.ids
        arrays["piece_levels"] = field.pieces.levels
        arrays["piece_table"] = _halved(field.pieces.table, compact)
        arrays["piece_general"] = field.pieces.general
        arrays["piece_support"] = field.pieces.support
    return arrays


def _halved(array: Floats, compact: bool) -> NDArray[Any]:
    return array.astype(np.float16) if compact else array


def _narrowed(ids: NDArray[np.int32]) -> NDArray[Any]:
    """The narrowest integers that hold the ids."""
    most = int(ids.max(initial=0))
    return ids.astype(np.int8 if most < 128 else np.int16 if most < 32_768 else np.int32)


def _stepped(weights: Floats) -> NDArray[Any]:
    """Weights in steps of 1/255 of the greatest of each row, as float16: few different values, which deflate well."""
    most = weights.max(axis=-1, keepdims=True)
    most = np.where(most > 0, most, 1)
    return (np.rint(weights / most * _MAX_SHARE) / _MAX_SHARE * np.rint(most * _MAX_SHARE) / _MAX_SHARE).astype(
        np.float16
    )


def _decoder(arrays: Arrays) -> dict[str, Floats]:
    """The decoder's weights, all finite."""
    found = {}
    for name in arrays.under(f"{_FOLDER}decoder/"):
        shape: tuple[int | None, ...] = (None, None) if name.endswith("weight") else (None,)
        found[name] = arrays.floats(f"{_FOLDER}decoder/{name}", shape)
        if not np.isfinite(found[name]).all():
            raise ValueError("a weight of the decoder is not finite")
    return found


def _with_objects(field: LanguageField, arrays: Arrays, count: int) -> LanguageField:
    if f"{_FOLDER}object_ids" not in arrays:
        return field
    ids = arrays.integers(f"{_FOLDER}object_ids", (count,))
    table = unit_rows(arrays.floats(f"{_FOLDER}object_table", (None, None)))
    rows = arrays.texts(f"{_FOLDER}object_words", (len(table),)) if f"{_FOLDER}object_words" in arrays else []
    words = tuple(tuple(word for word in row.split(_SPLIT) if word) for row in rows)
    return replace(field, objects=Objects(ids, table, words))


def _with_pieces(field: LanguageField, arrays: Arrays, count: int) -> LanguageField:
    if f"{_FOLDER}piece_ids" not in arrays:
        return field
    table = unit_rows(arrays.floats(f"{_FOLDER}piece_table", (None, None)))
    pieces = Pieces(
        arrays.integers(f"{_FOLDER}piece_ids", (count, None)),
        _level_numbers(arrays.integers(f"{_FOLDER}piece_levels", (len(table),)), len(field.levels)),
        table,
        arrays.floats(f"{_FOLDER}piece_general", (len(table),)),
        arrays.floats(f"{_FOLDER}piece_support", (len(table),)),
    )
    return replace(field, pieces=pieces)


def _level_numbers(levels: NDArray[np.int32], count: int) -> NDArray[np.int8]:
    """Levels as narrow integers; refused before what is too large for them would wrap around."""
    if levels.size and not 0 <= int(levels.min()) <= int(levels.max()) < count:
        raise ValueError(f"the level of a piece lies outside of 0..{count - 1}")
    return levels.astype(np.int8)
