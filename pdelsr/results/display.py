"""The progress display of a run: one live line in a terminal, one line an iteration elsewhere."""

from __future__ import annotations

import math
import time
from threading import Lock
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from pdelsr.console import shared_console
from pdelsr.solvers.state.history import Record

LIVE = Lock()
"""Held by the display that has the live line: of runs in several threads, the others print."""


class Display:
    """Shows the records of a run while it goes; use it as a context manager.

    Args:
        title: what is being solved, and how.
        time_limit: seconds; infinity for none.
        console: where to draw; standard error by default, so that results can be piped.
    """

    def __init__(
        self, title: str, time_limit: int | float = math.inf, console: Console | None = None
    ) -> None:
        self.title: str = title
        self.time_limit: int | float = time_limit
        self.console: Console = console or shared_console()
        self._start = time.perf_counter()
        self._last: Record | None = None
        self._outer: Record | None = None
        self._spinner = Spinner("dots")
        self._live: Live | None = None

    def __enter__(self) -> Display:
        self._start = time.perf_counter()
        if self.console.is_terminal and LIVE.acquire(blocking=False):
            self._live = Live(
                console=self.console,
                get_renderable=self._line,
                refresh_per_second=5,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
            LIVE.release()

    def __call__(self, record: Record) -> None:
        """Take a record of the run."""
        self._last = record
        if record.heldout is None:
            return
        self._outer = record
        self.console.print(self._text(record), soft_wrap=True)

    def _line(self) -> Table:
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
