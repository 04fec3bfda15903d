"""Standard output and standard error: colors, and readers who have left."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Stream = Any
"""A text stream of any class, because sys.stdout may be replaced; None if it was closed."""

STANDARD_OUTPUT = Path("-")
"""The path that means standard output."""


def is_colored(stream: Stream) -> bool:
    """Whether a stream is a terminal with colors, unless NO_COLOR is set."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and stream is not None and stream.isatty()


def write_text(text: str, stream: Stream) -> None:
    """Print and flush, unless the reader has left or the stream was closed."""
    if stream is not None:
        with nobody_has_to_read(stream):
            print(text, file=stream, flush=True)


@contextmanager
def nobody_has_to_read(stream: Stream) -> Generator[None, None, None]:
    """A block that ends quietly if the reader of the stream has left, as `| head` does.

    On standard error every failure is ignored, such as a full disk, because messages must not cost
    a result. On standard output a full disk is an error.
    """
    try:
        yield
    except OSError as error:
        if not (isinstance(error, BrokenPipeError) or stream is sys.stderr):
            raise
        leave_alone(stream)


def flush_error() -> None:
    """Flush standard error here: if Python's own flush fails, it changes the exit code."""
    if sys.stderr is not None:
        with nobody_has_to_read(sys.stderr):
            sys.stderr.flush()


def show_any_text() -> None:
    """Show "?" for letters that the terminal lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def leave_alone(stream: Stream) -> None:
    """Redirect a closed output to nowhere, because Python complains when it flushes it at exit."""
    try:
        descriptor = stream.fileno() if stream is not None else None
    except (OSError, ValueError):  # no stream of the system
        return
    if descriptor is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
