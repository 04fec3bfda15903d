"""Runs that are cut at their checkpoints go on to the same result, to the bit."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import torch
from own_parts import Doubled, GaussNewton, Longest, Normal
from runs import RUNS, SMALL, WAVE, module, outcome
from solver_cases import X, cubic, poisson

import pdelsr as pl
from pdelsr.checkpoint import RunFile
from pdelsr.checkpoint.freeze import KEPT_TYPES, Freezer, Thawer
from pdelsr.compile import Block
from pdelsr.files.atomic import new_file_beside
from pdelsr.files.container import Contents, read, write
from pdelsr.linearize.points import PointPlan
from pdelsr.networks import Activation
from pdelsr.solvers.descent.levenberg_marquardt import LevenbergMarquardt
from pdelsr.solvers.growth.growth_history import GrowthHistory
from pdelsr.solvers.refinement.refiner import Refiner
from pdelsr.solvers.refinement.report import RankReport
from pdelsr.solvers.run.method import Method, State
from pdelsr.solvers.run.network_maker import Gains
from pdelsr.solvers.state.candidate import Candidate

CUT_AFTER = (1, 2, 4, 3, 7, 5)


class Cut(Exception):
    pass


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.safetensors"


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes runs fail after so many checkpoints, 0 for never."""
    keep = RunFile.keep

    def after(count: int) -> None:
        left = [count]

        def counted(self: RunFile, *args: Any) -> None:
            keep(self, *args)
            left[0] -= 1
            if left[0] == 0:
                raise Cut

        monkeypatch.setattr(RunFile, "keep", counted)

    return after


@pytest.mark.parametrize("name", RUNS)
def test_a_run_in_pieces_is_the_run_in_one(name: str, path: Path, cut: Any) -> None:
    whole = RUNS[name].solve()
    for count in CUT_AFTER:
        cut(count)
        try:
            found = RUNS[name].solve(checkpoint=path, checkpoint_every=0)
            break
        except Cut:
            continue
    else:
        cut(0)
        found = RUNS[name].solve(checkpoint=path, checkpoint_every=0)
    assert outcome(found) == outcome(whole)


def test_a_run_that_has_ended_ends_at_once_and_goes_on_when_allowed(path: Path) -> None:
    options = {**SMALL, "alignment_steps": 3, "checkpoint": path}
    first = pl.solve(cubic(), "ilsr", max_iterations=2, **options)
    again = pl.solve(cubic(), "ilsr", max_iterations=2, **options)
    assert outcome(again) == outcome(first)
    assert again.iterations == 2
    more = pl.solve(cubic(), "ilsr", max_iterations=3, **options)
    assert more.iterations == 3
    del options["checkpoint"]
    assert outcome(more) == outcome(pl.solve(cubic(), "ilsr", max_iterations=3, **options))


@pytest.mark.parametrize("cut_by", [pl.Status.OUT_OF_TIME, pl.Status.INTERRUPTED])
def test_a_run_whose_refinement_was_cut_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch, cut_by: pl.Status
) -> None:
    options = {**SMALL, "alignment_steps": 3, "max_iterations": 2, "checkpoint": path}
    refine = Refiner.__call__
    with monkeypatch.context() as patch:
        patch.setattr(Refiner, "__call__", lambda *args: replace(refine(*args), stopped=cut_by))
        found = pl.solve(cubic(), "ilsr", **options)
        assert found.iterations == 1
        if cut_by is pl.Status.INTERRUPTED:
            assert found.status is cut_by
    found = pl.solve(cubic(), "ilsr", **options)
    assert (found.iterations, found.status) == (2, pl.Status.MAX_ITERATIONS)


def test_a_run_goes_on_from_a_start(path: Path, cut: Any) -> None:
    start = pl.solve(cubic(), "ilsr", max_iterations=1, alignment_steps=2, **SMALL)
    options = {"start": start, "max_iterations": 2, "alignment_steps": 4}
    whole = pl.solve(cubic(), "ilsr", **options)
    cut(3)
    with pytest.raises(Cut):
        pl.solve(cubic(), "ilsr", checkpoint=path, checkpoint_every=0, **options)
    cut(0)
    found = pl.solve(cubic(), "ilsr", checkpoint=path, checkpoint_every=0, **options)
    assert outcome(found) == outcome(whole)


