"""Worlds whose meaning is known: coloured balls on a plate, each Gaussian labelled, with fields of both kinds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demos.gaussians.answers import SceneHandle
from demos.gaussians.cameras import Camera, orbit
from demos.gaussians.colour import dc_from_rgb
from demos.gaussians.field import LEVELS, LanguageField, Objects
from demos.gaussians.field_file import write_scene
from demos.gaussians.pipeline import open_scene
from demos.gaussians.scene import Floats, GaussianScene
from tests.stub_model import COLOURS, StubModel

BALLS = ("red", "green", "blue", "yellow")  # in a row along x, one metre apart
PLATE = "white"
LABELS = (*BALLS, PLATE)
UP = (0.0, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class World:
    """A scene, what it means, and what is true of it.

    Attributes:
        scene: The Gaussians.
        field: Uplifted, in the space of the stub model.
        labels: (N,) index into LABELS.
        camera: Sees all of it.
    """

    scene: GaussianScene
    field: LanguageField
    labels: NDArray[np.intp]
    camera: Camera

    def opened(self) -> SceneHandle:
        """As a file and back."""
        return open_scene(write_scene(self.scene, self.field, cameras=[self.camera], up_xyz=UP), name="world.npz")


def world(per_ball: int = 150, *, seed: int = 0, width: int = 120, height: int = 80) -> World:
    """Four balls above a plate; the table holds the stub's picture embeddings of the plain colours."""
    rng = np.random.default_rng(seed)
    means, rgbs, labels = [], [], []
    for i, name in enumerate(BALLS):
        directions = rng.normal(size=(per_ball, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        means.append(directions * 0.3 + (i - 1.5, 0.0, 0.4))
        rgbs += [COLOURS[name]] * per_ball
        labels += [i] * per_ball
    across = np.stack(np.meshgrid(np.linspace(-2.2, 2.2, 30), np.linspace(-1, 1, 14)), -1).reshape(-1, 2)
    means.append(np.column_stack([across, np.zeros(len(across))]))
    rgbs += [COLOURS[PLATE]] * len(across)
    labels += [len(BALLS)] * len(across)
    count = len(labels)
    log_scales = np.full((count, 3), np.log(0.06), np.float32)
    log_scales[-len(across) :] = np.log((0.1, 0.1, 0.01))
    scene = GaussianScene(
        np.concatenate(means).astype(np.float32),
        log_scales,
        np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
        np.full(count, 3.0, np.float32),
        dc_from_rgb(np.array(rgbs, np.float32) / 255)[:, None],
    ).validated()
    found = np.array(labels, np.intp)
    camera = orbit((0, 0, 0.2), 5.2, 8.0, 30.0, width=width, height=height)
    return World(scene, uplifted(found), found, camera)


def uplifted(labels: NDArray[np.intp], *, model: str = "stub") -> LanguageField:
    """One row a label; at "subpart" only the balls mean something, at "part" half of the weight is another's."""
    table = colour_table()
    own = np.broadcast_to(labels[:, None, None], (len(labels), 3, 1))
    other = (own + 1) % len(LABELS)
    ids = np.concatenate([own, other], axis=2).astype(np.int32)
    weights = np.zeros(ids.shape, np.float32)
    weights[..., 0] = 1.0
    weights[:, 1, 1] = 1.0
    ids[labels == len(BALLS), 0] = -1
    words = tuple((f"{name} thing",) for name in LABELS)
    return LanguageField(
        model, LEVELS, ids, weights, table, objects=Objects(labels.astype(np.int32), table, words)
    ).validated(len(labels))


def colour_table() -> Floats:
    """(LABELS, D): the stub's embeddings of pictures in one colour."""
    pictures = [np.full((4, 4, 3), COLOURS[name], np.uint8) for name in LABELS]
    return StubModel().encode_images(pictures)


def coded(labels: NDArray[np.intp], *, dim: int = 24, seed: int = 0) -> LanguageField:
    """Codes on the sphere, one a label with a little noise, and a decoder of LangSplat's layout with steep layers."""
    rng = np.random.default_rng(seed)
    codes = rng.normal(size=(len(LABELS), 3, 3))
    noisy = codes[labels] + rng.normal(0, 0.05, (len(labels), 3, 3))
    noisy /= np.linalg.norm(noisy, axis=2, keepdims=True)
    widths = (3, 16, 32, 64, 128, 256, 256, dim)
    decoder = {}
    for i, (before, after) in enumerate(zip(widths, widths[1:], strict=False)):
        decoder[f"decoder.{2 * i}.weight"] = rng.normal(0, np.sqrt(2.2 / before), (after, before)).astype(np.float32)
        decoder[f"decoder.{2 * i}.bias"] = rng.normal(0, 0.1, after).astype(np.float32)
    return LanguageField("stub", LEVELS, codes=noisy.astype(np.float32), decoder=decoder).validated(len(labels))
