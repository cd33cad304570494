"""What comes back: an opened scene, found words, what lies under a click. Frozen; arrays are not to be written to.

    open_scene(source, *, name, job) -> SceneHandle                        reads a file, or a bundled scene by name
    query(handle, text, options, *, model, camera, job) -> SceneAnswer     slow once a view, then milliseconds
    click(handle, camera, xy, *, model, vocabulary, job) -> ClickAnswer
    edit(handle, command, selection, *, model, job) -> SceneHandle         undo(handle), redo(handle)

are in :mod:`demos.gaussians.pipeline`. :mod:`.render_view` draws answers, :mod:`.exports` turns them into files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demos.gaussians.cameras import Camera
from demos.gaussians.field import LanguageField
from demos.gaussians.history import History, Selection
from demos.gaussians.scene import BLACK, Floats, GaussianScene

Vector = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class SceneHandle:
    """A scene that is being looked at, with its edits. Edits give a new handle; this one stays as it is.

    Attributes:
        name: Of the bundled scene or the file.
        original: As it was read.
        scene: After the edits; row i came from row ``rows[i]`` of the original.
        rows: (N,) int32.
        field: What the rows of ``scene`` mean, or None.
        history: The edits.
        cameras: Views that came with it, the one to start from first; never empty.
        up_xyz: Direction that points up.
        kind: What the file was, in words.
        notes: Sentences about what was left out, mended or assumed.
        is_bundled: Whether it is one of ours.
        original_field: What the rows of ``original`` mean, or None.
        background_rgb: What is behind it, in [0, 1].
    """

    name: str
    original: GaussianScene
    scene: GaussianScene
    rows: NDArray[np.int32]
    field: LanguageField | None
    history: History
    cameras: tuple[Camera, ...]
    up_xyz: Vector
    kind: str = ""
    notes: tuple[str, ...] = ()
    is_bundled: bool = False
    original_field: LanguageField | None = None
    background_rgb: Vector = BLACK


@dataclass(frozen=True)
class LevelPeak:
    """How strongly one level answers.

    Attributes:
        level: Its name.
        peak: Greatest relevancy in [0, 1], after smoothing, or of a piece of the scene where pieces answer, seen or
            not: what chooses the level and decides "not found".
        mean_peak: Greatest relevancy of the box-filtered map alone: what LangSplat localises by.
        at_xy: Pixel (column, row) of ``mean_peak``.
        is_chosen: Whether this level answers.
    """

    level: str
    peak: float
    mean_peak: float
    at_xy: tuple[int, int]
    is_chosen: bool


@dataclass(frozen=True)
class Extent:
    """Where a selection is, in world units; floaters (outside the quartiles by 1.5 spans and more) do not count.

    Attributes:
        centroid_xyz: Mean of the centres, each by opacity and selection.
        box_min_xyz: Least coordinates.
        box_max_xyz: Greatest coordinates.
        size_xyz: Their difference.
        gaussians: How many count.
    """

    centroid_xyz: Vector
    box_min_xyz: Vector
    box_max_xyz: Vector
    size_xyz: Vector
    gaussians: int


@dataclass(frozen=True, eq=False)
class Found:
    """The answer to one query in one view.

    Attributes:
        query: As typed.
        level: Name of the level that answers.
        peaks: One a level, finest first: the strip.
        peak: ``peak`` of the level that answers, absolute in [0, 1]; 0.5 is "as likely as the best negative".
        least_peak: What it was held against.
        is_found: Whether it reached that. If not, mask and selection are empty; heat is there all the same.
        sentence: One for the page: found where and how surely, or not found and what the best guess was.
        threshold: Relevancy above which a pixel belongs to the mask before the majority filter.
        relevancy: (H, W) float32 in [0, 1], smoothed, of the level that answers.
        mask: (H, W) bool.
        gaussian_relevancy: (N,) float32 in [0, 1], each Gaussian's own at that level: heat for a viewer.
        selection: The Gaussians in 3D, hidden ones too; weights in (0, 1].
        extent: Where they are, or None if there are none.
    """

    query: str
    level: str
    peaks: tuple[LevelPeak, ...]
    peak: float
    least_peak: float
    is_found: bool
    sentence: str
    threshold: float
    relevancy: Floats
    mask: NDArray[np.bool_]
    gaussian_relevancy: Floats
    selection: Selection
    extent: Extent | None

    def as_json(self) -> dict[str, Any]:
        """What the endpoint returns; Gaussians are rows of the scene as it is exported."""
        where = self.extent
        return {
            "query": self.query,
            "level": self.level,
            "peak": round(self.peak, 6),
            "found": self.is_found,
            "centroid_xyz": None if where is None else [round(v, 6) for v in where.centroid_xyz],
            "box_min_xyz": None if where is None else [round(v, 6) for v in where.box_min_xyz],
            "box_max_xyz": None if where is None else [round(v, 6) for v in where.box_max_xyz],
            "gaussians": self.selection.rows.tolist(),
        }


@dataclass(frozen=True, eq=False)
class SceneAnswer:
    """The answers to all queries of one request, in one view.

    Attributes:
        found: One a query, in the order typed.
        camera: The view.
        rgb: (H, W, 3) uint8, the picture.
        depth: (H, W) float32, world units along the viewing direction; inf where nothing is.
        model: Name of the image-text model.
        scene: Name of the scene.
        seconds: Wall time of each stage: "view", "language", "words", "answer".
        notes: Sentences for the visitor.
    """

    found: tuple[Found, ...]
    camera: Camera
    rgb: NDArray[np.uint8]
    depth: Floats
    model: str
    scene: str
    seconds: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class WordScore:
    """How well a word fits: relevancy in [0, 1] and cosine."""

    word: str
    relevancy: float
    cosine: float


@dataclass(frozen=True, eq=False)
class ClickAnswer:
    """What lies under a pixel.

    Attributes:
        xy: The pixel (column, row).
        gaussian: Row of the Gaussian that the pixel shows most; -1 where nothing is.
        point_xyz: The point there, or None where nothing is.
        object_id: Row of the object table, or -1.
        level: Level whose embedding was compared with the words; "object" for the object's own.
        words: Nearest words, best first.
        selection: The object's Gaussians.
        extent: Where it is, or None.
        sentence: One for the page.
    """

    xy: tuple[int, int]
    gaussian: int
    point_xyz: Vector | None
    object_id: int
    level: str
    words: tuple[WordScore, ...]
    selection: Selection
    extent: Extent | None
    sentence: str
