"""Words in a scene of 300,000 Gaussians: what the first query of a view costs, and each one after it.

Times are CPU seconds of the process, all threads together; the bars of the issue are wall seconds on two cores, so
twice as many CPU seconds are allowed. The text is encoded by a stub: pocket-clip takes about 5 ms a word.
"""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Measurement
from core.calibration import Calibration
from demos.gaussians import pipeline
from demos.gaussians.answers import SceneHandle
from demos.gaussians.cameras import Camera
from demos.gaussians.commands import COLOURS, Command
from demos.gaussians.decoder import Decoder
from demos.gaussians.field import LEVELS, LanguageField, Pieces
from demos.gaussians.history import History
from demos.gaussians.meanings import of_pixels
from demos.gaussians.options import QueryOptions
from demos.gaussians.pieces import shared
from demos.gaussians.scene import GaussianScene
from demos.gaussians.weights import view_weights
from demos.gaussians.words import encode_words

CORES = 2
FIRST_BAR_S, NEXT_BAR_S, RECOLOUR_BAR_S = 2.0, 0.060, 0.150
DIM, MASKS, CHOICES = 512, 600, 4
PIECES, MEMBERSHIPS = 300, 11
_LANGSPLAT = (3, 16, 32, 64, 128, 256, 256, DIM)
_ALWAYS = QueryOptions(least_peak=0.0)  # so that selection and extent are part of every query


@dataclass
class RandomModel:
    """Texts to random unit vectors, each its own."""

    name: str = "random"
    scoring: str = "softmax"
    logit_scale: float = 100.0
    logit_bias: float = 0.0
    calibration: Calibration = field(default_factory=Calibration)

    def encode_texts(self, texts: Sequence[str], *, job: object = None) -> NDArray[np.float32]:
        """(M, DIM) unit norm."""
        seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") for text in texts]
        return _unit(np.array([np.random.default_rng(seed).normal(size=DIM) for seed in seeds]))

    def truncated(self, texts: Sequence[str]) -> tuple[()]:
        """None is too long."""
        return ()


