"""Distil all-MiniLM-L6-v2 into a small text tower that transformers knows (ALBERT with unshared layers, CLS pooled).

ALBERT's factorised table (128 wide) keeps nearly the whole English vocabulary in 7 MB; it starts as the first 128
principal components of MiniLM's own table. The target is the centred, unit-norm MiniLM embedding; the loss is one
minus the cosine plus the difference between the two towers' similarity matrices within a batch.

Run: ``python -m training.pocket_clip.student_text --data DATA --out RUN --minutes 20``; the same command resumes.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AlbertConfig, AlbertModel, BertModel, PreTrainedTokenizerFast

from training.pocket_clip import minilm, phrases
from training.pocket_clip.model import fast_numbers

log = logging.getLogger(__name__)

MAX_TOKENS = 48
TABLE_WIDTH = 128
RATE = 2e-3
CHECKPOINT_SECONDS = 120.0


def kept_tokens() -> list[tuple[str, int]]:
    """MiniLM's tokens that the student keeps, with their rows there: no [unused], none outside ASCII."""
    vocabulary = json.loads((minilm.folder() / "tokenizer.json").read_text())["model"]["vocab"]
    rows = sorted(vocabulary.items(), key=lambda item: item[1])
    return [(token, row) for token, row in rows if token.isascii() and not token.startswith("[unused")]


def make_tokenizer() -> PreTrainedTokenizerFast:
    """MiniLM's own lower-casing WordPiece tokenizer with the kept tokens renumbered."""
    from tokenizers import Tokenizer

    description = json.loads((minilm.folder() / "tokenizer.json").read_text())
    renumbered = {token: number for number, (token, _) in enumerate(kept_tokens())}
    description["model"]["vocab"] = renumbered
    for added in description["added_tokens"]:
        added["id"] = renumbered[added["content"]]
    for name, special in description["post_processor"].get("special_tokens", {}).items():
        special["ids"] = [renumbered[name]]
    if "cls" in description["post_processor"]:
        for part in ("cls", "sep"):
            description["post_processor"][part][1] = renumbered[description["post_processor"][part][0]]
    description["padding"] = description["truncation"] = None
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(description)),
        model_max_length=MAX_TOKENS,
        unk_token="[UNK]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        mask_token="[MASK]",
    )


class TextTower(nn.Module):
    """Tokens to caption space: pooled CLS, then a linear map; (N, T) -> (N, 384), not normalised."""

    def __init__(self, vocabulary: int, dim: int = minilm.DIM) -> None:
        super().__init__()
        config = AlbertConfig(
            vocab_size=vocabulary,
            embedding_size=TABLE_WIDTH,
            hidden_size=256,
            num_hidden_layers=4,
            num_hidden_groups=4,
            num_attention_heads=4,
            intermediate_size=1024,
            max_position_embeddings=MAX_TOKENS,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            classifier_dropout_prob=0.0,
            pad_token_id=0,
            bos_token_id=None,
            eos_token_id=None,
        )
        self.text_model = AlbertModel(config)
        self.text_projection = nn.Linear(config.hidden_size, dim, bias=False)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Pool and project: (N, T) -> (N, dim)."""
        pooled = self.text_model(input_ids=input_ids, attention_mask=attention_mask).pooler_output
        return self.text_projection(pooled)

    @torch.no_grad()
    def start_from_teacher(self) -> None:
        """Fill the table with principal components of the teacher's, scaled to the usual spread."""
        table = BertModel.from_pretrained(minilm.folder()).embeddings.word_embeddings.weight.float()
        kept = table[[row for _, row in kept_tokens()]]
        moved = kept - kept.mean(0)
        _, _, components = torch.linalg.svd(moved.T @ moved)
        reduced = moved @ components[:TABLE_WIDTH].T
        self.text_model.embeddings.word_embeddings.weight.copy_(reduced / reduced.std() * 0.1)


@torch.inference_mode()
def embed(tower: TextTower, tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], batch: int = 512) -> np.ndarray:
    """Unit-norm student embeddings, (N, 384) float32."""
    tower.eval()
    order = np.argsort([len(text) for text in texts])
    out = np.empty((len(texts), minilm.DIM), np.float32)
    for start in range(0, len(texts), batch):
        rows = order[start : start + batch]
        tokens = tokenizer([texts[r] for r in rows], padding=True, truncation=True, return_tensors="pt")
        out[rows] = functional.normalize(tower(tokens["input_ids"], tokens["attention_mask"]).float(), dim=-1).numpy()
    tower.train()
    return out


def distillation_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """One minus the cosine, plus the mean squared difference of the similarity matrices (times 2): scalar."""
    student = functional.normalize(student.float(), dim=-1)
    return 1 - (student * teacher).sum(1).mean() + 2 * (student @ student.T - teacher @ teacher.T).square().mean()


