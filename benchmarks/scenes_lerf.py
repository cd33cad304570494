"""A scene held against labels in LERF-OVS's layout, by both protocols of the field.

Run: ``python -m benchmarks.scenes_lerf SCENE LABELS [--order features] [--langsplat]``. SCENE is a file that the 3D tab
opens, its views sorted by name as LERF-OVS numbers them, or a bundled scene's name; LABELS a folder of
``frame_00041.json``. ``--langsplat`` asks as LangSplat's code does: its negative words, pixels, no hubness.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.scenes_truth import LANGSPLATS
from core.errors import HubError, InputError
from core.pool import POOL
from demos.gaussians.answers import SceneHandle
from demos.gaussians.evaluate import evaluate_pictures, evaluate_scene, read_lerf_labels
from demos.gaussians.options import ORDERS, QueryOptions
from demos.gaussians.pipeline import open_scene


def scores(handle: SceneHandle, labels: Path, options: QueryOptions) -> dict[str, dict[str, float]]:
    """Both protocols' figures; see :mod:`demos.gaussians.evaluate`.

    Raises:
        InputError: the scene has no language, or the labels are none.
    """
    if handle.field is None:
        raise InputError("A scene without language cannot be evaluated.")
    views = read_lerf_labels(labels, handle.cameras)
    with POOL.use(handle.field.model) as model:
        pictures = evaluate_pictures(handle, views, options, model=model)
        scene = evaluate_scene(handle, views, options, model=model)
    return {
        "picture": {"localisation": round(pictures.localisation, 4), "miou": round(pictures.miou, 4)},
        "scene": {"miou": round(scene.miou, 4), "accuracy_at_quarter": round(scene.accuracy_at_quarter, 4)},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenes_lerf", description=__doc__)
    parser.add_argument("scene", help="a scene file, or the name of a bundled scene")
    parser.add_argument("labels", type=Path, help="folder of frame_*.json")
    parser.add_argument("--order", choices=ORDERS, default=QueryOptions.order)
    parser.add_argument("--langsplat", action="store_true", help="ask as LangSplat's code does")
    given = parser.parse_args(arguments)
    options = LANGSPLATS if given.langsplat else QueryOptions(order=given.order)
    try:
        path = Path(given.scene)
        found = scores(open_scene(path if path.is_file() else given.scene), given.labels, options)
    except HubError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
