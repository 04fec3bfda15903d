"""The progress display of a refinement: one bar for every pass over the data, in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from types import TracebackType
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pdelsr.console import error_console

T = TypeVar("T", bound=Sized)


class PassDisplay:
    """Shows how far a pass is; use it as a context manager.

    Args:
        shown: whether to show anything; without a terminal nothing is.
        console: where to draw; standard error by default.
    """

    def __init__(self, shown: bool, console: Console | None = None) -> None:
        console = console or error_console()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not (shown and console.is_terminal),
        )

    def __enter__(self) -> PassDisplay:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def over(
        self,
        title: str,
        parts: Iterable[T],
        total: int | None = None,
        size: Callable[[Any], int] = len,
    ) -> Iterator[T]:
        """The parts of a pass, with a bar that moves when the next one is asked for.

        Args:
            title: what is being done.
            parts: batches, or whatever `size` measures.
            total: of the sizes; None where nobody has counted them yet.
            size: of a part.
        """
        task = self._progress.add_task(title, total=total)
        for part in parts:
            yield part
            self._progress.advance(task, size(part))
        self._progress.remove_task(task)
