"""What lies under a pixel: the object there, its embedding, and the words that are nearest to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.calibration import unit_rows
from core.image_text import ImageTextModel
from core.labels import key_of, quoted
from core.prompts import BACKGROUND
from core.tasks import Job
from demos.gaussians.answers import ClickAnswer, SceneHandle, Vector, WordScore
from demos.gaussians.decoder import Decoder
from demos.gaussians.field import Ints, LanguageField
from demos.gaussians.history import Selection
from demos.gaussians.query import MEANINGS
from demos.gaussians.relevancy import relevancy
from demos.gaussians.scene import Floats, GaussianScene
from demos.gaussians.select import NEIGHBOURS, RING_NEIGHBOURS, extent_of

MOST_WORDS = 5
_TOLD = 3  # of them in the sentence
LIKE = 0.9  # cosine with the clicked Gaussian from which another one belongs to the same thing
_VOCABULARY = Path(__file__).with_name("data") / "words.txt"


@cache
def bundled_words() -> tuple[str, ...]:
    """The bundled words: things of rooms and tables, one a line."""
    return tuple(line.strip() for line in _VOCABULARY.read_text(encoding="utf-8").splitlines() if line.strip())


def shown_by(
    handle: SceneHandle,
    gaussian: int,
    point_xyz: Vector,
    xy: tuple[int, int],
    owners: Ints,
    weights: Floats,
    level: str,
) -> ClickAnswer:
    """What a Gaussian belongs to, by what the scene itself knows; without a model.

    Args:
        handle: The scene.
        gaussian: The one that the pixel shows most.
        point_xyz: The point there.
        xy: The pixel.
        owners: All Gaussians of the pixel.
        weights: How much of each it shows.
        level: Which level's embeddings to follow where the scene has no objects.
    """
    scene, field = handle.scene, handle.field
    if field is None:
        alone = Selection(np.array([gaussian], np.int32), np.ones(1, np.float32))
        told = f"Gaussian {gaussian:,}; this scene carries no language, so nothing is known of what it belongs to."
        return ClickAnswer(xy, gaussian, point_xyz, -1, "", (), alone, extent_of(scene, alone), told)
    object_id = object_at(field, owners, weights)
    if object_id >= 0:
        shown, selection = "object", object_rows(field, object_id)
    else:
        shown = level if level in field.levels else field.levels[-1]
        selection = like(scene, field, gaussian, field.levels.index(shown))
    told = _told(selection, kept_words(field, object_id))
    return ClickAnswer(xy, gaussian, point_xyz, object_id, shown, (), selection, extent_of(scene, selection), told)


def with_words(
    handle: SceneHandle,
    answer: ClickAnswer,
    model: ImageTextModel,
    vocabulary: Sequence[str] | None = None,
    *,
    job: Job | None = None,
) -> ClickAnswer:
    """The answer with the words nearest to it; as it is where nothing lies, or if the field is another model's.

    Args:
        handle: The scene.
        answer: Of :func:`shown_by`.
        model: The encoder.
        vocabulary: Words to choose from; None takes the bundled ones.
        job: Cancel.
    """
    field = handle.field
    if field is None or answer.gaussian < 0 or field.model not in ("", model.name):
        return answer
    if answer.object_id >= 0:
        assert field.objects is not None
        vector: Floats = field.objects.table[answer.object_id]
    else:
        vector = embedding_of(field, answer.gaussian, field.levels.index(answer.level))
    words = nearest_words(vector, model, vocabulary, job=job)
    names = [word.word for word in words] or kept_words(field, answer.object_id)
    return replace(answer, words=words, sentence=_told(answer.selection, names))


def kept_words(field: LanguageField | None, object_id: int) -> tuple[str, ...]:
    """The words that a scene keeps for one of its objects, the best first."""
    if field is None or field.objects is None or object_id < 0 or not field.objects.words:
        return ()
    return field.objects.words[object_id]


def _told(selection: Selection, names: Sequence[str]) -> str:
    count = f"{len(selection.rows):,} Gaussians"
    return f"{count}, nearest to {', '.join(map(quoted, names[:_TOLD]))}." if names else f"{count}."


def object_at(field: LanguageField, owners: Ints, weights: Floats) -> int:
    """The object that a pixel shows most: row of the object table, or -1.

    Args:
        field: With or without objects.
        owners: Gaussians of the pixel.
        weights: How much of each it shows.
    """
    if field.objects is None or not owners.size:
        return -1
    ids = field.objects.ids[owners]
    sums = np.bincount(ids + 1, weights=weights, minlength=1)
    return int(sums.argmax()) - 1


def object_rows(field: LanguageField, object_id: int) -> Selection:
    """The Gaussians of an object."""
    assert field.objects is not None
    return Selection.of(field.objects.ids == object_id)


def like(scene: GaussianScene, field: LanguageField, row: int, level: int) -> Selection:
    """Gaussians that mean the same as ``row`` and hang together with it through neighbours.

    For scenes without objects: a cosine of ``LIKE`` or more, connected by the nearest-neighbour graph.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    vector = embedding_of(field, row, level)
    means = MEANINGS.gaussians(field, level)
    alike = means.meant.spread(np.ascontiguousarray(means.cosines(vector[None])[:, 0])) >= LIKE
    alike[row] = True
    rows = np.flatnonzero(alike)
    place = np.full(len(scene), -1, np.int64)
    place[rows] = np.arange(len(rows))
    near = place[NEIGHBOURS.get(scene.means_xyz, RING_NEIGHBOURS)[rows]]
    begin, which = np.nonzero(near >= 0)
    graph = coo_matrix((np.ones(len(begin), np.int8), (begin, near[begin, which])), shape=(len(rows),) * 2)
    _, parts = connected_components(graph, directed=False)
    mask = np.zeros(len(scene), bool)
    mask[rows[parts == parts[place[row]]]] = True
    return Selection.of(mask)


