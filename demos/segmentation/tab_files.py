"""Answers as files: what the endpoint hands out, and what the page saves."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from gradio.processing_utils import save_bytes_to_cache
from numpy.typing import NDArray

from core import rle
from core.errors import InputError
from core.images import Picture
from core.tasks import Job
from demos.segmentation import exports, paint
from demos.segmentation.annotations import coco, labelme, yolo_zip
from demos.segmentation.answers import ClickAnswer, Segmentation

JPEG_QUALITY = 90


@dataclass(frozen=True)
class Files:
    """The three outputs of the endpoint /segment: two paths and plain JSON."""

    overlay: str
    label_map: str
    json: dict[str, Any]


def jpeg(rgb: NDArray[np.uint8]) -> bytes:
    """A picture (H, W, 3) as JPEG; colours at full resolution, because outlines are thin."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


def page_file(data: bytes, name: str, folder: str) -> dict[str, Any]:
    """A file that the page may load, in Gradio's folder of files; Gradio writes its address into it."""
    return {"path": save_bytes_to_cache(data, name, folder), "meta": {"_type": "gradio.FileData"}}


def size_words(byte_count: int) -> str:
    """A file's size for people: "12 kB", "3.4 MB"."""
    return f"{byte_count / 1e6:.1f} MB" if byte_count >= 999_500 else f"{max(byte_count / 1e3, 1):.0f} kB"


def output_files(rgb: NDArray[np.uint8], found: Segmentation, folder: str, *, job: Job | None = None) -> Files:
    """Overlay, label map and JSON of an answer, the first two in Gradio's folder of files."""
    overlay = save_bytes_to_cache(jpeg(paint.overlay(rgb, found)), "overlay.jpg", folder)
    if job is not None:
        job.check()
    label_map = save_bytes_to_cache(exports.label_map_png(found), "labels.png", folder)
    told = {
        **exports.as_json(found, job=job),
        "notes": list(found.notes),
        "models": list(found.models),
        "seconds": round(sum(found.seconds.values()), 4),
    }
    return Files(overlay, label_map, told)


def export(picture: Picture, found: Segmentation, kind: str, job: Job) -> tuple[bytes, str]:
    """One file of an answer to take along, and its name.

    Raises:
        InputError: there is no such kind.
        Cancelled: the job was cancelled.
    """
    stem = exports.picture_stem(picture.name)
    named = [(picture.name or "picture", found)]
    makers: dict[str, tuple[Callable[[], bytes], str]] = {
        "labels": (lambda: exports.label_map_png(found), "-labels.png"),
        "overlay": (lambda: jpeg(paint.overlay(picture.rgb, found)), "-overlay.jpg"),
        "coco": (lambda: coco(named, job=job).encode(), "-coco.json"),
        "cutouts": (lambda: exports.cut_outs_zip(picture.rgb, found, job=job), "-cut-outs.zip"),
        "yolo": (lambda: yolo_zip(named, job=job), "-yolo.zip"),
        "labelme": (lambda: labelme(picture.name or "picture", found, job=job).encode(), ".json"),
        "csv": (lambda: exports.regions_csv(named).encode(), "-regions.csv"),
    }
    if kind not in makers:
        raise InputError(f"There is no file of the kind {kind!r}; there are {', '.join(makers)}.")
    make, ending = makers[kind]
    return make(), stem + ending


def candidates_json(answer: ClickAnswer) -> dict[str, Any]:
    """What a click found, for programs."""
    height, width = answer.candidates[0].mask.shape
    return {
        "size": [height, width],
        "candidates": [
            {
                "level": candidate.level,
                "predicted_iou": candidate.predicted_iou,
                "area": candidate.area_px,
                "bbox_xyxy": list(candidate.box_xyxy),
                "words": [{"word": word.word, "score": word.score} for word in candidate.words],
                "rle": rle.encode(candidate.mask),
            }
            for candidate in answer.candidates
        ],
        "best": answer.best,
    }
