"""Segmenting: how well words find their things on held-out scenes, how long it takes, and the plain pipeline beside it.

Run: ``python -m benchmarks.segment [--scenes FOLDER] [--count N] [--json] [--quick]``, or with all others by
``python -m benchmarks``. Quality needs no quiet machine, times do: bars are held against wall time, and the CPU
seconds of the process (all threads together), which other work disturbs less, stand in the notes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Measurement, machine, markdown, peak_mb
from benchmarks.segment_plain import Plain
from benchmarks.segment_scenes import BUNDLED, Confusion, TrueScene, agreement, bundle, read_scenes, recall
from core import checkpoints
from core.catalog import spec
from core.images import Picture
from core.labels import Label
from core.pool import POOL
from core.sam_automatic import POINTS_PER_SIDE
from core.sam_files import read_sam
from core.settings import ROOT, set_quiet_environment
from demos.segmentation.analysis import Analysis
from demos.segmentation.answers import Mask, Segmentation
from demos.segmentation.options import WAYS, SegmentOptions, Way
from demos.segmentation.pipeline import analyse, label
from demos.segmentation.words import encode_words

CLIP, SAM = "pocket-clip", "pocket-sam"
MIOU_BAR, WAY_GAP = 0.65, 0.03
SPEED_LABELS = ("cat", "dog", "car", "tree", "chair", "cup", "ball", "house")
PHOTO_HW = (480, 640)
LARGE_HW = (3000, 4000)
PLAIN_SCENES = 8  # on which the plain pipeline is timed: it takes its time
MEMORY_MB = 1500.0
# What is held against the plain pipeline: name, options, how many times faster it is to be.
OURS = (
    ("against the plain pipeline", SegmentOptions(), 5.0),
    ("sam+dense against the plain pipeline", SegmentOptions(way="sam+dense"), 5.0),
    ("both with 32 x 32 points", SegmentOptions(points_per_side=POINTS_PER_SIDE), None),
)


def run(*, is_quick: bool = False, scenes: Path = BUNDLED, count: int | None = None) -> list[Measurement]:
    """Measure all cases; ``is_quick`` takes two scenes and one repeat (to see that it runs)."""
    known, classes = read_scenes(scenes, 2 if is_quick else count)
    with POOL.use(CLIP) as clip, POOL.use(SAM) as sam:
        quality = [_quality(way, known, classes, clip, sam) for way in WAYS]
        rows = _quality_rows(quality, len(known))
        rows += [_refined(how, known, classes, clip, sam) for how in ("context", "content")]
        rows += _speed(clip, sam, times=1 if is_quick else 5)
        rows += _against_plain(known[: 1 if is_quick else PLAIN_SCENES], classes, clip, sam)
    if not is_quick:
        rows.append(_memory())
    return rows


def _classes_of(answer: Segmentation, classes: Sequence[str]) -> NDArray[np.intp]:
    """The answer's label map in numbers of classes + 1."""
    lut = np.zeros(len(answer.labels), np.intp)
    for row in answer.labels[1:]:
        lut[row.index] = classes.index(row.name) + 1
    return lut[answer.label_map]


def _labels(scene: TrueScene) -> tuple[Label, ...]:
    return tuple(Label(name) for name in scene.labels)


def _score(
    known: Sequence[TrueScene], classes: Sequence[str], answer_of: Callable[[TrueScene], Segmentation]
) -> Confusion:
    found = Confusion(len(classes))
    for scene in known:
        found.add(scene.true_classes(classes), _classes_of(answer_of(scene), classes))
    return found


def _quality(way: Way, known: Sequence[TrueScene], classes: Sequence[str], clip: Any, sam: Any) -> Confusion:
    options = SegmentOptions(way=way)
    return _score(
        known,
        classes,
        lambda scene: label(
            analyse(Picture(scene.rgb), options, clip=clip, sam=sam), _labels(scene), options, clip=clip
        ),
    )


def _quality_rows(quality: Sequence[Confusion], count: int) -> list[Measurement]:
    by_way = dict(zip(WAYS, quality, strict=True))
    rows = []
    for way, found in by_way.items():
        bar = None if way == "dense" else MIOU_BAR
        note = f"{count} scenes; IoU of the background {found.iou[0]:.3f}."
        rows.append(Measurement(f"mIoU, {way}", found.mean_iou, None, "", bar, True, note))
    gap = by_way["sam+clip"].mean_iou - by_way["sam+dense"].mean_iou
    rows.append(Measurement("mIoU that sam+dense lacks", gap, None, "", WAY_GAP, False, "Against sam+clip."))
    return rows


