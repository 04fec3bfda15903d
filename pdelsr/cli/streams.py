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
"""A text stream of any class, as sys.stdout may be replaced; None where it was closed."""

STANDARD_OUTPUT = Path("-")
"""As a path that a command writes to."""


def is_colored(stream: Stream) -> bool:
    """Whether a stream is a terminal that shows colors, and nobody wishes none (NO_COLOR)."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and stream is not None and stream.isatty()


def write_text(text: str, stream: Stream) -> None:
    """Print, and have it written now, unless nobody has to read it or the stream was closed."""
    if stream is not None:
        with nobody_has_to_read(stream):
            print(text, file=stream, flush=True)


@contextmanager
def nobody_has_to_read(stream: Stream) -> Generator[None, None, None]:
    """A block that ends quietly where whoever reads the stream has left, as `| head` does.

    What is said on standard error costs no result: there every failure is passed over, as that of
    a full disk. On standard output that is an error.
    """
    try:
        yield
    except OSError as error:
        if not (isinstance(error, BrokenPipeError) or stream is sys.stderr):
            raise
        leave_alone(stream)


def flush_error() -> None:
    """Have standard error written: Python would end with an exit code of its own where it fails."""
    if sys.stderr is not None:
        with nobody_has_to_read(sys.stderr):
            sys.stderr.flush()


def show_any_text() -> None:
    """Let a terminal that lacks a letter show "?" instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def leave_alone(stream: Stream) -> None:
    """Say nothing more there: Python would complain when it flushes a closed output at its end."""
    try:
        descriptor = stream.fileno() if stream is not None else None
    except (OSError, ValueError):  # no stream of the system
        return
    if descriptor is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
