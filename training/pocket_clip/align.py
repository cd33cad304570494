"""Embed the bank and the free captions with the finished text tower, as targets for the image tower's last part.

The two towers then agree with each other, not only each with the teacher.

Run: ``python -m training.pocket_clip.align --text TEXT --data DATA``, then train with ``--student``
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from training.pocket_clip import bank
from training.pocket_clip.pack import load_text_tower
from training.pocket_clip.student_text import embed, make_tokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    tower, tokenizer = load_text_tower(args.text), make_tokenizer()
    known = bank.load(args.data)
    own = embed(tower, tokenizer, known.texts)
    np.save(args.data / "bank.student.npy", own.astype(np.float16))
    for path in sorted(args.data.glob("*.captions.json")):
        texts = json.loads(path.read_text())
        np.save(
            path.with_name(path.name.replace(".json", ".student.npy")),
            embed(tower, tokenizer, texts).astype(np.float16),
        )


if __name__ == "__main__":
    main()
