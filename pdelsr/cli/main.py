"""The entry point: run a command, and turn every mistake into one paragraph and an exit code."""

from __future__ import annotations

import argparse
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import TextIO

from pdelsr.cli.benchmark import benchmark_command
from pdelsr.cli.commands import list_command, show_command, solve_command
from pdelsr.cli.new import new_command
from pdelsr.cli.parser import read_arguments
from pdelsr.cli.streams import (
    flush_error,
    leave_alone,
    nobody_has_to_read,
    show_any_text,
    write_text,
)
from pdelsr.errors import PdelsrError, described
from pdelsr.resources.pieces import is_out_of_memory

INTERRUPTED = 130  # as shells report it; within a run Ctrl-C ends the run with its best state
COMMANDS = {
    "solve": solve_command,
    "show": show_command,
    "list": list_command,
    "new": new_command,
    "benchmark": benchmark_command,
}
NO_MEMORY = (
    "there is not enough memory: lower --rank or --points, or use a narrower network (--hidden); "
    "`pdelsr show` estimates what a method needs."
)
MISTAKE = 2  # exit code of usage and declaration errors; a run that diverged gives 1
UNFORESEEN = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; those of the process by default.

    Returns:
        0 if all went well, even if nobody reads the output; 1 if the run diverged; 2 for errors of
        usage or declaration; 3 for an unforeseen error; 130 after Ctrl-C outside a run.
    """
    show_any_text()
    try:
        return _run(read_arguments(arguments))
    finally:
        flush_error()


def _run(chosen: argparse.Namespace) -> int:
    """Run the chosen command and return its exit code."""
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            return COMMANDS[chosen.command](chosen)
        except PdelsrError as error:
            return _mistake(str(error), chosen.debug)
        except KeyboardInterrupt:
            write_text("pdelsr: interrupted", sys.stderr)
            return INTERRUPTED
        except BrokenPipeError:  # the reader of the output has left, which is no error
            leave_alone(sys.stdout)
            return 0
        except OSError as error:
            return _mistake(_file_trouble(error), chosen.debug)
        except Exception as error:
            if is_out_of_memory(error):
                return _mistake(NO_MEMORY, chosen.debug)
            _mistake(_unforeseen(error, chosen.debug), chosen.debug)
            return UNFORESEEN
        finally:
            with nobody_has_to_read(sys.stdout):
                if sys.stdout is not None:
                    sys.stdout.flush()


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning in one line, without the code that raised it."""
    text = " ".join(str(message).split())
    write_text(f"pdelsr: warning: {text}", file or sys.stderr)


def _mistake(message: str, debug: bool) -> int:
    """Say what is wrong, with the traceback of the exception if wanted."""
    if debug:
        write_text(traceback.format_exc().rstrip(), sys.stderr)
    write_text(f"pdelsr: error: {' '.join(message.split())}", sys.stderr)
    return MISTAKE


def _file_trouble(error: OSError) -> str:
    """The message for a file or folder that cannot be used."""
    what = "a file" if error.filename is None else error.filename
    why = error.strerror or described(error)
    return f"{what} cannot be used ({why}): give one that exists and that you may read or write."


def _unforeseen(error: Exception, debug: bool) -> str:
    """The message for an unforeseen exception."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {frames[-1].filename}, line {frames[-1].lineno}" if frames else ""
    how = "its traceback is above" if debug else "--debug shows its traceback"
    return (
        f"unforeseen {described(error)}{where}: input that pdelsr should have refused, or a bug in "
        f"it; {how}. Please report it with the command and the problem file."
    )