def test_seconds_of_the_pieces_add_up(path: Path, cut: Any) -> None:
    cut(4)
    options = {**SMALL, "alignment_steps": 6, "checkpoint": path, "checkpoint_every": 0}
    with pytest.raises(Cut):
        pl.solve(cubic(), "ilsr", max_iterations=2, **options)
    spent = read(path).document["seconds"]
    cut(0)
    assert pl.solve(cubic(), "ilsr", max_iterations=2, **options).seconds > spent > 0


def test_intervals_count_from_the_checkpoint_itself(
    path: Path, cut: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {**SMALL, "alignment_steps": 6, "checkpoint": path, "checkpoint_every": 0}
    cut(2)
    with pytest.raises(Cut):
        pl.solve(cubic(), "ilsr", **options)
    written = []
    monkeypatch.setattr(RunFile, "keep", lambda self, *_: written.append(self._written))
    pl.solve(cubic(), "ilsr", max_iterations=1, **options)
    assert written[0] == read(path).document["seconds"]


def test_a_run_that_is_ended_keeps_its_last_iteration_and_its_time(path: Path) -> None:
    options = {**SMALL, "alignment_steps": 6, "max_iterations": 4}
    whole = pl.solve(cubic(), "ilsr", **options)

    def enough(record: pl.Record) -> None:
        if record.iteration == 3:
            raise StopIteration

    kept = {"checkpoint": path, "checkpoint_every": 1e9}
    cut = pl.solve(cubic(), "ilsr", callback=enough, **kept, **options)
    assert cut.status is pl.Status.INTERRUPTED
    assert read(path).document["seconds"] == pytest.approx(cut.seconds, rel=0.2)
    seen: list[int] = []
    found = pl.solve(
        cubic(), "ilsr", callback=lambda r: seen.append(r.iteration), **kept, **options
    )
    assert min(seen) == 3
    assert outcome(found) == outcome(whole)


@pytest.mark.parametrize("method", ["pinn", "tsonn"])
def test_what_an_optimizer_changes_in_place_is_kept_as_it_was(path: Path, method: str) -> None:
    options = {
        "pinn": {"adam_steps": 650, "lbfgs_steps": 0},
        "tsonn": {"max_iterations": 2, "inner_steps": 20},
    }
    given = {**SMALL, **options[method]}
    whole = pl.solve(cubic(), method, **given)

    def enough(record: pl.Record) -> None:
        if record.iteration == 2 and record.heldout is None:
            raise StopIteration

    kept = {"checkpoint": path, "checkpoint_every": 1e9}
    assert pl.solve(cubic(), method, callback=enough, **kept, **given).iterations == 1
    assert outcome(pl.solve(cubic(), method, **kept, **given)) == outcome(whole)


def test_the_same_sampler_of_the_user_is_taken_for_the_same(path: Path) -> None:
    class Middle(pl.Sobol):
        __repr__ = object.__repr__

        def unit(self, *args: Any, **options: Any) -> Any:
            return 0.5 + 0.5 * (super().unit(*args, **options) - 0.5)

    options = {**SMALL, "checkpoint": path}
    pl.solve(cubic(), "lsr", sampler=Middle(), **options)
    pl.solve(cubic(), "lsr", sampler=Middle(), **options)
    with pytest.raises(pl.FileFormatError, match="differs in sampler"):
        pl.solve(cubic(), "lsr", sampler=pl.Sobol(), **options)


def dataclasses_in(hint: Any) -> set[type]:
    """Those that a value of this type may hold, at any depth."""
    found = {hint} if isinstance(hint, type) and is_dataclass(hint) else set()
    return found.union(*(dataclasses_in(part) for part in get_args(hint)))


def test_whatever_a_kept_part_holds_is_kept_too() -> None:
    """Blocks, plans and activations are written by position or name."""
    by_name = {Block, PointPlan, Activation}
    for kept in KEPT_TYPES:
        hints = get_type_hints(kept)
        whole = [hints[f.name] for f in fields(kept) if not f.metadata.get("transient")]
        for found in set().union(*map(dataclasses_in, whole)) - by_name:
            assert any(issubclass(known, found) for known in KEPT_TYPES), (kept, found)


def test_a_run_on_waves_is_kept(path: Path) -> None:
    """Its refinement tells of waves that its directions miss."""
    u = pl.unknown("u", X)
    square = pl.Interval(X, 0, 1)
    string = pl.Problem("string", square, [u.diff(X, 2) + 90 * u - X], [pl.Dirichlet(u, 0)])
    first, again = (pl.solve(string, "lsr", checkpoint=path, **SMALL) for _ in range(2))
    assert first.report is not None
    assert first.report.sensitivity is not None
    assert first.report.sensitivity.waves
    assert again.heldout == first.heldout


def test_a_run_that_can_no_longer_be_written_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    freeze = Freezer.freeze

    def forgetful(self: Freezer, value: Any) -> Any:
        if isinstance(value, RankReport):
            raise pl.SettingsError("a report, which a checkpoint cannot hold.")
        return freeze(self, value)

    monkeypatch.setattr(Freezer, "freeze", forgetful)
    solution = pl.solve(cubic(), "lsr", checkpoint=path, **SMALL)
    assert solution.rank is not None
    assert "goes on without a new checkpoint" in caplog.text


def test_weights_of_the_problem_are_compared(path: Path) -> None:
    pl.solve(cubic(), "lsr", checkpoint=path, **SMALL)
    heavy = replace(cubic(), weights={"dirichlet u": 1e6})
    with pytest.raises(pl.FileFormatError, match="differs in weights of the problem"):
        pl.solve(heavy, "lsr", checkpoint=path, **SMALL)


def test_what_killed_writers_left_behind_is_removed(tmp_path: Path) -> None:
    path, other = tmp_path / "a.run", new_file_beside(tmp_path / "b.run")
    for file in (new_file_beside(path), new_file_beside(path), other):
        file.write_bytes(b"half")
        os.utime(file, (0, 0))
    new = new_file_beside(path)  # of a process that may still write it
    new.write_bytes(b"half")
    pl.solve(cubic(), "lsr", checkpoint=path, **SMALL)
    assert sorted(tmp_path.iterdir()) == sorted([path, other, new])


def test_a_refinement_that_was_cut_short_is_made_again(path: Path, monkeypatch: Any) -> None:
    options = {**SMALL, "passes": 2, "checkpoint": path, "checkpoint_every": 0}
    whole = pl.solve(cubic(), "lsr", **{**options, "checkpoint": None})
    with monkeypatch.context() as patch:
        patch.setattr("pdelsr.solvers.methods.lsr.INTERRUPTIONS", (Cut,))
        patch.setattr("pdelsr.solvers.methods.lsr.status_of", lambda cut: pl.Status.INTERRUPTED)
        original = Refiner.__call__

        def cut_the_second(self: Any, *args: Any, **kwargs: Any) -> Any:
            if "adapt_to" in kwargs:
                raise Cut
            return original(self, *args, **kwargs)

        patch.setattr("pdelsr.solvers.refinement.refiner.Refiner.__call__", cut_the_second)
        assert pl.solve(cubic(), "lsr", **options).status is pl.Status.INTERRUPTED
    assert outcome(pl.solve(cubic(), "lsr", **options)) == outcome(whole)


def test_checkpoints_are_written_as_often_as_asked_for(path: Path, monkeypatch: Any) -> None:
    written = []
    monkeypatch.setattr("pdelsr.checkpoint.run_file.write", lambda *args: written.append(args))
    options = {**SMALL, "alignment_steps": 6, "max_iterations": 2, "checkpoint": path}
    pl.solve(cubic(), "ilsr", checkpoint_every=1e6, **options)
    assert len(written) == 2  # at the start and at the end
    pl.solve(cubic(), "ilsr", checkpoint_every=0, **options)
    assert len(written) > 12


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"seed": 1}, "seed"),
        ({"points": 61}, "points"),
        ({"alignment_steps": 4}, "alignment_steps"),
        ({"hidden": (8, 9)}, "hidden"),
        ({"dtype": "float32"}, "dtype"),
        ({"weights": {"equation": 2.0}}, "weights"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_checkpoint_of_another_run_is_refused(
    path: Path, other: dict[str, Any], named: str
) -> None:
    options = {**SMALL, "max_iterations": 1, "alignment_steps": 2, "checkpoint": path}
    pl.solve(cubic(), "ilsr", **options)
    with pytest.raises(pl.FileFormatError, match=f"differs in {named}: give another"):
        pl.solve(cubic(), "ilsr", **{**options, **other})


def test_other_problems_methods_networks_and_starts_are_refused(path: Path) -> None:
    options = {"points": 60, "max_iterations": 1, "checkpoint": path}
    start = pl.solve(cubic(), "lsr", network=module(), points=60)
    pl.solve(cubic(), "lsr", network=module(), **options)
    other = torch.nn.Sequential(torch.nn.Linear(1, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    for problem, method, given, named in (
        (poisson(), "lsr", {"network": module()}, "problem"),
        (cubic(), "tsonn", {"network": module()}, "method"),
        (cubic(), "lsr", {"network": other}, "network"),
        (cubic(), "lsr", {"start": start}, "start"),
    ):
        with pytest.raises(pl.FileFormatError, match=f"differs in .*{named}"):
            pl.solve(problem, method, **options, **given)


def measured(value: float, factor: float = 1.0) -> pl.Problem:
    """u'' = c with a measured value and a coefficient that is code."""
    u = pl.unknown("u", X)
    c = pl.coefficient("c", lambda x: factor * x, X)
    conditions = [pl.Dirichlet(u, 0), pl.Observations(u, [[0.5]], [value])]
    return pl.Problem("measured", pl.Interval(X, 0, 1), [u.diff(X, 2) - c], conditions)


def test_what_the_text_of_a_problem_does_not_show_is_compared(path: Path) -> None:
    options = {**SMALL, "max_iterations": 1, "checkpoint": path}
    pl.solve(measured(0.1), "lsr", **options)
    pl.solve(measured(0.1), "lsr", **options)
    with pytest.raises(pl.FileFormatError, match="differs in the problem"):
        pl.solve(measured(0.2), "lsr", **options)
    with pytest.raises(pl.FileFormatError, match="differs in the values of 'equation'"):
        pl.solve(measured(0.1, factor=2.0), "lsr", **options)


def test_another_activation_of_the_user_is_refused(path: Path) -> None:
    options = {"points": 60, "max_iterations": 1, "alignment_steps": 1, "checkpoint": path}
    pl.solve(cubic(), "ilsr", activation=WAVE, **options)
    other = pl.UserActivation([torch.sin, torch.cos, lambda z: -z.sin()] * 2, name="wave")
    with pytest.raises(pl.FileFormatError, match="differs in the values of 'activation'"):
        pl.solve(cubic(), "ilsr", activation=other, **options)


def test_a_failing_disk_costs_no_run(path: Path, monkeypatch: Any, caplog: Any) -> None:
    written = []

    def full(*args: Any) -> None:
        written.append(args)
        if len(written) > 1:
            raise pl.FileFormatError("No space left.")

    monkeypatch.setattr("pdelsr.checkpoint.run_file.write", full)
    options = {**SMALL, "alignment_steps": 3, "max_iterations": 1, "checkpoint": path}
    found = pl.solve(cubic(), "ilsr", checkpoint_every=0, **options)
    assert found.status is pl.Status.MAX_ITERATIONS
    assert "goes on without a new checkpoint" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "damaged"), (b"not a checkpoint", "damaged"), (None, "no checkpoint of a run")],
    ids=["empty", "text", "a solution"],
)
def test_files_that_are_no_checkpoint_are_refused(
    path: Path, content: bytes | None, message: str
) -> None:
    if content is None:
        pl.solve(poisson(), "lsr", **SMALL).save(path)
    else:
        path.write_bytes(content)
    with pytest.raises(pl.FileFormatError, match=message):
        pl.solve(cubic(), "ilsr", checkpoint=path, **SMALL)


