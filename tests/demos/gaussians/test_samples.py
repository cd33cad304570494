"""Bundled scenes: their order, names, and LangSplat's field of a scene as a scene of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from demos.gaussians import samples
from demos.gaussians.field_file import write_field, write_scene
from demos.gaussians.pipeline import open_scene
from demos.gaussians.samples import bundled, sample_named
from tests.demos.gaussians.worlds import UP, World, coded, world


@pytest.fixture
def known() -> World:
    return world(20)


@pytest.fixture
def folder(known: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Two scenes, the second of which has LangSplat's field beside its own."""
    monkeypatch.setattr(samples, "FOLDER", tmp_path)
    for name, order in (("attic", 2), ("zoo", 1)):
        (tmp_path / name).mkdir()
        content = write_scene(known.scene, known.field, cameras=[known.camera], up_xyz=UP)
        (tmp_path / name / samples.SCENE).write_bytes(content)
        card = {"title": f"The {name}", "order": order, "queries": ["red"]}
        (tmp_path / name / samples.CARD).write_text(json.dumps(card), encoding="utf-8")
    (tmp_path / "zoo" / samples.TRAINED).write_bytes(write_field(coded(known.labels), compact=True))
    bundled.cache_clear()
    yield tmp_path
    bundled.cache_clear()


def test_scenes_come_in_the_order_of_their_cards_and_trained_fields_last(folder: Path) -> None:
    assert [sample.name for sample in bundled()] == ["zoo", "attic", "zoo-langsplat"]
    assert [sample.title for sample in bundled()][2] == "The zoo, LangSplat's field"
    assert bundled()[2].queries == ("red",)


def test_a_trained_field_stands_in_the_place_of_the_scenes_own(folder: Path, known: World) -> None:
    own, trained = open_scene("zoo"), open_scene("zoo-langsplat")
    assert own.field is not None and not own.field.is_coded
    assert trained.field is not None and trained.field.is_coded and trained.original_field is trained.field
    assert trained.name == "zoo-langsplat" and trained.is_bundled
    np.testing.assert_array_equal(trained.scene.means_xyz, own.scene.means_xyz)
    wanted = coded(known.labels).codes
    assert wanted is not None and trained.field.codes is not None
    np.testing.assert_allclose(trained.field.codes, wanted, atol=1e-3)


def test_a_trained_field_of_other_gaussians_is_refused(folder: Path, known: World) -> None:
    half = coded(known.labels).take(np.arange(10))
    (folder / "zoo" / samples.TRAINED).write_bytes(write_field(half))
    with pytest.raises(InputError):
        open_scene("zoo-langsplat")


@pytest.mark.parametrize("name", ["tabletop", "room"])
def test_what_is_behind_a_shipped_scene_is_what_it_was_fitted_over(name: str) -> None:
    card = json.loads((samples.FOLDER / name / samples.CARD).read_text(encoding="utf-8"))
    assert open_scene(name).background_rgb == pytest.approx(card["background_rgb"], abs=1e-3)
    assert min(card["background_rgb"]) > 0.5, "a light stage, not the default"


def test_names_and_titles_open_a_scene_and_others_are_told(folder: Path) -> None:
    assert sample_named("").name == "zoo" and sample_named("The attic").name == "attic"
    with pytest.raises(InputError, match="there are: zoo, attic, zoo-langsplat"):
        sample_named("kitchen")
