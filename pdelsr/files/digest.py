"""The one digest by which files, problems and runs are told apart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def digest(parts: Iterable[str | bytes | memoryview]) -> str:
    """SHA-256 of texts, in UTF-8, and bytes, one after another, as 64 hexadecimal digits."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part.encode() if isinstance(part, str) else part)
    return found.hexdigest()
