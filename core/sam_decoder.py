"""SAM's mask decoder, rearranged for many prompts of one picture; the weights are segment_anything's modules.

Symbols: N cells of the picture, T tokens of a prompt, D channels, H heads of c channels, B prompts.
What is rearranged, all of it exact up to rounding (tests hold it to segment_anything's own forward pass):

* the picture's cells are not repeated for each prompt until the first layer made them differ;
* attention between T tokens and N cells never projects the cells: q.(Wk x) = (Wk' q).x, so the T tokens of each
  head are taken into the space of the cells instead (H T << N), and what a head gathers is projected afterwards; the
  bias of the keys adds the same to every cell and drops out of the softmax;
* upscaling by transposed convolutions of stride 2 is a matrix product for each cell, normed and activated in place;
* predicted IoUs are known before any mask is drawn, so masks that a threshold drops are never drawn.

Source: segment_anything (Apache-2.0), Kirillov et al. 2023, arXiv:2304.02643, appendix A.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

SINGLE, LEVELS = slice(0, 1), slice(1, 4)  # mask tokens: one for clear prompts, three for ambiguous ones


@dataclass(frozen=True, eq=False)
class Looked:
    """Prompts that have looked at the picture, masks not yet drawn.

    Attributes:
        tokens: (B, T, D): IoU token, four mask tokens, prompt tokens.
        cells: (B, N, D).
        predicted_iou: (B, 4), of the single mask and of the three levels.
    """

    tokens: Tensor
    cells: Tensor
    predicted_iou: Tensor


def look(
    sam: Any,
    embedding: Tensor,
    *,
    points: tuple[Tensor, Tensor] | None = None,
    boxes: Tensor | None = None,
    masks: Tensor | None = None,
) -> Looked:
    """Let prompts and picture exchange what they know.

    Args:
        sam: segment_anything's ``Sam``.
        embedding: (1, D, g, g), what its image encoder gave.
        points: (B, P, 2) in pixels of the square and (B, P) labels.
        boxes: (B, 4) in pixels of the square.
        masks: (B, 1, 4 g, 4 g) logits of an earlier answer.
    """
    import torch

    decoder = sam.mask_decoder
    sparse, dense = sam.prompt_encoder(points=points, boxes=boxes, masks=masks)
    if masks is None:
        dense = dense[:1]  # the same for every prompt
    tokens = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
    tokens = torch.cat([tokens.expand(len(sparse), -1, -1), sparse], 1)
    cells = (embedding + dense).flatten(2).transpose(1, 2).contiguous()
    places = sam.prompt_encoder.get_dense_pe().flatten(2).transpose(1, 2).contiguous()
    tokens, cells = _exchange(decoder.transformer, tokens, cells, places)
    return Looked(tokens, cells, decoder.iou_prediction_head(tokens[:, 0]))


def draw(sam: Any, looked: Looked, which: slice = LEVELS, rows: Tensor | None = None) -> Tensor:
    """Mask logits of the whole square.

    Args:
        sam: segment_anything's ``Sam``.
        looked: What :func:`look` gave.
        which: Of the four mask tokens.
        rows: (b,) prompts to draw; None draws all.

    Returns:
        (b, M, 4 g, 4 g), M masks of ``which``.
    """
    import torch

    decoder = sam.mask_decoder
    tokens, cells = (looked.tokens, looked.cells) if rows is None else (looked.tokens[rows], looked.cells[rows])
    heads = decoder.output_hypernetworks_mlps[which]
    weights = torch.stack([mlp(tokens[:, 1 + which.start + place]) for place, mlp in enumerate(heads)], 1)
    fine = _upscaled(decoder.output_upscaling, cells)
    prompts, count, grid = len(tokens), len(heads), math.isqrt(cells.shape[1])
    # A cell's 16 values lie as (row, column) of the first doubling, then of the second. The last two stay neighbours:
    # as one number they are put in order in a tenth of the time.
    pairs = torch.view_as_complex(torch.bmm(weights, fine.transpose(1, 2)).view(prompts, count, grid, grid, 2, 2, 2, 2))
    ordered = pairs.permute(0, 1, 2, 4, 6, 3, 5).contiguous()
    return torch.view_as_real(ordered).view(prompts, count, 4 * grid, 4 * grid)


def _exchange(transformer: Any, tokens: Tensor, cells: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """``TwoWayTransformer.forward``: (B, T, D) tokens and (1 or B, N, D) cells."""
    queries = tokens
    for layer in transformer.layers:
        if layer.skip_first_layer_pe:
            queries = layer.self_attn(q=queries, k=queries, v=queries)
        else:
            placed = queries + tokens
            queries = queries + layer.self_attn(q=placed, k=placed, v=queries)
        queries = layer.norm1(queries)
        placed_cells = cells + places
        queries = queries + _gather(layer.cross_attn_token_to_image, queries + tokens, placed_cells, cells)
        queries = layer.norm2(queries)
        queries = layer.norm3(queries + layer.mlp(queries))
        spread = _spread(layer.cross_attn_image_to_token, cells, placed_cells, queries + tokens, queries)
        cells = layer.norm4(spread)
    last = transformer.final_attn_token_to_image
    queries = queries + _gather(last, queries + tokens, cells + places, cells)
    return transformer.norm_final_attn(queries), cells


def _gather(attention: Any, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Tokens attend to cells: (B, T, D), (1 or B, N, D) twice -> (B, T, D)."""
    import torch

    heads = attention.num_heads
    split = _split(attention.q_proj(queries), heads)
    prompts, _, count, width = split.shape
    probes = (split / math.sqrt(width)) @ attention.k_proj.weight.view(heads, width, -1)
    shares = _dots(probes.flatten(1, 2), keys).softmax(-1)
    if len(values) == 1:
        found = (shares.flatten(0, 1) @ values[0]).view(prompts, heads, count, -1)
    else:
        found = torch.bmm(shares, values).view(prompts, heads, count, -1)
    project = attention.v_proj
    gathered = found @ project.weight.view(heads, width, -1).transpose(1, 2) + project.bias.view(heads, 1, width)
    return attention.out_proj(gathered.transpose(1, 2).flatten(2))


