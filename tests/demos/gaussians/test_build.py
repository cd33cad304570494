"""A scene with language from a ZIP of photos: end to end with stand-in models, stopped and gone on with, written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from numpy.typing import NDArray

from core import catalog
from core.errors import Cancelled, InputError
from core.lockfile import Pin, PinnedFile
from core.model_spec import Bundled, Hub
from core.pool import Pool
from core.sam_automatic import AutomaticOptions
from core.sam_masks import MaskSet
from core.tasks import Job, Step
from demos.gaussians.build import BuildOptions, FitOptions, Preview, build, weights_of
from demos.gaussians.build_command import write
from demos.gaussians.cameras import orbit
from demos.gaussians.field import LEVELS
from demos.gaussians.field_file import read_field
from demos.gaussians.formats.blob import open_blob
from demos.gaussians.langsplat_train import train_field
from demos.gaussians.pipeline import open_scene
from demos.gaussians.samples import CARD, SCENE, TRAINED
from tests.demos.gaussians.test_masks import ColourSegmenter
from tests.demos.gaussians.test_photos import archive, png
from tests.demos.gaussians.test_uplift import ColourEncoder, _flat, _three_balls

SMALL = BuildOptions(
    FitOptions(iterations=30, longest_px=64, gaussians=400, seeds=300, degree=0, engine="cpu"),
    mask_photos=6,
    divisors=(1,),
)


class Segmenter(ColourSegmenter):
    """Finds the colours of the three balls, and may be told to be asked to stop after some photos."""

    job: Job | None = None
    stops_after = 99

    def automatic(
        self, image: NDArray[np.uint8], options: AutomaticOptions | None = None, *, job: Job | None = None
    ) -> MaskSet:
        if self.job is not None and len(self.asked) >= self.stops_after:
            self.job.cancel()
        if job is not None:
            job.check()
        return super().automatic(image, options, job=job)


@pytest.fixture(scope="module")
def photos() -> bytes:
    """Twelve photos of three balls."""
    scene, _ = _three_balls()
    cameras = [orbit((0, 0, 0.3), 6.0, 30 * i, 20 + 10 * (i % 3), width=64, height=48) for i in range(12)]
    return archive({f"images/{i:02d}.png": png(_flat(camera, scene)) for i, camera in enumerate(cameras)}, cameras)


@pytest.fixture
def segmenter() -> Iterator[Segmenter]:
    """Stand-ins for both models."""
    stand_in = Segmenter()

    @contextmanager
    def use(self: Pool, name: str, *, job: Job | None = None) -> Iterator[Any]:
        yield stand_in if name == SMALL.segmenter else ColourEncoder()

    with mock.patch.object(Pool, "use", use):
        yield stand_in


def test_photos_become_a_scene_in_both_ways(photos: bytes, segmenter: Segmenter, tmp_path: Path) -> None:
    steps: list[Step] = []
    previews: list[Preview] = []
    few = partial(train_field, steps=8, ae_steps=8)
    with mock.patch("demos.gaussians.langsplat_train.train_field", few):
        options = replace(SMALL, method="both")
        built = build(photos, options, name="balls.zip", preview=previews.append, job=Job(steps.append))
    assert built.field is not None and built.field.levels == LEVELS and not built.field.is_coded
    assert built.trained is not None and built.trained.is_coded and built.trained.objects is built.field.objects
    assert built.groups == 3 and len(built.cameras) == 12
    done = [step.done for step in steps if step.done is not None and step.total == 100]
    assert done == sorted(done) and done[-1] > 95  # the bar never goes back
    assert previews and previews[-1].rgb.dtype == np.uint8
    write(built, tmp_path, ["photos.zip", "--method", "both", "--out", "/some/where/balls"])
    card = json.loads((tmp_path / CARD).read_text(encoding="utf-8"))
    assert card["gaussians"] == len(built.scene) and card["command"].endswith("--out balls")
    opened = open_scene(tmp_path / SCENE)
    assert len(opened.scene) == len(built.scene) and opened.field is not None and opened.field.pieces is not None
    trained = read_field(open_blob(tmp_path / TRAINED), len(built.scene))
    assert trained is not None and trained.is_coded


def test_a_stopped_build_goes_on_where_it_was(photos: bytes, segmenter: Segmenter, tmp_path: Path) -> None:
    with mock.patch("demos.gaussians.build.add_language", return_value=(None, 0)):
        whole = build(photos, SMALL)
        asked = len(segmenter.asked)
        segmenter.asked.clear()
        segmenter.job, segmenter.stops_after = Job(), 3
        with pytest.raises(Cancelled):
            build(photos, SMALL, folder=tmp_path, job=segmenter.job)
        segmenter.job = None
        with mock.patch("demos.gaussians.fit.engine_of") as engine:
            resumed = build(photos, SMALL, folder=tmp_path)
            engine.return_value.assert_not_called()
    assert len(segmenter.asked) == asked  # no photo was looked at twice
    assert resumed.as_npz() == whole.as_npz()


def test_masks_of_other_weights_are_not_taken(
    photos: bytes, segmenter: Segmenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A segmenter that was trained anew has the same name: its old masks stay where they are and are not used."""
    asked = []
    with mock.patch("demos.gaussians.build.add_language", return_value=(None, 0)):
        for weights in ("first", "first", "second"):
            monkeypatch.setattr("demos.gaussians.build.weights_of", lambda name, weights=weights: weights)
            segmenter.asked.clear()
            build(photos, SMALL, folder=tmp_path)
            asked.append(len(segmenter.asked))
    assert asked[0] > 0 and asked[1:] == [0, asked[0]]


def test_weights_are_told_by_their_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = weights_of("pocket-sam")
    (source,) = catalog.spec("pocket-sam").sources
    assert isinstance(source, Bundled) and source.sha256["model.safetensors"] in bundled.split()
    name, hub = next((row.name, row.sources[0]) for row in catalog.MODELS if isinstance(row.sources[0], Hub))
    pins = {hub.key: Pin("c0", {"b": PinnedFile("22", 1, "c0"), "a": PinnedFile("11", 1, "c0")})}
    monkeypatch.setattr("demos.gaussians.build.read_pin", pins.get)
    assert weights_of(name) == "11 22"
    pins.clear()
    assert weights_of(name) == ""


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"mask_photos": 1}, "it must be from 2 to 200"),
        ({"divisors": ()}, "shorter side by 1 to 6"),
        ({"divisors": (9,)}, "shorter side by 1 to 6"),
        ({"method": "magic"}, "choose one of uplift, langsplat, both"),
    ],
)
def test_options_that_cannot_be_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        build(b"", replace(SMALL, **changes))
