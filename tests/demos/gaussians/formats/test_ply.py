"""3DGS .ply: our writer, plyfile's and gsplat's, every dialect that is out there, and files of strangers."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import plyfile
import pytest

from core.errors import InputError
from demos.gaussians.colour import dc_from_rgb
from demos.gaussians.formats.blob import open_blob
from demos.gaussians.formats.ply import read_ply, write_ply
from demos.gaussians.formats.result import UP_IS_MINUS_Y, UP_IS_Z, ReadScene
from demos.gaussians.scene import GaussianScene
from tests.demos.gaussians.formats.gsplat_exporter import gsplat_bytes
from tests.demos.gaussians.scenes import assert_same, random_scene


def read(data: bytes | Path, *, budget: int = 10**6) -> ReadScene:
    return read_ply(open_blob(data, name="room.ply"), budget=budget)


def refusal(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read(data)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence
    return sentence


def columns(scene: GaussianScene) -> dict[str, np.ndarray]:
    """The file's columns by name, built one by one."""
    table = {name: scene.means_xyz[:, i] for i, name in enumerate("xyz")}
    table |= {f"f_dc_{c}": scene.sh[:, 0, c] for c in range(3)}
    bands = scene.sh.shape[1] - 1
    table |= {f"f_rest_{c * bands + k}": scene.sh[:, 1 + k, c] for c in range(3) for k in range(bands)}
    table |= {"opacity": scene.opacity_logits}
    table |= {f"scale_{i}": scene.log_scales[:, i] for i in range(3)}
    return table | {f"rot_{i}": scene.quats_wxyz[:, i] for i in range(4)}


def by_plyfile(
    table: dict[str, np.ndarray], *, dtype: str = "f4", comments: tuple[str, ...] = (), **how: object
) -> bytes:
    """A .ply that plyfile writes; ``dtype`` is that of float columns."""
    fields = [(name, column.dtype if column.dtype.kind != "f" else dtype) for name, column in table.items()]
    rows = np.empty(len(next(iter(table.values()))), fields)
    for name, column in table.items():
        rows[name] = column
    buffer = io.BytesIO()
    element = plyfile.PlyElement.describe(rows, "vertex")
    plyfile.PlyData([element], comments=list(comments), **how).write(buffer)  # type: ignore[arg-type]
    return buffer.getvalue()


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_our_own_files_come_back_bit_by_bit(degree: int, tmp_path: Path) -> None:
    scene = random_scene(33, degree=degree)
    path = tmp_path / "room.ply"
    path.write_bytes(write_ply(scene))
    for found in (read(write_ply(scene)), read(path)):
        assert_same(found.scene, scene)
        assert found.notes == () and found.kind == "3DGS .ply" and found.up_xyz == UP_IS_MINUS_Y


def test_plyfile_reads_what_we_write() -> None:
    scene = random_scene(9, language=True)
    assert scene.language is not None and scene.language.ids is not None
    data = plyfile.PlyData.read(io.BytesIO(write_ply(scene, with_ids=True)))["vertex"]
    for name, column in columns(scene).items():
        np.testing.assert_array_equal(data[name], column)
    np.testing.assert_array_equal(data["id_part"], scene.language.ids[:, 0])
    np.testing.assert_array_equal(data["id_whole"], scene.language.ids[:, 1])
    assert data.data.dtype["id_part"] == np.int32
    assert_same(read(write_ply(scene, with_ids=True)).scene, replace(scene, language=None))


