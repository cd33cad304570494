"""Files are read again by the libraries that people use, and hold the same pixels."""

from __future__ import annotations

import base64
import contextlib
import csv
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from skimage.draw import polygon2mask

from core.errors import Cancelled
from core.tasks import Job
from demos.segmentation.annotations import coco, labelme, yolo_zip
from demos.segmentation.answers import LabelRow, Region, Segmentation, WordScore
from demos.segmentation.colours import OTHER_RGB
from demos.segmentation.exports import (
    as_json,
    cut_outs_zip,
    label_map_png,
    picture_stem,
    regions_csv,
    stem_of,
    zip_bytes,
)
from demos.segmentation.paint import overlay
from demos.segmentation.regions import boxes_of_values

SIZE_HW = (40, 60)


def made(
    region_map: NDArray[np.int32], owners: list[int], names: list[str], parents: list[int] | None = None
) -> Segmentation:
    """An answer around a drawn map; ``owners`` are the labels of its regions."""
    label_map = np.append(0, owners).astype(np.uint8)[region_map]
    boxes = boxes_of_values(region_map, len(owners))
    regions = []
    for n, owner in enumerate(owners):
        area = int((region_map == n + 1).sum())
        words = tuple(WordScore(name, 0.9 - 0.3 * k, 0.2) for k, name in enumerate(names[:5]))
        x0, y0, x1, y1 = (int(v) for v in boxes[n])
        regions.append(
            Region(
                n + 1, owner, names[owner - 1] if owner else "other", 0.75, words, area, area / region_map.size,
                (x0, y0, x1, y1), (x0, y0), "whole", (parents or [0] * len(owners))[n], 0.9, 0.95,
            )
        )  # fmt: skip
    colours = [(220, 20, 60), (30, 144, 255), (50, 205, 50)]
    rows = [LabelRow(0, "other", OTHER_RGB, 0.0, 0.5, 0, 0.0)]
    rows += [LabelRow(k + 1, name, colours[k], 0.3, 0.1, 1, 0.9) for k, name in enumerate(names)]
    return Segmentation(
        label_map, region_map, tuple(rows), tuple(regions), (), "labels", "sam+dense", {"label": 0.1}, ("stub",), ()
    )


def drawn() -> Segmentation:
    """A ring around a dot, a region in two pieces, and one without a name."""
    ids = np.zeros(SIZE_HW, np.int32)
    ids[4:24, 4:24] = 1
    ids[10:16, 10:16] = 4
    ids[30:38, 2:12] = ids[30:38, 20:26] = 2
    ids[2:12, 40:58] = 3
    return made(ids, [1, 2, 0, 2], ["cup", "=a dog/cat", "ÄÖ"], parents=[0, 0, 0, 1])


RGB = np.random.default_rng(0).integers(0, 256, (*SIZE_HW, 3), dtype=np.uint8)


def test_label_map_holds_indices_and_colours() -> None:
    answer = drawn()
    image = Image.open(io.BytesIO(label_map_png(answer)))
    assert image.mode == "P" and (np.asarray(image) == answer.label_map).all()
    seen = np.asarray(image.convert("RGB"))
    for row in answer.labels:
        assert (seen[answer.label_map == row.index] == row.colour_rgb).all()
    assert json.loads(image.text["labels"]) == ["other", "cup", "=a dog/cat", "ÄÖ"]  # type: ignore[attr-defined]


def test_endpoint_json_is_plain_and_exact() -> None:
    answer = drawn()
    told = json.loads(json.dumps(as_json(answer)))
    assert told["size"] == [40, 60] and told["labels"] == ["cup", "=a dog/cat", "ÄÖ"]
    assert [row["label"] for row in told["regions"]] == ["cup", "=a dog/cat", "=a dog/cat"]
    for row, region in zip(told["regions"], [answer.regions[i] for i in (0, 1, 3)], strict=True):
        assert (coco_mask.decode(row["rle"]).astype(bool) == answer.mask(region.id)).all()
        assert row["area"] == region.area_px and row["bbox_xyxy"] == list(region.box_xyxy)


