"""Answers as files: label map, JSON, table, cut-outs; annotation formats are in :mod:`.annotations`.

Every function takes a :class:`Segmentation` and returns bytes or plain JSON; nothing is written to disk. Only named
regions are exported, except by the table, which lists all of them.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from core import rle
from core.tasks import Job
from demos.segmentation.answers import Region, Segmentation

Kind = Literal["label-map", "coco", "cut-outs", "yolo", "labelme", "csv"]
KINDS: tuple[Kind, ...] = ("label-map", "coco", "cut-outs", "yolo", "labelme", "csv")
Named = tuple[str, Segmentation]  # a picture's file name and its answer

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")  # what makes spreadsheets run a cell
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the same answer gives the same bytes
_STEM_CHARS = 60
_COLUMNS = (
    "picture", "region", "label", "score", "second", "second_score", "area_px", "share",
    "left", "top", "right", "bottom", "level", "parent", "predicted_iou", "stability",
)  # fmt: skip


def as_json(answer: Segmentation, *, job: Job | None = None) -> dict[str, Any]:
    """What the endpoint returns.

    Returns:
        {"size": [h, w], "labels": [names, index 1 first], "regions": [{"label", "score", "area", "bbox_xyxy", "rle"}]},
        regions largest first; "rle" as COCO writes it.
    """
    return {
        "size": list(answer.size_hw),
        "labels": [row.name for row in answer.labels[1:]],
        "regions": [
            {
                "label": region.label,
                "score": round(region.score, 6),
                "area": region.area_px,
                "bbox_xyxy": list(region.box_xyxy),
                "rle": code,
            }
            for region, code in coded_regions(answer, job=job)
        ],
    }


def coded_regions(answer: Segmentation, *, job: Job | None = None) -> Iterable[tuple[Region, rle.Rle]]:
    """The named regions, each with its run lengths."""
    columns_first = np.asfortranarray(answer.region_map)  # runs go down the columns: so they lie side by side
    for region in named(answer):
        if job is not None:
            job.check()
        yield region, rle.encode(columns_first == region.id)


def named(answer: Segmentation) -> tuple[Region, ...]:
    """The regions that carry a label."""
    return tuple(region for region in answer.regions if region.label_index)


def label_map_png(answer: Segmentation) -> bytes:
    """The label map as an 8-bit PNG with the legend's colours as its palette; pixel values are the labels' indices.

    The names stand in the text chunk "labels", as JSON, index 0 first.
    """
    image = Image.fromarray(answer.label_map, "P")
    image.putpalette([channel for row in answer.labels for channel in row.colour_rgb])
    names = PngImagePlugin.PngInfo()
    names.add_itxt("labels", json.dumps([row.name for row in answer.labels], ensure_ascii=False))
    return png_bytes(image, pnginfo=names)


def png_bytes(image: Image.Image, **options: Any) -> bytes:
    """A Pillow image as a PNG file."""
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    return stream.getvalue()


def cut_out_png(rgb: NDArray[np.uint8], answer: Segmentation, region: Region) -> bytes:
    """One region with its parts as a PNG with alpha, tight around it; what is outside is black and transparent."""
    mask = answer.mask(region.id, with_parts=True)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    where = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    alpha = mask[where].astype(np.uint8)[..., None]
    # Colours outside would show as fringes where a program scales the picture without looking at alpha.
    return png_bytes(Image.fromarray(np.concatenate([rgb[where] * alpha, alpha * 255], axis=2), "RGBA"))


def cut_outs_zip(rgb: NDArray[np.uint8], answer: Segmentation, *, job: Job | None = None) -> bytes:
    """All named regions as cut-outs in a ZIP: ``001_mug.png`` and so on, largest first."""

    def files() -> Iterable[tuple[str, bytes]]:
        regions = named(answer)
        for done, region in enumerate(regions):
            if job is not None:
                job.step("running", done, len(regions), unit="cut-outs")
            yield f"{region.id:03d}_{stem_of(region.label)}.png", cut_out_png(rgb, answer, region)

    return zip_bytes(files(), is_packed=False)


def regions_csv(answers: Sequence[Named]) -> str:
    """All regions of one or more pictures as RFC 4180 text; cells that a spreadsheet would run are made inert."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for name, answer in answers:
        for region in answer.regions:
            second = next((word for word in region.words if word.word != region.label), None)
            writer.writerow(
                [
                    inert(name),
                    region.id,
                    inert(region.label),
                    f"{region.score:.6f}",
                    "" if second is None else inert(second.word),
                    "" if second is None else f"{second.score:.6f}",
                    region.area_px,
                    f"{region.share:.6f}",
                    *region.box_xyxy,
                    region.level,
                    region.parent or "",
                    f"{region.predicted_iou:.4f}",
                    f"{region.stability:.4f}",
                ]
            )
    return stream.getvalue()


def inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, even after spaces."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA_STARTS) else cell


def stem_of(name: str) -> str:
    """A part of a file name out of any text: letters, digits, dots and dashes, no folders, never empty."""
    plain = re.sub(r"[^\w.-]+", "-", name.replace("\\", "/").rsplit("/", 1)[-1]).strip("-._")
    return plain[:_STEM_CHARS].strip("-._") or "region"


def picture_stem(name: str) -> str:
    """The file name of a picture without its ending, fit for a file name."""
    return stem_of(re.sub(r"\.[A-Za-z0-9]{1,5}$", "", name)) if name else "picture"


def zip_bytes(files: Iterable[tuple[str, bytes]], *, is_packed: bool = True) -> bytes:
    """Files as a ZIP archive, in their order.

    Args:
        files: Name and content; a name that is there already gets a number.
        is_packed: Whether to deflate; pictures hardly shrink.
    """
    stream = io.BytesIO()
    seen: set[str] = set()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED if is_packed else zipfile.ZIP_STORED) as archive:
        for name, content in files:
            archive.writestr(zip_entry(name, seen, is_packed=is_packed), content)
    return stream.getvalue()


def zip_entry(name: str, seen: set[str], *, is_packed: bool) -> zipfile.ZipInfo:
    """The entry for a file, under a name of its own; ``seen`` remembers the names."""
    stem, dot, ending = name.rpartition(".")
    free, number = name, 1
    while free.casefold() in seen:  # some systems take a.png and A.png for one file
        number += 1
        free = f"{stem}-{number}{dot}{ending}"
    seen.add(free.casefold())
    info = zipfile.ZipInfo(free, _ZIP_DATE)
    info.compress_type = zipfile.ZIP_DEFLATED if is_packed else zipfile.ZIP_STORED
    info.external_attr = 0o644 << 16
    return info
