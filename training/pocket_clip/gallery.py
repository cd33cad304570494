"""A picture of answers for the card, right and wrong, and the photo classes that are taken for each other, in words.

Shown are Toybox pictures from held-out views (80 names to choose from) and Fluent flat emoji (10 names), the first of a
seeded shuffle of each kind, not chosen by eye. Photos of the sets are not ours to show: their answers are words.

Run: ``python -m training.pocket_clip.gallery --folder assets/models/pocket-clip --raw RAW --data DATA --out docs``
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from training.pocket_clip import captions
from training.pocket_clip.packed import Packed
from training.pocket_clip.scores_emoji import TEMPLATES, on_white
from training.pocket_clip.scores_photos import load_set
from training.pocket_clip.scores_toybox import singles
from training.toybox.classes import CLASSES

SIDE_PX = 96
CELL_WH = (112, 136)  # px of one answer: picture and two lines of words
COLUMNS = 10
ROWS = 2  # of each kind: toys, emoji; right, wrong
TRIED = 400  # pictures of each kind
WORST = 12  # pairs of photo classes
COLOURS_KEPT = 192  # of the PNG: half the bytes
GREEN, RED, INK = (20, 120, 60), (180, 40, 40), (60, 60, 60)


@dataclass(frozen=True)
class Answer:
    """One picture (H, W, 3) uint8, its first answer and the right name."""

    picture: np.ndarray
    answer: str
    right: str

    @property
    def is_right(self) -> bool:
        """Whether the first answer is the right one."""
        return self.answer == self.right


def best_of(similarities: np.ndarray, names: Sequence[str], own: int, count: int, rng: np.random.Generator) -> str:
    """The best of ``count`` names, the own one and random others: (M,) cosines -> name."""
    others = [n for n in range(len(names)) if names[n] != names[own]]
    columns = np.array([own, *rng.choice(others, count - 1, replace=False)])
    return names[int(columns[np.argmax(similarities[columns])])]


def toy_answers(packed: Packed, data: Path) -> list[Answer]:
    """Held-out views of single toys among 80 names."""
    rng = np.random.default_rng(1)
    rgb, kinds, _ = singles(data, "held_out", 10_000)
    rows = rng.permutation(len(rgb))[:TRIED]
    similar = packed.images(rgb[rows]) @ packed.names(list(CLASSES)).T
    return [
        Answer(rgb[row], best_of(cosines, CLASSES, kinds[row], 80, rng), CLASSES[kinds[row]])
        for row, cosines in zip(rows, similar, strict=True)
    ]


def emoji_answers(packed: Packed, raw: Path, data: Path) -> list[Answer]:
    """Fluent flat emoji, a style never trained, among 10 names."""
    rng = np.random.default_rng(2)
    known = {concept.key: concept.names[0] for concept in captions.emoji_concepts(raw)}
    listing = json.loads((data / "flat.json").read_text())
    rows = rng.permutation([row for row, entry in enumerate(listing) if entry[0] in known])[:TRIED]
    pictures = on_white(np.load(data / "flat.npy", mmap_mode="r")[rows])
    names = [known[listing[row][0]] for row in rows]
    similar = packed.images(pictures) @ packed.names(names, TEMPLATES).T
    return [
        Answer(picture, best_of(cosines, names, own, 10, rng), names[own])
        for own, (picture, cosines) in enumerate(zip(pictures, similar, strict=True))
    ]


def shortened(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width_px: int) -> str:
    """A text cut to a width, with three dots."""
    while len(text) > 3 and font.getlength(text) > width_px:
        text = text.removesuffix("...")[:-1] + "..."
    return text


def draw_grid(answers: Sequence[Answer]) -> Image.Image:
    """Answers in rows: the picture, what was said, and what it is where that was wrong."""
    width, height = CELL_WH
    rows = -(-len(answers) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * width, rows * height), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for place, answer in enumerate(answers):
        x, y = place % COLUMNS * width, place // COLUMNS * height
        picture = Image.fromarray(answer.picture).resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
        sheet.paste(picture, (x + (width - SIDE_PX) // 2, y + 2))
        words = [(answer.answer, GREEN if answer.is_right else RED)]
        words += [] if answer.is_right else [(f"is: {answer.right}", INK)]
        for line, (text, colour) in enumerate(words):
            pen.text((x + 6, y + SIDE_PX + 6 + 16 * line), shortened(text, font, width - 10), fill=colour, font=font)
    return sheet


def chosen(answers: Sequence[Answer], *, is_right: bool) -> list[Answer]:
    """The first ROWS rows of right or wrong answers."""
    return [answer for answer in answers if answer.is_right == is_right][: ROWS * COLUMNS]


def photo_words(packed: Packed, raw: Path, data: Path) -> dict[str, list[list[str | int]]]:
    """Tiny-ImageNet val: classes told best ([name, percent]) and pairs taken for each other most ([is, said, n])."""
    test = load_set(packed, data, "tiny", captions.tiny_concepts(raw))
    said = (test.features @ packed.names(test.names).T).argmax(1)
    right = [(float((said[test.answers == row] == row).mean()), name) for row, name in enumerate(test.names)]
    pairs = Counter((int(a), int(b)) for a, b in zip(test.answers, said, strict=True) if a != b)
    return {
        "best": [[name, round(100 * part)] for part, name in sorted(right, reverse=True)[:WORST]],
        "confused": [[test.names[a], test.names[b], count] for (a, b), count in pairs.most_common(WORST)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    packed = Packed(args.folder)
    kinds = [toy_answers(packed, args.data), emoji_answers(packed, args.raw, args.data)]
    for is_right, name in ((True, "right"), (False, "wrong")):
        grid = draw_grid([answer for answers in kinds for answer in chosen(answers, is_right=is_right)])
        grid.quantize(COLOURS_KEPT).save(args.out / f"pocket_clip_{name}.png", optimize=True)
    card = json.loads((args.folder / "card.json").read_text())
    card["photo_answers"] = photo_words(packed, args.raw, args.data)
    (args.folder / "card.json").write_text(json.dumps(card, indent=1) + "\n")


if __name__ == "__main__":
    main()
