"""LangSplat's training: the autoencoder has its shape and learns, the codes of a view come back."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import Cancelled
from core.tasks import Job
from demos.gaussians.cameras import orbit
from demos.gaussians.decoder import Decoder
from demos.gaussians.langsplat_train import autoencoder, train_autoencoder, train_codes
from demos.gaussians.weights import view_weights
from tests.demos.gaussians.test_uplift import _three_balls


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


def test_cancel_is_heard() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        train_autoencoder(_table(), job=job)
