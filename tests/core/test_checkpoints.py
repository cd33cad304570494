"""The way of a checkpoint: bundled, local, downloaded; every fault is a sentence that says what to do."""

from __future__ import annotations

import json
import shutil
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from core import checkpoints, download
from core.checkpoints import is_local, local_bytes, remove, resolve
from core.errors import Cancelled, ModelUnavailable
from core.lockfile import forget_pin, read_pin, sha256_of
from core.model_spec import Bundled, Hub, ModelSpec
from core.settings import configure, settings
from core.tasks import Job, Step
from tests.core.conftest import row_for
from tests.fake_hub import FakeHub, Fault

REPO = "acme/tiny"
FILES = {"config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json"}


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "RETRY_WAIT_S", 0.01)
    monkeypatch.setattr(download, "TIMEOUT_S", 1.0)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


# The straight way.


def test_first_download_brings_the_files_and_records_them(
    tiny_spec: ModelSpec, tiny_repo: Path, fake_hub: FakeHub
) -> None:
    assert not is_local(tiny_spec) and local_bytes(tiny_spec) == 0
    told: list[Step] = []
    folder = resolve(tiny_spec, job=Job(told.append))
    assert _names(folder) == FILES and is_local(tiny_spec)
    assert all((folder / name).read_bytes() == (tiny_repo / name).read_bytes() for name in FILES)
    assert local_bytes(tiny_spec) > 256 * 1024
    pin = read_pin(REPO)
    assert pin is not None and set(pin.files) == FILES and pin.commit == folder.name
    assert all(pin.files[name].sha256 == sha256_of(tiny_repo / name) for name in FILES)
    assert told[0].stage == "checking"


def test_second_load_asks_the_network_nothing(tiny_spec: ModelSpec, fake_hub: FakeHub) -> None:
    folder = resolve(tiny_spec)
    asked = len(fake_hub.requests)
    assert resolve(tiny_spec) == folder
    configure(offline=True)
    assert resolve(tiny_spec) == folder
    assert len(fake_hub.requests) == asked


def test_a_repository_that_moves_on_does_not_matter(tiny_spec: ModelSpec, tiny_repo: Path, fake_hub: FakeHub) -> None:
    first = resolve(tiny_spec)
    newer = tiny_repo.with_name("newer")
    shutil.copytree(tiny_repo, newer)
    (newer / "config.json").write_text('{"changed": true}')
    commit = fake_hub.add_repo(REPO, newer)
    remove(tiny_spec)
    assert not is_local(tiny_spec)
    assert resolve(tiny_spec) == first and "changed" not in (first / "config.json").read_text()
    remove(tiny_spec)
    forget_pin(REPO)
    assert resolve(tiny_spec).name == commit


def test_files_that_a_repository_may_lack(tiny_spec: ModelSpec, tiny_repo: Path) -> None:
    (tiny_repo / "tokenizer.json").rename(tiny_repo / "vocab.txt")
    (tiny_repo / "tokenizer_config.json").write_text("{}")
    assert _names(resolve(tiny_spec)) == FILES - {"tokenizer.json"} | {"vocab.txt", "tokenizer_config.json"}


def test_a_file_that_a_later_release_needs_comes_from_the_recorded_commit(
    tiny_spec: ModelSpec, tiny_repo: Path, fake_hub: FakeHub
) -> None:
    (tiny_repo / "extra.json").write_text("{}")
    folder = resolve(tiny_spec)
    source = tiny_spec.sources[0]
    assert isinstance(source, Hub)
    later = replace(tiny_spec, sources=(replace(source, files=(*source.files, "extra.json")),))
    assert not is_local(later)
    assert resolve(later) == folder and _names(folder) == FILES | {"extra.json"}


def test_weights_in_shards(tiny_spec: ModelSpec, tiny_repo: Path) -> None:
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    (tiny_repo / "model.safetensors").rename(tiny_repo / shards[0])
    shutil.copy(tiny_repo / shards[0], tiny_repo / shards[1])
    index = {"weight_map": {"a": shards[0], "b": shards[1]}}
    (tiny_repo / "model.safetensors.index.json").write_text(json.dumps(index))
    folder = resolve(tiny_spec)
    assert _names(folder) == FILES - {"model.safetensors"} | {*shards, "model.safetensors.index.json"}
    assert is_local(tiny_spec) and resolve(tiny_spec) == folder


