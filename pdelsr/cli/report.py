"""The output of a benchmark, while it runs and at its end."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pdelsr.benchmark.storage import runs_text, write_runs
from pdelsr.cli.streams import STANDARD_OUTPUT, Stream, is_colored, write_text
from pdelsr.errors import SettingsError, described
from pdelsr.results.rendered import rendered

WIDE = 130  # columns of a table, at least


@dataclass
class Report:
    """Lines and tables, and the measurements as JSON.

    Args:
        json: file of the measurements; "-" for standard output, which sends all else to standard
            error; None for no file.
        text: measurements for standard output so far.
        trouble: why the last write of the file failed; None if it did not.
    """

    json: Path | None
    text: str = ""
    trouble: str | None = None

    @property
    def stream(self) -> Stream:
        return sys.stderr if self.json == STANDARD_OUTPUT else sys.stdout

    def say(self, text: str) -> None:
        """Print one or more lines."""
        write_text(text, self.stream)

    def tabulate(self, table: Table) -> None:
        """Print a table; in a narrow terminal, long lines are better than cut numbers."""
        width = max(WIDE, Console().width)
        self.say(rendered(table, width=width, color=is_colored(self.stream)))

    def write(self, found: Sequence[Any], **facts: Any) -> None:
        """Write the measurements so far, which stay if a long suite is cut.

        A file that cannot be written gives a warning and costs no measurement; the next write tries
        again.
        """
        if self.json == STANDARD_OUTPUT:
            self.text = runs_text(found, **facts)
        elif self.json is not None:
            before, self.trouble = self.trouble, _trouble(self.json, found, facts)
            if self.trouble is not None and before is None:
                warnings.warn(f"{self.trouble}; the measurements go on.", stacklevel=2)

    def end(self) -> None:
        """Print what goes to standard output."""
        if self.text:
            write_text(self.text.rstrip(), sys.stdout)

    def require_written(self) -> None:
        """Fail if the file could not be written.

        Raises:
            SettingsError: it could not; the message names the file and the reason.
        """
        if self.trouble is not None:
            raise SettingsError(f"{self.trouble}; give another path.")


def _trouble(path: Path, found: Sequence[Any], facts: Mapping[str, Any]) -> str | None:
    """Why a file could not be written; None if it was."""
    try:
        write_runs(path, found, **facts)
    except OSError as error:
        return f"{path} cannot be written: {error.strerror or described(error)}"
    return None
