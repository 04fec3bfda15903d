"""A solution as the contents of a file, and back."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from pdelsr.compile import compile_problem
from pdelsr.declare import Problem
from pdelsr.errors import FileFormatError, SettingsError, said
from pdelsr.files.container import Contents, encoded, write
from pdelsr.files.identity import problem_lines
from pdelsr.files.typed import built, shown, trusted_by_none
from pdelsr.linearize import Columns, Dense, Directions, Groups, Identity
from pdelsr.networks.hard import inner_network
from pdelsr.results.accuracy import BlockResidual
from pdelsr.results.base import BaseSolution
from pdelsr.results.document import (
    Document,
    NetworkDocument,
    ProblemDocument,
    ReportDocument,
    require_entries,
    require_report_tensors,
    require_tensors,
)
from pdelsr.results.error_estimate import ErrorEstimate
from pdelsr.results.plain_data import from_plain, method_to_plain, to_plain
from pdelsr.results.stored_network import (
    network_document,
    network_tensors,
    stored_network,
)
from pdelsr.solvers.refinement.report import RankReport
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.state.history import Record
from pdelsr.solvers.state.settings import RunSettings
from pdelsr.solvers.state.status import Status

S = TypeVar("S", bound=BaseSolution)
T = TypeVar("T")
NUMBERS = (
    "weights",
    "heldout",
    "heldout_start",
    "iterations",
    "best_iteration",
    "rounds",
    "seconds",
    "peak_memory_bytes",
)


def save(solution: BaseSolution, path: str | Path) -> None:
    """Write a solution to a safetensors file; see `Solution.save`."""
    write(path, Contents(_tensors(solution), _document(solution)))


def parts_to_pickle(solution: BaseSolution) -> tuple[bytes, Problem, nn.Module | None]:
    """The pickled parts: the file, the problem, and a network that files cannot hold.

    Raises:
        SettingsError: pickle cannot write the problem or the network.
    """
    own = network_document(solution.network)["settings"] is None
    network = inner_network(solution.network) if own else None
    for part, what in (
        (solution.problem, f"the problem {solution.problem.name!r}"),
        (network, "the network"),
    ):
        require_picklable(part, what)
    data = encoded(Contents(_tensors(solution), _document(solution)))
    return data, solution.problem, network


def require_picklable(value: Any, what: str) -> None:
    """Refuse a value that pickle cannot write.

    Raises:
        SettingsError: it cannot; the message quotes pickle.
    """
    try:
        pickle.dumps(value)
    except (pickle.PicklingError, AttributeError, TypeError, RecursionError) as error:
        raise SettingsError(
            f"{what} cannot be pickled ({said(error)}): it holds a function that another process "
            "cannot find by its name. Define it with `def` at the top of a module that can be "
            "imported, or use solution.save(path) here and pl.load(path, problem) there."
        ) from error


def solution_of(
    kind: type[S],
    contents: Contents,
    path: str | Path,
    problem: Problem,
    network: nn.Module | None = None,
    device: str | torch.device | None = None,
) -> S:
    """The solution of the contents of a file.

    Args:
        kind: class of the solution.
        contents: of the file.
        path: of the file.
        problem: the problem that was solved.
        network: the user's, if files cannot hold it.
        device: of the solution; None for its former device.

    Raises:
        FileFormatError: the contents are damaged, or belong to another problem or network.
    """
    if "problem" not in contents.document:
        raise FileFormatError(
            f"{path} holds no solution: it is a {contents.document.get('kind')} file. Give one "
            "written by Solution.save."
        )
    with trusted_by_none(path):
        document = built(Document, contents.document, "the document")
        saved = built(ProblemDocument, document.problem, "the problem")
    require_same_problem(path, saved, problem)
    if device is not None:
        RunSettings(device=device)  # a mistake of the caller, not of the file
    with trusted_by_none(path):
        require_entries(document, [s.name for s in problem.statements])
        settings = _settings(document, device)
        require_tensors(contents.tensors, document, problem.domain.dim, settings.torch_dtype)
    compiled = compile_problem(problem, bool(settings.hard))
    tensors = {name: t.to(settings.torch_device) for name, t in contents.tensors.items()}
    with trusted_by_none(path):
        described = built(NetworkDocument, document.network, "the network")
    inner = stored_network(path, described, tensors, compiled, settings, network)
    with trusted_by_none(path):
        return kind(
            problem=problem,
            compiled=compiled,
            network=inner,
            delta=tensors.get("delta"),
            method=_known(from_plain(document.method), Method),
            settings=settings,
            status=Status(document.status),
            ended=None if document.ended is None else Status(document.ended),
            next_step=document.next_step,
            estimate=built(ErrorEstimate, from_plain(document.estimate), "the estimate"),
            blocks={
                name: built(BlockResidual, found, f"the block {name!r}")
                for name, found in document.blocks.items()
            },
            history=tuple(built(Record, record, "the history") for record in document.history),
            report=_report(document, tensors, settings),
            training={
                name: tuple(tensors[f"points.{i}.{site}"] for site in range(sites))
                for i, (name, sites) in enumerate(document.points)
            },
            error_history=tuple((s, e) for s, e in document.error_history),
            **{name: getattr(document, name) for name in NUMBERS},
        )


def require_same_problem(path: str | Path, saved: ProblemDocument, problem: Problem) -> None:
    """Refuse a problem whose mathematics differ from the file's."""
    lines = problem_lines(problem)
    if problem.missing_inputs:
        raise FileFormatError(
            f"{path} holds a solution of {saved.name!r}, and this problem is parametric: give the "
            f"instance that was solved, problem.at({problem.missing_inputs[0]})."
        )
    for old, new in zip(
        [*saved.lines, *[""] * len(lines)], [*lines, *[""] * len(saved.lines)], strict=False
    ):
        if old != new:
            raise FileFormatError(
                f"{path} holds a solution of {saved.name!r}, which is not this problem: it has "
                f"'{old.strip()}' where this one has '{new.strip()}'. Give the problem that was "
                "solved; to start a neighbouring one, load it with its own problem in Python, and "
                "call pl.solve(new_problem, start=loaded)."
            )


