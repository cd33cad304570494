"""Checkpoints of LangSplat's authors (Qin et al. 2024, arXiv:2312.16084) and of 3D Gaussian Splatting itself.

A checkpoint is ``(parameters, iteration)``. LangSplat's 13 parameters: active SH degree, xyz, f_dc, f_rest, scaling,
rotation, opacity, language feature, and five of the optimiser; 3DGS has the same without the language feature. One
file holds one level; three files with the same Gaussians are one scene. The autoencoder's ``best_ckpt.pth`` is a
state dict of which the decoder is kept.

These files are pickles. They are opened by torch's weights-only unpickler, with nothing allowed beyond its tensors
but NumPy's scalars (the last parameter is one); anything else in them is refused, never run.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.images import shown_name
from core.tasks import Job
from demos.gaussians.formats.archive import DAMAGE, Archive
from demos.gaussians.formats.blob import Blob
from demos.gaussians.formats.result import ReadScene, check_count, finished, rows_in_budget
from demos.gaussians.scene import BANDS, Floats, GaussianScene, Language

LEVELS = ("subpart", "part", "whole")  # the authors' levels 1, 2, 3 (SAM's s, m, l)
MODEL = "laion2b-vit-b-16"  # the encoder behind the authors' embeddings, by its name in the catalogue
_LANGSPLAT, _SPLAT = 13, 12  # parameters of a checkpoint with and without language
_SHAPES: Final[tuple[tuple[str, tuple[int | None, ...]], ...]] = (
    ("xyz", (None, 3)),
    ("f_dc", (None, 1, 3)),
    ("f_rest", (None, None, 3)),
    ("scaling", (None, 3)),
    ("rotation", (None, 4)),
    ("opacity", (None, 1)),
    ("language feature", (None, None)),
)
_DECODER = re.compile(r"decoder\.\d{1,2}\.(weight|bias)")
_LEVEL = re.compile(r"_([123])(?=[/.]|$)")


def is_checkpoint(blob: Blob) -> bool:
    """Whether a ZIP is what torch saves: it holds a pickle and nothing that this hub writes."""
    try:
        with Archive(blob) as archive:
            return any(PurePosixPath(name).name == "data.pkl" for name in archive.names)
    except InputError:
        return False


def read_checkpoints(blobs: Sequence[Blob], *, budget: int, job: Job | None = None) -> ReadScene:
    """Read one to three levels and, if given, the autoencoder, in any order.

    A level is told from the files' names (``.../case_2/chkpnt30000.pth``), else from their order.

    Raises:
        InputError: other objects than tensors, other tensors than a checkpoint has, or levels of different scenes.
    """
    models: list[tuple[Blob, Sequence[Any]]] = []
    decoder: Mapping[str, Floats] = {}
    for blob in blobs:
        if job is not None:
            job.check()
        content = _load(blob)
        found = _decoder_of(content, blob)
        if found:
            decoder = found
        else:
            models.append((blob, _parameters(content, blob)))
    if not models:
        raise InputError(f"{blobs[0].shown} is an autoencoder without a scene; give the checkpoints (.pth) with it.")
    if len(models) > len(LEVELS):
        raise InputError(f"{len(models)} checkpoints were given; a LangSplat scene has at most {len(LEVELS)} levels.")
    return _assemble(_in_level_order(models), decoder, budget)


def _load(blob: Blob) -> Any:
    """Unpickle tensors and containers of them, nothing else."""
    _check_container(blob)
    import pickle

    import torch

    with torch.serialization.safe_globals(_numpy_scalars()):
        try:
            source: Any = io.BytesIO(blob.piece(0)) if blob.path is None else str(blob.path)
            return torch.load(source, map_location="cpu", weights_only=True, mmap=blob.path is not None)
        except pickle.UnpicklingError as error:
            named = re.search(r"GLOBAL ([\w.]+)", str(error))
            what = f" ({shown_name(named[1])})" if named else ""
            raise InputError(
                f"{blob.shown} holds pickled objects other than tensors{what}; they are refused, since opening them "
                "would run a stranger's code."
            ) from error
        except (*DAMAGE, TypeError, AttributeError, MemoryError, AssertionError, NotImplementedError) as error:
            raise InputError(f"{blob.shown} is damaged: its tensors cannot be read.") from error


def _check_container(blob: Blob) -> None:
    """Refuse what torch would unpack without a limit: tensors lie in the ZIP as they are, so claims equal bytes."""
    if blob.piece(0, 2) != b"PK":
        raise InputError(f"{blob.shown} is no checkpoint that torch saved as a ZIP; older pickles are refused.")
    with Archive(blob) as archive:
        names = archive.names
        if any(not archive.is_stored(name) for name in names):
            raise InputError(f"{blob.shown} is compressed, which torch's checkpoints are not.")
        claimed = sum(archive.claimed_bytes(name) for name in names)
    if claimed > len(blob):
        raise InputError(f"{blob.shown} claims {claimed:,} bytes of tensors, but has {len(blob):,}.")
    if any(PurePosixPath(name).name == "constants.pkl" for name in names):
        raise InputError(f"{blob.shown} is a TorchScript program, which is refused; give a checkpoint.")


def _numpy_scalars() -> list[Any]:
    """What a pickled float of NumPy needs, under the names that NumPy 1 and NumPy 2 gave it."""
    scalar = np.float64(0).__reduce__()[0]
    return [
        (scalar, "numpy.core.multiarray.scalar"),
        (scalar, "numpy._core.multiarray.scalar"),
        np.dtype,
        type(np.dtype(np.float32)),
        type(np.dtype(np.float64)),
    ]


def _decoder_of(content: Any, blob: Blob) -> Mapping[str, Floats]:
    """The decoder's weights by name; empty if this is no autoencoder."""
    if not isinstance(content, Mapping):
        return {}
    named = {str(key): value for key, value in content.items()}
    weights = {key: value for key, value in named.items() if _DECODER.fullmatch(key)}
    if not weights:
        raise InputError(f"{blob.shown} is neither a checkpoint of Gaussians nor LangSplat's autoencoder.")
    arrays = {
        key: _floats(value, (None, None) if key.endswith("weight") else (None,), key, blob)
        for key, value in weights.items()
    }
    layers = sorted({int(key.split(".")[1]) for key in arrays})
    width: int | None = None
    for layer in layers:
        weight, bias = arrays.get(f"decoder.{layer}.weight"), arrays.get(f"decoder.{layer}.bias")
        is_sound = weight is not None and bias is not None and len(bias) == len(weight)
        if weight is None or not is_sound or width not in (None, weight.shape[1]) or not np.isfinite(weight).all():
            raise InputError(f"{blob.shown} is damaged: layer {layer} of its decoder does not fit the one before.")
        width = len(weight)
    return arrays


