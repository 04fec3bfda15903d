"""`pdelsr benchmark`: what it prints, what it writes, how it fails."""

from __future__ import annotations

import functools
import io
import json
from pathlib import Path
from typing import Any

import pytest
from benchmark_cases import SMALL
from test_growth import TINY, counted

from pdelsr.benchmark.growth import measure_growth
from pdelsr.benchmark.storage import write_runs
from pdelsr.benchmark.suite import measure_suite
from pdelsr.cli import main

FILE = '''"""A rod."""

import sympy as sp

import pdelsr as pl

x = pl.coordinates("x")
u = pl.unknown("u", x)
exact = sp.sin(sp.pi * x)
equations = [sp.Eq(-u.diff(x, 2), sp.pi**2 * exact)]
domain = pl.Interval(x, 0, 1)
problem = pl.Problem("rod", domain, equations, [pl.Dirichlet(u, 0)], reference=exact)
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a problem, and a suite of small options."""
    (tmp_path / "problems").mkdir()
    (tmp_path / "problems" / "rod.py").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    small = functools.partial(measure_suite, changes=SMALL)
    monkeypatch.setattr("pdelsr.cli.benchmark.measure_suite", small)
    return tmp_path


def test_files_are_taken_by_their_paths(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "bar.py").write_text(FILE.replace('"rod"', '"bar"'))
    arguments = ["--methods", "random-features", "--time-limit", "20"]
    assert main(["benchmark", "--problems", "mine/bar.py,rod", *arguments]) == 0
    out = capsys.readouterr().out
    assert "bar random-features seed 0: error" in out
    assert "rod random-features seed 0: error" in out
    assert main(["benchmark", "--problems", "mine/none.py", *arguments]) == 2
    assert "none.py" in capsys.readouterr().err


def test_the_suite_writes_table_json_and_picture(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--json", "a.json", "--plot", "a.png"]
    arguments = ["--methods", "random-features,ilsr", "--seeds", "0,1", "--time-limit", "20"]
    assert main(["benchmark", *arguments, *files]) == 0
    out = capsys.readouterr().out
    assert "rod random-features seed 1: error" in out
    assert "median and (worst) over seeds" in out
    runs = json.loads(Path("a.json").read_text())["runs"]
    assert [(r["method"], r["seed"]) for r in runs] == [
        *(("ilsr", 0), ("random-features", 0)),
        *(("ilsr", 1), ("random-features", 1)),
    ]
    assert all(len(point) == 2 for run in runs for point in run["curve"])
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")


def test_the_problems_of_the_package_are_measured_from_anywhere(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "problems" / "rod.py").unlink()
    (folder / "problems").rmdir()
    arguments = ["--problems", "poisson_2d", "--methods", "random-features", "--time-limit", "20"]
    assert main(["benchmark", *arguments, "--json", "a.json"]) == 0
    assert "poisson_2d random-features seed 0: error" in capsys.readouterr().out
    (run,) = json.loads(Path("a.json").read_text())["runs"]
    assert run["problem"] == "poisson_2d"
    assert [path.name for path in folder.iterdir()] == ["a.json"]


def test_growth_writes_table_json_and_picture(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = functools.partial(measure_growth, TINY, apply=counted)
    monkeypatch.setattr("pdelsr.cli.benchmark.measure_growth", tiny)
    assert main(["benchmark", "growth", "--json", "a.json", "--plot", "a.png"]) == 0
    assert "slope" in capsys.readouterr().out
    content = json.loads(Path("a.json").read_text())
    assert content["slopes"]["rank"]["basis"]["overall"] == pytest.approx(2.0)
    assert [run["varied"] for run in content["runs"]] == ["rows", "parameters", "rank"]
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")


def test_json_on_standard_output_is_alone_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = functools.partial(measure_growth, TINY, apply=counted)
    monkeypatch.setattr("pdelsr.cli.benchmark.measure_growth", tiny)
    assert main(["benchmark", "growth", "--json", "-"]) == 0
    printed = capsys.readouterr()
    assert [run["varied"] for run in json.loads(printed.out)["runs"]] == [
        *("rows", "parameters", "rank")
    ]
    assert "slope" in printed.err
    assert not Path("-").exists()


class Left(io.TextIOBase):
    """A stream whose reader has left."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_suite_goes_on_where_nobody_reads_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", Left())
    arguments = ["--methods", "random-features", "--seeds", "0,1", "--time-limit", "20"]
    assert main(["benchmark", *arguments, "--json", "a.json", "--plot", "a.png"]) == 0
    assert len(json.loads(Path("a.json").read_text())["runs"]) == 2
    assert Path("a.png").exists()


@pytest.mark.parametrize("often", [1, 9], ids=["once", "always"])
def test_a_file_that_cannot_be_written_costs_no_measurement(
    often: int,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tried = []

    def full(*given: Any, **facts: Any) -> None:
        tried.append(given)
        if len(tried) <= often:
            raise OSError(28, "No space left on device")
        write_runs(*given, **facts)

    monkeypatch.setattr("pdelsr.cli.report.write_runs", full)
    arguments = ["--methods", "random-features", "--seeds", "0,1", "--time-limit", "20"]
    assert main(["benchmark", *arguments, "--json", "a.json"]) == (0 if often == 1 else 2)
    printed = capsys.readouterr()
    assert "median and (worst) over seeds" in printed.out
    said = "a.json cannot be written: No space left on device"
    assert f"pdelsr: warning: {said}; the measurements go on." in printed.err
    if often == 1:
        assert len(json.loads(Path("a.json").read_text())["runs"]) == 2
    else:
        assert printed.err.splitlines()[-1] == f"pdelsr: error: {said}; give another path."


MISTAKES = {
    "method": (["--methods", "pinn,nothing"], "names 'nothing': choose among pinn, tsonn"),
    "no method": (["--methods", ""], "names '': choose among pinn, tsonn"),
    "problem": (["--problems", "nothing"], "no problem 'nothing' in problems: it has ['rod']"),
    "no problem": (["--problems", ""], "no problem '' in problems: it has ['rod']"),
    "seeds": (["--seeds", "a"], "--seeds 'a': give whole numbers"),
    "no seeds": (["--seeds", ""], "--seeds '': give whole numbers"),
    "a later seed": (["--seeds", "0,-1"], "seed is -1: give a whole number from 0 on"),
    "a large seed": (["--seeds", "0,9999999999"], "seed is 9999999999: give a whole number up"),
    "limits": (["--time-limit", "5,0"], "time_limit"),
    "plot": (["--plot", "no/a.png"], "lies in a folder that does not exist"),
    "plot to nowhere": (["--plot", "-"], "--plot -: only --json goes to standard output"),
    "ending": (["--plot", "s.xyz"], "s.xyz ends in '.xyz': pictures end in .png"),
    "ending of growth": (["growth", "--plot", "s"], "s has no ending: pictures end in .png"),
    "one file": (["--json", "a.png", "--plot", "a.png"], "would overwrite a.png"),
    "step": (["step", "--plot", "a.png"], "benchmark step draws nothing"),
    "folder": (["step", "--folder", "problems"], "and --folder is for the suite: leave it out"),
    "problems": (["growth", "--problems", "rod"], "and --problems is for the suite"),
    "methods": (["operator", "--methods", "lsr"], "and --methods is for the suite"),
    "set": (["instance", "--set", "k=1"], "and --set is for the suite"),
    "time limit": (["samples", "--time-limit", "60"], "and --time-limit is for the suite"),
    "seeds of a step": (
        ["step", "--seeds", "0"],
        "benchmark step has sizes of its own, and --seed",
    ),
}
MEASUREMENTS = ("suite", "step", "growth", "products", "instance", "samples")


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_of_usage(
    case: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in MEASUREMENTS:
        measure = f"pdelsr.cli.benchmark.measure_{name}"
        monkeypatch.setattr(measure, lambda *_, **__: pytest.fail("measured"))
    arguments, message = MISTAKES[case]
    assert main(["benchmark", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_all_competitors_one_minute_and_one_seed_are_the_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def measured(
        problems: Any, competitors: Any, limits: Any, seeds: Any, tell: Any, executor: Any
    ) -> list[Any]:
        assert executor is None
        asked.extend([[p.name for p in problems], [c.name for c in competitors], limits, seeds])
        return []

    monkeypatch.setattr("pdelsr.cli.benchmark.measure_suite", measured)
    assert main(["benchmark"]) == 0
    names = ["pinn", "tsonn", "published", "random-features", "lsr-rsvd", "lsr", "ilsr"]
    assert asked == [["rod"], names, [60.0], [0]]


def test_workers_measure_side_by_side(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--methods", "lsr", "--time-limit", "20", "--seeds", "0,1"]
    assert main(["benchmark", *arguments, "--workers", "2"]) == 0
    out = capsys.readouterr().out
    assert "rod lsr seed 0: error" in out
    assert "rod lsr seed 1: error" in out
    assert main(["benchmark", *arguments, "--workers", "0"]) == 2
    assert main(["benchmark", "step", "--workers", "2"]) == 2
    assert "--workers is for the suite" in capsys.readouterr().err


def test_a_scheduler_that_is_not_there_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["benchmark", "--dask", "tcp://127.0.0.1:9"]) != 0
    err = capsys.readouterr().err
    assert "no scheduler of dask answers" in err or 'pip install "pdelsr[dask]"' in err
