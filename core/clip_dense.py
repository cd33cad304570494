"""Dense features: one embedding per patch of a picture, in the same space as the texts.

The towers were trained to give one vector a picture. What each patch says is read off the last layer:

- ViT with a class token (CLIP, Chinese-CLIP, AltCLIP): z = LN1(x), q, k, v of the last layer, d its head width;
  the layer's residual and MLP carry what is global, so they are left out (ClearCLIP), and the patch mixes
      "maskclip"   v                                              Zhou et al. 2022, MaskCLIP, arXiv:2112.01071
      "clearclip"  softmax(q q^T / sqrt d) v                      Lan et al. 2024, ClearCLIP, arXiv:2407.12442
      "sclip"      (softmax(q q^T / sqrt d) + softmax(k k^T / sqrt d)) v, residual and MLP kept
                                                                  Wang et al. 2023, SCLIP, arXiv:2312.01597
      "naclip"     softmax(k k^T / sqrt d + g) v, g a Gaussian window of 5 patches around the patch
                                                                  Hajimiri et al. 2024, NACLIP, arXiv:2404.08181
  then out_proj, post_layernorm and visual_projection as for the class token. NACLIP is the default: it needs no
  second model and keeps neighbours together.
- SigLIP has no class token but an attention pool at the end: every patch goes through the pool's value path, as
  if the pool looked at that patch alone (MaskCLIP's idea; the method is not used).
- A ConvNet tower ends in a mean over cells, norm and projection: every cell gets norm and projection of its own. One
  that was trained on small pictures has learnt their borders (all of its cells lie near a padded edge) and reads a
  large picture best in windows of the trained side that overlap; a cell is the mean of the windows over it. Windows
  are how SCLIP and NACLIP read large pictures too.

Sizes other than the trained one: position embeddings are resized bicubically by transformers itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]
DenseMethod = Literal["naclip", "clearclip", "maskclip", "sclip"]
TowerKind = Literal["class-token", "attention-pool", "map", "other"]
GAUSSIAN_STD = 5.0  # patches; NACLIP's value for every backbone and data set
CONVNET_STRIDE = 32  # pixels a cell of ConvNets that do not say (MobileNet, EfficientNet)
MAP_SCALES = (1.2, 1.6, 2.0, 2.4)  # of the trained side: sizes that a ConvNet is asked at, see sides_px
WINDOW_STEP = 2  # cells from one window to the next
MAX_ASPECT = 16.0  # a longer strip is squeezed to this, so that no picture asks for a grid of one row by thousands


def tower_kind(network: Any) -> TowerKind:
    """How the image tower of a transformers image-text model ends."""
    vision = network.vision_model
    if hasattr(vision, "pre_layrnorm"):
        return "class-token"
    if type(network).__name__ == "SiglipModel" and vision.use_head:
        return "attention-pool"
    return "other" if hasattr(network.config.vision_config, "num_attention_heads") else "map"


def patch_px(network: Any) -> int:
    """Pixels a side that one cell of the feature map stands for."""
    config = network.config.vision_config
    patch = getattr(config, "patch_size", CONVNET_STRIDE)
    side = int(patch if isinstance(patch, int) else patch[0])
    stages = getattr(config, "num_stages", None)  # ConvNeXt: patch_size is the stem, each later stage halves
    return side if stages is None else side * 2 ** (int(stages) - 1)


def sides_px(network: Any, image_px: int) -> tuple[int, ...]:
    """Sizes at which the patches of a picture are worth asking for, (S,) pixels a side, for a mean over all of them.

    A ConvNet reads any size, and the means of several, each also mirrored, point better: pocket-clip's peak lies in the
    named toy 83 times in 100 instead of 61 with one map of 128 px and 30 with one of 80 px (57 objects of 24 held-out
    scenes). Towers with positions keep the size that they were trained at.
    """
    return tuple(round(image_px * scale) for scale in MAP_SCALES) if tower_kind(network) == "map" else (image_px,)


def grid_hw(height: int, width: int, *, size_px: int, cell_px: int) -> tuple[int, int]:
    """Rows and columns of the patch grid that covers a whole picture and keeps its shape.

    The grid has about as many cells as a square of ``size_px`` pixels a side.

    Returns:
        (rows, columns), each at least 1; rows / columns is height / width up to rounding and ``MAX_ASPECT``.
    """
    aspect = min(max(height / width, 1.0 / MAX_ASPECT), MAX_ASPECT)
    side = size_px / cell_px
    return max(1, round(side * aspect**0.5)), max(1, round(side / aspect**0.5))


def patch_embeddings(network: Any, pixel_values: torch.Tensor, *, method: DenseMethod = "naclip") -> torch.Tensor:
    """Embed every patch of one picture.

    Args:
        network: The transformers model.
        pixel_values: (1, 3, h * cell, w * cell), normalised as the checkpoint says.
        method: How patches mix in the last layer of a ViT with a class token.

    Returns:
        (h, w, D), not yet of unit length.

    Raises:
        ValueError: the tower is of the kind ``"other"``, which has no patch features here.
    """
    vision, kind = network.vision_model, tower_kind(network)
    rows = pixel_values.shape[-2] // patch_px(network)
    if kind == "class-token":
        return _class_token_patches(network, pixel_values, rows, method)
    if kind == "attention-pool":
        return _attention_pool_patches(vision, pixel_values).unflatten(0, (rows, -1))
    if kind == "other":
        raise ValueError(f"{type(vision).__name__} has no patch features")
    return map_embeddings(network, pixel_values)[0]


def map_embeddings(network: Any, pixel_values: torch.Tensor) -> torch.Tensor:
    """Embed the cells of pictures of one size by a tower of the kind ``"map"``: (N, 3, H, W) -> (N, h, w, D)."""
    vision = network.vision_model
    cells = vision(pixel_values=pixel_values).last_hidden_state.permute(0, 2, 3, 1)
    projected: torch.Tensor = network.visual_projection(
        vision.layernorm(cells) if hasattr(vision, "layernorm") else cells
    )
    return projected


def window_places(rows: int, columns: int, window: int) -> list[tuple[int, int]]:
    """Top left cells of square windows that cover a grid, ``WINDOW_STEP`` apart, the last ones flush with the end.

    Args:
        rows: Of the grid.
        columns: Of the grid.
        window: Cells a side; on a shorter side of the grid there is one window, which ends with it.
    """

    def starts(cells: int) -> list[int]:
        last = max(cells - window, 0)
        return [*range(0, last, min(WINDOW_STEP, window)), last]

    return [(row, column) for row in starts(rows) for column in starts(columns)]


def joined_windows(windows: Floats, places: Sequence[tuple[int, int]], grid: tuple[int, int]) -> Floats:
    """The mean of the windows over each cell.

    Args:
        windows: (N, h, w, D) float32.
        places: Top left cell of each.
        grid: Rows and columns; every cell lies in a window.

    Returns:
        (rows, columns, D) float32.
    """
    total = np.zeros((*grid, windows.shape[-1]), np.float32)
    count = np.zeros((*grid, 1), np.float32)
    for (row, column), window in zip(places, windows, strict=True):
        where = np.s_[row : row + window.shape[0], column : column + window.shape[1]]
        total[where] += window
        count[where] += 1.0
    return total / count


def _class_token_patches(network: Any, pixel_values: torch.Tensor, rows: int, method: DenseMethod) -> torch.Tensor:
    vision = network.vision_model
    x = vision.pre_layrnorm(vision.embeddings(pixel_values, interpolate_pos_encoding=True))
    *layers, last = vision.encoder.layers
    for layer in layers:
        x = layer(x, None)
    y = _mixed_values(last.self_attn, last.layer_norm1(x), rows, method)
    if method == "sclip":
        y = x + y
        y = y + last.mlp(last.layer_norm2(y))
    return network.visual_projection(vision.post_layernorm(y[0, 1:])).unflatten(0, (rows, -1))


def _mixed_values(attention: Any, z: torch.Tensor, rows: int, method: DenseMethod) -> torch.Tensor:
    """The last layer's attention with other weights. (1, T, E) -> (1, T, E), T = 1 + patches."""

    def heads(projection: Any) -> torch.Tensor:  # (1, T, E) -> (heads, T, d)
        return projection(z)[0].unflatten(-1, (attention.num_heads, -1)).transpose(0, 1)

    values = heads(attention.v_proj)
    if method == "maskclip":
        mixed = values
    elif method == "naclip":
        window = _gaussian_window(rows, (z.shape[1] - 1) // rows, like=z)
        mixed = _self_weights(heads(attention.k_proj), window) @ values
    else:
        weights = _self_weights(heads(attention.q_proj))
        if method == "sclip":
            weights = weights + _self_weights(heads(attention.k_proj))
        mixed = weights @ values
    return attention.out_proj(mixed.transpose(0, 1).flatten(1))[None]


def _self_weights(x: torch.Tensor, window: torch.Tensor | float = 0.0) -> torch.Tensor:
    """softmax(x x^T / sqrt d + window) for each head; (heads, T, d) -> (heads, T, T)."""
    return (x @ x.transpose(-1, -2) * x.shape[-1] ** -0.5 + window).softmax(dim=-1)


def _gaussian_window(rows: int, columns: int, *, like: torch.Tensor) -> torch.Tensor:
    """exp(-distance^2 / (2 std^2)) between patches; 0 to and from the class token. (T, T)."""
    import torch

    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    places = torch.stack((y.flatten(), x.flatten()), dim=-1).to(torch.float32)
    squares = (places[:, None] - places[None]).square().sum(dim=-1)
    window = torch.zeros(1 + rows * columns, 1 + rows * columns)
    window[1:, 1:] = torch.exp(-squares / (2.0 * GAUSSIAN_STD**2))
    return window.to(like)


def _attention_pool_patches(vision: Any, pixel_values: torch.Tensor) -> torch.Tensor:
    """SigLIP: each patch through the value path of the pooling head. -> (patches, D)."""
    from torch.nn.functional import linear

    x = vision.embeddings(pixel_values, interpolate_pos_encoding=True)
    x = vision.post_layernorm(vision.encoder(inputs_embeds=x).last_hidden_state)[0]
    pool = vision.head
    values = slice(2 * x.shape[-1], None)  # in_proj stacks q, k, v
    y = linear(x, pool.attention.in_proj_weight[values], pool.attention.in_proj_bias[values])
    y = pool.attention.out_proj(y)
    return y + pool.mlp(pool.layernorm(y))
