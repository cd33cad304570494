"""The one scene type: 3D Gaussians as a structure of arrays, and what they mean in words.

A Gaussian has the covariance R S S^T R^T with R from its unit quaternion and S = diag(exp(log_scales)), the opacity
sigmoid(opacity_logits), and the colour of :mod:`demos.gaussians.colour` (Kerbl et al. 2023, arXiv:2308.04079).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BLACK = (0.0, 0.0, 0.0)  # RGB behind a scene that does not say what is
MAX_DEGREE = 3
BANDS = (1, 4, 9, 16)  # coefficients a channel of SH degree 0, 1, 2, 3
_UNIT_TOLERANCE = 1e-3  # of a quaternion's squared norm; float16 and 8-bit files are normalised by their readers


@dataclass(frozen=True, eq=False)
class Language:
    """What the Gaussians mean, at one or more levels (subpart, part, whole).

    Two ways, alone or together: every Gaussian points at a row of a table of embeddings (training-free uplift), or
    carries a short code that a decoder turns into an embedding (LangSplat).

    Attributes:
        levels: Names of the L levels, finest first.
        model: Name of the image-text model whose space the embeddings live in; "" if unknown.
        ids: (N, L) int32, row of ``features`` or -1 for none; None without a table.
        features: (M, D) float32 unit-norm embeddings; None without a table.
        codes: (N, L, C) float32 codes; None without codes.
        decoder: Weights of the decoder of the codes by the name of LangSplat's state dict (``decoder.0.weight``,
            ...); empty if there is none.
    """

    levels: tuple[str, ...]
    model: str = ""
    ids: NDArray[np.int32] | None = None
    features: Floats | None = None
    codes: Floats | None = None
    decoder: Mapping[str, Floats] = field(default_factory=dict)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Language:
        """The same levels for some of the Gaussians, by mask or by index; tables stay whole."""
        return replace(
            self,
            ids=None if self.ids is None else self.ids[rows],
            codes=None if self.codes is None else self.codes[rows],
        )

    def validated(self, count: int) -> Language:
        """Return itself if it fits ``count`` Gaussians.

        Raises:
            ValueError: an array has another shape or type, or an id points past the table.
        """
        level_count = len(self.levels)
        if (self.ids is None) != (self.features is None):
            raise ValueError("ids and features come together; one of them is missing")
        if self.ids is not None and self.features is not None:
            _check("ids", self.ids, np.dtype(np.int32), (count, level_count))
            _check("features", self.features, np.dtype(np.float32), (None, None))
            least, greatest = (int(self.ids.min()), int(self.ids.max())) if self.ids.size else (-1, -1)
            if least < -1 or greatest >= len(self.features):
                raise ValueError(f"ids must lie in -1..{len(self.features) - 1}, not {least}..{greatest}")
        if self.codes is not None:
            _check("codes", self.codes, np.dtype(np.float32), (count, level_count, None))
        return self


@dataclass(frozen=True, eq=False)
class GaussianScene:
    """N Gaussians in one world frame.

    Attributes:
        means_xyz: (N, 3) float32, centres in world units.
        log_scales: (N, 3) float32, natural logarithms of the standard deviations along the own axes.
        quats_wxyz: (N, 4) float32, unit quaternions, own axes -> world.
        opacity_logits: (N,) float32, opacity before the sigmoid.
        sh: (N, K, 3) float32, spherical harmonics of R, G, B; K is 1, 4, 9 or 16. ``sh[:, 0]`` is the constant band.
        language: What the Gaussians mean, or None.
    """

    means_xyz: Floats
    log_scales: Floats
    quats_wxyz: Floats
    opacity_logits: Floats
    sh: Floats
    language: Language | None = None

    def __len__(self) -> int:
        return len(self.means_xyz)

    @property
    def degree(self) -> int:
        """Degree of the spherical harmonics, 0 to 3."""
        return BANDS.index(self.sh.shape[1])

    @property
    def scales(self) -> Floats:
        """(N, 3) standard deviations in world units."""
        return np.exp(self.log_scales)

    @property
    def opacities(self) -> Floats:
        """(N,) opacities in [0, 1]."""
        half = np.tanh(self.opacity_logits * np.float32(0.5))  # no overflow at either end
        return np.float32(0.5) + np.float32(0.5) * half

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> GaussianScene:
        """Some of the Gaussians, by (N,) mask or by index, with what they mean."""
        return GaussianScene(
            self.means_xyz[rows],
            self.log_scales[rows],
            self.quats_wxyz[rows],
            self.opacity_logits[rows],
            self.sh[rows],
            None if self.language is None else self.language.take(rows),
        )

    def validated(self) -> GaussianScene:
        """Return itself if every array has the promised shape, type and range; readers and edits end with this.

        Raises:
            ValueError: a shape, a type, a value that is not finite, or a quaternion that is not of unit length.
        """
        count = len(self.means_xyz)
        shapes: tuple[tuple[str, tuple[int | None, ...]], ...] = (
            ("means_xyz", (count, 3)),
            ("log_scales", (count, 3)),
            ("quats_wxyz", (count, 4)),
            ("opacity_logits", (count,)),
            ("sh", (count, None, 3)),
        )
        for name, shape in shapes:
            array: Floats = getattr(self, name)
            _check(name, array, np.dtype(np.float32), shape)
            if not np.isfinite(array).all():
                raise ValueError(f"{name} must be finite; {int((~np.isfinite(array)).sum())} values are not")
        if self.sh.shape[1] not in BANDS:
            raise ValueError(f"sh must have 1, 4, 9 or 16 coefficients a channel, not {self.sh.shape[1]}")
        if count:
            error = float(np.abs(np.einsum("nk,nk->n", self.quats_wxyz, self.quats_wxyz) - 1).max())
            if error > _UNIT_TOLERANCE:
                raise ValueError(f"quats_wxyz must have unit length; a squared length is off by {error:.3g}")
        if self.language is not None:
            self.language.validated(count)
        return self


def _check(name: str, array: NDArray, dtype: np.dtype, shape: tuple[int | None, ...]) -> None:
    """Hold an array against its type and shape; None in the shape stands for any length."""
    fits = array.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape, array.shape, strict=True))
    if array.dtype != dtype or not fits:
        raise ValueError(f"{name} must be {dtype.name} {shape}, not {array.dtype.name} {array.shape}")