def _parameters(content: Any, blob: Blob) -> Sequence[Any]:
    """The 12 or 13 parameters of ``(parameters, iteration)``."""
    parameters = content[0] if isinstance(content, (tuple, list)) and len(content) == 2 else content
    if not isinstance(parameters, (tuple, list)) or len(parameters) not in (_SPLAT, _LANGSPLAT):
        raise InputError(f"{blob.shown} is no checkpoint of LangSplat or 3DGS: they hold 13 or 12 parameters.")
    return parameters


def _in_level_order(models: list[tuple[Blob, Sequence[Any]]]) -> list[tuple[int, Blob, Sequence[Any]]]:
    """Number every model by its name, or by its place if the names do not tell."""
    found = [_LEVEL.search(str(blob.path or blob.name).replace("\\", "/")) for blob, _ in models]
    numbers = [int(match[1]) - 1 for match in found if match]
    if len(set(numbers)) != len(models):
        numbers = list(range(len(models)))
    return sorted(((n, blob, model) for n, (blob, model) in zip(numbers, models, strict=True)), key=lambda row: row[0])


def _assemble(models: list[tuple[int, Blob, Sequence[Any]]], decoder: Mapping[str, Floats], budget: int) -> ReadScene:
    _, blob, first = models[0]
    scene = _scene_of(first, blob)
    notes: list[str] = []
    codes = [_codes_of(model, level_blob, scene, blob) for _, level_blob, model in models if len(model) == _LANGSPLAT]
    if codes:
        width = decoder["decoder.0.weight"].shape[1] if "decoder.0.weight" in decoder else codes[0].shape[1]
        if any(code.shape[1] != width for code in codes):
            raise InputError(
                f"{blob.shown}: its codes have other widths than {width}, which the decoder or level 1 has."
            )
        names = tuple(LEVELS[n] for n, _, model in models if len(model) == _LANGSPLAT)
        scene = replace(scene, language=Language(names, MODEL, codes=np.stack(codes, 1), decoder=decoder))
        if not decoder:
            notes.append("Its autoencoder (best_ckpt.pth) was not given, so its words cannot be asked for.")
    else:
        notes.append("It holds no language features: a checkpoint of 3DGS, before LangSplat's training.")
    rows = rows_in_budget(scene.opacity_logits, scene.log_scales, budget, notes)
    if not isinstance(rows, slice):
        scene = scene.take(rows)
    return finished(scene, notes, shown=blob.shown, kind="LangSplat checkpoint" if codes else "3DGS checkpoint")