def test_the_layout_is_the_authors_own() -> None:
    header = write_ply(random_scene(1)).split(b"end_header\n")[0].decode()
    names = re.findall(r"property float (\w+)", header)
    assert names[:9] == ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"]
    assert names[9:54] == [f"f_rest_{i}" for i in range(45)]
    assert names[54:] == ["opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
    assert len(write_ply(random_scene(2))) - len(write_ply(random_scene(1))) == 248


@pytest.mark.parametrize("how", [{"text": True}, {"byte_order": ">"}, {"byte_order": "<"}])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("is_shuffled", [False, True])
def test_plyfile_in_every_dialect(how: dict[str, object], dtype: str, is_shuffled: bool) -> None:
    scene = random_scene(17, degree=2)
    table = columns(scene)
    if is_shuffled:
        names = list(table)
        np.random.default_rng(1).shuffle(names)
        table = {name: table[name] for name in names} | {"age": np.arange(17, dtype=np.uint8)}
    found = read(by_plyfile(table, dtype=dtype, **how)).scene
    if "text" in how and dtype == "f4":  # plyfile prints 9 digits: exact; doubles print 18
        np.testing.assert_allclose(found.means_xyz, scene.means_xyz, rtol=1e-6)
        np.testing.assert_allclose(found.sh, scene.sh, rtol=1e-5, atol=1e-7)
    else:
        assert_same(found, scene)


def test_gsplat_writes_it_too() -> None:
    scene = random_scene(12)
    data = gsplat_bytes(scene, "ply")
    assert_same(read(data).scene, scene)


def test_header_lines_may_end_like_on_windows() -> None:
    head, body = write_ply(random_scene(3)).split(b"end_header\n", 1)
    data = head.replace(b"\n", b"\r\n") + b"end_header\r\n" + body
    assert_same(read(data).scene, random_scene(3))


def test_quaternions_of_any_length_are_normalised() -> None:
    scene = random_scene(6)
    table = columns(scene)
    for i in range(4):
        table[f"rot_{i}"] = table[f"rot_{i}"] * 7
    np.testing.assert_allclose(read(by_plyfile(table)).scene.quats_wxyz, scene.quats_wxyz, atol=1e-6)


def test_missing_bands_are_no_fault() -> None:
    scene = random_scene(5)
    table = {name: column for name, column in columns(scene).items() if not name.startswith("f_rest")}
    found = read(by_plyfile(table))
    np.testing.assert_array_equal(found.scene.sh, scene.sh[:, :1])
    assert found.notes == ()


def test_rgb_instead_of_harmonics() -> None:
    scene = random_scene(5)
    table = {name: column for name, column in columns(scene).items() if not name.startswith("f_")}
    rgb = np.arange(15, dtype=np.uint8).reshape(5, 3) * 17
    table |= {name: rgb[:, i] for i, name in enumerate(("red", "green", "blue"))}
    np.testing.assert_allclose(read(by_plyfile(table)).scene.sh[:, 0], dc_from_rgb(rgb / 255), atol=1e-6)


def test_no_colour_at_all_is_grey_and_said() -> None:
    table = {name: column for name, column in columns(random_scene(5)).items() if not name.startswith("f_")}
    found = read(by_plyfile(table))
    assert not found.scene.sh.any() and "grey" in found.notes[0]


def test_flat_gaussians_of_2dgs() -> None:
    table = columns(random_scene(5))
    del table["scale_2"]
    found = read(by_plyfile(table))
    assert found.kind == "2DGS .ply" and (found.scene.scales[:, 2] < 1e-8).all()


def test_nerfstudio_says_where_up_is() -> None:
    data = by_plyfile(columns(random_scene(5)), comments=("Generated by Nerfstudio", "Vertical Axis: z"))
    assert read(data).up_xyz == UP_IS_Z


@pytest.mark.parametrize("count, bands, words", [(72, 16, "degree 4"), (30, 1, "30 values")])
def test_other_numbers_of_coefficients_are_cut_and_said(count: int, bands: int, words: str) -> None:
    rng = np.random.default_rng(0)
    scene = random_scene(4, degree=0)
    rest = rng.normal(size=(4, count)).astype(np.float32)
    found = read(by_plyfile(columns(scene) | {f"f_rest_{i}": rest[:, i] for i in range(count)}))
    assert found.scene.sh.shape == (4, bands, 3) and words in found.notes[0]
    if bands == 16:
        np.testing.assert_array_equal(found.scene.sh[:, 1:], rest.reshape(4, 3, 24)[:, :, :15].transpose(0, 2, 1))


def test_other_elements_are_stepped_over() -> None:
    scene = random_scene(4)
    buffer = io.BytesIO()
    before = plyfile.PlyElement.describe(np.array([(1, 2.5)], [("a", "u1"), ("b", "f8")]), "camera")
    faces = np.array([([0, 1, 2],)], [("vertex_indices", "O")])
    after = plyfile.PlyElement.describe(faces, "face", val_types={"vertex_indices": "i4"})
    vertex = plyfile.PlyData.read(io.BytesIO(write_ply(scene)))["vertex"]
    plyfile.PlyData([before, vertex, after], byte_order="<").write(buffer)
    assert_same(read(buffer.getvalue()).scene, scene)


def test_rows_that_are_no_numbers_are_left_out_and_counted() -> None:
    scene = random_scene(10)
    means, sh, quats = scene.means_xyz.copy(), scene.sh.copy(), scene.quats_wxyz.copy()
    means[1, 2], sh[3, 15, 1], quats[5, 0], means[7, 0] = np.nan, np.inf, -np.inf, 1e30
    found = read(write_ply(replace(scene, means_xyz=means, sh=sh, quats_wxyz=quats)))
    assert_same(found.scene, scene.take(np.array([0, 2, 4, 6, 8, 9])))
    assert found.notes == ("4 Gaussians were left out: values that are not finite or out of all proportion.",)


def test_opaque_and_flat_are_no_faults() -> None:
    scene = random_scene(3)
    logits, log_scales = scene.opacity_logits.copy(), scene.log_scales.copy()
    logits[0], logits[1], log_scales[2, 0] = np.inf, -np.inf, -np.inf
    found = read(write_ply(replace(scene, opacity_logits=logits, log_scales=log_scales))).scene
    assert found.opacities[:2] == pytest.approx([1, 0])
    assert 0 < found.scales[2, 0] < 1e-12


def test_rotations_of_length_0_become_none_and_are_counted() -> None:
    scene = random_scene(4)
    quats = scene.quats_wxyz.copy()
    quats[2] = 0
    found = read(write_ply(replace(scene, quats_wxyz=quats)))
    assert found.scene.quats_wxyz[2].tolist() == [1, 0, 0, 0]
    assert found.notes == ("1 rotation of length 0 was taken as no rotation.",)
    np.testing.assert_array_equal(found.scene.quats_wxyz[:2], scene.quats_wxyz[:2])


@pytest.mark.parametrize("written, claimed", [("<", ">"), (">", "<")])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_wrong_byte_order_is_noticed(written: str, claimed: str, dtype: str) -> None:
    scene = random_scene(40)
    name = {"<": b"binary_little_endian", ">": b"binary_big_endian"}
    data = by_plyfile(columns(scene), dtype=dtype, byte_order=written).replace(name[written], name[claimed], 1)
    found = read(data)
    assert_same(found.scene, scene)
    assert "byte order" in found.notes[0]


def test_a_budget_keeps_what_is_seen_most() -> None:
    scene = random_scene(100)
    log_scales, logits = scene.log_scales.copy(), scene.opacity_logits.copy()
    log_scales[20:30] += 5
    logits[20:30] = 4
    found = read(write_ply(replace(scene, log_scales=log_scales, opacity_logits=logits)), budget=10)
    np.testing.assert_array_equal(found.scene.means_xyz, scene.means_xyz[20:30])
    assert found.notes[0].startswith("Of its 100 Gaussians the 10 ")


HEAD = "ply\nformat binary_little_endian 1.0\n"


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "empty"),
        (b"plyformat", "does not begin"),
        (b"ply\nformat ascii 1.0\n", "has no end"),
        (f"{HEAD}end_header\n".encode(), "no element “vertex”"),
        (f"{HEAD}element vertex 1\nend_header\n".encode(), "no property x"),
        (b"ply\nelement vertex 1\nproperty float x\nend_header\n", "names no format"),
        (f"{HEAD}element vertex many\nend_header\n".encode(), "“element vertex many”"),
        (f"{HEAD}element vertex -5\nend_header\n".encode(), "“element vertex -5”"),
        (f"{HEAD}element vertex {'9' * 40}\nend_header\n".encode(), "the line"),
        (f"{HEAD}element vertex 1\nproperty complex x\nend_header\n".encode(), "“property complex x”"),
        (f"{HEAD}element vertex 1\nproperty float x\nproperty float x\nend_header\n".encode(), "“property float x”"),
        (f"{HEAD}property float x\nend_header\n".encode(), "“property float x”"),
        (b"ply\nformat rot13 1.0\nelement vertex 1\nend_header\n", "“format rot13 1.0”"),
    ],
)
def test_headers_that_make_no_sense(data: bytes, words: str) -> None:
    assert words in refusal(data)