def test_shards_outside_the_folder_are_refused(tiny_spec: ModelSpec, tiny_repo: Path) -> None:
    (tiny_repo / "model.safetensors").unlink()
    (tiny_repo / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../../evil.safetensors"}}')
    with pytest.raises(ModelUnavailable, match="names weight files that the repository lacks"):
        resolve(tiny_spec)


def test_weights_from_the_conversion_robot(
    tiny_spec: ModelSpec, tiny_repo: Path, fake_hub: FakeHub, tmp_path: Path
) -> None:
    converted = tmp_path / "converted"
    shutil.copytree(tiny_repo, converted)
    (converted / "config.json").write_text('{"from": "the pull request"}')
    (tiny_repo / "model.safetensors").unlink()
    (tiny_repo / "pytorch_model.bin").write_bytes(b"a pickle")
    commit = fake_hub.add_conversion(REPO, converted)
    folder = resolve(tiny_spec)
    assert _names(folder) == FILES and folder.name != commit
    assert "pull request" not in (folder / "config.json").read_text()  # only the weights come from there
    pin = read_pin(REPO)
    assert pin is not None and pin.files["model.safetensors"].commit == commit
    remove(tiny_spec)
    assert resolve(tiny_spec) == folder


def test_pickles_are_refused(tiny_spec: ModelSpec, tiny_repo: Path) -> None:
    (tiny_repo / "model.safetensors").rename(tiny_repo / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable, match="pickle.*only safetensors are loaded; use another model"):
        resolve(tiny_spec)


# Bundled.


def _bundled(monkeypatch: pytest.MonkeyPatch, repo: Path) -> ModelSpec:
    monkeypatch.setattr(checkpoints, "BUNDLED_DIR", repo.parent)
    hashes = {name: sha256_of(repo / name) for name in FILES}
    return row_for(REPO, title="Pocket", sources=(Bundled(repo.name, hashes),))


def test_bundled_models_are_checked_and_need_no_network(monkeypatch: pytest.MonkeyPatch, tiny_repo: Path) -> None:
    spec = _bundled(monkeypatch, tiny_repo)
    configure(offline=True, endpoint="http://127.0.0.1:9")
    assert resolve(spec) == tiny_repo and is_local(spec) and local_bytes(spec) > 0
    remove(spec)
    assert is_local(spec)


def test_a_changed_bundled_file_is_refused(monkeypatch: pytest.MonkeyPatch, tiny_repo: Path) -> None:
    spec = _bundled(monkeypatch, tiny_repo)
    resolve(spec)
    (tiny_repo / "config.json").write_text("{}")
    with pytest.raises(ModelUnavailable, match="config.json of Pocket is not the file of this release.*git checkout"):
        resolve(spec)
    (tiny_repo / "config.json").unlink()
    with pytest.raises(ModelUnavailable, match="config.json of Pocket is missing"):
        resolve(spec)
    shutil.rmtree(tiny_repo)
    with pytest.raises(ModelUnavailable, match="its folder is missing.*clone the repository again"):
        resolve(spec)


# Faults.


@dataclass(frozen=True)
class Case:
    """One fault of the hub and the sentence it becomes."""

    name: str
    kind: Fault
    file: str
    sentence: str


CASES = (
    Case("no repository", "not_found", "", "Tiny cannot be downloaded: the hub has no repository acme/tiny"),
    Case("gated", "gated", "", "acme/tiny is gated; accept its conditions at .*acme/tiny, run `hf auth login`"),
    Case("no config", "missing", "config.json", "acme/tiny has no config.json; use another model"),
    Case("no tokenizer", "missing", "tokenizer.json", "has no tokenizer.json or vocab.txt; use another model"),
    Case("damaged weights", "corrupted", "model.safetensors", "model.safetensors of acme/tiny arrived, but is not"),
    Case("damaged config", "corrupted", "config.json", "config.json of acme/tiny arrived, but is not.*try again"),
    Case("truncated", "truncated", "model.safetensors", "arrives truncated: 131 kB of 262 kB.*try again later"),
    Case("error 500", "server_error", "", "the hub answers with error 500; try again in a few minutes"),
    Case("error 500 at a file", "server_error", "config.json", "the hub answers with error 500; try again"),
    Case("silence", "stalled", "model.safetensors", "the hub did not answer within 1 s; try again later"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_faults_are_sentences_and_the_next_call_starts_cleanly(
    case: Case, tiny_spec: ModelSpec, fake_hub: FakeHub
) -> None:
    fake_hub.fault(REPO, case.kind, file=case.file)
    with pytest.raises(ModelUnavailable, match=case.sentence):
        resolve(tiny_spec)
    assert not is_local(tiny_spec) and read_pin(REPO) is None
    fake_hub.clear(REPO)
    assert _names(resolve(tiny_spec)) == FILES


def test_no_connection(tiny_spec: ModelSpec, fake_hub: FakeHub) -> None:
    fake_hub.stop()
    with pytest.raises(ModelUnavailable, match="Tiny cannot be downloaded: .* cannot be reached; check the connection"):
        resolve(tiny_spec)


def test_offline_never_touches_the_network(tiny_spec: ModelSpec, fake_hub: FakeHub) -> None:
    configure(offline=True)
    with pytest.raises(ModelUnavailable, match="Tiny is not on this machine and the hub runs offline"):
        resolve(tiny_spec)
    assert not fake_hub.requests


def test_a_server_that_is_no_hub(tiny_spec: ModelSpec, fake_hub: FakeHub) -> None:
    configure(endpoint=f"{fake_hub.url}/portal")
    with pytest.raises(ModelUnavailable, match="Tiny cannot be downloaded"):
        resolve(tiny_spec)


def test_a_broken_connection_is_taken_up_where_it_broke(tiny_spec: ModelSpec, fake_hub: FakeHub) -> None:
    fake_hub.fault(REPO, "cut", file="model.safetensors")
    resolve(tiny_spec)
    ranges = [r.byte_range for r in fake_hub.requests if r.path.startswith("/lfs/")]
    assert len(ranges) == 2 and ranges[0] is None and ranges[1] is not None and ranges[1] != "bytes=0-"


def test_full_disk_is_seen_before_the_download(
    tiny_spec: ModelSpec, fake_hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(ModelUnavailable, match="Tiny needs 67 MB on disk and only 1 MB are free in .*HUB_MODELS_DIR"):
        resolve(tiny_spec)
    assert not [path for path in fake_hub.paths() if "resolve" in path]


def test_disk_that_fills_during_the_download(tiny_spec: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download, "_append", full)
    with pytest.raises(ModelUnavailable, match="the disk of .* is full; free some space"):
        resolve(tiny_spec)


def test_folder_that_cannot_be_written(tiny_spec: ModelSpec, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    configure(models_dir=tmp_path / "file" / "models")
    with pytest.raises(ModelUnavailable, match="cannot be written.*HUB_MODELS_DIR"):
        resolve(tiny_spec)


# What was recorded is held to.


def test_a_changed_local_file_is_refused_until_it_is_removed(tiny_spec: ModelSpec) -> None:
    weights = resolve(tiny_spec) / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(
        ModelUnavailable, match="model.safetensors of Tiny has changed since.*python -m core remove tiny"
    ):
        resolve(tiny_spec)
    remove(tiny_spec)
    assert resolve(tiny_spec) == weights.parent


def test_a_file_with_its_old_times_is_read_again_when_rewritten(tiny_spec: ModelSpec) -> None:
    import os

    config = resolve(tiny_spec) / "config.json"
    before = config.stat()
    config.write_text(config.read_text().replace("config", "CONFIG"))
    os.utime(config, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert config.stat().st_size == before.st_size
    with pytest.raises(ModelUnavailable, match="config.json of Tiny has changed"):
        resolve(tiny_spec)


def test_unchanged_files_are_hashed_once(tiny_spec: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(tiny_spec)
    monkeypatch.setattr(checkpoints, "sha256_of", lambda *_: pytest.fail("read again"))
    resolve(tiny_spec)


def test_a_file_that_changed_on_the_hub_is_refused(tiny_spec: ModelSpec, fake_hub: FakeHub) -> None:
    resolve(tiny_spec)
    remove(tiny_spec)
    fake_hub.fault(REPO, "swapped", file="model.safetensors")
    with pytest.raises(ModelUnavailable, match="not the file recorded at its first download.*changed on the hub"):
        resolve(tiny_spec)


def test_a_commit_that_is_gone_is_refused(tiny_spec: ModelSpec, fake_hub: FakeHub) -> None:
    resolve(tiny_spec)
    remove(tiny_spec)
    fake_hub.fault(REPO, "gone_commit")
    with pytest.raises(ModelUnavailable, match="commit recorded.*is gone.*`python -m core forget tiny`"):
        resolve(tiny_spec)


# Progress, Cancel, company.


def _cancel_when_downloading(job: Job) -> threading.Event:
    """Cancel ``job`` as soon as it tells that bytes arrive; the event says that it did."""
    seen = threading.Event()

    def watch(step: Step) -> None:
        if step.stage == "downloading" and step.done and not seen.is_set():
            seen.set()

    job._report = watch
    return seen


def test_progress_in_bytes_with_the_time_left(tiny_spec: ModelSpec, fake_hub: FakeHub) -> None:
    fake_hub.fault(REPO, "slow", file="model.safetensors")
    told: list[Step] = []
    resolve(tiny_spec, job=Job(told.append))
    steps = [step for step in told if step.stage == "downloading"]
    total = sum(file.size_bytes for file in read_pin(REPO).files.values())  # type: ignore[union-attr]
    assert len(steps) > 10 and all(step.unit == "B" and step.total == total for step in steps)
    done = [step.done for step in steps]
    assert done == sorted(done) and steps[-1].eta_s is not None and steps[-1].eta_s < 2


def test_cancel_stops_within_two_seconds_and_the_next_call_goes_on(tiny_spec: ModelSpec, fake_hub: FakeHub) -> None:
    fake_hub.fault(REPO, "slow", file="model.safetensors")
    job = Job()
    seen = _cancel_when_downloading(job)
    threading.Thread(target=lambda: (seen.wait(5), time.sleep(0.5), job.cancel()), daemon=True).start()
    with pytest.raises(Cancelled):
        resolve(tiny_spec, job=job)
    start_s = time.monotonic()
    while checkpoints.current_step(tiny_spec) is not None:
        assert time.monotonic() - start_s < 2, "the download goes on after Cancel"
        time.sleep(0.02)
    assert not is_local(tiny_spec) and read_pin(REPO) is None
    parts = list(settings().models_dir.rglob("*.part"))
    assert len(parts) == 1 and parts[0].stat().st_size > 0
    fake_hub.clear(REPO)
    asked = len(fake_hub.requests)
    assert _names(resolve(tiny_spec)) == FILES
    later = fake_hub.requests[asked:]
    assert any(request.byte_range for request in later) and not any(
        "json" in r.path for r in later if "resolve" in r.path
    )


def test_cancel_frees_the_caller_of_a_silent_server(tiny_spec: ModelSpec, fake_hub: FakeHub) -> None:
    fake_hub.fault(REPO, "stalled", file="model.safetensors")
    job = Job()
    threading.Timer(0.4, job.cancel).start()
    start_s = time.monotonic()
    with pytest.raises(Cancelled):
        resolve(tiny_spec, job=job)
    assert time.monotonic() - start_s < 1
    fake_hub.clear(REPO)
    assert _names(resolve(tiny_spec)) == FILES  # waits for the old one to notice


def test_a_damaged_part_is_thrown_away_and_downloaded_anew(tiny_spec: ModelSpec, fake_hub: FakeHub) -> None:
    folder = resolve(tiny_spec)
    remove(tiny_spec)
    folder.mkdir(parents=True)
    (folder / "model.safetensors.part").write_bytes(bytes(1000))
    (folder / "config.json.part").write_bytes(bytes(1000))  # longer than the file
    assert _names(resolve(tiny_spec)) == FILES


def test_a_finished_file_of_a_stopped_download_is_checked(tiny_spec: ModelSpec, fake_hub: FakeHub) -> None:
    folder = resolve(tiny_spec)
    forget_pin(REPO)
    (folder / "config.json").write_text("decayed")
    asked = len(fake_hub.requests)
    resolve(tiny_spec)
    assert "decayed" not in (folder / "config.json").read_text()
    assert not any("model.safetensors" in request.path for request in fake_hub.requests[asked:])


def test_sixteen_callers_download_once(tiny_spec: ModelSpec, fake_hub: FakeHub) -> None:
    fake_hub.fault(REPO, "slow", file="config.json")
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(resolve(tiny_spec))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16 and len(set(found)) == 1
    assert len([path for path in fake_hub.paths() if path.endswith("resolve/" + found[0].name + "/config.json")]) == 1


def test_one_of_two_callers_leaves_and_the_other_gets_the_model(tiny_spec: ModelSpec, fake_hub: FakeHub) -> None:
    fake_hub.fault(REPO, "slow", file="model.safetensors")
    leaver = Job()
    found: list[Path] = []
    stays = threading.Thread(target=lambda: found.append(resolve(tiny_spec)))
    threading.Timer(0.5, leaver.cancel).start()
    threading.Timer(0.2, stays.start).start()
    with pytest.raises(Cancelled):
        resolve(tiny_spec, job=leaver)
    stays.join()
    assert _names(found[0]) == FILES
    assert len([path for path in fake_hub.paths() if path.startswith("/lfs/")]) == 1
