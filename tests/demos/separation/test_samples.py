"""The bundled mixtures, and frames of videos as queries."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from core.errors import InputError
from demos.separation.frames import read_frames
from demos.separation.samples import FOLDER, mixed, nearness_db, samples
from demos.separation.sound import from_samples


def test_mixtures_are_the_sum_of_their_truths() -> None:
    found = samples()
    assert len(found) >= 4
    for sample in found[:2]:
        mixture, truths = mixed(sample)
        assert (mixture.rate_hz, mixture.channels) == (44_100, 2) and 5 < mixture.seconds < 15
        assert np.abs(sum(truths) - mixture.samples()).max() < 1e-5
        assert np.abs(mixture.samples()).max() == pytest.approx(0.7, abs=1e-3)
        assert len(set(nearness_db(truths[0], mixture, mixture))) == 1
        assert nearness_db(truths[0], mixture, from_samples(truths[0], 44_100))[0] > 60


def test_every_file_is_named_small_and_used() -> None:
    used = {part.file for sample in samples() for part in sample.parts}
    assert {path.name for path in FOLDER.glob("*.ogg")} == used
    assert all(path.stat().st_size < 250_000 for path in FOLDER.iterdir())
    assert "Apache-2.0" in (FOLDER / "SOURCES.md").read_text()


def video(path: Path, seconds: int, size_wh: tuple[int, int] = (32, 16)) -> Path:
    """Ten frames a second; the second decides the shade."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = *size_wh, "yuv420p"
        for i in range(10 * seconds):
            frame = av.VideoFrame.from_ndarray(np.full((size_wh[1], size_wh[0], 3), 20 * (i // 10), np.uint8), "rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("at_s, shades", [(5.0, [80, 100, 120]), (None, [80, 100, 120]), (0.0, [0, 20]), (99.0, [180])])
def test_frames_one_a_second_around_a_moment(tmp_path: Path, at_s: float | None, shades: list[int]) -> None:
    found = read_frames(video(tmp_path / "a.mp4", 10), at_s)
    assert [frame.shape for frame in found] == [(16, 32, 3)] * len(shades)
    assert [int(frame.mean()) for frame in found] == pytest.approx(shades, abs=6)


def test_what_has_no_frames_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="flute.ogg holds no pictures."):
        read_frames(FOLDER / "flute.ogg")
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(InputError, match="a.mp4 is no video."):
        read_frames(tmp_path / "a.mp4")
    whole = video(tmp_path / "b.mp4", 2).read_bytes()
    (tmp_path / "b.mp4").write_bytes(whole[:400])
    with pytest.raises(InputError, match=r"b.mp4 (are|holds)"):
        read_frames(tmp_path / "b.mp4")
    with pytest.raises(InputError, match="cannot be read"):
        read_frames(tmp_path / "gone.mp4")
