"""Words in a view of a scene: the relevancy of every level, the level that answers, mask, selection, sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.labels import quoted
from core.tasks import Job
from demos.gaussians.answers import Found, LevelPeak
from demos.gaussians.field import LanguageField
from demos.gaussians.history import Selection
from demos.gaussians.meanings import MeaningsCache, Texts
from demos.gaussians.neighbours import mean_over
from demos.gaussians.options import FIXED_CUT, QueryOptions
from demos.gaussians.pieces import Chosen, choose, of_gaussians
from demos.gaussians.raster_threads import share, thread_count
from demos.gaussians.relevancy import box_mean, mask_of
from demos.gaussians.scene import Floats, GaussianScene
from demos.gaussians.select import NEIGHBOURS, extent_of, finished, selected
from demos.gaussians.weights import ViewWeights
from demos.gaussians.words import Words, least_peak

MEANINGS = MeaningsCache()
_STEEPNESS = 3  # the cut at 0 lets pieces be answers that fall short of the best by five times as much
_COVERED = 0.5  # of a pixel, by the pieces that answer
_LEVEL_WORDS = {"subpart": "details", "part": "parts", "whole": "whole things"}  # as the page names them


@dataclass(frozen=True, eq=False)
class LevelMaps:
    """One level's answer in a view.

    Attributes:
        raw: (H, W) float32 relevancy.
        mean: (H, W) float32, its box mean.
        smoothed: (H, W) float32, half of each.
        own: (N,) float32, relevancy of the Gaussians themselves, where that was asked first.
    """

    raw: Floats
    mean: Floats
    smoothed: Floats
    own: Floats | None = None


def level_maps(
    view: ViewWeights,
    field: LanguageField,
    texts: Texts,
    options: QueryOptions,
    size_wh: tuple[int, int],
    *,
    job: Job | None = None,
) -> dict[str, LevelMaps]:
    """Relevancy of a query in a view, at every level that is asked for.

    Args:
        view: Weights of the view, of the map's size.
        field: Of the same Gaussians.
        texts: Query and negatives.
        options: Level, order, smoothing.
        size_wh: Of the maps that come back; the view's own or larger.
        job: Asked for Cancel.
    """
    names = [level for level in field.levels if options.level in ("auto", level)] or list(field.levels)
    levels = [field.levels.index(name) for name in names]
    compared = None if options.order != "relevancy" else _compared_first(view, field, levels, texts, job)
    found: dict[str, LevelMaps] = {}

    def one(i: int) -> None:
        if compared is None:
            raw = MEANINGS.pixels(view, field, levels[i], job=job).relevancy(texts, job=job)
            raw, own = raw.reshape(view.height, view.width), None
        else:
            raw, own = compared[0][..., i], compared[1][i]
        raw = enlarged(np.ascontiguousarray(raw), size_wh)
        mean = box_mean(raw, options.filter_px(size_wh[1]))
        found[names[i]] = LevelMaps(raw, mean, np.float32(0.5) * (raw + mean), own)

    share(one, len(names), threads=thread_count(), job=job)
    return {name: found[name] for name in names}


def enlarged(values: Floats, size_wh: tuple[int, int]) -> Floats:
    """A map (h, w) at another size, bilinear; itself at its own."""
    if values.shape == size_wh[::-1]:
        return values
    from PIL import Image

    return np.asarray(Image.fromarray(values).resize(size_wh, Image.Resampling.BILINEAR))


def _compared_first(
    view: ViewWeights, field: LanguageField, levels: Sequence[int], texts: Texts, job: Job | None
) -> tuple[Floats, list[Floats]]:
    """Mean relevancy of what a pixel shows, (H, W, levels), 0 where little of it has a meaning; the Gaussians' own."""
    own = [MEANINGS.gaussians(field, level, job=job).relevancy(texts, job=job) for level in levels]
    inverse = MEANINGS.inverse_shares(view, field, job=job)
    # Three columns at the least: the loop for three is the fast one, and three levels are what a field has.
    columns = np.column_stack([*own, *([np.zeros_like(own[0])] * max(0, 3 - len(own)))])
    drawn = view.render(columns, job=job)[..., : len(own)]
    return drawn * inverse[..., list(levels)], own


