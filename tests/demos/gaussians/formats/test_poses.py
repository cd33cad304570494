"""Poses out of ZIPs: COLMAP text and binary, transforms.json, photos found by name, and archives of strangers."""

from __future__ import annotations

import io
import json
import math
import stat
import struct
import zipfile
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.errors import Cancelled, InputError
from core.tasks import Job
from demos.gaussians.cameras import Camera, colmap_from_world_to_cam, look_at, opengl_from_world_to_cam
from demos.gaussians.formats import transforms
from demos.gaussians.formats.posed_photo import PosedPhoto, distorted, distortion_px
from demos.gaussians.formats.poses import Poses, read_poses

CAMERAS = [
    replace(look_at((3 * math.cos(a), 3 * math.sin(a), 1), (0, 0, 0), width=64, height=48), cx=31.5, cy=25.0, fy=50.0)
    for a in (0.1, 1.1, 2.1)
]
PHOTOS = ["images/a b.jpg", "images/deep/b.png", "images/c.JPG"]
POINTS = [(1.0, 2.0, 3.0, 10, 20, 30), (-1.0, 0.5, 0.25, 255, 0, 128)]


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def with_photos(files: dict[str, bytes]) -> bytes:
    return zipped(files | dict.fromkeys(PHOTOS, b"pixels"))


def text_model(folder: str = "sparse/0/", model: str = "PINHOLE 64 48 {fx} {fy} {cx} {cy}") -> dict[str, bytes]:
    """COLMAP's text files, with comments, an empty line of 2D points and a full one."""
    cameras = ["# Camera list", *(f"{i + 1} " + model.format(**vars(c)) for i, c in enumerate(CAMERAS))]
    images = ["# Image list", "#   IMAGE_ID, QW, ..."]
    for i, (camera, photo) in enumerate(zip(CAMERAS, PHOTOS, strict=True)):
        quat, shift = colmap_from_world_to_cam(camera.world_to_cam)
        images.append(f"{i + 1} {' '.join(map(repr, [*quat.tolist(), *shift.tolist()]))} {i + 1} {photo[7:]}")
        images.append("" if i == 1 else "1.5 2.5 7 3.5 4.5 -1")
    points = ["# 3D points", *(f"{i} {' '.join(map(str, p))} 0.5 1 0 2 1" for i, p in enumerate(POINTS))]
    content = {"cameras.txt": cameras, "images.txt": images, "points3D.txt": points}
    return {folder + name: "\n".join(lines).encode() for name, lines in content.items()}


def binary_model(folder: str = "sparse/0/", *, number: int = 1) -> dict[str, bytes]:
    cameras, images = struct.pack("<Q", len(CAMERAS)), struct.pack("<Q", len(CAMERAS))
    for i, (camera, photo) in enumerate(zip(CAMERAS, PHOTOS, strict=True)):
        quat, shift = colmap_from_world_to_cam(camera.world_to_cam)
        cameras += struct.pack("<IiQQ4d", i + 1, number, 64, 48, camera.fx, camera.fy, camera.cx, camera.cy)
        images += struct.pack("<I7dI", i + 1, *quat, *shift, i + 1) + photo[7:].encode() + b"\0"
        images += struct.pack("<Q", 2) + struct.pack("<ddqddq", 1, 2, 3, 4, 5, -1)
    points = struct.pack("<Q", len(POINTS))
    for i, point in enumerate(POINTS):
        points += struct.pack("<Q3d3BdQ", i, *point, 0.5, 2) + struct.pack("<4I", 1, 0, 2, 1)
    return {f"{folder}cameras.bin": cameras, f"{folder}images.bin": images, f"{folder}points3D.bin": points}


def json_model(name: str = "transforms.json", *, shared: bool = False, **changes: Any) -> dict[str, bytes]:
    frames = []
    for camera, photo in zip(CAMERAS, PHOTOS, strict=True):
        frame = {"file_path": f"./{photo}", "transform_matrix": opengl_from_world_to_cam(camera.world_to_cam).tolist()}
        frames.append(frame | ({} if shared else intrinsics(camera)))
    top = intrinsics(CAMERAS[0]) if shared else {}
    return {name: json.dumps(top | {"frames": frames} | changes).encode()}


