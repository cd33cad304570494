"""ZIP archives of strangers whose entries are asked for by name: models and poses, not pictures (core/archives.py).

The table of contents is measured before it is parsed, every name is judged before anything is read, and an entry is
unpacked piece by piece up to a limit, because headers lie. Nothing is ever written to disk.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from typing import IO

from core.errors import InputError
from core.images import shown_name
from demos.gaussians.formats.blob import Blob

MAX_ENTRIES = 20_000
MAX_RATIO = 100  # unpacked : packed; the text of COLMAP shrinks to a quarter
RATIO_FREE_BYTES = 10_000_000
_MAX_DIRECTORY_BYTES = 4_000_000
_PIECE_BYTES = 1 << 20
_END = struct.Struct("<4s4H2IH")  # end of central directory: signature, disks, entries twice, size, offset, comment
_END64 = struct.Struct("<4sQ2H2I4Q")  # the same of ZIP64: signature, size, versions, disks, entries twice, size, offset
_LOCATOR = struct.Struct("<4sIQI")  # where that one lies
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, LookupError, RuntimeError)


class Archive:
    """An archive whose names were all judged; use it as a context."""

    def __init__(self, blob: Blob) -> None:
        """Open it.

        Raises:
            InputError: no ZIP, damaged, too many entries, or a name that leaves the archive; one sentence.
        """
        self.shown = blob.shown
        _check_directory(blob)
        stream: IO[bytes] = blob.path.open("rb") if blob.path else io.BytesIO(blob.piece(0))
        try:
            self._zip = zipfile.ZipFile(stream)
        except DAMAGE as error:
            stream.close()
            raise InputError(f"{self.shown} is damaged: its table of contents cannot be read.") from error
        self._stream = stream
        # Not info.is_dir(): it trips over an empty name.
        self._entries = {info.filename: info for info in self._zip.infolist() if not info.filename.endswith("/")}
        try:
            for info in self._zip.infolist():
                _check_name(info, self.shown)
        except InputError:
            self.close()
            raise

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()
        self._stream.close()

    @property
    def names(self) -> tuple[str, ...]:
        """The files' names with their folders, in the archive's order."""
        return tuple(self._entries)

    def claimed_bytes(self, name: str) -> int:
        """What an entry says it unpacks to."""
        return self._entries[name].file_size

    def is_stored(self, name: str) -> bool:
        """Whether an entry lies in the archive as it is."""
        return self._entries[name].compress_type == zipfile.ZIP_STORED

    def read(self, name: str, max_bytes: int) -> bytes:
        """Unpack one entry.

        Raises:
            InputError: encrypted, of a method that is not read, larger than ``max_bytes``, a bomb, or damaged.
        """
        info, entry = self._entries[name], shown_name(name)
        if info.flag_bits & 0x1:
            raise InputError(f"{self.shown} is encrypted; give an archive without a password.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(f"{self.shown} packs {entry} by a method that is not read; allowed are deflate and none.")
        data = bytearray()
        try:
            with self._zip.open(info) as packed:
                while piece := packed.read(_PIECE_BYTES):
                    data += piece
                    if len(data) > max_bytes:
                        raise InputError(
                            f"{entry} in {self.shown} unpacks to over {max_bytes / 1e6:,.0f} MB, the most."
                        )
                    if len(data) > max(RATIO_FREE_BYTES, MAX_RATIO * info.compress_size):
                        raise InputError(f"{entry} in {self.shown} unpacks to more than {MAX_RATIO} times its size.")
        except InputError:
            raise
        except DAMAGE as error:
            raise InputError(f"{self.shown} is damaged: {entry} cannot be unpacked.") from error
        return bytes(data)


def _check_directory(blob: Blob) -> None:
    """Refuse by the archive's last records what would fill the memory while its table of contents is parsed."""
    start = max(0, len(blob) - _END.size - 0xFFFF - _LOCATOR.size)
    tail = blob.piece(start)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + _END.size:
        raise InputError(f"{blob.shown} is no ZIP archive, or it is cut short.")
    _, _, _, _, count, directory_bytes, _, _ = _END.unpack_from(tail, at)
    if at >= _LOCATOR.size and tail[at - _LOCATOR.size :].startswith(b"PK\x06\x07"):
        _, _, offset, _ = _LOCATOR.unpack_from(tail, at - _LOCATOR.size)
        record = blob.piece(offset, offset + _END64.size)
        if len(record) < _END64.size or record[:4] != b"PK\x06\x06":
            raise InputError(f"{blob.shown} is damaged: its table of contents cannot be found.")
        *_, count, directory_bytes, _ = _END64.unpack(record)
    if count > MAX_ENTRIES:
        raise InputError(f"{blob.shown} holds {count:,} files; at most {MAX_ENTRIES:,}.")
    if directory_bytes > _MAX_DIRECTORY_BYTES:
        raise InputError(f"{blob.shown} has a table of contents of {directory_bytes / 1e6:,.1f} MB; at most 4 MB.")


def _check_name(info: zipfile.ZipInfo, shown: str) -> None:
    """Refuse names that would leave the archive if somebody unpacked it, and links."""
    parts = info.orig_filename.replace("\\", "/").split("/")
    entry = shown_name(info.orig_filename)
    has_drive = len(parts[0]) == 2 and parts[0][1] == ":"
    if not info.filename:
        raise InputError(f"{shown} is damaged: it holds a file without a name.")
    if ".." in parts or (parts[0] == "" and len(parts) > 1) or has_drive:
        raise InputError(f"{shown} holds a name that leaves the archive ({entry}); nothing was read.")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise InputError(f"{shown} holds a link ({entry}) instead of a file; nothing was read.")