@pytest.mark.parametrize("encoding", ["binary_little_endian", "ascii"])
def test_a_header_that_claims_a_million_millions(encoding: str) -> None:
    data = write_ply(random_scene(4)).replace(b"element vertex 4", b"element vertex 1000000000000")
    sentence = refusal(data.replace(b"binary_little_endian", encoding.encode()))
    assert "1,000,000,000,000" in sentence and "cut short" in sentence


def test_a_claim_that_fits_but_is_absurd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demos.gaussians.formats.result.MAX_READ", 3)
    assert "claims 4 Gaussians; at most 3" in refusal(write_ply(random_scene(4)))


def test_truncated() -> None:
    sentence = refusal(write_ply(random_scene(10))[:-300])
    assert "claims 10 rows" in sentence and "holds 8" in sentence


def test_no_gaussians_at_all() -> None:
    scene = random_scene(3)
    assert "holds no Gaussian" in refusal(write_ply(scene.take(np.zeros(3, bool))))
    hollow = replace(scene, means_xyz=np.full_like(scene.means_xyz, np.nan))
    assert "no usable Gaussian" in refusal(write_ply(hollow))


def test_meshes_and_point_clouds_are_named() -> None:
    points = np.zeros(3, [("x", "f4"), ("y", "f4"), ("z", "f4")])
    faces = plyfile.PlyElement.describe(
        np.array([([0, 1, 2],)], [("vertex_indices", "O")]), "face", val_types={"vertex_indices": "i4"}
    )
    for elements, words in (
        ([plyfile.PlyElement.describe(points, "vertex"), faces], "a point cloud"),
        ([faces, plyfile.PlyElement.describe(points, "vertex")], "is a mesh"),
    ):
        buffer = io.BytesIO()
        plyfile.PlyData(elements).write(buffer)
        assert words in refusal(buffer.getvalue())


def test_text_that_is_no_number() -> None:
    data = by_plyfile(columns(random_scene(2)), text=True)
    assert "no number" in refusal(data[:-9] + b"banana\n")
    assert "cut short" in refusal(b"\n".join(data.split(b"\n")[:-2]) + b"\n")


def test_a_hostile_name_in_the_header_stays_text() -> None:
    sentence = refusal(f"{HEAD}element vertex 1\x1b[31m <script>\nend_header\n".encode())
    assert "\x1b" not in sentence
