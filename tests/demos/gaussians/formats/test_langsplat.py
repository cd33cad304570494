"""LangSplat's checkpoints: files made as its authors make them come back; any other pickle is refused, never run."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.catalog import spec
from core.errors import InputError
from demos.gaussians.formats.blob import open_blob
from demos.gaussians.formats.langsplat import MODEL, is_checkpoint, read_checkpoints
from demos.gaussians.formats.reading import read_scene
from demos.gaussians.formats.result import ReadScene
from demos.gaussians.scene import GaussianScene
from tests.demos.gaussians.scenes import random_scene


def saved(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def codes_of(level: int, count: int = 12) -> np.ndarray:
    return np.random.default_rng(level).normal(size=(count, 3)).astype(np.float32)


def checkpoint(scene: GaussianScene, codes: np.ndarray | None, **changes: Any) -> tuple[Any, int]:
    """``GaussianModel.capture()`` of LangSplat (13 values) or of 3DGS (12), with the iteration."""

    def parameter(array: np.ndarray) -> torch.nn.Parameter:
        return torch.nn.Parameter(torch.from_numpy(np.array(array, np.float32)))

    parts: dict[str, Any] = {
        "degree": scene.degree,
        "xyz": parameter(scene.means_xyz),
        "f_dc": parameter(scene.sh[:, :1]),
        "f_rest": parameter(scene.sh[:, 1:]),
        "scaling": parameter(scene.log_scales),
        "rotation": parameter(scene.quats_wxyz * 3),
        "opacity": parameter(scene.opacity_logits[:, None]),
        "language": None if codes is None else parameter(codes),
        "radii": torch.zeros(len(scene)),
        "gradient": torch.zeros(len(scene), 1),
        "denominator": torch.zeros(len(scene), 1),
        "optimiser": {  # what Adam.state_dict() gives
            "state": {0: {"step": torch.tensor(1.0), "exp_avg": torch.zeros(3), "exp_avg_sq": torch.zeros(3)}},
            "param_groups": [{"lr": 2.5e-3, "betas": (0.9, 0.999), "eps": 1e-15, "amsgrad": False, "params": [0]}],
        },
        "extent": np.float32(4.2),  # the numpy scalar that torch's own allow-list lacks
    } | changes
    if codes is None:
        del parts["language"]
    return tuple(parts.values()), 30_000


def autoencoder(**changes: Any) -> dict[str, torch.Tensor]:
    """A state dict of LangSplat's autoencoder, two layers a side."""
    torch.manual_seed(0)
    state = {"encoder.0.weight": torch.randn(8, 512), "encoder.0.bias": torch.randn(8)}
    state |= {"decoder.0.weight": torch.randn(16, 3), "decoder.0.bias": torch.randn(16)}
    return state | {"decoder.2.weight": torch.randn(512, 16), "decoder.2.bias": torch.randn(512)} | changes


def read(*contents: bytes, names: tuple[str, ...] = (), budget: int = 10**6) -> ReadScene:
    names = names or tuple(f"{i}.pth" for i in range(len(contents)))
    return read_checkpoints([open_blob(c, name=n) for c, n in zip(contents, names, strict=True)], budget=budget)


