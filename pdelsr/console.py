"""Standard error as a console for progress and logs; failures to write cost no run."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rich.console import Console
else:
    Console = object  # rich is loaded by the first display

NOT_WRITTEN = (OSError, ValueError)  # a full disk or a reader who has left; a closed stream


class StandardError:
    """Standard error as it is at each call; what cannot be written is dropped."""

    @property
    def stream(self) -> Any:
        """The stream below rich's live line, which replaces `sys.stderr`; None if it is closed."""
        return getattr(sys.stderr, "rich_proxied_file", sys.stderr)

    @property
    def encoding(self) -> str:
        return getattr(self.stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Write what can be written."""
        if self.stream is not None:
            with suppress(*NOT_WRITTEN):
                self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream if possible."""
        if self.stream is not None:
            with suppress(*NOT_WRITTEN):
                self.stream.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        with suppress(*NOT_WRITTEN):
            return self.stream is not None and self.stream.isatty()
        return False

    def fileno(self) -> int:
        """Its file descriptor; OSError if it has none."""
        if self.stream is None:
            raise OSError("standard error is closed")
        return self.stream.fileno()


@cache
def shared_console() -> Console:
    """The one console: text printed here while a display is live appears above it."""
    from rich.console import Console

    return Console(file=cast(IO[str], StandardError()), highlight=False)
