"""Files from the model hub over plain HTTP: what there is, and one file at a time with resume, progress and Cancel.

huggingface_hub gives the listing, the addresses, the headers and its HTTP client; the bytes are read here. Its own
download functions were tried: they report, and can be stopped, only every 10 MiB (5 s on a 2 MB/s line), throw away
what has arrived when they stop, and do not look at hashes. The Xet transport cannot be stopped and is not used.
"""

from __future__ import annotations

import errno
import logging
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ModelUnavailable
from core.lockfile import git_sha1_of, sha256_of
from core.model_spec import Hub, ModelSpec
from core.settings import settings
from core.tasks import Job

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0  # to connect, and between two pieces of data
RETRIES = 3  # in a row without a new byte
RETRY_WAIT_S = 1.0
SPARE_BYTES = 64 << 20  # left free on the disk beyond the download itself
INDEX = "model.safetensors.index.json"
CONVERSION_TITLE = "Adding `safetensors` variant of this model"
CONVERSION_AUTHOR = "SFconvertbot"  # the hub's own robot; anybody may open a pull request, so the author counts
_SHARD = re.compile(r"[\w.-]+\.safetensors")


@dataclass(frozen=True)
class RemoteFile:
    """One file to download, with the hash that the hub (``git_sha1`` for small files) or the lock file promises."""

    name: str
    size_bytes: int
    commit: str
    sha256: str | None = None
    git_sha1: str | None = None
    is_pinned: bool = False  # the hash is that of the lock file


@dataclass(frozen=True)
class Listing:
    """The files of a repository at one commit, by name."""

    commit: str
    files: Mapping[str, RemoteFile]


def list_files(repo_id: str, revision: str = "main") -> Listing:
    """Ask the hub for the commit of ``revision`` and for its files (1 request)."""
    from huggingface_hub import HfApi

    info = HfApi(endpoint=settings().endpoint).model_info(
        repo_id, revision=revision, files_metadata=True, timeout=TIMEOUT_S
    )
    commit = str(info.sha)
    files = {}
    for file in info.siblings or ():
        sha256 = file.lfs.sha256 if file.lfs is not None else None
        files[file.rfilename] = RemoteFile(file.rfilename, int(file.size or 0), commit, sha256, file.blob_id)
    return Listing(commit, files)


def find_conversion(repo_id: str) -> Listing | None:
    """The files of the pull request by which the hub's robot offers safetensors, or None.

    Some old repositories (openai/clip-vit-base-patch32 among them) hold pickles on their main branch and their
    safetensors only there; transformers looks there too, and checks the author for the same reason.
    """
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    response = get_session().get(
        f"{settings().endpoint}/api/models/{repo_id}/discussions",
        params={"type": "pull_request", "author": CONVERSION_AUTHOR},
        headers=build_hf_headers(),
        timeout=TIMEOUT_S,
    )
    hf_raise_for_status(response)
    for offer in response.json()["discussions"]:
        is_the_robots = offer.get("author", {}).get("name") == CONVERSION_AUTHOR
        if is_the_robots and offer.get("title") == CONVERSION_TITLE and offer.get("status") != "closed":
            return list_files(repo_id, f"refs/pr/{int(offer['num'])}")
    return None


