"""A separator that knows frequencies: a query's embedding says which band its mask lets through."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from core.sep import Listened
from core.sep_files import Usage
from core.sep_presence import let_through, step_s
from core.sep_spectrogram import ROWS, row_of
from core.tasks import Job
from tests.stub_model import StubModel

BANDS_HZ = {"red": (0, 600), "green": (600, 2000), "blue": (2000, 9000)}  # the stub encoder's colours
LOGIT = 9.0


class StubSeparator:
    """Masks by band; ``clip`` is the stub encoder that the queries come from."""

    def __init__(self, clip: Any) -> None:
        self.name = "stub-sep"
        self.usage = Usage(clip.name, heard_from=0.2, labels=("red", "green", "blue"))
        self._names = clip.encode_texts(list(BANDS_HZ))
        self.label_embeddings = None
        self.calls = 0
        self.is_endless = False  # listens until it is cancelled
        self.judge: Any = None  # in the place of CLAP, where a test has one

    def listen(self, picture: Any, embeddings: Any, *, job: Job | None = None) -> Listened:
        self.calls += 1
        if job is not None:
            job.step("running", 0, len(picture), unit="s")
            while self.is_endless:
                job.check()
                time.sleep(0.02)
        found = np.full((len(embeddings), len(picture), ROWS), -LOGIT, np.float16)
        rows = np.arange(ROWS)
        for i, embedding in enumerate(embeddings):
            cosines = self._names @ embedding
            if cosines.max() < 0.6:
                continue
            low, high = list(BANDS_HZ.values())[int(cosines.argmax())]
            edges = row_of(np.array([low, high], float))
            found[i][:, (rows >= edges[0]) & (rows < edges[1] + (high > 8000))] = LOGIT
        return Listened(found, let_through(found, picture), step_s())


class StubBoth(StubModel):
    """The stub encoder and a separator that its colours drive, as one model for every name of the catalogue."""

    def __init__(self) -> None:
        super().__init__()
        self.separator = StubSeparator(self)
        self.usage = self.separator.usage
        self.label_embeddings = self.separator.label_embeddings

    def listen(self, picture: Any, embeddings: Any, *, job: Job | None = None) -> Listened:
        return self.separator.listen(picture, embeddings, job=job)


def last(updates: Iterator[dict[Any, Any]]) -> dict[Any, Any]:
    """What a handler said at the end."""
    return list(updates)[-1]
