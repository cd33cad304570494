"""Patch features: grids cover the picture, each attention variant equals a slow twin, ends agree with the tower."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core import clip
from core.catalog import Family
from core.clip import ClipEncoder
from core.clip_dense import (
    MAX_ASPECT,
    DenseMethod,
    grid_hw,
    joined_windows,
    patch_embeddings,
    patch_px,
    tower_kind,
    window_places,
)
from core.errors import Cancelled, ModelUnavailable
from core.tasks import Job
from tests import tiny_clip

METHODS: tuple[DenseMethod, ...] = ("naclip", "clearclip", "maskclip", "sclip")
PATCH = tiny_clip.PATCH_PX


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> dict[Family, ClipEncoder]:
    """One tiny encoder a family."""
    root = tmp_path_factory.mktemp("dense")
    return {f: clip.load(tiny_clip.save(f, root / f), tiny_clip.spec(f)) for f in tiny_clip.FAMILIES}


def _pixels(rows: int, columns: int, cell: int = PATCH, seed: int = 0) -> torch.Tensor:
    return torch.randn(1, 3, rows * cell, columns * cell, generator=torch.Generator().manual_seed(seed))


def _network(encoder: ClipEncoder) -> Any:
    return encoder._parts.network


@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from([64, 224, 336]), st.sampled_from([8, 14, 32]))
def test_grid_has_the_shape_of_the_picture(height: int, width: int, size_px: int, cell_px: int) -> None:
    rows, columns = grid_hw(height, width, size_px=size_px, cell_px=cell_px)
    assert rows >= 1 and columns >= 1
    assert grid_hw(width, height, size_px=size_px, cell_px=cell_px) == (columns, rows)
    aspect = min(max(height / width, 1 / MAX_ASPECT), MAX_ASPECT)
    assert abs(rows - (size_px / cell_px) * math.sqrt(aspect)) <= 1.0
    assert rows * columns <= 2.5 * (size_px / cell_px) ** 2 + 4


@pytest.mark.parametrize("family", tiny_clip.FAMILIES)
@pytest.mark.parametrize(
    "shape, size_px, grid", [((40, 40), None, (4, 4)), ((30, 120), 32, (2, 8)), ((90, 90), 64, (8, 8))]
)
def test_every_family_covers_the_whole_picture(
    family: Family, shape: tuple[int, int], size_px: int | None, grid: tuple[int, int], encoders: dict, rng: Any
) -> None:
    rgb = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    rows = encoders[family].encode_patches(rgb, size_px=size_px)
    assert rows.shape == (*grid, encoders[family].dim) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=-1), 1.0, atol=1e-5)


@pytest.mark.parametrize("family", tiny_clip.FAMILIES)
def test_cells_lie_where_the_picture_says(family: Family, encoders: dict, rng: Any, tmp_path: Path) -> None:
    """A change in the bottom right corner moves that corner's cell most."""
    rgb = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    changed = rgb.copy()
    changed[56:, 56:] = 255 - changed[56:, 56:]
    encoder = tiny_clip_with_centred_kernels(tmp_path) if family == "pocket" else encoders[family]
    before, after = (encoder.encode_patches(p, size_px=64, method="maskclip") for p in (rgb, changed))
    moved = np.linalg.norm(after - before, axis=-1)
    assert np.unravel_index(moved.argmax(), moved.shape) == (7, 7)


def tiny_clip_with_centred_kernels(folder: Path) -> clip.ClipEncoder:
    """The tiny ConvNet with only the middle of each 7x7 kernel: random kernels move a change by up to four cells."""
    encoder = clip.load(tiny_clip.save("pocket", folder), tiny_clip.spec("pocket"))
    for module in encoder._parts.network.vision_model.modules():
        if isinstance(module, torch.nn.Conv2d) and module.kernel_size == (7, 7):
            middle = torch.zeros_like(module.weight)
            middle[..., 3, 3] = module.weight[..., 3, 3]
            module.weight = torch.nn.Parameter(middle)
    return encoder


def _slow_last_layer(network: Any, pixels: torch.Tensor, method: DenseMethod) -> torch.Tensor:
    """The same, one patch and one head at a time, from the formulas."""
    vision = network.vision_model
    x = vision.pre_layrnorm(vision.embeddings(pixels, interpolate_pos_encoding=True))
    for layer in vision.encoder.layers[:-1]:
        x = layer(x, None)
    last = vision.encoder.layers[-1]
    attention, z = last.self_attn, last.layer_norm1(x)[0]
    q, k, v = (projection(z) for projection in (attention.q_proj, attention.k_proj, attention.v_proj))
    tokens, width = z.shape
    d = width // attention.num_heads
    columns = pixels.shape[-1] // PATCH
    out = torch.zeros(tokens, width)
    for head in range(attention.num_heads):
        part = slice(head * d, (head + 1) * d)
        for i in range(tokens):
            for a in {"naclip": [k], "clearclip": [q], "sclip": [q, k], "maskclip": []}[method]:
                scores = torch.tensor([float(a[i, part] @ a[j, part]) / math.sqrt(d) for j in range(tokens)])
                if method == "naclip" and i > 0:
                    for j in range(1, tokens):
                        (yi, xi), (yj, xj) = divmod(i - 1, columns), divmod(j - 1, columns)
                        scores[j] += math.exp(-((yi - yj) ** 2 + (xi - xj) ** 2) / (2 * 5.0**2))
                out[i, part] += scores.softmax(dim=0) @ v[:, part]
            if method == "maskclip":
                out[i, part] = v[i, part]
    y = attention.out_proj(out)
    if method == "sclip":
        y = x[0] + y
        y = y + last.mlp(last.layer_norm2(y))
    return network.visual_projection(vision.post_layernorm(y[1:])).unflatten(0, (-1, columns))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", ["clip", "chinese-clip", "altclip"])
