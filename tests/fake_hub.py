"""A model hub on loopback: serves folders as repositories, with the faults that real hubs have.

It speaks what huggingface_hub 2.4 asks for over plain HTTP (model info, tree, HEAD and GET of files, Range
requests, large files by redirect to another host name), so that the whole way of a checkpoint, from the hub to
the model, runs in tests without the network. No file is ever held in memory.

    with FakeHub() as hub:
        commit = hub.add_repo("acme/tiny", folder)
        hub.fault("acme/tiny", "slow", file="model.safetensors")
        ...                                        # hub.url, hub.requests
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

Fault = Literal[
    "not_found",  # the repository does not exist (the hub says 401 RepoNotFound to strangers)
    "gated",  # its conditions were not accepted: listing works, files answer 403 GatedRepo
    "missing",  # this file is in no listing and answers 404 EntryNotFound
    "corrupted",  # bytes of the same number but not those that the listing promises
    "swapped",  # listing and bytes both changed under the same commit
    "truncated",  # the connection closes after the first half, always
    "cut",  # the connection closes after the first half, once
    "slow",  # 8 KiB every 0.1 s
    "stalled",  # headers, then silence
    "server_error",  # 500
    "gone_commit",  # revisions other than branches answer 404 RevisionNotFound
]
LFS_SUFFIXES = (".safetensors", ".bin", ".pth", ".model")
CHUNK_BYTES = 1 << 16
SLOW_BYTES, SLOW_WAIT_S = 8192, 0.1


@dataclass(frozen=True)
class Request:
    """One request that reached the hub."""

    method: str
    path: str
    byte_range: str | None


@dataclass
class _Repo:
    """Branch and pull-request names by commit, folders by commit, faults by file ("" = every file)."""

    refs: dict[str, str] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    converted_pr: int | None = None


class FakeHub:
    """The hub: a context manager that listens on a free loopback port while it is open."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._repos: dict[str, _Repo] = {}
        self._hashes: dict[tuple[str, int, int, str], str] = {}
        self._closing = threading.Event()
        self._cut_files: set[str] = set()
        hub = self

        class Handler(_Handler):
            """The handler, tied to this hub."""

            owner = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> FakeHub:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the port: from now on every connection is refused."""
        if not self._closing.is_set():
            self._closing.set()
            self._server.shutdown()
            self._server.server_close()

    def add_repo(self, repo_id: str, folder: Path, *, ref: str = "main") -> str:
        """Serve ``folder`` as the head of ``ref``; called again, the old commit stays readable. Returns the commit."""
        repo = self._repos.setdefault(repo_id, _Repo())
        commit = hashlib.sha1(f"{repo_id} {folder} {len(repo.folders)}".encode()).hexdigest()
        repo.folders[commit] = Path(folder)
        repo.refs[ref] = commit
        return commit

    def add_conversion(self, repo_id: str, folder: Path, *, number: int = 7) -> str:
        """Add the pull request by which the hub's own robot offers safetensors. Returns its commit."""
        commit = self.add_repo(repo_id, folder, ref=f"refs/pr/{number}")
        self._repos[repo_id].converted_pr = number
        return commit

    def fault(self, repo_id: str, kind: Fault, *, file: str = "") -> None:
        """Make one file of a repository fail, or all of it (``file=""``)."""
        self._repos.setdefault(repo_id, _Repo()).faults[file] = kind

    def clear(self, repo_id: str) -> None:
        """Take back every fault of a repository."""
        self._repos[repo_id].faults.clear()

    def paths(self, method: str = "GET") -> list[str]:
        """Paths asked for so far, in order, of one method."""
        return [request.path for request in self.requests if request.method == method]

    # What the handler asks.

    def _repo(self, repo_id: str) -> _Repo | None:
        return self._repos.get(repo_id)

    def _digest(self, path: Path, kind: str) -> str:
        """sha256, or git's blob sha1, in hex; remembered while size and time stay."""
        stat = path.stat()
        key = (str(path), stat.st_size, stat.st_mtime_ns, kind)
        if key not in self._hashes:
            digest = hashlib.sha256() if kind == "sha256" else hashlib.sha1(f"blob {stat.st_size}\0".encode())
            with path.open("rb") as stream:
                while chunk := stream.read(1 << 20):
                    digest.update(chunk)
            self._hashes[key] = digest.hexdigest()
        return self._hashes[key]


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    owner: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal."""

    def handle(self) -> None:
        """Serve until the client goes away; a client that leaves half-way is no error here."""
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        url = urlsplit(self.path)
        parts = [unquote(part) for part in url.path.strip("/").split("/")]
        self.owner.requests.append(Request(self.command, unquote(url.path), self.headers.get("Range")))
        if parts[:2] == ["api", "models"] and len(parts) >= 4:
            self._answer_api("/".join(parts[2:4]), parts[4:], parse_qs(url.query))
        elif parts[0] == "lfs" and len(parts) >= 5:
            self._send_file("/".join(parts[1:3]), parts[3], "/".join(parts[4:]))
        elif len(parts) >= 5 and parts[2] == "resolve":
            self._answer_resolve("/".join(parts[:2]), "/".join(parts[3:]))
        else:
            self._refuse(404, "", "Not Found")

    # The API: listings.

    def _answer_api(self, repo_id: str, rest: list[str], query: dict[str, list[str]]) -> None:
        repo = self.owner._repo(repo_id)
        if self._is_refused(repo, ""):
            return
        assert repo is not None
        if rest[:1] == ["discussions"]:
            self._send_json(self._discussions(repo))
            return
        if rest and rest[0] not in ("revision", "tree"):
            self._refuse(404, "", "Not Found")
            return
        commit = self._commit(repo, "/".join(rest[1:]) if rest else "main")
        if commit is None:
            return
        names = self._names(repo, commit)
        if rest[:1] == ["tree"]:
            self._send_json([{"type": "file", "path": name, **self._facts(repo, commit, name)} for name in names])
            return
        siblings = [
            {"rfilename": name, **(self._sibling(repo, commit, name) if "blobs" in query else {})} for name in names
        ]
        self._send_json({"id": repo_id, "modelId": repo_id, "sha": commit, "siblings": siblings, "tags": []})

    def _discussions(self, repo: _Repo) -> dict[str, Any]:
        """The list of pull requests, with the conversion robot's where there is one."""
        found = []
        if repo.converted_pr is not None:
            found.append(
                {
                    "num": repo.converted_pr,
                    "title": "Adding `safetensors` variant of this model",
                    "author": {"name": "SFconvertbot"},
                    "isPullRequest": True,
                    "status": "open",
                    "createdAt": "2023-03-01T00:00:00.000Z",
                    "repo": {"name": "", "type": "model"},
                }
            )
        return {"discussions": found, "count": len(found), "start": 0}

    def _names(self, repo: _Repo, commit: str) -> list[str]:
        folder = repo.folders[commit]
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        return [name for name in names if repo.faults.get(name) != "missing"]

    def _facts(self, repo: _Repo, commit: str, name: str) -> dict[str, Any]:
        """Size and hashes of a file as the tree listing gives them."""
        path = repo.folders[commit] / name
        size, oid = path.stat().st_size, self.owner._digest(path, "git")
        facts: dict[str, Any] = {"size": size, "oid": oid}
        if name.endswith(LFS_SUFFIXES):
            sha256 = self.owner._digest(path, "sha256")
            if self._fault(repo, name) == "swapped":
                sha256 = hashlib.sha256(sha256.encode()).hexdigest()
            facts["lfs"] = {"oid": sha256, "size": size, "pointerSize": 134}
        return facts

    def _sibling(self, repo: _Repo, commit: str, name: str) -> dict[str, Any]:
        """The same as the model info gives them."""
        facts = self._facts(repo, commit, name)
        found = {"size": facts["size"], "blobId": facts["oid"]}
        if "lfs" in facts:
            found["lfs"] = {"sha256": facts["lfs"]["oid"], "size": facts["size"], "pointerSize": 134}
        return found

    # Files.

    def _answer_resolve(self, repo_id: str, rest: str) -> None:
        """HEAD or GET of a file: small ones here, large ones by redirect to another host name."""
        repo = self.owner._repo(repo_id)
        if self._is_refused(repo, ""):
            return
        assert repo is not None
        ref = next((ref for ref in repo.refs if rest.startswith(f"{ref}/")), rest.split("/", 1)[0])
        name, commit = rest[len(ref) + 1 :], self._commit(repo, ref)
        if commit is None or self._is_refused(repo, name):
            return
        if name not in self._names(repo, commit):
            self._refuse(404, "EntryNotFound", "Entry not found", commit)
            return
        if self._fault(repo, name) == "gated":
            self._refuse(403, "GatedRepo", "Access to this model is restricted", commit)
            return
        facts = self._facts(repo, commit, name)
        if "lfs" in facts:
            self.send_response(302)
            self.send_header("X-Repo-Commit", commit)
            self.send_header("X-Linked-Etag", f'"{facts["lfs"]["oid"]}"')
            self.send_header("X-Linked-Size", str(facts["size"]))
            self.send_header("Location", f"http://localhost:{self.owner.port}/lfs/{repo_id}/{commit}/{name}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._send_file(repo_id, commit, name)

    def _send_file(self, repo_id: str, commit: str, name: str) -> None:
        repo = self.owner._repo(repo_id)
        assert repo is not None
        path, fault = repo.folders[commit] / name, self._fault(repo, name)
        size = path.stat().st_size
        start = int(self.headers["Range"].split("=")[1].split("-")[0]) if self.headers.get("Range") else 0
        if start >= size > 0:
            self._refuse(416, "", "Range Not Satisfiable")
            return
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", commit)
        self.send_header("ETag", f'"{self.owner._digest(path, "git")}"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(size - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.end_headers()
        if self.command == "GET":
            self._send_bytes(path, start, size, fault)

    def _send_bytes(self, path: Path, start: int, size: int, fault: Fault | None) -> None:
        end = size
        if fault == "truncated" or (fault == "cut" and str(path) not in self.owner._cut_files):
            end = size // 2
            self.owner._cut_files.add(str(path))
        with path.open("rb") as stream:
            stream.seek(start)
            while start < end and not self.owner._closing.is_set():
                if fault == "stalled":
                    self.owner._closing.wait(0.1)
                    continue
                chunk = stream.read(min(SLOW_BYTES if fault == "slow" else CHUNK_BYTES, end - start))
                if fault in ("corrupted", "swapped"):
                    chunk = bytes(byte ^ 0xFF for byte in chunk[:64]) + chunk[64:]
                self.wfile.write(chunk)
                start += len(chunk)
                if fault == "slow":
                    self.wfile.flush()
                    time.sleep(SLOW_WAIT_S)
        if start < size:
            self.close_connection = True

    # Refusals.

    @staticmethod
    def _fault(repo: _Repo, name: str) -> Fault | None:
        return repo.faults.get(name, repo.faults.get(""))

    def _is_refused(self, repo: _Repo | None, name: str) -> bool:
        """Answer with the fault that concerns the whole request; True if that was done."""
        fault = "not_found" if repo is None or not repo.folders else self._fault(repo, name)
        if fault == "not_found":
            self._refuse(401, "RepoNotFound", "Repository not found")
        elif fault == "server_error":
            self._refuse(500, "", "Internal Error")
        return fault in ("not_found", "server_error")

    def _commit(self, repo: _Repo, ref: str) -> str | None:
        """The commit that a ref names; None after a 404 was sent."""
        commit = repo.refs.get(ref, ref)
        if commit not in repo.folders or (ref not in repo.refs and repo.faults.get("") == "gone_commit"):
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {ref}")
            return None
        return commit

    def _refuse(self, status: int, code: str, message: str, commit: str = "") -> None:
        body = json.dumps({"error": message}).encode()
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", message)
        if commit:
            self.send_header("X-Repo-Commit", commit)
        self._send_body(body)

    def _send_json(self, content: Any) -> None:
        self.send_response(200)
        self._send_body(json.dumps(content).encode())

    def _send_body(self, body: bytes) -> None:
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
