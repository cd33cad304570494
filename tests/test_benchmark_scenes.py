"""The fields that queries are timed on are what their names say, at a size that takes no time."""

from __future__ import annotations

import numpy as np

from benchmarks.scenes import query_rows, tabletop, view
from benchmarks.scenes_query import CHOICES, MEMBERSHIPS, code_field, mask_field, piece_field


def test_fields_fit_their_scene() -> None:
    scene = tabletop(400)
    masks, codes = mask_field(scene).validated(400), code_field(scene).validated(400)
    assert masks.ids is not None and masks.ids.shape == (400, 3, CHOICES)
    assert all(len(set(row)) == CHOICES for row in masks.ids[:, 0].tolist())
    assert codes.is_coded and codes.dim == masks.dim == 512
    pieces = piece_field(scene).validated(400).pieces
    assert pieces is not None and pieces.ids.shape == (400, MEMBERSHIPS)
    near = np.argsort(np.linalg.norm(scene.means_xyz - scene.means_xyz[0], axis=1))[1]
    assert codes.codes is not None and np.linalg.norm(codes.codes[near] - codes.codes[0]) < 1.5


def test_rows_of_queries() -> None:
    rows = query_rows(tabletop(400), view(64, 48), times=1)
    assert [row.name.split(":")[0] for row in rows] == [
        *("first query of a view", "- another word", "- recolour what was found") * 2,
        "first query of a view", "- another word", "a word by the decoder's shortcut, full decode beside it",
    ]  # fmt: skip
    assert all(row.ours >= 0 for row in rows)
    assert float(rows[-1].note.split(" by ")[1].split()[0]) < 1e-4  # exact against the full decode
