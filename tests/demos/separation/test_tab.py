"""The tab: its endpoint, how values become queries and options, sliders without a model, files and JSON."""

from __future__ import annotations

import inspect
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import gradio as gr
import numpy as np
import pytest
import soundfile
from PIL import Image

from core.errors import InputError
from demos.base import MODEL_QUEUE
from demos.separation import tab_run
from demos.separation.samples import samples
from demos.separation.tab import DEMO
from demos.separation.tab_fields import SoundUpload
from demos.separation.tab_parts import Inputs, Parts
from demos.widgets import Upload
from tests.demos.separation.stub_separator import last
from tests.stub_model import solid


@pytest.fixture(scope="module")
def page() -> gr.Blocks:
    with gr.Blocks() as built:
        DEMO.build()
    return built


@pytest.fixture
def upload(tmp_path: Path) -> SoundUpload:
    times = np.arange(32_000) / 16_000
    wave = 0.2 * np.sin(2 * np.pi * 300 * times) + 0.1 * np.sin(2 * np.pi * 1200 * times)
    soundfile.write(tmp_path / "two.wav", wave.astype(np.float32), 16_000, subtype="FLOAT")
    return SoundUpload(tmp_path / "two.wav", "two.wav")


def test_public_endpoint_and_its_arguments(page: gr.Blocks, parts: Parts) -> None:
    public = [fn for fn in page.fns.values() if fn.api_visibility == "public"]
    assert [fn.api_name for fn in public] == ["separate"]
    assert public[0].concurrency_id == MODEL_QUEUE
    arguments = list(inspect.signature(tab_run.separate_handler(parts)).parameters)
    assert arguments == ["audio", *Inputs.__dataclass_fields__, "picture", "video", "sample"]
    assert [component.get_block_name() for component in public[0].outputs[:3]] == ["audio", "audio", "json"]
    returned = page.get_api_info()["named_endpoints"]["/separate"]["returns"]
    assert [row["component"] for row in returned] == ["Soundoutput", "Soundoutput", "Json"]


def test_stem_rest_and_json_come_first(parts: Parts, separator: Any, upload: SoundUpload) -> None:
    found = last(tab_run.separate_handler(parts)(upload, "red, green", depth="float"))
    stem, rest = (soundfile.read(found[part], dtype="float32")[0] for part in (parts.stem, parts.rest))
    shown = found[parts.shown]
    second = shown.separation.stems[1].samples()[:, 0]
    whole, _ = soundfile.read(upload.path, dtype="float32")
    assert np.abs(stem + second + rest - whole).max() < 1e-4
    told = json.loads(json.dumps(found[parts.json]))
    assert told["query"] == "red" and told["presence"] > 0.5 and told["model"] == "stub-sep" and told["seconds"] > 0
    assert [row["query"] for row in told["queries"]] == ["red", "green"]
    assert found[parts.line] == {**found[parts.line], "state": "done", "text": "Done."}
    assert [track["key"] for track in found[parts.tracks]["tracks"]] == ["mixture", "stem 0", "stem 1", "rest"]
    json.dumps(found[parts.tracks])


def test_sliders_need_no_model(parts: Parts, separator: Any, upload: SoundUpload) -> None:
    first = last(tab_run.separate_handler(parts)(upload, "red"))
    shown = first[parts.shown]
    values = [component.value for component in parts.inputs.all()]
    values[list(Inputs.__dataclass_fields__).index("softness")] = 4.0
    found = last(tab_run.again_handler(parts)(shown, *values))
    assert separator.calls == 1
    before, after = (float((s.separation.stems[0].samples() ** 2).sum()) for s in (shown, found[parts.shown]))
    assert after < before
    assert last(tab_run.again_handler(parts)(None, *values)) == {parts.line: gr.skip()}
    old, new = (value[parts.shown].files for value in (first, found))
    assert new["mixture"] == old["mixture"] and Path(new["mixture"]["path"]).exists()
    assert not Path(old["rest"]["path"]).exists() and Path(new["rest"]["path"]).exists()


def test_keep_or_remove_and_the_depth_need_no_model(parts: Parts, separator: Any, upload: SoundUpload) -> None:
    shown = last(tab_run.separate_handler(parts)(upload, "red"))[parts.shown]
    values = dict(zip(Inputs.__dataclass_fields__, (part.value for part in parts.inputs.all()), strict=True))
    found = last(tab_run.again_handler(parts)(shown, *{**values, "mode": "remove", "depth": "16"}.values()))
    assert separator.calls == 1
    value = found[parts.tracks]
    assert value["wanted"] == "rest" and [track["key"] for track in value["tracks"]] == ["mixture", "rest", "stem 0"]
    assert {soundfile.info(track["file"]["path"]).subtype for track in value["tracks"]} == {"PCM_16"}