@dataclass(frozen=True, eq=False)
class InView:
    """The answer to a query in a view, before it is said what it is worth.

    Attributes:
        level: Level that answers.
        maps: Of every level that was asked.
        peaks: The greatest relevancy of every level that was asked: in the view, of pieces in the whole scene.
        mask: (H, W) bool.
        limit: Relevancy above which a pixel belongs to the mask.
        pointing: (H, W) float32, greatest where the answer is surest.
        of_gaussians: (N, L + 1) float32 what pieces say of every Gaussian, where they were asked.
    """

    level: str
    maps: dict[str, LevelMaps]
    peaks: dict[str, float]
    mask: NDArray[np.bool_]
    limit: float
    pointing: Floats
    of_gaussians: Floats | None = None


def in_view(
    view: ViewWeights,
    field: LanguageField,
    words: Words,
    index: int,
    options: QueryOptions,
    size_wh: tuple[int, int],
    *,
    job: Job | None = None,
) -> InView:
    """Look for one of the queries in a view. Arguments as for :func:`find`."""
    if asks_pieces(field, options):
        return _pieces_in_view(view, field, words, index, options, size_wh, job)
    maps = level_maps(view, field, words.texts(index), options, size_wh, job=job)
    peaks = {level: float(some.smoothed.max()) for level, some in maps.items()}
    best = max(peaks, key=lambda level: peaks[level])
    mask, limit = mask_of(maps[best].smoothed, options.threshold, options.cut)
    sharpest = max(maps.values(), key=lambda some: float(some.mean.max()))
    return InView(best, maps, peaks, mask, limit, sharpest.mean)


def asks_pieces(field: LanguageField, options: QueryOptions) -> bool:
    """Whether a query is answered with pieces."""
    return options.order == "pieces" and field.pieces is not None and len(field.pieces.table) > 0


def _chosen(field: LanguageField, words: Words, index: int, options: QueryOptions) -> Chosen:
    assert field.pieces is not None
    level = field.levels.index(options.level) if options.level in field.levels else None
    generosity = ((1 - options.cut) / (1 - FIXED_CUT)) ** _STEEPNESS
    return choose(field.pieces, words.texts(index), words.parts.get(index), level=level, generosity=generosity)


def _pieces_in_view(
    view: ViewWeights,
    field: LanguageField,
    words: Words,
    index: int,
    options: QueryOptions,
    size_wh: tuple[int, int],
    job: Job | None,
) -> InView:
    """Pieces need no smoothing to be quiet: what answers is decided in space, and the view only shows it."""
    assert field.pieces is not None
    chosen = _chosen(field, words, index, options)
    names = [level for level in field.levels if options.level in ("auto", level)] or list(field.levels)
    levels = [field.levels.index(name) for name in names]
    own = of_gaussians(field.pieces, chosen, len(field.levels), job=job)
    drawn = view.render(np.ascontiguousarray(own[:, [*levels, -1]]), job=job)
    size_px = options.filter_px(size_wh[1])
    maps, peaks = {}, {}
    for place, name in enumerate(names):
        raw = enlarged(np.ascontiguousarray(drawn[..., place]), size_wh)
        maps[name] = LevelMaps(raw, box_mean(raw, size_px), raw)
        peaks[name] = float(chosen.relevancy[field.pieces.levels == levels[place]].max(initial=0))
    best = field.levels[chosen.level]
    best = best if best in maps else names[0]  # no piece has the level that was asked for
    cover = enlarged(np.ascontiguousarray(drawn[..., -1]), size_wh)
    if options.threshold == "fixed":
        mask, limit = cover >= _COVERED, float(chosen.relevancy[chosen.is_chosen].min(initial=1))
    else:
        mask, limit = mask_of(maps[best].smoothed, options.threshold, options.cut)
    return InView(best, maps, peaks, mask, limit, box_mean(cover, size_px), own)


