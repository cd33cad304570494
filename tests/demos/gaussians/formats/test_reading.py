"""The one door: formats told by content, folders in a ZIP, and every cut and flip of small files."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Cancelled, InputError
from core.tasks import Job, Step
from demos.gaussians.formats.compressed_ply import write_compressed_ply
from demos.gaussians.formats.npz import write_npz
from demos.gaussians.formats.ply import write_ply
from demos.gaussians.formats.reading import read_scene
from demos.gaussians.formats.splat import write_splat
from demos.gaussians.formats.spz import write_spz
from demos.gaussians.scene import GaussianScene
from tests.demos.gaussians.scenes import assert_same, random_scene

WRITERS: dict[str, tuple[Callable[[GaussianScene], bytes], str]] = {
    "room.ply": (write_ply, "3DGS .ply"),
    "room.compressed.ply": (write_compressed_ply, "compressed .ply"),
    "room.splat": (write_splat, ".splat"),
    "room.spz": (write_spz, ".spz version 3"),
    "room.npz": (write_npz, "CLIP Atlas .npz"),
}


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def as_text(scene: GaussianScene) -> bytes:
    """The same .ply as text."""
    import plyfile

    data = plyfile.PlyData.read(io.BytesIO(write_ply(scene)))
    buffer = io.BytesIO()
    plyfile.PlyData(data.elements, text=True).write(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_by_content_and_by_path(name: str, tmp_path: Path) -> None:
    write, kind = WRITERS[name]
    data = write(random_scene(9))
    path = tmp_path / name
    path.write_bytes(data)
    for found in (read_scene(path), read_scene(data, name=name)):
        assert found.kind == kind and len(found.scene) == 9
        found.scene.validated()
    if not name.endswith(".splat"):
        assert read_scene(data).kind == kind  # no name needed
        assert read_scene(data, name="room.SPLAT").kind == kind  # content before name


def test_one_scene_in_a_zip() -> None:
    data = zipped(
        {"export/readme.txt": b"hi", "export/splat.ply": write_ply(random_scene(4)), "__MACOSX/._splat.ply": b""}
    )
    assert_same(read_scene(data, name="export.zip").scene, random_scene(4))


def test_progress_and_cancel() -> None:
    steps: list[Step] = []
    read_scene(write_ply(random_scene(2)), name="a.ply", job=Job(steps.append))
    assert steps and steps[0].stage == "loading" and steps[0].note == "a.ply"
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        read_scene(write_ply(random_scene(2)), job=job)


@pytest.mark.parametrize(
    "data, name, words",
    [
        (b"", "a.ply", "empty"),
        (b"\x89PNG\r\n\x1a\n", "cat.png", "no scene of Gaussians"),
        (b"hello world", "a.splat", "multiple of 32"),
        (b"hello world" * 32, "", "no scene of Gaussians"),
        (pickle.dumps({"a": 1}), "a.pth", "bare pickle"),
        (pickle.dumps({"a": 1}), "", "bare pickle"),
        (b"\x00" * 4_096, "a.ksplat", ".ksplat file"),
        (b"plywood", "a.ply", "no scene of Gaussians"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "a.ply", "Git LFS"),
        (zipped({"a.txt": b"x"}), "a.zip", "holds no scene"),
        (zipped({"a.ply": b"x", "b.ply": b"y"}), "a.zip", "holds 2 scenes"),
        (zipped({"../a.ply": b"x"}), "a.zip", "leaves the archive"),
        (zipped({"a.ply": zipped({})}), "a.zip", "no scene"),
        (zipped({"a.pth": pickle.dumps(1)}), "a.zip", "older pickles are refused"),
        (zipped({}), "a.npz", "no array"),
        (b"PK\x03\x04 and nothing", "a.zip", "no ZIP archive"),
        (gzip.compress(b"hello"), "a.spz", "no .spz"),
    ],
)
def test_what_is_no_scene(data: bytes, name: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_scene(data, name=name)
    sentence = str(caught.value)
    assert words in sentence and sentence.endswith(".") and "\n" not in sentence


def test_missing_file_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^nowhere.ply cannot be read"):
        read_scene(tmp_path / "nowhere.ply")
    with pytest.raises(InputError, match="No file"):
        read_scene([])


def sentence_or_scene(data: bytes, name: str) -> None:
    """The promise to whoever calls: a valid scene, or one sentence."""
    try:
        found = read_scene(data, name=name)
    except InputError as error:
        assert str(error).endswith(".") and "\n" not in str(error)
    else:
        found.scene.validated()
        assert len(found.scene)


SMALL = {name: write(random_scene(2, degree=1)) for name, (write, _) in WRITERS.items()} | {
    "text.ply": as_text(random_scene(2, degree=1)),
    "language.npz": write_npz(random_scene(2, degree=0, language=True)),
    "scene.zip": zipped({"a.splat": write_splat(random_scene(2))}),
}


@pytest.mark.parametrize("name", SMALL)
def test_every_cut(name: str) -> None:
    data = SMALL[name]
    ends = range(1, len(data), max(1, len(data) // 1_500))  # every byte but for the .npz
    for end in ends:
        sentence_or_scene(data[:end], name)


@pytest.mark.parametrize("name", SMALL)
@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), flips=st.integers(1, 8))
def test_flipped_bytes(name: str, seed: int, flips: int) -> None:
    rng = np.random.default_rng(seed)
    damaged = bytearray(SMALL[name])
    for at in rng.integers(0, len(damaged), flips):
        damaged[at] ^= int(rng.integers(1, 256))
    sentence_or_scene(bytes(damaged), name)


@pytest.mark.parametrize("name", SMALL)
@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_foreign_bytes_in_the_middle(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = SMALL[name]
    start, end = np.sort(rng.integers(0, len(data), 2))
    sentence_or_scene(data[:start] + rng.bytes(int(rng.integers(0, 100))) + data[end:], name)


@settings(deadline=None, max_examples=100)
@given(
    data=st.binary(min_size=1, max_size=400), head=st.sampled_from([b"", b"ply\n", b"\x1f\x8b", b"NGSP", b"PK\x03\x04"])
)
def test_noise(data: bytes, head: bytes) -> None:
    sentence_or_scene(head + data, "noise.splat")