def test_coco_is_read_by_pycocotools(tmp_path: Path) -> None:
    answer = drawn()
    path = tmp_path / "coco.json"
    path.write_text(coco([("a.jpg", answer), ("b.jpg", made(answer.region_map, [3, 1, 1, 1], ["x", "y", "cup"]))]))
    with contextlib.redirect_stdout(io.StringIO()):
        read = COCO(path)
    assert [cat["name"] for cat in read.loadCats(read.getCatIds())] == ["cup", "=a dog/cat", "ÄÖ", "x", "y"]
    assert read.getImgIds() == [1, 2] and read.loadImgs(2)[0]["file_name"] == "b.jpg"
    annotations = read.loadAnns(read.getAnnIds(imgIds=1))
    assert len(annotations) == 3
    for annotation, region in zip(annotations, [answer.regions[i] for i in (0, 1, 3)], strict=True):
        mask = answer.mask(region.id)
        assert (read.annToMask(annotation).astype(bool) == mask).all()
        assert annotation["area"] == mask.sum() == coco_mask.area(annotation["segmentation"])
        np.testing.assert_allclose(annotation["bbox"], coco_mask.toBbox(annotation["segmentation"]))
    assert annotations[2]["parent_id"] == annotations[0]["id"] and annotations[0]["parent_id"] == 0
    second = read.loadAnns(read.getAnnIds(imgIds=2))
    assert [read.cats[a["category_id"]]["name"] for a in second] == ["cup", "x", "x", "x"]


def test_cut_outs_have_the_mask_as_alpha() -> None:
    answer = drawn()
    with zipfile.ZipFile(io.BytesIO(cut_outs_zip(RGB, answer))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["001_cup.png", "002_cat.png", "004_cat.png"]
        cup = np.asarray(Image.open(archive.open("001_cup.png")))
        dog = np.asarray(Image.open(archive.open("002_cat.png")))
    assert cup.shape == (20, 20, 4) and (cup[..., 3] == 255).all()  # the dot inside is its part
    assert (cup[..., :3] == RGB[4:24, 4:24]).all()
    assert (dog[..., 3] > 0).sum() == answer.regions[1].area_px and not dog[dog[..., 3] == 0].any()


def test_yolo_rows_cover_the_same_pixels() -> None:
    answer = drawn()
    with zipfile.ZipFile(io.BytesIO(yolo_zip([("pictures/a.b.jpg", answer)]))) as archive:
        assert archive.namelist() == ["labels/a.b.txt", "data.yaml"]
        rows = archive.read("labels/a.b.txt").decode().splitlines()
        config = yaml.safe_load(archive.read("data.yaml"))
    assert config["names"] == {0: "cup", 1: "=a dog/cat", 2: "ÄÖ"}
    assert [int(row.split()[0]) for row in rows] == [0, 1, 1, 1]  # two pieces, two rows
    for index, number in ((0, [1]), (1, [2, 4])):
        found = np.zeros(SIZE_HW, bool)
        for row in rows:
            if int(row.split()[0]) == index:
                places = np.array(row.split()[1:], np.float64).reshape(-1, 2)
                assert places.min() >= 0 and places.max() <= 1
                found |= polygon2mask(SIZE_HW, (places * SIZE_HW[::-1])[:, ::-1] - 0.5)
        assert (found == np.isin(answer.region_map, number)).all()  # straight edges: nothing is lost


def test_labelme_shapes_give_the_masks_back() -> None:
    answer = drawn()
    told = json.loads(labelme("a.jpg", answer))
    assert told["imagePath"] == "a.jpg" and (told["imageHeight"], told["imageWidth"]) == SIZE_HW
    assert told["imageData"] is None
    masks: dict[int, NDArray[np.bool_]] = {}
    for shape in told["shapes"]:
        mask = masks.setdefault(shape["group_id"], np.zeros(SIZE_HW, bool))
        if shape["shape_type"] == "mask":
            (left, top), (right, bottom) = shape["points"]
            picture = Image.open(io.BytesIO(base64.b64decode(shape["mask"])))
            mask[top : bottom + 1, left : right + 1] = np.asarray(picture).astype(bool)
        else:
            mask |= polygon2mask(SIZE_HW, np.array(shape["points"])[:, ::-1] - 0.5)
    assert set(masks) == {1, 2, 4}
    for number, mask in masks.items():
        assert (mask == answer.mask(number)).all()
    kinds = {shape["group_id"]: shape["shape_type"] for shape in told["shapes"]}
    assert kinds == {1: "mask", 2: "polygon", 4: "polygon"}


def test_table_lists_every_region_and_runs_nothing() -> None:
    text = regions_csv([("=cmd.jpg", drawn())])
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["label"] for row in rows] == ["cup", "'=a dog/cat", "other", "'=a dog/cat"]
    assert {row["picture"] for row in rows} == {"'=cmd.jpg"}
    assert rows[0]["area_px"] == "364" and rows[0]["right"] == "24" and rows[3]["parent"] == "1"
    assert rows[0]["second"] == "'=a dog/cat"
    assert text.count("\r\n") == 5


