"""The network of CLIP-LIT and RAVE: a picture to its illumination map I, by which the picture is divided.

    I = net(x)  (ReLU at the end),      enhanced = clamp(x / (I + 1e-9), 0, 1)

x is display light (gamma-encoded RGB in [0, 1]); one I for all three channels keeps hue and saturation ratios.
The name of the authors' class says U-Net, but nothing is sampled down or up: residual blocks at full resolution, with
one pyramid of means (1, 2, 3 and 6 cells a side) for the light of the whole picture. 278,790 parameters.

Source: Liang et al. 2023, "Iterative Prompt Learning for Unsupervised Backlit Image Enhancement" (CLIP-LIT),
arXiv:2303.17569; Gaintseva et al. 2024, "RAVE: Residual Vector Embedding for CLIP-Guided Backlit Image Enhancement",
arXiv:2404.01889. Written anew from the architecture; tensors bear the authors' names, so that their files fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.errors import ModelUnavailable
from core.loading import unpickled_tensors

if TYPE_CHECKING:
    from torch import Tensor, nn

Padding = Literal["zeros", "reflect"]
PARAMETERS = 278_790
EPS = 1e-9  # of the authors' division
LEAST_MAP, MOST_MAP = 0.03, 1.2  # nets of the authors stayed in 0.055 to 1.11 on photos; ReLU alone allows 0
_SLOPE = 0.2  # of the leaky ReLUs
_BINS = (1, 2, 3, 6)
_PREFIX = "module."  # of torch's DataParallel, in files of RAVE and CLIP-LIT


def build(padding: Padding = "zeros") -> nn.Module:
    """The network with torch's initial weights.

    Args:
        padding: Of the convolutions between blocks: zeros as in the authors' training, or reflect as in their tests;
            those inside blocks always reflect.

    Returns:
        A module (N, 3, H, W) -> (N, 1, H, W), sides of at least 2 px.
    """
    return _network_class()(padding)


def start_as_identity(net: nn.Module, seed: int = 0) -> None:
    """Draw weights so that the map is about 1 everywhere; stands in for the authors' 1,000 steps that teach just that.

    N(0, 0.02) as theirs for what enters the last layer, He's deviation elsewhere (with 0.02 throughout hardly any
    signal reaches the end, which those steps repair), and the last bias at 1.
    """
    import torch
    from torch import nn

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, module in net.named_modules():
            if not isinstance(module, nn.Conv2d):
                continue
            fan_in = module.weight[0].numel()
            deviation = 0.02 / fan_in**0.5 if name == "cond_add1" else (2 / (1 + _SLOPE**2) / fan_in) ** 0.5
            if name.endswith("conv2"):
                deviation *= 0.5  # six blocks in a row: their sums would grow
            module.weight.normal_(0.0, deviation, generator=generator)
            if module.bias is not None:
                module.bias.fill_(1.0 if name == "cond_add1" else 0.0)


def divided(pixels: Tensor, light: Tensor) -> Tensor:
    """``clamp(x / (I + 1e-9), 0, 1)``, (N, 3, H, W) by (N, 1, H, W); exact where I is 1 only up to 1e-9."""
    return (pixels / (light + EPS)).clamp(0.0, 1.0)


def read_tensors(path: Path, title: str) -> dict[str, Tensor]:
    """The tensors of a file of weights under the names of :func:`build`.

    Args:
        path: .safetensors, or a .pth of the authors: a pickle, of which only tensors are read.
        title: What to call the model in a sentence.

    Raises:
        ModelUnavailable: the file is damaged, holds something else, or another network.
    """
    tensors = _read_safetensors(path, title) if path.suffix == ".safetensors" else unpickled_tensors(path, title)
    return fitting(tensors, title)


def fitting(tensors: Mapping[str, Tensor], title: str) -> dict[str, Tensor]:
    """Strip DataParallel's prefix, and refuse tensors that are not just those of the network.

    Raises:
        ModelUnavailable: names or shapes differ; one sentence.
    """
    named = {name.removeprefix(_PREFIX): tensor.float() for name, tensor in tensors.items()}
    expected = {name: tuple(tensor.shape) for name, tensor in build().state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in named.items()}
    if found != expected:
        wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        raise ModelUnavailable(
            f"{title} does not hold CLIP-LIT's network: {len(wrong)} tensors are missing, too many or of another shape,"
            f" such as {wrong[0][:60]}."
        )
    return named


def _read_safetensors(path: Path, title: str) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise ModelUnavailable(f"{title} cannot be read: {path.name} is missing or damaged.") from error


@lru_cache(maxsize=1)
def _network_class() -> Any:
    """The class, made on first use because torch may not be imported before."""
    import torch
    from torch import nn
    from torch.nn import functional

    def leaky(x: Tensor) -> Tensor:
        return functional.leaky_relu(x, _SLOPE)

    class Residual(nn.Module):
        """Two 3x3 convolutions beside the identity."""

        def __init__(self, width: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False, padding_mode="reflect")
            self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False, padding_mode="reflect")

        def forward(self, x: Tensor) -> Tensor:
            return leaky(x + self.conv2(leaky(self.conv1(x))))

    class Pyramid(nn.Module):
        """Means over a few large cells, brought back to every pixel (Zhao et al. 2017, PSPNet)."""

        def __init__(self, width: int, narrow: int) -> None:
            super().__init__()
            self.features = nn.ModuleList(
                nn.Sequential(nn.AdaptiveAvgPool2d(bins), nn.Conv2d(width, narrow, 1, bias=False), nn.PReLU())
                for bins in _BINS
            )
            fuse = nn.Conv2d(width + narrow * len(_BINS), width, 3, padding=1, bias=False)
            self.fuse = nn.Sequential(fuse, nn.PReLU())

        def forward(self, x: Tensor) -> Tensor:
            size = x.shape[-2:]
            wide = [
                functional.interpolate(cells(x), size, mode="bilinear", align_corners=True) for cells in self.features
            ]
            return self.fuse(torch.cat([x, *wide], 1))

    class LightNet(nn.Module):
        """The blocks under the authors' names, in the authors' order."""

        def __init__(self, padding: Padding) -> None:
            super().__init__()
            self.cond1 = nn.Conv2d(3, 32, 3, padding=1, padding_mode=padding)
            self.cond_add1 = nn.Conv2d(32, 1, 3, padding=1, padding_mode=padding)
            self.condx = nn.Conv2d(32, 64, 3, padding=1, padding_mode=padding)
            self.condy = nn.Conv2d(64, 32, 3, padding=1, padding_mode=padding)
            self.ResidualBlock1, self.ResidualBlock2 = Residual(32), Residual(32)
            self.ResidualBlock3, self.ResidualBlock4 = Residual(64), Residual(64)
            self.ResidualBlock5, self.ResidualBlock6 = Residual(32), Residual(32)
            self.PPM1 = Pyramid(32, 8)

        def forward(self, x: Tensor) -> Tensor:
            x = self.PPM1(self.ResidualBlock2(self.ResidualBlock1(leaky(self.cond1(x)))))
            x = self.condy(self.ResidualBlock4(self.ResidualBlock3(self.condx(x))))
            return functional.relu(self.cond_add1(self.ResidualBlock6(self.ResidualBlock5(x))))

    return LightNet