class Distillation:
    """The run: phrases in length buckets, Muon and AdamW, weights averaged over the last steps."""

    def __init__(self, data: Path, minutes: float, batch: int) -> None:
        torch.manual_seed(0)
        texts = json.loads((data / "phrases.json").read_text())
        held_out = np.array([phrases.is_held_out(text) for text in texts])
        self.tokenizer = make_tokenizer()
        ids = self.tokenizer(texts, truncation=True)["input_ids"]
        targets = torch.from_numpy(np.load(data / "phrases.npy").astype(np.float32))
        rows = np.nonzero(~held_out)[0]
        lengths = np.array([len(i) for i in ids])
        self.ids, self.targets, self.lengths = ids, targets, lengths
        self.rows = rows[np.argsort(lengths[rows], kind="stable")]
        self.check = np.nonzero(held_out)[0]
        self.texts = texts
        self.tower = TextTower(len(self.tokenizer))
        self.tower.start_from_teacher()
        inner = [v for n, v in self.tower.named_parameters() if v.ndim == 2 and "albert_layer" in n]
        known = {id(value) for value in inner}
        rest = [value for value in self.tower.parameters() if id(value) not in known]
        self.optimizers = [
            torch.optim.AdamW(rest, lr=RATE, betas=(0.9, 0.98), weight_decay=0.0),
            torch.optim.Muon(inner, lr=RATE, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        ]
        self.rng = np.random.default_rng(0)
        self.minutes, self.batch, self.step, self.seconds = minutes, batch, 0, 0.0

    def draw(self) -> tuple[Tensor, Tensor, Tensor]:
        """A batch of phrases of nearly one length: ids (n, T), mask (n, T), targets (n, 384)."""
        start = int(self.rng.integers(0, max(1, len(self.rows) - self.batch * 4)))
        near = self.rows[start : start + self.batch * 4]
        rows = self.rng.choice(near, min(self.batch, len(near)), replace=False)
        width = int(self.lengths[rows].max())
        ids = torch.zeros(len(rows), width, dtype=torch.int64)
        for place, row in enumerate(rows):
            ids[place, : self.lengths[row]] = torch.tensor(self.ids[row])
        mask = (torch.arange(width) < torch.from_numpy(self.lengths[rows])[:, None]).long()
        return ids, mask, self.targets[torch.from_numpy(rows)]

    def advance(self) -> float:
        """One step; returns the loss."""
        began = time.monotonic()
        progress = self.seconds / (self.minutes * 60)
        rate = RATE * (min(1, progress / 0.03) if progress < 0.03 else 0.5 * (1 + math.cos(math.pi * min(progress, 1))))
        ids, mask, target = self.draw()
        with fast_numbers():
            student = self.tower(ids, mask)
        loss = distillation_loss(student, target)
        loss.backward()
        nn.utils.clip_grad_norm_(self.tower.parameters(), 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = max(rate, 1e-6)
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        self.seconds += time.monotonic() - began
        return loss.item()

    def held_out_cosine(self, most: int = 2000) -> float:
        """Mean cosine to the centred teacher over held-out phrases."""
        rows = self.check[:: max(1, len(self.check) // most)]
        student = embed(self.tower, self.tokenizer, [self.texts[row] for row in rows])
        return float((student * self.targets[torch.from_numpy(rows)].numpy()).sum(1).mean())

    def save(self, path: Path) -> None:
        """Write the checkpoint whole, then rename it into place."""
        state = {
            "tower": self.tower.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "rng": self.rng.bit_generator.state,
            "counters": (self.step, self.seconds),
        }
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state = torch.load(path, weights_only=False)
        self.tower.load_state_dict(state["tower"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.rng.bit_generator.state = state["rng"]
        self.step, self.seconds = state["counters"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    run = Distillation(args.data, args.minutes, args.batch)
    log.info("%d phrases, %d held out, %d tokens", len(run.rows), len(run.check), len(run.tokenizer))
    checkpoint, saved_at, losses = args.out / "checkpoint.pt", time.monotonic(), []
    if checkpoint.is_file():
        run.load(checkpoint)
    while run.seconds < args.minutes * 60:
        losses.append(run.advance())
        if time.monotonic() - saved_at > CHECKPOINT_SECONDS:
            run.save(checkpoint)
            row = [run.step, round(run.seconds, 1), f"{np.mean(losses):.4f}", f"{run.held_out_cosine():.4f}"]
            with (args.out / "log.csv").open("a", newline="") as file:
                csv.writer(file).writerow(row)
            losses, saved_at = [], time.monotonic()
    run.save(checkpoint)
    log.info("held-out cosine %.4f after %d steps", run.held_out_cosine(most=100_000), run.step)


if __name__ == "__main__":
    main()
