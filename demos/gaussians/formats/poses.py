"""Photos with known cameras, out of a ZIP: COLMAP's model (text or binary) or a transforms.json.

Only the poses are read here, and the sparse points that come with them; the pictures themselves go through
:mod:`core.archives`, one at a time, and are found by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.images import read_image, shown_name
from core.tasks import Job
from demos.gaussians.cameras import Camera
from demos.gaussians.formats import colmap, transforms
from demos.gaussians.formats.archive import Archive
from demos.gaussians.formats.blob import open_blob
from demos.gaussians.formats.posed_photo import PosedPhoto, distortion_px
from demos.gaussians.scene import Floats

MAX_MODEL_BYTES = 400_000_000
MAX_JSON_BYTES = 32_000_000  # 10,000 frames; parsed, it takes some thirty times that
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
_DISTORTION_WORTH_A_WORD_PX = 1.0


@dataclass(frozen=True, eq=False)
class Poses:
    """What an archive knows about its photos.

    Attributes:
        photos: Photos that are in the archive, in the model's order.
        points_xyz: (P, 3) float32 sparse points; P may be 0.
        points_rgb: (P, 3) uint8 their colours.
        up_xyz: Mean of the cameras' up directions, unit length.
        notes: Sentences about what was left out or assumed.
        kind: ``"COLMAP"`` or ``"transforms.json"``.
    """

    photos: tuple[PosedPhoto, ...]
    points_xyz: Floats = field(default_factory=lambda: np.empty((0, 3), np.float32))
    points_rgb: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 3), np.uint8))
    up_xyz: tuple[float, float, float] = (0.0, -1.0, 0.0)
    notes: tuple[str, ...] = ()
    kind: str = ""


def read_poses(source: Path | bytes, *, name: str = "", job: Job | None = None) -> Poses:
    """Read the poses of the photos in a ZIP.

    Args:
        source: The archive or its content. COLMAP's ``cameras``, ``images`` and ``points3D`` (.bin or .txt) may lie
            in any folder (``sparse/0``), as may ``transforms.json``; COLMAP is preferred where both are there.
        name: What to call it.
        job: Asked for Cancel between files.

    Raises:
        InputError: no poses, poses without photos, a damaged model, a camera that is no pinhole, or a hostile archive.
    """
    blob = open_blob(source, name=name)
    check = job.check if job is not None else _never
    with Archive(blob) as archive:
        pictures = [entry for entry in archive.names if _is_picture(entry)]
        folder = _folder_with(archive.names, ("cameras.bin", "images.bin")) or _folder_with(
            archive.names, ("cameras.txt", "images.txt")
        )
        jsons = [entry for entry in archive.names if PurePosixPath(entry).name in transforms.NAMES]
        if folder is not None:
            found = _read_colmap(archive, folder, check)
        elif jsons:
            found = _read_transforms(archive, jsons, pictures, check)
        else:
            raise InputError(
                f"{blob.shown} holds no camera poses: neither COLMAP's cameras and images (.bin or .txt) nor a "
                "transforms.json."
            )
    return _with_entries(found, pictures, blob.shown)


def _never() -> None:
    """Stand in for a job's check where there is no job."""


def _is_picture(entry: str) -> bool:
    path = PurePosixPath(entry)
    return path.suffix.lower() in _PICTURES and "__MACOSX" not in path.parts and not path.name.startswith(".")


def _folder_with(names: Sequence[str], wanted: tuple[str, ...]) -> PurePosixPath | None:
    """The shallowest folder that holds all the wanted files; ``sparse/0`` before ``sparse/1``."""
    known = set(names)
    folders = {PurePosixPath(name).parent for name in names if PurePosixPath(name).name == wanted[0]}
    complete = [folder for folder in folders if all(str(folder / name) in known for name in wanted)]
    return min(complete, key=lambda folder: (len(folder.parts), str(folder)), default=None)