def test_bundled_mixture_is_held_against_its_truth(parts: Parts, separator: Any) -> None:
    sample = samples()[0]
    name, words, path = tab_run.sample_handler(parts)(sample.name)
    assert words.splitlines() == [part.label for part in sample.parts]
    assert tab_run.sample_handler(parts)("?") == ("?", "", None) and path is not None
    given = parts.sound.preprocess(SimpleNamespace(path=path, orig_name=None))  # it stands in the field, to be heard
    for sound in (given, None):  # the endpoint's caller has no field
        found = last(tab_run.separate_handler(parts)(sound, words, sample=name))
        tracks = found[parts.tracks]["tracks"]
        assert all(np.isfinite(track["truth_db"]).all() for track in tracks[1:-1])
    assert found[parts.line]["text"] == "Done, but 2 of 2 queries are not heard."  # the stub knows colours only


class StubJudge:
    """Hears the pitch: a sound's loudest frequency is its embedding, and "red" is the low one."""

    name, rate_hz = "stub-clap", 8_000

    def encode_texts(self, texts: Any, *, job: Any = None) -> Any:
        return np.eye(2, dtype=np.float32)[[int(not text.endswith("of red")) for text in texts]]

    def encode_sounds(self, waves: Any, *, job: Any = None) -> Any:
        spectra = [np.abs(np.fft.rfft(wave, 8_000)) for wave in waves]
        rows = np.array([[s[:600].sum(), s[600:].sum()] for s in spectra], np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_clap_ranks_the_sounds_against_the_words(parts: Parts, separator: Any, upload: SoundUpload) -> None:
    separator.judge = StubJudge()
    found = last(tab_run.separate_handler(parts)(upload, "red, green", is_judged=True))
    told = found[parts.json]["clap"]
    assert [row["query"] for row in told] == ["red", "green"] and all(row["place"] == 1 for row in told)
    assert all(row["own"] > row["whole"] > 0 and row["count"] == 3 for row in told)
    tracks = found[parts.tracks]["tracks"]
    assert [("opinion" in track) for track in tracks] == [False, True, True, False]
    assert tracks[1]["opinion"].startswith("CLAP: the nearest to these words of 3 sounds (cosine ")


def test_without_clap_the_sounds_stay_and_a_sentence_says_so(parts: Parts, separator: Any, upload: SoundUpload) -> None:
    found = last(tab_run.separate_handler(parts)(upload, "red", is_judged=True))
    assert "clap" not in found[parts.json] and found[parts.stem]
    assert "CLAP could not be asked: It is not here." in found[parts.tracks]["notes"]


def test_zip_of_all(parts: Parts, separator: Any, upload: SoundUpload) -> None:
    shown = last(tab_run.separate_handler(parts)(upload, "red"))[parts.shown]
    found = last(tab_run.zip_handler(parts)(shown))[parts.zip]
    with zipfile.ZipFile(found["value"]) as archive:
        assert found["visible"] and archive.namelist() == ["red.wav", "rest.wav"]
    with pytest.raises(gr.Error, match="Nothing was separated yet"):
        last(tab_run.zip_handler(parts)(None))


def test_a_picture_alone_is_a_query(parts: Parts, separator: Any, upload: SoundUpload, tmp_path: Path) -> None:
    Image.fromarray(solid("red")).save(tmp_path / "card.png")
    picture = Upload(tmp_path / "card.png", "card.png")
    found = last(tab_run.separate_handler(parts)(upload, "", picture=picture))
    assert found[parts.json]["query"] == "card.png" and found[parts.json]["is_heard"]
    both = tab_run.queries_of("green", picture, None)
    assert [query.text for query in both] == ["green", "card.png"]


@pytest.mark.parametrize(
    "values, sentence",
    [
        ({"query": ""}, "There is no query"),
        ({"query": "red", "strength": 40}, "The strength is 40"),
        ({"query": "red", "audio": None}, "There is no sound yet"),
    ],
)
def test_faults_are_sentences_on_the_status_line(
    parts: Parts, separator: Any, upload: SoundUpload, values: dict[str, Any], sentence: str
) -> None:
    steps, handler = [], tab_run.separate_handler(parts)
    with pytest.raises(gr.Error):
        for update in handler(**{"audio": upload, **values}):
            steps.append(update)
    assert steps[-1][parts.line]["state"] == "error" and sentence in steps[-1][parts.line]["text"]


def test_no_query_at_all() -> None:
    with pytest.raises(InputError, match="There is no query"):
        tab_run.queries_of(" ", None, None)


def test_files_are_handed_over_unopened(parts: Parts) -> None:
    payload = SimpleNamespace(path="/somewhere/a.flac", orig_name="my song.flac")
    assert parts.sound.preprocess(payload) == SoundUpload(Path("/somewhere/a.flac"), "my song.flac")
    assert parts.sound.preprocess(None) is None


def test_files_go_out_as_they_were_written(parts: Parts, tmp_path: Path) -> None:
    """Where FFmpeg is installed, gr.Audio turns 24 bits and floats into something that every browser plays."""
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 16_000, subtype="PCM_24")
    converts = mock.Mock(side_effect=AssertionError("it was converted"))
    with (
        mock.patch("gradio.processing_utils.ffmpeg_installed", return_value=True),
        mock.patch("gradio.processing_utils.audio_is_playable", return_value=False),
        mock.patch("gradio.processing_utils.convert_audio_to_playable", converts),
    ):
        told = parts.stem.postprocess(str(tmp_path / "a.wav"))
    assert told is not None and told.path == str(tmp_path / "a.wav") and parts.rest.postprocess(None) is None
