"""The header of a safetensors file, checked against the length of the file before use.

A header of a hundred megabytes of nonsense takes gigabytes in any parser, and so do tensors that it
lists and the file does not hold.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Any, cast

LONGEST = 100_000_000  # bytes of a header, as in safetensors
MOST_OUTSIDE = 4_000_000  # bytes of a header outside of strings: the sizes of its tensors
STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3"), 8),
}
"""Bits of an element, by the name of its type in the format."""


class DamagedHeader(Exception):
    """A header that does not fit the file."""


@dataclass(frozen=True)
class Header:
    """The metadata of a file.

    Args:
        metadata: texts by name.
    """

    metadata: Mapping[str, str]


def read_header(file: BufferedIOBase) -> Header:
    """Read the header, and refuse one that does not fit the file.

    Args:
        file: of bytes, at its beginning.

    Raises:
        DamagedHeader: the message says what does not fit.
    """
    size = file.seek(0, 2)
    file.seek(0)
    start = file.read(8)
    length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
    if not 0 < length <= min(size - 8, LONGEST):
        raise DamagedHeader(f"its header has {length} bytes, and the file {size}")
    text = file.read(length)
    if len(STRING.sub(b"", text)) > MOST_OUTSIDE:
        raise DamagedHeader("its header is no list of tensors")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedHeader("its header is no JSON") from error
    if not isinstance(found, dict):
        raise DamagedHeader("its header is no list of tensors")
    entries = cast(dict[str, Any], found)
    metadata = entries.pop("__metadata__", None) or {}
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise DamagedHeader("its metadata are no texts")
    _require_tensors(entries, size - 8 - length)
    return Header(cast(dict[str, str], metadata))


def _require_tensors(entries: Mapping[str, Any], held: int) -> None:
    """Refuse tensors that do not fill the file's data without gaps or overlaps."""
    try:
        places = sorted(_place(name, entry) for name, entry in entries.items())
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise DamagedHeader("it lists something that is no tensor") from error
    end = 0
    for begin, stop, name in places:
        if begin != end:
            raise DamagedHeader(f"its tensor {name!r:.60} does not follow the one before it")
        end = stop
    if end != held:
        raise DamagedHeader(f"its tensors take {end} bytes, and it holds {held}")


def _place(name: str, entry: Any) -> tuple[int, int, str]:
    """The begin and end of a tensor, checked against its shape."""
    begin, stop = entry["data_offsets"]
    shape = entry["shape"]
    sizes = [*shape, begin, stop]
    if not all(isinstance(s, int) and not isinstance(s, bool) and s >= 0 for s in sizes):
        raise ValueError(name)
    bits = BITS.get(entry["dtype"])
    if bits is None or 8 * (stop - begin) != bits * math.prod(shape):
        raise DamagedHeader(f"its tensor {name!r:.60} has a shape that its bytes do not fill")
    return begin, stop, name
