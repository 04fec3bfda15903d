"""Checks that a command can write its files, before any time is spent."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pdelsr.cli.streams import STANDARD_OUTPUT
from pdelsr.errors import SettingsError
from pdelsr.solvers.state.settings import require_writable


def require_outputs(source: Path | None = None, **paths: str | Path | None) -> None:
    """Refuse paths that no file can have, and outputs that would overwrite each other.

    Args:
        source: the problem file, which no output may overwrite.
        **paths: by command-line argument; None for those not given.

    Raises:
        SettingsError: there is such a path, or "-" for a file that cannot go to standard output.
    """
    given = {name: Path(path) for name, path in paths.items() if path is not None}
    if given.get("json") == STANDARD_OUTPUT:
        del given["json"]
    for name, path in given.items():
        if path == STANDARD_OUTPUT:
            raise SettingsError(
                f"--{name} -: only --json goes to standard output; give the path of a file."
            )
        require_writable(path, str(path))
    _require_apart(source, given)


def _require_apart(source: Path | None, given: Mapping[str, Path]) -> None:
    """Refuse one file for two outputs."""
    taken = {} if source is None else {os.path.realpath(source): "the problem"}
    for name, path in given.items():
        other = taken.setdefault(os.path.realpath(path), f"--{name}")
        if other != f"--{name}":
            raise SettingsError(
                f"--{name} would overwrite {path}, which is the file of {other}: give another path."
            )