def intrinsics(camera: Camera) -> dict[str, float]:
    return {"fl_x": camera.fx, "fl_y": camera.fy, "cx": camera.cx, "cy": camera.cy, "w": 64, "h": 48}


def assert_found(found: Poses) -> None:
    assert [photo.name for photo in found.photos] == PHOTOS
    for photo, camera in zip(found.photos, CAMERAS, strict=True):
        np.testing.assert_allclose(photo.camera.world_to_cam, camera.world_to_cam, atol=1e-9)
        for field in ("width", "height", "fx", "fy", "cx", "cy"):
            assert getattr(photo.camera, field) == pytest.approx(getattr(camera, field), abs=1e-9)
        assert photo.distortion == (0, 0, 0, 0)
    assert found.notes == ()


def refusal(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_poses(data, name="garden.zip")
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence
    return sentence


@pytest.mark.parametrize("model", [text_model, binary_model])
@pytest.mark.parametrize("folder", ["", "sparse/0/", "garden/colmap/sparse/0/"])
def test_colmap(model: Any, folder: str) -> None:
    found = read_poses(with_photos(model(folder)), name="garden.zip")
    assert_found(found)
    assert found.kind == "COLMAP"
    np.testing.assert_allclose(found.points_xyz, [point[:3] for point in POINTS])
    np.testing.assert_array_equal(found.points_rgb, [point[3:] for point in POINTS])


@pytest.mark.parametrize("name", ["transforms.json", "scene/transforms.json", "transforms_train.json"])
@pytest.mark.parametrize("shared", [False, True])
def test_transforms_json(name: str, shared: bool) -> None:
    found = read_poses(with_photos(json_model(name, shared=shared)), name="garden.zip")
    assert_found(found)
    assert found.kind == "transforms.json" and len(found.points_xyz) == 0


def test_dump_and_parse_are_inverse() -> None:
    photos = [PosedPhoto("a.png", camera, (0.1, -0.2, 0.001, 0.002)) for camera in CAMERAS]
    back = transforms.parse(transforms.dump(photos), shown="x", size_of=lambda name: (1, 1))
    for one, other in zip(back, photos, strict=True):
        np.testing.assert_allclose(one.camera.world_to_cam, other.camera.world_to_cam, atol=1e-12)
        assert (one.name, one.distortion, one.camera.fy) == (other.name, other.distortion, other.camera.fy)


def test_colmap_goes_before_json_and_binary_before_text() -> None:
    files = json_model(w=9_999) | text_model("sparse/0/") | binary_model("sparse/0/") | text_model("sparse/1/")
    assert_found(read_poses(with_photos(files), name="garden.zip"))


def test_blender_gives_an_angle_and_no_sizes() -> None:
    """NeRF's synthetic scenes: names without an ending, the size only in the pictures."""
    buffer = io.BytesIO()
    Image.new("RGB", (80, 60)).save(buffer, "PNG")
    frames = [{"file_path": "./train/r_0", "transform_matrix": np.eye(4).tolist()}]
    content = json.dumps({"camera_angle_x": math.pi / 2, "frames": frames}).encode()
    found = read_poses(zipped({"lego/transforms_train.json": content, "lego/train/r_0.png": buffer.getvalue()}))
    camera = found.photos[0].camera
    assert found.photos[0].name == "lego/train/r_0.png"
    assert (camera.width, camera.height) == (80, 60)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == pytest.approx((40, 40, 40, 30))
    np.testing.assert_allclose(camera.world_to_cam, np.diag((1, -1, -1, 1)), atol=1e-12)


def test_up_is_where_the_cameras_heads_are() -> None:
    up = read_poses(with_photos(text_model())).up_xyz
    assert up[2] > 0.9 and np.linalg.norm(up) == pytest.approx(1)


@pytest.mark.parametrize(
    "model, expected",
    [
        ("SIMPLE_PINHOLE 64 48 70 32 24", (70, 70, 0, 0, 0, 0)),
        ("SIMPLE_RADIAL 64 48 70 32 24 0.1", (70, 70, 0.1, 0, 0, 0)),
        ("RADIAL 64 48 70 32 24 0.1 0.2", (70, 70, 0.1, 0.2, 0, 0)),
        ("OPENCV 64 48 70 80 32 24 0.1 0.2 0.3 0.4", (70, 80, 0.1, 0.2, 0.3, 0.4)),
    ],
)
def test_lenses(model: str, expected: tuple[float, ...]) -> None:
    photo = read_poses(with_photos(text_model(model=model))).photos[0]
    assert (photo.camera.fx, photo.camera.fy, *photo.distortion) == expected


def test_bent_photos_are_said() -> None:
    notes = read_poses(with_photos(text_model(model="SIMPLE_RADIAL 64 48 70 32 24 0.5"))).notes
    assert "bends the photos" in notes[0]


def test_distortion_by_the_formula_and_in_pixels() -> None:
    x, y, k1, k2, p1, p2 = 0.3, -0.2, 0.1, -0.05, 0.01, -0.02
    square = x * x + y * y
    radial = 1 + k1 * square + k2 * square**2
    expected = (
        x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x),
        y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y,
    )
    assert distorted(np.array([[x, y]]), (k1, k2, p1, p2))[0] == pytest.approx(expected)
    camera = Camera(200, 200, 100.0, 100.0, 100.0, 100.0, np.eye(4))
    assert distortion_px(PosedPhoto("a", camera, (0.1, 0, 0, 0))) == pytest.approx(100 * math.sqrt(2) * 0.2)


