"""From a row of the catalogue to a folder of checked files: bundled, then local, then downloaded.

Hub models live in ``<models folder>/checkpoints/owner--name/<commit>/``. The first download records the commit and
every file's sha256 in the lock file; later loads ask the network nothing and refuse a file that differs. Hashing
1.7 GB takes seconds, so a file that passed once is not read again while its size, times and inode stay (kept in
``.verified.json`` beside the files): a guard against accidents and changing repositories, not against somebody who
can write to the folder.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path

from core import download, open_clip
from core.download import RemoteFile
from core.errors import ModelUnavailable
from core.lockfile import Pin, PinnedFile, read_pin, record_pin, sha256_of, write_json
from core.model_spec import PICKLE_FAMILIES, PICKLE_SUFFIXES, Bundled, Hub, ModelSpec
from core.settings import ROOT, settings
from core.shared_work import SharedWork
from core.tasks import Job, Step

log = logging.getLogger(__name__)

BUNDLED_DIR = ROOT / "assets" / "models"
WEIGHTS = "model.safetensors"
LOCK_POLL_S = 0.2
_STAMPS = ".verified.json"

_downloads: SharedWork[Path] = SharedWork()
_stamp_lock = threading.Lock()
_bundled_stamps: dict[str, list[int | str]] = {}  # by path; bundled files are hashed once a process


def resolve(spec: ModelSpec, *, job: Job | None = None) -> Path:
    """Find or fetch the files of a model: the first source that can give them.

    Args:
        spec: The row of the catalogue.
        job: Told "checking" and "downloading" (bytes); cancelling it ends the call at once, and the download
            too unless another caller waits for the same one. What has arrived is kept and taken up next time.

    Returns:
        A folder with every file of the model, each with the sha256 that is written down for it.

    Raises:
        ModelUnavailable: no source has it; the sentence says why and what helps.
        Cancelled: the job was cancelled.
    """
    if job is not None:
        job.step("checking", note=spec.title)
    for source in spec.sources:
        if isinstance(source, Hub):
            return _resolve_hub(spec, source, job)
        if (BUNDLED_DIR / source.folder).is_dir():
            return _resolve_bundled(spec, source, job)
    raise ModelUnavailable(
        f"{spec.title} is bundled, but its folder is missing from {BUNDLED_DIR}; clone the repository again."
    )


def is_local(spec: ModelSpec) -> bool:
    """Whether :func:`resolve` would find every file here, by name and size; no hash and no network."""
    return any(_local_folder(source) is not None for source in spec.sources)


def local_bytes(spec: ModelSpec) -> int:
    """Bytes that the model takes on this machine's disk, unfinished downloads included."""
    folders = [_home(source) for source in spec.sources]
    return sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())


def remove(spec: ModelSpec) -> None:
    """Delete a downloaded model's files; the lock file keeps what they have to be. Bundled files stay."""
    for source in spec.sources:
        if isinstance(source, Hub):
            shutil.rmtree(_home(source), ignore_errors=True)


def current_step(spec: ModelSpec) -> Step | None:
    """How far the download under way is, or None; never waits."""
    steps = (_downloads.step(_home(source)) for source in spec.sources if isinstance(source, Hub))
    return next((step for step in steps if step is not None), None)


# Bundled.


def _resolve_bundled(spec: ModelSpec, source: Bundled, job: Job | None) -> Path:
    folder = BUNDLED_DIR / source.folder
    for name, expected in source.sha256.items():
        path = folder / name
        if not path.is_file():
            raise ModelUnavailable(f"{name} of {spec.title} is missing from {folder}; clone the repository again.")
        mark = [*_stamp(path), expected]
        if _bundled_stamps.get(str(path)) == mark:
            continue
        found = sha256_of(path, job.check if job is not None else lambda: None)
        if found != expected:
            raise ModelUnavailable(
                f"{name} of {spec.title} is not the file of this release (sha256 {found[:12]}... instead of"
                f" {expected[:12]}...); restore it with `git checkout -- {path}`."
            )
        _bundled_stamps[str(path)] = mark
    return folder


# Downloaded.


def _home(source: Bundled | Hub) -> Path:
    """The folder that holds everything of one source."""
    if isinstance(source, Bundled):
        return BUNDLED_DIR / source.folder
    return settings().models_dir / "checkpoints" / source.key.replace("/", "--")


def _local_folder(source: Bundled | Hub) -> Path | None:
    """The folder of a source whose files are all here, or None."""
    if isinstance(source, Bundled):
        folder = _home(source)
        return folder if folder.is_dir() and all((folder / name).is_file() for name in source.sha256) else None
    pin = read_pin(source.key)
    if pin is None or not _is_covered(source, pin):
        return None
    folder = _home(source) / pin.commit
    return folder if all((folder / name).is_file() for name in pin.files) else None