def test_each_variant_equals_its_slow_twin(family: Family, method: DenseMethod, encoders: dict) -> None:
    network, pixels = _network(encoders[family]), _pixels(3, 5)
    with torch.inference_mode():
        fast, slow = patch_embeddings(network, pixels, method=method), _slow_last_layer(network, pixels, method)
    assert fast.shape == (3, 5, 16)
    torch.testing.assert_close(fast, slow, atol=2e-5, rtol=1e-4)


def test_clearclip_equals_the_layer_itself_where_queries_are_keys(encoders: dict) -> None:
    network = copy.deepcopy(_network(encoders["clip"]))
    attention = network.vision_model.encoder.layers[-1].self_attn
    attention.k_proj.load_state_dict(attention.q_proj.state_dict())
    taken: list[torch.Tensor] = []
    attention.register_forward_hook(lambda _m, _i, out: taken.append(out[0]))
    pixels = _pixels(4, 4)
    with torch.inference_mode():
        dense = patch_embeddings(network, pixels, method="clearclip")
        network.vision_model(pixel_values=pixels)
        expected = network.visual_projection(network.vision_model.post_layernorm(taken[-1][0, 1:]))
    torch.testing.assert_close(dense.flatten(0, 1), expected, atol=2e-5, rtol=1e-4)


def test_siglip_picture_of_one_patch_equals_its_pooled_embedding(encoders: dict) -> None:
    """With one token the pool can look nowhere else: value path and pool must agree."""
    network, pixels = _network(encoders["siglip"]), _pixels(1, 1)
    with torch.inference_mode():
        pooled = network.vision_model(pixel_values=pixels, interpolate_pos_encoding=True).pooler_output
        torch.testing.assert_close(patch_embeddings(network, pixels)[0], pooled, atol=2e-5, rtol=1e-4)


def test_convnet_picture_of_one_cell_equals_its_pooled_embedding(encoders: dict) -> None:
    network = _network(encoders["pocket"])
    pixels = _pixels(1, 1, cell=patch_px(network))
    with torch.inference_mode():
        pooled = network.get_image_features(pixel_values=pixels).pooler_output
        torch.testing.assert_close(patch_embeddings(network, pixels)[0], pooled, atol=2e-5, rtol=1e-4)


def test_towers_are_told_apart(encoders: dict) -> None:
    kinds = {family: tower_kind(_network(encoder)) for family, encoder in encoders.items()}
    assert kinds == {
        "clip": "class-token",
        "siglip": "attention-pool",
        "siglip2": "attention-pool",
        "chinese-clip": "class-token",
        "altclip": "class-token",
        "pocket": "map",
    }


def test_tower_without_patch_features_is_one_sentence(encoders: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip, "tower_kind", lambda network: "other")
    with pytest.raises(ModelUnavailable, match="no patch features"):
        encoders["clip"].encode_patches(np.zeros((8, 8, 3), np.uint8))


def test_patches_are_kept_by_picture_size_and_method(encoders: dict, monkeypatch: pytest.MonkeyPatch, rng: Any) -> None:
    encoder, runs = encoders["clip"], []
    run = encoder._run
    monkeypatch.setattr(encoder, "_run", lambda forward, job: runs.append(1) or run(forward, job))
    rgb = rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)
    first = encoder.encode_patches(rgb, size_px=48)
    np.testing.assert_array_equal(encoder.encode_patches(rgb, size_px=48), first)
    encoder.encode_patches(rgb, size_px=32)
    encoder.encode_patches(rgb, size_px=48, method="clearclip")
    assert len(runs) == 3


def test_dual_encoder_with_a_clip_image_tower(tmp_path: Path) -> None:
    from transformers import BertConfig, CLIPVisionConfig, VisionTextDualEncoderConfig, VisionTextDualEncoderModel

    vision, text = CLIPVisionConfig(**tiny_clip._vision()), BertConfig(**tiny_clip._tower(vocab_size=50))
    config = VisionTextDualEncoderConfig.from_vision_text_configs(vision, text, projection_dim=16)
    network = VisionTextDualEncoderModel(config).eval()
    assert tower_kind(network) == "class-token"
    with torch.inference_mode():
        assert patch_embeddings(network, _pixels(2, 3)).shape == (2, 3, 16)


