"""From picture to labelled masks with models whose answers are known: colours are things, patches are regions."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import Cancelled, InputError, ModelUnavailable
from core.images import Picture
from core.tasks import Job
from demos.segmentation.answers import OTHER
from demos.segmentation.options import Clicks, SegmentOptions, Way
from demos.segmentation.pipeline import analyse, click, label, segment
from tests.demos.segmentation.stub_sam import StubSam
from tests.stub_model import COLOURS, StubModel

WAYS: tuple[Way, ...] = ("sam+dense", "sam+clip", "dense", "ensemble")
PLAIN = SegmentOptions(threshold=0.5, negatives="white, gray", edges="none")


class DenseStub(StubModel):
    """The colour model with the attributes that dense maps need."""

    image_px = 32
    reads_windows = False

    def encode_patches(self, image, *, size_px=None, job=None, **_):  # type: ignore[no-untyped-def]
        return super().encode_patches(image, size_px=size_px, job=job)


def scene(*things: tuple[str, tuple[int, int, int, int]], size_hw: tuple[int, int] = (64, 96)) -> Picture:
    """Coloured rectangles (left, top, right, bottom) on white."""
    rgb = np.full((*size_hw, 3), 250, np.uint8)
    for colour, (left, top, right, bottom) in things:
        rgb[top:bottom, left:right] = COLOURS[colour]
    return Picture(rgb, "scene.png")


TWO = scene(("red", (8, 8, 40, 40)), ("blue", (56, 16, 88, 56)))
RED, BLUE = np.s_[8:40, 8:40], np.s_[16:56, 56:88]


def truth(picture: Picture, **index_of: int) -> NDArray[np.uint8]:
    out = np.zeros(picture.rgb.shape[:2], np.uint8)
    for colour, index in index_of.items():
        out[(picture.rgb == COLOURS[colour]).all(axis=2)] = index
    return out


@pytest.mark.parametrize("way", WAYS)
def test_names_and_outlines_two_things(way: Way) -> None:
    options = dataclasses.replace(PLAIN, way=way)
    answer = segment(TWO, "red, blue, green", options, clip=DenseStub(), sam=StubSam())
    assert (answer.label_map == truth(TWO, red=1, blue=2)).mean() > (0.9 if way == "dense" else 0.999)
    assert [row.name for row in answer.labels] == [OTHER, "red", "blue", "green"]
    assert answer.labels[3].share == 0.0 and answer.labels[3].regions == 0
    assert {region.label for region in answer.regions if region.label_index} == {"red", "blue"}
    assert not answer.guesses and answer.mode == "labels"
    assert sum(row.share for row in answer.labels) == pytest.approx(1.0)


def test_every_region_is_described() -> None:
    answer = segment(TWO, "red, blue, green", PLAIN, clip=DenseStub(), sam=StubSam())
    red = next(region for region in answer.regions if region.label == "red")
    assert red.box_xyxy == (8, 8, 40, 40) and red.area_px == 32 * 32
    assert red.share == pytest.approx(32 * 32 / (64 * 96))
    assert red.words[0].word == "red" and red.words[0].score == pytest.approx(red.score)
    assert [word.score for word in red.words] == sorted((word.score for word in red.words), reverse=True)
    x, y = red.point_xy
    assert 12 <= x < 36 and 12 <= y < 36  # well inside
    assert answer.region_at(x, y) == red and answer.region_at(-1, 0) is None
    assert (answer.mask(red.id) == (TWO.rgb == COLOURS["red"]).all(axis=2)).all()
    assert answer.region_map.shape == answer.label_map.shape == TWO.rgb.shape[:2]


def test_a_kept_analysis_is_labelled_anew_without_the_models() -> None:
    clip, sam = DenseStub(), StubSam()
    kept = analyse(TWO, PLAIN, clip=clip, sam=sam)
    first = label(kept, "red, blue", PLAIN, clip=clip)
    images, runs = clip.images_seen, sam.runs
    second = label(kept, "azure, green", PLAIN, clip=clip)
    assert (clip.images_seen, sam.runs) == (images, runs)
    assert (second.label_map == truth(TWO, blue=1)).all() and (first.label_map == truth(TWO, red=1, blue=2)).all()


def test_a_threshold_of_one_label_leaves_the_others() -> None:
    clip = DenseStub()
    kept = analyse(TWO, PLAIN, clip=clip, sam=StubSam())
    strict = dataclasses.replace(PLAIN, label_thresholds={"RED": 1.0})
    answer = label(kept, "red, blue", strict, clip=clip)
    assert (answer.label_map == truth(TWO, blue=2)).all()
    assert answer.labels[1].threshold == 1.0 and answer.labels[2].threshold == strict.threshold
    assert 0.5 < answer.labels[1].best_score < 1.0  # shows by how much it failed


def test_labels_that_match_nothing_are_said_and_shown_in_grey() -> None:
    options = dataclasses.replace(PLAIN, threshold=0.9)
    answer = segment(TWO, "teapot, kettle", options, clip=DenseStub(), sam=StubSam())
    assert not answer.label_map.any() and answer.guesses
    assert any("well enough" in note and "teapot" in note for note in answer.notes)
    assert all(1 <= number <= len(answer.regions) for number in answer.guesses)


def test_one_label_is_not_everywhere() -> None:
    for other in (True, False):
        options = dataclasses.replace(PLAIN, other=other)
        answer = segment(TWO, "red", options, clip=DenseStub(), sam=StubSam())
        assert (answer.label_map == truth(TWO, red=1)).all()
        assert any("one label" in note for note in answer.notes)


def test_without_other_everything_gets_a_name() -> None:
    options = dataclasses.replace(PLAIN, other=False, threshold=0.99)
    answer = segment(TWO, "red, blue", options, clip=DenseStub(), sam=StubSam())
    assert answer.label_map.all()


def test_parts_know_their_wholes() -> None:
    picture = scene(("red", (8, 8, 56, 56)), ("blue", (24, 24, 40, 40)))
    answer = segment(picture, "red, blue", PLAIN, clip=DenseStub(), sam=StubSam(with_things=True))
    by_label = {region.label: region for region in answer.regions if region.label_index}
    assert by_label["blue"].parent == by_label["red"].id and by_label["blue"].level != "whole"
    assert by_label["red"].level in ("whole", "part")
    both = answer.mask(by_label["red"].id, with_parts=True)
    assert both.sum() == 48 * 48 and answer.mask(by_label["red"].id).sum() == 48 * 48 - 16 * 16


def test_a_part_of_the_same_name_belongs_to_its_whole() -> None:
    picture = scene(("red", (8, 8, 56, 56)))
    picture.rgb[24:40, 24:40] = (200, 40, 40)  # also nearest to red
    answer = segment(picture, "red, blue", PLAIN, clip=DenseStub(), sam=StubSam(with_things=True))
    reds = [region for region in answer.regions if region.label == "red"]
    assert len(reds) == 1 and reds[0].area_px == 48 * 48


def test_touching_regions_are_joined_where_asked() -> None:
    picture = scene(("red", (8, 8, 24, 40)), ("red", (60, 8, 76, 40)))
    picture.rgb[8:40, 24:40] = (210, 40, 40)
    options = dataclasses.replace(PLAIN, joins_touching=True)
    counted = segment(picture, "red, blue", PLAIN, clip=DenseStub(), sam=StubSam())
    together = segment(picture, "red, blue", options, clip=DenseStub(), sam=StubSam())
    assert sum(region.label == "red" for region in counted.regions) == 3
    assert sorted(r.area_px for r in together.regions if r.label == "red") == [16 * 32, 32 * 32]
    assert (counted.label_map == together.label_map).all()


@pytest.mark.parametrize("level, has_blue", [("whole", False), ("part", True), ("auto", True)])
def test_one_level_only(level: str, has_blue: bool) -> None:
    picture = scene(("red", (8, 8, 56, 56)), ("blue", (24, 24, 40, 40)))
    options = dataclasses.replace(PLAIN, level=level)
    answer = segment(picture, "red, blue", options, clip=DenseStub(), sam=StubSam(with_things=True))
    assert (answer.labels[2].regions > 0) is has_blue


@pytest.mark.parametrize("way", WAYS)
def test_without_labels_names_come_from_the_vocabulary(way: Way) -> None:
    options = dataclasses.replace(PLAIN, way=way, vocabulary="red, blue, orange, teapot, kettle")
    answer = segment(TWO, "", options, clip=DenseStub(), sam=StubSam())
    assert answer.mode == "vocabulary"
    names = {row.name for row in answer.labels}
    assert names >= {OTHER, "red", "blue"} and "teapot" not in names
    indices = {row.name: row.index for row in answer.labels}
    expected = truth(TWO, red=indices["red"], blue=indices["blue"])
    assert (answer.label_map == expected).mean() > (0.9 if way == "dense" else 0.999)


def test_nothing_white_is_found_in_a_picture_without_regions() -> None:
    class Blind(StubSam):
        def automatic(self, image, options=None, *, job=None):  # type: ignore[no-untyped-def]
            return super().automatic(image, options, job=job).take([])

    for labels in ("red", ""):
        answer = segment(TWO, labels, PLAIN, clip=DenseStub(), sam=Blind())
        assert not answer.regions and not answer.label_map.any() and not answer.guesses
        assert any("No regions were found" in note for note in answer.notes)


def test_labels_are_refused_before_a_model_runs() -> None:
    sam = StubSam()
    with pytest.raises(InputError, match="at most 250"):
        segment(TWO, ",".join(f"thing {n}" for n in range(251)), PLAIN, clip=DenseStub(), sam=sam)
    with pytest.raises(InputError, match="at least 2 x 2"):
        segment(Picture(np.zeros((1, 9, 3), np.uint8)), "red", PLAIN, clip=DenseStub(), sam=sam)
    assert sam.runs == 0


def test_an_analysis_of_other_options_is_refused() -> None:
    kept = analyse(TWO, PLAIN, clip=DenseStub(), sam=StubSam())
    assert kept.serves(dataclasses.replace(PLAIN, threshold=0.9, refinement="context"))
    other = dataclasses.replace(PLAIN, way="sam+dense")
    assert not kept.serves(other)
    with pytest.raises(ValueError, match="other|not"):
        label(kept, "red", other, clip=DenseStub())


class WithoutPatches(DenseStub):
    def encode_patches(self, image, *, size_px=None, job=None, **_):  # type: ignore[no-untyped-def]
        raise ModelUnavailable("stub gives no patch features; choose another model for this.")


def test_cut_outs_need_no_dense_features() -> None:
    kept = analyse(TWO, dataclasses.replace(PLAIN, way="sam+clip"), clip=WithoutPatches(), sam=StubSam())
    assert kept.grid is None and kept.dense is None and kept.crops is not None
    with pytest.raises(ModelUnavailable, match="no patch features"):
        analyse(TWO, dataclasses.replace(PLAIN, way="sam+dense"), clip=WithoutPatches(), sam=StubSam())


def test_the_usual_way_does_without_dense_features_and_says_so() -> None:
    kept = analyse(TWO, PLAIN, clip=WithoutPatches(), sam=StubSam())
    assert kept.way == "ensemble" and kept.dense is None and kept.crops is not None
    answer = label(kept, "red, blue, green", PLAIN, clip=WithoutPatches())
    assert {region.label for region in answer.regions if region.label_index} == {"red", "blue"}
    assert any("cut-outs alone" in note for note in answer.notes)
    inside = Clicks(((24.0, 24.0),), (True,))
    found = click(TWO, inside, "red, blue", PLAIN, clip=WithoutPatches(), sam=StubSam())
    assert found.candidates[found.best].words[0].word == "red"


def test_a_thing_on_the_ground_is_not_the_ground() -> None:
    """The ground looks more like the label than like anything else that is asked, but it holds the whole border."""
    everything = scene(("red", (0, 0, 96, 64)), ("blue", (30, 20, 60, 50)))
    options = dataclasses.replace(PLAIN, negatives="brown", threshold=0.35)
    answer = segment(everything, "orange, blue", options, clip=DenseStub(), sam=StubSam())
    assert {region.label for region in answer.regions if region.label_index} == {"blue"}


def test_cancel_stops_the_work() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        segment(TWO, "red", PLAIN, clip=DenseStub(), sam=StubSam(), job=job)


@pytest.mark.parametrize("way", WAYS)
def test_a_click_names_its_candidates_at_once(way: Way) -> None:
    options = dataclasses.replace(PLAIN, way=way)
    clicks = Clicks(points_xy=((20.0, 20.0),), are_inside=(True,))
    answer = click(TWO, clicks, "red, blue", options, clip=DenseStub(), sam=StubSam())
    assert [c.level for c in answer.candidates] == ["subpart", "part", "whole"]
    assert answer.best == 1 and answer.candidates[1].area_px == 32 * 32
    assert answer.candidates[1].box_xyxy == (8, 8, 40, 40)
    assert all(c.words[0].word == "red" for c in answer.candidates)
    np.testing.assert_allclose(np.linalg.norm(answer.candidates[1].embedding), 1.0, rtol=1e-5)


def test_a_click_without_labels_takes_the_vocabulary() -> None:
    options = dataclasses.replace(PLAIN, vocabulary="blue, teapot")
    answer = click(TWO, Clicks(box_xyxy=(56, 16, 88, 56)), "", options, clip=DenseStub(), sam=StubSam())
    assert answer.candidates[answer.best].words[0].word == "blue"


@pytest.mark.parametrize(
    "clicks, sentence",
    [
        (Clicks(), "no point and no box"),
        (Clicks(((97.0, 5.0),), (True,)), r"\(97, 5\) lies outside the picture of 96 x 64"),
        (Clicks(((-1.0, 5.0),), (True,)), "lies outside"),
        (Clicks(((1.0, 1.0),) * 500, (True,) * 500), "500 points; at most 64"),
        (Clicks(((1.0, 1.0),), (False,)), "at least once on what does"),
        (Clicks(box_xyxy=(10, 10, 10, 20)), "box is empty"),
        (Clicks(box_xyxy=(10, 10, 200, 20)), "lies outside"),
        (Clicks(((float("nan"), 1.0),), (True,)), "lies outside"),
    ],
)
def test_clicks_that_cannot_be_used_are_refused_by_a_sentence(clicks: Clicks, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        click(TWO, clicks, "red", PLAIN, clip=DenseStub(), sam=StubSam())
