"""Pieces: superpoints against colours that are known, choices against what was built, queries and files with pieces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from core.calibration import unit_rows
from core.errors import InputError
from demos.gaussians.cameras import look_at
from demos.gaussians.field import LanguageField, Pieces
from demos.gaussians.field_file import read_field, write_field, write_scene
from demos.gaussians.formats.blob import open_blob
from demos.gaussians.meanings import Texts
from demos.gaussians.options import QueryOptions
from demos.gaussians.pieces import AGREEMENT, Chosen, agreed, choose, of_gaussians, shared
from demos.gaussians.pieces_make import memberships, objects_of, sharpened, shown, with_superpoints
from demos.gaussians.pipeline import open_scene, query
from demos.gaussians.query import select_in_scene
from demos.gaussians.superpoints import oklab, superpoints
from demos.gaussians.weights import view_weights
from demos.gaussians.words import encode_words, part_and_whole
from tests.demos.gaussians.test_field import with_array
from tests.demos.gaussians.worlds import BALLS, LABELS, UP, World, colour_table, world
from tests.stub_model import StubModel


@pytest.fixture(scope="module")
def known() -> World:
    return world(60)


def pieced(known: World) -> LanguageField:
    """Every ball and the plate a piece, and the upper half of the red ball one inside it, which looks blue."""
    holds = known.labels == np.arange(len(LABELS))[:, None]
    upper = holds[0] & (known.scene.means_xyz[:, 2] > 0.4)
    holds = np.concatenate([holds, upper[None]])
    table = np.concatenate([colour_table(), colour_table()[LABELS.index("blue")][None]])
    levels = np.array([2] * len(LABELS) + [1], np.int8)
    nothing = np.zeros(len(table), np.float32)
    support = np.append(np.zeros(len(LABELS)), -0.05).astype(np.float32)
    return replace(known.field, pieces=Pieces(memberships(holds), levels, table, nothing, support))


def texts(vector: NDArray[np.float32]) -> Texts:
    return Texts(vector, np.zeros((1, len(vector)), np.float32), 0.0, np.zeros(1, np.float32), 10.0)


def test_the_answer_is_what_the_best_pieces_agree_on() -> None:
    """Three cuts of one thing and something else: the cut in the middle, though another is a little better."""
    thing = np.zeros((5, 400), bool)
    thing[0, :40] = True  # the best by a hair: less than half of it
    thing[1, :100] = True
    thing[2, :110] = True
    thing[3, :120] = True
    thing[4, 200:300] = True
    excess = np.array([0.103, 0.1, 0.1, 0.1, 0.101], np.float32)
    common = (thing.astype(np.float32) @ thing.T).astype(np.float32)
    assert agreed(excess, common) == 2
    assert agreed(np.where(np.arange(5) == 2, np.float32(-np.inf), excess), common) in (1, 3)
    clear = excess + np.array([0.2, 0, 0, 0, 0], np.float32)
    assert agreed(clear, common) == 0, "what is clearly better needs nobody to agree"
    only = np.where(np.arange(5) == 4, excess, np.float32(-np.inf))
    assert agreed(only, common) == 4
    weights = np.exp(excess.astype(np.float64) / AGREEMENT)
    slow = [
        sum(w * (thing[g] & thing[k]).sum() / (thing[g] | thing[k]).sum() for k, w in enumerate(weights))
        for g in range(5)
    ]
    assert int(np.argmax(slow)) == 2


def test_oklab_of_known_colours() -> None:
    # White, and sRGB red and green as in the article that introduced the space.
    found = oklab(np.array([[1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 0]], np.float32))
    known = [[1, 0, 0], [0.62796, 0.22486, 0.12585], [0.86644, -0.23389, 0.17950], [0, 0, 0]]
    np.testing.assert_allclose(found, known, atol=2e-4)


def test_superpoints_are_the_balls(known: World) -> None:
    pieces = superpoints(known.scene, np.ones(len(known.scene), bool), 1.0)
    assert (pieces >= 0).all()
    for label in range(len(BALLS)):  # colours are smoothed where a ball is near the plate, so not quite all
        own = pieces[known.labels == label]
        best = np.bincount(own).argmax()
        assert (own == best).mean() > 0.9 and (known.labels[pieces == best] == label).mean() > 0.9


def test_superpoints_leave_out_what_is_faint_or_unseen(known: World) -> None:
    logits = known.scene.opacity_logits.copy()
    logits[known.labels == 1] = -4.0
    is_seen = known.labels != 2
    pieces = superpoints(replace(known.scene, opacity_logits=logits), is_seen, 1.0)
    np.testing.assert_array_equal(pieces < 0, np.isin(known.labels, (1, 2)))
    assert (superpoints(known.scene, np.zeros(len(known.scene), bool), 1.0) == -1).all()


def test_groups_take_whole_superpoints() -> None:
    labels = np.array([0] * 10 + [1] * 10 + [-1] * 4, np.int32)
    holds = np.zeros((2, 24), bool)
    holds[0, :13] = True  # all of 0, three of 1
    holds[1, 11:24] = True  # nine of 1, and those in no superpoint
    found = sharpened(holds, labels)
    np.testing.assert_array_equal(np.flatnonzero(found[0]), range(10))
    np.testing.assert_array_equal(np.flatnonzero(found[1]), range(10, 24))


def test_superpoints_that_are_new_become_pieces() -> None:
    labels = np.repeat(np.arange(4, dtype=np.int32), (20, 30, 5, 200))
    holds = np.zeros((1, len(labels)), bool)
    holds[0, :19] = True  # nearly superpoint 0
    found = with_superpoints(holds, labels, most=100)
    assert len(found) == 2 and np.array_equal(found[1], labels == 1)  # 2 is too small, 3 too large


def test_memberships_come_back() -> None:
    rng = np.random.default_rng(3)
    holds = rng.random((7, 50)) < 0.3
    ids = memberships(holds)
    for gaussian in range(50):
        own = ids[gaussian][ids[gaussian] >= 0]
        assert set(own) == set(np.flatnonzero(holds[:, gaussian])) and len(own) == len(set(own))
    pieces = Pieces(ids, np.zeros(7, np.int8), np.eye(7, dtype=np.float32), *np.zeros((2, 7), np.float32))
    np.testing.assert_array_equal(shared(pieces), holds.astype(int) @ holds.T.astype(int))
    values = rng.random(7).astype(np.float32)
    levels, is_chosen = rng.integers(0, 3, 7).astype(np.int8), rng.random(7) < 0.5
    found = of_gaussians(replace(pieces, levels=levels), Chosen(values, is_chosen, 0), 3)
    for gaussian in range(50):
        own = np.flatnonzero(holds[:, gaussian])
        slow = [max((values[p] for p in own if levels[p] == level), default=0.0) for level in range(3)]
        np.testing.assert_allclose(found[gaussian], [*slow, float(is_chosen[own].any())])


def test_a_pixel_shows_what_most_of_it_belongs_to(known: World) -> None:
    view = view_weights(known.scene, known.camera)
    holds = known.labels == np.arange(len(LABELS))[:, None]
    drawn = view.render(np.ascontiguousarray(holds.T.astype(np.float32)))
    sure = np.abs(drawn.reshape(-1, len(LABELS)).T - 0.5) > 1e-3
    found = shown(view, holds)
    np.testing.assert_array_equal(found[sure], (drawn.reshape(-1, len(LABELS)).T > 0.5)[sure])
    assert found.any(axis=1).all()


def test_the_best_piece_answers_and_its_twins_do() -> None:
    table = unit_rows(np.array([[1, 0, 0], [1, 0.05, 0], [1, 0.02, 0], [0, 1, 0]], np.float32))
    holds = np.zeros((4, 40), bool)
    for row, span in enumerate((slice(0, 10), slice(10, 20), slice(0, 8), slice(20, 40))):
        holds[row, span] = True  # piece 2 lies in piece 0
    nothing = np.zeros(4, np.float32)
    pieces = Pieces(memberships(holds), np.array([2, 2, 1, 2], np.int8), table, nothing, nothing)
    chosen = choose(pieces, texts(table[0]))
    np.testing.assert_array_equal(chosen.is_chosen, [True, True, False, False])
    np.testing.assert_allclose(chosen.relevancy, 1 / (1 + np.exp(-10 * (table @ table[0]))), rtol=1e-5)
    assert chosen.level == 2 and choose(pieces, texts(table[0]), level=1).level == 1
    assert choose(pieces, texts(table[0]), generosity=0).is_chosen.sum() == 1
    assert choose(pieces, texts(table[0]), generosity=400).is_chosen.sum() == 3
    hindered = replace(pieces, support=np.array([-0.5, 0, 0, 0], np.float32))
    assert not choose(hindered, texts(table[0])).is_chosen[0]
    like_everything = replace(pieces, general=np.array([0.9, 0, 0, 0], np.float32))
    assert not choose(like_everything, texts(table[0])).is_chosen[0]


def test_parts_are_looked_for_inside_their_whole(known: World) -> None:
    field = pieced(known)
    options = QueryOptions(negatives="silver", hubness=False)
    words = encode_words(["blue of the red", "blue", "blue of the green"], options, model=StubModel())
    picked = [select_in_scene(known.scene, field, words, index, options) for index in range(3)]
    red, blue = known.labels == LABELS.index("red"), known.labels == LABELS.index("blue")
    upper = red & (known.scene.means_xyz[:, 2] > 0.4)
    np.testing.assert_array_equal(picked[0].selection.mask(len(known.scene)), upper)
    assert picked[0].level == "part"
    np.testing.assert_array_equal(picked[1].selection.mask(len(known.scene)), blue)
    assert picked[2].selection.rows.size  # green has no parts: the whole phrase is asked


@pytest.mark.parametrize(
    "query, pair",
    [
        ("handle of the mug", ("handle", "mug")),
        ("Lid of the blue teapot", ("Lid", "blue teapot")),
        ("the mug's handle", ("handle", "mug")),
        ("robot’s head", ("head", "robot")),
        ("cup of tea", None),
        ("mug", None),
        ("of the mug", None),
        ("x of the ", None),
    ],
)
def test_parts_in_words(query: str, pair: tuple[str, str] | None) -> None:
    assert part_and_whole(query) == pair


def test_a_query_answers_with_whole_pieces(known: World) -> None:
    handle = open_scene(write_scene(known.scene, pieced(known), cameras=[known.camera], up_xyz=UP), name="w.npz")
    options = QueryOptions(negatives="silver", hubness=False, least_peak=0.5)
    answer = query(handle, "green; blue", options, model=StubModel())
    for found, name in zip(answer.found, ("green", "blue"), strict=True):
        is_ball = known.labels == LABELS.index(name)
        assert found.is_found and found.level == "whole"
        np.testing.assert_array_equal(found.selection.mask(len(known.scene)), is_ball)
        drawn = view_weights(handle.scene, answer.camera).render(is_ball.astype(np.float32))
        sure = np.abs(drawn - 0.5) > 1e-2
        np.testing.assert_array_equal(found.mask[sure], (drawn > 0.5)[sure])
    part = query(handle, "green", replace(options, level="part"), model=StubModel()).found[0]
    assert part.level == "part" and [peak.level for peak in part.peaks] == ["part"]
    smooth = query(handle, "green", replace(options, threshold="otsu"), model=StubModel()).found[0]
    assert smooth.mask.any() and smooth.selection.rows.size


def test_what_is_hidden_from_a_view_is_found_all_the_same(known: World) -> None:
    handle = open_scene(write_scene(known.scene, pieced(known), cameras=[known.camera], up_xyz=UP), name="w.npz")
    options = QueryOptions(negatives="silver", hubness=False, least_peak=0.5)
    away = look_at((0, -5, 1), (0, -10, 1), up_xyz=UP, fov_deg=45, width=60, height=40)  # the balls lie behind it
    found = query(handle, "green", options, model=StubModel(), camera=away).found[0]
    assert found.is_found and found.selection.rows.size and not found.mask.any()
    assert "“green” is in the scene, but not to be seen in this view: among the " in found.sentence
    seen = query(handle, "green", options, model=StubModel()).found[0]
    assert found.peak == seen.peak  # pieces answer for the scene, whatever the view
    nothing = query(handle, "silver birch", replace(options, least_peak=0.99), model=StubModel(), camera=away).found[0]
    assert not nothing.is_found and "was not found in this scene" in nothing.sentence
    assert nothing.peak == max(peak.peak for peak in nothing.peaks)


def test_a_level_without_pieces_falls_back_to_those_there_are(known: World) -> None:
    handle = open_scene(write_scene(known.scene, pieced(known), cameras=[known.camera], up_xyz=UP), name="w.npz")
    options = QueryOptions(negatives="silver", hubness=False, level="subpart", least_peak=0.5)
    found = query(handle, "green", options, model=StubModel()).found[0]
    assert found.level == "subpart" and not found.is_found
    assert "the best match, among the details, reaches" in found.sentence


def test_objects_share_nothing_and_are_the_best_agreed_on(known: World) -> None:
    field = pieced(known)
    assert field.pieces is not None
    words = tuple((name,) for name in (*LABELS, "half"))
    found = objects_of(field.pieces, words=words)
    assert found is not None
    names = [found.words[i][0] for i in found.ids[found.ids >= 0]]
    want = [LABELS[label] for label in known.labels if LABELS[label] in set(names)]
    assert names == want and set(BALLS) <= set(names) and "half" not in {row[0] for row in found.words}


@pytest.mark.parametrize("compact", [False, True])
def test_pieces_come_back_from_a_file(known: World, compact: bool) -> None:
    field = pieced(known)
    back = read_field(open_blob(write_field(field, compact=compact), name="f.npz"), len(known.scene))
    assert back is not None and back.pieces is not None and field.pieces is not None
    for name in ("ids", "levels", "table", "general", "support"):
        np.testing.assert_allclose(getattr(back.pieces, name), getattr(field.pieces, name), atol=1e-3, err_msg=name)
    some = back.take(np.array([4, 4, 9]))
    np.testing.assert_array_equal(some.pieces.ids, back.pieces.ids[[4, 4, 9]])  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "name, array",
    [
        ("piece_ids", np.full((660, 1), 6, np.int32)),
        ("piece_ids", np.zeros((660, 65), np.int32)),
        ("piece_levels", np.full(6, 3, np.int32)),
        ("piece_levels", np.full(6, 256, np.int32)),
        ("piece_general", np.full(6, np.nan, np.float32)),
        ("piece_support", np.zeros(5, np.float32)),
    ],
)
def test_damaged_pieces_are_refused(known: World, name: str, array: NDArray[np.generic]) -> None:
    content = with_array(write_scene(known.scene, pieced(known)), name, array)
    with pytest.raises(InputError, match="damaged|which no scene"):
        read_field(open_blob(content, name="bad.npz"), len(known.scene))
