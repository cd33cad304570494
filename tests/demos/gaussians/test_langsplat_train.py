"""LangSplat's training: the autoencoder learns, the codes of views come back, photos make a field."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import Cancelled, InputError
from core.tasks import Job
from demos.gaussians.cameras import orbit
from demos.gaussians.decoder import Decoder
from demos.gaussians.langsplat_train import autoencoder, mask_maps, train_autoencoder, train_codes, train_field
from demos.gaussians.masks import PhotoMasks
from demos.gaussians.weights import ViewWeights, view_weights
from tests.demos.gaussians.test_uplift import COLOURS, ColourEncoder, _three_balls


def _table(rows: int = 6, width: int = 32) -> np.ndarray:
    found = np.random.default_rng(1).normal(size=(rows, width)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_autoencoder_has_langsplats_layers() -> None:
    encoder, decoder = autoencoder(512)
    shapes = {name: tuple(tensor.shape) for name, tensor in encoder.state_dict().items() if name.endswith("weight")}
    assert [shapes[f"{i}.weight"] for i in (0, 3, 6, 9, 12)] == [(256, 512), (128, 256), (64, 128), (32, 64), (3, 32)]
    shapes = {name: tuple(tensor.shape) for name, tensor in decoder.state_dict().items() if name.endswith("weight")}
    wanted = [(16, 3), (32, 16), (64, 32), (128, 64), (256, 128), (256, 256), (512, 256)]
    assert [shapes[f"{i}.weight"] for i in (0, 2, 4, 6, 8, 10, 12)] == wanted


def test_codes_decode_to_the_embeddings() -> None:
    table = _table()
    codes, decoder = train_autoencoder(table, steps=450)
    np.testing.assert_allclose(np.linalg.norm(codes, axis=1), 1, atol=1e-5)
    back = Decoder.of(decoder).whole(codes)
    cosines = (back * table).sum(1)
    assert cosines.min() > 0.9
    assert np.array_equal((back @ table.T).argmax(1), np.arange(len(table)))


def test_equal_seeds_give_equal_codes() -> None:
    first, second = (train_autoencoder(_table(), steps=8)[0] for _ in range(2))
    assert np.array_equal(first, second)


def test_a_table_of_one_row_can_be_learnt() -> None:
    table = _table(1)
    codes, decoder = train_autoencoder(table, steps=200)
    assert float((Decoder.of(decoder).whole(codes) * table).sum()) > 0.8


def test_trained_codes_are_those_of_the_pictures() -> None:
    scene, owner = _three_balls()
    wanted = np.eye(3, dtype=np.float32)[[1, 2, 0]]
    cameras = [orbit((0, 0, 0.3), 6.0, 360 * i / 6, 20, width=64, height=48) for i in range(6)]
    views = [view_weights(scene, camera) for camera in cameras]
    drawn = [view.render(wanted[owner]) for view in views]
    masks = [picture.sum(2) > 0.8 for picture in drawn]
    pictures = [np.eye(3, dtype=np.float32)[picture.argmax(2)] for picture in drawn]
    codes = train_codes(views, pictures, masks, steps=120)
    seen = sum(view.totals() for view in views) > 0.5
    assert (codes[seen].argmax(1) == wanted[owner[seen]].argmax(1)).mean() > 0.95
    np.testing.assert_allclose(np.linalg.norm(codes[seen], axis=1), 1, atol=1e-4)


def test_codes_turn_away_from_where_they_began() -> None:
    """What a first view says wrongly, later ones correct: Adam must not be deaf after the step from zero."""
    scene, _ = _three_balls()
    view = view_weights(scene, orbit((0, 0, 0.3), 6.0, 0.0, 20, width=64, height=48))
    wrong, right = np.zeros((2, 48, 64, 3), np.float32)
    wrong[..., 0], right[..., 1] = 1.0, 1.0
    everywhere = np.ones((48, 64), bool)
    views, pictures = [view] * 8, [wrong] + [right] * 7
    codes = train_codes(views, pictures, [everywhere] * 8, steps=200)
    seen = view.totals() > 0.5
    assert (codes[seen].argmax(1) == 1).mean() > 0.95


def test_levels_are_the_nesting_of_masks_in_their_photo() -> None:
    masks = np.zeros((4, 20, 30), bool)
    masks[0, 2:12, 2:14] = True  # a whole ...
    masks[1, 4:10, 4:12] = True  # ... its part ...
    masks[2, 5:8, 5:9] = True  # ... and a part of that
    masks[3, 14:18, 20:28] = True  # a whole without parts
    maps = mask_maps(PhotoMasks(masks, np.full(4, 0.9, np.float32)))
    assert maps.shape == (3, 20, 30)
    assert maps[:, 6, 6].tolist() == [2, 1, 0]
    assert maps[:, 9, 9].tolist() == [1, 1, 0]  # a pixel without a detail takes the part's
    assert maps[:, 16, 24].tolist() == [3, 3, 3]
    assert maps[:, 0, 0].tolist() == [-1, -1, -1]


def test_of_two_masks_at_one_level_the_better_one_wins() -> None:
    masks = np.zeros((2, 12, 12), bool)
    masks[0, 1:7, 1:7], masks[1, 4:11, 4:11] = True, True
    for scores, winner in (((0.9, 0.8), 0), ((0.7, 0.8), 1)):
        maps = mask_maps(PhotoMasks(masks, np.array(scores, np.float32)))
        assert maps[2, 5, 5] == winner


def _photographed() -> tuple[list[ViewWeights], list[PhotoMasks], list[np.ndarray], np.ndarray]:
    """Views of three balls, masks of the colours, the pictures, and whose Gaussian each is."""
    scene, owner = _three_balls()
    cameras = [orbit((0, 0, 0.3), 6.0, 360 * i / 6, 20, width=64, height=48) for i in range(6)]
    views = [view_weights(scene, camera) for camera in cameras]
    drawn = [view.render(np.eye(3, dtype=np.float32)[owner]) for view in views]
    masks = [np.moveaxis(picture > 0.5, 2, 0) for picture in drawn]
    photos = [PhotoMasks(one[one.any((1, 2))], np.ones(int(one.any((1, 2)).sum()), np.float32)) for one in masks]
    return views, photos, [(picture * 255).astype(np.uint8) for picture in drawn], owner


def test_photos_make_a_field_whose_words_are_those_of_the_balls() -> None:
    views, photos, pictures, owner = _photographed()
    field = train_field(views, photos, pictures, ColourEncoder(), steps=120, ae_steps=300)  # type: ignore[arg-type]
    assert field.is_coded and field.model == "colours" and field.dim == 3
    assert field.codes is not None
    seen = sum(view.totals() for view in views) > 0.5
    decoder = Decoder.of(field.decoder)
    for level in range(3):
        said = decoder.whole(field.codes[:, level]) @ COLOURS.T
        assert (said[seen].argmax(1) == owner[seen]).mean() > 0.9


def test_photos_without_any_mask_are_refused_in_a_sentence() -> None:
    views, photos, pictures, _ = _photographed()
    nothing = [PhotoMasks(photo.masks[:0], photo.scores[:0]) for photo in photos]
    with pytest.raises(InputError, match="No mask was found in any photo"):
        train_field(views, nothing, pictures, ColourEncoder())  # type: ignore[arg-type]


def test_cancel_is_heard() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        train_autoencoder(_table(), job=job)
