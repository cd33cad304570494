"""The numbers that a fit moves: Adam, densifying, pruning, and all of it in a file to go on from.

Rates and rules are 3D Gaussian Splatting's (Kerbl et al. 2023, arXiv:2308.04079, section 5.2 and its code), its 30,000
iterations pressed into as many as there are: Gaussians whose place on the pictures is pulled at most are cloned where
they are small and split where they are large, those that nearly vanish or swell are taken out. Opacities are not
reset: in a short run that costs more than the floaters it removes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from demos.gaussians.fit_gradient import Gradients
from demos.gaussians.rotations import matrices_from_quats
from demos.gaussians.scene import Floats, GaussianScene

NAMES: Final = ("means_xyz", "log_scales", "quats_wxyz", "opacity_logits", "sh")
RATES: Final = {"log_scales": 5e-3, "quats_wxyz": 1e-3, "opacity_logits": 5e-2, "sh": 2.5e-3}
FIRST_MEAN_RATE, LAST_MEAN_RATE = 1.6e-4, 1.6e-6  # of the scene's extent
HIGHER_BANDS: Final = 1 / 20  # of the rate of the constant band
SPLIT_ABOVE: Final = 0.01  # of the extent: larger Gaussians are split, smaller ones cloned
PULLED_ABOVE: Final = 2e-4  # mean length of the derivative by the place, pictures two units wide
LEAST_OPACITY: Final = 0.005
SWOLLEN: Final = 0.3  # of the extent
_SHRINK: Final = 1.6
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-15
_VERSION: Final = 1
_MAX_BYTES: Final = 2_000_000_000


@dataclass
class FitState:
    """A scene in the making.

    Attributes:
        scene: Its numbers, written in place between two densifications.
        first: Adam's means of the derivatives, by name.
        second: Adam's means of their squares, by name.
        steps: Adam's steps so far.
        pulls: (N,) sums of the lengths of the derivative by the place since the last densification.
        sightings: (N,) in how many views each was seen since then.
        extent: 3DGS's scene extent in world units.
    """

    scene: GaussianScene
    first: dict[str, Floats]
    second: dict[str, Floats]
    steps: int
    pulls: Floats
    sightings: Floats
    extent: float

    @classmethod
    def start(cls, scene: GaussianScene, extent: float) -> FitState:
        """Begin with a scene; its arrays are copied."""
        own = GaussianScene(*(getattr(scene, name).copy() for name in NAMES))
        first, second = ({name: np.zeros_like(getattr(own, name)) for name in NAMES} for _ in range(2))
        count = len(own)
        return cls(own, first, second, 0, np.zeros(count, np.float32), np.zeros(count, np.float32), extent)

    def step(self, slopes: Gradients, progress: float, *, haste: float = 1.0) -> None:
        """One step of Adam.

        Args:
            slopes: Derivatives of a view.
            progress: Share of the run that is done, 0 to 1; the rate of the places falls with it.
            haste: Factor on the rate of the places: a run of few iterations has to go further in each.
        """
        self.steps += 1
        mean_rate = FIRST_MEAN_RATE ** (1 - progress) * LAST_MEAN_RATE**progress * self.extent * haste
        for name in NAMES:
            rate: Any = RATES.get(name, mean_rate)
            if name == "sh":
                rate = np.full((1, self.scene.sh.shape[1], 1), rate * HIGHER_BANDS, np.float32)
                rate[:, 0] = RATES["sh"]
            self._move(name, getattr(slopes, name), rate)
        quats = self.scene.quats_wxyz
        quats /= np.linalg.norm(quats, axis=1, keepdims=True)
        height, width = slopes.rgb.shape[:2]
        seen = slopes.weights > 0
        self.pulls += np.linalg.norm(slopes.centres_px * np.array((width / 2, height / 2), np.float32), axis=1)
        self.sightings += seen

    def _move(self, name: str, slope: Floats, rate: Any) -> None:
        first, second = self.first[name], self.second[name]
        first += np.float32(1 - _BETA1) * (slope - first)
        second += np.float32(1 - _BETA2) * (slope * slope - second)
        fair = np.sqrt(1 - _BETA2**self.steps) / (1 - _BETA1**self.steps)
        array: Floats = getattr(self.scene, name)
        array -= np.asarray(rate * fair, np.float32) * first / (np.sqrt(second) + np.float32(_EPSILON))

    def densify(self, most: int, rng: np.random.Generator) -> tuple[int, int]:
        """Clone and split what is pulled, take out what vanishes; returns how many were added and taken out."""
        pull = self.pulls / np.maximum(self.sightings, 1)
        scales = self.scene.scales.max(1)
        is_pulled = pull > PULLED_ABOVE
        room = max(0, most - len(self.scene))
        if int(is_pulled.sum()) > room:
            chosen = np.argsort(-pull, kind="stable")[:room]
            is_pulled &= np.isin(np.arange(len(pull)), chosen)
        is_large = scales > SPLIT_ABOVE * self.extent
        cloned, split = np.flatnonzero(is_pulled & ~is_large), np.flatnonzero(is_pulled & is_large)
        halves = [_half(self.scene.take(split), rng) for _ in range(2)]
        kept = np.ones(len(self.scene), bool)
        kept[split] = False
        before = len(self.scene)
        self._take(np.concatenate([np.flatnonzero(kept), cloned]), fresh=len(cloned))
        self._append(halves)
        added = len(self.scene) - before
        return added, self.prune()

    def prune(self) -> int:
        """Take out what nearly vanishes or has swollen; returns how many."""
        is_sound = (self.scene.opacities > LEAST_OPACITY) & (self.scene.scales.max(1) < SWOLLEN * self.extent)
        if int(is_sound.sum()) >= 1:
            self._take(np.flatnonzero(is_sound))
        self.pulls[:] = 0
        self.sightings[:] = 0
        return int((~is_sound).sum())

    def _take(self, rows: NDArray[np.intp], *, fresh: int = 0) -> None:
        """Keep some rows; Adam knows nothing yet of the last ``fresh``."""
        self.scene = self.scene.take(rows)
        old = len(rows) - fresh
        for table in (self.first, self.second):
            for name in NAMES:
                table[name] = table[name][rows]
                table[name][old:] = 0
        self.pulls, self.sightings = self.pulls[rows], self.sightings[rows]

    def _append(self, scenes: list[GaussianScene]) -> None:
        count = sum(len(scene) for scene in scenes)
        whole = (self.scene, *scenes)
        joined: dict[str, Any] = {n: np.concatenate([getattr(scene, n) for scene in whole]) for n in NAMES}
        self.scene = replace(self.scene, **joined)
        for table in (self.first, self.second):
            for name in NAMES:
                rest = np.zeros((count, *table[name].shape[1:]), np.float32)
                table[name] = np.concatenate([table[name], rest])
        nothing = np.zeros(count, np.float32)
        self.pulls, self.sightings = np.concatenate([self.pulls, nothing]), np.concatenate([self.sightings, nothing])

    def save(self, path: Path, *, mark: str, done: int) -> None:
        """Write everything to a file, whole or not at all; ``mark`` says what run it belongs to."""
        arrays: dict[str, Any] = {name: getattr(self.scene, name) for name in NAMES}
        arrays |= {f"first_{name}": self.first[name] for name in NAMES}
        arrays |= {f"second_{name}": self.second[name] for name in NAMES}
        numbers = np.array([_VERSION, done, self.steps, self.extent], np.float64)
        stream = io.BytesIO()
        np.savez(
            stream, **arrays, pulls=self.pulls, sightings=self.sightings, numbers=numbers,
            mark=np.frombuffer(mark.encode(), np.uint8),
        )  # fmt: skip
        half = path.with_name(path.name + ".part")
        half.write_bytes(stream.getvalue())
        half.replace(path)

    @classmethod
    def load(cls, path: Path, *, mark: str) -> tuple[FitState, int]:
        """Read what :meth:`save` wrote: the state and the iterations done.

        Raises:
            InputError: the file is damaged or belongs to another run.
        """
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise InputError(f"The checkpoint {path.name} is larger than {_MAX_BYTES / 1e9:.0f} GB.")
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
                arrays = {name: held[name] for name in held.files}
            numbers = arrays["numbers"]
            scene = GaussianScene(*(arrays[name] for name in NAMES)).validated()
            first, second = ({name: arrays[f"{kind}_{name}"] for name in NAMES} for kind in ("first", "second"))
            is_whole = all(table[name].shape == arrays[name].shape for table in (first, second) for name in NAMES)
            own = arrays["mark"].tobytes().decode()
            state = cls(scene, first, second, int(numbers[2]), arrays["pulls"], arrays["sightings"], float(numbers[3]))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, TypeError) as error:
            raise InputError(f"The checkpoint {path.name} is damaged; start the fit anew.") from error
        if not is_whole or int(numbers[0]) != _VERSION or len(state.pulls) != len(scene):
            raise InputError(f"The checkpoint {path.name} is damaged; start the fit anew.")
        if own != mark:
            raise InputError(f"The checkpoint {path.name} belongs to other photos or options; start the fit anew.")
        return state, int(numbers[1])


def _half(scene: GaussianScene, rng: np.random.Generator) -> GaussianScene:
    """Smaller Gaussians, each at a place drawn from the one it comes from."""
    drawn = rng.normal(size=(len(scene), 3)) * scene.scales
    moved = np.einsum("nij,nj->ni", matrices_from_quats(scene.quats_wxyz), drawn) if len(scene) else drawn
    return GaussianScene(
        scene.means_xyz + moved.astype(np.float32),
        scene.log_scales - np.float32(np.log(_SHRINK)),
        scene.quats_wxyz,
        scene.opacity_logits,
        scene.sh,
    )
