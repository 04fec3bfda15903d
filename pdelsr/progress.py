"""What moves in a terminal while something long goes on: one line, or bars of passes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from types import TracebackType
from typing import Any, TypeVar

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from pdelsr.console import shared_console

T = TypeVar("T")
D = TypeVar("D", bound="LiveDisplay")
LIVE = Lock()
"""Held by the display that moves: of those in several threads, one does."""


class LiveDisplay(ABC):
    """Something that is drawn again and again in a terminal; use it as a context manager.

    Args:
        shown: whether to show anything that moves; without a terminal nothing does.
        console: where to draw; standard error by default, so that results can be piped.
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
        """Draw it now."""
        if self._live is not None:
            self._live.refresh()


class PassDisplay(LiveDisplay):
    """Shows how far each pass over something is by a bar; arguments as above."""

    def __init__(
        self, shown: bool = True, console: Console | None = None, kept: bool = False
    ) -> None:
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
        """The parts of a pass, with a bar that moves when the next one is asked for.

        Args:
            title: what is being done.
            parts: batches, or whatever `size` measures.
            total: of the sizes; None where nobody has counted them yet.
            size: of a part.
            done: of the total, before the first part.
        """
        task = self._bars.add_task(title, total=total, completed=done)
        self.refresh()
        for part in parts:
            yield part
            self._bars.advance(task, size(part))
        if not self.kept:
            self._bars.remove_task(task)
