"""The handler of /segment_batch: many pictures, one table, one ZIP."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.tasks import Job
from demos.base import run_job, status
from demos.forms import Updates, with_settings
from demos.segmentation import present
from demos.segmentation.batch import Batch, segment_batch
from demos.segmentation.tab_api import DEFAULTS
from demos.segmentation.tab_parts import Parts
from demos.segmentation.tab_run import asked, check_words, leased

BATCH_DOC = """Segment many pictures, or ZIP archives of them: a table, and a ZIP of overlays, label maps, COCO and CSV.

Args:
    files: Pictures and ZIP archives; the other arguments are those of /segment.
"""


def batch_handler(parts: Parts) -> Callable[..., Updates]:
    """The handler of the endpoint /segment_batch and of its button."""
    empty = {parts.table: None, parts.zip: None}

    @with_settings("files", DEFAULTS, doc=BATCH_DOC)
    def segment_all(given: Mapping[str, Any]) -> Updates:
        def work(job: Job) -> tuple[Batch, str]:
            wanted = asked(given)
            if not given["files"]:
                raise InputError("There are no pictures yet: choose files or a ZIP archive.")
            check_words(wanted)
            paths = [Path(file) for file in given["files"]]
            # In the folder of files that Gradio serves and empties after a day.
            Path(parts.zip.GRADIO_CACHE).mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix="clip-atlas-", dir=parts.zip.GRADIO_CACHE))
            path = folder / "segmented.zip"
            needs_masks = wanted.options.way != "dense"
            with leased(wanted, job, needs_masks=needs_masks) as (clip, sam), path.open("wb") as into:
                done = segment_batch(paths, wanted.labels, wanted.options, into=into, clip=clip, sam=sam, job=job)
            return done, str(path)

        done, path = yield from run_job(work, parts.line, always=empty)
        yield {
            parts.table: present.table_value(done),
            parts.zip: path,
            parts.line: status("done", f"Done: {len(done.rows)} pictures in {present.seconds_words(done.seconds)}."),
        }

    return segment_all
