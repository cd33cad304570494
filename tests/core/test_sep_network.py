"""The network: the authors' parameter counts and names, a nested twin of theirs, and what the heads compute."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
import torch
from torch import Tensor, nn

from core.sep_network import (
    Sizes,
    _heard,
    authors_name,
    build,
    from_authors,
    maps,
    mask_logits,
    noise_vectors,
    query_vectors,
)

SMALL = Sizes((4, 6, 8, 8), channels=5, dim=7, has_noise_heads=True)


class Nested(nn.Module):
    """One level of the authors' U-Net with everything inside it, as published."""

    def __init__(self, widths: tuple[int, ...], level: int, out: int) -> None:
        super().__init__()
        self.is_outer, self.is_inner = level == 0, level == len(widths) - 1
        before = 1 if self.is_outer else widths[level - 1]
        width = widths[level]
        down: list[nn.Module] = [nn.Conv2d(before, width, 4, 2, 1, bias=False)]
        if not self.is_outer:
            down.insert(0, nn.LeakyReLU(0.2, True))
        if not (self.is_outer or self.is_inner):
            down.append(nn.BatchNorm2d(width))
        inner = [] if self.is_inner else [Nested(widths, level + 1, out)]
        up = [nn.ReLU(True), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)]
        after = out if self.is_outer else before
        up.append(nn.Conv2d(width if self.is_inner else 2 * width, after, 3, padding=1, bias=self.is_outer))  # type: ignore[arg-type]
        if not self.is_outer:
            up.append(nn.BatchNorm2d(after))  # type: ignore[arg-type]
        self.model = nn.Sequential(*down, *inner, *up)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x) if self.is_outer else torch.cat([x, self.model(x)], 1)


class Authors(nn.Module):
    """CLIPSep-NIT with the authors' names."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sound_net = nn.Module()
        self.sound_net.bn0 = nn.BatchNorm2d(1)
        self.sound_net.unet_block = Nested(sizes.widths, 0, sizes.channels)
        self.frame_net = nn.Linear(sizes.dim, sizes.channels)
        self.pit_nets = nn.ModuleList(nn.Linear(sizes.channels, sizes.channels) for _ in range(2))
        self.synth_net = nn.Module()
        self.synth_net.scale = nn.Parameter(torch.ones(sizes.channels))
        self.synth_net.bias = nn.Parameter(torch.zeros(1))

    def logits(self, picture: Tensor, embedding: Tensor) -> Tensor:
        found = self.sound_net.unet_block(self.sound_net.bn0(picture))
        weights = torch.sigmoid(self.frame_net(embedding)) * self.synth_net.scale
        return torch.bmm(weights[:, None], found.flatten(2)).view(-1, *found.shape[2:]) + self.synth_net.bias


def randomise(net: nn.Module) -> None:
    for tensor in (*net.parameters(), *net.buffers()):
        if tensor.is_floating_point():
            nn.init.normal_(tensor.data, 0.2, 0.3)
            tensor.data.abs_() if tensor.ndim < 2 else None


@pytest.mark.parametrize("has_noise_heads, count", [(False, 30_290_659), (True, 30_292_771)])
def test_authors_parameter_counts(has_noise_heads: bool, count: int) -> None:
    with torch.device("meta"):
        net = build(Sizes(has_noise_heads=has_noise_heads))
    assert sum(p.numel() for p in net.parameters()) == count


def test_names_of_the_published_size() -> None:
    with torch.device("meta"):
        ours, theirs = build(Sizes(has_noise_heads=True)), Authors(Sizes())
    shapes = {name: tuple(t.shape) for name, t in theirs.state_dict().items()}
    assert {authors_name(name, 7): tuple(t.shape) for name, t in ours.state_dict().items()} == shapes
    deepest = ".".join(["sound_net.unet_block.model", "1.model", *["3.model"] * 5, "4.weight"])
    assert authors_name("ups.6.weight", 7) == deepest


def test_same_result_as_the_nested_network() -> None:
    torch.manual_seed(0)
    theirs = Authors(SMALL).eval()
    randomise(theirs)
    sizes, tensors = from_authors(theirs.state_dict())
    assert sizes == SMALL
    ours = build(sizes).eval()
    ours.load_state_dict(tensors)
    pictures, embeddings = torch.randn(3, 1, 32, 48), torch.randn(3, 7)
    with torch.no_grad():
        expected = theirs.logits(pictures, embeddings)
        vectors = query_vectors(ours, embeddings)
        found = mask_logits(ours, maps(ours, pictures), vectors[:, None])
    assert torch.allclose(found[:, 0], expected, rtol=1e-4, atol=1e-4)


def test_several_queries_are_each_alone() -> None:
    torch.manual_seed(1)
    net = build(SMALL).eval()
    found, embeddings = torch.randn(2, 5, 16, 16), torch.randn(3, 7)
    together = mask_logits(net, found, query_vectors(net, embeddings))
    assert together.shape == (2, 3, 16, 16)
    for i in range(3):
        alone = mask_logits(net, found, query_vectors(net, embeddings[i : i + 1]))
        assert torch.allclose(together[:, i : i + 1], alone, atol=1e-6)


def test_noise_heads_hear_the_mean_of_the_queries() -> None:
    torch.manual_seed(2)
    net = build(SMALL).eval()
    embeddings = torch.randn(4, 2, 7)
    vectors = noise_vectors(net, embeddings)
    assert vectors.shape == (4, 2, 5)
    assert torch.allclose(vectors, noise_vectors(net, embeddings.flip(1)), atol=1e-6)
    assert not torch.allclose(vectors[:, 0], vectors[:, 1])


LISTENING = Sizes((4, 6, 8, 8, 8), channels=5, dim=7, coarse=2, hears_height=True, up_widths=(6, 8, 10), listeners=2)


def test_sizes_survive_json() -> None:
    assert Sizes.read(json.loads(json.dumps(asdict(LISTENING)))) == LISTENING


def test_wider_way_up_has_the_widths_that_were_asked_for() -> None:
    net = build(LISTENING).eval()
    assert [conv.out_channels for conv in net["ups"]] == [6, 8, 10]
    assert maps(net, torch.randn(1, 1, 64, 96)).shape == (1, 5, 16, 24)


def test_listeners_begin_by_adding_nothing() -> None:
    torch.manual_seed(3)
    plain, listening = build(replace(LISTENING, listeners=0)).eval(), build(LISTENING).eval()
    listening.load_state_dict(plain.state_dict(), strict=False)
    pictures = torch.randn(2, 1, 64, 64)
    assert torch.equal(maps(plain, pictures), maps(listening, pictures))


def test_listeners_know_their_row_and_hear_all_frames_alike() -> None:
    torch.manual_seed(4)
    listening = build(LISTENING).eval()["listening"]
    torch.nn.init.normal_(listening["leave"].weight)
    level, order = torch.randn(1, 8, 4, 6), torch.randperm(6)
    with torch.no_grad():
        heard = _heard(listening, level)
        assert torch.allclose(_heard(listening, level[..., order]), heard[..., order], atol=1e-4)
        assert not torch.allclose(_heard(listening, level.flip(2)), heard.flip(2), atol=1e-2)
        louder = level.clone()
        louder[..., 0, 0] += 3
        moved = (_heard(listening, louder) - heard).abs().amax((0, 1))
    assert float(moved.min()) > 1e-4  # every cell hears of it


def test_other_checkpoints_are_no_clipsep() -> None:
    with pytest.raises(KeyError):
        from_authors({"frame_net.weight": torch.zeros(32, 512)})
