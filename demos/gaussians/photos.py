"""Posed photos at the size of a fit: read from a ZIP, unbent where the lens bends, made smaller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import InputError
from core.images import read_image, shown_name
from core.tasks import Job
from demos.gaussians.cameras import Camera
from demos.gaussians.formats.archive import Archive
from demos.gaussians.formats.blob import open_blob
from demos.gaussians.formats.posed_photo import PosedPhoto, distorted, distortion_px
from demos.gaussians.formats.poses import Poses, read_poses
from demos.gaussians.scene import Floats

MAX_PHOTOS = 400
MIN_PHOTOS = 3
MAX_PHOTO_BYTES = 60_000_000
_BENT_PX = 0.5  # at the corners, in the size of the fit; below, a lens counts as a pinhole
_SAME_SHAPE = 0.01  # of the sides' ratio: what a photo may differ from its camera


@dataclass(frozen=True, eq=False)
class Photo:
    """One photo.

    Attributes:
        name: Its entry in the archive.
        rgb: (H, W, 3) uint8, upright sRGB.
        camera: A pinhole of the same size.
    """

    name: str
    rgb: NDArray[np.uint8]
    camera: Camera

    def resized(self, longest_px: int) -> Photo:
        """The photo with its longer side at most ``longest_px``."""
        height, width = self.rgb.shape[:2]
        factor = longest_px / max(height, width)
        if factor >= 1:
            return self
        size = max(1, round(width * factor)), max(1, round(height * factor))
        small = np.asarray(Image.fromarray(self.rgb).resize(size, Image.Resampling.BOX))
        return Photo(self.name, small, self.camera.resized(*size))

    @property
    def floats(self) -> Floats:
        """(H, W, 3) float32 in [0, 1]."""
        return self.rgb.astype(np.float32) / np.float32(255)


@dataclass(frozen=True, eq=False)
class PhotoSet:
    """The photos of a scene.

    Attributes:
        photos: In the archive's order.
        poses: What the archive knows besides: sparse points, where up is.
        notes: Sentences about what was left out or changed.
    """

    photos: tuple[Photo, ...]
    poses: Poses
    notes: tuple[str, ...]


def read_photos(source: Path | bytes, *, name: str = "", longest_px: int = 800, job: Job | None = None) -> PhotoSet:
    """Read the posed photos of a ZIP.

    Args:
        source: The archive or its content; see :func:`demos.gaussians.formats.poses.read_poses`.
        name: What to call it.
        longest_px: Longer side that photos are made smaller to; of more than MAX_PHOTOS every n-th is taken.
        job: Told the photos done; asked for Cancel between them.

    Raises:
        InputError: no poses, too few photos, a photo that cannot be read or whose shape is not its camera's.
        Cancelled: the job was cancelled.
    """
    blob = open_blob(source, name=name)
    poses = read_poses(source, name=name, job=job)
    notes = list(poses.notes)
    posed: Sequence[PosedPhoto] = sorted(poses.photos, key=lambda photo: photo.name)
    if len(posed) < MIN_PHOTOS:
        count = "1 photo" if len(posed) == 1 else f"{len(posed)} photos"
        raise InputError(f"{blob.shown} has {count} with poses; at least {MIN_PHOTOS} are needed.")
    if len(posed) > MAX_PHOTOS:
        notes.append(f"Of {len(posed):,} photos {MAX_PHOTOS} are used.")
        posed = [posed[i] for i in np.linspace(0, len(posed) - 1, MAX_PHOTOS).round().astype(int)]
    photos = []
    with Archive(blob) as archive:
        for number, one in enumerate(posed):
            if job is not None:
                job.step("loading", number, len(posed), unit="photos", note=shown_name(one.name))
            photos.append(_read(archive, one, longest_px))
    return PhotoSet(tuple(photos), poses, tuple(notes))


def _read(archive: Archive, posed: PosedPhoto, longest_px: int) -> Photo:
    rgb = read_image(archive.read(posed.name, MAX_PHOTO_BYTES), name=posed.name).rgb
    height, width = rgb.shape[:2]
    camera = posed.camera
    if abs(width * camera.height / (height * camera.width) - 1) > _SAME_SHAPE:
        raise InputError(
            f"The photo {shown_name(posed.name)} has {width} x {height} pixels and its camera {camera.width} x "
            f"{camera.height}; both must have one shape."
        )
    photo = Photo(posed.name, rgb, camera.resized(width, height)).resized(longest_px)
    small = PosedPhoto(posed.name, photo.camera, posed.distortion)
    return photo if distortion_px(small) < _BENT_PX else Photo(photo.name, _unbent(photo, posed), photo.camera)


def _unbent(photo: Photo, posed: PosedPhoto) -> NDArray[np.uint8]:
    """The picture that a pinhole would have taken; what it sees beyond the photo repeats the photo's edge."""
    from scipy.ndimage import map_coordinates

    camera, (height, width) = photo.camera, photo.rgb.shape[:2]
    column, row = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    ideal = np.stack([(column.ravel() - camera.cx) / camera.fx, (row.ravel() - camera.cy) / camera.fy], 1)
    bent = distorted(ideal, posed.distortion) * (camera.fx, camera.fy) + (camera.cx, camera.cy) - 0.5
    places = np.stack([bent[:, 1], bent[:, 0]])
    channels = [map_coordinates(photo.rgb[..., c], places, order=1, mode="nearest") for c in range(3)]
    return np.stack(channels, 1).reshape(height, width, 3).astype(np.uint8)