def embedding_of(field: LanguageField, row: int, level: int) -> Floats:
    """What one Gaussian means, (D,) float32 unit norm; zeros if nothing."""
    if field.codes is not None:
        code = field.codes[row, level]
        length = float(np.linalg.norm(code))
        return Decoder.of(field.decoder).whole(code[None] / np.float32(length or 1))[0] * np.float32(length > 0)
    assert field.ids is not None and field.weights is not None and field.table is not None
    ids, weights = field.ids[row, level], field.weights[row, level]
    summed: NDArray[np.float32] = weights[ids >= 0] @ field.table[ids[ids >= 0]]
    return unit_rows(summed[None])[0]


def nearest_words(
    vector: Floats,
    model: ImageTextModel,
    words: Sequence[str] | None = None,
    *,
    most: int = MOST_WORDS,
    job: Job | None = None,
) -> tuple[WordScore, ...]:
    """The words nearest to an embedding, best first.

    Args:
        vector: (D,) unit norm; zeros give no words.
        model: The encoder; words that it has seen cost nothing.
        words: To choose from; None takes the bundled ones.
        most: How many to return.
        job: Cancel.
    """
    chosen = list(
        {key_of(word): word for word in (bundled_words() if words is None else words) if word.strip()}.values()
    )
    if not vector.any() or not chosen:
        return ()
    rows = model.encode_texts([*chosen, *BACKGROUND], job=job)
    mean = model.calibration.image_mean
    offsets = np.zeros(len(rows), np.float32) if mean is None else rows @ mean
    cosines = rows @ vector - offsets
    scores = relevancy(cosines[: len(chosen)], np.broadcast_to(cosines[len(chosen) :], (len(chosen), len(BACKGROUND))))
    order = np.argsort(-cosines[: len(chosen)], kind="stable")[:most]
    return tuple(WordScore(chosen[i], float(scores[i]), float(cosines[i])) for i in order)