def _is_covered(source: Hub, pin: Pin) -> bool:
    """Whether the pin has every file that the row asks for (a later release may ask for more)."""
    if open_clip.WEIGHTS in pin.files:
        return True
    has_weights = WEIGHTS in pin.files or download.INDEX in pin.files
    return all(name in pin.files or (name == WEIGHTS and has_weights) for name in source.files)


def _resolve_hub(spec: ModelSpec, source: Hub, job: Job | None) -> Path:
    _refuse_pickles(spec, source)
    folder = _local_folder(source)
    if folder is None and settings().offline:
        raise ModelUnavailable(
            f"{spec.title} is not on this machine and the hub runs offline; start it without --offline once to"
            f" download it ({spec.download_mb:.0f} MB), or use a bundled model."
        )
    if folder is None:
        folder = _downloads.run(_home(source), lambda inner: _download(spec, source, inner), job=job)
    pin = read_pin(source.key)
    assert pin is not None
    _verify(spec, folder, pin, job)
    return open_clip.converted(folder, spec.title, job=job) if open_clip.WEIGHTS in pin.files else folder


def _refuse_pickles(spec: ModelSpec, source: Hub) -> None:
    """Hold a row to safetensors, unless its loader is one that builds nothing but tensors from a pickle."""
    pickles = [name for name in (*source.files, *source.optional) if name.endswith(PICKLE_SUFFIXES)]
    if pickles and spec.family not in PICKLE_FAMILIES:
        raise ModelUnavailable(
            f"{spec.title} asks for {pickles[0]}, a pickle, which can run code; only safetensors are loaded, so use"
            " another model."
        )


def _verify(spec: ModelSpec, folder: Path, pin: Pin, job: Job | None) -> None:
    """Hold every file against the lock file; those unchanged since they last passed are not read again."""
    passed = _read_stamps(folder)
    fresh: dict[str, list[int | str]] = {}
    for name, file in pin.files.items():
        path = folder / name
        mark = [*_stamp(path), file.sha256]
        if passed.get(name) != mark:
            if job is not None:
                job.step("checking", note=name)
            found = sha256_of(path, job.check if job is not None else lambda: None)
            if found != file.sha256:
                raise ModelUnavailable(
                    f"{name} of {spec.title} has changed since it was downloaded (sha256 {found[:12]}... instead of"
                    f" {file.sha256[:12]}...) and is not loaded; run `python -m core remove {spec.name}` and download"
                    " it again."
                )
            fresh[name] = mark
    _add_stamps(folder, fresh)


