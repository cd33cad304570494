"""Uplift: sums by label against dense ones, and a scene of three things that gets its meanings back from its photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from core.calibration import Calibration
from core.tasks import Job
from demos.gaussians import raster
from demos.gaussians.build import add_language
from demos.gaussians.cameras import Camera, orbit
from demos.gaussians.colour import dc_from_rgb
from demos.gaussians.field import LEVELS
from demos.gaussians.fit_seeds import from_places
from demos.gaussians.masks import PhotoMasks, find_masks
from demos.gaussians.photos import Photo
from demos.gaussians.regions import MEAN_RGB, cut_out
from demos.gaussians.scene import Floats, GaussianScene
from demos.gaussians.uplift import LabelSums
from demos.gaussians.weights import LabelWeights
from tests.demos.gaussians.test_masks import ColourSegmenter

COLOURS = np.array([(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)], np.float32)


class ColourEncoder:
    """A picture's embedding is its mean saturated colour, a text's the colour it names; a stand-in with 3 numbers."""

    name = "colours"
    scoring = "softmax"
    logit_scale = 10.0
    logit_bias = 0.0
    calibration = Calibration()
    patch_sides_px = (32,)

    def encode_patches(self, image: NDArray[np.uint8], *, size_px: int = 32, job: Job | None = None) -> Floats:
        return self.encode_images([image]).reshape(1, 1, 3)

    def encode_images(self, images: Sequence[NDArray[np.uint8]], *, job: Job | None = None) -> NDArray[np.float32]:
        rows = []
        for image in images:
            pixels = image.reshape(-1, 3).astype(np.float32)
            vivid = pixels[pixels.max(1) - pixels.min(1) > 60]
            rows.append(vivid.mean(0) if len(vivid) else np.ones(3))
        found = np.array(rows, np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    def encode_texts(self, texts: Sequence[str], *, job: Job | None = None) -> NDArray[np.float32]:
        rng = np.random.default_rng(0)
        found = np.abs(rng.normal(size=(len(texts), 3))).astype(np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)


def _three_balls() -> tuple[GaussianScene, NDArray[np.intp]]:
    rng = np.random.default_rng(8)
    places = rng.normal(size=(900, 3))
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    owner = np.arange(900) % 3
    places = 0.5 * places + np.array([(-1.4, 0, 0), (1.4, 0.3, 0), (0, -0.6, 1.2)])[owner]
    scene = from_places(places.astype(np.float32), COLOURS[owner], degree=0)
    sh = np.zeros_like(scene.sh)
    sh[:, 0] = dc_from_rgb(COLOURS[owner])
    return replace(scene, sh=sh, opacity_logits=np.full(900, 4, np.float32)), owner


def _flat(camera: Camera, scene: GaussianScene) -> NDArray[np.uint8]:
    """The view in pure colours: each pixel has the colour that it shows most."""
    drawn = raster.render(scene, camera)
    flat = (COLOURS * 255).astype(np.uint8)[drawn.rgb.argmax(2)]
    return np.where(drawn.alpha[..., None] > 0.5, flat, 0).astype(np.uint8)


def test_three_things_get_their_meanings_back() -> None:
    scene, owner = _three_balls()
    cameras = [orbit((0, 0, 0.3), 6.0, 360 * i / 8, 25, width=96, height=72) for i in range(8)]
    photos = [Photo(f"{i}", _flat(camera, scene), camera) for i, camera in enumerate(cameras)]
    masks = [find_masks(photo.rgb, ColourSegmenter(), divisors=(1,)) for photo in photos]
    field, groups = add_language(scene, photos, masks, ColourEncoder())  # type: ignore[arg-type]
    assert groups == 3 and field.levels == LEVELS and field.model == "colours"
    assert field.ids is not None and field.table is not None and field.objects is not None
    best = field.ids[:, LEVELS.index("whole"), 0]
    is_known = best >= 0
    assert is_known.mean() > 0.9
    meant = field.table[best[is_known]].argmax(1)
    assert (meant == owner[is_known]).mean() > 0.97
    assert len(field.objects.table) == 3
    is_in_one = field.objects.ids >= 0
    named = field.objects.table[field.objects.ids[is_in_one]].argmax(1)
    assert is_in_one.mean() > 0.9 and (named == owner[is_in_one]).mean() > 0.97


def test_sums_by_label_are_the_dense_ones() -> None:
    rng = np.random.default_rng(9)
    count, labels = 30, 7
    dense = np.zeros((count, labels))
    sums = LabelSums(count, labels)
    for _ in range(4):
        shown = (rng.random((count, labels)) < 0.3) * rng.random((count, labels))
        dense += shown.astype(np.float32)
        rows, columns = np.nonzero(shown)
        starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))])
        sums.add(LabelWeights(starts, columns.astype(np.int32), shown[rows, columns].astype(np.float32)))
    ids, shares = sums.heaviest(3)
    for row in range(count):
        order = np.argsort(-dense[row], kind="stable")[:3]
        known = dense[row, order] > 0
        assert ids[row].tolist() == np.where(known, order, -1).tolist()
        np.testing.assert_allclose(shares[row], dense[row, order] / max(dense[row].sum(), 1e-12), rtol=1e-5)


@pytest.mark.parametrize("hidden", [True, False])
def test_cut_outs_are_squares_that_hold_the_mask(hidden: bool) -> None:
    rgb = np.random.default_rng(3).integers(0, 255, (40, 50, 3)).astype(np.uint8)
    mask = np.zeros((40, 50), bool)
    mask[30:40, 2:8] = True
    square = cut_out(rgb, mask, hidden=hidden)
    side = 10 if hidden else 12
    assert square.shape == (side, side, 3)
    inside = {tuple(pixel) for pixel in rgb[mask].tolist()}
    assert inside <= {tuple(pixel) for pixel in square.reshape(-1, 3).tolist()}
    if hidden:
        others = square.reshape(-1, 3)[~np.isin(np.arange(100).reshape(10, 10) % 10, np.arange(2, 8)).ravel()]
        assert (others == MEAN_RGB).all()


def test_photos_that_agree_on_nothing_are_refused() -> None:
    scene, _ = _three_balls()
    camera = orbit((0, 0, 0.3), 6.0, 0, 25, width=48, height=36)
    photos = [Photo("0", _flat(camera, scene), camera)] * 2
    nothing = PhotoMasks(np.zeros((0, 36, 48), bool), np.zeros(0, np.float32))
    with pytest.raises(ValueError, match="agree on any mask"):
        add_language(scene, photos, [nothing, nothing], ColourEncoder())  # type: ignore[arg-type]
