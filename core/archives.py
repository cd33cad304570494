"""Reading pictures out of ZIP archives of strangers, in memory: nothing is ever written to disk.

Names, number and kind of the entries are judged before the first one is read; sizes while they are read,
because headers lie.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from core.errors import InputError
from core.images import shown_name
from core.tasks import Job

MAX_FILES = 1_000
MAX_ZIP_BYTES = 1_000_000_000
MAX_ENTRY_BYTES = 100_000_000  # a 24-megapixel BMP has 72 MB
MAX_TOTAL_BYTES = 2_000_000_000  # of all entries together, unpacked; one at a time is in memory
MAX_RATIO = 50  # unpacked : packed; pictures hardly shrink
RATIO_FREE_BYTES = 10_000_000  # a small plain BMP may shrink a thousandfold
MAX_DIRECTORY_BYTES = 1_000_000  # of the table of contents; 1,000 files with long names need a third of it

# Formats that are not read are handed out all the same: their sentence is better than silence.
_READ = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff")
_PICTURES = frozenset((*_READ, ".heic", ".heif", ".avif", ".svg"))
_ARCHIVES = frozenset((".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".cbz", ".cbr", ".jar"))
_LITTER = frozenset(("thumbs.db", "desktop.ini"))
_PIECE_BYTES = 65_536
_END = struct.Struct("<4s4H2IH")  # end of central directory: signature, disks, entries twice, size, offset, comment
_END64_LOCATOR_BYTES = 20
_NAMES_SHOWN = 3

# What zipfile raises on archives that are cut, altered or of a kind it does not read.
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, LookupError, RuntimeError)


def read_zip(
    path: Path, *, job: Job | None = None, note: Callable[[str], None] = lambda sentence: None
) -> Iterator[tuple[str, bytes]]:
    """Hand out the pictures of an archive, one after the other.

    Args:
        path: The archive.
        job: Asked for Cancel before every file.
        note: Receives a sentence about files that were left out, before the first picture.

    Yields:
        Name inside the archive (with its folders) and content, in the archive's order.

    Raises:
        InputError: no ZIP archive, damaged, encrypted, too many files, a name that leaves the archive, a link,
            an archive inside the archive, too large, or a compression bomb; one sentence.
    """
    shown = shown_name(path.name)
    with _open(path, shown) as stream:
        _check_directory(stream, shown)
        try:
            archive = zipfile.ZipFile(stream)
        except _DAMAGE as error:
            raise InputError(f"{shown} is damaged: its table of contents cannot be read.") from error
        pictures, skipped = _sort_entries(archive.infolist(), shown)
        if skipped:
            note(_sentence_for_skipped(skipped, shown))
        left_bytes = MAX_TOTAL_BYTES
        for info in pictures:
            if job is not None:
                job.check()
            data = _read_entry(archive, info, left_bytes, shown)
            left_bytes -= len(data)
            yield info.filename, data


def _open(path: Path, shown: str) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{shown} cannot be read: {error.strerror or 'no such file'}.") from error


def _check_directory(stream: IO[bytes], shown: str) -> None:
    """Refuse by the archive's last record what would fill the memory while its table of contents is parsed."""
    byte_count = stream.seek(0, 2)
    if byte_count == 0:
        raise InputError(f"{shown} is empty (0 bytes).")
    if byte_count > MAX_ZIP_BYTES:
        raise InputError(f"{shown} has {byte_count / 1e6:,.0f} MB; at most {MAX_ZIP_BYTES // 10**6:,} MB.")
    stream.seek(max(0, byte_count - _END.size - 0xFFFF - _END64_LOCATOR_BYTES))
    tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + _END.size:
        raise InputError(f"{shown} is no ZIP archive, or it is damaged.")
    if tail[max(0, at - _END64_LOCATOR_BYTES) : at].startswith(b"PK\x06\x07"):
        raise InputError(f"{shown} is a ZIP64 archive, made for more than 65,535 files; at most {MAX_FILES:,} files.")
    _, _, _, _, count, directory_bytes, _, _ = _END.unpack_from(tail, at)
    _check_count(count, shown)
    if directory_bytes > MAX_DIRECTORY_BYTES:
        size = f"{directory_bytes / 1e6:,.1f} MB"
        raise InputError(f"{shown} has a table of contents of {size}; at most {MAX_FILES:,} files are read.")


