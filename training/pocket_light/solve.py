"""A start in closed form: the last layer of a random network, solved for pairs of pictures.

Symbols: f (289,) the 3 x 3 neighbourhood of the 32 features before the last layer, and 1; I* = luma(y) / luma(x) what
turns the given picture y into the wanted x; w the last layer.

    minimise over w   sum (x / I*)^2 (f w - I*)^2 + lambda |w|^2

The weight makes it the error of y / I in display light to first order. Features of random convolutions over a pyramid
of means are enough for a map that is right on the whole; gradient descent begins there instead of at a map of ones.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

LUMA = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
LEAST, MOST = 0.06, 1.05  # of I*
DARK = 0.02  # luma below which the ratio of two pixels says nothing


def features_of(net: nn.Module, pixels: Tensor) -> Tensor:
    """What the last layer sees, (N, 3, H, W) -> (N, H, W, 289)."""
    seen: list[Tensor] = []
    hook = net.get_submodule("cond_add1").register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.no_grad():
        net(pixels)
    hook.remove()
    windows = functional.unfold(seen[0], 3, padding=1).unflatten(-1, pixels.shape[-2:])
    return torch.cat([windows, torch.ones_like(windows[:, :1])], 1).permute(0, 2, 3, 1)


def wanted_map(given: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """I* and the weight of each pixel, both (N, H, W)."""
    ours, theirs = (given * LUMA).sum(1), (wanted * LUMA).sum(1)
    target = (ours / theirs.clamp_min(DARK)).clamp(LEAST, MOST)
    return target, (theirs / target).square().clamp_max(60.0) * (theirs > DARK)


def solve_last_layer(net: nn.Module, pairs: Iterable[tuple[Tensor, Tensor]], ridge: float = 1e-3) -> float:
    """Set the last layer of ``net`` by pairs (given, wanted) of (N, 3, H, W).

    Returns:
        The weighted root mean square error of the map on these pairs.
    """
    size = 32 * 9 + 1
    moments, right, total, energy = torch.zeros(size, size, dtype=torch.float64), torch.zeros(size), 0.0, 0.0
    right = right.double()
    for given, wanted in pairs:
        rows = features_of(net, given).reshape(-1, size).double()
        target, weight = (part.reshape(-1).double() for part in wanted_map(given, wanted))
        moments += rows.T @ (rows * weight[:, None])
        right += rows.T @ (target * weight)
        total += float(weight.sum())
        energy += float((weight * target.square()).sum())
    scale = ridge * float(moments.diagonal().mean())
    solved = torch.linalg.solve(moments + scale * torch.eye(size, dtype=torch.float64), right)
    last = net.get_submodule("cond_add1")
    with torch.no_grad():
        last.get_parameter("weight").copy_(solved[:-1].view(1, 32, 3, 3).float())
        last.get_parameter("bias").copy_(solved[-1:].float())
    error = energy - 2 * float(solved @ right) + float(solved @ moments @ solved)
    return (max(error, 0.0) / max(total, 1e-9)) ** 0.5
