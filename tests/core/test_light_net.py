"""The network of CLIP-LIT: its size, its start, its readers, and what it computes against a plain twin."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from core import light, light_net
from core.errors import ModelUnavailable
from core.light import LightScale, write_scale
from core.light_losses import Residual
from core.model_spec import ModelSpec

ROW = ModelSpec(
    name="pocket-light", title="Pocket Light", task="image-text", family="pocket", loader="core.light:load", sources=(),
    params_m=0.3, download_mb=0, licence="Apache-2.0", is_non_commercial=False, image_px=64, preprocess="", note="",
    source_url="",
)  # fmt: skip


def made(seed: int = 0) -> torch.nn.Module:
    net = light_net.build()
    light_net.start_as_identity(net, seed)
    return net.eval()


def test_it_has_the_size_that_its_authors_count() -> None:
    net = light_net.build()
    assert sum(value.numel() for value in net.parameters()) == light_net.PARAMETERS == 278_790
    assert len(net.state_dict()) == 30  # as in RAVE's files


def test_it_starts_near_the_identity() -> None:
    pixels = torch.rand(2, 3, 40, 33, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        given = made()(pixels)
    assert given.shape == (2, 1, 40, 33)
    assert (given - 1).abs().max() < 0.2


def plain(tensors: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """The forward pass in the order of the authors' model_small.py, by tensor names alone."""

    def conv(x: torch.Tensor, name: str) -> torch.Tensor:
        return functional.conv2d(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"], padding=1)

    def block(x: torch.Tensor, number: int) -> torch.Tensor:
        out = x
        for name in ("conv1", "conv2"):
            padded = functional.pad(out, (1, 1, 1, 1), mode="reflect")
            out = functional.conv2d(padded, tensors[f"ResidualBlock{number}.{name}.weight"])
            out = functional.leaky_relu(out + x if name == "conv2" else out, 0.2)
        return out

    x = block(block(functional.leaky_relu(conv(x, "cond1"), 0.2), 1), 2)
    parts = [x]
    for place, bins in enumerate((1, 2, 3, 6)):
        cells = functional.conv2d(functional.adaptive_avg_pool2d(x, bins), tensors[f"PPM1.features.{place}.1.weight"])
        cells = functional.prelu(cells, tensors[f"PPM1.features.{place}.2.weight"])
        parts.append(functional.interpolate(cells, x.shape[2:], mode="bilinear", align_corners=True))
    x = functional.conv2d(torch.cat(parts, 1), tensors["PPM1.fuse.0.weight"], padding=1)
    x = functional.prelu(x, tensors["PPM1.fuse.1.weight"])
    x = block(block(conv(x, "condx"), 3), 4)
    x = block(block(conv(x, "condy"), 5), 6)
    return conv(x, "cond_add1").relu()


def test_it_computes_what_the_authors_order_says() -> None:
    net = light_net.build().eval()
    pixels = torch.rand(1, 3, 24, 31, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(net(pixels), plain(dict(net.state_dict()), pixels))


def test_division() -> None:
    pixels = torch.tensor([0.2, 0.5, 0.9]).view(1, 3, 1, 1)
    half = light_net.divided(pixels, torch.full((1, 1, 1, 1), 0.5))
    torch.testing.assert_close(half.flatten(), torch.tensor([0.4, 1.0, 1.0]))
    assert torch.equal(light_net.divided(pixels, torch.ones(1, 1, 1, 1)), pixels)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_files_of_the_authors_are_read(tmp_path: Path, prefix: str) -> None:
    tensors = made(3).state_dict()
    path = tmp_path / "rave.pth"
    torch.save({prefix + name: value for name, value in tensors.items()}, path)
    read = light_net.read_tensors(path, "RAVE")
    assert all(torch.equal(read[name], value) for name, value in tensors.items())


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path, ("boom",))


@pytest.mark.parametrize("content", [{"a": Evil()}, ["no", "tensors"], {"x": torch.ones(2)}])
def test_other_files_are_refused_by_a_sentence(tmp_path: Path, content: object) -> None:
    path = tmp_path / "other.pth"
    torch.save(content, path)
    with pytest.raises(ModelUnavailable):
        light_net.read_tensors(path, "RAVE")
    path.write_bytes(b"garbage")
    with pytest.raises(ModelUnavailable, match="can run code"):
        light_net.read_tensors(path, "RAVE")


def folder_with(tmp_path: Path) -> Path:
    save_file(made().state_dict(), tmp_path / "rave.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"map_px": 64, "networks": {"rave": "rave.safetensors"}}))
    vector = np.array([0.6, 0.8], np.float32)
    write_scale(tmp_path / light.DIRECTION, LightScale("pocket-clip", Residual(vector, 0.25), -0.5, 0.5))
    return tmp_path


def test_a_folder_loads_and_gives_maps(tmp_path: Path) -> None:
    model = light.load(folder_with(tmp_path), ROW)
    assert (model.methods, model.map_px, model.size_bytes) == (("rave",), 64, 4 * light_net.PARAMETERS)
    rgb = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    given = model.light(rgb, "rave")
    assert given.shape == (20, 30) and given.dtype == np.float32
    with pytest.raises(ModelUnavailable, match="no network for clip-lit"):
        model.light(rgb, "clip-lit")
    with pytest.raises(ValueError, match="uint8"):
        model.light(rgb[..., 0], "rave")
    scale = model.scale
    assert scale is not None and scale.encoder == "pocket-clip"
    assert scale.light(np.array([0.6, 0.8], np.float32)) == pytest.approx(0.75 + 0.5)


class Slope(torch.nn.Module):
    """A map that rises to the right whatever the picture: 0.25 on the left half, 1 on the right."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        light = torch.ones_like(x[:, :1])
        light[..., : x.shape[-1] // 2] = 0.25
        return light * self.weight


def test_both_views_count_and_a_power_holds_back() -> None:
    rgb = np.zeros((4, 6, 3), np.uint8)
    plain = light.LightModel("x", {"rave": Slope()}, map_px=8).light(rgb, "rave")
    np.testing.assert_allclose(plain, np.full((4, 6), 0.5), atol=1e-6)  # sqrt(0.25 * 1)
    held = light.LightModel("x", {"rave": Slope()}, map_px=8, powers={"rave": 0.5}).light(rgb, "rave")
    np.testing.assert_allclose(held, np.full((4, 6), 0.5**0.5), atol=1e-6)


def test_a_copy_can_be_trained_and_the_original_stays(tmp_path: Path) -> None:
    model = light.load(folder_with(tmp_path), ROW)
    rgb = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    before = model.light(rgb, "rave")
    own = model.copy_of("rave")
    assert all(value.requires_grad for value in own.parameters())
    with torch.no_grad():
        own.cond_add1.bias += 0.3
    np.testing.assert_array_equal(model.light(rgb, "rave"), before)


def test_a_broken_folder_is_a_sentence(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    (folder / "rave.safetensors").write_bytes(b"x")
    with pytest.raises(ModelUnavailable, match="damaged"):
        light.load(folder, ROW)
    (folder / "config.json").write_text("{}")
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        light.load(folder, ROW)
