"""The tab's components, and stubs in the place of its models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import gradio as gr
import pytest

from core.errors import ModelUnavailable
from core.pool import Pool
from core.tasks import Job
from demos.separation import tab
from demos.separation.tab_parts import JUDGE, Parts, place
from tests.demos.separation.stub_separator import StubSeparator
from tests.stub_model import StubModel


@pytest.fixture(scope="module")
def parts() -> Parts:
    with gr.Blocks():
        return place()


@pytest.fixture
def separator() -> Iterator[Any]:
    """Stubs in the place of both models."""
    clip = StubModel()
    stub = StubSeparator(clip)

    @contextmanager
    def use(self: Pool, name: str, *, job: Job | None = None) -> Iterator[Any]:
        if name == JUDGE and stub.judge is None:
            raise ModelUnavailable("It is not here.")
        yield {tab.MODEL: stub, JUDGE: stub.judge}.get(name, clip)

    with mock.patch.object(Pool, "use", use):
        yield stub
