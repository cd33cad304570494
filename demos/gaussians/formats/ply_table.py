"""The container .ply: a text header that names elements and their properties, then rows (Turk 1994).

Binary rows are looked at in place in either byte order; text rows are parsed as numbers. Nothing of what the header
claims is allocated before the file is seen to be large enough for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.images import shown_name
from demos.gaussians.formats.blob import Blob
from demos.gaussians.scene import Floats

MAX_HEADER_BYTES = 65_536
MAX_TEXT_BYTES = 500_000_000  # 600,000 Gaussians as text
_MAX_PROPERTIES = 1_000
_COUNT = re.compile("[0-9]{1,18}")
_TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
_ENDS = {"binary_little_endian": "<", "binary_big_endian": ">", "ascii": ""}


@dataclass(frozen=True)
class Element:
    """One element of the header: how many rows, and the (name, NumPy code) of their properties."""

    name: str
    count: int
    properties: tuple[tuple[str, str], ...] = ()
    has_lists: bool = False


@dataclass(frozen=True)
class Header:
    """What a header says: byte order ``"<"``, ``">"`` or ``""`` for text, elements, comments, where rows start."""

    end: str
    elements: tuple[Element, ...]
    comments: tuple[str, ...]
    body_start: int


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of one element.

    Attributes:
        element: What the header says about them.
        rows: Structured (N,) array; or, where all properties have one type, a plain (N, P) array.
    """

    element: Element
    rows: NDArray

    def __len__(self) -> int:
        return len(self.rows)

    def has(self, names: Sequence[str]) -> bool:
        """Whether all these properties are there."""
        return {name for name, _ in self.element.properties}.issuperset(names)

    def floats(self, names: Sequence[str], rows: NDArray[np.intp] | slice = slice(None)) -> Floats:
        """Some properties of some rows: (n, len(names)) float32 in the machine's byte order, a copy."""
        with np.errstate(over="ignore", invalid="ignore"):  # doubles beyond float32 become inf, which is dropped
            if self.rows.dtype.names is not None:
                return np.stack([self.rows[name][rows].astype(np.float32) for name in names], 1)
            at = self._places(names)
            is_run = at == list(range(at[0], at[0] + len(at)))
            chosen = self.rows[:, at[0] : at[0] + len(at)][rows] if is_run else self.rows[rows][:, at]
            return np.array(chosen, np.float32, order="C")

    def sample(self, names: Sequence[str], count: int) -> NDArray[np.float64]:
        """Some properties of about ``count`` rows from all over the table, in full precision."""
        rows = slice(None, None, max(1, len(self) // count))
        with np.errstate(invalid="ignore"):  # signalling NaNs
            if self.rows.dtype.names is not None:
                return np.stack([self.rows[name][rows].astype(np.float64) for name in names], 1)
            return self.rows[rows][:, self._places(names)].astype(np.float64)

    def integers(self, name: str, rows: NDArray[np.intp] | slice = slice(None)) -> NDArray[np.uint32]:
        """One property of some rows as (n,) uint32; what does not fit wraps around."""
        with np.errstate(invalid="ignore"):
            column = self.rows[name] if self.rows.dtype.names is not None else self.rows[:, self._places([name])[0]]
            return column[rows].astype(np.int64).astype(np.uint32)

    def swapped(self) -> Table:
        """The same bytes read in the other byte order."""
        return replace(self, rows=self.rows.view(self.rows.dtype.newbyteorder()))

    def _places(self, names: Sequence[str]) -> list[int]:
        order = {name: at for at, (name, _) in enumerate(self.element.properties)}
        return [order[name] for name in names]


def read_header(blob: Blob) -> Header:
    """Parse the header.

    Raises:
        InputError: it does not end, or a line of it makes no sense.
    """
    head = blob.piece(0, MAX_HEADER_BYTES)
    line_end = re.match(rb"ply[ \t]*(\r\n|\n|\r)", head)
    if not line_end:
        raise InputError(f"{blob.shown} is no .ply file: it does not begin with the line “ply”.")
    newline = line_end[1]
    last = re.search(newline + rb"end_header[ \t]*" + newline, head)
    if not last:
        raise InputError(f"{blob.shown} is damaged: its header has no end within {MAX_HEADER_BYTES:,} bytes.")
    lines = head[line_end.end() : last.start()].decode("latin-1").split(newline.decode())
    end: str | None = None
    elements: list[Element] = []
    comments: list[str] = []
    for line in lines:
        words = line.split()
        if not words or words[0] == "obj_info":
            continue
        if words[0] == "comment":
            comments.append(line.strip()[len("comment") :].strip())
        elif words[0] == "format" and len(words) >= 2 and words[1] in _ENDS:
            end = _ENDS[words[1]]
        elif words[0] == "element":
            elements.append(_element(words, line, blob))
        elif words[0] == "property" and elements:
            elements[-1] = _with_property(elements[-1], words, line, blob)
        else:
            raise _bad_line(line, blob)
    if end is None:
        raise InputError(f"{blob.shown} is damaged: its header names no format.")
    return Header(end, tuple(elements), tuple(comments), last.end())


def _element(words: list[str], line: str, blob: Blob) -> Element:
    if len(words) != 3 or not _COUNT.fullmatch(words[2]):
        raise _bad_line(line, blob)
    return Element(words[1], int(words[2]))


def _with_property(element: Element, words: list[str], line: str, blob: Blob) -> Element:
    if len(words) == 5 and words[1] == "list":
        return replace(element, has_lists=True)
    if len(words) != 3 or words[1] not in _TYPES or words[2] in dict(element.properties):
        raise _bad_line(line, blob)
    if len(element.properties) >= _MAX_PROPERTIES:
        raise InputError(f"{blob.shown} has over {_MAX_PROPERTIES:,} properties a row; at most that.")
    return replace(element, properties=(*element.properties, (words[2], _TYPES[words[1]])))


def _bad_line(line: str, blob: Blob) -> InputError:
    return InputError(f"{blob.shown} is damaged: its header has the line “{shown_name(line)}”.")


def read_tables(blob: Blob, header: Header, names: Sequence[str]) -> dict[str, Table]:
    """Find the rows of the elements called ``names``; others are stepped over.

    Raises:
        InputError: the file is shorter than its header claims, a wanted element comes after or holds lists, or a
            text row is no number.
    """
    wanted = [element for element in header.elements if element.name in names]
    if not wanted:
        return {}
    reach = header.elements[: header.elements.index(wanted[-1]) + 1]
    listed = next((element for element in reach if element.has_lists), None)
    if listed is not None:
        raise InputError(
            f"{blob.shown} is a mesh, no Gaussian splat: its element “{shown_name(listed.name)}” holds lists."
        )
    place = _find_text if header.end == "" else _find_binary
    return {table.element.name: table for table in place(blob, header, reach) if table.element.name in names}


def _find_binary(blob: Blob, header: Header, elements: Sequence[Element]) -> list[Table]:
    tables, at = [], header.body_start
    for element in elements:
        codes = {code for _, code in element.properties}
        row_bytes = sum(int(code[1]) for _, code in element.properties)
        end = at + element.count * row_bytes
        if end > len(blob):
            raise _too_short(blob, element, (len(blob) - at) // row_bytes)
        if len(codes) == 1:
            dtype = np.dtype(header.end + codes.pop())
            rows = _view(blob, at, end, dtype).reshape(element.count, len(element.properties))
        else:
            fields = [(name, header.end + code) for name, code in element.properties]
            rows = _view(blob, at, end, np.dtype(fields)) if fields else np.empty((element.count, 0), np.float32)
        tables.append(Table(element, rows))
        at = end
    return tables


def _view(blob: Blob, start: int, end: int, dtype: np.dtype) -> NDArray:
    """The bytes as another type, in place: headers have odd lengths, so the rows may lie unaligned."""
    return np.ndarray((end - start) // dtype.itemsize, dtype, buffer=blob.data.data, offset=start)


def _find_text(blob: Blob, header: Header, elements: Sequence[Element]) -> list[Table]:
    byte_count = len(blob) - header.body_start
    if byte_count > MAX_TEXT_BYTES:
        raise InputError(
            f"{blob.shown} has {byte_count / 1e6:,.0f} MB of text; at most {MAX_TEXT_BYTES / 1e6:,.0f} MB, "
            "or save it as binary .ply."
        )
    for element in elements:
        if element.count * len(element.properties) > byte_count:  # a number and its space take two bytes
            raise _too_short(blob, element, byte_count // (2 * len(element.properties)))
    values = _numbers(blob, header)
    tables, at = [], 0
    for element in elements:
        width = len(element.properties)
        end = at + element.count * width
        if end > len(values):
            raise _too_short(blob, element, (len(values) - at) // width)
        tables.append(Table(element, values[at:end].reshape(element.count, width)))
        at = end
    return tables


def _numbers(blob: Blob, header: Header) -> NDArray[np.float64]:
    """Every number after the header; a count is never handed to NumPy, which would fill a short text up with noise."""
    try:
        return np.fromstring(blob.piece(header.body_start), np.float64, sep=" ")
    except ValueError as error:
        raise InputError(f"{blob.shown} is damaged: its rows hold something that is no number.") from error


def _too_short(blob: Blob, element: Element, room: int) -> InputError:
    return InputError(
        f"{blob.shown} is cut short: its header claims {element.count:,} rows of “{shown_name(element.name)}”, "
        f"the file holds {max(room, 0):,}."
    )
