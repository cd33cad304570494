"""A scene with language from a ZIP of posed photos: Gaussians, masks, groups in space, embeddings, field.

    read_photos -> fit -> find_masks of some photos -> find_groups -> embed_groups -> make_pieces -> uplift
    (and, or instead, LangSplat's training: autoencoder, codes)

Whatever is costly leaves a file in the work folder, if one is given: ``fit.npz`` (to go on from), ``scene.npz`` and
``masks.npz``. A second run takes what is there, so that another encoder costs a minute.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from core import catalog
from core.errors import InputError
from core.image_text import ImageTextModel
from core.lockfile import read_pin
from core.model_spec import Bundled
from core.pool import POOL
from core.tasks import Job
from demos.gaussians.answers import Vector
from demos.gaussians.cameras import Camera
from demos.gaussians.field import LanguageField, Objects
from demos.gaussians.field_file import write_scene
from demos.gaussians.fit import Fit, FitOptions, Preview, fit
from demos.gaussians.groups import find_groups, sightings_of
from demos.gaussians.masks import PhotoMasks, Segmenter, find_masks
from demos.gaussians.objects import nearest_words
from demos.gaussians.photos import Photo, PhotoSet, read_photos
from demos.gaussians.pieces_make import make_pieces, objects_of
from demos.gaussians.progress import Portion
from demos.gaussians.regions import embed_groups
from demos.gaussians.scene import Floats, GaussianScene
from demos.gaussians.uplift import field_of, uplift, weights_of_views

Method = Literal["uplift", "langsplat", "both"]
METHODS: Final[tuple[Method, ...]] = ("uplift", "langsplat", "both")
MAX_MASK_PHOTOS: Final = 200
MAX_PHOTO_PX: Final = 1_024  # longer side of what is kept of a photo; masks and cut-outs are taken from it
FIRST_DOWN_DEG: Final = 40.0
_WORDS: Final = 3  # kept for each object


@dataclass(frozen=True)
class BuildOptions:
    """How to build a scene.

    Attributes:
        fit: The optimisation of the Gaussians.
        mask_photos: How many of the photos are looked at for masks.
        divisors: Tiles for the segmenter; see :func:`demos.gaussians.masks.tiles_of`.
        segmenter: Name of a promptable segmenter in the catalogue.
        encoder: Name of an image-text model in the catalogue; "" for a scene without language.
        method: "uplift" (no training), "langsplat" (its autoencoder and 3-channel field), or "both" beside each other.
    """

    fit: FitOptions = field(default_factory=FitOptions)
    mask_photos: int = 16
    divisors: tuple[int, ...] = (1, 2)
    segmenter: str = "pocket-sam"
    encoder: str = "pocket-clip"
    method: Method = "uplift"

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            InputError: a value is not among those allowed; one sentence.
        """
        self.fit.check()
        if not 2 <= self.mask_photos <= MAX_MASK_PHOTOS:
            raise InputError(
                f"The number of photos to look for masks in is {self.mask_photos}; it must be from 2 to "
                f"{MAX_MASK_PHOTOS}."
            )
        if not self.divisors or not all(1 <= divisor <= 6 for divisor in self.divisors):
            raise InputError(f"Tiles are a photo's shorter side by 1 to 6, not by {self.divisors}.")
        if self.method not in METHODS:
            raise InputError(f"There is no method {self.method!r}; choose one of {', '.join(METHODS)}.")


@dataclass(frozen=True, eq=False)
class Built:
    """A scene made from photos.

    Attributes:
        scene: The Gaussians.
        field: What they mean; None without an encoder.
        trained: LangSplat's field for the same Gaussians, where both were asked for.
        cameras: Of the photos, the one to start from first.
        up_xyz: Mean up direction of the cameras.
        background: (3,) float32 RGB that the scene was fitted over.
        psnr_db: Mean over training views.
        masks: Found in all photos that were looked at.
        groups: Of masks, in space.
        seconds: CPU seconds of this process by stage; 0 for what was taken from the work folder.
        notes: Sentences for the visitor.
    """

    scene: GaussianScene
    field: LanguageField | None
    trained: LanguageField | None
    cameras: tuple[Camera, ...]
    up_xyz: Vector
    background: Floats
    psnr_db: float
    masks: int
    groups: int
    seconds: Mapping[str, float]
    notes: tuple[str, ...]

    def as_npz(self, *, compact: bool = True) -> bytes:
        """Scene, field, cameras and up in the hub's own file."""
        return write_scene(
            self.scene,
            self.field,
            cameras=self.cameras,
            up_xyz=self.up_xyz,
            background_rgb=[float(value) for value in self.background],
            compact=compact,
        )


