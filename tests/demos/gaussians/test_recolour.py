"""Restyling: the twelve numbers act on pictures as on Gaussians, and the search finds what the model likes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.errors import Cancelled
from core.tasks import Job
from demos.gaussians.edits import AffineColour, mean_colour, recolour
from demos.gaussians.recolour import HUES, ROUNDS, WANDERERS, guided_colour, piece_of
from demos.gaussians.weights import view_weights
from tests.demos.gaussians.worlds import World, world
from tests.stub_model import StubModel


@pytest.fixture(scope="module")
def known() -> World:
    return world(60)


def test_a_mapped_picture_is_the_picture_of_mapped_gaussians(known: World) -> None:
    """The picture is linear in the colours: drawing after the map is mapping what was drawn."""
    view = view_weights(known.scene, known.camera)
    weights = (known.labels == 2).astype(np.float32)
    weights[np.flatnonzero(weights)[:20]] = 0.5
    colour = AffineColour(np.eye(3) * 0.7 + 0.1, np.array([0.02, 0.1, -0.05]))
    piece = piece_of(view, known.scene, known.camera, weights)
    mapped = piece_of(view, recolour(known.scene, weights, colour), known.camera, weights)
    assert piece is not None and mapped is not None
    difference = piece.mapped(colour).astype(int) - np.rint(mapped.rgb * 255)
    assert np.abs(difference).max() <= 1
    np.testing.assert_array_equal(piece.mapped(AffineColour.identity()), np.rint(piece.rgb * 255))


def test_out_of_sight_is_no_piece(known: World) -> None:
    away = replace(known.camera, cx=known.camera.cx + 9_000)
    weights = (known.labels == 2).astype(np.float32)
    assert piece_of(view_weights(known.scene, away), known.scene, away, weights) is None


@pytest.mark.parametrize("colour", ["red", "green", "yellow"])
def test_search_reaches_a_colour_of_the_model(known: World, colour: str) -> None:
    model = StubModel()
    weights = (known.labels == 2).astype(np.float32)
    piece = piece_of(view_weights(known.scene, known.camera), known.scene, known.camera, weights)
    assert piece is not None
    target = model.encode_texts([colour])[0]
    mean = mean_colour(known.scene, weights)
    found = guided_colour([piece], target, mean, model=model)
    assert found.tried == 1 + 2 * HUES + 4 + ROUNDS * WANDERERS
    assert found.after > found.before + 0.15
    again = guided_colour([piece], target, mean, model=model)
    np.testing.assert_array_equal(found.colour.matrix, again.colour.matrix)
    np.testing.assert_array_equal(found.colour.offset, again.colour.offset)


def test_what_fits_already_stays(known: World) -> None:
    """The price of change keeps the identity where nothing is won."""
    model = StubModel()
    weights = (known.labels == 2).astype(np.float32)
    piece = piece_of(view_weights(known.scene, known.camera), known.scene, known.camera, weights)
    assert piece is not None
    target = np.zeros(model.dim, np.float32)  # every picture fits alike
    found = guided_colour([piece], target, mean_colour(known.scene, weights), model=model)
    np.testing.assert_array_equal(found.colour.matrix, np.eye(3))


def test_search_can_be_cancelled(known: World) -> None:
    model = StubModel()
    weights = (known.labels == 2).astype(np.float32)
    piece = piece_of(view_weights(known.scene, known.camera), known.scene, known.camera, weights)
    assert piece is not None
    job = Job(lambda step: job.cancel() if step.done == 5 else None)
    with pytest.raises(Cancelled):
        guided_colour([piece], model.encode_texts(["red"])[0], np.ones(3) / 2, model=model, job=job)
    assert model.images_seen <= 7
