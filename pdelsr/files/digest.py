"""The digest that tells files, problems and runs apart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def digest(parts: Iterable[str | bytes | memoryview]) -> str:
    """SHA-256 of texts (in UTF-8) and bytes in sequence, as 64 hexadecimal digits."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part.encode() if isinstance(part, str) else part)
    return found.hexdigest()
