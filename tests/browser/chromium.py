"""Finding and starting the chromium of the system, with everything switched off that would call home."""

from __future__ import annotations

import os
import shutil

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--force-color-profile=srgb",
]


def find_chromium() -> str | None:
    """The first chromium on the path, or None."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None


def must_run() -> bool:
    """Whether a missing chromium is a failure: in CI it is."""
    return bool(os.environ.get("CI"))
