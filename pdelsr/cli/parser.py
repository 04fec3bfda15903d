"""The arguments of the commands."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from pdelsr.benchmark.competitors import COMPETITORS
from pdelsr.cli.options import DIGITS, LARGEST_NUMBER, option_types, read_number, read_whole
from pdelsr.cli.streams import write_text
from pdelsr.errors import did_you_mean
from pdelsr.solvers.methods.registry import METHODS
from pdelsr.solvers.state.settings import DTYPES
from pdelsr.version import __version__

FILE_HELP = (
    "a Python file that defines `problem`, or the name of one in ./problems or of one that comes "
    "with pdelsr"
)


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a command line in one paragraph, like every error message.

    Arguments must be written out: a new argument could change the meaning of an abbreviation.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        advice = f"`{self.prog} --help` lists what can be given."
        write_text(f"pdelsr: error: {message}; {advice}", sys.stderr)
        self.exit(2)


def whole_number(text: str) -> int:
    """A whole number, checked further as an option."""
    try:
        return read_whole(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r:.60} is not a whole number such as 60, of at most {DIGITS} digits"
        ) from None


def number(text: str) -> float:
    """A number, checked further as an option."""
    try:
        return read_number(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r:.60} is not a number such as 0.5, of at most {LARGEST_NUMBER:g}"
        ) from None


def numbers(text: str) -> list[float]:
    """Numbers between commas, checked further as an option."""
    return [number(part) for part in text.split(",")]


def build_parser() -> argparse.ArgumentParser:
    """The parser of `pdelsr`."""
    parser = Parser(
        prog="pdelsr", description="Solve partial differential equations to many correct digits."
    )
    parser.add_argument("--version", action="version", version=f"pdelsr {__version__}")
    _add_debug(parser, default=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    solve = commands.add_parser("solve", help="solve a problem file")
    _add_problem(solve)
    _add_method(solve)
    _add_run(solve)
    _add_output(solve)
    show = commands.add_parser("show", help="show what was understood of a problem file")
    _add_problem(show)
    _add_method(show)
    listing = commands.add_parser("list", help="list the problem files of a folder")
    listing.add_argument(
        "folder",
        nargs="?",
        type=_path,
        metavar="FOLDER",
        help="default: ./problems, or else the problems that come with pdelsr",
    )
    new = commands.add_parser("new", help="write a problem file to start from")
    new.add_argument("name", metavar="NAME", help="of the problem; the file is ./NAME.py")
    bench = commands.add_parser("benchmark", help="measure methods against each other")
    _add_benchmark(bench)
    for command in (solve, show, listing, new, bench):
        _add_debug(command, default=argparse.SUPPRESS)  # keeps the flag before the command
        command.set_defaults(parser=command)
    return parser


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The parsed arguments; the command itself refuses unknown ones."""
    parser = build_parser()
    given = sys.argv[1:] if arguments is None else arguments
    for text in given:
        if text.startswith("-") and text.endswith("=--"):  # argparse takes this for no value
            parser.error(f"argument {text.removesuffix('=--')}: -- is not a value")
    chosen, unknown = parser.parse_known_args(given)
    if unknown:
        command: Parser = chosen.parser
        known = re.findall(r"--[a-z-]+", command.format_usage())
        flag = unknown[0].partition("=")[0]
        hint = did_you_mean(flag, known, "it has no such argument")
        name = flag.lstrip("-").replace("-", "_")
        takes_options = hasattr(chosen, "option") and chosen.method in METHODS
        if takes_options and name in option_types(chosen.method):
            hint = f"give it as --option {name}=VALUE"
        command.error(f"{' '.join(unknown)} is not known: {hint.rstrip('?')}")
    return chosen


def _path(text: str) -> Path:
    """A path; argparse names the argument if the text is empty."""
    if not text:
        raise argparse.ArgumentTypeError("expected the path of a file, got ''")
    return Path(text)


def _add_debug(parser: argparse.ArgumentParser, default: Any) -> None:
    parser.add_argument(
        "--debug", action="store_true", default=default, help="show tracebacks of errors"
    )