def fetch(repo_id: str, file: RemoteFile, target: Path, *, job: Job, arrived: Callable[[int], None]) -> str:
    """Download one file to ``target`` and check it; what a stopped download left is taken up again.

    Args:
        repo_id: The repository.
        file: What to download.
        target: Where to; while it is incomplete the file is ``target`` + ".part" beside it.
        job: Checked at every piece of data.
        arrived: Told the number of bytes of this file that are here, after every piece.

    Returns:
        Hex sha256 of the file.

    Raises:
        ModelUnavailable: the file arrived, and it is not the one that was promised; the download is thrown away.
        Cancelled: the job was cancelled; what has arrived stays for the next call.
        Exception: of the HTTP client and of huggingface_hub; :func:`explain` turns it into a sentence.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    is_resumed = part.exists()
    _stream(repo_id, file, part, job=job, arrived=arrived)
    sha256 = sha256_of(part, job.check)
    if not is_promised(file, part, sha256):
        part.unlink()
        if is_resumed:  # the part may be what was broken
            log.warning("%s of %s was wrong after a resumed download; downloading it anew", file.name, repo_id)
            return fetch(repo_id, file, target, job=job, arrived=arrived)
        raise _wrong_hash(repo_id, file, sha256)
    part.replace(target)
    return sha256


def is_promised(file: RemoteFile, path: Path, sha256: str) -> bool:
    """Whether the file at ``path``, whose sha256 is given, is the one that was promised."""
    return sha256 == file.sha256 if file.sha256 else git_sha1_of(path) == file.git_sha1


def _stream(repo_id: str, file: RemoteFile, part: Path, *, job: Job, arrived: Callable[[int], None]) -> None:
    """Append to ``part`` until it has its size; a broken connection is taken up where it broke."""
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import httpx

    failures = 0
    while True:
        job.check()
        start = part.stat().st_size if part.exists() else 0
        arrived(start)
        if start == file.size_bytes:
            part.touch()  # an empty file has no bytes to append
            return
        if start > file.size_bytes:  # left by something else, or the server sends more than it listed
            part.unlink()
            start = 0
        try:
            _append(repo_id, file, part, start, job=job, arrived=arrived)
            why: Exception | None = None
        except (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError) as error:
            why = error
        except HfHubHTTPError as error:
            if error.response.status_code < 500 and error.response.status_code != 429:
                raise
            why = error
        if part.exists() and part.stat().st_size > file.size_bytes:
            part.unlink()
            raise _wrong_hash(repo_id, file, "more bytes than were listed")
        failures = failures + 1 if not part.exists() or part.stat().st_size <= start else 0
        if failures > RETRIES:
            raise _truncated(repo_id, file, start) if why is None or isinstance(why, httpx.RemoteProtocolError) else why
        if failures:
            log.info("%s of %s stopped at %d B (%s); trying again", file.name, repo_id, start, why)
            job.wait(RETRY_WAIT_S)


def _append(
    repo_id: str, file: RemoteFile, part: Path, start: int, *, job: Job, arrived: Callable[[int], None]
) -> None:
    """One request: append what the server sends from byte ``start`` on."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    url = hf_hub_url(repo_id, file.name, revision=file.commit, endpoint=settings().endpoint)
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT_S, follow_redirects=True) as response:
        if response.status_code >= 400:
            response.read()
        hf_raise_for_status(response)
        if response.status_code != 206:  # the server sends the file from its beginning
            start = 0
        with part.open("ab" if start else "wb") as out:
            for chunk in response.iter_bytes():
                job.check()
                out.write(chunk)
                start += len(chunk)
                if start > file.size_bytes:
                    break
                arrived(start)


def check_disk(title: str, needed_bytes: int) -> None:
    """Refuse a download that does not fit, before it starts.

    Raises:
        ModelUnavailable: the models folder's disk has less than the download and 64 MiB free.
    """
    folder = settings().models_dir
    folder.mkdir(parents=True, exist_ok=True)
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes + SPARE_BYTES:
        raise ModelUnavailable(
            f"{title} needs {megabytes(needed_bytes + SPARE_BYTES)} on disk and only {megabytes(free_bytes)} are free"
            f" in {folder}; free some, or set HUB_MODELS_DIR to a folder on another disk."
        )


