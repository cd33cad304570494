"""Photos of a ZIP: sizes and lenses as their cameras say, and every archive that cannot be meant in a sentence."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.errors import Cancelled, InputError
from core.tasks import Job
from demos.gaussians.cameras import Camera, look_at, opengl_from_world_to_cam
from demos.gaussians.photos import read_photos


def camera_at(number: int, width: int = 48, height: int = 36) -> Camera:
    angle = 0.5 * number
    return look_at((3 * np.cos(angle), 3 * np.sin(angle), 1), (0, 0, 0), width=width, height=height)


def png(rgb: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "PNG")
    return stream.getvalue()


def plain(width: int = 48, height: int = 36, value: int = 90) -> bytes:
    return png(np.full((height, width, 3), value, np.uint8))


def archive(photos: dict[str, bytes], cameras: list[Camera], **more: Any) -> bytes:
    """A ZIP as nerfstudio writes it."""
    frames = [
        {
            "file_path": name, "w": camera.width, "h": camera.height, "fl_x": camera.fx, "fl_y": camera.fy,
            "cx": camera.cx, "cy": camera.cy,
            "transform_matrix": opengl_from_world_to_cam(camera.world_to_cam).tolist(),
        }
        for name, camera in zip(photos, cameras, strict=True)
    ]  # fmt: skip
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as held:
        for name, data in photos.items():
            held.writestr(name, data)
        held.writestr("transforms.json", json.dumps({"frames": frames, **more}))
    return stream.getvalue()


def refusal(data: bytes) -> str:
    with pytest.raises(InputError) as raised:
        read_photos(data, name="photos.zip")
    sentence = str(raised.value)
    assert sentence.endswith(".") and "\n" not in sentence
    return sentence


def test_photos_of_different_sizes_keep_their_own_cameras() -> None:
    sizes = [(48, 36), (96, 72), (30, 60)]
    photos = {f"images/{i}.png": plain(*size) for i, size in enumerate(sizes)}
    found = read_photos(archive(photos, [camera_at(i, *size) for i, size in enumerate(sizes)]), longest_px=48).photos
    assert [photo.rgb.shape[:2] for photo in found] == [(36, 48), (36, 48), (48, 24)]
    for i, (photo, size) in enumerate(zip(found, sizes, strict=True)):
        assert (photo.camera.width, photo.camera.height) == photo.rgb.shape[1::-1]
        shrink = photo.rgb.shape[1] / size[0]
        assert photo.camera.fx == pytest.approx(camera_at(i, *size).fx * shrink)


def test_a_photo_that_is_larger_than_its_camera_says_is_taken_at_its_own_size() -> None:
    photos = {f"images/{i}.png": plain(96, 72) for i in range(3)}
    found = read_photos(archive(photos, [camera_at(i) for i in range(3)])).photos
    assert all(photo.rgb.shape == (72, 96, 3) and photo.camera.width == 96 for photo in found)
    assert found[0].camera.fx == pytest.approx(2 * camera_at(0).fx)


def test_a_photo_of_another_shape_than_its_camera_is_refused() -> None:
    photos = {"images/0.png": plain(), "images/1.png": plain(36, 48), "images/2.png": plain()}
    assert "1.png" in refusal(archive(photos, [camera_at(i) for i in range(3)]))


def test_too_few_photos_are_refused() -> None:
    photos = {f"images/{i}.png": plain() for i in range(2)}
    data = archive(photos, [camera_at(i) for i in range(2)])
    assert refusal(data) == "photos.zip has 2 photos with poses; at least 3 are needed."


@pytest.mark.parametrize("content", [b"", b"no picture", plain()[:60]])
def test_a_photo_that_is_none_is_refused_by_its_name(content: bytes) -> None:
    photos = {"images/0.png": plain(), "images/1.png": content, "images/2.png": plain()}
    assert "1.png" in refusal(archive(photos, [camera_at(i) for i in range(3)]))


def test_photos_without_poses_are_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as held:
        for i in range(4):
            held.writestr(f"images/{i}.png", plain())
    assert "poses" in refusal(stream.getvalue())


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "images\\..\\..\\evil.png"])
def test_names_that_leave_the_archive_are_refused(name: str) -> None:
    stream = io.BytesIO(archive({f"images/{i}.png": plain() for i in range(3)}, [camera_at(i) for i in range(3)]))
    with zipfile.ZipFile(stream, "a") as held:
        held.writestr(name, b"x")
    refusal(stream.getvalue())


def test_what_is_no_archive_is_refused() -> None:
    for data in (b"", b"PK\x03\x04 but no more", b"hello"):
        refusal(data)


def test_cancel_is_heard() -> None:
    job = Job()
    job.cancel()
    photos = {f"images/{i}.png": plain() for i in range(3)}
    with pytest.raises(Cancelled):
        read_photos(archive(photos, [camera_at(i) for i in range(3)]), job=job)


def test_a_bent_photo_is_unbent() -> None:
    """Barrel distortion by OpenCV's formula: a line of the world is a curve in the photo, and straight when read."""
    cameras, k1 = [camera_at(i, 240, 180) for i in range(3)], -0.3
    one = cameras[0]
    column, row = np.meshgrid(np.arange(240) + 0.5, np.arange(180) + 0.5)
    bent = np.stack([(column - one.cx) / one.fx, (row - one.cy) / one.fy], 2)
    ray = bent.copy()
    for _ in range(60):  # the ideal ray of each pixel, by fixed point
        ray = bent / (1 + k1 * (ray**2).sum(2, keepdims=True))
    line = np.where(np.abs(ray[..., 0] - 0.25) < 0.02, 255, 0).astype(np.uint8)
    photos = {f"images/{i}.png": png(np.repeat(line[..., None], 3, 2)) for i in range(3)}
    found = read_photos(archive(photos, cameras, camera_model="OPENCV", k1=k1)).photos[0].rgb[..., 0]

    def bow_px(grey: NDArray[np.uint8]) -> float:
        rows = grey[20:160].astype(np.float64)
        return float(np.ptp((rows * (np.arange(240) + 0.5)).sum(1) / rows.sum(1)))

    assert bow_px(line) > 1.5
    assert bow_px(found) < 0.6 * bow_px(line)