def build(
    source: Path | bytes,
    options: BuildOptions | None = None,
    *,
    name: str = "",
    folder: Path | None = None,
    preview: Callable[[Preview], None] | None = None,
    job: Job | None = None,
) -> Built:
    """Build a scene.

    Args:
        source: A ZIP of photos with poses (COLMAP or transforms.json), or its content.
        options: How; None takes the defaults.
        name: What to call content without a path.
        folder: Where to keep what is costly, and to take it from; it must exist.
        preview: Called about every two seconds while the Gaussians are optimised.
        job: Told the share of the work done; Cancel is heard within two seconds.

    Raises:
        InputError: the archive or an option is not what it must be; one sentence.
        ModelUnavailable: the segmenter or the encoder cannot be had.
        Cancelled: ``job`` was cancelled; what was finished stays in ``folder``.
    """
    options = options or BuildOptions()
    options.check()
    clock = _Clock()
    with clock.stage("photos"):
        longest_px = max(options.fit.longest_px, MAX_PHOTO_PX)
        photos = read_photos(source, name=name, longest_px=longest_px, job=Portion(job, 0, 2, "Photos"))
    fitted = _fitted(photos, options.fit, folder, preview, Portion(job, 2, 60, "Gaussians"), clock)
    notes = [*photos.notes, *fitted.notes]
    spoken: LanguageField | None = None
    trained: LanguageField | None = None
    mask_count = group_count = 0
    if options.encoder:
        chosen = _chosen(photos.photos, options.mask_photos)
        masks = _masked(chosen, options, folder, job, clock)
        mask_count = sum(len(one) for one in masks)
        with POOL.use(options.encoder, job=job) as encoder:
            spoken, group_count = add_language(fitted.scene, chosen, masks, encoder, job, clock)
            if options.method != "uplift":
                trained = train_language(fitted.scene, chosen, masks, encoder, spoken.objects, job, clock)
    if options.method == "langsplat":
        spoken, trained = trained, None
    return Built(
        scene=fitted.scene,
        field=spoken,
        trained=trained,
        cameras=best_first([photo.camera for photo in photos.photos], photos.poses.up_xyz),
        up_xyz=photos.poses.up_xyz,
        background=fitted.background,
        psnr_db=fitted.psnr_db,
        masks=mask_count,
        groups=group_count,
        seconds=clock.seconds,
        notes=tuple(notes),
    )


def best_first(cameras: Sequence[Camera], up_xyz: Vector) -> tuple[Camera, ...]:
    """The camera that looks down by most nearly ``FIRST_DOWN_DEG`` first: things hide each other least from there."""
    up = np.asarray(up_xyz, np.float64) / np.linalg.norm(up_xyz)
    falls = [float(-camera.world_to_cam[2, :3] @ up) for camera in cameras]
    first = int(np.abs(np.array(falls) - np.sin(np.radians(FIRST_DOWN_DEG))).argmin())
    return cameras[first], *cameras[:first], *cameras[first + 1 :]


class _Clock:
    """CPU seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what runs inside."""
        start_s = time.process_time()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - start_s


def add_language(
    scene: GaussianScene,
    photos: Sequence[Photo],
    masks: Sequence[PhotoMasks],
    encoder: ImageTextModel,
    job: Job | None = None,
    clock: _Clock | None = None,
) -> tuple[LanguageField, int]:
    """The uplifted language of a scene from masks of its photos; the field and the number of groups.

    Raises:
        InputError: no two photos agree on any mask.
    """
    clock = clock or _Clock()
    with clock.stage("weights"):
        cameras = [p.camera.resized(*m.masks.shape[:0:-1]) for p, m in zip(photos, masks, strict=True)]
        views = list(weights_of_views(scene, cameras, job=Portion(job, 85, 87, "Language")))
    with clock.stage("groups"):
        portion = Portion(job, 87, 89, "Language")
        found = sightings_of(views, masks, job=portion)
        groups = find_groups(found, job=portion)
    if not len(groups):
        raise InputError("No two photos agree on any mask; take more photos with more overlap, or finer tiles.")
    with clock.stage("embeddings"):
        pictures = [photo.rgb for photo in photos]
        table = embed_groups(groups, found, masks, pictures, encoder, job=Portion(job, 89, 91, "Language"))
    with clock.stage("pieces"):
        pieces = make_pieces(scene, views, found, groups, pictures, encoder, job=Portion(job, 91, 94, "Language"))
        words = [
            tuple(word.word for word in nearest_words(row, encoder, most=_WORDS)) if row.any() else ()
            for row in pieces.table
        ]
    with clock.stage("uplift"):
        lifted = uplift(views, masks, found, groups, job=Portion(job, 94, 95, "Language"))
        field = field_of(lifted, groups, table, model=encoder.name)
        field = replace(field, pieces=pieces, objects=objects_of(pieces, words=words))
    return field, len(groups)