def _stamp(path: Path) -> list[int | str]:
    """What changes when a file is written: size, both times, inode."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def _add_stamps(folder: Path, fresh: Mapping[str, list[int | str]]) -> None:
    if not fresh:
        return
    try:
        with _stamp_lock:
            write_json(folder / _STAMPS, {**_read_stamps(folder), **fresh})
    except OSError as error:  # a models folder that is mounted read-only: hash again next time
        log.warning("cannot write %s: %s", folder / _STAMPS, error)


def _read_stamps(folder: Path) -> Mapping[str, list[int | str]]:
    try:
        content = json.loads((folder / _STAMPS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _download(spec: ModelSpec, source: Hub, job: Job) -> Path:
    """Fetch what is missing and record it; one process at a time for each repository."""
    from filelock import FileLock, Timeout
    from huggingface_hub.utils import httpx

    home = _home(source)
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = FileLock(home.with_name(f"{home.name}.lock"))
        while not lock.is_locked:
            job.step("checking", note=f"{spec.title}: waiting for another process")
            try:
                lock.acquire(timeout=LOCK_POLL_S)
            except Timeout:
                continue
        try:
            return _local_folder(source) or _download_locked(spec, source, home, job)
        finally:
            lock.release()
    except (OSError, httpx.HTTPError, json.JSONDecodeError) as error:
        raise download.explain(error, spec, source) from error


def _download_locked(spec: ModelSpec, source: Hub, home: Path, job: Job) -> Path:
    job.step("checking", note=f"{spec.title}: asking the hub")
    pin = read_pin(source.key)
    commit, wanted = _wanted_of_pin(source, pin) if pin is not None else _wanted_of_hub(spec, source, job)
    folder = home / commit
    hashes = {file.name: _sha256_if_here(file, folder / file.name, job) for file in wanted}
    missing = [file for file in wanted if hashes[file.name] is None]
    parts = [folder / f"{file.name}.part" for file in missing]
    left_bytes = sum(file.size_bytes for file in missing)
    arrived_bytes = sum(part.stat().st_size for part in parts if part.is_file())
    copy_bytes = sum(file.size_bytes for file in wanted if file.name == open_clip.WEIGHTS)  # to be rewritten
    download.check_disk(spec.title, max(left_bytes - arrived_bytes, 0) + copy_bytes)
    total_bytes = sum(file.size_bytes for file in wanted)
    done_bytes = total_bytes - left_bytes

    def tell(file_bytes: int) -> None:
        job.step("downloading", done_bytes + file_bytes, total_bytes, unit="B", note=spec.title)

    files, stamps = dict(pin.files) if pin is not None else {}, {}
    for file in sorted(wanted, key=lambda file: file.size_bytes):  # what is missing shows before gigabytes are here
        path, sha256 = folder / file.name, hashes[file.name]
        if sha256 is None:
            sha256 = download.fetch(source.repo_id, file, path, job=job, arrived=tell)
            stamps[file.name] = [*_stamp(path), sha256]
            done_bytes += file.size_bytes
        files.setdefault(file.name, PinnedFile(sha256, file.size_bytes, file.commit))
    job.check()
    record_pin(source.key, Pin(commit, files))
    _add_stamps(folder, stamps)
    for other in home.iterdir():  # unfinished downloads of commits that were not recorded
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    return folder


def _sha256_if_here(file: RemoteFile, path: Path, job: Job) -> str | None:
    """The hash of a file that need not be downloaded, or None; a finished file that is wrong is deleted.

    A recorded file is not read here: if it has changed, _verify refuses it aloud.
    """
    if not path.is_file():
        return None
    if file.is_pinned:
        return file.sha256
    sha256 = sha256_of(path, job.check)
    if download.is_promised(file, path, sha256):
        return sha256
    path.unlink()
    return None


def _wanted_of_pin(source: Hub, pin: Pin) -> tuple[str, list[RemoteFile]]:
    """The files of the recorded commit: no question to the hub, unless this release asks for a file more."""
    wanted = [
        RemoteFile(name, file.size_bytes, file.commit, file.sha256, is_pinned=True) for name, file in pin.files.items()
    ]
    if not _is_covered(source, pin):
        listing = download.list_files(source.repo_id, pin.commit)
        wanted += [listing.files[name] for name in source.files if name not in pin.files and name in listing.files]
    return pin.commit, wanted


def _wanted_of_hub(spec: ModelSpec, source: Hub, job: Job) -> tuple[str, list[RemoteFile]]:
    """The files of the main branch's present commit; the weights maybe in shards or from the conversion robot.

    Raises:
        ModelUnavailable: the repository lacks a file that the model needs.
    """
    listing = download.list_files(source.repo_id)
    required = source.files
    if "config.json" not in listing.files and {open_clip.CONFIG, open_clip.WEIGHTS} <= set(listing.files):
        required = (open_clip.CONFIG, open_clip.WEIGHTS)
    names = [name for name in (*required, *source.tokenizer, *source.optional) if name in listing.files]
    absent = [name for name in required if name not in listing.files and name != WEIGHTS]
    if source.tokenizer and not set(names) & set(source.tokenizer):
        absent.append(" or ".join(source.tokenizer))
    if absent:
        raise ModelUnavailable(
            f"{spec.title} cannot be downloaded: {source.repo_id} has no {', no '.join(absent)}; use another model."
        )
    wanted = [listing.files[name] for name in dict.fromkeys(names)]
    if WEIGHTS in required and WEIGHTS not in listing.files:
        wanted += _weights_elsewhere(spec, source, listing, job)
    return listing.commit, wanted


def _weights_elsewhere(spec: ModelSpec, source: Hub, listing: download.Listing, job: Job) -> list[RemoteFile]:
    """Weights that are not one file on the main branch: an index and its shards, or a robot's pull request."""
    if download.INDEX in listing.files:
        index = listing.files[download.INDEX]
        path = _home(source) / listing.commit / index.name
        if not path.is_file():
            download.fetch(source.repo_id, index, path, job=job, arrived=lambda _: job.check())
        shards = download.shards_of(json.loads(path.read_text(encoding="utf-8")), listing, source.repo_id)
        return [index, *(listing.files[name] for name in shards)]
    conversion = download.find_conversion(source.repo_id)
    if conversion is not None and WEIGHTS in conversion.files:
        log.info("%s: weights from the conversion at commit %s", source.repo_id, conversion.commit)
        return [conversion.files[WEIGHTS]]
    raise ModelUnavailable(
        f"{spec.title} cannot be downloaded: {source.repo_id} offers its weights as a pickle only, and pickles can run"
        " code, so only safetensors are loaded; use another model, or ask its owner for a safetensors conversion."
    )
