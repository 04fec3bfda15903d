"""The entry point: run a command, and turn every mistake into one paragraph and an exit code."""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import TextIO

from pdelsr.cli.benchmark import benchmark_command
from pdelsr.cli.commands import list_command, show_command, solve_command
from pdelsr.cli.parser import build_parser
from pdelsr.errors import PdelsrError
from pdelsr.linearize.halving import is_out_of_memory

INTERRUPTED = 130  # as shells report it; within a run Ctrl-C ends the run with its best state
COMMANDS = {
    "solve": solve_command,
    "show": show_command,
    "list": list_command,
    "benchmark": benchmark_command,
}
NO_MEMORY = (
    "there is not enough memory: lower --rank or --points, or use a narrower network (--hidden); "
    "`pdelsr show` estimates what a method needs."
)
MISTAKE = 2  # exit code of usage and declaration errors; a run that diverged gives 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; those of the process by default.

    Returns:
        0 where all went well, 1 where the run ended diverged, 2 for errors of usage or
        declaration.
    """
    chosen = build_parser().parse_args(arguments)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            return COMMANDS[chosen.command](chosen)
        except PdelsrError as error:
            return _mistake(str(error), chosen.debug)
        except KeyboardInterrupt:
            print("pdelsr: interrupted", file=sys.stderr)
            return INTERRUPTED
        except OSError as error:
            return _mistake(f"{error.filename}: {error.strerror}", chosen.debug)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            return _mistake(NO_MEMORY, chosen.debug)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning in one line, without the code that raised it."""
    text = " ".join(str(message).split())
    print(f"pdelsr: warning: {text}", file=file or sys.stderr)


def _mistake(message: str, debug: bool) -> int:
    """Say what is wrong, with the traceback of the exception where it is wanted."""
    if debug:
        traceback.print_exc()
    print(f"pdelsr: error: {message}", file=sys.stderr)
    return MISTAKE
