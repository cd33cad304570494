"""The card and the plot of runs that went on from earlier ones: what was spent adds up, what was held out is true."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.pocket_clip import card, gallery, plot

EARLIER = {"image_steps": 100, "pictures_seen": 1000, "image_minutes": 2.0, "text_steps": 7, "text_minutes": 3.5,
           "recipes": [{"seed": 0}]}  # fmt: skip


def write_run(folder: Path, rows: list[str], **recipe: object) -> Path:
    folder.mkdir()
    (folder / "log.csv").write_text("\n".join(rows) + "\n")
    (folder / "recipe.json").write_text(json.dumps({"seed": 3, **recipe}))
    return folder


def test_what_was_spent_adds_up_over_all_runs(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ["20,500,60.0,64,5,0.1,0.001", "40,1000,120.0,64,4,0.2,0.0"])
    spent = card.training_of([run], None, EARLIER, "a machine")
    assert (spent["image_steps"], spent["pictures_seen"], spent["image_minutes"]) == (140, 2000, 4.0)
    assert (spent["text_steps"], spent["text_minutes"]) == (7, 3.5)
    assert [recipe["seed"] for recipe in spent["recipes"]] == [0, 3]


@pytest.mark.parametrize(("earlier", "expected"), [({}, True), (EARLIER, False)])
def test_emoji_groups_are_held_out_only_if_every_run_says_so(tmp_path: Path, earlier: dict, expected: bool) -> None:
    image = write_run(tmp_path / "run", ["20,500,60.0,64,5,0.1,0.001"], holds_out_emoji=True)
    text = write_run(tmp_path / "text", ["10,60.0,0.1,0.9"])
    words = card.held_out_words(card.training_of([image], text, earlier, ""))
    assert ("eight subgroups of emoji" in words) == expected


def test_logs_with_and_without_regions_join_and_go_on_counting(tmp_path: Path) -> None:
    first = write_run(tmp_path / "a", ["20,500,60.0,64,5,0.1,0.001"])
    second = write_run(tmp_path / "b", ["20,800,30.0,96,4,0.2,0.001,3.0,2.5,0.4", "40,1600,60.0,96,4,0.2,0,3,2,0.5"])
    joined = tmp_path / "joined.csv"
    plot.join_logs([first / "log.csv", second / "log.csv"], joined)
    rows = plot.read_log(joined)
    assert rows[:, :4].tolist() == [[20, 500, 60, 64], [40, 1300, 90, 96], [60, 2100, 120, 96]]
    assert np.isnan(rows[0, 7:]).all() and rows[1, 7:10].tolist() == [3.0, 2.5, 0.4]
    plot.join_logs([plot.log_of(joined), plot.log_of(second)], tmp_path / "again.csv")
    assert plot.read_log(tmp_path / "again.csv")[-1, 0] == 100


def test_the_plot_has_a_panel_for_regions_once_there_are_any(tmp_path: Path) -> None:
    text = write_run(tmp_path / "text", ["10,60.0,0.1,0.8", "20,120.0,0.1,0.9"]) / "log.csv"
    plain = write_run(tmp_path / "a", ["20,500,60.0,64,5,0.1,0.001", "40,900,90,64,4,0.2,0"]) / "log.csv"
    regional = write_run(tmp_path / "b", ["20,500,60,64,5,0.1,0.001,3,2,0.1", "40,900,90,64,4,0.2,0,3,1,0.2"])
    for log, panels in ((plain, 3), (regional / "log.csv", 4)):
        plot.draw(log, text, tmp_path / "plot.svg")
        drawn = (tmp_path / "plot.svg").read_text()
        assert drawn.count("<polyline") == panels and "nan" not in drawn


def test_the_best_of_a_few_names_is_the_own_one_where_it_leads() -> None:
    names = ["mug", "car", "duck", "car"]
    rng = np.random.default_rng(0)
    assert gallery.best_of(np.array([0.1, 0.5, 0.2, 0.9]), names, 3, 3, rng) == "car"
    assert gallery.best_of(np.array([0.9, 0.5, 0.2, 0.1]), names, 3, 3, rng) == "mug"


def test_wrong_answers_stand_in_red_with_the_right_name_below() -> None:
    picture = np.full((32, 32, 3), 255, np.uint8)
    answers = [gallery.Answer(picture, "mug", "mug"), gallery.Answer(picture, "mug", "a car of a very long name")]
    assert [len(gallery.chosen(answers, is_right=right)) for right in (True, False)] == [1, 1]
    grid = gallery.draw_grid(answers)
    assert isinstance(grid, Image.Image) and grid.size == (gallery.COLUMNS * 112, 136)
    right, wrong = (np.asarray(grid)[100:, x : x + 112].reshape(-1, 3) for x in (0, 112))
    assert (right == gallery.GREEN).all(1).any() and not (right == gallery.RED).all(1).any()
    assert (wrong == gallery.RED).all(1).any() and (wrong == gallery.INK).all(1).any()