def _scene_of(parameters: Sequence[Any], blob: Blob) -> GaussianScene:
    arrays = [_floats(value, shape, name, blob) for value, (name, shape) in zip(parameters[1:7], _SHAPES, strict=False)]
    xyz, dc, rest, scaling, rotation, opacity = arrays
    check_count(len(xyz), blob.shown)
    if any(len(array) != len(xyz) for array in arrays) or rest.shape[1] + 1 not in BANDS:
        lengths = ", ".join(str(array.shape) for array in arrays)
        raise InputError(f"{blob.shown} is damaged: its tensors do not fit together ({lengths}).")
    return GaussianScene(xyz, scaling, rotation, opacity[:, 0], np.concatenate([dc, rest], 1))


def _codes_of(parameters: Sequence[Any], blob: Blob, scene: GaussianScene, first: Blob) -> Floats:
    """The (N, C) codes of one level, of unit length as the authors' rasteriser takes them."""
    xyz = _floats(parameters[1], (None, 3), "xyz", blob)
    if not np.array_equal(xyz, scene.means_xyz, equal_nan=True):
        raise InputError(f"{blob.shown} and {first.shown} have different Gaussians; levels of one scene share them.")
    codes = _floats(parameters[7], (len(xyz), None), "language feature", blob)
    lengths = np.linalg.norm(codes, axis=1, keepdims=True)
    return np.nan_to_num(codes / np.maximum(lengths, np.float32(1e-9)))


def _floats(value: Any, shape: tuple[int | None, ...], name: str, blob: Blob) -> Floats:
    """A tensor as a float32 array, if it has the shape."""
    import torch

    if not isinstance(value, torch.Tensor):
        raise InputError(f"{blob.shown} is damaged: its {shown_name(name)} is no tensor.")
    fits = value.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape, value.shape, strict=True))
    if not fits or not value.dtype.is_floating_point or value.layout != torch.strided:
        found = f"{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
        raise InputError(f"{blob.shown} is damaged: its {shown_name(name)} is {found}, not floats of shape {shape}.")
    _check_extent(value, name, blob)
    array: NDArray[np.float32] = value.detach().to(torch.float32).contiguous().numpy()
    return array.copy()


def _check_extent(value: Any, name: str, blob: Blob) -> None:
    """Refuse tensors of strides 0 that claim more values than they store."""
    if value.numel() * value.element_size() > value.untyped_storage().nbytes():
        raise InputError(f"{blob.shown} is damaged: its {shown_name(name)} claims more values than it stores.")
