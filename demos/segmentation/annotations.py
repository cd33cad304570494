"""Answers as training data for others: COCO, YOLO and LabelMe, as their own libraries read them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from core.tasks import Job
from demos.segmentation.answers import Region, Segmentation
from demos.segmentation.exports import Named, coded_regions, named, picture_stem, png_bytes, zip_bytes
from demos.segmentation.polygons import bridged, rings

TOLERANCE_PX = 0.75  # of simplified outlines: straight edges lose their stairs, corners stay
LABELME_VERSION = "5.5.0"  # whose fields these are
_LEAST_POINTS = 3


class Coco:
    """COCO's instances, picture by picture: what is kept of each are a few lines and its run lengths.

    Beyond the standard keys an annotation has ``score``, ``predicted_iou``, ``stability_score``, ``label_scores`` (its
    best words) and ``parent_id`` (the annotation around it, 0 for none).
    """

    def __init__(self) -> None:
        """Start empty."""
        self._category_ids: dict[str, int] = {}
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def add(self, name: str, answer: Segmentation, *, job: Job | None = None) -> None:
        """Add a picture; labels of equal name are one category. Asks ``job`` for Cancel between masks."""
        height, width = answer.size_hw
        number = len(self._images) + 1
        self._images.append({"id": number, "file_name": name, "height": height, "width": width})
        for row in answer.labels[1:]:
            self._category_ids.setdefault(row.name, len(self._category_ids) + 1)
        ids: dict[int, int] = {}
        for region, code in coded_regions(answer, job=job):
            ids[region.id] = len(self._annotations) + 1
            left, top, right, bottom = region.box_xyxy
            self._annotations.append(
                {
                    "id": ids[region.id],
                    "image_id": number,
                    "category_id": self._category_ids[region.label],
                    "bbox": [float(left), float(top), float(right - left), float(bottom - top)],
                    "area": float(region.area_px),
                    "segmentation": code,
                    "iscrowd": 0,
                    "score": round(region.score, 6),
                    "predicted_iou": round(region.predicted_iou, 6),
                    "stability_score": round(region.stability, 6),
                    "label_scores": {word.word: round(word.score, 6) for word in region.words},
                    "parent_id": ids.get(region.parent, 0),  # a parent is larger and so comes first
                }
            )

    def text(self) -> str:
        """All of it as JSON text."""
        whole = {
            "info": {"description": "Made by CLIP Atlas", "version": "1.0"},
            "licenses": [],
            "images": self._images,
            "annotations": self._annotations,
            "categories": [{"id": n, "name": name, "supercategory": ""} for name, n in self._category_ids.items()],
        }
        return json.dumps(whole, ensure_ascii=False)


def coco(answers: Sequence[Named], *, job: Job | None = None) -> str:
    """COCO's instances of some pictures as JSON text, masks as compressed run lengths; see :class:`Coco`."""
    found = Coco()
    for name, answer in answers:
        found.add(name, answer, job=job)
    return found.text()


def category_names(answers: Sequence[Named]) -> list[str]:
    """All labels of all legends in their order, each once; position 0 is the first category."""
    return list(dict.fromkeys(row.name for _, answer in answers for row in answer.labels[1:]))


def yolo_zip(answers: Sequence[Named], *, job: Job | None = None) -> bytes:
    """A ZIP for YOLO segmentation: ``labels/NAME.txt`` for each picture, and ``data.yaml``.

    One row a connected piece: class from 0, then x and y of its outline in [0, 1]. Holes are joined to the outline by
    slits without width, because the format has none. Pictures are not in it: put them into ``images/``.
    """
    categories = category_names(answers)

    def files() -> Iterable[tuple[str, bytes]]:
        for name, answer in answers:
            if job is not None:
                job.check()
            yield f"labels/{picture_stem(name)}.txt", _yolo_rows(answer, categories).encode()
        names = "".join(f"  {n}: {json.dumps(name, ensure_ascii=False)}\n" for n, name in enumerate(categories))
        yield "data.yaml", f"path: .\ntrain: images\nval: images\nnames:\n{names}".encode()

    return zip_bytes(files())


def _yolo_rows(answer: Segmentation, categories: Sequence[str]) -> str:
    size_wh = np.array(answer.size_hw[::-1], np.float64)
    rows = []
    for region in named(answer):
        for piece in _outlines(answer, region):
            places = " ".join(f"{value:.6f}" for value in (bridged(piece) / size_wh).ravel())
            rows.append(f"{categories.index(region.label)} {places}\n")
    return "".join(rows)


def labelme(name: str, answer: Segmentation, *, job: Job | None = None) -> str:
    """LabelMe's JSON text for one picture, without the picture itself.

    A region is one polygon for each connected piece, tied together by ``group_id``; a region with holes, which
    polygons there cannot have, is a shape of type "mask": its rectangle and a PNG of what is inside.
    """
    shapes: list[dict[str, Any]] = []
    for region in named(answer):
        if job is not None:
            job.check()
        pieces = _outlines(answer, region)
        common = {"label": region.label, "group_id": region.id, "description": f"{region.score:.3f}", "flags": {}}
        if any(len(piece) > 1 for piece in pieces):
            left, top, right, bottom = region.box_xyxy
            inside = answer.region_map[top:bottom, left:right] == region.id
            shapes.append(
                {
                    **common,
                    "shape_type": "mask",
                    "points": [[left, top], [right - 1, bottom - 1]],
                    "mask": base64.b64encode(png_bytes(Image.fromarray(inside))).decode(),
                }
            )
        else:
            shapes += [
                {**common, "shape_type": "polygon", "points": piece[0].tolist(), "mask": None} for piece in pieces
            ]
    height, width = answer.size_hw
    whole: dict[str, Any] = {
        "version": LABELME_VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": name,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }
    return json.dumps(whole, ensure_ascii=False, indent=1)


def _outlines(answer: Segmentation, region: Region) -> list[list[Any]]:
    """Simplified rings of a region in pixels of the picture, piece by piece."""
    left, top, right, bottom = region.box_xyxy
    inside = answer.region_map[top:bottom, left:right] == region.id
    pieces = rings(inside, tolerance_px=TOLERANCE_PX)
    offset = np.array([left, top], np.float64)
    return [[ring + offset for ring in piece] for piece in pieces if len(piece[0]) >= _LEAST_POINTS]