def test_names_become_safe_file_names() -> None:
    assert stem_of("../../etc/passwd") == "passwd" and stem_of("a b/ç!.?") == "ç"
    assert stem_of("///") == "region" and len(stem_of("x" * 500)) == 60
    assert picture_stem("folder/photo.1.JPG") == "photo.1" and picture_stem("") == "picture"
    with zipfile.ZipFile(io.BytesIO(zip_bytes([("a.png", b"1"), ("A.png", b"2"), ("a.png", b"3")]))) as archive:
        assert archive.namelist() == ["a.png", "A-2.png", "a-3.png"]
        assert archive.read("a-3.png") == b"3"


def test_the_same_answer_gives_the_same_bytes() -> None:
    assert cut_outs_zip(RGB, drawn()) == cut_outs_zip(RGB, drawn())
    assert yolo_zip([("a", drawn())]) == yolo_zip([("a", drawn())])


def test_an_answer_without_regions_exports_empty_files() -> None:
    empty = made(np.zeros(SIZE_HW, np.int32), [], ["cup"])
    assert as_json(empty)["regions"] == [] and json.loads(coco([("a", empty)]))["annotations"] == []
    assert json.loads(labelme("a", empty))["shapes"] == []
    assert len(regions_csv([("a", empty)]).splitlines()) == 1
    with zipfile.ZipFile(io.BytesIO(cut_outs_zip(RGB, empty))) as archive:
        assert archive.namelist() == []


def test_cancel_is_heard_between_masks() -> None:
    job = Job()
    job.cancel()
    for work in (lambda: coco([("a", drawn())], job=job), lambda: cut_outs_zip(RGB, drawn(), job=job)):
        with pytest.raises(Cancelled):
            work()


def test_overlay_mixes_colours_and_leaves_other_alone() -> None:
    answer = drawn()
    seen = overlay(RGB, answer, opacity=0.25, outlines=False)
    assert (seen[answer.label_map == 0] == RGB[answer.label_map == 0]).all()
    at = answer.label_map == 1
    expected = 0.75 * RGB[at] + 0.25 * np.array(answer.labels[1].colour_rgb)
    assert np.abs(seen[at] - expected).max() <= 0.5 + 1e-6
    assert (overlay(RGB, answer, opacity=0.0, outlines=False) == RGB).all()
    shown = overlay(RGB, answer, hidden=[1])
    assert (shown[at] == RGB[at]).all()


def test_overlay_draws_borders_and_guesses() -> None:
    answer = drawn()
    seen = overlay(RGB, answer)
    assert (seen[4, 4:24] == answer.labels[1].colour_rgb).all()  # the border in full colour
    nameless = replace(answer, guesses=(3,))
    assert (overlay(RGB, nameless)[6, 50] != RGB[6, 50]).any() and (overlay(RGB, answer)[6, 50] == RGB[6, 50]).all()
    with pytest.raises(ValueError, match="picture"):
        overlay(RGB[:10], answer)
