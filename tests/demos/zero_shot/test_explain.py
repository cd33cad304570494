"""Heat maps: the patch of the right colour is hot, whatever the picture's shape."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.images import Picture
from demos.zero_shot.explain import enlarged, heat_of, margins, mean_of_views
from demos.zero_shot.options import Options
from demos.zero_shot.pipeline import where_it_looked
from tests.stub_model import StubModel, halves, solid


def test_margins_equal_the_slow_twin(rng: np.random.Generator) -> None:
    cosines, background = rng.uniform(-1, 1, (6, 3)), rng.uniform(-1, 1, (6, 2))
    for index in range(3):
        slow = [
            row[index] - 0.5 * sum([*np.delete(row, index), *other]) / 4
            for row, other in zip(cosines, background, strict=True)
        ]
        assert np.allclose(margins(cosines, background, index), slow)


def test_heat_is_relative_but_flat_where_the_picture_is() -> None:
    ramp = heat_of(np.linspace(-0.5, 0.5, 100).reshape(10, 10), scale=100.0)
    assert ramp.min() == 0 and ramp.max() == 1 and (np.diff(ramp.ravel()) >= 0).all()
    noise = heat_of(np.array([[0.3, 0.3001], [0.3002, 0.3]]), scale=100.0)
    assert noise.max() < 0.02
    assert heat_of(np.full((3, 3), 0.2), scale=100.0).max() == 0


def test_views_are_turned_back_and_brought_to_the_finest_grid(rng: np.random.Generator) -> None:
    ramp = np.linspace(0, 1, 8)[None].repeat(6, 0)
    assert np.allclose(mean_of_views([(ramp, False), (ramp[:, ::-1], True)]), ramp, atol=1e-6)
    coarse = mean_of_views([(ramp, False), (np.full((2, 3), 0.5), False)])
    assert coarse.shape == (6, 8) and np.allclose(coarse, (ramp + 0.5) / 2, atol=1e-6)


@pytest.mark.parametrize("size_hw", [(64, 64), (30, 90), (7, 200), (1, 1)])
def test_enlarged_keeps_places_and_bounds(size_hw: tuple[int, int]) -> None:
    big = enlarged(np.array([[0.0, 1.0], [1.0, 0.0]]), size_hw)
    assert big.shape == size_hw and big.dtype == np.float32 and 0 <= big.min() <= big.max() <= 1
    if min(size_hw) > 20:
        height, width = size_hw
        assert big[height // 8, width // 8] < 0.1 and big[height // 8, -width // 8] > 0.9


@pytest.mark.parametrize("size_wh", [(64, 64), (160, 40), (40, 160), (250, 16), (17, 9)])
@pytest.mark.parametrize("labels", ["red, blue", "red", "red, blue, green, yellow"])
def test_the_half_of_the_label_is_hot(size_wh: tuple[int, int], labels: str) -> None:
    picture = Picture(halves("red", "blue", size_wh))
    heat = where_it_looked(picture, "red", labels, model=StubModel())
    assert heat.shape == (size_wh[1], size_wh[0]) and heat.dtype == np.float32
    quarter = size_wh[0] // 4
    if quarter >= 8:
        assert heat[:, :quarter].mean() > 0.9 and heat[:, -quarter:].mean() < 0.1


def test_other_label_gives_the_other_half() -> None:
    picture, labels = Picture(halves("red", "blue")), "red\nblue"
    red, blue = (where_it_looked(picture, name, labels, model=StubModel()) for name in ("red", "BLUE"))
    assert np.allclose(red, blue[:, ::-1], atol=0.05)


def test_order_of_labels_does_not_matter() -> None:
    picture = Picture(halves("green", "yellow"))
    a = where_it_looked(picture, "green", "green, yellow, red", model=StubModel())
    b = where_it_looked(picture, "green", "red, yellow, green", model=StubModel())
    assert np.allclose(a, b)


def test_one_colour_is_not_blown_up_to_noise() -> None:
    assert where_it_looked(Picture(solid("red", (64, 64))), "red", "red, blue", model=StubModel()).max() == 0


@pytest.mark.parametrize("method", ["names", "descriptions", "examples"])
def test_every_method_has_a_map(method: str) -> None:
    heat = where_it_looked(
        Picture(halves("red", "blue")), "red", "red, blue", Options(method=method), model=StubModel()
    )
    assert heat[:, :16].mean() > 0.9


def test_label_must_be_one_of_them() -> None:
    with pytest.raises(InputError, match="“cat” is none of the labels"):
        where_it_looked(Picture(solid("red")), "cat", "red, blue", model=StubModel())
