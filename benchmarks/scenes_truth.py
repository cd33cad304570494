"""The bundled scenes held against what is true about them: words asked in views that no scene was fitted to.

Run: ``python -m benchmarks.scenes_truth [NAME ...] [--json] [--card]``; ``--card`` writes the scores into the cards.
The truth (``truth.npz`` beside the scene, training/scenes/truth.py) lists queries, each with the parts that answer it,
and part masks of views. A Gaussian belongs to the part that most of its weight in the labelled training views lies in.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Measurement
from core.image_text import ImageTextModel
from core.pool import POOL
from demos.gaussians.answers import SceneHandle
from demos.gaussians.cameras import Camera
from demos.gaussians.evaluate import Scores, TrueView, evaluate_pictures, evaluate_scene, iou_of
from demos.gaussians.options import LANGSPLAT_NEGATIVES, QueryOptions
from demos.gaussians.pipeline import open_scene
from demos.gaussians.query import select_in_scene
from demos.gaussians.samples import CARD, SceneSample, bundled
from demos.gaussians.scene import GaussianScene
from demos.gaussians.weights import view_weights
from demos.gaussians.words import encode_words

TRUTH = "truth.npz"
LEAST_PX = 30  # of a thing in a view: less is not asked for there
BARS = {"localisation": 0.85, "miou_picture": 0.55, "miou_gaussians": 0.50}
_TITLES = {
    "localisation": "localisation in held-out views",
    "miou_picture": "mIoU of masks in held-out views",
    "miou_gaussians": "mIoU of selected Gaussians",
    "miou_scene": "mIoU of what selections cover in held-out views",
}
LANGSPLATS = QueryOptions(order="features", negatives=LANGSPLAT_NEGATIVES, hubness=False)  # as its code asks
_LEAST_WEIGHT = 1 / 256


@dataclass(frozen=True)
class Query:
    """What is asked: words, "object", "attribute" or "part", and the ids of the parts that answer."""

    text: str
    kind: str
    parts: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Truth:
    """What is true about a scene.

    Attributes:
        queries: What to ask.
        cameras: The labelled views.
        parts: (V, H, W) uint8, ids of parts, 0 for the stage.
        is_held_out: (V,) bool.
    """

    queries: tuple[Query, ...]
    cameras: tuple[Camera, ...]
    parts: NDArray[np.uint8]
    is_held_out: NDArray[np.bool_]

    def held_out(self) -> list[TrueView]:
        """The held-out views with the mask of every query that they show."""
        return [self._view(int(v)) for v in np.flatnonzero(self.is_held_out)]

    def _view(self, view: int) -> TrueView:
        masks = {query.text: np.isin(self.parts[view], query.parts) for query in self.queries}
        masks = {text: mask for text, mask in masks.items() if int(mask.sum()) >= LEAST_PX}
        return TrueView(str(view), self.cameras[view], masks, {text: (_box(mask),) for text, mask in masks.items()})

    def parts_of_gaussians(self, scene: GaussianScene) -> NDArray[np.int64]:
        """(N,) the part that most of a Gaussian's weight lies in, 0 for the stage, -1 for what no view shows."""
        sums = np.zeros((len(scene), int(self.parts.max()) + 1), np.float32)
        for view in np.flatnonzero(~self.is_held_out):
            weights = view_weights(scene, self.cameras[view], least=_LEAST_WEIGHT)
            found = weights.by_label(self.parts[view].astype(np.int32), sums.shape[1])
            owners = np.repeat(np.arange(len(scene)), np.diff(found.starts))
            np.add.at(sums, (owners, found.labels), found.weights)
        return np.where(sums.sum(1) > 0, sums.argmax(1), -1)


def read_truth(path: Path) -> Truth:
    """Read a truth file of ours."""
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
        rows = [json.loads(str(row)) for row in held["queries"]]
        numbers, poses = held["camera_intrinsics"], held["camera_world_to_cam"]
        cameras = tuple(
            Camera(int(w), int(h), float(fx), float(fy), float(cx), float(cy), pose)
            for (w, h, fx, fy, cx, cy), pose in zip(numbers, poses, strict=True)
        )
        queries = tuple(Query(row["query"], row["kind"], tuple(row["parts"])) for row in rows)
        return Truth(queries, cameras, held["parts"], held["is_held_out"])


