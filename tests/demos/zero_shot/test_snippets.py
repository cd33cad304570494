"""The code to copy runs, whatever the labels contain."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from pathlib import Path

import pytest

from demos.zero_shot.snippets import snippet_curl, snippet_python

ODD = ["cat\ndog", 'it\'s "a" cat', "$(touch oops) `id` ${HOME}", "%s %n \\n", "🐈, כלב", "</script>'; import os #"]


@pytest.mark.parametrize("labels", ODD)
def test_python_asks_the_same(labels: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: dict[str, object] = {}

    class Client:
        def __init__(self, url: str) -> None:
            asked["url"] = url

        def predict(self, **arguments: object) -> object:
            asked.update(arguments)
            return {"label": "cat", "confidences": []}, "more"

    fake = types.ModuleType("gradio_client")
    fake.Client, fake.handle_file = Client, lambda path: ("file", path)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gradio_client", fake)
    code = snippet_python(
        "http://127.0.0.1:7860/", labels, {"model": "pocket-clip", "threshold": None, "hubness": True}
    )
    exec(compile(code, "snippet", "exec"), {})
    assert asked == {
        "url": "http://127.0.0.1:7860/",
        "image": ("file", "photo.jpg"),
        "labels": labels,
        "model": "pocket-clip",
        "threshold": None,
        "hubness": True,
        "api_name": "/classify",
    }
    assert capsys.readouterr().out == "cat []\n"


FAKE_CURL = """#!/bin/sh
for argument in "$@"; do printf '%s\\0' "$argument" >> calls; done
printf '\\n' >> calls
case "$*" in
  *upload*) printf '["/tmp/gradio/abc/photo.jpg"]' ;;
  *call/v2*) printf '{"event_id":"e42"}' ;;
esac
"""


@pytest.mark.parametrize("labels", ODD)
@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_curl_asks_the_same(labels: str, shell: str, tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "curl"
    fake.parent.mkdir()
    fake.write_text(FAKE_CURL)
    fake.chmod(0o755)
    code = snippet_curl("http://127.0.0.1:7860/", labels, {"model": "pocket-clip", "threshold": 0.2, "hubness": False})
    path = f"{fake.parent}:/usr/bin:/bin"
    subprocess.run([shell, "-eu", "-c", code], cwd=tmp_path, env={"PATH": path, "HOME": "/nowhere"}, check=True)
    upload, call, listen = (line.split("\0")[:-1] for line in (tmp_path / "calls").read_text().splitlines())
    assert upload[-1] == "http://127.0.0.1:7860/gradio_api/upload"
    assert call[1] == "http://127.0.0.1:7860/gradio_api/call/v2/classify"
    assert json.loads(call[-1]) == {
        "image": {"path": "/tmp/gradio/abc/photo.jpg", "meta": {"_type": "gradio.FileData"}},
        "labels": labels,
        "model": "pocket-clip",
        "threshold": 0.2,
        "hubness": False,
    }
    assert listen[-1] == "http://127.0.0.1:7860/gradio_api/call/classify/e42"
    assert not (tmp_path / "oops").exists()
