"""The catalogue: every row is complete, honest about its licence, and holds what the issue asks for."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from core import catalog
from core.__main__ import hash_table, main
from core.catalog import MODELS, Bundled, Hub, ModelSpec, Task, by_task, spec
from core.checkpoints import BUNDLED_DIR
from core.errors import ModelUnavailable
from core.lockfile import read_pin, sha256_of
from core.settings import ROOT

LOADERS = {
    "image-text": "core.clip",
    "promptable-masks": "core.sam",
    "illumination": "core.light",
    "denoising": "core.light_denoise",
    "sound-separation": "core.sep",
    "sound-text": "core.clap",
    "text-diffusion": "core.diffusion_text",
    "latent-diffusion": "core.diffusion_latent",
    "picture-editing": "core.diffusion_latent",
}


def _id(row: ModelSpec) -> str:
    return row.name


@pytest.mark.parametrize("row", MODELS, ids=_id)
def test_rows_are_complete(row: ModelSpec) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row.name) and row.title and row.note.endswith(".")
    assert row.licence and row.preprocess and row.image_px in (28, 64, 80, 96, 128, 192, 224, 256, 320, 336, 384, 1024)
    module, _, function = row.loader.partition(":")
    assert module == LOADERS[row.task] and function == "load"
    assert importlib.util.find_spec("core") is not None
    assert row.sources
    assert row.is_non_commercial == ("-NC" in row.licence)


@pytest.mark.parametrize("row", [row for row in MODELS if isinstance(row.sources[0], Hub)], ids=_id)
def test_hub_rows_name_a_repository_and_never_a_pickle(row: ModelSpec) -> None:
    source = row.sources[0]
    assert isinstance(source, Hub)
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", source.repo_id) and row.source_url.endswith(source.repo_id)
    names = (*source.files, *source.tokenizer, *source.optional)
    pickles = [name for name in names if Path(name).suffix in (".bin", ".pt", ".pth", ".pkl")]
    if row.family == "sam":  # its loader reads tensors and nothing else
        assert pickles == list(names) and len(pickles) == 1 and source.part
    elif row.family == "diffusers":  # a folder a part
        assert {"unet/config.json", "unet/diffusion_pytorch_model.safetensors"} <= set(source.files) and not pickles
    else:
        assert {"config.json", "model.safetensors"} <= set(source.files) and not pickles
    if row.task == "image-text":
        assert "preprocessor_config.json" in source.files and source.tokenizer
    assert len(set(names)) == len(names)
    assert row.download_mb == pytest.approx(4 * row.params_m, rel=0.06)  # float32, and a tokenizer


@pytest.mark.parametrize("row", [row for row in MODELS if isinstance(row.sources[0], Bundled)], ids=_id)
def test_bundled_rows_match_their_files(row: ModelSpec) -> None:
    source = row.sources[0]
    assert isinstance(source, Bundled) and row.download_mb == 0
    folder = BUNDLED_DIR / source.folder
    if not list(folder.glob("*.safetensors")):
        pytest.skip(f"{folder.relative_to(ROOT)} holds no weights yet")
    assert source.sha256 == {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def test_the_bundled_model_is_first_and_names_are_unique() -> None:
    assert isinstance(MODELS[0].sources[0], Bundled)
    assert len({row.name for row in MODELS}) == len({row.title for row in MODELS}) == len(MODELS)
    hubs = [source.key for row in MODELS for source in row.sources if isinstance(source, Hub)]
    assert len(set(hubs)) == len(hubs)


def test_each_task_has_its_rows_and_only_them() -> None:
    by_name = {task: [row.name for row in by_task(task)] for task in get_args(Task)}
    assert sorted(name for names in by_name.values() for name in names) == sorted(row.name for row in MODELS)
    assert by_name["image-text"][0] == "pocket-clip" and not [n for n in by_name["image-text"] if "sam" in n]
    assert all("sam" in name for name in by_name["promptable-masks"])


def test_the_rows_that_were_asked_for_are_there() -> None:
    repositories = {source.repo_id for row in MODELS for source in row.sources if isinstance(source, Hub)}
    wanted = (
        "openai/clip-vit-base-patch32",
        "openai/clip-vit-base-patch16",
        "openai/clip-vit-large-patch14",
        "openai/clip-vit-large-patch14-336",
        "laion/CLIP-ViT-B-32-laion2B",
        "laion/CLIP-ViT-B-16-laion2B",
        "laion/CLIP-ViT-L-14-laion2B",
        "laion/CLIP-ViT-H-14-laion2B",
        "laion/CLIP-ViT-B-32-256x256-DataComp",
        "laion/CLIP-ViT-L-14-DataComp",
        "wkcn/TinyCLIP-ViT-8M",
        "wkcn/TinyCLIP-ViT-39M",
        "google/siglip-base",
        "google/siglip2-base",
        "google/siglip2-so400m",
        "facebook/metaclip-b32",
        "facebook/metaclip-b16",
        "facebook/metaclip-l14",
        "zer0int/LongCLIP-L",
        "OFA-Sys/chinese-clip-vit-base",
        "BAAI/AltCLIP",
        "ybelkada/segment-anything",
        "facebook/sam-vit-base",
        "facebook/sam-vit-large",
        "facebook/sam-vit-huge",
    )
    assert all(any(found.startswith(start) for found in repositories) for start in wanted)
    assert {row.name for row in MODELS if row.is_non_commercial} == {"metaclip-b-32", "metaclip-b-16", "metaclip-l-14"}


def test_an_unknown_name_is_a_sentence() -> None:
    assert spec("clip-vit-b-32").title == "CLIP ViT-B/32 (OpenAI)"
    with pytest.raises(ModelUnavailable, match="No model is named 'clip'; known are pocket-clip, "):
        spec("clip")


def test_reading_the_catalogue_imports_no_model_library() -> None:
    heavy = "{'torch', 'transformers', 'huggingface_hub'}"
    code = f"import sys, core.catalog, core.pool, core.__main__; print(sorted({heavy} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


# The command line.


def test_hash_prints_what_a_bundled_row_needs(tiny_repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hash", str(tiny_repo)]) == 0
    printed = capsys.readouterr().out
    assert printed == hash_table(tiny_repo)
    assert eval(printed) == {path.name: sha256_of(path) for path in tiny_repo.iterdir()}


def test_get_remove_and_forget(
    tiny_spec: ModelSpec, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(catalog, "MODELS", (tiny_spec,))
    assert main(["models"]) == 0 and "not here" in capsys.readouterr().out
    assert main(["get", "tiny"]) == 0 and main(["models"]) == 0
    assert "not here" not in capsys.readouterr().out
    assert main(["remove", "tiny"]) == 0 and read_pin("acme/tiny") is not None
    assert main(["forget", "tiny"]) == 0 and read_pin("acme/tiny") is None
    assert main(["get", "nothing"]) == 1 and "No model is named 'nothing'" in capsys.readouterr().err
