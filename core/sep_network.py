"""CLIPSep's network: a U-Net over log-frequency pictures whose maps a query mixes into one mask, written flat.

    F_1..F_k = U-Net(log |mixture|)                    once for all queries
    q = sigmoid(W e + b)                               e: embedding of text or picture, one linear layer
    mask = sigmoid(sum_j q_j s_j F_j + b)              "late fusion"; s and b are learned and shared

The noise-invariant heads (CLIPSep-NIT) turn the mean of the queries before the sigmoid into two more vectors q, whose
masks take what no query explains while the network learns; they are left out when it is used.
Source: Dong et al. 2023, arXiv:2212.07065, and the authors' code (MIT), which has no sigmoid on F_j. Their layers are
nested; :func:`authors_name` says where each of ours lies there, and shapes and results are the same.

Three things are ours, for a network that has CPU minutes to learn in. ``coarse`` leaves out the last doublings of the
way up: maps of a quarter of the rows and frames still allow 14.9 dB where full ones allow 17.1 (ideal masks, held-out
mixtures), at a fifth of the work. ``hears_height`` shows each row its place, which convolutions do not know.
``listeners`` are transformer blocks between the cells of one level, so that parts of a sound that lie far apart, its
harmonics and its repeats, are told to be one (as in Universal Sound Separation and band-split transformers).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

NOISE_HEADS = 2
PRESENCE_LEVEL = 2  # from which on down the presence head listens
PRESENCE_CUTS = 4  # bands that a level is pooled in
PRESENCE_BANDS = 64  # of the picture itself
LISTENING_LEVEL = 3  # of the way down, where a cell is 16 rows by 16 frames
LISTENING_ROWS = 16
_HEAD_WIDTH = 32  # channels of one head of attention
_SLOPE = 0.2  # of the leaky rectifier on the way down


@dataclass(frozen=True)
class Sizes:
    """What a network is built from.

    Attributes:
        widths: Channels after each halving of the picture; sides must be multiples of 2 ** len(widths).
        channels: Number k of maps that a query mixes.
        dim: Length of the query's embedding.
        has_noise_heads: Whether it was trained with the noise-invariant heads.
        coarse: Doublings left out at the end: maps have sides of 1 / 2 ** coarse. 0 is the authors' network.
        hears_height: Whether a second input holds each row's place from -1 to 1.
        up_widths: Channels that the doublings of the way up leave, outermost first; empty: as many as the way down had
            there, which is the authors' network.
        listeners: Transformer blocks between the cells of LISTENING_LEVEL.
        listener_width: Channels of these blocks.
        presence_labels: Number of labels of the presence head, see core/sep_presence.py; 0 for none.
    """

    widths: tuple[int, ...] = (64, 128, 256, 512, 512, 512, 512)
    channels: int = 32
    dim: int = 512
    has_noise_heads: bool = False
    coarse: int = 0
    hears_height: bool = False
    up_widths: tuple[int, ...] = ()
    listeners: int = 0
    listener_width: int = 160
    presence_labels: int = 0

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Sizes:
        """From what a config.json or a checkpoint holds, where tuples may have become lists."""
        given: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
        return cls(**given)

    @property
    def layers(self) -> int:
        """Number of halvings."""
        return len(self.widths)


def build(sizes: Sizes) -> nn.ModuleDict:
    """The network with random weights; :func:`maps`, :func:`query_vectors` and :func:`mask_logits` run it."""
    import torch
    from torch import nn

    widths, coarse = sizes.widths, sizes.coarse
    inputs = (2 if sizes.hears_height else 1, *widths[:-1])
    after = [0] * coarse + list(sizes.up_widths or inputs[coarse:])
    if not coarse:
        after[0] = sizes.channels
    above = [*after[1:], 0]  # what comes up to a level from below it
    net = nn.ModuleDict(
        {
            "norm": nn.BatchNorm2d(1),
            "downs": nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1, bias=False) for a, b in zip(inputs, widths, strict=True)),
            "down_norms": nn.ModuleList(nn.BatchNorm2d(width) for width in widths[1:-1]),
            "ups": nn.ModuleList(
                nn.Conv2d(width + above[level], after[level], 3, padding=1, bias=level == 0)
                for level, width in enumerate(widths)
                if level >= coarse
            ),
            "up_norms": nn.ModuleList(nn.BatchNorm2d(width) for width in after[max(coarse, 1) :]),
            "query": nn.Linear(sizes.dim, sizes.channels),
        }
    )
    if coarse:
        net["head"] = nn.Conv2d(inputs[coarse] + after[coarse], sizes.channels, 3, padding=1)
    if sizes.listeners:
        net["listening"] = _listeners(widths[LISTENING_LEVEL], sizes.listener_width, sizes.listeners)
    if sizes.has_noise_heads:
        net["noise"] = nn.ModuleList(nn.Linear(sizes.channels, sizes.channels) for _ in range(NOISE_HEADS))
    if sizes.presence_labels:
        net["presence"] = _presence_head(sizes)
    net.register_parameter("scale", nn.Parameter(torch.ones(sizes.channels)))
    net.register_parameter("bias", nn.Parameter(torch.zeros(1)))
    return net


def _listeners(channels: int, width: int, blocks: int) -> nn.ModuleDict:
    """Blocks whose answer is added to a level; it begins with nothing, so that a trained network may be given some."""
    import torch
    from torch import nn

    heads = max(width // _HEAD_WIDTH, 1)
    made = nn.ModuleDict(
        {
            "enter": nn.Conv2d(channels, width, 1),
            "blocks": nn.ModuleList(
                nn.TransformerEncoderLayer(
                    width, heads, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
                )
                for _ in range(blocks)
            ),
            "leave": nn.Conv2d(width, channels, 1),
        }
    )
    made.register_parameter("rows", nn.Parameter(0.02 * torch.randn(width, LISTENING_ROWS)))
    nn.init.zeros_(made["leave"].weight)  # type: ignore[arg-type]
    nn.init.zeros_(made["leave"].bias)  # type: ignore[arg-type]
    return made


def presence_features(sizes: Sizes) -> int:
    """Length of what the presence head hears: see core.sep_presence.pooled."""
    return 3 * PRESENCE_BANDS + 2 * sum(width * PRESENCE_CUTS for width in sizes.widths[PRESENCE_LEVEL:])


def _presence_head(sizes: Sizes) -> nn.Module:
    import torch
    from torch import nn

    head, count, length = nn.Module(), sizes.presence_labels, presence_features(sizes)
    shapes = {"mean": (length,), "spread": (length,), "weight": (count, length), "bias": (count,)}
    shapes |= {"queries": (count, sizes.dim), "offset": (count,), "curve": (2,), "names": (count, sizes.dim)}
    for name, shape in shapes.items():
        head.register_buffer(name, torch.zeros(shape))
    return head


def maps(net: nn.ModuleDict, pictures: Tensor) -> Tensor:
    """The k maps of log-magnitude pictures: (B, 1, H, W) -> (B, k, H / 2 ** coarse, W / 2 ** coarse)."""
    return way_up(net, way_down(net, pictures))


def way_down(net: nn.ModuleDict, pictures: Tensor) -> list[Tensor]:
    """What stands on each level before its rectifier: (B, widths[l], H / 2 ** (l + 1), W / 2 ** (l + 1))."""
    from torch.nn import functional

    parts: Any = net
    found = [parts["downs"][0](_with_height(parts["norm"](pictures), parts["downs"][0].in_channels))]
    last = len(parts["downs"]) - 1
    for level in range(1, last + 1):
        below = parts["downs"][level](functional.leaky_relu(found[-1], _SLOPE))
        found.append(parts["down_norms"][level - 1](below) if level < last else below)
        if level == LISTENING_LEVEL and "listening" in parts:
            found[-1] = found[-1] + _heard(parts["listening"], found[-1])
    return found


def _heard(listening: Any, level: Tensor) -> Tensor:
    """What the blocks add to a level, (B, C, h, w): every cell attends to every other, and knows its row."""
    from torch.nn import functional

    entered = listening["enter"](level)
    batch, width, height, length = entered.shape
    rows = functional.interpolate(listening.rows[None], height, mode="linear", align_corners=False)
    cells = (entered + rows[..., None]).flatten(2).transpose(1, 2)
    for block in listening["blocks"]:
        cells = block(cells)
    heard: Tensor = listening["leave"](cells.transpose(1, 2).reshape(batch, width, height, length))
    return heard


def way_up(net: nn.ModuleDict, levels: Sequence[Tensor]) -> Tensor:
    """The maps of what :func:`way_down` gave."""
    import torch
    from torch.nn import functional

    parts: Any = net
    last = len(levels) - 1
    coarse = last + 1 - len(parts["ups"])
    found = levels[last]
    for level in range(last, coarse - 1, -1):
        found = functional.interpolate(functional.relu(found), scale_factor=2, mode="bilinear", align_corners=True)
        found = parts["ups"][level - coarse](found)
        if level:
            found = torch.cat([levels[level - 1], parts["up_norms"][level - max(coarse, 1)](found)], 1)
    if coarse:
        found = parts["head"](functional.relu(found))
    return found


def _with_height(pictures: Tensor, channels: int) -> Tensor:
    """The pictures, and where the first layer takes two channels, each row's place as the second."""
    import torch

    if channels == 1:
        return pictures
    places = torch.linspace(-1, 1, pictures.shape[2], device=pictures.device).view(1, 1, -1, 1)
    return torch.cat([pictures, places.expand_as(pictures)], 1)


