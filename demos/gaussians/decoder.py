"""LangSplat's decoder from short codes to embeddings, and the way around its last layer.

The decoder is Linear and ReLU in turns (3-16-32-64-128-256-256-512), the last Linear without ReLU, then length 1. With
h what enters the last layer W h + b,

    cos(unit(W h + b), t) = (h . W^T t + b . t) / sqrt(h^T W^T W h + 2 b^T W h + b . b)

so with h and the root kept, a new text costs one product of h's length instead of the last layer. That is exact within
rounding. Codes that were drawn are decoded once each; where a picture has more than ``MOST_CODES`` different ones, they
are gathered in the cells of the finest grid that has fewer, and a cell stands for the mean of its codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.tasks import Job
from demos.gaussians.field import Ints
from demos.gaussians.scene import Floats

MOST_CODES = 204_800  # 210 MB of activations a level; more than the pixels of a map as large as the defaults allow
_BITS = (12, 11, 10, 9, 8, 7, 6)  # steps of the grid between -1 and 1, as powers of 2
_PIECE = 16_384


@dataclass(frozen=True, eq=False)
class Decoder:
    """Weights and biases of the layers, first to last, (out, in) and (out,) float32."""

    layers: tuple[tuple[Floats, Floats], ...]

    @staticmethod
    def of(weights: Mapping[str, Floats]) -> Decoder:
        """From LangSplat's names, ``decoder.0.weight``, ``decoder.0.bias``, ``decoder.2.weight``, ...

        Raises:
            ValueError: a layer has no bias, or its input is not the output of the layer before.
        """
        numbers = sorted({int(name.split(".")[1]) for name in weights})
        layers: list[tuple[Floats, Floats]] = []
        for number in numbers:
            weight, bias = weights.get(f"decoder.{number}.weight"), weights.get(f"decoder.{number}.bias")
            if weight is None or bias is None or weight.ndim != 2 or bias.shape != weight.shape[:1]:
                raise ValueError(f"layer {number} of the decoder has no weight with a bias of its height")
            if layers and layers[-1][0].shape[0] != weight.shape[1]:
                raise ValueError(f"layer {number} of the decoder takes {weight.shape[1]}, not {len(layers[-1][0])}")
            layers.append((np.require(weight, np.float32, ["C"]), np.require(bias, np.float32, ["C"])))
        if not layers:
            raise ValueError("the decoder has no layer")
        return Decoder(tuple(layers))

    def hidden(self, codes: Floats) -> Floats:
        """What enters the last layer: (..., C) -> (..., H) float32."""
        values = codes
        for weight, bias in self.layers[:-1]:
            values = np.maximum(values @ weight.T + bias, np.float32(0.0))
        return values

    def whole(self, codes: Floats) -> Floats:
        """Codes (..., C) -> embeddings (..., D) float32, unit norm: the long way."""
        weight, bias = self.layers[-1]
        values = self.hidden(codes) @ weight.T + bias
        return values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), np.float32(1e-12))


@dataclass(frozen=True, eq=False)
class Decoded:
    """P codes, decoded up to the last layer, each different one once.

    Attributes:
        hidden: (U, H) float32.
        norms: (U,) float32, length of what the last layer would give; above 0.
        place: (P,) int32, row of ``hidden`` for every code, -1 for those without a meaning.
        weight: (D, H) float32, of the last layer.
        bias: (D,) float32.
    """

    hidden: Floats
    norms: Floats
    place: Ints
    weight: Floats
    bias: Floats

    @property
    def size_bytes(self) -> int:
        """Memory taken."""
        return self.hidden.nbytes + self.norms.nbytes + self.place.nbytes

    def dots(self, texts: Floats, *, job: Job | None = None) -> Floats:
        """Products of the embeddings, not normalised, with texts (Q, D): (U, Q) float32."""
        if job is not None:
            job.check()
        return self.hidden @ (texts @ self.weight).T + texts @ self.bias

    def spread(self, values: Floats) -> Floats:
        """Values of the different codes (U,) -> of all codes (P,); 0 for those without a meaning."""
        return np.append(values, np.float32(0.0)).astype(np.float32, copy=False)[self.place]


def decode(
    decoder: Decoder,
    codes: Floats,
    has_meaning: NDArray[np.bool_],
    *,
    most_codes: int | None = None,
    job: Job | None = None,
) -> Decoded:
    """Decode drawn codes up to the last layer.

    Args:
        decoder: The network.
        codes: (P, C) float32, as drawn, not normalised.
        has_meaning: (P,); others are not decoded.
        most_codes: How many are decoded; None takes ``MOST_CODES``.
        job: Asked for Cancel between pieces.
    """
    rows = np.flatnonzero(has_meaning)
    some, inverse = _different(codes[rows], most_codes or MOST_CODES)
    weight, bias = decoder.layers[-1]
    hidden = np.empty((len(some), weight.shape[1]), np.float32)
    norms = np.empty(len(some), np.float32)
    square, cross, constant = weight.T @ weight, 2 * (bias @ weight), float(bias @ bias)
    for first in range(0, len(some), _PIECE):
        if job is not None:
            job.check()
        piece = decoder.hidden(some[first : first + _PIECE])
        hidden[first : first + _PIECE] = piece
        squares = np.einsum("nh,nh->n", piece @ square, piece) + piece @ cross + constant
        norms[first : first + _PIECE] = np.sqrt(np.maximum(squares, 1e-24))
    place = np.full(len(codes), -1, np.int32)
    place[rows] = inverse
    return Decoded(hidden, norms, place, weight, bias)


def _different(codes: Floats, most: int) -> tuple[Floats, NDArray[np.intp]]:
    """The codes to decode, at most ``most``, and which of them stands for each of ``codes`` (P, C)."""
    if len(codes) <= most:
        return codes, np.arange(len(codes))
    inverse, counts = _cells(codes, _BITS[0])
    for bits in _BITS[1:]:
        if len(counts) <= most:
            break
        inverse, counts = _cells(codes, bits)
    means = [np.bincount(inverse, codes[:, channel], len(counts)) / counts for channel in range(codes.shape[1])]
    return np.stack(means, 1).astype(np.float32), inverse


def _cells(codes: Floats, bits: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Number of the grid's cell that each code lies in, counting those that are used, and how many lie in each."""
    cells = np.rint(codes * np.float32(2 ** (bits - 1))).astype(np.int64)
    cells -= cells.min(axis=0)
    spans = cells.max(axis=0) + 1
    if float(np.prod(spans.astype(np.float64))) < 2**62:
        keys = cells[:, 0]
        for channel in range(1, codes.shape[1]):
            keys = keys * spans[channel] + cells[:, channel]
        _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    else:
        _, inverse, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    return inverse.reshape(-1), counts
