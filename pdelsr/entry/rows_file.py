"""The file of `refine_many`: a line that identifies the run, and one JSON line per instance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pdelsr.checkpoint.fingerprint import part_text
from pdelsr.compile import compile_problem
from pdelsr.declare import Problem
from pdelsr.declare.given import Functions
from pdelsr.errors import FileFormatError, said
from pdelsr.files.atomic import NOT_WRITTEN, unwritable, write_whole
from pdelsr.files.digest import digest
from pdelsr.files.identity import input_line, problem_lines
from pdelsr.files.seal import digest_of_tensors
from pdelsr.files.typed import built
from pdelsr.linearize.block_digest import PROBES, digest_of_values, digests_of_blocks
from pdelsr.linearize.points import PointPlan
from pdelsr.operators.at_input import network_at
from pdelsr.operators.instances import InstanceRow
from pdelsr.operators.physics import PIDeepONet
from pdelsr.operators.sensors import Sensors, read_sensors, values_at
from pdelsr.results.accuracy import heldout_points
from pdelsr.results.reference_errors import known_reference

FREE = ("memory_budget",)  # options that change no result
LENGTH = 16  # digits of a digest
OF_FIRST = ("operator", "statements", "reference")  # compared by values for the first instance
CALLED = {
    "problem": "the problem",
    "functions": "the input functions",
    "operator": "the operator",
    "statements": "coefficients or observations",
    "reference": "the reference",
}


@dataclass(frozen=True)
class ManyRun:
    """What decides the rows of a file: all that instances share, and their input functions.

    Args:
        shared: plain data by name, equal for all instances.
        functions: a digest of the input functions of each instance.
    """

    shared: Mapping[str, Any]
    functions: Sequence[str]

    @classmethod
    def of(
        cls,
        operator: nn.Module,
        problem: Problem,
        functions: Sequence[Functions],
        options: Mapping[str, Any],
    ) -> ManyRun:
        """The run of an operator for instances of a problem.

        What is code, as coefficients, a reference and the module itself, is compared by its values
        at some points for the first instance.

        Args:
            operator: that is refined.
            problem: a parametric one.
            functions: the input functions of each instance, by name.
            options: of `refine_instance`, with their defaults.
        """
        where = options.get("sensors")
        shared = {
            "problem": problem_lines(problem),
            "options": {n: part_text(v) for n, v in sorted(options.items()) if n not in FREE},
        }
        if functions:
            shared |= _values(operator, problem.at(**functions[0]), where)
        return cls(shared, [_digest_of(problem, given, operator, where) for given in functions])

    def difference(self, old: Mapping[str, Any], functions: Sequence[str]) -> list[str]:
        """What differs from the run of a file, in words; more or fewer instances may follow."""
        both = min(len(functions), len(self.functions))
        others = list(functions[:both]) != list(self.functions[:both])
        compared = [name for name in self.shared if name != "options"]
        if others:  # of which the first may serve the other comparisons
            compared = [name for name in compared if name not in OF_FIRST]
        differ = [name for name in compared if old.get(name) != self.shared[name]]
        differ += ["functions"] * others
        was, now = old.get("options", {}), self.shared["options"]
        differ += [name for name in {**was, **now} if was.get(name, ...) != now.get(name, ...)]
        return [CALLED.get(name, name) for name in differ]


def _values(operator: nn.Module, at: Problem, sensors: Sensors | None) -> dict[str, Any]:
    """Digests of an operator, of the blocks and of the reference, at points of one instance."""
    points = heldout_points(at, PROBES, seed=0)
    network, like = network_at(operator, at, sensors), next(operator.parameters())
    with torch.no_grad():
        output = network(torch.from_numpy(points).to(like))
    state = operator.state_dict()
    tensors = digest_of_tensors(value for value in state.values() if isinstance(value, Tensor))
    known = None if at.reference is None else torch.from_numpy(known_reference(at, points))
    blocks = compile_problem(at).blocks
    plan = PointPlan(at.domain, {block.name: PROBES for block in blocks})
    return {
        "operator": digest([type(operator).__qualname__, tensors, digest_of_values([output])]),
        "statements": digests_of_blocks(blocks, plan),
        "reference": None if known is None else digest_of_values([known.nan_to_num()]),
    }


def _digest_of(
    problem: Problem, functions: Functions, operator: nn.Module, sensors: Sensors | None
) -> str:
    """A digest of the input functions of an instance, at the sensors and elsewhere."""
    at = problem.at(**functions)
    own = isinstance(operator, PIDeepONet)
    where = operator.sensor_sets if own else read_sensors(sensors)
    lines = (input_line(at, name) for name in sorted(at.instance))
    return digest([values_at(functions, where).tobytes(), *lines])[:LENGTH]


def read_rows(path: str | Path, run: ManyRun) -> dict[int, InstanceRow]:
    """The rows of an earlier run of the same kind; creates the file if there is none.

    Raises:
        FileFormatError: the file is none of `refine_many`, or of another run.
    """
    file = Path(path)
    if not file.exists():
        _write(file, run, [])
        return {}
    try:
        first, *lines = file.read_text(encoding="utf-8").splitlines()
        header = json.loads(first)
        shared, functions = header["shared"], header["functions"]
        cut = bool(lines) and not lines[-1].endswith("}")  # the write was interrupted
        lines = lines[: len(lines) - cut]
        rows = [built(InstanceRow, json.loads(line), "a row") for line in lines]
        differ = run.difference(shared, functions)
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise FileFormatError(
            f"{path} is not a file of refine_many, or one of another version ({said(error)}): give "
            "another path, or remove it."
        ) from error
    if differ:
        raise FileFormatError(
            f"{path} belongs to another run, which differs in {', '.join(differ)}: give another "
            "path, or remove it."
        )
    more = len(run.functions) > len(functions)
    if cut or more:
        _write(file, run if more else replace(run, functions=functions), lines)
    return {row.index: row for row in rows if row.index < len(run.functions)}


def _write(file: Path, run: ManyRun, lines: Sequence[str]) -> None:
    header = json.dumps({"shared": run.shared, "functions": list(run.functions)})
    try:
        write_whole(file, "".join(f"{line}\n" for line in (header, *lines)))
    except NOT_WRITTEN as error:
        raise FileFormatError(unwritable(file, error)) from error


def append_row(path: str | Path | None, row: InstanceRow) -> None:
    """Write the whole file again with one more row, so that no row is ever cut."""
    if path is None:
        return
    try:
        before = Path(path).read_text(encoding="utf-8")
        write_whole(path, f"{before}{json.dumps(asdict(row))}\n")
    except NOT_WRITTEN as error:
        raise FileFormatError(unwritable(path, error)) from error