def query_vectors(net: nn.ModuleDict, embeddings: Tensor) -> Tensor:
    """(..., D) embeddings -> (..., k) weights of the maps, in [0, 1]."""
    found: Tensor = net["query"](embeddings).sigmoid()
    return found


def noise_vectors(net: nn.ModuleDict, embeddings: Tensor) -> Tensor:
    """Weights of the maps for the noise heads: (B, N, D), the queries of each mixture -> (B, 2, k)."""
    import torch

    parts: Any = net
    mean = parts["query"](embeddings).mean(1)
    return torch.stack([head(mean).sigmoid() for head in parts["noise"]], 1)


def mask_logits(net: nn.ModuleDict, found: Tensor, vectors: Tensor) -> Tensor:
    """Masks before their sigmoid: maps (B, k, h, w) and vectors (B, N, k) or (N, k) -> (B, N, h, w)."""
    import torch

    parts: Any = net
    equation = "bnk,bkhw->bnhw" if vectors.ndim == 3 else "nk,bkhw->bnhw"
    logits: Tensor = torch.einsum(equation, vectors * parts.scale, found) + parts.bias
    return logits


def enlarged(logits: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Logits of coarse maps on every row and frame: (B, N, h, w) -> (B, N, H, W)."""
    from torch.nn import functional

    if tuple(logits.shape[2:]) == size_hw:
        return logits
    return functional.interpolate(logits, size_hw, mode="bilinear", align_corners=False)


def authors_name(name: str, layers: int) -> str:
    """Where a tensor of ours lies in the authors' state dict.

    Raises:
        KeyError: no tensor of a network of so many layers has this name.
    """
    head, _, rest = name.partition(".")
    renamed = {"norm": "sound_net.bn0", "query": "frame_net", "scale": "synth_net.scale", "bias": "synth_net.bias"}
    if head in renamed:
        return f"{renamed[head]}.{rest}" if rest else renamed[head]
    if head == "noise":
        return f"pit_nets.{rest}"
    number, _, kind = rest.partition(".")
    level = int(number) + (1 if head.endswith("norms") else 0)
    innermost = layers - 1
    places = {
        "downs": 0 if level == 0 else 1,
        "down_norms": 2,
        "ups": 4 if level in (0, innermost) else 6,
        "up_norms": 5 if level == innermost else 7,
    }
    nested = "".join(".1.model" if depth == 1 else ".3.model" for depth in range(1, level + 1))
    return f"sound_net.unet_block.model{nested}.{places[head]}.{kind}"


def sizes_of(tensors: Mapping[str, Tensor]) -> Sizes:
    """The sizes of a checkpoint in the authors' layout, read off its tensors.

    Raises:
        KeyError: a tensor is missing that every CLIPSep with late fusion has.
    """
    layers = _layers_of(tensors)
    widths = tuple(int(tensors[authors_name(f"downs.{level}.weight", layers)].shape[0]) for level in range(layers))
    channels, dim = tensors["frame_net.weight"].shape
    return Sizes(widths, int(channels), int(dim), "pit_nets.0.weight" in tensors)


def _layers_of(names: Mapping[str, Tensor] | Sequence[str]) -> int:
    layers = 1
    while authors_name(f"downs.{layers}.weight", 99) in names:
        layers += 1
    if layers < 3:
        raise KeyError(authors_name("downs.2.weight", 99))
    return layers


def from_authors(tensors: Mapping[str, Tensor]) -> tuple[Sizes, dict[str, Tensor]]:
    """The sizes, and the tensors under our names; what has no place is left under its own, so that loading finds it.

    Raises:
        KeyError: it is no checkpoint of CLIPSep with late fusion.
    """
    import torch

    sizes = sizes_of(tensors)
    with torch.device("meta"):
        ours = {authors_name(name, sizes.layers): name for name in build(sizes).state_dict()}
    return sizes, {ours.get(name, name): tensor for name, tensor in tensors.items()}
