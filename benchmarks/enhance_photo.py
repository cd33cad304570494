"""One photo from file to file by the tab's path, judge and all, in a process of its own: what does it cost?

Run: ``python -m benchmarks.enhance_photo PHOTO METHOD``; prints {"wall_s", "cpu_s", "start_mb", "peak_mb"} as JSON. The
peak of a process never falls, so a benchmark that did other work before cannot tell what one photo needs.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.measure import peak_mb
from core.pool import POOL
from core.settings import set_quiet_environment
from demos.enhancement.options import EnhanceOptions
from demos.enhancement.photo import read_photo
from demos.enhancement.pipeline import enhance

MODEL, JUDGE = "pocket-light", "pocket-clip"


def fresh(path: Path, method: str) -> dict[str, float]:
    """Figures of a photo in a new process.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    command = [sys.executable, "-m", "benchmarks.enhance_photo", str(path), method]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measured(path: Path, method: Any) -> dict[str, float]:
    """Wall and CPU seconds of a photo, its file not yet read, models and loops warm; and what memory was the most."""
    options = EnhanceOptions(method=method, skips_well_lit=False)
    small = io.BytesIO()
    Image.new("RGB", (64, 48), (40, 90, 80)).save(small, "JPEG")
    with ExitStack() as stack:
        models = {name: stack.enter_context(POOL.use(row)) for name, row in (("light", MODEL), ("clip", JUDGE))}
        enhance(read_photo(small.getvalue()), options, **models)
        start_mb, start_s, start_cpu_s = peak_mb(), time.perf_counter(), time.process_time()
        enhance(read_photo(path), options, **models)
        wall_s, cpu_s = time.perf_counter() - start_s, time.process_time() - start_cpu_s
    return {"wall_s": wall_s, "cpu_s": cpu_s, "start_mb": start_mb, "peak_mb": peak_mb()}


if __name__ == "__main__":
    set_quiet_environment()
    print(json.dumps(measured(Path(sys.argv[1]), sys.argv[2])))