def _spread(attention: Any, cells: Tensor, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Cells attend to tokens and add what they hear: (1 or B, N, D) twice, (B, T, D) twice -> (B, N, D)."""
    import torch

    heads = attention.num_heads
    split = _split(attention.k_proj(keys), heads)
    prompts, _, count, width = split.shape
    split = split / math.sqrt(width)
    probes = split @ attention.q_proj.weight.view(heads, width, -1)
    bias = split @ attention.q_proj.bias.view(heads, width, 1)
    scores = _dots(probes.flatten(1, 2), queries) + bias.flatten(1, 2)
    shares = scores.view(prompts, heads, count, -1).softmax(2).flatten(1, 2)
    project = attention.out_proj
    messages = _split(attention.v_proj(values), heads) @ project.weight.T.reshape(heads, width, -1)
    messages = messages.flatten(1, 2) + project.bias / heads  # the shares of each head sum to one
    return torch.baddbmm(cells.expand(prompts, -1, -1), shares.transpose(1, 2), messages)


def _split(rows: Tensor, heads: int) -> Tensor:
    """(B, T, H c) -> (B, H, T, c)."""
    return rows.view(*rows.shape[:2], heads, -1).transpose(1, 2)


def _dots(probes: Tensor, cells: Tensor) -> Tensor:
    """(B, H T, D) . (1 or B, N, D) -> (B, H T, N)."""
    import torch

    if len(cells) == 1:
        return (probes.flatten(0, 1) @ cells[0].T).view(*probes.shape[:2], -1)
    return torch.bmm(probes, cells.transpose(1, 2))


def _upscaled(layers: Any, cells: Tensor) -> Tensor:
    """Two doublings of (B, N, D): (B, 16 N, D / 8), each cell's sixteen values together."""
    from torch.nn import functional

    first, norm, activation, second, last_activation = layers
    prompts, count, _ = cells.shape
    wide = _doubled(first, cells).view(prompts, 4 * count, first.out_channels)
    wide = activation(functional.layer_norm(wide, (first.out_channels,), norm.weight, norm.bias, norm.eps))
    return last_activation(_doubled(second, wide)).view(prompts, 16 * count, second.out_channels)


def _doubled(convolution: Any, cells: Tensor) -> Tensor:
    """A transposed convolution of size and stride 2, cell by cell: (B, n, in) -> (B, n, 4 out)."""
    from torch.nn import functional

    weight = convolution.weight.permute(2, 3, 1, 0).reshape(-1, convolution.in_channels)
    return functional.linear(cells, weight, convolution.bias.repeat(4))
