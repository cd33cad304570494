"""Shared beginnings change nothing: trees give back their texts, features equal those of the texts one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModel

from core import clip_prefixes
from core.clip_prefixes import prefix_tree, text_features, trees
from tests import tiny_clip

START, END = 998, 999
Texts = list[list[int]]
SOME_TEXTS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=8), min_size=1, max_size=12)


def test_tree_worked_by_hand() -> None:
    tree = prefix_tree([[7, 5, 9], [7, 5, 6, 9], [7, 9]])
    assert tree.tokens.tolist() == [7, 5, 9, 6, 9, 9]
    assert tree.positions.tolist() == [0, 1, 2, 2, 3, 1]
    assert tree.paths == ((0, 1, 2), (0, 1, 3, 4), (0, 5))
    assert [np.flatnonzero(row).tolist() for row in tree.is_visible] == [
        [0],
        [0, 1],
        [0, 1, 2],
        [0, 1, 3],
        [0, 1, 3, 4],
        [0, 5],
    ]


@given(SOME_TEXTS)
def test_trees_give_back_their_texts_and_hold_each_beginning_once(texts: Texts) -> None:
    tree = prefix_tree(texts)
    assert [tree.tokens[list(path)].tolist() for path in tree.paths] == texts
    assert len(tree.tokens) == len({tuple(text[: end + 1]) for text in texts for end in range(len(text))})
    for path in tree.paths:
        assert tree.positions[list(path)].tolist() == list(range(len(path)))
        assert np.flatnonzero(tree.is_visible[path[-1]]).tolist() == sorted(path)


@given(SOME_TEXTS, st.integers(1, 20))
def test_splitting_keeps_every_text_in_order(texts: Texts, most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clip_prefixes, "MAX_NODES", most)
        made = list(trees(texts))
    assert [tree.tokens[list(path)].tolist() for tree in made for path in tree.paths] == texts
    assert all(len(tree.tokens) <= most or len(tree.paths) == 1 for tree in made)


@pytest.mark.parametrize("eos_in_config", [END, 2])
def test_features_equal_transformers(eos_in_config: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For right configs and for old ones, with end tokens inside a text, and split over several trees."""
    network = AutoModel.from_pretrained(tiny_clip.save("clip", tmp_path)).eval()
    network.text_model.eos_token_id = eos_in_config
    texts = [
        [START, 5, 6, 7, END],
        [START, 5, 6, 8, 9, END],
        [START, END],
        [START, 5, END, 7, END],  # the end token typed by hand: the first one counts
        [START, 5, 6, 7, 7, 7, END],
        [START, *range(300, 322), END],
    ]
    monkeypatch.setattr(clip_prefixes, "MAX_NODES", 12)
    with torch.inference_mode():
        ours = text_features(network, texts)
        plain = torch.cat([network.get_text_features(torch.tensor([text])).pooler_output for text in texts])
    torch.testing.assert_close(ours, plain, atol=2e-6, rtol=1e-5)