def _add_problem(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", metavar="FILE", help=FILE_HELP)
    _add_set(command)


def _add_set(command: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="value of a parameter of the problem, such as nu=0.01/pi",
    )


def _add_method(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("method")
    group.add_argument("--method", default="ilsr", help=f"{', '.join(METHODS)} (default: ilsr)")
    group.add_argument(
        "--rank", type=whole_number, metavar="R", help="directions of the refinement"
    )
    group.add_argument("--hidden", metavar="W,W", help="widths of the hidden layers, as in 60,60")
    group.add_argument("--points", type=whole_number, metavar="N", help="points of each equation")
    group.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other option of the method, such as basis=gaussian",
    )
    group.add_argument("--dtype", help=f"{' or '.join(DTYPES)} (default: float64)")
    group.add_argument("--device", help="cpu, cuda, … (default: cpu)")
    group.add_argument(
        "--seed", type=whole_number, help="of weights, points and bases (default: 0)"
    )


def _add_run(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("run")
    group.add_argument("--time-limit", type=number, metavar="S", help="seconds")
    group.add_argument("--tolerance", type=number, metavar="EPS", help="on the held-out residual")
    group.add_argument("--max-iterations", type=whole_number, metavar="N", help="of the outer loop")
    group.add_argument("--refine", action="store_true", help="append a one-shot LSR")
    group.add_argument(
        "--distributed",
        action="store_true",
        help="share the work with the other processes that torchrun has started",
    )
    group.add_argument("--start", type=_path, metavar="FILE", help="saved solution to go on from")
    group.add_argument(
        "--checkpoint",
        type=_path,
        metavar="FILE",
        help="keep the run in this file while it goes on, and go on from it where it exists",
    )
    group.add_argument(
        "--checkpoint-every", type=number, metavar="S", help="seconds between two (default: 60)"
    )


def _add_output(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("output")
    group.add_argument("--plot", type=_path, metavar="PNG", help="write a picture")
    group.add_argument("--animate", type=_path, metavar="GIF", help="write a movie in time")
    group.add_argument(
        "--at",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="slice of the picture and the movie, such as z=0.3, or t=0,0.5,1",
    )
    group.add_argument(
        "--json",
        type=_path,
        metavar="FILE",
        help="write the record of the run; - for standard output",
    )
    group.add_argument("--save", type=_path, metavar="FILE", help="write the solution")
    spoken = group.add_mutually_exclusive_group()
    spoken.add_argument("--quiet", action="store_true", help="no progress and no summary")
    spoken.add_argument(
        "-v",
        "--verbose",
        action="count",
        default=0,
        help="tell what is decided on the way; -vv for inner iterations too",
    )


def _add_benchmark(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "what",
        choices=("suite", "step", "growth", "operator", "instance", "samples"),
        nargs="?",
        default="suite",
        help="suite: problems × methods at equal time; step: one-shot LSR by rows against "
        "columns; growth: its time and memory against rows, parameters and rank; operator: "
        "J V of a neural operator by its factors against rows and columns; instance: an "
        "operator refined for one instance, against columns; samples: time and memory of "
        "pl.refine against the number of samples",
    )
    suite = command.add_argument_group("suite")
    suite.add_argument(
        "--folder",
        type=_path,
        help="of problem files (default: ./problems, or else those that come with pdelsr)",
    )
    suite.add_argument(
        "--problems", metavar="A,B", help="names, or paths of files (default: all in the folder)"
    )
    suite.add_argument("--methods", metavar="A,B", help=f"(default: {','.join(COMPETITORS)})")
    _add_set(suite)
    suite.add_argument(
        "--time-limit",
        type=numbers,
        metavar="S,S",
        help="of each run; of several, each is a row of the table (default: 60)",
    )
    suite.add_argument("--seeds", metavar="0,1", help="runs of each pair (default: 0)")
    where = suite.add_mutually_exclusive_group()
    where.add_argument(
        "--workers",
        type=whole_number,
        metavar="N",
        help="processes that measure side by side, sharing cores (default: none)",
    )
    where.add_argument(
        "--dask", metavar="ADDRESS", help="of a scheduler, whose workers measure side by side"
    )
    group = command.add_argument_group("output")
    group.add_argument(
        "--json",
        type=_path,
        metavar="FILE",
        help="write all measurements; - for standard output",
    )
    group.add_argument(
        "--plot",
        type=_path,
        metavar="PNG",
        help="write a picture: error against time (suite), or time and memory (growth)",
    )
