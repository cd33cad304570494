"""One door for every scene file: what it is is told from its content, its name decides only where that is silent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from core.errors import InputError
from core.images import shown_name
from core.tasks import Job
from demos.gaussians.formats.archive import Archive
from demos.gaussians.formats.blob import Blob, open_blob
from demos.gaussians.formats.langsplat import is_checkpoint, read_checkpoints
from demos.gaussians.formats.npz import read_npz
from demos.gaussians.formats.ply import read_ply
from demos.gaussians.formats.result import MAX_GAUSSIANS, ReadScene
from demos.gaussians.formats.splat import read_splat
from demos.gaussians.formats.spz import MAGIC as SPZ_MAGIC
from demos.gaussians.formats.spz import read_spz

FORMATS: Final = (".ply", ".splat", ".spz", ".npz", ".pth", ".zip")
_ALLOWED = f"allowed are {', '.join(FORMATS[:-1])} and {FORMATS[-1]}"
MAX_UNPACKED_BYTES = 2_500_000_000  # three levels of 2.5 million Gaussians with their optimisers
_CHECKPOINTS = (".pth", ".pt", ".ckpt")


def read_scene(
    source: Path | bytes | Sequence[Path],
    *,
    name: str = "",
    budget: int = MAX_GAUSSIANS,
    job: Job | None = None,
) -> ReadScene:
    """Read a scene of any of the formats.

    Args:
        source: A file, its content, or the several files of a LangSplat scene (levels and autoencoder).
        name: What to call it; a file's own name if left out. ``.splat`` has no mark of its own and needs it.
        budget: Most Gaussians to keep; of more, the most visible ones are.
        job: Where progress is told and Cancel is asked.

    Returns:
        A valid scene, and sentences about what was left out or mended.

    Raises:
        InputError: the file is empty, damaged, cut short, hostile, too large, or of a format that is not read.
    """
    if isinstance(source, Sequence) and not isinstance(source, bytes):
        blobs = [open_blob(path) for path in source]
    else:
        blobs = [open_blob(source, name=name)]
    if not blobs:
        raise InputError(f"No file was given; {_ALLOWED}.")
    if job is not None:
        job.step("loading", note=blobs[0].shown)
    if len(blobs) > 1:
        return read_checkpoints(blobs, budget=budget, job=job)
    return _read(blobs[0], budget, job)


def _read(blob: Blob, budget: int, job: Job | None) -> ReadScene:
    head = blob.piece(0, 16)
    if head.startswith(b"ply") and head[3:4] in (b"\n", b"\r", b" ", b"\t"):
        return read_ply(blob, budget=budget)
    if head.startswith((b"\x1f\x8b", SPZ_MAGIC)):
        return read_spz(blob, budget=budget)
    if head.startswith(b"PK"):
        return _read_zip(blob, budget, job)
    if blob.suffix == ".splat":
        return read_splat(blob, budget=budget)
    raise InputError(_sentence_for_unknown(blob, head))


def _read_zip(blob: Blob, budget: int, job: Job | None) -> ReadScene:
    """A ZIP is this hub's .npz, a checkpoint, or a folder with checkpoints or one scene in it."""
    if is_checkpoint(blob):
        return read_checkpoints([blob], budget=budget, job=job)
    with Archive(blob) as archive:
        if "means_xyz.npy" in archive.names or blob.suffix == ".npz":
            return read_npz(blob, budget=budget)
        names = [name for name in archive.names if "__MACOSX" not in PurePosixPath(name).parts]
        checkpoints = [name for name in names if name.lower().endswith(_CHECKPOINTS)]
        scenes = [name for name in names if name.lower().endswith(FORMATS[:4])]
        if not checkpoints and len(scenes) != 1:
            found = f"{len(scenes)} scenes" if scenes else "no scene"
            raise InputError(f"{blob.shown} holds {found}; give one scene ({_ALLOWED}).")
        left_bytes, blobs = MAX_UNPACKED_BYTES, []
        for name in checkpoints or scenes:
            if job is not None:
                job.step("loading", note=shown_name(name))
            blobs.append(open_blob(archive.read(name, left_bytes), name=name))
            left_bytes -= len(blobs[-1])
    return read_checkpoints(blobs, budget=budget, job=job) if checkpoints else _read(blobs[0], budget, job)


def _sentence_for_unknown(blob: Blob, head: bytes) -> str:
    if head.startswith(b"version https://"):
        return f"{blob.shown} is a pointer of Git LFS, not the file itself; download that one."
    if head[:1] == b"\x80" or blob.suffix in (*_CHECKPOINTS, ".pkl", ".pickle"):
        return f"{blob.shown} is a bare pickle, which is refused: opening it would run a stranger's code; {_ALLOWED}."
    if blob.suffix in (".ksplat", ".sog", ".gltf", ".glb", ".obj", ".json"):
        return f"{blob.shown} is a {blob.suffix} file, which is not read; {_ALLOWED}."
    return f"{blob.shown} is no scene of Gaussians; {_ALLOWED}."
