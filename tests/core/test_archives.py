"""ZIP archives of strangers: pictures come out, everything hostile is one sentence, nothing touches the disk."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import archives
from core.archives import read_zip
from core.errors import Cancelled, InputError
from core.tasks import Job

PIXELS = b"\x89PNG pretend picture " * 5


def zip_of(files: dict[str, bytes], **options: object) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:  # type: ignore[arg-type]
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def saved(folder: Path, data: bytes) -> Path:
    path = folder / "holiday.zip"
    path.write_bytes(data)
    return path


def test_pictures_come_in_order_with_their_content(tmp_path: Path) -> None:
    files = {"b.png": b"1", "a.JPG": b"2", "deep/er/c.webp": b"3", "žluť 🐈.png": b"4", "old.heic": b"5"}
    assert list(read_zip(saved(tmp_path, zip_of(files)))) == list(files.items())


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_round_trip(tmp_path: Path, method: int) -> None:
    content = bytes(range(256)) * 1_000
    path = saved(tmp_path, zip_of({"a.png": content, "b.png": b""}, compression=method))
    assert dict(read_zip(path)) == {"a.png": content, "b.png": b""}


def test_what_is_no_picture_is_skipped_with_a_note(tmp_path: Path) -> None:
    junk = ["__MACOSX/._a.png", "._a.png", ".DS_Store", "Thumbs.db", "desktop.ini"]
    files = {"a.png": PIXELS, "notes.txt": b"hi", "setup.exe": b"MZ", **dict.fromkeys(junk, b"x")}
    notes: list[str] = []
    assert [name for name, _ in read_zip(saved(tmp_path, zip_of(files)), note=notes.append)] == ["a.png"]
    assert len(notes) == 1 and "2 files" in notes[0] and "notes.txt" in notes[0] and "setup.exe" in notes[0]
    assert "MACOSX" not in notes[0]


def test_folders_alone_are_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no picture"):
        list(read_zip(saved(tmp_path, zip_of({"folder/": b"", "folder/readme.txt": b""}))))


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, zip_of({"a.png": PIXELS, "sub/b.png": PIXELS}))
    monkeypatch.chdir(tmp_path)
    list(read_zip(path))
    assert [found.name for found in tmp_path.iterdir()] == ["holiday.zip"]


def test_cancel_stops_between_files(tmp_path: Path) -> None:
    job = Job()
    reader = read_zip(saved(tmp_path, zip_of({"a.png": PIXELS, "b.png": PIXELS})), job=job)
    next(reader)
    job.cancel()
    with pytest.raises(Cancelled):
        next(reader)


# --- hostile archives ------------------------------------------------------------------------------------------


def _symlink() -> bytes:
    info = zipfile.ZipInfo("link.png")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def _with_flag(data: bytes, flag: int) -> bytes:
    """Set a general-purpose flag in every local and central header."""
    out = bytearray(data)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = out.find(signature)
        while at >= 0:
            out[at + offset] |= flag
            at = out.find(signature, at + 1)
    return bytes(out)


def _lying_size() -> bytes:
    """10 MB of zeros whose headers say 1,000 bytes."""
    data = bytearray(zip_of({"a.png": bytes(10_000_000)}, compression=zipfile.ZIP_DEFLATED))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.find(signature) + offset, 1_000)
    return bytes(data)


def _wrong_checksum() -> bytes:
    data = zip_of({"a.png": PIXELS})
    return data.replace(PIXELS, b"!" + PIXELS[1:])


def _backslashes(name: str) -> bytes:
    placeholder = "x" * len(name)
    return zip_of({placeholder: PIXELS}).replace(placeholder.encode(), name.encode())


def _zip64_directory() -> bytes:
    """A ZIP64 end record that promises a directory of 4 GB."""
    data = zip_of({"a.png": PIXELS})
    at = data.rfind(b"PK\x05\x06")
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 10**8, 10**8, 4 * 10**9, 0)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, at, 1)
    return data[:at] + record + locator + data[at:]


def _huge_directory() -> bytes:
    """70,000 entries: as large as a directory gets before anyone counts it."""
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0) + b"a.png"
    body = entry * 70_000
    return body + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 7, 7, len(body), 0, 0)


@dataclass(frozen=True)
class Hostile:
    """An archive that is refused and words of its sentence."""

    name: str
    data: Callable[[], bytes]
    words: tuple[str, ...]


HOSTILE = [
    Hostile("parent folder", lambda: zip_of({"ok.png": PIXELS, "../../etc/x.png": PIXELS}), ("../../etc", "leaves")),
    Hostile("inner parent", lambda: zip_of({"a/../../x.png": PIXELS}), ("a/../../x.png",)),
    Hostile("absolute", lambda: zip_of({"/etc/passwd.png": PIXELS}), ("/etc/passwd.png", "leaves")),
    Hostile("drive", lambda: zip_of({"C:/windows/x.png": PIXELS}), ("C:/windows",)),
    Hostile("backslashes", lambda: _backslashes("..\\..\\evil.png"), ("evil.png", "leaves")),
    Hostile("symlink", _symlink, ("link.png", "link")),
    Hostile("ten thousand", lambda: zip_of({f"{i}.png": b"" for i in range(10_000)}), ("10,000 files", "most 1,000")),
    Hostile("nested", lambda: zip_of({"a.png": PIXELS, "more.zip": zip_of({"b.png": b""})}), ("more.zip", "archive")),
    Hostile("nested tar", lambda: zip_of({"a.tar.gz": b"x"}), ("a.tar.gz", "archive")),
    Hostile("bomb", lambda: zip_of({"a.png": bytes(60_000_000)}, compression=zipfile.ZIP_DEFLATED), ("a.png", "times")),
    Hostile("lying bomb", _lying_size, ("holiday.zip", "damaged")),
    Hostile("encrypted", lambda: _with_flag(zip_of({"a.png": PIXELS}), 1), ("encrypted",)),
    Hostile("bzip2", lambda: zip_of({"a.png": PIXELS}, compression=zipfile.ZIP_BZIP2), ("a.png", "deflate")),
    Hostile("lzma", lambda: zip_of({"a.png": PIXELS}, compression=zipfile.ZIP_LZMA), ("a.png", "deflate")),
    Hostile("empty file", lambda: b"", ("empty",)),
    Hostile("empty archive", lambda: zip_of({}), ("no picture",)),
    Hostile("text", lambda: b"this is no archive" * 9, ("no ZIP",)),
    Hostile("cut in half", lambda: (lambda d: d[: len(d) // 2])(zip_of({"a.png": PIXELS * 99})), ("no ZIP", "damaged")),
    Hostile("no beginning", lambda: zip_of({"a.png": PIXELS * 99})[700:], ("damaged",)),
    Hostile("wrong checksum", _wrong_checksum, ("damaged",)),
    Hostile("zip64 directory", _zip64_directory, ("holiday.zip",)),
    Hostile("huge directory", _huge_directory, ("at most 1,000",)),
]  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.name)
def test_hostile_archives_are_one_sentence(case: Hostile, tmp_path: Path) -> None:
    path = saved(tmp_path, case.data())
    with pytest.raises(InputError) as caught:
        list(read_zip(path))
    sentence = str(caught.value)
    assert all(word in sentence for word in case.words), sentence
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 300
    assert str(tmp_path) not in sentence


@pytest.mark.parametrize("case", HOSTILE[:8], ids=lambda case: case.name)
def test_hostile_names_are_refused_before_the_first_picture(case: Hostile, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        next(read_zip(saved(tmp_path, case.data())))


def test_a_name_that_begins_with_nul_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without a name"):
        list(read_zip(saved(tmp_path, _backslashes("\0.png"))))


def test_total_is_limited_while_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 250_000)
    content = bytes(range(256)) * 400  # 102,400 bytes each
    reader = read_zip(saved(tmp_path, zip_of({f"{i}.png": content for i in range(4)})))
    assert next(reader)[0] == "0.png" and next(reader)[0] == "1.png"
    with pytest.raises(InputError, match="at most"):
        next(reader)


def test_one_file_is_limited_while_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_ENTRY_BYTES", 1_000)
    with pytest.raises(InputError, match=r"big\.png"):
        list(read_zip(saved(tmp_path, zip_of({"big.png": bytes(range(256)) * 4}))))


def test_missing_file_leaks_no_path(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        list(read_zip(tmp_path / "gone.zip"))
    assert str(tmp_path) not in str(caught.value) and "gone.zip" in str(caught.value)


MEMORY_PROBE = """
import resource, sys
from pathlib import Path
from core.archives import read_zip
from core.errors import InputError
before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    for _ in read_zip(Path(sys.argv[1])): pass
except InputError as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib)
"""


def _stream_bomb() -> bytes:
    """One entry of 2 GB of zeros in 2 MB, written piece by piece."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.png", "w") as entry:
        for _ in range(200):
            entry.write(bytes(10_000_000))
    return buffer.getvalue()


@pytest.mark.parametrize("make", [_stream_bomb, _huge_directory, _zip64_directory], ids=lambda make: make.__name__)
def test_bombs_take_little_memory(make: Callable[[], bytes], tmp_path: Path, repository: Path) -> None:
    path = saved(tmp_path, make())
    out = subprocess.run(
        [sys.executable, "-c", MEMORY_PROBE, str(path)], cwd=repository, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(out) == 2 and int(out[1]) < 150 * 1024, out


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 2_000), value=st.integers(0, 255), cut=st.integers(0, 300))
def test_any_damage_gives_the_content_or_a_sentence(at: int, value: int, cut: int) -> None:
    files = {"a.png": PIXELS, "b/ä.jpg": bytes(range(256))}
    data = bytearray(zip_of(files, compression=zipfile.ZIP_DEFLATED))
    data[at % len(data)] = value
    with tempfile.TemporaryDirectory() as folder:
        path = saved(Path(folder), bytes(data[: len(data) - cut // 4]))
        try:
            assert set(dict(read_zip(path)).values()) <= set(files.values())
        except InputError as error:
            assert str(error).endswith(".")
