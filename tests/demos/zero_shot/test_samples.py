"""The examples on the page, with the model that comes with the hub: the first label of each is the right one."""

from __future__ import annotations

import json

import pytest

from core import checkpoints
from core.catalog import spec
from core.images import read_image
from core.pool import POOL
from demos.zero_shot.options import Options
from demos.zero_shot.pipeline import classify, parse_labels
from demos.zero_shot.samples import Sample, samples

MODEL = "pocket-clip"


@pytest.fixture(scope="module", autouse=True)
def _needs_the_model() -> None:
    if not checkpoints.is_local(spec(MODEL)):
        pytest.skip("the bundled model is not in this checkout")
    card = json.loads((checkpoints.resolve(spec(MODEL)) / "card.json").read_text(encoding="utf-8"))
    if not card["scores"]:
        pytest.skip("the bundled checkpoint is an early one: nothing was measured on it")


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.path.stem)
def test_first_click_gives_a_good_answer(sample: Sample) -> None:
    with POOL.use(MODEL) as model:
        answer = classify(read_image(sample.path), sample.labels, Options(), model=model)
    assert answer.label == parse_labels(sample.labels)[0].name
    assert answer.ranked[0].confidence > 1.5 * answer.ranked[1].confidence
