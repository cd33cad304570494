"""Only memory that equals its file is dropped, and what was dropped still works."""

from __future__ import annotations

import numpy as np
import torch

from core.memory import droppable_ranges, give_back_memory

SMAPS = """\
7f0000000000-7f0000010000 r-xp 00000000 08:01 11 /venv/nvidia/cu13/lib/libcublasLt.so.13
Rss:                  64 kB
Anonymous:             0 kB
7f0000010000-7f0000020000 r--p 00010000 08:01 11 /venv/nvidia/cu13/lib/libcublasLt.so.13
Anonymous:             4 kB
7f0000020000-7f0000030000 rw-p 00020000 08:01 11 /venv/nvidia/cu13/lib/libcublasLt.so.13
Anonymous:             0 kB
7f0000030000-7f0000040000 r-xp 00000000 08:01 12 /venv/numpy/core/multiarray.so
Anonymous:             0 kB
7f0000040000-7f0000048000 r--p 00000000 08:01 13 /venv/triton/_C/libtriton.so
Anonymous:             0 kB
7f0000050000-7f0000060000 rw-p 00000000 00:00 0
Anonymous:             0 kB
7f0000060000-7f0000070000 r--p 00000000 08:01 14 /venv/torch/share/table.dat
Anonymous:             0 kB
"""


def test_only_clean_read_only_libraries_are_dropped() -> None:
    assert droppable_ranges(SMAPS) == [(0x7F0000000000, 0x10000), (0x7F0000040000, 0x8000)]


def test_everything_still_runs_afterwards() -> None:
    x = torch.randn(64, 64)
    before = (x @ x).numpy()
    give_back_memory()
    np.testing.assert_array_equal((x @ x).numpy(), before)
    assert torch.nn.functional.conv2d(torch.ones(1, 3, 8, 8), torch.ones(4, 3, 3, 3)).shape == (1, 4, 6, 6)