def test_photos_without_poses_and_poses_without_photos_are_counted() -> None:
    files = text_model() | {PHOTOS[0]: b"x", PHOTOS[2]: b"x", "images/extra.png": b"x", "__MACOSX/._c.JPG": b"x"}
    found = read_poses(zipped(files), name="garden.zip")
    assert [photo.name for photo in found.photos] == [PHOTOS[0], PHOTOS[2]]
    assert found.notes == (
        "1 of 3 posed photos are missing from the archive.",
        "1 pictures without a pose are left out.",
    )


def test_of_two_photos_of_one_name_the_right_folder_wins() -> None:
    files = json_model() | dict.fromkeys(["images_4/a b.jpg", "images_4/c.JPG", *PHOTOS], b"x")
    assert [photo.name for photo in read_poses(zipped(files)).photos] == PHOTOS


def test_names_with_any_slashes_and_endings_match() -> None:
    content = json_model()["transforms.json"].replace(b"./images/deep/b.png", b"..\\\\..\\\\deep\\\\B.PNG")
    assert read_poses(with_photos({"transforms.json": content})).photos[1].name == PHOTOS[1]


def test_cancel() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        read_poses(with_photos(text_model()), job=job)


def broken_json(**frame: Any) -> bytes:
    data = json.loads(json_model()["transforms.json"])
    data["frames"][1] |= frame
    return with_photos({"transforms.json": json.dumps(data).encode()})