def shards_of(index: Mapping[str, Any], listing: Listing, repo_id: str) -> tuple[str, ...]:
    """Names of the weight files that a sharded checkpoint's index lists, in order.

    Raises:
        ModelUnavailable: the index names no files, or files that are not there.
    """
    weight_map = index.get("weight_map")
    names = sorted({str(name) for name in weight_map.values()}) if isinstance(weight_map, dict) else []
    if not names or not all(_SHARD.fullmatch(name) and name in listing.files for name in names):
        raise ModelUnavailable(f"{INDEX} of {repo_id} names weight files that the repository lacks; use another model.")
    return tuple(names)


def explain(error: Exception, spec: ModelSpec, source: Hub) -> ModelUnavailable:
    """Say in one sentence why a download failed and what helps."""
    from huggingface_hub import errors
    from huggingface_hub.utils import httpx

    head, page = f"{spec.title} cannot be downloaded", f"{settings().endpoint}/{source.repo_id}"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return ModelUnavailable(f"{head}: HF_HUB_OFFLINE is set; unset it, or use the bundled model.")
    if isinstance(error, errors.GatedRepoError):
        return ModelUnavailable(
            f"{head}: {source.repo_id} is gated; accept its conditions at {page}, run `hf auth login`, try again."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return ModelUnavailable(f"{head}: the hub has no repository {source.repo_id}, or it is private; see {page}.")
    if isinstance(error, errors.RevisionNotFoundError):
        return ModelUnavailable(
            f"{head}: the commit recorded at the first download is gone from {source.repo_id}; to take the present one"
            f" run `python -m core forget {spec.name}` and download again."
        )
    if isinstance(error, errors.EntryNotFoundError):
        return ModelUnavailable(f"{head}: a file that it needs is missing from {source.repo_id}; use another model.")
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        if status in (401, 403):
            return ModelUnavailable(
                f"{head}: the hub refuses access ({status}); check your token with `hf auth whoami`."
            )
        return ModelUnavailable(f"{head}: the hub answers with error {status}; try again in a few minutes.")
    if isinstance(error, httpx.TimeoutException):
        return ModelUnavailable(f"{head}: the hub did not answer within {TIMEOUT_S:.0f} s; try again later.")
    if isinstance(error, httpx.TransportError):
        return ModelUnavailable(
            f"{head}: {settings().endpoint} cannot be reached; check the connection, or use the bundled model."
        )
    if isinstance(error, OSError):
        return _explain_disk(error, head)
    return ModelUnavailable(
        f"{head}: {settings().endpoint} does not answer as a model hub does; look for a login page of your network, or"
        " check HUB_ENDPOINT."
    )


def _explain_disk(error: OSError, head: str) -> ModelUnavailable:
    folder = settings().models_dir
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ModelUnavailable(
            f"{head}: the disk of {folder} is full; free some space (what has arrived is kept), or set HUB_MODELS_DIR"
            " to a folder on another disk."
        )
    reason = error.strerror or str(error)
    return ModelUnavailable(f"{head}: {folder} cannot be written ({reason}); set HUB_MODELS_DIR to another folder.")


def _wrong_hash(repo_id: str, file: RemoteFile, found: str) -> ModelUnavailable:
    promise = "recorded at its first download" if file.is_pinned else "that the hub lists"
    return ModelUnavailable(
        f"{file.name} of {repo_id} arrived, but is not the file {promise} (sha256 {found[:26]}): it was damaged on the"
        " way or changed on the hub. It was thrown away; try again, and if this stays, do not use the model."
    )


def _truncated(repo_id: str, file: RemoteFile, size_bytes: int) -> ModelUnavailable:
    return ModelUnavailable(
        f"{file.name} of {repo_id} arrives truncated: {megabytes(size_bytes)} of {megabytes(file.size_bytes)}, again"
        " and again; try again later."
    )


def megabytes(size_bytes: int) -> str:
    """A size in words: 605 MB, 1.7 GB, 12 kB (decimal, as the hub shows them)."""
    for unit, factor, digits in (("GB", 1e9, 1), ("MB", 1e6, 0), ("kB", 1e3, 0)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.{digits}f} {unit}"
    return f"{size_bytes} B"
