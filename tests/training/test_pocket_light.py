"""Pictures for pocket-light: known light, scenes that are split whole, steps that go down, a folder that loads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from core import light, light_net
from core.light import LightModel
from core.light_losses import residual_of
from tests.core.test_light_net import ROW
from training.pocket_light import pack as packing
from training.pocket_light import sides, train
from training.pocket_light.pictures import (
    Scene,
    is_well_lit,
    sice_scenes,
    split_scenes,
    squared,
)


def test_well_lit_is_told() -> None:
    ramp = np.tile(np.linspace(30, 220, 64), (64, 1))[..., None].repeat(3, 2).astype(np.uint8)
    assert is_well_lit(ramp) and not is_well_lit(ramp // 4) and not is_well_lit(np.full_like(ramp, 255))
    assert squared(ramp, 16, np.random.default_rng(0)).shape == (16, 16, 3)


def test_scenes_are_found_by_their_ranks_and_split_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    number = 1
    for _ in range(6):
        scene = rng.random((16, 16, 3))
        for exposure in (0.1, 0.3, 1.0):
            pixels = (255 * np.clip(scene * exposure, 0, 1)).astype(np.uint8)
            Image.fromarray(pixels).resize((128, 128), Image.Resampling.NEAREST).save(tmp_path / f"{number}.jpg")
            number += 1
    scenes = sice_scenes(tmp_path)
    assert [len(scene.paths) for scene in scenes] == [3] * 6
    assert all(scene.target == 2 and scene.dark == (0, 1) for scene in scenes)
    train_scenes, test_scenes = split_scenes(scenes)
    assert len(test_scenes) == 2 and not {s.paths for s in train_scenes} & {s.paths for s in test_scenes}
    flat = Scene((Path("a"), Path("b"), Path("c")), (100.0, 110.0, 120.0))
    assert split_scenes([flat]) == ([], [])


class Stub(train.Material):
    def __init__(self) -> None:
        rng = np.random.default_rng(3)
        ramp = np.linspace(60, 220, 48)[None, :, None] + rng.normal(0, 8, (48, 48, 3))
        self.photos = [np.clip(ramp, 0, 255).astype(np.uint8)]
        self.scenes = []
        self.rng = rng
        self._read = {}


def test_the_map_that_is_known_costs_nothing() -> None:
    wanted = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 0.8 + 0.1
    known = torch.full((2, 1, 8, 8), 0.25)
    given = wanted * known - (1 - known) * 2 / 255  # so that the ratio with a little light on both sides is the map
    assert float(train.map_loss(known, given, wanted)) < 0.11  # the little light on both sides is an error of 0.02
    off, picture = known + (known + train.RELATIVE) * 0.2, given / 0.32
    assert float(train.map_loss(off, given, wanted)) == pytest.approx(
        (0.2**2 + 0.1**2) ** 0.5
        - 0.1
        + 0.05 * float(((picture - wanted).square().mean((1, 2, 3)) / 3e-4).log1p().mean()),
        rel=1e-3,
    )


def test_pairs_are_learnt_and_resumed(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    material = Stub()
    train.train_pairs(material, tmp_path, 0.01)
    first = torch.load(tmp_path / "pairs.pt", weights_only=True)
    train.train_pairs(material, tmp_path, first["seconds"] + 0.01)
    assert torch.load(tmp_path / "pairs.pt", weights_only=True)["step"] > first["step"]


class Steps:
    """A clock that counts how often it is asked, in place of CPU time."""

    def __init__(self, spent_s: float, budget_s: float) -> None:
        self.spent_s, self._budget = spent_s, budget_s

    @property
    def progress(self) -> float:
        self.spent_s += 1
        return self.spent_s / self._budget


def test_pairs_are_learnt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(train, "Clock", Steps)
    monkeypatch.setattr(train, "SAVE_EVERY", 5)
    train.train_pairs(Stub(), tmp_path, 100.0)
    losses = [float(line.split(",")[3]) for line in (tmp_path / "pairs.csv").read_text().splitlines()]
    assert len(losses) >= 3 and losses[-1] < losses[0]


def test_a_packed_run_loads(tmp_path: Path) -> None:
    net = light_net.build()
    light_net.start_as_identity(net)
    torch.save({"net": net.state_dict(), "step": 5, "prompt_steps": 0, "seconds": 1.0}, tmp_path / "rave.pt")
    rng = np.random.default_rng(4)
    well, dark = rng.standard_normal((9, 8)).astype(np.float32), rng.standard_normal((9, 8)).astype(np.float32)
    np.savez(tmp_path / "direction.npz", well=well, dark=dark)
    packing.pack(tmp_path, tmp_path / "out", 64, {"rave": 0.9})
    model = light.load(tmp_path / "out", ROW)
    assert model.methods == ("rave",) and model.map_px == 64
    assert model.scale is not None
    np.testing.assert_allclose(model.scale.residual.vector, residual_of(well, dark).vector, atol=1e-6)


def test_the_rate_rises_and_falls() -> None:
    rates = [train.rate_at(progress, 1.0) for progress in (0, 0.03, 0.5, 1.0, 2.0)]
    assert rates[0] < 0.2 and rates[1] > 0.9 and rates[1] > rates[2] > rates[3] == rates[4]


def test_the_drawn_map_costs_nothing_on_large_sides() -> None:
    pixels, wanted = torch.rand(1, 3, 9, 12) * 0.5, torch.rand(1, 1, 9, 12) * 0.5 + 0.5
    loss, square = sides.side_loss(wanted ** (1 / 0.95), pixels, wanted, 0.95)
    assert float(loss) == pytest.approx(0, abs=1e-5) and square == pytest.approx(0, abs=1e-9)
    assert float(sides.side_loss(wanted * 0.5, pixels, wanted, 0.95)[0]) > 0.3


def test_sides_are_learnt_and_carried_to_all_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    for n in range(2):
        ramp = np.repeat(np.linspace(20, 240, 120)[None, :, None], 90, 0).repeat(3, 2)
        picture = ramp + rng.normal(0, 9, ramp.shape)
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(tmp_path / f"{n}.jpg")
    monkeypatch.setattr(sides, "sice_scenes", lambda folder: [])
    monkeypatch.setattr(sides, "FROM_SICE", 0.0)
    folder, out = Path("assets/models/pocket-light"), tmp_path / "out"
    nets = [sides.read_net(folder / "rave.safetensors") for _ in range(2)]
    model = LightModel("before", {"rave": nets[0]}, map_px=28, powers={"rave": 0.95})
    steps = sides.fine_tune(nets[1], model, sides.Photos(tmp_path, tmp_path), 0.95, 4.0)
    assert steps >= 1
    sides.carry_over(folder, out, nets[1].state_dict(), {"step": steps, "seconds": 4.0}, 96)
    moved, other = (load_file(out / name) for name in ("rave.safetensors", "clip-lit.safetensors"))
    first, second = (load_file(folder / name) for name in ("rave.safetensors", "clip-lit.safetensors"))
    name = "conv1.weight" if "conv1.weight" in moved else next(iter(moved))
    changed = moved[name].float() - first[name].float()
    assert float(changed.abs().max()) > 1e-4
    assert torch.allclose(other[name].float() - second[name].float(), changed, atol=2e-3)  # half precision
    card = json.loads((out / "card.json").read_text())
    assert card["training"]["cpu_seconds_and_steps"]["sides"]["step"] == steps
    assert "96 px" in card["input"] and json.loads((out / "config.json").read_text())["map_px"] == 96
    assert [row["set"] for row in card["data"]].count(sides.BSDS["set"]) == 1