@pytest.mark.parametrize(
    "data, words",
    [
        (with_photos({}), "no camera poses"),
        (zipped(text_model()), "none of the photos"),
        (with_photos(text_model(model="OPENCV_FISHEYE 64 48 1 1 1 1 1 1 1 1")), "undistort the photos"),
        (with_photos(text_model(model="PINHOLE 64 48 1")), "“1 PINHOLE"),
        (with_photos(text_model(model="PINHOLE 64 48 a b c d")), "“1 PINHOLE"),
        (with_photos(text_model(model="PINHOLE 0 48 1 1 1 1")), "no sensible size"),
        (with_photos(text_model(model="PINHOLE 64 48 nan 1 1 1")), "no sensible size"),
        (with_photos(text_model(model="PINHOLE 64 48 1e-300 1 1 1")), "no sensible size"),
        (with_photos(text_model(model="PINHOLE 64 48 1 1 1e300 1")), "no sensible size"),
        (with_photos(text_model(model="PINHOLE")), "“1 PINHOLE”"),
        (with_photos(text_model() | {"sparse/0/cameras.txt": b""}), "camera 1, which is not there"),
        (with_photos(text_model() | {"sparse/0/images.txt": b"1 2 3\n\n"}), "“1 2 3”"),
        (with_photos(text_model() | {"sparse/0/images.txt": b"1 0 0 0 0 0 0 0 1 a.jpg\n\n"}), "no rotation"),
        (with_photos(text_model() | {"sparse/0/images.txt": b"1 1 0 0 0 inf 0 0 1 a.jpg\n\n"}), "no rotation"),
        (with_photos(text_model() | {"sparse/0/images.txt": b"1 1e200 0 0 0 0 0 0 1 a.jpg\n\n"}), "no rotation"),
        (with_photos(text_model() | {"sparse/0/points3D.txt": b"1 2 3\n"}), "points3D.txt"),
        (with_photos(binary_model(number=99)), "unknown model 99"),
        (with_photos(binary_model() | {"sparse/0/images.bin": struct.pack("<Q", 2**60)}), "claims 1,152,921"),
        (with_photos(binary_model() | {"sparse/0/points3D.bin": struct.pack("<Q", 2**40)}), "claims 1,099,511"),
        (with_photos(binary_model() | {"sparse/0/points3D.bin": struct.pack("<Q", 1_000)}), "ends early"),
        (with_photos({"transforms.json": b"{"}), "no JSON"),
        (with_photos({"transforms.json": b"[" * 100_000}), "no JSON"),
        (with_photos({"transforms.json": b"[1]"}), "no frames"),
        (with_photos({"transforms.json": b'{"frames": [3]}'}), "names no file"),
        (broken_json(transform_matrix=[[1, 2], [3, 4]]), "no matrix"),
        (broken_json(transform_matrix="x"), "no matrix"),
        (broken_json(transform_matrix=[[math.nan] * 4] * 4), "no matrix"),
        (broken_json(transform_matrix=np.diag((2, 2, 2, 1)).tolist()), "no rotation"),
        (broken_json(transform_matrix=np.diag((-1, 1, 1, 1)).tolist()), "no rotation"),
        (broken_json(fl_x="a"), "fl_x"),
        (broken_json(fl_x=-3), "no sensible size"),
        (broken_json(w=True), "w of"),
        (broken_json(w=10**400), "w of"),
        (broken_json(camera_model="OPENCV_FISHEYE"), "OPENCV_FISHEYE"),
    ],
)
def test_models_that_make_no_sense(data: bytes, words: str) -> None:
    assert words in refusal(data)


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/passwd", "a/../../b", "..\\evil", "C:\\evil"])
def test_names_that_leave_the_archive(name: str) -> None:
    assert "leaves the archive" in refusal(with_photos(text_model() | {name: b"x"}))


def test_links() -> None:
    buffer = io.BytesIO(with_photos(text_model()))
    with zipfile.ZipFile(buffer, "a") as archive:
        link = zipfile.ZipInfo("images/link.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert "a link" in refusal(buffer.getvalue())


def test_a_name_that_is_empty() -> None:
    data = with_photos(text_model()).replace(b"sparse/0/points3D.txt", b"\0parse/0/points3D.txt")
    assert "without a name" in refusal(data)


def test_bombs() -> None:
    assert "100 times" in refusal(with_photos(text_model() | {"sparse/0/points3D.txt": bytes(50_000_000)}))


@pytest.mark.parametrize("model", [text_model, binary_model, json_model])
def test_every_cut_of_a_model_is_a_sentence_or_poses(model: Any) -> None:
    files = model()
    for name, content in files.items():
        for end in range(0, len(content), max(1, len(content) // 40)):
            try:
                found = read_poses(with_photos(files | {name: content[:end]}))
            except InputError as error:
                assert str(error).endswith(".")
            else:
                assert found.photos
