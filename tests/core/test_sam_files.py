"""Three layouts, one network: the same weights give the same masks, and what is damaged or dangerous is a sentence."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from segment_anything import sam_model_registry

from core.checkpoints import is_local, remove, resolve
from core.errors import ModelUnavailable
from core.lockfile import read_pin
from core.model_spec import Hub
from core.sam import Prompt, PromptableSam, Thresholds, load
from core.sam_files import config_of, our_name, read_sam
from core.settings import configure
from tests import tiny_sam
from tests.fake_hub import FakeHub

POINT = Prompt(np.array([[80, 60]], np.float32), np.array([1]))
Save = Callable[[Path, Any], Path]


def _save_transformers(folder: Path, sam: Any) -> Path:
    return tiny_sam.save_transformers(folder, sam.state_dict(), tiny_sam.transformers_config())


SAVES: dict[str, Save] = {
    "pocket-sam": tiny_sam.save_pocket,
    "sam": tiny_sam.save_release,
    "sam-hf": _save_transformers,
}


# One network.


@pytest.mark.parametrize("family", SAVES)
def test_each_layout_gives_the_same_masks(family: Any, tmp_path: Path) -> None:
    sam, image = tiny_sam.random_sam(), tiny_sam.picture()
    wanted = PromptableSam("reference", sam, Thresholds()).prompt(image, POINT)
    ours = load(SAVES[family](tmp_path, sam), tiny_sam.spec(family))
    answer = ours.prompt(image, POINT)
    np.testing.assert_allclose(answer.logits, wanted.logits, atol=1e-6 * np.abs(wanted.logits).max(), rtol=0)
    assert ours.name == "tiny-sam" and ours.image_px == 128 and ours.low_px == 32
    assert ours.size_bytes == pytest.approx(4 * sum(p.numel() for p in sam.parameters()), rel=0.01)
    assert ours.thresholds == (Thresholds(-1.0, 0.3, 0.7) if family == "pocket-sam" else Thresholds(0.88, 0.95, 0.7))
    assert not any(p.requires_grad for p in ours._sam.parameters()) and not ours._sam.training


def test_conv_encoder_with_its_running_means(tmp_path: Path) -> None:
    config = {**tiny_sam.CONFIG, "patch_size": 8, "encoder": tiny_sam.CONV_ENCODER}
    sam = tiny_sam.random_sam(3, config)
    sam.train()(
        [{"image": torch.rand(3, 128, 128) * 255, "original_size": (128, 128)}], multimask_output=True
    )  # moves the running means
    sam.eval()
    ours = load(tiny_sam.save_pocket(tmp_path, sam, config), tiny_sam.spec("pocket-sam"))
    image = tiny_sam.picture()
    wanted = PromptableSam("reference", sam, Thresholds()).prompt(image, POINT)
    assert (ours.prompt(image, POINT).logits == wanted.logits).all() and ours.low_px == 64


def test_masks_equal_those_of_transformers(tmp_path: Path) -> None:
    from transformers import SamModel

    torch.manual_seed(0)
    config = tiny_sam.transformers_config()
    theirs = SamModel(config).eval()
    tensors = dict(theirs.state_dict())
    tiny_sam.fill({our_name(name, tensors): tensor for name, tensor in tensors.items()}, seed=5)
    theirs.save_pretrained(tmp_path)
    ours, image = load(tmp_path, tiny_sam.spec("sam-hf")), tiny_sam.picture(128, 128)
    points = np.array([[30, 40], [90, 100]], np.float32)
    box = np.array([20, 10, 100, 110], np.float32)
    mean, deviation = (getattr(ours._sam, name) for name in ("pixel_mean", "pixel_std"))
    pixels = (torch.tensor(image).permute(2, 0, 1).float() - mean) / deviation
    for given, asked in (
        (POINT, {"input_points": [[POINT.points_xy.tolist()]], "input_labels": [[[1]]]}),
        (Prompt(points, np.array([1, 0])), {"input_points": [[points.tolist()]], "input_labels": [[[1, 0]]]}),
        (Prompt(box_xyxy=box), {"input_boxes": [[box.tolist()]]}),
    ):
        answer = ours.prompt(image, given)
        with torch.no_grad():
            out = theirs(
                pixel_values=pixels[None],
                multimask_output=given.is_ambiguous,
                **{name: torch.tensor(values) for name, values in asked.items()},
            )
        logits, iou = out.pred_masks[0, 0].numpy(), out.iou_scores[0, 0].numpy()
        chosen = iou.argmax() if given.is_ambiguous else 0
        scale = max(1.0, float(np.abs(logits).max()))
        np.testing.assert_allclose(answer.logits[answer.best], logits[chosen], atol=1e-4 * scale, rtol=0)
        np.testing.assert_allclose(answer.predicted_iou[answer.best], iou[chosen], atol=1e-4)


def test_sizes_of_the_release_are_read_off_its_tensors() -> None:
    for name, width, depth, heads, layers in (
        ("vit_b", 768, 12, 12, [2, 5, 8, 11]),
        ("vit_l", 1024, 24, 16, [5, 11, 17, 23]),
        ("vit_h", 1280, 32, 16, [7, 15, 23, 31]),
    ):
        with torch.device("meta"):
            tensors = sam_model_registry[name]().state_dict()
        assert config_of(tensors) == {
            "img_size": 1024,
            "patch_size": 16,
            "encoder": {
                "embed_dim": width,
                "depth": depth,
                "num_heads": heads,
                "mlp_ratio": 4.0,
                "window_size": 14,
                "global_attn_indexes": layers,
            },
            "dim": 256,
            "decoder_mlp": 2048,
            "decoder_heads": 8,
            "decoder_depth": 2,
            "mask_in_chans": 16,
        }


def test_every_name_of_transformers_has_one_here() -> None:
    from transformers import SamConfig, SamModel

    with torch.device("meta"):
        theirs = SamModel(SamConfig()).state_dict()
        ours = sam_model_registry["vit_b"]().state_dict()
    shapes = {our_name(name, theirs): tuple(tensor.shape) for name, tensor in theirs.items()}
    assert shapes == {name: tuple(tensor.shape) for name, tensor in ours.items()}


def test_half_precision_files_and_encoders(tmp_path: Path) -> None:
    sam, image = tiny_sam.random_sam(), tiny_sam.picture()
    folder = tiny_sam.save_pocket(tmp_path, sam)
    save_file({n: t.half() for n, t in sam.state_dict().items()}, folder / "model.safetensors")
    exact = PromptableSam("reference", sam, Thresholds()).prompt(image, POINT)
    for dtype in ("float32", "bfloat16"):
        ours = load(folder, tiny_sam.spec("pocket-sam"), dtype=dtype)
        assert next(ours._sam.mask_decoder.parameters()).dtype == torch.float32
        assert next(ours._sam.image_encoder.parameters()).dtype == getattr(torch, dtype)
        assert (ours.prompt(image, POINT).masks == exact.masks).mean() > 0.9


def test_shards_are_read_together(tmp_path: Path) -> None:
    folder = _save_transformers(tmp_path, tiny_sam.random_sam())
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    for number, part in enumerate((names[:40], names[40:]), 1):
        save_file({name: tensors[name] for name in part}, folder / f"model-0000{number}-of-00002.safetensors")
    (folder / "model.safetensors").unlink()
    assert load(folder, tiny_sam.spec("sam-hf")).image_px == 128


# From the hub.


def test_a_pth_file_comes_through_the_hub_beside_its_siblings(tmp_path: Path, fake_hub: FakeHub) -> None:
    published = tiny_sam.save_release(tmp_path / "published", tiny_sam.random_sam())
    tiny_sam.save_release(published, tiny_sam.random_sam(1), "checkpoints/sam_vit_l_0b3195.pth")
    fake_hub.add_repo("acme/sam", published)
    configure(endpoint=fake_hub.url)
    rows = [
        tiny_sam.spec("sam", f"sam-{size}", sources=(Hub("acme/sam", (f"checkpoints/{name}",), part=size),))
        for size, name in (("b", "sam_vit_b_01ec64.pth"), ("l", "sam_vit_l_0b3195.pth"))
    ]
    first = resolve(rows[0])
    assert is_local(rows[0]) and not is_local(rows[1])
    assert [path.name for path in first.rglob("*.pth")] == ["sam_vit_b_01ec64.pth"]
    second = resolve(rows[1])
    assert [load(folder, row).image_px for folder, row in zip((first, second), rows, strict=True)] == [128, 128]
    remove(rows[0])
    assert not is_local(rows[0]) and is_local(rows[1])
    assert resolve(rows[0]) == first  # held to the commit of its first download
    pins = [read_pin(f"acme/sam/{size}") for size in "bl"]
    assert all(pin is not None and len(pin.files) == 1 for pin in pins) and read_pin("acme/sam") is None


def test_other_families_never_get_a_pickle(tmp_path: Path, fake_hub: FakeHub) -> None:
    fake_hub.add_repo("acme/sam", tiny_sam.save_release(tmp_path, tiny_sam.random_sam()))
    configure(endpoint=fake_hub.url)
    source = Hub("acme/sam", ("checkpoints/sam_vit_b_01ec64.pth",))
    for family in ("clip", "sam-hf", "pocket-sam"):
        with pytest.raises(ModelUnavailable, match="a pickle, which can run code; only safetensors are loaded"):
            resolve(tiny_sam.spec(family, sources=(source,)))  # type: ignore[arg-type]
    assert not fake_hub.requests


# What is refused.


class _Trap:
    """Runs when an ordinary unpickler meets it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("sprung"),))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("how", ["torch zip", "plain pickle", "inside the dictionary"])
