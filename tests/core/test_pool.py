"""The pool: one load however many ask, nothing in use is dropped, failures are tried again, states never wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core import catalog, checkpoints, pool
from core.errors import Cancelled, InputError, ModelUnavailable
from core.model_spec import Bundled, ModelSpec
from core.pool import ModelState, Pool
from core.settings import configure
from core.tasks import Job, Step
from tests.core.conftest import row_for
from tests.core.stub_loader import Model, behaviour
from tests.fake_hub import FakeHub

MIB = 1 << 20


def _row(name: str, size_mib: float = 100) -> ModelSpec:
    return row_for(
        "acme/tiny", name=name, title=name.title(), params_m=size_mib * MIB / 4e6, sources=(Bundled("tiny-repo", {}),)
    )


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch, tiny_repo: Path) -> Iterator[Pool]:
    """A pool over four bundled rows a, b, c, d of 100 MiB each and a budget of 250 MiB."""
    behaviour.reset()
    monkeypatch.setattr(checkpoints, "BUNDLED_DIR", tiny_repo.parent)
    monkeypatch.setattr(catalog, "MODELS", tuple(_row(name) for name in "abcd"))
    monkeypatch.setattr(pool, "ROOM_WAIT_S", 0.3)
    configure(memory_budget_mib=250)
    yield Pool()


def _state(models: Pool, name: str) -> ModelState:
    return next(state for state in models.states() if state.name == name)


def _in_threads(number: int, work: object) -> None:
    threads = [threading.Thread(target=work) for _ in range(number)]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def _wait_until(is_so: object) -> None:
    end_s = time.monotonic() + 5
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < end_s
        time.sleep(0.005)


# One load.


def test_sixteen_threads_load_once(models: Pool) -> None:
    behaviour.seconds = 0.2
    start = threading.Barrier(16)
    found: list[Model] = []

    def ask() -> None:
        start.wait()
        with models.use("a") as model:
            found.append(model)

    _in_threads(16, ask)
    assert behaviour.calls == ["a"] and len(found) == 16 and len({id(model) for model in found}) == 1
    assert _state(models, "a").in_use == 0


def test_sixteen_threads_and_four_models_with_room_for_two(models: Pool) -> None:
    """Stress: every lease holds the model that it asked for, and what is in use never exceeds the budget."""
    configure(memory_budget_mib=450)
    behaviour.seconds = 0.001
    wrong: list[str] = []

    def work() -> None:
        for turn in range(12):
            name = "abcd"[(turn + threading.get_ident()) % 4]
            with models.use(name) as model:
                if model.name != name:
                    wrong.append(name)

    _in_threads(16, work)
    assert not wrong and all(state.in_use == 0 for state in models.states())


def test_different_models_load_at_the_same_time(models: Pool) -> None:
    behaviour.gate = threading.Event()  # holds both loads until they have been seen side by side
    names = iter("ab")

    def watch() -> None:
        until_s = time.monotonic() + 20
        while behaviour.running < 2 and time.monotonic() < until_s:
            time.sleep(0.005)
        assert behaviour.gate is not None
        behaviour.gate.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    _in_threads(2, lambda: models.use(next(names)).__enter__())
    watcher.join()
    assert behaviour.most_running == 2


def test_the_loader_is_told_device_and_dtype(models: Pool) -> None:
    configure(dtype="auto")
    with models.use("a") as model:
        assert (model.device, model.dtype) == ("cpu", "float32")


# Failure and Cancel.


def test_a_failed_load_is_tried_again(models: Pool) -> None:
    behaviour.error = ModelUnavailable("A is damaged; remove it.")
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match="A is damaged"), models.use("a"):
            pass
    assert len(behaviour.calls) == 2
    state = _state(models, "a")
    assert (state.state, state.why) == ("failed", "A is damaged; remove it.")
    behaviour.error = None
    with models.use("a"):
        assert _state(models, "a").state == "ready"


@pytest.mark.parametrize(
    "error, sentence",
    [
        (OSError("header too large\nmore"), "A could not be loaded on cpu: header too large; take another model"),
        (RuntimeError("CUDA out of memory. Tried"), "out of memory.*take a smaller model, or unload others"),
        (MemoryError(), "A does not fit into the memory of this machine"),
    ],
)
def test_what_libraries_raise_is_a_sentence(models: Pool, error: Exception, sentence: str) -> None:
    behaviour.error = error
    with pytest.raises(ModelUnavailable, match=sentence), models.use("a"):
        pass


def test_a_bug_in_a_loader_stays_a_traceback(models: Pool) -> None:
    behaviour.error = ZeroDivisionError("bug")
    with pytest.raises(ZeroDivisionError), models.use("a"):
        pass
    assert _state(models, "a").state == "downloaded"


def test_all_who_wait_hear_of_the_failure(models: Pool) -> None:
    behaviour.seconds, behaviour.error = 0.2, ModelUnavailable("A is damaged.")
    heard: list[str] = []

    def ask() -> None:
        try:
            with models.use("a"):
                pass
        except ModelUnavailable as error:
            heard.append(str(error))

    _in_threads(8, ask)
    assert heard == ["A is damaged."] * 8 and behaviour.calls == ["a"]


def test_a_waiting_job_that_is_cancelled_leaves_and_the_load_goes_on(models: Pool) -> None:
    behaviour.gate = threading.Event()
    found: list[Model] = []

    def stay() -> None:
        with models.use("a") as model:
            found.append(model)

    first = threading.Thread(target=stay)
    first.start()
    _wait_until(lambda: behaviour.calls)
    leaver = Job()
    threading.Timer(0.1, leaver.cancel).start()
    start_s = time.monotonic()
    with pytest.raises(Cancelled), models.use("a", job=leaver):
        pass
    assert time.monotonic() - start_s < 1
    behaviour.gate.set()
    first.join(5)
    assert len(found) == 1 and behaviour.calls == ["a"]


def test_the_first_to_ask_is_cancelled_and_the_others_get_the_model(models: Pool) -> None:
    behaviour.gate = threading.Event()
    starter = Job()
    cancelled: list[bool] = []
    found: list[Model] = []

    def start() -> None:
        try:
            with models.use("a", job=starter):
                pass
        except Cancelled:
            cancelled.append(True)

    def follow() -> None:
        with models.use("a") as model:
            found.append(model)

    threads = [threading.Thread(target=start), *(threading.Thread(target=follow) for _ in range(4))]
    threads[0].start()
    _wait_until(lambda: behaviour.calls)
    for thread in threads[1:]:
        thread.start()
    time.sleep(0.2)
    starter.cancel()
    threads[0].join(2)
    assert cancelled == [True]
    behaviour.gate.set()
    for thread in threads[1:]:
        thread.join(5)
    assert len(found) == 4 and behaviour.calls == ["a"]


def test_a_load_that_nobody_waits_for_is_stopped_and_a_new_caller_starts_anew(models: Pool) -> None:
    behaviour.gate = threading.Event()
    job = Job()
    threading.Thread(target=lambda: (_wait_until(lambda: behaviour.calls), job.cancel())).start()
    with pytest.raises(Cancelled), models.use("a", job=job):
        pass
    _wait_until(lambda: behaviour.running == 0)
    behaviour.gate.set()
    with models.use("a"):
        assert behaviour.calls == ["a", "a"]


def test_a_cancelled_job_gets_no_model_even_if_it_is_there(models: Pool) -> None:
    with models.use("a"):
        pass
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled), models.use("a", job=job):
        pass
    assert _state(models, "a").in_use == 0


def test_steps_of_the_load_reach_every_caller(models: Pool) -> None:
    behaviour.seconds = 0.3
    told: list[Step] = []
    with models.use("a", job=Job(told.append)):
        pass
    assert told[-1].stage == "loading" and told[-1].note == "A"


# Memory.


def test_the_least_recently_used_model_goes(models: Pool) -> None:
    for name in "aba":  # b is now the oldest
        with models.use(name):
            pass
    with models.use("c"):
        pass
    assert [state.state for state in models.states()] == ["ready", "downloaded", "ready", "downloaded"]
    assert behaviour.calls == ["a", "b", "c"]


def test_a_model_in_use_is_never_dropped(models: Pool) -> None:
    with models.use("a"), models.use("b"), pytest.raises(ModelUnavailable) as refusal, models.use("c"):
        pass
    assert str(refusal.value) == (
        "C needs about 100 MiB of memory, and A, B in use leave less of the 250 MiB; try again when they are done, or"
        " raise HUB_MEMORY_BUDGET_MIB."
    )
    assert [state.state for state in models.states()] == ["ready", "ready", "failed", "downloaded"]
    with models.use("c"):  # now they are idle, and b was given back first
        assert [state.state for state in models.states()] == ["ready", "downloaded", "ready", "downloaded"]


def test_a_load_waits_for_running_requests_to_give_memory_back(models: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "ROOM_WAIT_S", 5)
    configure(memory_budget_mib=150)
    entered = threading.Event()

    def hold() -> None:
        with models.use("a"):
            entered.set()
            time.sleep(0.4)

    thread = threading.Thread(target=hold)
    thread.start()
    assert entered.wait(5)
    with models.use("b"):
        assert not thread.is_alive() or _state(models, "a").in_use == 0
    thread.join()


def test_a_model_larger_than_the_budget_is_refused_before_any_download(
    models: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "MODELS", (_row("huge", 300),))
    monkeypatch.setattr(checkpoints, "resolve", lambda *_, **__: pytest.fail("resolved"))
    with pytest.raises(ModelUnavailable, match="Huge needs about 300 MiB.*budget of 250 MiB; raise HUB_MEMORY_BUDGET"):
        models.use("huge").__enter__()
    assert _state(models, "huge").state == "failed"


def test_half_precision_takes_half_the_room(models: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "MODELS", (_row("huge", 300),))
    configure(dtype="bfloat16")
    with models.use("huge"):
        pass


def test_unload(models: Pool) -> None:
    with models.use("a"):
        with pytest.raises(InputError, match="A is in use; unload it when the running request is done"):
            models.unload("a")
        assert _state(models, "a").state == "ready"
    models.unload("a")
    models.unload("a")
    assert _state(models, "a").state == "downloaded"


# States.


def test_states_tell_size_use_and_time(models: Pool) -> None:
    assert _state(models, "a") == ModelState("a", "downloaded")
    with models.use("a"):
        state = _state(models, "a")
        assert state.state == "ready" and state.in_use == 1 and state.size_mib == pytest.approx(100, abs=0.1)
    time.sleep(0.05)
    assert 0.05 <= (_state(models, "a").last_used_s or 0) < 5


def test_states_do_not_wait_for_a_load(models: Pool) -> None:
    behaviour.gate = threading.Event()
    thread = threading.Thread(target=lambda: models.use("a").__enter__())
    thread.start()
    _wait_until(lambda: behaviour.calls)
    start_s = time.monotonic()
    assert _state(models, "a").state == "loading"
    assert time.monotonic() - start_s < 0.2
    behaviour.gate.set()
    thread.join(5)


def test_states_of_a_download(
    models: Pool, tiny_spec: ModelSpec, fake_hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "MODELS", (tiny_spec,))
    assert _state(models, "tiny").state == "absent"
    fake_hub.fault("acme/tiny", "slow", file="model.safetensors")
    job = Job()

    def fetch() -> None:
        with pytest.raises(Cancelled):
            models.use("tiny", job=job).__enter__()

    thread = threading.Thread(target=fetch)
    thread.start()
    _wait_until(lambda: (_state(models, "tiny").fraction or 0) > 0.1)
    start_s = time.monotonic()
    state = _state(models, "tiny")
    assert time.monotonic() - start_s < 0.2 and state.state == "downloading" and 0.1 < (state.fraction or 0) < 1
    job.cancel()
    thread.join(5)
    _wait_until(lambda: _state(models, "tiny").state == "absent")
    fake_hub.clear("acme/tiny")
    with models.use("tiny") as model:
        assert model.name == "tiny" and _state(models, "tiny").state == "ready"
    models.clear()
    assert _state(models, "tiny").state == "downloaded"


def test_a_model_that_cannot_be_downloaded_says_why(
    models: Pool, tiny_spec: ModelSpec, fake_hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "MODELS", (replace(tiny_spec, title="Tiny"),))
    configure(offline=True)
    with pytest.raises(ModelUnavailable, match="runs offline"), models.use("tiny"):
        pass
    state = _state(models, "tiny")
    assert state.state == "failed" and "runs offline" in state.why
