"""One sentence for whatever a damaged checkpoint makes libraries raise."""

from __future__ import annotations

import pytest
import torch
from safetensors import SafetensorError

from core.errors import Cancelled, ModelUnavailable
from core.loading import first_line, require_fit, telling_of_damage


@pytest.mark.parametrize(
    "error, words",
    [
        (OSError("no such file.\nmore"), "Tiny could not be loaded (no such file); its files may be damaged"),
        (KeyError("sizes"), "Tiny could not be loaded ('sizes'); its files"),
        (SafetensorError("header too large"), "(header too large)"),
        (RuntimeError(""), "(RuntimeError)"),
        (ImportError("No module named x."), "Tiny needs a Python package that is missing here: No module named x."),
    ],
)
def test_what_libraries_raise_becomes_one_sentence(error: Exception, words: str) -> None:
    with pytest.raises(ModelUnavailable) as told, telling_of_damage("Tiny"):
        raise error
    assert words in str(told.value) and "\n" not in str(told.value)
    assert told.value.__cause__ is error


@pytest.mark.parametrize("error", [Cancelled("stop"), ModelUnavailable("own words"), MemoryError()])
def test_own_errors_and_lack_of_memory_pass(error: BaseException) -> None:
    with pytest.raises(type(error)) as told, telling_of_damage("Tiny"):
        raise error
    assert told.value is error


def test_lack_of_a_gpus_memory_passes() -> None:
    with pytest.raises(RuntimeError, match="CUDA out of memory"), telling_of_damage("Tiny"):
        raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")


def test_first_line_is_short() -> None:
    assert first_line(ValueError("\n  a.  \nb")) == "a"
    assert len(first_line(ValueError("x" * 999))) == 200
    assert first_line(ValueError()) == "ValueError"


def test_tensors_must_have_their_places_and_shapes() -> None:
    net = torch.nn.Linear(2, 3)
    right = {"weight": torch.zeros(3, 2), "bias": torch.zeros(3)}
    require_fit(net, right, "Tiny")
    for wrong, words in (
        ({"weight": right["weight"]}, "lacks 1 tensors such as bias"),
        ({**right, "more": torch.zeros(1)}, "has, without a place for them, 1 tensors such as more"),
        ({**right, "bias": torch.zeros(4)}, "has in another shape 1 tensors such as bias"),
    ):
        with pytest.raises(ModelUnavailable, match=words):
            require_fit(net, wrong, "Tiny")
