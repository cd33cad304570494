"""Texts that begin alike, encoded without repeating the beginning: for text towers that look only backwards.

CLIP's text tower is causal: what it makes of a token depends on the tokens before it alone. So "a photo of a cat."
and "a photo of a dog." share everything up to "a", and the templates of a prompt ensemble share it over all labels.
The texts of one batch are laid into a tree of tokens; all its nodes form one sequence, in which each node attends
to its ancestors and itself. The result is that of the texts one by one up to rounding, with a third of the work
for 100 labels and 7 templates, and no padding at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

MAX_NODES = 256  # nodes of one tree: attention over all pairs then costs a tenth of the rest of a layer


@dataclass(frozen=True, eq=False)
class PrefixTree:
    """The distinct beginnings of some texts, parents before children.

    Attributes:
        tokens: Token id of each node, (T,) int64.
        positions: Position of each node in its texts, (T,) int64; roots have 0.
        is_visible: (T, T) bool; entry (i, j) says that j is i or lies before it in the same texts.
        paths: For each text the nodes of its tokens, in order.
    """

    tokens: NDArray[np.int64]
    positions: NDArray[np.int64]
    is_visible: NDArray[np.bool_]
    paths: tuple[tuple[int, ...], ...]


def prefix_tree(texts: Sequence[Sequence[int]]) -> PrefixTree:
    """Lay tokenised texts into a tree; texts of at least one token each."""
    nodes: dict[tuple[int, int], int] = {}  # (parent, token) -> node; the parent of roots is -1
    paths: list[tuple[int, ...]] = []
    for text in texts:
        path: list[int] = []
        for token in text:
            parent = path[-1] if path else -1
            path.append(nodes.setdefault((parent, token), len(nodes)))
        paths.append(tuple(path))
    is_visible = np.zeros((len(nodes), len(nodes)), np.bool_)
    positions = np.zeros(len(nodes), np.int64)
    for (parent, _), node in nodes.items():  # in the order of making: parents first
        if parent >= 0:
            is_visible[node] = is_visible[parent]
            positions[node] = positions[parent] + 1
        is_visible[node, node] = True
    tokens = np.array([token for _, token in nodes], np.int64)
    return PrefixTree(tokens, positions, is_visible, tuple(paths))


def trees(texts: Sequence[Sequence[int]]) -> Iterator[PrefixTree]:
    """Split texts, in their order, over trees of about ``MAX_NODES`` nodes; sorted texts share most."""
    start = 0
    while start < len(texts):
        seen: set[tuple[int, ...]] = set()
        stop = start
        while stop < len(texts):
            seen.update(tuple(texts[stop][: end + 1]) for end in range(len(texts[stop])))
            if len(seen) > MAX_NODES and stop > start:
                break
            stop += 1
        yield prefix_tree(texts[start:stop])
        start = stop


def text_features(network: Any, texts: Sequence[Sequence[int]]) -> torch.Tensor:
    """What ``CLIPModel.get_text_features`` gives, for texts as lists of token ids without padding.

    Args:
        network: A transformers CLIPModel.
        texts: Token ids, start and end included, each at most as long as the positions.

    Returns:
        (M, D), not normalised.
    """
    import torch

    return torch.cat([_tree_features(network, tree) for tree in trees(texts)])


def _tree_features(network: Any, tree: PrefixTree) -> torch.Tensor:
    import torch

    tower = network.text_model
    device = network.device
    tokens, positions = (torch.from_numpy(array).to(device)[None] for array in (tree.tokens, tree.positions))
    x = tower.embeddings.token_embedding(tokens) + tower.embeddings.position_embedding(positions)
    is_visible = torch.from_numpy(tree.is_visible).to(device)[None, None]
    mask = torch.zeros(is_visible.shape, dtype=x.dtype, device=device).masked_fill_(
        ~is_visible, torch.finfo(x.dtype).min
    )
    y = tower.final_layer_norm(tower.encoder(inputs_embeds=x, attention_mask=mask).last_hidden_state)[0]
    return network.text_projection(y[[end_node(tree, path, tower.eos_token_id) for path in tree.paths]])


def end_node(tree: PrefixTree, path: tuple[int, ...], eos_token_id: int) -> int:
    """The node that stands for a text: its first end token, found as transformers finds it.

    Old configs say 2 for the end token, which is wrong; there the highest id is meant.
    """
    ids = tree.tokens[list(path)]
    return path[int(ids.argmax() if eos_token_id == 2 else (ids == eos_token_id).argmax())]
