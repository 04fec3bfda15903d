"""The progress display of a run: one live line in a terminal, else one line per iteration."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from pdelsr.progress import LiveDisplay
from pdelsr.solvers.state.history import Record

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
else:
    Console = Table = object  # rich is loaded by the first display


class Display(LiveDisplay):
    """Shows the records of a run while it goes; use it as a context manager.

    Args:
        title: problem and method.
        time_limit: seconds; infinity for none.
        console: where to draw; by default standard error, so that results can be piped.
    """

    def __init__(
        self, title: str, time_limit: int | float = math.inf, console: Console | None = None
    ) -> None:
        from rich.spinner import Spinner

        super().__init__(console=console)
        self.title: str = title
        self.time_limit: int | float = time_limit
        self._start = time.perf_counter()
        self._last: Record | None = None
        self._outer: Record | None = None
        self._spinner = Spinner("dots")

    def __enter__(self) -> Display:
        self._start = time.perf_counter()
        return super().__enter__()

    def __call__(self, record: Record) -> None:
        """Take a record of the run."""
        self._last = record
        if record.heldout is None:
            return
        self._outer = record
        self.console.print(self._text(record), soft_wrap=True)

    def _drawn(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 1))
        record = self._last
        what = "preparing" if record is None else f"iteration {record.iteration}, {record.phase}"
        text = Text(f"{self.title}: {what}", no_wrap=True, overflow="ellipsis")
        if record is not None:
            text.append(f"  train {record.train:.1e}")
        if self._outer is not None and self._outer.best is not None:
            text.append(f"  held-out {self._outer.best:.1e}")
        text.append(f"  {self._time(time.perf_counter() - self._start)}")
        table.add_row(self._spinner, text)
        return table

    def _text(self, record: Record) -> str:
        numbers = f"training {record.train:.1e}  held-out {record.heldout:.1e}"
        if record.effective_rank is not None:
            numbers += f"  effective rank {record.effective_rank} of {record.rank}"
        head = f"{self.title}: iteration {record.iteration:>3}, {record.phase:<8}"
        return f"{head}  {numbers}  {self._time(record.seconds)}"

    def _time(self, seconds: float) -> str:
        limit = f" of {self.time_limit:.0f}" if math.isfinite(self.time_limit) else ""
        return f"{seconds:.1f}{limit} s"
