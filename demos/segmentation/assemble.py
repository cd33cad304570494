"""From decisions to the answer: rows for the legend, rows for the regions, and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.labels import listed, quoted
from demos.segmentation.analysis import Analysis
from demos.segmentation.answers import OTHER, LabelRow, Mode, Region, Segmentation, WordScore
from demos.segmentation.colours import OTHER_RGB, colours_of
from demos.segmentation.labelling import Labelled, score_rows, thresholds_of
from demos.segmentation.options import SegmentOptions
from demos.segmentation.regions import boxes_of_values, inner_points
from demos.segmentation.scores import Scores
from demos.segmentation.words import Words

TOP_WORDS = 5
MOST_GUESSES = 3  # regions shown in grey where nothing passed


def assembled(
    analysis: Analysis,
    words: Words,
    done: Labelled,
    options: SegmentOptions,
    *,
    mode: Mode,
    seconds: Mapping[str, float],
    notes: Sequence[str],
    all_words: Words | None = None,
) -> Segmentation:
    """Put the answer together.

    Args:
        analysis: The picture.
        words: The labels, in the order of their indices from 1.
        done: Who is called what.
        options: Thresholds and colours.
        mode: Where the words came from.
        seconds: Wall time of the stages.
        notes: Sentences so far.
        all_words: The whole vocabulary, to show each region's best nouns; None shows the labels.
    """
    shown = done.scores if all_words is None else score_rows(all_words, [done.vectors])
    shown_names = words.names if all_words is None else all_words.names
    area = np.bincount(done.region_map.ravel(), minlength=len(done.labels) + 1)[1:]
    regions = _regions(done, area, words.names, [best_words(shown, n, shown_names) for n in range(len(area))])
    is_empty = not any(region.label_index for region in regions)
    guesses = _guesses(done) if is_empty else ()
    used = sorted({region.label_index for region in regions if region.label_index}) if mode == "vocabulary" else None
    more = list(notes)
    if is_empty and regions:
        more.append(_sentence_for_nothing(done, words.names, options))
    answer = Segmentation(
        label_map=done.label_map,
        region_map=done.region_map,
        labels=_legend(done, area, words.names, options),
        regions=regions,
        guesses=guesses,
        mode=mode,
        way=analysis.way,
        seconds=seconds,
        models=analysis.models,
        notes=tuple(more),
    )
    return answer if used is None else _only_used(answer, used)


def best_words(found: Scores, row: int, names: Sequence[str]) -> tuple[WordScore, ...]:
    """The best words of one region, best first."""
    order = np.argsort(-found.words[row], kind="stable")[:TOP_WORDS]
    return tuple(WordScore(names[k], float(found.words[row, k]), float(found.cosines[row, k])) for k in order)


def _regions(
    done: Labelled, area: NDArray[np.int64], names: Sequence[str], words: Sequence[tuple[WordScore, ...]]
) -> tuple[Region, ...]:
    count, whole = len(area), done.region_map.size
    boxes = boxes_of_values(done.region_map, count)
    points = inner_points(done.region_map, count)
    found = []
    for n in range(count):
        index = int(done.labels[n])
        found.append(
            Region(
                id=n + 1,
                label_index=index,
                label=names[index - 1] if index else OTHER,
                score=float(done.scores.words[n, index - 1] if index else done.scores.words[n].max()),
                words=words[n],
                area_px=int(area[n]),
                share=float(area[n] / whole),
                box_xyxy=(int(boxes[n, 0]), int(boxes[n, 1]), int(boxes[n, 2]), int(boxes[n, 3])),
                point_xy=(int(points[n, 0]), int(points[n, 1])),
                level=done.levels[n],
                parent=int(done.parents[n]),
                predicted_iou=float(done.trust[n, 0]),
                stability=float(done.trust[n, 1]),
            )
        )
    return tuple(found)


def _legend(
    done: Labelled, area: NDArray[np.int64], names: Sequence[str], options: SegmentOptions
) -> tuple[LabelRow, ...]:
    whole = done.region_map.size
    share = np.bincount(done.labels, area, minlength=len(names) + 1) / whole
    counts = np.bincount(done.labels, minlength=len(names) + 1)
    best = done.scores.words.max(axis=0, initial=0.0)
    colours = colours_of(names, options.label_colours)
    thresholds = thresholds_of(names, options)
    rows = [LabelRow(0, OTHER, OTHER_RGB, 0.0, float(1.0 - share[1:].sum()), int(counts[0]), 0.0)]
    for k, name in enumerate(names):
        rows.append(
            LabelRow(
                k + 1, name, colours[k], float(thresholds[k]), float(share[k + 1]), int(counts[k + 1]), float(best[k])
            )
        )
    return tuple(rows)


def _guesses(done: Labelled) -> tuple[int, ...]:
    """The regions that came nearest to a name, best first; one for each word at most."""
    order = np.argsort(-done.scores.words.max(axis=1, initial=0.0), kind="stable")
    found: dict[int, int] = {}
    for n in order:
        found.setdefault(int(done.scores.words[n].argmax()), int(n) + 1)
    return tuple(list(found.values())[:MOST_GUESSES])


def _sentence_for_nothing(done: Labelled, names: Sequence[str], options: SegmentOptions) -> str:
    n, k = (int(at) for at in np.unravel_index(done.scores.words.argmax(), done.scores.words.shape))
    return (
        f"Nothing in this picture fits {listed(list(names))} well enough; nearest is {quoted(names[k])} with "
        f"{done.scores.words[n, k]:.0%}, and {thresholds_of(names, options)[k]:.0%} is asked. "
        "The nearest regions are shown in grey."
    )


def _only_used(answer: Segmentation, used: Sequence[int]) -> Segmentation:
    """The legend of a vocabulary: only the nouns that a region carries, largest first, numbered anew."""
    order = sorted(used, key=lambda index: -answer.labels[index].share)
    new_of = np.zeros(len(answer.labels), np.uint8)
    for place, index in enumerate(order, 1):
        new_of[index] = place
    rows = [answer.labels[0], *(replace(answer.labels[i], index=int(new_of[i])) for i in order)]
    regions = tuple(replace(region, label_index=int(new_of[region.label_index])) for region in answer.regions)
    return replace(answer, labels=tuple(rows), regions=regions, label_map=new_of[answer.label_map])
