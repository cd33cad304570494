"""What was done to a scene, as data: a tuple of edits that is replayed, so undo forgets nothing and copies nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from demos.gaussians import edits
from demos.gaussians.deform import Body, Verb, deform
from demos.gaussians.edits import AffineColour
from demos.gaussians.scene import Floats, GaussianScene

MAX_EDITS = 100


@dataclass(frozen=True, eq=False)
class Selection:
    """Some Gaussians of the scene at the time of the edit: rows (M,) int32 and their weights (M,) float32."""

    rows: NDArray[np.int32]
    weights: Floats

    @staticmethod
    def of(weights: Floats | NDArray[np.bool_]) -> Selection:
        """Keep what is not 0 of weights (N,) or of a mask."""
        rows = np.flatnonzero(weights).astype(np.int32)
        return Selection(rows, weights[rows].astype(np.float32))

    def spread(self, count: int) -> Floats:
        """The weights of all ``count`` Gaussians, (N,) float32."""
        weights = np.zeros(count, np.float32)
        weights[self.rows] = self.weights
        return weights

    def mask(self, count: int) -> NDArray[np.bool_]:
        """The Gaussians that are selected by half or more, (N,)."""
        return self.spread(count) >= 0.5


@dataclass(frozen=True, eq=False)
class Isolate:
    """Keep only the selection."""

    selection: Selection


@dataclass(frozen=True, eq=False)
class Remove:
    """Drop the selection."""

    selection: Selection


@dataclass(frozen=True, eq=False)
class Recolour:
    """Map the selection's colours."""

    selection: Selection
    colour: AffineColour
    strength: float = 1.0


@dataclass(frozen=True, eq=False)
class Move:
    """Shift the selection, or a copy of it, by world units."""

    selection: Selection
    offset_xyz: tuple[float, float, float]
    is_copy: bool = False


@dataclass(frozen=True, eq=False)
class Scale:
    """Enlarge the selection about a point."""

    selection: Selection
    factor: float
    about_xyz: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Deform:
    """Stretch or twist the selection."""

    selection: Selection
    verb: Verb
    body: Body
    strength: float


Edit = Isolate | Remove | Recolour | Move | Scale | Deform


def applied(scene: GaussianScene, edit: Edit) -> GaussianScene:
    """The scene after one edit."""
    count, chosen = len(scene), edit.selection
    if isinstance(edit, Isolate):
        return edits.isolate(scene, chosen.mask(count))
    if isinstance(edit, Remove):
        return edits.remove(scene, chosen.mask(count))
    if isinstance(edit, Recolour):
        return edits.recolour(scene, chosen.spread(count), edit.colour, strength=edit.strength)
    if isinstance(edit, Move):
        do = edits.duplicate if edit.is_copy else edits.move
        return do(scene, chosen.mask(count), edit.offset_xyz)
    if isinstance(edit, Scale):
        return edits.scale(scene, chosen.mask(count), edit.factor, edit.about_xyz)
    return deform(scene, chosen.spread(count), edit.verb, edit.body, strength=edit.strength)


@dataclass(frozen=True, eq=False)
class History:
    """Edits in the order in which they were made, and those that were taken back, the latest last."""

    done: tuple[Edit, ...] = ()
    undone: tuple[Edit, ...] = ()

    def then(self, edit: Edit) -> History:
        """One edit more; what was taken back before is forgotten.

        Raises:
            InputError: there are ``MAX_EDITS`` already.
        """
        if len(self.done) >= MAX_EDITS:
            raise InputError(f"{len(self.done)} edits were made, the most that are kept; undo one first.")
        return History((*self.done, edit))

    def undo(self) -> History:
        """Without the last edit; the same history if there is none."""
        return History(self.done[:-1], (*self.undone, self.done[-1])) if self.done else self

    def redo(self) -> History:
        """With the edit that was taken back last; the same history if there is none."""
        return History((*self.done, self.undone[-1]), self.undone[:-1]) if self.undone else self

    def replayed(self, original: GaussianScene) -> GaussianScene:
        """The scene after all edits; the original itself if there are none."""
        scene = original
        for edit in self.done:
            scene = applied(scene, edit)
        return scene