@pytest.mark.parametrize("where", ["state", "networks", "design", "first_plan", "run", "seconds"])
def test_a_document_that_was_written_by_others_is_refused(path: Path, where: str) -> None:
    options = {**SMALL, "max_iterations": 1, "alignment_steps": 1, "checkpoint": path}
    pl.solve(cubic(), "ilsr", **options)
    contents = read(path)
    for wrong in (None, 3, [], {}, {"part": "os.system", "number": 0, "fields": {}}):
        write(path, Contents(contents.tensors, {**contents.document, where: wrong}))
        if where == "seconds" and wrong == 3:
            continue
        with pytest.raises(pl.FileFormatError, match=r"does not fit together|differs in"):
            pl.solve(cubic(), "ilsr", **options)


def test_a_checkpoint_of_an_earlier_version_says_so(path: Path) -> None:
    options = {**SMALL, "max_iterations": 1, "alignment_steps": 1, "checkpoint": path}
    pl.solve(cubic(), "ilsr", **options)
    contents = read(path)
    document = {name: value for name, value in contents.document.items() if name != "layout"}
    write(path, Contents(contents.tensors, document))
    with pytest.raises(pl.FileFormatError, match="earlier version of pdelsr"):
        pl.solve(cubic(), "ilsr", **options)


@pytest.mark.parametrize("given", ["missing/run.safetensors", "."], ids=str)
def test_paths_that_no_file_can_have_are_refused_before_the_run(given: Any) -> None:
    with pytest.raises(pl.SettingsError, match="checkpoint"):
        pl.solve(cubic(), "ilsr", checkpoint=given, **SMALL)