def score(
    handle: SceneHandle, truth: Truth, *, model: ImageTextModel, options: QueryOptions | None = None
) -> dict[str, Any]:
    """All scores of a scene: overall and by kind of query.

    localisation and miou_picture are LangSplat's protocol in held-out views, miou_scene is OpenGaussian's there;
    miou_gaussians compares the Gaussians that a query selects, whether found or not, with those of the parts that
    answer it.
    """
    pictures = evaluate_pictures(handle, truth.held_out(), options, model=model)
    scenes = evaluate_scene(handle, truth.held_out(), options, model=model)
    selections = _selections(handle, truth, model, options or QueryOptions())
    found: dict[str, Any] = {"queries": len(truth.queries), "pairs": len(pictures.rows)}
    for kind in ("all", "object", "attribute", "part"):
        texts = {query.text for query in truth.queries if kind in ("all", query.kind)}
        rows = Scores(tuple(row for row in pictures.rows if row.query in texts))
        own = [selections[text] for text in texts]
        found[kind] = {
            "localisation": round(rows.localisation, 3),
            "miou_picture": round(rows.miou, 3),
            "miou_gaussians": round(float(np.mean(own)) if own else 0.0, 3),
            "miou_scene": round(Scores(tuple(row for row in scenes.rows if row.query in texts)).miou, 3),
        }
    return found


def truth_rows() -> list[Measurement]:
    """The scores of the bundled scenes as rows.

    Beneath each stand those of LangSplat's order of steps on the same field, and of the field that LangSplat's own
    training gives from the same photos and masks, asked as its code asks.
    """
    rows = []
    for name, (sample, trained) in _pairs().items():
        truth = read_truth(sample.path.with_name(TRUTH))
        ours = _scored(sample, truth)
        others = [("- pixels in LangSplat's order", _scored(sample, truth, QueryOptions(order="features")))]
        if trained is not None:
            others.append(("- LangSplat: autoencoder and 3 trained channels", _scored(trained, truth, LANGSPLATS)))
        for kind, title in _TITLES.items():
            whole = f"{name}, {ours['queries']} queries, {title}"
            rows.append(Measurement(whole, ours["all"][kind], None, "", BARS.get(kind), True, _by_kind(ours, kind)))
            rows += [
                Measurement(words, found["all"][kind], None, "", None, True, _by_kind(found, kind))
                for words, found in others
            ]
    return rows


def _pairs() -> dict[str, tuple[SceneSample, SceneSample | None]]:
    """The bundled scenes that have a truth, each with LangSplat's field of it, if there is one."""
    known = [sample for sample in bundled() if sample.path.with_name(TRUTH).is_file()]
    trained = {sample.path: sample for sample in known if sample.field_path is not None}
    return {sample.name: (sample, trained.get(sample.path)) for sample in known if sample.field_path is None}


def _scored(sample: SceneSample, truth: Truth, options: QueryOptions | None = None) -> dict[str, Any]:
    handle = open_scene(sample.name)
    assert handle.field is not None
    with POOL.use(handle.field.model) as model:
        return score(handle, truth, model=model, options=options)


def _by_kind(found: dict[str, Any], name: str) -> str:
    return ", ".join(f"{kind}s {found[kind][name]:.2f}" for kind in ("object", "attribute", "part")) + "."


def _selections(handle: SceneHandle, truth: Truth, model: ImageTextModel, options: QueryOptions) -> dict[str, float]:
    """IoU of the Gaussians of every query, each counted as one."""
    assert handle.field is not None
    parts = truth.parts_of_gaussians(handle.scene)
    words = encode_words([query.text for query in truth.queries], options, model=model)
    found = {}
    for index, query in enumerate(truth.queries):
        chosen = select_in_scene(handle.scene, handle.field, words, index, options)
        is_chosen = chosen.selection.spread(len(handle.scene)) >= 0.5
        found[query.text] = iou_of(is_chosen & (parts >= 0), np.isin(parts, query.parts))
    return found


def _box(mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return float(columns[0]), float(rows[0]), float(columns[-1]), float(rows[-1])


def main(arguments: Sequence[str] | None = None) -> int:
    """Score the scenes and print or write what came out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenes_truth", description=__doc__)
    parser.add_argument("names", nargs="*", help="bundled scenes; all by default")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--card", action="store_true", help="write the scores into the cards")
    given = parser.parse_args(arguments)
    found = {}
    for name, (sample, trained) in _pairs().items():
        if given.names and name not in given.names:
            continue
        truth = read_truth(sample.path.with_name(TRUTH))
        told = {"scores": _scored(sample, truth), "bars": BARS}
        if trained is not None:
            told["scores_langsplat"] = _scored(trained, truth, LANGSPLATS)
        found[name] = {key: value for key, value in told.items() if key != "bars"}
        if given.card:
            path = sample.path.with_name(CARD)
            card = json.loads(path.read_text(encoding="utf-8")) | told
            path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text = json.dumps(found, indent=None if given.json else 1)
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
