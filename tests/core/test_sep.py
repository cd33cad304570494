"""The separator: both layouts load and agree, windows join without a seam, and bad files get one sentence."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core.errors import Cancelled, ModelUnavailable
from core.sep import QueriedSeparator, load
from core.sep_files import Usage, read_separator
from core.sep_network import Sizes, authors_name, build, enlarged, maps, mask_logits, query_vectors
from core.tasks import Job

SIZES = Sizes((4, 4, 6, 6), channels=3, dim=5)
SPEC: Any = SimpleNamespace(name="tiny-sep", title="Tiny Sep")


def network(seed: int = 0) -> Any:
    torch.manual_seed(seed)
    net = build(SIZES).eval()
    with torch.no_grad():
        net["query"].weight.normal_(0, 2)
    return net


def save(folder: Path, net: Any, **usage: Any) -> Path:
    folder.mkdir(exist_ok=True)
    save_file({name: t.contiguous() for name, t in net.state_dict().items()}, folder / "model.safetensors")
    content = {"sizes": asdict(SIZES), "usage": asdict(Usage("stub", window_frames=64, **usage))}
    (folder / "config.json").write_text(json.dumps(content))
    return folder


def separator(folder: Path, **usage: Any) -> QueriedSeparator:
    return load(save(folder, network(), **usage), SPEC)


def direct(model: QueriedSeparator, window: Any, embedding: Any) -> Any:
    """One window without any joining, (size, rows)."""
    wide = model.logits(window, embedding)
    return wide[0]


def test_windows_join_under_the_weight(tmp_path: Path, rng: np.random.Generator) -> None:
    model = separator(tmp_path / "m")
    picture, embedding = rng.standard_normal((150, 32)).astype(np.float32), rng.standard_normal((1, 5))
    embedding = embedding.astype(np.float32)
    found = model.logits(picture, embedding)
    assert found.shape == (1, 150, 32) and found.dtype == np.float16
    weight = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(64) + 0.5) / 64) + 1e-3
    total, norm = np.zeros((150, 32)), np.zeros(150)
    for start in (0, 32, 64, 86):
        total[start : start + 64] += direct(model, picture[start : start + 64], embedding) * weight[:, None]
        norm[start : start + 64] += weight
    assert np.abs(found[0] - total / norm[:, None]).max() < 5e-3  # float16


def test_coarse_cells_are_asked_twice_half_a_cell_apart(rng: np.random.Generator) -> None:
    torch.manual_seed(5)
    sizes = Sizes((4, 4, 6, 6), channels=3, dim=5, coarse=2, hears_height=True)
    net = build(sizes).eval()
    picture, query = rng.standard_normal((64, 32)).astype(np.float32), np.eye(5, dtype=np.float32)[:1]
    found = QueriedSeparator("x", net, sizes, Usage("stub", window_frames=64)).logits(picture, query)[0].T

    def alone(rows: Any) -> Any:
        shown = torch.from_numpy(np.ascontiguousarray(rows))[None, None]
        with torch.no_grad():
            coarse = mask_logits(net, maps(net, shown), query_vectors(net, torch.from_numpy(query)))
        assert coarse.shape == (1, 1, 8, 16)
        return enlarged(coarse, (32, 64))[0, 0].numpy()

    plain, raised = alone(picture.T), alone(np.concatenate([picture.T[:1], picture.T[:1], picture.T[:-2]]))
    assert np.abs(found[:-2] - (plain[:-2] + raised[2:]) / 2).max() < 5e-3  # float16
    assert np.abs(found[-2:] - plain[-2:]).max() < 5e-3


@pytest.mark.parametrize("count", [1, 20, 63, 64, 65, 96, 128])
def test_any_number_of_frames(tmp_path: Path, rng: np.random.Generator, count: int) -> None:
    model = separator(tmp_path / "m")
    picture = rng.standard_normal((count, 32)).astype(np.float16)
    found = model.logits(picture, np.eye(5, dtype=np.float32)[:2])
    assert found.shape == (2, count, 32) and np.isfinite(found).all()


def test_queries_do_not_hear_each_other(tmp_path: Path, rng: np.random.Generator) -> None:
    model = separator(tmp_path / "m")
    picture, queries = rng.standard_normal((70, 32)).astype(np.float32), np.eye(5, dtype=np.float32)[:3]
    together = model.logits(picture, queries)
    for i in range(3):
        assert np.abs(together[i] - model.logits(picture, queries[i : i + 1])[0]).max() < 5e-3


def test_a_floor_takes_the_loudness_out(tmp_path: Path, rng: np.random.Generator) -> None:
    picture, query = rng.standard_normal((64, 32)).astype(np.float32), np.eye(5, dtype=np.float32)[:1]
    levelled = separator(tmp_path / "a", floor=8.0)
    assert np.abs(levelled.logits(picture, query) - levelled.logits(picture + 4, query)).max() < 5e-3
    plain = separator(tmp_path / "b")
    assert np.abs(plain.logits(picture, query) - plain.logits(picture + 4, query)).max() > 1e-2


def test_authors_state_dict_is_read_by_shape(tmp_path: Path, rng: np.random.Generator) -> None:
    net = network(3)
    tensors = {authors_name(name, SIZES.layers): tensor for name, tensor in net.state_dict().items()}
    (tmp_path / "authors").mkdir()
    torch.save({f"module.{name}": tensor for name, tensor in tensors.items()}, tmp_path / "authors" / "best.pth")
    found, sizes, usage = read_separator(tmp_path / "authors", "CLIPSep")
    assert sizes == SIZES and usage.query_model == "clip-vit-b-32"
    assert all(torch.equal(found.state_dict()[name], tensor) for name, tensor in net.state_dict().items())


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("evil"),))


def test_bad_files_get_one_sentence(tmp_path: Path) -> None:
    evil = tmp_path / "evil"
    evil.mkdir()
    torch.save({"a": Evil()}, evil / "x.pth")
    with pytest.raises(ModelUnavailable, match="a pickle can run code"):
        load(evil, SPEC)
    short = save(tmp_path / "short", network())
    save_file({"scale": torch.ones(3)}, short / "model.safetensors")
    with pytest.raises(ModelUnavailable, match="lacks .* tensors such as bias"):
        load(short, SPEC)
    (save(tmp_path / "torn", network()) / "model.safetensors").write_bytes(b"no")
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        load(tmp_path / "torn", SPEC)
    (tmp_path / "none").mkdir()
    with pytest.raises(ModelUnavailable, match="0 weight files"):
        load(tmp_path / "none", SPEC)
    odd = save(tmp_path / "odd", network())
    content = json.loads((odd / "config.json").read_text())
    content["usage"]["window_frames"] = 50
    (odd / "config.json").write_text(json.dumps(content))
    with pytest.raises(ModelUnavailable, match="multiple of 16"):
        load(odd, SPEC)


def test_cancel_and_wrong_length(tmp_path: Path) -> None:
    model, job = separator(tmp_path / "m"), Job()
    job.cancel()
    with pytest.raises(Cancelled):
        model.logits(np.zeros((70, 32), np.float32), np.zeros((1, 5), np.float32), job=job)
    with pytest.raises(ValueError, match=r"expected \(Q, 5\)"):
        model.logits(np.zeros((70, 32), np.float32), np.zeros((1, 6), np.float32))