def _check_count(count: int, shown: str) -> None:
    if count > MAX_FILES:
        raise InputError(f"{shown} holds {count:,} files; at most {MAX_FILES:,}.")


def _sort_entries(infos: list[zipfile.ZipInfo], shown: str) -> tuple[list[zipfile.ZipInfo], list[str]]:
    """Check every entry by its header: those that are pictures, and names of those that are left out."""
    _check_count(len(infos), shown)
    pictures, skipped = [], []
    for info in infos:
        _check_name(info, shown)
        path = PurePosixPath(info.filename)
        if info.is_dir() or _is_litter(path):
            continue
        suffix = path.suffix.lower()
        if suffix in _ARCHIVES:
            raise InputError(f"{shown} holds another archive ({shown_name(info.filename)}); unpack that one first.")
        if suffix in _PICTURES:
            _check_packing(info, shown)
            pictures.append(info)
        else:
            skipped.append(info.filename)
    if not pictures:
        raise InputError(f"{shown} holds no picture.")
    return pictures, skipped


def _check_name(info: zipfile.ZipInfo, shown: str) -> None:
    """Refuse names that would leave the archive if somebody unpacked it, and links."""
    # orig_filename is what the archive says: filename was cut at a NUL.
    parts = info.orig_filename.replace("\\", "/").split("/")
    entry = shown_name(info.orig_filename)
    if not info.filename:
        raise InputError(f"{shown} holds a file without a name; nothing was read.")
    has_drive = len(parts[0]) == 2 and parts[0][1] == ":"
    if ".." in parts or (parts[0] == "" and len(parts) > 1) or has_drive:
        raise InputError(f"{shown} holds a name that leaves the archive ({entry}); nothing was read.")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise InputError(f"{shown} holds a link ({entry}) instead of a file; nothing was read.")


def _check_packing(info: zipfile.ZipInfo, shown: str) -> None:
    """Refuse encrypted entries, and methods whose decoder cannot be stopped in the middle of a bomb."""
    if info.flag_bits & 0x1:
        raise InputError(f"{shown} is encrypted; give an archive without a password.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        entry = shown_name(info.filename)
        raise InputError(f"{shown} packs {entry} by a method that is not read; allowed are deflate and none.")


def _is_litter(path: PurePosixPath) -> bool:
    """Whether an entry is what file managers leave behind: not worth a word."""
    return "__MACOSX" in path.parts or path.name.startswith(".") or path.name.lower() in _LITTER


def _sentence_for_skipped(names: list[str], shown: str) -> str:
    some = ", ".join(shown_name(name) for name in names[:_NAMES_SHOWN]) + (", …" if len(names) > _NAMES_SHOWN else "")
    what = "1 file that is no picture" if len(names) == 1 else f"{len(names):,} files that are no pictures"
    return f"{shown}: {what} left out ({some})."


def _read_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left_bytes: int, shown: str) -> bytes:
    """Unpack one entry piece by piece and stop as soon as a limit is passed."""
    entry = shown_name(info.filename)
    data = bytearray()
    try:
        with archive.open(info) as packed:
            while piece := packed.read(_PIECE_BYTES):
                data += piece
                if len(data) > MAX_ENTRY_BYTES:
                    raise InputError(f"{entry} in {shown} unpacks to over {MAX_ENTRY_BYTES / 1e6:,.0f} MB, the most.")
                if len(data) > left_bytes:
                    raise InputError(f"{shown} unpacks to over {MAX_TOTAL_BYTES / 1e6:,.0f} MB; at most that in all.")
                if len(data) > max(RATIO_FREE_BYTES, MAX_RATIO * info.compress_size):
                    raise InputError(
                        f"{entry} in {shown} unpacks to more than {MAX_RATIO} times its size, which no picture does."
                    )
    except InputError:
        raise
    except _DAMAGE as error:
        raise InputError(f"{shown} is damaged: {entry} cannot be unpacked.") from error
    return bytes(data)