def refusal(*contents: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read(*contents)
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith(".")
    return sentence


def test_three_levels_and_the_decoder() -> None:
    scene = random_scene(12)
    files = [saved(checkpoint(scene, codes_of(level))) for level in (1, 2, 3)]
    found = read(
        files[2], saved(autoencoder()), files[0], files[1], names=("x_3/c.pth", "ae.pth", "x_1/c.pth", "x_2/c.pth")
    )
    assert found.kind == "LangSplat checkpoint" and found.notes == ()
    for name in ("means_xyz", "log_scales", "opacity_logits", "sh"):
        np.testing.assert_array_equal(getattr(found.scene, name), getattr(scene, name))
    np.testing.assert_allclose(found.scene.quats_wxyz, scene.quats_wxyz, atol=1e-6)
    language = found.scene.language
    assert language is not None and language.codes is not None
    assert language.levels == ("subpart", "part", "whole") and language.model == MODEL
    for at, level in enumerate((1, 2, 3)):
        unit = codes_of(level) / np.linalg.norm(codes_of(level), axis=1, keepdims=True)
        np.testing.assert_allclose(language.codes[:, at], unit, atol=1e-6)
    assert set(language.decoder) == {"decoder.0.weight", "decoder.0.bias", "decoder.2.weight", "decoder.2.bias"}
    np.testing.assert_array_equal(language.decoder["decoder.2.weight"], autoencoder()["decoder.2.weight"].numpy())


def test_the_default_encoder_is_in_the_catalogue() -> None:
    assert spec(MODEL).name == MODEL


def test_without_an_autoencoder_it_says_so() -> None:
    found = read(saved(checkpoint(random_scene(12), codes_of(1))), names=("case_2/chkpnt30000.pth",))
    assert found.scene.language is not None and found.scene.language.levels == ("part",)
    assert "autoencoder" in found.notes[0]


def test_a_checkpoint_of_3dgs_has_no_language() -> None:
    found = read(saved(checkpoint(random_scene(12), None)))
    assert found.kind == "3DGS checkpoint" and found.scene.language is None and "no language" in found.notes[0]


@pytest.mark.parametrize("extent", [np.float32(1), np.float64(1), 1.0, torch.tensor(1.0)])
def test_the_last_parameter_in_every_spelling(extent: Any) -> None:
    read(saved(checkpoint(random_scene(12), codes_of(1), extent=extent)))


def test_numpy_1_spelled_its_module_otherwise() -> None:
    data = saved(checkpoint(random_scene(12), codes_of(1)))
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w") as target:
        for info in source.infolist():
            content = source.read(info).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
            target.writestr(info.filename, content)
    assert b"cnumpy.core.multiarray" in buffer.getvalue()
    assert len(read(buffer.getvalue()).scene) == 12


def test_from_a_path(tmp_path: Path) -> None:
    path = tmp_path / "figurines_1" / "chkpnt30000.pth"
    path.parent.mkdir()
    path.write_bytes(saved(checkpoint(random_scene(12), codes_of(1))))
    found = read_checkpoints([open_blob(path)], budget=5)
    assert len(found.scene) == 5 and found.scene.language is not None and found.scene.language.levels == ("subpart",)


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("was-run",)


def test_other_pickles_are_refused_by_name_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sentence = refusal(saved(checkpoint(random_scene(12), codes_of(1), extent=Hostile())))
    assert "refused" in sentence and "mkdir" in sentence
    assert "refused" in refusal(saved(Hostile()))
    assert "refused" in refusal(pickle.dumps(checkpoint(random_scene(12), None)))  # no ZIP at all
    assert not list(tmp_path.iterdir())


def test_compressed_or_overclaiming_archives_are_refused() -> None:
    data = saved(checkpoint(random_scene(12), codes_of(1)))
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            target.writestr(info.filename, source.read(info))
    assert "compressed" in refusal(buffer.getvalue())


def test_a_program_is_refused() -> None:
    class Twice(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * x

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}q\x00.")
        archive.writestr("archive/constants.pkl", b"\x80\x02}q\x00.")
    assert "TorchScript" in refusal(buffer.getvalue())


@pytest.mark.filterwarnings("ignore:Validating sparse")
@pytest.mark.parametrize(
    "changes, words",
    [
        ({"xyz": torch.zeros(12, 2)}, "(12, 2)"),
        ({"xyz": torch.zeros(12, 3, dtype=torch.int64)}, "int64"),
        ({"xyz": "nothing"}, "no tensor"),
        ({"opacity": torch.zeros(11, 1)}, "do not fit together"),
        ({"f_rest": torch.zeros(12, 7, 3)}, "do not fit together"),
        ({"xyz": torch.zeros(0, 3)}, "holds no Gaussian"),
        ({"language": torch.zeros(11, 3)}, "different"),
        ({"xyz": torch.zeros(1, 3).expand(10**12, 3)}, "more values than it stores"),
        ({"xyz": torch.eye(3).to_sparse()}, "floats of shape"),
    ],
)
def test_tensors_that_do_not_fit(changes: dict[str, Any], words: str) -> None:
    sentence = refusal(saved(checkpoint(random_scene(12), codes_of(1), **changes)))
    assert words in sentence or (words == "different" and "11" in sentence)


@pytest.mark.parametrize(
    "content, words",
    [
        ({"a": torch.zeros(3)}, "neither a checkpoint"),
        ([1, 2, 3], "13 or 12 parameters"),
        (torch.zeros(3), "13 or 12 parameters"),
        (autoencoder(**{"decoder.2.weight": torch.zeros(512, 17)}), "layer 2"),
        (autoencoder(**{"decoder.0.bias": torch.zeros(15)}), "layer 0"),
        (autoencoder(**{"decoder.0.weight": torch.full((16, 3), torch.nan)}), "layer 0"),
        (autoencoder(), "without a scene"),
    ],
)
def test_other_contents(content: Any, words: str) -> None:
    assert words in refusal(saved(content))


def test_levels_of_different_scenes_are_refused() -> None:
    files = [saved(checkpoint(random_scene(12, seed=seed), codes_of(seed))) for seed in (1, 2)]
    assert "different Gaussians" in refusal(*files)
    assert "at most 3" in refusal(*[files[0]] * 4)


def test_damaged_codes_become_none() -> None:
    codes = codes_of(1)
    codes[3], codes[4] = np.nan, 0
    language = read(saved(checkpoint(random_scene(12), codes))).scene.language
    assert language is not None and language.codes is not None
    assert not language.codes[3:5].any() and np.isfinite(language.codes).all()


def test_every_cut_is_a_sentence() -> None:
    data = saved(checkpoint(random_scene(2, degree=0), codes_of(1, 2)))
    for end in range(0, len(data), 97):
        refusal(data[: max(end, 1)])


def test_flipped_bytes_are_a_sentence_or_a_scene() -> None:
    data = saved(checkpoint(random_scene(2, degree=0), codes_of(1, 2)))
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(data)
        for at in rng.integers(0, len(data), 3):
            damaged[at] ^= int(rng.integers(1, 256))
        try:
            read(bytes(damaged)).scene.validated()
        except InputError as error:
            assert str(error).endswith(".")


def test_torch_files_are_told_from_others() -> None:
    assert is_checkpoint(open_blob(saved([1])))
    assert not is_checkpoint(open_blob(b"PK nothing"))


def test_a_zip_of_the_authors_folders() -> None:
    scene = random_scene(12)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for level in (3, 1, 2):
            archive.writestr(f"output/figurines_{level}/chkpnt30000.pth", saved(checkpoint(scene, codes_of(level))))
        archive.writestr("ckpt/figurines/best_ckpt.pth", saved(autoencoder()))
        archive.writestr("output/figurines_1/cfg_args", b"Namespace()")
    found = read_scene(buffer.getvalue(), name="figurines.zip")
    assert found.scene.language is not None and found.scene.language.codes is not None
    assert found.scene.language.levels == ("subpart", "part", "whole") and found.scene.language.decoder
    unit = codes_of(3) / np.linalg.norm(codes_of(3), axis=1, keepdims=True)
    np.testing.assert_allclose(found.scene.language.codes[:, 2], unit, atol=1e-6)


def test_several_files_at_once(tmp_path: Path) -> None:
    paths = []
    for level in (2, 1):
        paths.append(tmp_path / f"room_{level}.pth")
        paths[-1].write_bytes(saved(checkpoint(random_scene(12), codes_of(level))))
    found = read_scene(paths).scene.language
    assert found is not None and found.levels == ("subpart", "part")
