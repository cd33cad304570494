"""The encoder agrees with plain transformers for every family, batches, keeps, stops, and refuses what is broken."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoProcessor

from core import calibration, clip
from core.catalog import Family
from core.clip import ClipEncoder
from core.errors import Cancelled, ModelUnavailable
from core.tasks import Job, Step
from tests import tiny_clip

TEXTS = ["a photo of a cat", "dog", "", "a blurry photo of the red car, in a street.", "一只猫", "🦆 what?!"]


@dataclass(frozen=True)
class Both:
    """One tiny checkpoint, loaded by us and by plain transformers."""

    family: Family
    folder: Path
    ours: ClipEncoder
    model: Any
    processor: Any

    def plain(self, images: list[np.ndarray], texts: list[str]) -> Any:
        """What transformers alone makes of them, the way its zero-shot pipeline calls it."""
        limit = self.model.config.text_config.max_position_embeddings
        padding: dict[str, Any] = {"padding": True}
        if self.family in ("siglip", "siglip2"):
            padding = {"padding": "max_length", "max_length": limit, "truncation": True}
        pictures = [Image.fromarray(rgb) for rgb in images]
        with torch.no_grad():
            return self.model(**self.processor(text=texts, images=pictures, return_tensors="pt", **padding))


@pytest.fixture(scope="module", params=tiny_clip.FAMILIES)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    family: Family = request.param
    folder = tiny_clip.save(family, tmp_path_factory.mktemp(family))
    ours = clip.load(folder, tiny_clip.spec(family), device="cpu", dtype="float32")
    return Both(family, folder, ours, AutoModel.from_pretrained(folder), AutoProcessor.from_pretrained(folder))


@pytest.fixture
def encoder(tmp_path: Path) -> ClipEncoder:
    """A fresh encoder with an empty cache."""
    return clip.load(tiny_clip.save("clip", tmp_path / "clip"), tiny_clip.spec("clip"))


@pytest.fixture
def images(rng: np.random.Generator) -> list[np.ndarray]:
    shapes = [(40, 50), (64, 32), (32, 32), (1, 1), (200, 90)]
    return [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in shapes]


def test_embeddings_and_logits_equal_plain_transformers(both: Both, images: list[np.ndarray]) -> None:
    plain = both.plain(images, TEXTS)
    ours_i, ours_t = both.ours.encode_images(images), both.ours.encode_texts(TEXTS)
    np.testing.assert_allclose(ours_i, plain.image_embeds.numpy(), atol=2e-6)
    np.testing.assert_allclose(ours_t, plain.text_embeds.numpy(), atol=2e-6)
    scores = calibration.logits(ours_i, ours_t, scale=both.ours.logit_scale, bias=both.ours.logit_bias)
    np.testing.assert_allclose(scores, plain.logits_per_image.numpy(), atol=1e-5)


def test_embeddings_are_unit_float32_and_differ(both: Both, images: list[np.ndarray]) -> None:
    for rows in (both.ours.encode_images(images), both.ours.encode_texts(TEXTS)):
        assert rows.dtype == np.float32 and rows.shape[1] == both.ours.dim
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-6)
    assert np.ptp(both.ours.encode_images(images), axis=0).max() > 0.02


def test_scoring_scale_and_bias_come_from_the_checkpoint(both: Both) -> None:
    assert both.ours.logit_scale == pytest.approx(20.0, rel=1e-6)
    is_siglip = both.family.startswith("siglip")
    assert both.ours.scoring == ("sigmoid" if is_siglip else "softmax")
    assert both.ours.logit_bias == (-8.0 if is_siglip else 0.0)
    assert both.ours.size_bytes == pytest.approx(sum(p.numel() for p in both.model.parameters()) * 4, rel=0.05)


def test_long_text_is_cut_and_reported(both: Both) -> None:
    long = "a photo of a cat and " * 60
    cut = both.ours.truncated(["a cat", long, long])
    assert [t.text for t in cut] == [long]
    assert cut[0].limit == both.ours.max_tokens < cut[0].tokens
    assert np.isfinite(both.ours.encode_texts([long])).all()
    with torch.no_grad():
        inputs = both.processor.tokenizer(
            [long], truncation=True, max_length=both.ours.max_tokens, padding="max_length", return_tensors="pt"
        )
        plain = both.model.get_text_features(**inputs).pooler_output
    np.testing.assert_allclose(both.ours.encode_texts([long]), plain / plain.norm(dim=-1, keepdim=True), atol=2e-6)


def test_text_of_exactly_the_limit_is_not_reported(encoder: ClipEncoder) -> None:
    fitting = " ".join(["cat"] * (encoder.max_tokens - 2))  # start and end count
    assert encoder.truncated([fitting]) == ()
    assert [t.tokens for t in encoder.truncated([fitting + " cat"])] == [encoder.max_tokens + 1]


def test_batch_equals_one_by_one_in_any_order(encoder: ClipEncoder, images: list[np.ndarray]) -> None:
    one_by_one = np.concatenate([encoder.encode_images([rgb]) for rgb in images])
    encoder.cache.clear()
    backwards = encoder.encode_images(images[::-1])[::-1]
    np.testing.assert_allclose(backwards, one_by_one, atol=2e-6)
    texts_one = np.concatenate([encoder.encode_texts([text]) for text in TEXTS])
    encoder.cache.clear()
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), texts_one, atol=2e-6)


def test_nothing_in_gives_nothing_out(encoder: ClipEncoder) -> None:
    assert encoder.encode_images([]).shape == encoder.encode_texts([]).shape == (0, encoder.dim)
    assert encoder.truncated([]) == ()


def test_same_picture_and_text_are_computed_once(
    encoder: ClipEncoder, images: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[int] = []
    run = encoder._run
    monkeypatch.setattr(encoder, "_run", lambda forward, job: runs.append(1) or run(forward, job))
    first = encoder.encode_images([images[0], images[0]])
    again = encoder.encode_images([images[0].copy()])
    np.testing.assert_array_equal(first[0], again[0])
    assert len(runs) == 1
    encoder.encode_texts(["cat", "cat"])
    encoder.encode_texts(["cat"])
    assert len(runs) == 2
    again[:] = 0.0  # what callers do with their copy does not reach the store
    assert encoder.encode_images([images[0]]).any()


def test_very_long_strip_takes_little_memory_and_looks_at_its_middle(encoder: ClipEncoder) -> None:
    strip = np.zeros((3, 30_000, 3), np.uint8)
    strip[:, 14_990:15_010] = 255
    middle = strip[:, 15_000 - 12 : 15_000 + 12]
    np.testing.assert_allclose(encoder.encode_images([strip]), encoder.encode_images([middle]), atol=1e-5)


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)]
)
def test_wrong_arrays_are_a_value_error(encoder: ClipEncoder, bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="a picture is"):
        encoder.encode_images([bad])
    with pytest.raises(ValueError, match="a picture is"):
        encoder.encode_patches(bad)


def test_progress_counts_images_to_the_end(encoder: ClipEncoder, images: list[np.ndarray]) -> None:
    steps: list[Step] = []
    encoder.encode_images(images, job=Job(steps.append))
    assert {(s.stage, s.unit, s.total) for s in steps} == {("running", "images", 5)}
    assert [s.done for s in steps] == sorted(s.done for s in steps) and steps[-1].done == 5


def test_batches_grow_to_half_a_second_and_shrink_again() -> None:
    pace, sizes = clip._Pace(1), []
    for _ in range(4):
        pace.note(pace.size, 0.02 * pace.size)
        sizes.append(pace.size)
    assert sizes == [4, 16, 25, 25]
    pace.note(3, 0.1)  # a remainder says little
    assert pace.size == 25
    pace.note(3, 6.0)  # unless it was slow
    assert pace.size == 1
    texts = clip._Pace(16)
    texts.note(16, 10.0)
    assert texts.size == 16


def test_cancel_between_batches_keeps_what_was_finished(encoder: ClipEncoder, images: list[np.ndarray]) -> None:
    job = Job(lambda step: job.cancel() if step.done else None)
    with pytest.raises(Cancelled):
        encoder.encode_images(images, job=job)
    assert len(encoder.cache) == 1
    assert encoder.encode_images(images).shape == (5, encoder.dim)


def test_cancel_inside_a_forward_pass_stops_it(encoder: ClipEncoder, images: list[np.ndarray]) -> None:
    job, layers_run = Job(), []

    def cancel_in_first_layer(*_: Any) -> None:
        layers_run.append(1)
        job.cancel()

    for layer in encoder._parts.network.vision_model.encoder.layers:
        layer.register_forward_hook(cancel_in_first_layer)
    with pytest.raises(Cancelled):
        encoder.encode_images(images[:1], job=job)
    assert len(layers_run) == 1
    assert encoder.encode_images(images[:1]).shape == (1, encoder.dim)  # the device is free, nobody is cancelled


def test_sixteen_threads_agree(encoder: ClipEncoder, images: list[np.ndarray]) -> None:
    expected_i, expected_t = encoder.encode_images(images), encoder.encode_texts(TEXTS)
    encoder.cache.clear()
    faults: list[str] = []

    def work(number: int) -> None:
        order = np.random.default_rng(number).permutation(5)
        rows = encoder.encode_images([images[i] for i in order])
        texts = encoder.encode_texts([TEXTS[i] for i in order])
        if not np.allclose(rows, expected_i[order], atol=2e-6) or not np.allclose(texts, expected_t[order], atol=2e-6):
            faults.append(f"thread {number}")
        encoder.truncated(TEXTS)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


def test_half_precision_weights_on_disk_load_as_float32(tmp_path: Path, images: list[np.ndarray]) -> None:
    folder = tiny_clip.save("pocket", tmp_path / "full")
    AutoModel.from_pretrained(folder).half().save_pretrained(tmp_path / "half")
    for name in ("preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(folder / name, tmp_path / "half" / name)
    full = clip.load(folder, tiny_clip.spec("pocket")).encode_images(images)
    half = clip.load(tmp_path / "half", tiny_clip.spec("pocket")).encode_images(images)
    assert half.dtype == np.float32
    assert (full * half).sum(axis=1).min() > 0.9999


def test_bfloat16_network_gives_float32_unit_rows(tmp_path: Path, images: list[np.ndarray]) -> None:
    folder = tiny_clip.save("clip", tmp_path / "clip")
    rows = clip.load(folder, tiny_clip.spec("clip"), dtype="bfloat16").encode_images(images)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
    assert (rows * clip.load(folder, tiny_clip.spec("clip")).encode_images(images)).sum(axis=1).min() > 0.98


def test_calibration_of_the_folder_is_read(tmp_path: Path) -> None:
    folder = tiny_clip.save("clip", tmp_path / "clip")
    assert clip.load(folder, tiny_clip.spec("clip")).calibration.temperature == 1.0
    (folder / "calibration.json").write_text(json.dumps({"temperature": 2.5, "unknown_threshold": 0.3, "note": "n"}))
    found = clip.load(folder, tiny_clip.spec("clip")).calibration
    assert (found.temperature, found.unknown_threshold, found.note) == (2.5, 0.3, "n")


@dataclass(frozen=True)
class Broken:
    name: str
    file: str
    change: Any  # bytes -> bytes, or None to remove the file
    sentence: str


def _config(**changes: Any) -> Any:
    return lambda old: json.dumps({**json.loads(old), **changes}).encode()


def _rename_tensor(old: bytes) -> bytes:
    """Same length, another name: one tensor is missing, one has no place."""
    return old.replace(b'"visual_projection.weight"', b'"visual_projection.waight"', 1)


@pytest.mark.parametrize(
    "case",
    [
        Broken("no config", "config.json", None, "no readable config.json"),
        Broken("config is no JSON", "config.json", lambda _: b"{", "no readable config.json"),
        Broken("config is a list", "config.json", lambda _: b"[]", "no readable config.json"),
        Broken("unknown family", "config.json", _config(model_type="bert"), "cannot run"),
        Broken("no weights", "model.safetensors", None, "no .safetensors file"),
        Broken("truncated weights", "model.safetensors", lambda old: old[:5000], "get it again"),
        Broken("empty weights", "model.safetensors", lambda _: b"", "get it again"),
        Broken("other tensors", "model.safetensors", _rename_tensor, "visual_projection.weight"),
        Broken("other sizes", "config.json", _config(projection_dim=8), "get it again"),
        Broken("no preprocessor", "preprocessor_config.json", None, "get it again"),
        Broken("tokenizer is no JSON", "tokenizer.json", lambda _: b"{", "Tiny clip"),
    ],
    ids=lambda case: case.name,
)
def test_broken_folder_is_one_sentence(case: Broken, tmp_path: Path) -> None:
    folder = tiny_clip.save("clip", tmp_path / "clip")
    path = folder / case.file
    if case.change is None:
        path.unlink()
    else:
        path.write_bytes(case.change(path.read_bytes()))
    with pytest.raises(ModelUnavailable) as caught:
        clip.load(folder, tiny_clip.spec("clip"))
    message = str(caught.value)
    assert case.sentence in message and "\n" not in message and len(message) < 400


def test_a_pooler_may_be_left_over_but_not_missing(tmp_path: Path) -> None:
    """The dual encoder reads BERT's pooler; Chinese-CLIP has none, and published files still carry one."""
    pocket = tiny_clip.save("pocket", tmp_path / "pocket")
    weights = load_file(pocket / "model.safetensors")
    pooler = {name: weights.pop(name) for name in list(weights) if "pooler" in name}
    save_file(weights, pocket / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelUnavailable, match=r"lacks 2 tensors such as text_model\.pooler"):
        clip.load(pocket, tiny_clip.spec("pocket"))
    chinese = tiny_clip.save("chinese-clip", tmp_path / "chinese")
    weights = load_file(chinese / "model.safetensors")
    save_file({**weights, **pooler}, chinese / "model.safetensors", metadata={"format": "pt"})
    assert clip.load(chinese, tiny_clip.spec("chinese-clip")).dim == 16


def test_loading_waits_for_another_load_and_can_be_cancelled(tmp_path: Path) -> None:
    from core import clip_files

    folder = tiny_clip.save("clip", tmp_path / "clip")
    job = Job()
    threading.Timer(0.3, job.cancel).start()
    with clip_files._loading, pytest.raises(Cancelled):
        clip.load(folder, tiny_clip.spec("clip"), job=job)