def _tensors(solution: BaseSolution) -> dict[str, Tensor]:
    tensors = network_tensors(solution.network)
    for i, sites in enumerate(solution.training.values()):
        tensors |= {f"points.{i}.{site}": t for site, t in enumerate(sites)}
    report = solution.report
    found = {"delta": solution.delta}
    if report is not None:
        found |= {"y": report.y, "singular_values": report.singular_values}
        found |= {"basis_values": report.basis_values}
        if isinstance(report.directions, Dense):
            found["V"] = report.directions.V
        if isinstance(report.directions, Columns):
            found["index"] = report.directions.index
        if isinstance(report.directions, Groups):
            found |= {"order": report.directions.order, "weights": report.directions.weights}
    return tensors | {name: t for name, t in found.items() if t is not None}


def _document(solution: BaseSolution) -> dict[str, Any]:
    report = solution.report
    return {
        "problem": {"name": solution.problem.name, "lines": problem_lines(solution.problem)},
        "network": network_document(solution.network),
        "method": method_to_plain(solution.method),
        "settings": to_plain(replace(solution.settings, network=None, callback=None)),
        "status": solution.status.value,
        "ended": None if solution.ended is None else solution.ended.value,
        "next_step": solution.next_step,
        "estimate": asdict(solution.estimate),
        "blocks": {name: asdict(found) for name, found in solution.blocks.items()},
        "history": [asdict(record) for record in solution.history],
        "error_history": [list(point) for point in solution.error_history],
        "report": None
        if report is None
        else {
            "rank": report.rank,
            "effective_rank": report.effective_rank,
            "condition": report.condition,
            "limit": report.limit,
            "solver_ended": report.solver_ended,
            "directions": type(report.directions).__name__,
        },
        "points": [[name, len(sites)] for name, sites in solution.training.items()],
        **{name: to_plain(getattr(solution, name)) for name in NUMBERS},
    }


def _report(
    document: Document, tensors: Mapping[str, Tensor], settings: RunSettings
) -> RankReport | None:
    if document.report is None:
        return None
    plain = built(ReportDocument, document.report, "the report")
    require_report_tensors(tensors, plain, settings.torch_dtype)
    return RankReport(
        plain.rank,
        plain.effective_rank,
        plain.condition,
        tensors["singular_values"],
        tensors.get("basis_values"),
        _directions(plain.directions, tensors, plain.rank),
        tensors.get("y"),
        limit=plain.limit,
        solver_ended=plain.solver_ended,
    )


def _directions(kind: str, tensors: Mapping[str, Tensor], rank: int) -> Directions | None:
    m = tensors["theta"].numel()
    if kind == "Dense":
        return Dense(tensors["V"])
    if kind == "Columns":
        return Columns(tensors["index"], m)
    if kind == "Groups":
        return Groups(tensors["order"], tensors["weights"], rank)
    return Identity(m) if kind == "Identity" else None


def _settings(document: Document, device: str | torch.device | None) -> RunSettings:
    """The settings of the file, on the requested device, or else on an available one."""
    saved = document.settings.get("device")
    missing = str(saved).startswith("cuda") and not torch.cuda.is_available()
    wanted = str(device) if device is not None else "cpu" if missing else saved
    return _known(from_plain({**document.settings, "device": wanted}), RunSettings)


def _known(value: Any, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise FileFormatError(f"it has {shown(value)} in the place of a {kind.__name__}")
    return value
