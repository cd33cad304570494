"""Presence: the head against a plain twin, moments between windows, and what masks let through."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from core.sep import QueriedSeparator
from core.sep_files import Usage
from core.sep_network import Sizes, build, presence_features, way_down
from core.sep_presence import chances, let_through, moments, pooled, step_s

SIZES = Sizes((4, 4, 6, 6, 6, 6, 6), channels=3, dim=5, coarse=2, hears_height=True, presence_labels=2)


@pytest.fixture
def net() -> Any:
    torch.manual_seed(0)
    made = build(SIZES).eval()
    head = made["presence"]
    for name in ("weight", "bias", "queries", "offset", "mean"):
        getattr(head, name).normal_(0, 0.1)
    head.spread.fill_(2.0)
    head.curve.copy_(torch.tensor([3.0, -0.5]))
    return made


def test_pooled_is_as_long_as_the_head_and_holds_what_it_says(net: Any) -> None:
    pictures = torch.randn(2, 1, 256, 128)
    levels = way_down(net, pictures)
    found = pooled(pictures, levels)
    assert found.shape == (2, presence_features(SIZES))
    assert torch.allclose(found[1, 10], pictures[1, 0, 40:44].mean(), atol=1e-6)
    third = levels[2][0].relu()
    rows = third.shape[1] // 4
    assert torch.allclose(found[0, 192 + 1], third[0, rows : 2 * rows].mean(), atol=1e-6)
    assert torch.allclose(found[0, 192 + 6 * 4 + 1], third[0, rows : 2 * rows].amax(), atol=1e-6)


def test_chances_are_the_two_maps_and_the_curve(net: Any) -> None:
    head, heard, query = net["presence"], torch.randn(3, presence_features(SIZES)), torch.randn(4, 5)
    found = chances(head, heard, query)
    assert found.shape == (4, 3)
    total = 0.0
    for label in range(2):
        labelled = float(((heard[2] - head.mean) / head.spread) @ head.weight[label] + head.bias[label])
        total += labelled * float(query[1] @ head.queries[label] + head.offset[label])
    assert float(found[1, 2]) == pytest.approx(1 / (1 + np.exp(0.5 - 3 * total)), rel=1e-4)


def test_a_separator_with_a_head_uses_it(net: Any, rng: np.random.Generator) -> None:
    model = QueriedSeparator("x", net, SIZES, Usage("stub", window_frames=128))
    picture, queries = rng.standard_normal((300, 256)).astype(np.float32), np.eye(5, dtype=np.float32)[:2]
    found = model.listen(picture, queries)
    assert found.logits.shape == (2, 300, 256) and found.presence.shape == (2, -(-300 // 31))
    window = torch.from_numpy(np.ascontiguousarray(picture[:128].T))[None, None]
    with torch.no_grad():
        first = chances(net["presence"], pooled(window, way_down(net, window)), torch.from_numpy(queries))
    assert found.presence[:, 0] == pytest.approx(first[:, 0].numpy(), abs=1e-5)
    assert not np.allclose(found.presence, let_through(found.logits, picture), atol=0.01)


def test_moments_lie_between_the_windows() -> None:
    found = moments(np.array([[0.0, 1.0]], np.float32), [0, 124], 300, 124)
    places = np.arange(10) * 31
    assert step_s() == pytest.approx(0.496)
    assert found[0] == pytest.approx(np.clip((places - 62) / 124, 0, 1), abs=1e-6)
    assert moments(np.array([[0.3]], np.float32), [0], 20, 124).tolist() == [[pytest.approx(0.3)]]