def _read_colmap(archive: Archive, folder: PurePosixPath, check: Callable[[], None]) -> Poses:
    names = set(archive.names)
    suffix = ".bin" if str(folder / "cameras.bin") in names else ".txt"

    def content(stem: str) -> bytes:
        check()
        entry = str(folder / f"{stem}{suffix}")
        return archive.read(entry, MAX_MODEL_BYTES) if entry in names else b""

    model = colmap.parse_binary if suffix == ".bin" else colmap.parse_text
    photos, points_xyz, points_rgb = model(
        content("cameras"), content("images"), content("points3D"), shown=archive.shown, check=check
    )
    return Poses(tuple(photos), points_xyz, points_rgb, kind="COLMAP")


def _read_transforms(
    archive: Archive, entries: Sequence[str], pictures: Sequence[str], check: Callable[[], None]
) -> Poses:
    """Read one transforms.json, or the training half of a split one."""
    entry = min(entries, key=lambda name: (transforms.NAMES.index(PurePosixPath(name).name), len(name)))
    by_name = _by_name(pictures)

    def size_of(photo: str) -> tuple[int, int]:
        """(width, height) of a photo, for files that leave the size out; all are taken to have the first one's."""
        check()
        found = _entry_of(photo, by_name)
        if found is None:
            raise InputError(f"{archive.shown} names no picture size, and its photo {shown_name(photo)} is missing.")
        height, width = read_image(archive.read(found, MAX_MODEL_BYTES), name=found).rgb.shape[:2]
        return width, height

    photos = transforms.parse(archive.read(entry, MAX_JSON_BYTES), shown=archive.shown, size_of=size_of)
    return Poses(tuple(photos), kind="transforms.json")


def _with_entries(found: Poses, pictures: Sequence[str], shown: str) -> Poses:
    """Keep the photos that the archive holds, under the names that they have there."""
    by_name = _by_name(pictures)
    matched = [(photo, _entry_of(photo.name, by_name)) for photo in found.photos]
    photos = tuple(PosedPhoto(entry, photo.camera, photo.distortion) for photo, entry in matched if entry is not None)
    if not photos:
        raise InputError(f"{shown} has {len(found.photos):,} camera poses, but none of the photos that they name.")
    notes = list(found.notes)
    missing = len(found.photos) - len(photos)
    if missing:
        notes.append(f"{missing:,} of {len(found.photos):,} posed photos are missing from the archive.")
    unposed = len(pictures) - len({photo.name for photo in photos})
    if unposed > 0:
        notes.append(f"{unposed:,} pictures without a pose are left out.")
    bend_px = max(distortion_px(photo) for photo in photos)
    if bend_px > _DISTORTION_WORTH_A_WORD_PX:
        notes.append(f"The lens bends the photos by up to {bend_px:.0f} pixels at the corners.")
    return Poses(
        photos, found.points_xyz, found.points_rgb, _up_of([p.camera for p in photos]), tuple(notes), found.kind
    )


def _by_name(entries: Sequence[str]) -> Mapping[str, list[str]]:
    """Entries by file name and by file name without its ending, both in lower case."""
    table: dict[str, list[str]] = {}
    for entry in entries:
        path = PurePosixPath(entry)
        for key in {path.name.lower(), path.stem.lower()}:
            table.setdefault(key, []).append(entry)
    return table


def _entry_of(photo: str, by_name: Mapping[str, list[str]]) -> str | None:
    """The entry that a pose means: the one that shares the most trailing folders with the pose's name."""
    parts = [part for part in PurePosixPath(photo.replace("\\", "/")).parts if part not in (".", "..", "/")]
    if not parts:
        return None

    def shared(entry: str) -> int:
        folders = zip(reversed(PurePosixPath(entry).parts[:-1]), reversed(parts[:-1]), strict=False)
        return next((i for i, (one, other) in enumerate(folders) if one != other), len(parts))

    return max(by_name.get(parts[-1].lower(), []), key=lambda entry: (shared(entry), -len(entry)), default=None)


def _up_of(cameras: Sequence[Camera]) -> tuple[float, float, float]:
    mean = -np.mean([camera.world_to_cam[1, :3] for camera in cameras], axis=0)
    length = float(np.linalg.norm(mean))
    x, y, z = mean / length if length > 1e-6 else (0.0, -1.0, 0.0)
    return float(x), float(y), float(z)
