"""Live displays in a terminal during long work: one line, or bars of passes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from pdelsr.console import shared_console

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live
else:
    Console = RenderableType = Live = object  # rich is loaded by the first display

T = TypeVar("T")
D = TypeVar("D", bound="LiveDisplay")
LIVE = Lock()
"""Held by the display that moves, one at a time among several threads."""


class LiveDisplay(ABC):
    """A display that is redrawn in a terminal; use it as a context manager.

    Args:
        shown: whether to show a live display; without a terminal there is none.
        console: where to draw; by default standard error, so that results can be piped.
        kept: whether the last state stays in the terminal.
    """

    def __init__(
        self, shown: bool = True, console: Console | None = None, kept: bool = False
    ) -> None:
        self.console: Console = console or shared_console()
        self.kept: bool = kept
        self._shown = shown and self.console.is_terminal
        self._live: Live | None = None

    @abstractmethod
    def _drawn(self) -> RenderableType:
        """The state now."""

    def __enter__(self: D) -> D:
        if self._shown and LIVE.acquire(blocking=False):
            from rich.live import Live

            self._live = Live(
                console=self.console,
                get_renderable=self._drawn,
                refresh_per_second=5,
                transient=not self.kept,
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

    def refresh(self) -> None:
        """Redraw now."""
        if self._live is not None:
            self._live.refresh()


class PassDisplay(LiveDisplay):
    """Shows the progress of each pass as a bar; arguments as in `LiveDisplay`."""

    def __init__(
        self, shown: bool = True, console: Console | None = None, kept: bool = False
    ) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        super().__init__(shown, console, kept)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self.console,
        )

    def _drawn(self) -> RenderableType:
        return self._bars.get_renderable()

    def over(
        self,
        title: str,
        parts: Iterable[T],
        total: int | None = None,
        size: Callable[[Any], int] = len,
        done: int = 0,
    ) -> Iterator[T]:
        """The parts of a pass; the bar moves whenever the next one is taken.

        Args:
            title: what is being done.
            parts: batches, or anything that `size` measures.
            total: sum of the sizes; None if not counted yet.
            size: gives the size of a part.
            done: size completed before the first part.
        """
        task = self._bars.add_task(title, total=total, completed=done)
        self.refresh()
        for part in parts:
            yield part
            self._bars.advance(task, size(part))
        if not self.kept:
            self._bars.remove_task(task)
