"""How soon the hub answers and how much memory it holds: ``python app.py`` in a process of its own.

The peer of the start is ``import gradio`` alone, in the same Python, in turns with it.
"""

from __future__ import annotations

import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.measure import Measurement, seconds
from core.settings import ROOT

START_LIMIT_S = 120.0
POLL_S = 0.02
SETTLE_S = 5.0  # after the first answer, before memory is read: whatever starts late has started
MODEL_LIMIT_S = 300.0


def run(*, is_quick: bool = False) -> list[Measurement]:
    """Measure start, idle memory and memory with the pocket model loaded."""
    times = 1 if is_quick else 5
    with _hub() as (url, _):
        _first_answer(url)  # once unmeasured: the files come into the system's cache
    _import_gradio()
    starts, imports = [], []
    for _ in range(times):
        imports.append(seconds(_import_gradio))
        start_s = time.perf_counter()
        with _hub() as (url, _):
            _first_answer(url)
            starts.append(time.perf_counter() - start_s)
    with _hub() as (url, process):
        _first_answer(url)
        time.sleep(SETTLE_S)
        idle_mb = resident_mb(process.pid)
        _classify(url)
        loaded_mb = resident_mb(process.pid)
    note = f"Median of {times}, in turns; new processes, files in the system's cache."
    return [
        Measurement("first HTTP 200 against `import gradio`", _median(starts), _median(imports), "s", 1.6, False, note),
        Measurement("memory, idle", idle_mb, None, "MB", 350.0, False, f"Resident, {SETTLE_S:.0f} s after the start."),
        Measurement(
            "memory, pocket model",
            loaded_mb,
            None,
            "MB",
            800.0,
            False,
            "Resident, after one picture through /classify.",
        ),
    ]


def resident_mb(pid: int) -> float:
    """Resident memory of a process and its children, 10**6 bytes; shared pages count in each."""
    own_kib = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (int(own_kib[1]) * 1024 / 1e6 if own_kib else 0.0) + sum(resident_mb(int(child)) for child in children)


def _median(values: list[float]) -> float:
    return statistics.median(values)


def _import_gradio() -> None:
    subprocess.run([sys.executable, "-c", "import gradio"], cwd=ROOT, check=True)


@contextmanager
def _hub() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The app on a free port, stopped at the end of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "app.py", "--port", str(port), "--offline"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        try:
            process.wait(10.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _first_answer(url: str) -> None:
    """Ask for the page until it answers 200."""
    deadline_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline_s:
        try:
            with urllib.request.urlopen(url, timeout=5.0) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(POLL_S)
    raise TimeoutError(f"{url} gave no page within {START_LIMIT_S:.0f} s; run `python app.py --offline` to see why.")


def _classify(url: str) -> None:
    """Send one picture through /classify, which loads the pocket model."""
    from gradio_client import Client, handle_file
    from PIL import Image

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "picture.png"
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)).save(path)
        client = Client(url, verbose=False)
        client.submit(handle_file(str(path)), "cat, dog, car", api_name="/classify").result(timeout=MODEL_LIMIT_S)