@dataclass(frozen=True)
class Forgetful(Method):
    """Keeps an object of a class that no checkpoint knows."""

    name = "forgetful"

    def default_hidden(self, linear: bool) -> tuple[int, ...]:
        return (3,)

    def default_points(self, parameters: int) -> int:
        return 10

    def init(self, context: Any) -> State:
        return State(0, Candidate.of_network(context.network), 1.0, "start", memory=object())

    def step(self, context: Any, state: State) -> State:
        raise AssertionError


def test_what_a_checkpoint_cannot_hold_is_refused(path: Path) -> None:
    with pytest.raises(pl.SettingsError, match=r"keeps a object.*memory_types"):
        pl.solve(cubic(), Forgetful(), checkpoint=path)


@dataclass
class Count:
    steps: int = 0


@dataclass(frozen=True)
class Counting(GaussNewton):
    """A method of a user's with a memory of its own."""

    name = "counting"
    memory_types = (Count, LevenbergMarquardt)

    def init(self, context: Any) -> State:
        state = super().init(context)
        return replace(state, memory=(Count(), state.memory))

    def step(self, context: Any, state: State) -> State:
        count, memory = state.memory
        found = super().step(context, replace(state, memory=memory))
        return replace(found, memory=(Count(count.steps + self.steps), found.memory))


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("ilsr", {"basis": Doubled(), "lstsq": Normal(), "rank": 30, "alignment_steps": 3}),
        (Counting(hidden=(6, 6)), {}),
    ],
    ids=["basis and solver", "method"],
)
def test_runs_with_parts_of_the_users_go_on(
    method: Any, options: dict[str, Any], path: Path, cut: Any
) -> None:
    options = {**options, "points": 60, "max_iterations": 2}
    if method == "ilsr":
        options |= {"hidden": (6, 6), "weight_scale": 1.0}
    whole = pl.solve(cubic(), method, **options)
    cut(2)
    with pytest.raises(Cut):
        pl.solve(cubic(), method, checkpoint=path, checkpoint_every=0, **options)
    cut(0)
    found = pl.solve(cubic(), method, checkpoint=path, checkpoint_every=0, **options)
    assert outcome(found) == outcome(whole)
    if method == "ilsr":
        with pytest.raises(pl.FileFormatError, match="differs in basis"):
            pl.solve(cubic(), method, checkpoint=path, **{**options, "basis": Longest()})


