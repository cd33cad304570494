"""Mixtures, decoder and cache against the long way: draw all channels, normalise, compare."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from demos.gaussians.decoder import Decoder, decode
from demos.gaussians.field import LanguageField
from demos.gaussians.meanings import Meanings, MeaningsCache, Texts, of_gaussians, of_pixels
from demos.gaussians.options import Level, QueryOptions
from demos.gaussians.query import level_maps
from demos.gaussians.weights import ViewWeights, view_weights
from tests.demos.gaussians.test_relevancy import slow_relevancy
from tests.demos.gaussians.worlds import World, coded, world


@pytest.fixture(scope="module")
def small() -> World:
    return world(60, width=60, height=40)


@pytest.fixture(scope="module")
def view(small: World) -> ViewWeights:
    return view_weights(small.scene, small.camera)


def some_texts(dim: int, *, seed: int = 0, offset: float = 0.0) -> Texts:
    rows = np.random.default_rng(seed).normal(size=(5, dim)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return Texts(rows[0], rows[1:], offset, np.linspace(0, offset, 4, dtype=np.float32), 10.0)


def long_way(view: ViewWeights, vectors: NDArray, texts: Texts, least_total: float, has: NDArray) -> NDArray:
    """Each pixel: sum w f over all channels, then unit, cosines, relevancy."""
    found = np.zeros(view.height * view.width)
    for pixel in range(len(found)):
        owners, weights = view.at(pixel % view.width, pixel // view.width)
        if float((weights * has[owners]).sum()) < least_total:
            continue
        mixed = weights.astype(np.float64) @ vectors[owners].astype(np.float64)
        mixed /= np.linalg.norm(mixed)
        negatives = [
            float(mixed @ row - offset) for row, offset in zip(texts.negatives, texts.negative_offsets, strict=True)
        ]
        found[pixel] = slow_relevancy(float(mixed @ texts.query) - texts.query_offset, negatives, texts.temperature)
    return found


def vectors_of(field: LanguageField, level: int) -> NDArray:
    """(N, D): weighted rows of the table, not normalised."""
    assert field.ids is not None and field.weights is not None and field.table is not None
    padded = np.concatenate([field.table, np.zeros((1, field.table.shape[1]), np.float32)])
    return (padded[field.ids[:, level]] * field.weights[:, level, :, None]).sum(axis=1)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_uplifted_pixels_are_drawn_then_compared(small: World, view: ViewWeights, level: int, offset: float) -> None:
    texts = some_texts(small.field.dim, offset=offset)
    vectors = vectors_of(small.field, level)
    assert small.field.weights is not None and small.field.ids is not None
    total = np.where(small.field.ids[:, level] >= 0, small.field.weights[:, level], 0).sum(axis=1)
    expected = long_way(view, vectors, texts, 0.1, total)
    found = of_pixels(view, small.field, level).relevancy(texts)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert (found > 0).any()


def test_a_table_too_large_for_its_gram_matrix_gives_the_same(
    small: World, view: ViewWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = some_texts(small.field.dim)
    expected = of_pixels(view, small.field, 1).relevancy(texts)
    monkeypatch.setattr("demos.gaussians.mixtures._MOST_GRAM", 2)
    np.testing.assert_allclose(of_pixels(view, small.field, 1).relevancy(texts), expected, atol=1e-5)


def test_gaussians_mean_their_own_mixture(small: World) -> None:
    texts = some_texts(small.field.dim)
    vectors = vectors_of(small.field, 1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = [slow_relevancy(float(v @ texts.query), (texts.negatives @ v).tolist(), 10.0) for v in vectors]
    np.testing.assert_allclose(of_gaussians(small.field, 1).relevancy(texts), expected, atol=1e-5)


def test_a_gaussian_without_a_row_has_no_relevancy(small: World) -> None:
    found = of_gaussians(small.field, 0).relevancy(some_texts(small.field.dim))
    np.testing.assert_array_equal(found == 0, small.labels == 4)


@pytest.mark.parametrize("dim", [24, 512])
def test_shortcut_is_the_full_decode(small: World, view: ViewWeights, dim: int) -> None:
    """The bar of the card: 1e-4 in the relevancy, codes rounded and the last layer left out."""
    field = coded(small.labels, dim=dim)
    assert field.codes is not None
    drawn = view.render(np.ascontiguousarray(field.codes[:, 1])).reshape(-1, 3)
    whole = Decoder.of(field.decoder).whole(drawn)
    has = view.render(np.ones(len(small.scene), np.float32)).reshape(-1) >= 0.1
    for seed in range(3):
        texts = some_texts(dim, seed=seed)
        excess = whole @ texts.query - (whole @ texts.negatives.T).max(axis=1)
        expected = np.where(has, 1 / (1 + np.exp(-10 * excess)), 0)
        found = of_pixels(view, field, 1).relevancy(texts)
        np.testing.assert_allclose(found, expected, atol=1e-4)


def cosines_by(decoder: Decoder, codes: NDArray, has_meaning: NDArray) -> tuple[NDArray, NDArray, int]:
    """Cosines with a text by the shortcut and by decoding all of it, and how many codes were decoded."""
    done = decode(decoder, codes, has_meaning)
    np.testing.assert_array_equal(done.place >= 0, has_meaning)
    text = np.random.default_rng(9).normal(size=(1, len(done.bias))).astype(np.float32)
    text /= np.linalg.norm(text)
    quick = done.spread((done.dots(text)[:, 0] / done.norms).astype(np.float32))
    return quick, np.where(has_meaning, decoder.whole(codes) @ text[0], 0), len(done.hidden)


def test_equal_codes_are_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demos.gaussians.decoder.MOST_CODES", 100)
    codes = np.tile(np.random.default_rng(0).normal(0, 0.5, (30, 3)).astype(np.float32), (40, 1))
    quick, whole, decoded = cosines_by(Decoder.of(coded(np.arange(5)).decoder), codes, np.arange(len(codes)) % 7 != 0)
    assert decoded <= 30
    np.testing.assert_allclose(quick, whole, atol=1e-5)


@pytest.mark.parametrize("channels", [3, 8])
def test_too_many_codes_are_gathered_in_cells(monkeypatch: pytest.MonkeyPatch, channels: int) -> None:
    monkeypatch.setattr("demos.gaussians.decoder.MOST_CODES", 500)
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(6, channels))  # as drawn: nearly constant within a mask
    codes = (centres[rng.integers(0, 6, 3_000)] / 3 + rng.normal(0, 0.004, (3_000, channels))).astype(np.float32)
    weights = coded(np.arange(5)).decoder | {"decoder.0.weight": rng.normal(0, 0.9, (16, channels)).astype(np.float32)}
    quick, whole, decoded = cosines_by(Decoder.of(weights), codes, np.ones(len(codes), bool))
    assert decoded <= 500
    assert np.abs(quick - whole).max() < 0.02
    assert np.abs(quick - whole).mean() < 0.002


@pytest.mark.parametrize("fault", ["no bias", "wrong width", "nothing"])
def test_decoders_that_do_not_fit_together(fault: str) -> None:
    weights = dict(coded(np.arange(5)).decoder)
    if fault == "no bias":
        del weights["decoder.4.bias"]
    elif fault == "wrong width":
        weights["decoder.4.weight"] = weights["decoder.4.weight"][:, :-1]
    else:
        weights = {}
    with pytest.raises(ValueError, match="decoder"):
        Decoder.of(weights)


def test_cache_makes_each_meaning_once(small: World, view: ViewWeights) -> None:
    cache = MeaningsCache()
    assert cache.pixels(view, small.field, 1) is cache.pixels(view, small.field, 1)
    assert cache.gaussians(small.field, 1) is cache.gaussians(small.field, 1)
    taken = small.field.take(np.arange(len(small.scene)))
    other = cache.pixels(view, taken, 1)
    assert other is not cache.pixels(view, small.field, 1)
    assert isinstance(other, Meanings)


def test_cache_lets_the_oldest_go(small: World, view: ViewWeights) -> None:
    one = MeaningsCache().pixels(view, small.field, 0).meant.size_bytes
    cache = MeaningsCache(max_bytes=int(2.5 * of_pixels(view, small.field, 1).meant.size_bytes))
    first = cache.pixels(view, small.field, 1)
    cache.pixels(view, small.field, 2)
    assert cache.pixels(view, small.field, 1) is first  # used again: the other is older now
    other = small.field.take(np.arange(len(small.scene)))
    cache.pixels(view, other, 1)
    assert cache.size_bytes <= cache.max_bytes and one > 0
    assert cache.pixels(view, small.field, 1) is first
    del other
    cache.pixels(view, small.field, 0)
    cache.clear()
    assert cache.size_bytes == 0
    assert cache.pixels(view, small.field, 1) is not first


def test_negatives_are_compared_once(small: World, view: ViewWeights, monkeypatch: pytest.MonkeyPatch) -> None:
    means = of_pixels(view, small.field, 1)
    calls = []
    original = type(means.meant).dots
    monkeypatch.setattr(
        type(means.meant), "dots", lambda self, texts, **k: calls.append(len(texts)) or original(self, texts, **k)
    )
    first, second = some_texts(small.field.dim), some_texts(small.field.dim, seed=3)
    means.relevancy(first)
    means.relevancy(Texts(second.query, first.negatives, 0.0, first.negative_offsets, 10.0))
    assert calls == [4, 1, 1]


@pytest.mark.parametrize("level", ["auto", "part"])
@pytest.mark.parametrize("kind", ["uplifted", "coded"])
def test_compared_first_is_the_mean_of_what_a_pixel_shows(
    small: World, view: ViewWeights, kind: str, level: Level
) -> None:
    """Against the sum over each pixel's Gaussians, for several words of which all but the first find shares kept."""
    field = small.field if kind == "uplifted" else coded(small.labels)
    options = QueryOptions(order="relevancy", level=level)
    for seed in range(2):
        texts = some_texts(field.dim, seed=seed)
        maps = level_maps(view, field, texts, options, (view.width, view.height))
        assert list(maps) == (list(field.levels) if level == "auto" else [level])
        for name, found in maps.items():
            own = of_gaussians(field, field.levels.index(name)).relevancy(texts)
            np.testing.assert_array_equal(found.own, own)
            sums, shares = (view.render(values.astype(np.float32)) for values in (own, own > 0))
            expected = np.where(shares >= 0.1, sums / np.maximum(shares, 1e-9), 0)
            np.testing.assert_allclose(found.raw, expected, atol=1e-5)
            assert (expected > 0).any()


def test_shares_are_kept_as_long_as_their_view(small: World) -> None:
    cache = MeaningsCache()
    view = view_weights(small.scene, small.camera)
    first = cache.inverse_shares(view, small.field)
    assert first.shape == (view.height, view.width, len(small.field.levels))
    assert cache.inverse_shares(view, small.field) is first
    other = view_weights(small.scene, small.camera)
    np.testing.assert_array_equal(cache.inverse_shares(other, small.field), first)
    assert cache.inverse_shares(other, small.field) is not first
