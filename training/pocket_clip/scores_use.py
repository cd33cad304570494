"""Scores of use: are the chances true, is "none of these" heard, what does it cost, does the text tower agree."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch

from core.calibration import probabilities
from training.pocket_clip import bank, minilm, phrases
from training.pocket_clip.packed import Packed
from training.pocket_clip.ranking import area_interval, area_under_roc, expected_calibration_error
from training.pocket_clip.trials import Trials, make_trials, unknown_pictures
from training.score import Score, mean, share

RESAMPLES = 500
MIXED = "val, test and dev lists of seven sets; the odd trials, temperature and threshold were fitted on the even ones"
LABELS = ["cat", "dog", "mug", "car", "tree", "house", "bird", "chair", "apple", "boat"]


def calibration_scores(packed: Packed, raw: Path, data: Path) -> list[Score]:
    """Calibration error, accuracy and "none of these" on ten-way trials, as the hub scores them."""
    trials = make_trials(packed, raw, data).half(1)
    best, sure = first_answers(packed, trials)
    rng = np.random.default_rng(0)
    picks = rng.integers(len(best), size=(RESAMPLES, len(best)))
    spread = [expected_calibration_error(sure[rows], best[rows] == 0) for rows in picks]
    error = expected_calibration_error(sure, best == 0)
    off = float(np.mean(spread)) - error  # resampling adds noise, and noise adds error: shift the interval back
    low, high = (max(0.0, float(np.quantile(spread, q)) - off) for q in (0.025, 0.975))
    what = "calibration error after calibration, 10-way over seven sets mixed"
    return [
        Score("ece", what, round(error, 4), len(best), round(min(low, error), 4), round(high, 4), 0.08, 0.04, True,
              MIXED),
        share("mixed_10way", "right name of ten, seven sets mixed, hubness corrected", best == 0, disjoint=MIXED),
        share("mixed_10way_raw", "right name of ten, seven sets mixed, plain cosines",
              trials.raw.argmax(1) == 0, disjoint=MIXED),
        *unknown_scores(packed, raw, data, trials),
    ]  # fmt: skip


def first_answers(packed: Packed, trials: Trials) -> tuple[np.ndarray, np.ndarray]:
    """First answer (N,) of each trial and its probability (N,), as core.calibration gives it."""
    chances = probabilities(
        (packed.scale * trials.corrected).astype(np.float32), "softmax", temperature=packed.calibration.temperature
    )
    return chances.argmax(1), chances.max(1)


def unknown_scores(packed: Packed, raw: Path, data: Path, trials: Trials) -> list[Score]:
    """Known things against things with no right name among the ten, by the best corrected cosine."""
    known = trials.corrected.max(1)
    without = trials.corrected[:, 1:].max(1)
    strange = unknown_pictures(packed, raw, data)
    what = "unknown things: area under the ROC of the best cosine,"
    rows = [
        ("unknown_auroc", f"{what} the right name among ten against left out", without, MIXED),
        ("unknown_auroc_unseen", f"{what} known pictures against photo classes never trained, no right name", strange,
         f"{MIXED}; 30 classes of which no picture is trained"),
    ]  # fmt: skip
    scores = []
    for name, words, unknown, disjoint in rows:
        area = area_under_roc(known, unknown)
        low, high = area_interval(area, len(known), len(unknown))
        counts = len(known) + len(unknown)
        scores.append(Score(name, words, round(area, 4), counts, round(low, 4), round(high, 4), disjoint=disjoint))
    return scores


def text_scores(packed: Packed, raw: Path, data: Path) -> list[Score]:
    """Student against teacher on phrases held out by hash: cosine after the same centring (the strict sense)."""
    texts = [text for text in phrases.all_phrases(raw) if phrases.is_held_out(text)]
    teacher = bank.centre(minilm.embed(texts), np.load(data / "mean.npy"))
    cosines = (packed.texts(texts) * teacher).sum(1)
    what = "student text tower against centred MiniLM, mean cosine, held-out phrases"
    return [mean("text_cosine", what, cosines, 0.9, disjoint="2 % of the phrases by hash are never trained")]


def cost_scores(packed: Packed) -> list[Score]:
    """One picture of 300x400 and 10 labels, median of 20 on one thread (CPU time: others use the machine too)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    picture = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    seconds = []
    for _ in range(20):
        start = time.process_time()
        packed.images(picture[None]) @ packed.texts(LABELS).T
        seconds.append(time.process_time() - start)
    torch.set_num_threads(threads)
    low, middle, high = (round(1000 * float(np.quantile(seconds, q)), 1) for q in (0.025, 0.5, 0.975))
    size = round(sum(path.stat().st_size for path in packed.folder.iterdir() if path.is_file()) / 1e6, 2)
    what = "one picture and 10 labels on one CPU core, ms of CPU time, median"
    return [
        Score("milliseconds", what, middle, 20, low, high, 150, 80, at_most=True),
        Score("megabytes", "folder, 10**6 bytes", size, 1, size, size, 30, 20, at_most=True),
    ]