def train_language(
    scene: GaussianScene,
    photos: Sequence[Photo],
    masks: Sequence[PhotoMasks],
    encoder: ImageTextModel,
    objects: Objects | None = None,
    job: Job | None = None,
    clock: _Clock | None = None,
) -> LanguageField:
    """LangSplat's language of a scene from masks of its photos; see :mod:`demos.gaussians.langsplat_train`.

    Raises:
        InputError: no photo has a mask.
    """
    from demos.gaussians.langsplat_train import train_field

    with (clock or _Clock()).stage("training"):
        cameras = [p.camera.resized(*m.masks.shape[:0:-1]) for p, m in zip(photos, masks, strict=True)]
        views = list(weights_of_views(scene, cameras, job=Portion(job, 95, 96, "LangSplat")))
        pictures = [photo.rgb for photo in photos]
        portion = Portion(job, 96, 100, "LangSplat")
        return train_field(views, masks, pictures, encoder, objects=objects, job=portion)


def _chosen(photos: Sequence[Photo], count: int) -> list[Photo]:
    """Evenly spaced photos."""
    places = np.unique(np.linspace(0, len(photos) - 1, min(count, len(photos))).round().astype(int))
    return [photos[int(i)] for i in places]


def _fitted(
    photos: PhotoSet,
    options: FitOptions,
    folder: Path | None,
    preview: Callable[[Preview], None] | None,
    job: Job,
    clock: _Clock,
) -> Fit:
    with clock.stage("fit"):
        return fit(
            photos.photos,
            options,
            points_xyz=photos.poses.points_xyz,
            points_rgb=photos.poses.points_rgb,
            preview=preview,
            checkpoint=None if folder is None else folder / "fit.npz",
            job=job,
        )


def _masked(
    photos: Sequence[Photo], options: BuildOptions, folder: Path | None, job: Job | None, clock: _Clock
) -> list[PhotoMasks]:
    """Masks of the chosen photos, those from the work folder where photos, model and tiles are the same."""
    kept = {} if folder is None else _read_kept(folder / "masks.npz")
    portion = Portion(job, 60, 85, "Masks")
    if not weights_of(options.segmenter):
        with POOL.use(options.segmenter, job=portion):
            pass  # it is here now, and its weights have hashes
    weights = weights_of(options.segmenter)
    names = [_mask_name(photo, options, weights) for photo in photos]
    missing = [place for place, name in enumerate(names) if name not in kept]
    if missing:
        with clock.stage("masks"), POOL.use(options.segmenter, job=job) as segmenter:
            for done, place in enumerate(missing):
                portion.step("running", done, len(missing), unit="photos", note=f"photo {done + 1} of {len(missing)}")
                kept[names[place]] = _find(photos[place].rgb, segmenter, options, portion)
                if folder is not None:
                    _write_kept(folder / "masks.npz", {name: kept[name] for name in names if name in kept})
    return [kept[name] for name in names]


def _find(rgb: NDArray[np.uint8], segmenter: Segmenter, options: BuildOptions, job: Job) -> PhotoMasks:
    return find_masks(rgb, segmenter, divisors=options.divisors, job=job)


def weights_of(name: str) -> str:
    """The sha256 of every file of a model that is on this machine, in the order of their names; "" if none is."""
    found = {}
    for source in catalog.spec(name).sources:
        if isinstance(source, Bundled):
            found.update(source.sha256)
        elif (pin := read_pin(source.key)) is not None:
            found.update({file: pinned.sha256 for file, pinned in pin.files.items()})
    return " ".join(sha256 for _, sha256 in sorted(found.items()))


def _mask_name(photo: Photo, options: BuildOptions, weights: str) -> str:
    """What the masks of a photo depend on: the segmenter, its weights, the tiles, the picture."""
    digest = hashlib.blake2b(f"{options.segmenter} {weights} {options.divisors}".encode(), digest_size=12)
    digest.update(np.ascontiguousarray(photo.rgb).data)
    return digest.hexdigest()


def _read_kept(path: Path) -> dict[str, PhotoMasks]:
    if not path.is_file():
        return {}
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
        names = sorted({key.split("/")[0] for key in held.files})
        return {
            name: PhotoMasks.unpacked({key: held[f"{name}/{key}"] for key in ("bits", "shape", "scores")})
            for name in names
        }


def _write_kept(path: Path, kept: Mapping[str, PhotoMasks]) -> None:
    """All masks, whole or not at all."""
    arrays = {f"{name}/{key}": array for name, one in kept.items() for key, array in one.packed().items()}
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    half = path.with_name(path.name + ".part")
    half.write_bytes(stream.getvalue())
    half.replace(path)


__all__ = ["BuildOptions", "Built", "FitOptions", "Preview", "add_language", "build", "train_language"]