def find(
    scene: GaussianScene,
    field: LanguageField,
    view: ViewWeights,
    words: Words,
    index: int,
    options: QueryOptions,
    size_wh: tuple[int, int],
    *,
    model: str,
    job: Job | None = None,
) -> Found:
    """Answer one of the queries.

    Args:
        scene: N Gaussians.
        field: Of the same Gaussians.
        view: Weights of the view, of the map's size.
        words: Queries and negatives.
        index: Which query.
        options: How.
        size_wh: Of the picture.
        model: Name of the model, for what its peaks are held against.
        job: Asked for Cancel.
    """
    query = words.queries[index]
    seen = in_view(view, field, words, index, options, size_wh, job=job)
    best, maps = seen.level, seen.maps
    peaks = tuple(_peak(level, seen.peaks[level], some, level == best) for level, some in maps.items())
    peak, least = seen.peaks[best], least_peak(options, model, by_pieces=seen.of_gaussians is not None)
    is_found = peak >= least
    place = field.levels.index(best)
    if seen.of_gaussians is None:
        own, answers = maps[best].own, None
        if own is None:
            own = MEANINGS.gaussians(field, place, job=job).relevancy(words.texts(index), job=job)
    else:
        own, answers = seen.of_gaussians[:, place], seen.of_gaussians[:, -1] > 0
    nothing = Selection.of(np.zeros(len(scene), np.float32))
    selection = _selected(scene, field, own, options, answers) if is_found else nothing
    return Found(
        query=query,
        level=best,
        peaks=peaks,
        peak=peak,
        least_peak=least,
        is_found=is_found,
        sentence=_sentence(query, best, peak, least, len(selection.rows), seen),
        threshold=seen.limit,
        relevancy=maps[best].smoothed,
        mask=seen.mask if is_found else np.zeros_like(seen.mask),
        gaussian_relevancy=np.ascontiguousarray(own),
        selection=selection,
        extent=extent_of(scene, selection),
    )


@dataclass(frozen=True, eq=False)
class InScene:
    """The answer to a query without a view.

    Attributes:
        level: Level that answers.
        peak: Greatest relevancy of a Gaussian there, averaged with its neighbours.
        selection: The Gaussians.
        relevancy: (N,) float32 at that level.
    """

    level: str
    peak: float
    selection: Selection
    relevancy: Floats


def select_in_scene(
    scene: GaussianScene,
    field: LanguageField,
    words: Words,
    index: int,
    options: QueryOptions,
    *,
    job: Job | None = None,
) -> InScene:
    """Select by the Gaussians' own meanings; the level with the greatest relevancy answers. Arguments as for find."""
    if asks_pieces(field, options):
        chosen = _chosen(field, words, index, options)
        best = field.levels[chosen.level]
        assert field.pieces is not None
        said = of_gaussians(field.pieces, chosen, len(field.levels), job=job)
        own = said[:, chosen.level]
        return InScene(best, float(chosen.relevancy.max()), _selected(scene, field, own, options, said[:, -1] > 0), own)
    names = [level for level in field.levels if options.level in ("auto", level)] or list(field.levels)
    found: dict[str, tuple[float, Floats]] = {}
    for name in names:
        own = MEANINGS.gaussians(field, field.levels.index(name), job=job).relevancy(words.texts(index), job=job)
        near = NEIGHBOURS.get(scene.means_xyz, options.neighbours) if options.neighbours else None
        found[name] = float((own if near is None else mean_over(own, near)).max(initial=0.0)), own
    best = max(found, key=lambda name: found[name][0])
    peak, own = found[best]
    return InScene(best, peak, selected(scene, own, options, objects=field.objects), own)


def _selected(
    scene: GaussianScene,
    field: LanguageField,
    own: Floats,
    options: QueryOptions,
    answers: NDArray[np.bool_] | None,
) -> Selection:
    """The Gaussians of the pieces that answer; without pieces, or with another threshold, those above the cut."""
    if answers is None or options.threshold != "fixed":
        return selected(scene, np.ascontiguousarray(own), options, objects=field.objects)
    return finished(scene, answers, options, objects=field.objects)


def _peak(level: str, peak: float, maps: LevelMaps, is_chosen: bool) -> LevelPeak:
    row, column = np.unravel_index(int(maps.mean.argmax()), maps.mean.shape)
    at_xy = (int(column), int(row))
    return LevelPeak(level, peak, float(maps.mean.max()), at_xy, is_chosen)


def _sentence(query: str, level: str, peak: float, least: float, count: int, seen: InView) -> str:
    if peak >= least and seen.of_gaussians is not None and not seen.mask.any():
        return (
            f"{quoted(query)} is in the scene, but not to be seen in this view: {_among(level)}, peak {peak:.2f}, "
            f"{count:,} Gaussians selected."
        )
    if peak >= least:
        return f"{quoted(query)} found {_among(level)}: peak {peak:.2f}, {count:,} Gaussians selected."
    place = "view" if seen.of_gaussians is None else "scene"
    return (
        f"{quoted(query)} was not found in this {place}: the best match, {_among(level)}, reaches {peak:.2f}, "
        f"and {least:.2f} is asked."
    )


def _among(level: str) -> str:
    """A level in the words that the page has for it."""
    return f"among the {_LEVEL_WORDS[level]}" if level in _LEVEL_WORDS else f"at the level “{level}”"