def test_a_pickle_of_anything_else_is_refused_and_not_run(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sam.pth"
    if how == "torch zip":
        torch.save(_Trap(), path)
    elif how == "plain pickle":
        path.write_bytes(pickle.dumps(_Trap()))
    else:
        torch.save({**tiny_sam.random_sam().state_dict(), "extra": _Trap()}, path)
    with pytest.raises(ModelUnavailable, match=r"sam.pth of Tiny SAM is not a plain file of tensors and is not loaded"):
        load(tmp_path, tiny_sam.spec("sam"))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "content", [[1, 2], {"model": {"weight": torch.zeros(2)}}, {1: torch.zeros(2)}, torch.zeros(3)]
)
def test_other_contents_of_a_pickle_are_refused(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "sam.pth")
    with pytest.raises(ModelUnavailable, match="not a plain file of tensors"):
        load(tmp_path, tiny_sam.spec("sam"))


def test_a_file_of_old_torch_is_read_too(tmp_path: Path) -> None:
    sam = tiny_sam.random_sam()
    torch.save(sam.state_dict(), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert load(tmp_path, tiny_sam.spec("sam")).image_px == 128


@pytest.mark.parametrize("family", SAVES)
def test_truncated_weights_are_a_sentence(family: Any, tmp_path: Path) -> None:
    SAVES[family](tmp_path, tiny_sam.random_sam())
    path = next(p for p in tmp_path.rglob("*") if p.suffix in (".pth", ".safetensors"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ModelUnavailable, match="Tiny SAM"):
        load(tmp_path, tiny_sam.spec(family))


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda t: t.pop("mask_decoder.mask_tokens.weight"), "it lacks 1 tensors such as mask_decoder.mask_tokens"),
        (lambda t: t.update(extra=torch.zeros(2)), "has, without a place for them, 1 tensors such as extra"),
        (
            lambda t: t.update({"mask_decoder.mask_tokens.weight": torch.zeros(5, 32)}),
            "has in another shape 1 tensors such as mask_decoder.mask_tokens",
        ),
        (lambda t: t.pop("image_encoder.pos_embed"), "image_encoder.pos_embed"),
    ],
)
@pytest.mark.parametrize("family", ["pocket-sam", "sam"])
def test_weights_that_do_not_fit_are_refused(family: Any, change: Any, words: str, tmp_path: Path) -> None:
    tensors = dict(tiny_sam.random_sam().state_dict())
    change(tensors)
    if family == "sam":
        torch.save(tensors, tmp_path / "sam.pth")
    else:
        (tmp_path / "config.json").write_text(json.dumps(tiny_sam.CONFIG))
        save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(ModelUnavailable, match=words):
        load(tmp_path, tiny_sam.spec(family))


@pytest.mark.parametrize(
    "family, config, words",
    [
        ("pocket-sam", "{", "could not be loaded"),
        ("pocket-sam", "{}", "could not be loaded"),
        ("pocket-sam", json.dumps({**tiny_sam.CONFIG, "thresholds": {"iou": 1}}), "unexpected keyword argument 'iou'"),
        ("pocket-sam", json.dumps({**tiny_sam.CONFIG, "dim": 31}), "dim 31 must be a multiple of 8"),
        ("sam-hf", '{"model_type": "clip"}', "of type 'clip' instead of 'sam'"),
    ],
)
def test_bad_configs_are_sentences(family: Any, config: str, words: str, tmp_path: Path) -> None:
    SAVES[family](tmp_path, tiny_sam.random_sam())
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(ModelUnavailable, match=words):
        read_sam(tmp_path, tiny_sam.spec(family))


@pytest.mark.parametrize("family, words", [("sam", "0 .pth files"), ("sam-hf", "no .safetensors file")])
def test_empty_folders_are_sentences(family: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=words):
        load(tmp_path, tiny_sam.spec(family))