def mask_field(scene: GaussianScene, *, seed: int = 0) -> LanguageField:
    """A hard case: each Gaussian holds four of the eight masks of its cell of 10 cm, ungrouped, at every level."""
    rng = np.random.default_rng(seed)
    cells = (np.floor(scene.means_xyz * 10).astype(np.int64) @ (73_856_093, 19_349_663, 83_492_791)) % (MASKS // 8)
    ids = np.empty((len(scene), len(LEVELS), CHOICES), np.int32)
    for level in range(len(LEVELS)):
        ids[:, level] = cells[:, None] * 8 + np.argsort(rng.random((len(scene), 8)), axis=1)[:, :CHOICES]
    weights = rng.random(ids.shape, np.float32)
    return LanguageField("random", LEVELS, ids, weights, _unit(rng.normal(size=(MASKS, DIM))))


def piece_field(scene: GaussianScene, *, seed: int = 0) -> LanguageField:
    """The hard case with pieces: every Gaussian in ``MEMBERSHIPS`` of them, as in the bundled scenes."""
    rng = np.random.default_rng(seed)
    plain = mask_field(scene, seed=seed)
    cells = np.floor(scene.means_xyz[:, :1] * np.arange(4, 4 + MEMBERSHIPS)).astype(np.int64)
    ids = (cells * 97 + 31 * np.arange(MEMBERSHIPS)) % PIECES
    nothing = np.zeros(PIECES, np.float32)
    levels = rng.integers(0, len(LEVELS), PIECES).astype(np.int8)
    pieces = Pieces(ids.astype(np.int32), levels, _unit(rng.normal(size=(PIECES, DIM))), nothing, nothing)
    return replace(plain, pieces=pieces)


def code_field(scene: GaussianScene, *, seed: int = 0) -> LanguageField:
    """Codes that change smoothly over the scene, and a decoder of LangSplat's layout."""
    rng = np.random.default_rng(seed)
    waves = np.einsum("nc,lcd->nld", scene.means_xyz, rng.normal(0, 6, (len(LEVELS), 3, 3)))
    codes = np.sin(waves + rng.normal(size=(len(LEVELS), 3)))
    decoder = {}
    for i, (before, after) in enumerate(zip(_LANGSPLAT[:-1], _LANGSPLAT[1:], strict=True)):
        decoder[f"decoder.{2 * i}.weight"] = rng.normal(0, np.sqrt(2 / before), (after, before)).astype(np.float32)
        decoder[f"decoder.{2 * i}.bias"] = rng.normal(0, 0.1, after).astype(np.float32)
    return LanguageField("random", LEVELS, codes=codes.astype(np.float32), decoder=decoder)


def query_rows(scene: GaussianScene, camera: Camera, *, times: int) -> list[Measurement]:
    """Pieces, uplifted and LangSplat's field, first and further words, recolouring, the decoder's shortcut."""
    _warm(scene.take(np.arange(min(500, len(scene)))), camera.resized(64, 48))
    rows = []
    size = f"{camera.width} x {camera.height}"
    fields = {
        "pieces": piece_field(scene),
        "uplifted field": mask_field(scene),
        "LangSplat's field": code_field(scene),
    }
    for kind, language in fields.items():
        first, further, recoloured = _asked(scene, language, camera, times)
        is_ours = language.table is not None
        bars = (FIRST_BAR_S * CORES, NEXT_BAR_S * CORES) if is_ours else (None, None)
        name = f"{len(scene):,} Gaussians, {kind}, {size}"
        note = "CPU seconds; picture, weights of the view, meanings of three levels, selection in 3D."
        rows.append(Measurement(f"first query of a view: {name}", first, None, "s", bars[0], False, note))
        rows.append(Measurement(f"- another word: {name}", further, None, "s", bars[1], False))
        if is_ours:
            rows.append(Measurement("- recolour what was found", recoloured, None, "s", RECOLOUR_BAR_S, False))
    rows.append(_shortcut(scene, camera, times))
    return rows


def _asked(scene: GaussianScene, language: LanguageField, camera: Camera, times: int) -> tuple[float, float, float]:
    """CPU seconds of a first query, of further ones and of a recolouring."""
    model = RandomModel()
    rows = np.arange(len(scene), dtype=np.int32)
    handle = SceneHandle(
        "benchmark", scene, scene, rows, language, History(), (camera,), (0, 0, 1), original_field=language
    )
    pipeline.NEIGHBOURS.get(scene.means_xyz, _ALWAYS.neighbours)  # once a scene, not once a view
    if language.pieces is not None:
        shared(language.pieces)
    first, further = [], []
    for turn in range(max(1, times // 3)):
        pipeline.VIEWS.clear()
        pipeline.PICTURES.clear()
        pipeline.MEANINGS.clear()
        first.append(
            _cpu_s(lambda turn=turn: pipeline.query(handle, f"first {turn}", _ALWAYS, model=model, camera=camera))
        )
        for word in range(max(1, times)):
            further.append(
                _cpu_s(lambda word=word: pipeline.query(handle, f"{word}", _ALWAYS, model=model, camera=camera))
            )
    found = pipeline.query(handle, "0", _ALWAYS, model=model, camera=camera).found[0]
    command = Command("recolour", rgb=COLOURS["red"])
    recoloured = [_cpu_s(lambda: pipeline.edit(handle, command, found.selection)) for _ in range(max(1, times))]
    return statistics.median(first), statistics.median(further), statistics.median(recoloured)


def _warm(scene: GaussianScene, camera: Camera) -> None:
    """Load what the first query of a process loads."""
    rows = np.arange(len(scene), dtype=np.int32)
    for language in (mask_field(scene), piece_field(scene), code_field(scene)):
        handle = SceneHandle("warm", scene, scene, rows, language, History(), (camera,), (0, 0, 1))
        pipeline.query(handle, "anything", _ALWAYS, model=RandomModel(), camera=camera)


def _shortcut(scene: GaussianScene, camera: Camera, times: int) -> Measurement:
    """A word by the activations before the decoder's last layer, and by decoding every pixel whole."""
    language, model, options = code_field(scene), RandomModel(), QueryOptions()
    assert language.codes is not None
    small = camera.resized(*options.map_wh(camera.width, camera.height))
    view = view_weights(scene, small, least=options.least_weight)
    decoder, texts = Decoder.of(language.decoder), encode_words(["word"], options, model=model).texts(0)  # type: ignore[arg-type]
    meanings = of_pixels(view, language, 0)
    meanings.relevancy(texts)
    unit = language.codes[:, 0] / np.linalg.norm(language.codes[:, 0], axis=1, keepdims=True)
    drawn = view.render(unit).reshape(-1, 3)

    def whole() -> NDArray[np.float32]:
        vectors = decoder.whole(drawn)
        excess = vectors @ texts.query - (vectors @ texts.negatives.T).max(axis=1)
        return 1 / (1 + np.exp(-np.float32(texts.temperature) * excess))

    ours = statistics.median(_cpu_s(lambda: meanings.relevancy(texts)) for _ in range(max(1, times)))
    peer = _cpu_s(whole)
    found = meanings.relevancy(texts)
    error = float(np.abs(found - whole())[found > 0].max())
    note = f"One level, {small.width} x {small.height} pixels; the relevancies differ by {error:.1e} at most."
    return Measurement("a word by the decoder's shortcut, full decode beside it", ours, peer, "s", None, True, note)


def _cpu_s(work: Callable[[], object]) -> float:
    start_s = time.process_time()
    work()
    return time.process_time() - start_s


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