def test_what_a_growth_has_learned_is_kept() -> None:
    method = pl.ILSR()
    known = GrowthHistory(factor=2, gains=Gains(alignment=70.0, doubling=20.0), tried=True)
    plain = json.loads(json.dumps(Freezer(method, ()).freeze(known)))
    assert Thawer(method, (), {}, ()).thaw(plain) == known


def test_a_run_goes_on_with_the_form_of_its_conditions(
    path: Path,
) -> None:
    """Whether they are hard may depend on the time that there is to try both."""
    pl.solve(poisson(), "lsr", checkpoint=path, hard=False, **SMALL)
    again = pl.solve(poisson(), "lsr", checkpoint=path, **SMALL)
    assert again.settings.hard is False


def test_a_solution_outlives_the_folder_of_its_checkpoint(tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    folder.mkdir()
    solution = pl.solve(poisson(), "lsr", checkpoint=folder / "run", **SMALL)
    shutil.rmtree(folder)
    solution.save(tmp_path / "kept.safetensors")
    again = pl.load(tmp_path / "kept.safetensors", poisson())
    assert again.heldout == solution.heldout


def test_a_checkpoint_in_no_folder_is_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(pl.SettingsError, match=r"checkpoint .* lies in a folder that does not"):
        pl.solve(poisson(), "lsr", checkpoint=tmp_path / "none" / "run", **SMALL)