def _refined(how: Any, known: Sequence[TrueScene], classes: Sequence[str], clip: Any, sam: Any) -> Measurement:
    """Words adapted to the picture, against the same words as they are."""
    options = SegmentOptions()
    adapted = replace(options, refinement=how)
    kept: dict[int, Analysis] = {}

    def answer(scene: TrueScene, chosen: SegmentOptions) -> Segmentation:
        if id(scene) not in kept:
            kept[id(scene)] = analyse(Picture(scene.rgb), options, clip=clip, sam=sam)
        return label(kept[id(scene)], _labels(scene), chosen, clip=clip)

    plain = _score(known, classes, lambda scene: answer(scene, options)).mean_iou
    found = _score(known, classes, lambda scene: answer(scene, adapted)).mean_iou
    note = f"{options.way}, strength {options.refinement_strength:g}; the peer is the same without."
    return Measurement(f"mIoU, words adapted by {how}", found, plain, "", None, True, note)


class Spent(NamedTuple):
    """What something took."""

    wall_s: float
    cpu_s: float


@contextmanager
def timed(into: list[Spent]) -> Iterator[None]:
    """Add to a list what the block takes; CPU seconds are those of all threads together."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    yield
    into.append(Spent(time.perf_counter() - wall_s, time.process_time() - cpu_s))


def _photo() -> NDArray[np.uint8]:
    """A 640 x 480 picture with things in it: the first bundled scene, its borders mirrored to fill the width."""
    from PIL import Image

    rgb = read_scenes(BUNDLED, 1)[0][0].rgb
    square = np.asarray(Image.fromarray(rgb).resize((PHOTO_HW[0], PHOTO_HW[0]), Image.Resampling.BICUBIC))
    side = (PHOTO_HW[1] - PHOTO_HW[0]) // 2
    return np.pad(square, ((0, 0), (side, side), (0, 0)), mode="symmetric")


def _speed(clip: Any, sam: Any, *, times: int) -> list[Measurement]:
    """One 640 x 480 photo, 8 labels: everything anew, then only words or a threshold."""
    rows = []
    cases: tuple[tuple[Way, float], ...] = (("ensemble", 4.0), ("sam+dense", 4.0), ("sam+clip", 4.0), ("dense", 0.5))
    for way, bar in cases:
        _turn(way, clip, sam, 0)  # warm
        turns = [_turn(way, clip, sam, turn) for turn in range(1, times + 1)]
        first, words, threshold = zip(*turns, strict=True)
        rows.append(_row(f"{way}, 640 x 480, 8 labels", first, bar))
        rows.append(_row(f"{way}: 8 new labels", words, 0.15))
        rows.append(_row(f"{way}: new threshold", threshold, 0.15))
    return rows


def _row(name: str, turns: Sequence[Spent], bar: float | None) -> Measurement:
    wall_s, cpu_s = (statistics.median(column) for column in zip(*turns, strict=True))
    return Measurement(name, wall_s, None, "s", bar, False, f"CPU {cpu_s:.3f} s; medians of {len(turns)}.")


def _turn(way: Way, clip: Any, sam: Any, turn: int) -> list[Spent]:
    """What a first answer takes, new labels and a new threshold."""
    picture, labels = Picture(_photo()), tuple(Label(name) for name in SPEED_LABELS)
    other = tuple(Label(f"{name} {turn}") for name in SPEED_LABELS)
    options = SegmentOptions(way=way)
    clip.cache.clear()
    sam.cache.clear()
    spent: list[Spent] = []
    with timed(spent):
        kept = analyse(picture, options, clip=clip, sam=sam)
        label(kept, labels, options, clip=clip)
    with timed(spent):
        label(kept, other, options, clip=clip)
    with timed(spent):
        label(kept, labels, replace(options, threshold=0.4), clip=clip)
    return spent


@dataclass
class _Side:
    """What one of the pipelines took and found, over all scenes."""

    found: Confusion
    spent: list[Spent] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)
    hits: int = 0
    objects: int = 0

    def note(self, scene: TrueScene, classes: Sequence[str], given: NDArray[np.intp], masks: Sequence[Mask]) -> None:
        """Hold one answer against the truth."""
        self.found.add(scene.true_classes(classes), given)
        hits, objects = recall(scene.true_masks, masks)
        self.hits, self.objects = self.hits + hits, self.objects + objects

    @property
    def recall(self) -> float:
        return self.hits / max(self.objects, 1)

    @property
    def mean(self) -> Spent:
        wall_s, cpu_s = (statistics.fmean(column) for column in zip(*self.spent, strict=True))
        return Spent(wall_s, cpu_s)


def _against_plain(known: Sequence[TrueScene], classes: Sequence[str], clip: Any, sam: Any) -> list[Measurement]:
    """Stock masks and one forward pass a cut-out, against ours with its own grid and with the stock one, in turns."""
    row = spec(SAM)
    stock, thresholds = read_sam(checkpoints.resolve(row), row)
    plain, theirs = Plain(stock, thresholds, clip), _Side(Confusion(len(classes)))
    ours = [_Side(Confusion(len(classes))) for _ in OURS]
    alike: list[float] = []
    for scene in known:
        words = encode_words(_labels(scene), OURS[0][1], model=clip)  # texts cost all sides the same: left out
        with timed(theirs.spent):
            stock_found = plain.masks(scene.rgb)
            given = plain.label_map(scene.rgb, stock_found, words)
        stock_masks = [mask["segmentation"] for mask in stock_found]
        theirs.note(
            scene, classes, np.append(0, [classes.index(name) + 1 for name in scene.labels])[given], stock_masks
        )
        for side, (_, options, _) in zip(ours, OURS, strict=True):
            clip.cache.clear()
            sam.cache.clear()
            encode_words(_labels(scene), options, model=clip)
            with timed(side.spent):
                kept = analyse(Picture(scene.rgb), options, clip=clip, sam=sam)
                answer = label(kept, _labels(scene), options, clip=clip)
            for stage, seconds in answer.seconds.items():
                side.stages[stage] = side.stages.get(stage, 0.0) + seconds
            masks = [kept.puzzle.inside[:, n][kept.puzzle.cell_map] for n in range(kept.puzzle.inside.shape[1])]
            side.note(scene, classes, _classes_of(answer, classes), masks)
        alike.append(agreement(masks, stock_masks))  # of the last, which asks the same points
    theirs.stages = plain.seconds
    return _against_rows(ours, theirs, float(np.mean(alike)))


def _against_rows(sides: Sequence[_Side], theirs: _Side, alike: float) -> list[Measurement]:
    """The rows of the comparison: time, then what it costs."""
    rows = []
    grid = f"{POINTS_PER_SIDE} x {POINTS_PER_SIDE}"
    for side, (name, _, bar) in zip(sides, OURS, strict=True):
        ours, peer, count = side.mean, theirs.mean, len(side.spent)
        note = (
            f"Mean of {count}; CPU {ours.cpu_s:.2f} s against {peer.cpu_s:.2f} s ({peer.cpu_s / ours.cpu_s:.1f} x). "
            f"Ours by stage: {_listed(side.stages, count)}."
        )
        if side is sides[0]:
            note += f" Plain, {grid} points: {_listed(theirs.stages, count)}."
        rows.append(Measurement(f"a scene, {name}", ours.wall_s, peer.wall_s, "s", bar, True, note))
        rows.append(
            Measurement(
                f"mIoU, {name}",
                side.found.mean_iou,
                theirs.found.mean_iou,
                "",
                bar and 1.0,
                True,
                "On the same scenes.",
            )
        )
        note = f"At IoU 0.5, of {side.objects} objects."
        if side is sides[-1]:
            note += f" Mean IoU of our masks with the stock ones, matched one to one, unmatched ones 0: {alike:.3f}."
        rows.append(Measurement(f"recall of objects, {name}", side.recall, theirs.recall, "", None, True, note))
    return rows


def _listed(seconds: dict[str, float], count: int) -> str:
    return ", ".join(f"{stage} {value / count:.3f} s" for stage, value in seconds.items())


def _memory() -> Measurement:
    """Peak memory of a process of its own that segments one 12-megapixel picture."""
    out = subprocess.run(
        [sys.executable, "-m", "benchmarks.segment", "--peak"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found_mb = float(out.stdout.strip().splitlines()[-1])
    note = f"{LARGE_HW[1]} x {LARGE_HW[0]} px, the usual way, all at full size; whole process."
    return Measurement("memory, 12 megapixels", found_mb, None, "MB", MEMORY_MB, False, note)


def large_peak_mb() -> float:
    """Segment one 12-megapixel picture; returns the peak memory of this process, 10**6 bytes."""
    from PIL import Image

    large = Image.fromarray(_photo()).resize(LARGE_HW[::-1], Image.Resampling.BICUBIC)
    options = SegmentOptions()
    with POOL.use(CLIP) as clip, POOL.use(SAM) as sam:
        kept = analyse(Picture(np.asarray(large)), options, clip=clip, sam=sam)
        label(kept, tuple(Label(name) for name in SPEED_LABELS), options, clip=clip)
    return peak_mb()


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; 1 if a bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.segment", description=__doc__)
    parser.add_argument("--scenes", type=Path, default=BUNDLED, help="folder of scenes; the bundled ones by default")
    parser.add_argument("--count", type=int, help="how many scenes; all by default")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="two scenes, one repeat: only to see that it runs")
    parser.add_argument("--peak", action="store_true", help="only the peak memory on a 12-megapixel picture, in MB")
    parser.add_argument("--bundle", type=int, metavar="N", help="write N of --scenes as the bundled ones, and stop")
    options = parser.parse_args(arguments)
    set_quiet_environment()
    if options.bundle:
        bundle(options.scenes, options.bundle, side_px=320)
        return 0
    if options.peak:
        print(large_peak_mb())
        return 0
    rows = run(is_quick=options.quick, scenes=options.scenes, count=options.count)
    if options.json:
        print(json.dumps({"machine": machine(), "results": {"segment": [row.as_dict() for row in rows]}}, indent=2))
    else:
        print(markdown(rows, "python -m benchmarks.segment"))
    return int(any(row.is_met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
