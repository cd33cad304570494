"""Device and number format by setting, one computation at a time, and sentences for a broken installation."""

from __future__ import annotations

import sys
import threading
import time
from types import ModuleType, SimpleNamespace

import pytest

from core import device
from core.device import check_torch_pair, exclusive, gpu, pick_device, pick_dtype
from core.errors import Cancelled, ModelUnavailable
from core.settings import configure
from core.tasks import Job


def _pretend_torch(
    monkeypatch: pytest.MonkeyPatch, *, cuda: bool = False, mps: bool = False, bf16: bool = True
) -> None:
    pretended = ModuleType("torch")
    pretended.cuda = SimpleNamespace(  # type: ignore[attr-defined]
        is_available=lambda: cuda, is_bf16_supported=lambda including_emulation: bf16
    )
    pretended.backends = SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", pretended)


@pytest.mark.parametrize(
    "cuda, mps, found", [(True, True, "cuda"), (False, True, "mps"), (True, False, "cuda"), (False, False, "cpu")]
)
def test_auto_takes_cuda_then_mps_then_cpu(monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, found: str) -> None:
    _pretend_torch(monkeypatch, cuda=cuda, mps=mps)
    configure(device="auto")
    assert pick_device() == found


def test_the_setting_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend_torch(monkeypatch, cuda=True, mps=True)
    for wanted in ("cpu", "mps", "cuda"):
        configure(device=wanted)
        assert pick_device() == wanted


def test_a_device_that_is_not_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend_torch(monkeypatch)
    configure(device="cuda")
    with pytest.raises(ModelUnavailable, match="HUB_DEVICE is cuda, torch sees no CUDA device; set it to auto or cpu"):
        pick_device()


def test_number_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend_torch(monkeypatch, cuda=True)
    configure(dtype="auto")
    assert [pick_dtype(name) for name in ("cpu", "mps", "cuda")] == ["float32", "float32", "bfloat16"]
    _pretend_torch(monkeypatch, cuda=True, bf16=False)
    assert pick_dtype("cuda") == "float16"
    configure(dtype="float16")
    assert pick_dtype("cpu") == "float16"


def test_the_real_torch_answers() -> None:
    configure(device="auto", dtype="auto")
    assert pick_device() in ("cpu", "cuda", "mps") and pick_dtype(pick_device()) in ("float32", "bfloat16", "float16")
    check_torch_pair()


def test_one_computation_at_a_time_on_each_device() -> None:
    inside, most = [0], [0]

    def compute() -> None:
        with exclusive("cpu"):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.01)
            inside[0] -= 1

    threads = [threading.Thread(target=compute) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1


def test_devices_do_not_wait_for_each_other_and_a_thread_may_ask_again() -> None:
    with exclusive("cpu"), exclusive("cuda"), exclusive("cpu"):
        pass


def test_waiting_for_a_device_can_be_cancelled() -> None:
    job, held, done = Job(), threading.Event(), threading.Event()

    def hold() -> None:
        with exclusive("cpu"):
            held.set()
            done.wait(5)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(5)
    threading.Timer(0.1, job.cancel).start()
    start_s = time.monotonic()
    with pytest.raises(Cancelled), exclusive("cpu", job):
        pass
    assert time.monotonic() - start_s < 1
    done.set()
    thread.join()
    with exclusive("cpu", Job()):  # free again
        pass


def test_gpu_is_identity_off_zero_gpu_and_imports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spaces", None)  # importing it would fail

    def work() -> int:
        return 1

    assert gpu(work) is work


def test_gpu_wraps_on_zero_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    spaces = ModuleType("spaces")
    spaces.GPU = lambda function: ("wrapped", function)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    monkeypatch.setattr(device, "is_zero_gpu", lambda: True)

    def work() -> int:
        return 1

    assert gpu(work) == ("wrapped", work)


class _Broken:
    """An importer that fails for one module as a mismatched build does."""

    def __init__(self, name: str, error: Exception) -> None:
        self.name, self.error = name, error

    def find_spec(self, name: str, *_: object) -> None:
        if name == self.name:
            raise self.error


@pytest.mark.parametrize(
    "module, error, sentence",
    [
        (
            "torchvision",
            RuntimeError("operator torchvision::nms does not exist"),
            r"torch [\d.]+\S* and torchvision [\d.]+\S* do not fit together"
            r" \(operator torchvision::nms does not exist\);"
            " install both from one place: pip install --force-reinstall torch torchvision",
        ),
        (
            "torch",
            ModuleNotFoundError("No module named 'torch'", name="torch"),
            "torch cannot be imported.*make install",
        ),
        ("torch", OSError("libcudart.so: cannot open"), "torch cannot be imported .libcudart.so: cannot open.; run"),
    ],
)
def test_a_broken_pair_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, module: str, error: Exception, sentence: str
) -> None:
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Broken(module, error), *sys.meta_path])
    with pytest.raises(ModelUnavailable, match=sentence):
        check_torch_pair()


def test_torchvision_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    broken = _Broken("torchvision", ModuleNotFoundError("No module named 'torchvision'", name="torchvision"))
    monkeypatch.setattr(sys, "meta_path", [broken, *sys.meta_path])
    check_torch_pair()
