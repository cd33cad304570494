"""The page of the pocket model says what its card says, and everything it shows is there."""

from __future__ import annotations

import re
from dataclasses import asdict

from docs import model_card, readme_tables
from training.score import Score

MAX_BYTES = 250_000


def test_the_page_is_that_of_the_card() -> None:
    assert model_card.PAGE.read_text(encoding="utf-8") == model_card.page(), "run `python -m docs.model_card`"


def test_everything_it_links_to_is_there_and_small() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", model_card.page())
    assert len(targets) >= 4
    for target in targets:
        found = model_card.PAGE.parent / target
        assert found.is_file(), target
        assert found.suffix != ".png" or found.stat().st_size <= MAX_BYTES, target


def test_each_reason_names_the_figures_it_stands_for() -> None:
    card = {"scores": [{"name": "a", "disjoint": "x"}, {"name": "b", "disjoint": "y"}, {"name": "c", "disjoint": "x"},
                       {"name": "d"}]}  # fmt: skip
    assert model_card.apartness(card).endswith("\n\n- `a`, `c`: x.\n- `b`: y.")
    assert model_card.apartness({"scores": [{"name": "d"}]}) == ""


def test_photos_are_told_in_words() -> None:
    card = {"photo_answers": {"best": [["bus", 71]], "confused": [["ox", "bison", 9]]}}
    words = model_card.photo_words(card)
    assert "bus 71 %" in words and "bison for ox (9)" in words
    assert model_card.photo_words({}) == ""


def test_the_readme_shows_bar_aim_and_which_way_is_better() -> None:
    rows = [
        asdict(Score("a", "share", 40.0, 100, 30.0, 50.0, 35, 50)),
        asdict(Score("b", "time", 15.0, 20, 14.0, 21.0, 150, 80, at_most=True)),
        asdict(Score("c", "other", 0.5, 1, 0.5, 0.5)),
        asdict(Score("d", "low", 20.0, 9, 10.0, 30.0, 35)),
    ]
    first, second, third, fourth = readme_tables.score_rows(rows)
    assert first == "| share | 40 | 30 to 50 | 100 | 35 / 50 | bar met |"
    assert second == "| time | 15 | 14 to 21 | 20 | ≤ 150 / 80 | aim met |"
    assert third == "| other | 0.5 |  | 1 |  |  |"
    assert fourth == "| low | 20 | 10 to 30 | 9 | 35 | bar missed |"