@pytest.mark.parametrize("family", tiny_clip.FAMILIES)
def test_only_a_convnet_is_asked_at_several_sizes(encoders: dict, family: Family) -> None:
    encoder = encoders[family]
    sides = encoder.patch_sides_px
    if tower_kind(_network(encoder)) == "map":
        assert len(sides) > 1 and list(sides) == sorted(sides) and sides[0] >= encoder.image_px
        grids = [encoder.encode_patches(np.zeros((40, 60, 3), np.uint8), size_px=side).shape[:2] for side in sides]
        assert grids == sorted(grids) and grids[0] != grids[-1]
    else:
        assert sides == (encoder.image_px,)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 12))
def test_windows_cover_every_cell_and_end_with_the_grid(rows: int, columns: int, window: int) -> None:
    places = window_places(rows, columns, window)
    seen = np.zeros((rows, columns), int)
    for row, column in places:
        part = seen[row : row + window, column : column + window]
        assert part.shape == (min(window, rows), min(window, columns)), "none sticks out"
        part += 1
    assert len(set(places)) == len(places)
    assert seen.min() >= 1


def test_a_cell_is_the_mean_of_the_windows_over_it() -> None:
    windows = np.array([[[[1.0], [2.0], [3.0]]], [[[5.0], [7.0], [9.0]]]], np.float32)  # two of 1 x 3 cells
    joined = joined_windows(windows, [(0, 0), (0, 2)], (1, 5))
    np.testing.assert_allclose(joined[0, :, 0], [1.0, 2.0, 4.0, 7.0, 9.0])


def test_a_large_picture_in_windows_equals_its_slow_twin(encoders: dict, rng: Any) -> None:
    encoder = encoders["pocket"]
    cell, side = patch_px(_network(encoder)), encoder.image_px
    rgb = rng.integers(0, 256, (2 * side, 3 * side, 3), dtype=np.uint8)
    size_px = round(math.sqrt(6) * side)
    read = encoder.encode_windows(rgb, size_px=size_px)
    rows, columns = grid_hw(2 * side, 3 * side, size_px=size_px, cell_px=cell)
    pixels = encoder._pixels([clip._resized(rgb, rows * cell, columns * cell)], do_resize=False, do_center_crop=False)
    cells: dict[tuple[int, int], list[np.ndarray]] = {}
    window = side // cell
    for row, column in window_places(rows, columns, window):
        y, x = row * cell, column * cell
        part = pixels["pixel_values"][..., y : y + side, x : x + side]
        with torch.inference_mode():
            seen = patch_embeddings(_network(encoder), part).numpy()
        for i, j in np.ndindex(*seen.shape[:2]):
            cells.setdefault((row + i, column + j), []).append(seen[i, j] / np.linalg.norm(seen[i, j]))
    assert len(cells) == rows * columns
    for (i, j), values in cells.items():
        mean = np.mean(values, axis=0)
        np.testing.assert_allclose(read[i, j], mean / np.linalg.norm(mean), atol=1e-5)


def test_a_picture_of_one_window_is_read_whole(encoders: dict, rng: Any) -> None:
    encoder = encoders["pocket"]
    rgb = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    read = encoder.encode_windows(rgb, size_px=encoder.image_px)
    np.testing.assert_allclose(read, encoder.encode_patches(rgb), atol=1e-6)


def test_windows_are_kept(encoders: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, runs = encoders["pocket"], []
    run = encoder._run
    monkeypatch.setattr(encoder, "_run", lambda forward, job: runs.append(1) or run(forward, job))
    rgb, size_px = np.full((40, 40, 3), 90, np.uint8), 2 * encoder.image_px
    encoder.cache.clear()
    first = encoder.encode_windows(rgb, size_px=size_px)
    count = len(runs)
    np.testing.assert_array_equal(encoder.encode_windows(rgb, size_px=size_px), first)
    assert len(runs) == count > 0


def test_cancel_is_heard_between_windows(encoders: dict, rng: Any) -> None:
    encoder = encoders["pocket"]
    rgb = rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    job, run, runs = Job(), encoder._run, []

    def once(forward: Any, job_: Job | None) -> Any:
        runs.append(1)
        job.cancel()
        return run(forward, None)

    encoder._run = once  # type: ignore[method-assign]
    try:
        with pytest.raises(Cancelled):
            encoder.encode_windows(rgb, size_px=6 * encoder.image_px, job=job)
    finally:
        del encoder._run  # the method of the class shows again
    assert len(runs) == 1
    assert encoder.encode_windows(rgb, size_px=2 * encoder.image_px).any(), "and the next job finds it free"


def test_a_tower_with_positions_has_no_windows(encoders: dict) -> None:
    assert not encoders["clip"].reads_windows
    with pytest.raises(ValueError, match="reads pictures whole"):
        encoders["clip"].encode_windows(np.zeros((8, 8, 3), np.uint8), size_px=64)
