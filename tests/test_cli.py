"""The command line: what it prints, what it writes, how it fails."""

from __future__ import annotations

import argparse
import io
import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pdelsr as pl
from pdelsr.cli import main
from pdelsr.cli.options import read_options, read_parameters, read_slice
from pdelsr.cli.parser import number, numbers
from pdelsr.errors import ProblemError, SettingsError
from pdelsr.lstsq import LSMR
from pdelsr.resources.deadline import deadline

FILE = '''"""A rod with a source: -u'' = k π² sin πx.

More words.
"""

import sympy as sp

import pdelsr as pl

x = pl.coordinates("x")
u = pl.unknown("u", x)
k = sp.Symbol("k")
problem = pl.Problem(
    name="rod",
    domain=pl.Interval(x, 0, 1),
    equations=[sp.Eq(-u.diff(x, 2), k * sp.pi**2 * sp.sin(sp.pi * x))],
    conditions=[pl.Dirichlet(u, 0)],
    parameters={k: 1},
    reference=k * sp.sin(sp.pi * x),
)
'''
MOVING = """
import sympy as sp

import pdelsr as pl

x, y, t = pl.coordinates("x y t")
u = pl.unknown("u", x, y, t)
problem = pl.Problem(
    name="plate",
    domain=pl.Box((x, y), (0, 0), (1, 1)) * pl.TimeInterval(t, 0, 1),
    equations=[sp.Eq(u.diff(t), u.diff(x, 2) + u.diff(y, 2))],
    conditions=[pl.Dirichlet(u, x), pl.Initial(sp.Eq(u, x))],
)
"""
SMALL = ("--method", "lsr", "--hidden", "8,8", "--points", "60", "--option", "weight_scale=1")


@pytest.fixture
def rod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a problem file in it."""
    (tmp_path / "rod.py").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "rod.py"


def test_solve_writes_what_was_asked_for(rod: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--json", "a.json", "--plot", "a.png", "--save", "a.safetensors"]
    assert main(["solve", "rod.py", *SMALL, "--seed", "3", "--time-limit", "60", *files]) == 0
    captured = capsys.readouterr()
    assert "rod by lsr" in captured.out
    assert "relative L2 error" in captured.out
    assert "iteration   1, refine" in captured.err
    record = json.loads(Path("a.json").read_text())
    assert record["problem"] == "rod"
    assert record["seed"] == 3
    assert record["unknowns"]["u"]["relative_l2"] < 1e-7
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")
    assert main(["solve", "rod.py", *SMALL[:2], "--start", "a.safetensors", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # as outside of tests
@pytest.mark.parametrize("quiet", [False, True])
def test_json_on_standard_output_is_alone_there(
    rod: Path, quiet: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    files = ["--plot", "a.png", "--save", "a.safetensors", "--json", "-"]
    said = ["--quiet"] if quiet else ["-v"]
    assert main(["solve", "rod.py", *SMALL, *files, *said]) == 0
    captured = capfd.readouterr()  # what is written past Python, too
    record = json.loads(captured.out)
    assert record["problem"] == "rod"
    assert record["unknowns"]["u"]["relative_l2"] < 1e-7
    assert not Path("-").exists()
    assert Path("a.png").is_file()
    if quiet:
        assert captured.err == ""
    else:
        assert "rod by lsr: estimated error" in captured.err
        assert "pdelsr: info: " in captured.err


class Terminal(io.StringIO):
    """A stream that shows colors."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variable", "value", "colored"),
    [
        ("NO_COLOR", "", True),
        ("NO_COLOR", "1", False),
        ("TERM", "dumb", False),
    ],
)
def test_colors_are_for_those_who_want_them(
    rod: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, colored: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(variable, value)
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    assert main(["solve", "rod.py", *SMALL]) == 0
    assert ("\x1b[" in terminal.getvalue()) == colored
    assert "relative L2 error" in terminal.getvalue()


def test_verbose_tells_what_is_decided(rod: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = ["solve", "rod.py", "--method", "pinn", *SMALL[2:6], "--max-iterations", "1"]
    options = [*run, "--option", "adam_steps=200", "--option", "lbfgs_steps=0"]
    assert main(options) == 0
    assert "pdelsr: info" not in capsys.readouterr().err
    assert main([*options, "-v"]) == 0
    err = capsys.readouterr().err
    assert "pdelsr: info: rod by pinn: 97 parameters, points: 60 of equation" in err
    assert err.count("iteration   1, adam") == 1
    assert "iteration 1, adam" not in err
    assert main([*options, "-vv"]) == 0
    assert "pdelsr: debug: iteration 1, adam: training " in capsys.readouterr().err
    assert main([*options, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert not logging.getLogger("pdelsr").isEnabledFor(logging.INFO)
    with pytest.raises(SystemExit):
        main([*options, "--quiet", "-v"])
    assert "not allowed with argument" in capsys.readouterr().err


def test_parameters_can_be_set(rod: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "rod.py", "--set", "k=2/pi"]) == 0
    assert "parameters: k = 2/pi" in capsys.readouterr().out
    assert main(["solve", "rod.py", *SMALL, "--quiet", "--set", "k=3", "--save", "a"]) == 0
    assert main(["solve", "rod.py", *SMALL, "--start", "a"]) == 2
    assert "'parameters: k = 3' where this one has 'parameters: k = 1'" in capsys.readouterr().err


def test_options_reach_the_method(rod: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--option", "basis=gaussian", "--option", "lstsq=svd", "--rank", "7", "--refine"]
    assert main(["solve", "rod.py", *SMALL, *options, "--dtype", "float32"]) == 0
    out = capsys.readouterr().out
    assert "of 7" in out
    assert "cpu, float32" in out


def test_show_says_what_was_understood(rod: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "rod.py", "--hidden", "12,12"]) == 0
    out = capsys.readouterr().out
    for words in (
        *("problem rod", "unknowns: u(x)", "parameters: k = 1", "x=0", "equation: -u_xx ="),
        *("with method ilsr:", "equation", "satisfied exactly", "dirichlet u"),
        *("network: MLP 1-12-12-1, tanh, 193 parameters", "estimated memory"),
    ):
        assert words in out


SHOWN = {
    "ilsr": ([], r"may grow to \d,\d+ parameters"),
    "pieces": (["--method", "lsr"], "does not fit at once: the run takes smaller pieces"),
    "rank": (
        ["--method", "lsr", "--rank", "300", "--points", "20000", "--hidden", "30,30"],
        r"does not fit: 1,021 parameters and .* need about \d+ MiB of memory, and 100 MiB is free, "
        r"of which 80% are used: lower rank to \d+ \(--rank\) or points to \d+ \(--points\)",
    ),
}


@pytest.mark.parametrize("case", SHOWN)
def test_show_says_whether_it_fits(
    case: str, rod: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options, message = SHOWN[case]
    free = 100 * 2**20 if options else 10**10
    monkeypatch.setattr("pdelsr.resources.free_memory.free_on_host", lambda: free)
    assert main(["show", "rod.py", *options]) == 0
    out = capsys.readouterr().out
    assert "estimated memory, besides what Python and torch take: about" in out
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(out)


@pytest.mark.parametrize("method", ["pinn", "tsonn", "lsr", "ilsr"])
def test_show_knows_every_method(rod: Path, method: str) -> None:
    assert main(["show", "rod.py", "--method", method]) == 0


def test_show_says_what_is_to_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(__file__).parent.parent / "problems" / "parametric" / "antiderivative.py"
    assert main(["show", str(path)]) == 0
    out = capsys.readouterr().out
    assert "input functions: a" in out
    assert "with a from problem.at(...)" in out


def test_list_gives_one_line_a_file(rod: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = rod.parent / "problems"
    folder.mkdir()
    (folder / "rod.py").write_text(FILE)
    (folder / "broken.py").write_text("problem = (")
    (folder / "helpers.py").write_text("x = 1")
    (folder / ".rod.0123.tmp.py").write_text(FILE)  # what a killed `pdelsr new` leaves
    annotated = FILE.replace("problem = ", "problem: pl.Problem = ").replace("rod", "röd")
    (folder / "marked.py").write_text(annotated, encoding="utf-8-sig")
    latin = "# -*- coding: latin-1 -*-\n" + FILE.replace("k π² sin πx", "çé")
    (folder / "latin.py").write_text(latin, encoding="latin-1")
    assert main(["list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "broken  (Python cannot read it)",
        "latin   A rod with a source: -u'' = çé.",
        "marked  A röd with a source: -u'' = k π² sin πx.",
        "rod     A rod with a source: -u'' = k π² sin πx.",
    ]
    assert main(["solve", "rod", *SMALL, "--quiet"]) == 0
    assert main(["solve", "rad", *SMALL]) == 2
    assert "there is no file rad: did you mean 'rod'?" in capsys.readouterr().err
    assert main(["list", "nowhere"]) == 2
    (folder.parent / "empty").mkdir()
    assert main(["list", "empty"]) == 0


BROKEN = {
    "syntax": ("import sympy\nx = (\n", r"file\.py, line 2: Python cannot read it"),
    "no problem": ("x = 1\n", r"file\.py defines no `problem`: end it with problem = pl\.Problem"),
    "wrong type": ("problem = 3\n", r"file\.py: `problem` is int, expected a pl\.Problem"),
    "exception": ("a = 1\nb = a / 0\n", r"file\.py, line 2: the file fails with ZeroDivisionErr"),
    "exit": ("raise SystemExit\n", r"file\.py, line 1: the file fails with SystemExit"),
    "declaration": (
        FILE.replace("Interval(x, 0, 1)", "Interval(x, 1, 0)"),
        r"file\.py, line 15: Interval",
    ),
    "import": ("import nothing_of_this_name\n", r"line 1: .* No module named 'nothing_of_this"),
    "numpy": (
        "import numpy as np\nimport sympy as sp\nnp.sin(sp.Symbol('x'))\n",
        r"line 3: .* functions of symbols come from sympy, as sp\.sin\(x\)",
    ),
    "math": (
        "import math\nimport sympy as sp\nmath.sin(sp.Symbol('x'))\n",
        "line 3: .* functions of symbols come from sympy",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_explained_in_one_paragraph(
    case: str, rod: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, message = BROKEN[case]
    (rod.parent / "file.py").write_text(text)
    assert main(["solve", "file.py"]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert len(error.splitlines()) == 1
    assert error.startswith("pdelsr: error: ")
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(error)
    for arguments in (["solve", "file.py", "--debug"], ["--debug", "solve", "file.py"]):
        assert main(arguments) == 2
        assert "Traceback" in capsys.readouterr().err


USAGE = {
    "missing": (["solve", "nowhere.py"], "there is no file nowhere.py"),
    "folder": (["solve", "."], r"\. is a folder"),
    "method": (["solve", "rod.py", "--method", "lrs"], "did you mean 'lsr'"),
    "option": (["solve", "rod.py", "--option", "baiss=full"], "did you mean 'basis'"),
    "inner field": (["solve", "rod.py", "--option", "suggested={}"], "has no option 'suggested'"),
    "long name": (
        ["solve", "rod.py", "--save", 300 * "a"],
        "cannot be a file .*File name too long",
    ),
    "foreign": (["solve", "rod.py", "--method", "pinn", "--rank", "3"], "has no option 'rank'"),
    "no value": (["solve", "rod.py", "--option", "basis"], "--option basis: expected name=value"),
    "type": (["solve", "rod.py", "--option", "rank=many"], "rank=many: expected a whole number"),
    "hidden": (["solve", "rod.py", "--hidden", "a,b"], "hidden=a,b: expected widths such as 60,60"),
    "parameter": (["solve", "rod.py", "--set", "q=1"], "no such parameter; it has k"),
    "number": (["solve", "rod.py", "--set", "k=open"], "expected a number such as 0.01, 1/100"),
    "plot": (["solve", "rod.py", "--plot", "no/a.png"], "lies in a folder that does not exist"),
    "ending": (["solve", "rod.py", "--plot", "a.doc"], "a.doc ends in '.doc': pictures end in"),
    "no time": (["solve", "rod.py", "--animate", "a.gif"], "the problem has no time"),
    "slice": (["solve", "rod.py", "--plot", "a.png", "--at", "y=1"], "'y' is not a coordinate"),
    "slice of nothing": (["solve", "rod.py", "--at", "x=1"], "give --plot or --animate with it"),
    "slice in words": (["solve", "rod.py", "--plot", "a.png", "--at", "x=a"], "expected a number"),
    "json": (["solve", "rod.py", "--json", "."], "is a folder: give the path of a file"),
    "start": (["solve", "rod.py", "--start", "rod.py"], "not a solution saved by pdelsr"),
}


@pytest.mark.parametrize("case", USAGE)
def test_mistakes_of_usage(case: str, rod: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, message = USAGE[case]
    assert main(arguments) == 2
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(capsys.readouterr().err)


def test_slices_and_movies_are_written(rod: Path) -> None:
    rod.write_text(MOVING)
    files = ["--plot", "a.png", "--animate", "a.gif", "--at", "y=1/2"]
    assert main(["solve", "rod.py", *SMALL, "--quiet", *files]) == 0
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")
    assert Path("a.gif").read_bytes().startswith(b"GIF89a")


def test_a_run_that_diverges_gives_one(rod: Path) -> None:
    rod.write_text(FILE.replace("sp.sin(sp.pi * x))],", "sp.exp(10**4 * (u + 1)))],"))
    assert main(["solve", "rod.py", *SMALL, "--quiet"]) == 1


def test_warnings_are_one_line(rod: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rod.write_text(FILE.replace("pl.Dirichlet(u, 0)", 'pl.Dirichlet(u, 0, on="x=0")'))
    main(["show", "rod.py"])
    (warning,) = capsys.readouterr().err.splitlines()
    assert warning.startswith("pdelsr: warning: ")
    assert "x=1" in warning


VALUES = {
    "int": ("newton_steps=3", 3),
    "float": ("weight_scale=1e-3", 1e-3),
    "whole float": ("weight_scale=2", 2.0),
    "infinity": ("time_limit=inf", float("inf")),
    "bool": ("balance=true", True),
    "none": ("balance=none", None),
    "name": ("basis=last_layer", "last_layer"),
    "widths": ("hidden=20,30", (20, 30)),
    "one width": ("hidden=20", (20,)),
    "mapping": ("points={'equation': 9}", {"equation": 9}),
    "sampler": ("sampler=halton", "Halton()"),
}


@pytest.mark.parametrize("case", VALUES)
def test_values_take_the_type_of_their_field(case: str) -> None:
    text, expected = VALUES[case]
    (value,) = read_options("lsr", [text]).values()
    assert value == expected or repr(value) == expected
    assert type(value) is type(expected) or repr(value) == expected


@pytest.mark.parametrize("text", ["inf", "Infinity", "1e300", "0.5"])
def test_infinity_in_words_is_a_number(text: str) -> None:
    assert number(text) == float(text)
    assert read_options("lsr", [f"time_limit={text}"]) == {"time_limit": float(text)}


@pytest.mark.parametrize("text", ["1e301", "-1e400", "9" * 400, "1" + 400 * "0" + ".5"])
def test_digits_are_no_infinity(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="of at most 1e"):
        number(text)
    with pytest.raises(argparse.ArgumentTypeError, match="of at most 1e"):
        numbers(f"1,{text}")
    with pytest.raises(SettingsError, match=r"learning_rate=.*: a number is above 1e"):
        read_options("pinn", [f"learning_rate={text}"])


def test_slices_are_numbers_by_name() -> None:
    assert read_slice([]) is None
    assert read_slice(["z=1/4", "t=0, 0.5,1"]) == {"z": [0.25], "t": [0.0, 0.5, 1.0]}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["t=sqrt(-1)"], r"--at t=sqrt\(-1\): sqrt\(-1\) is not a finite real number"),
        (["t=0,0/0"], "0/0 is not a finite real number"),
        (["t=0", "t=1"], "--at t is there twice: give all values at once, as in 0,1"),
    ],
)
def test_slices_are_nothing_else(texts: list[str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read_slice(texts)


NUMBERS = {
    **{"0.01": 0.01, "1/100": 0.01, "0.01/pi": 0.0031831, "-2e-3": -0.002, "1.": 1.0, ".5": 0.5},
    **{"2*pi": 6.2831853, "sqrt(2) / 2": 0.7071068, "(1 + 2)/3": 1.0, "1.5e+2": 150.0},
}


@pytest.mark.parametrize("text", NUMBERS)
def test_parameters_are_numbers(text: str) -> None:
    found = read_parameters([f"k={text}"])["k"]
    assert float(found) == pytest.approx(NUMBERS[text], rel=1e-4)


@pytest.mark.parametrize(
    "text",
    [
        *("__import__('os')", "x", "(", "1/", "sqrt", "1 2", "1.2.3", "1e3.5", "2pi", "٣"),
        *("1/0", "0/0", "sqrt(-1)", "1//0", "7//2", "2**3", "()", "sqrt(())", "pi(2)", "sqrt()"),
    ],
)
def test_parameters_are_nothing_else(text: str) -> None:
    with pytest.raises(SettingsError, match="--set k="):
        read_parameters([f"k={text}"])


@pytest.mark.parametrize(
    "text", ["0.003183098861837906715377675267450m", 99 * "1" + "x", 50 * "1.", 33 * "1e5"]
)
def test_what_is_nearly_a_number_is_refused_at_once(text: str) -> None:
    for read, argument in ((read_parameters, "--set"), (read_slice, "--at")):
        with deadline(5.0), pytest.raises(SettingsError, match=f"{argument} k=.*expected a number"):
            read([f"k={text}"])


def test_the_console_script_runs(rod: Path) -> None:
    code = "import sys; from pdelsr.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "solve", "rod.py", *SMALL]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "rod by lsr" in found.stdout
    code = code.replace("main())", 'main(["solve", "nothing.py"]))')
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert found.returncode == 2


def test_usage_errors_of_argparse_are_two() -> None:
    with pytest.raises(SystemExit) as info:
        main(["solve"])
    assert info.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["solve", "rod.py", "--time-limt", "3"], "--time-limt 3 is not known: did you mean '--ti"),
        (["show", "rod.py", "--hiden=8,8"], "--hiden=8,8 is not known: did you mean '--hidden'"),
        (["solve", "rod.py", "--hard"], "--hard is not known: give it as --option hard=VALUE"),
        (["solve", "rod.py", "--newton-steps", "3"], "give it as --option newton_steps=VALUE"),
        (["solve", "rod.py", "--time", "3"], "--time 3 is not known"),
        (["list", "a", "b"], "b is not known: it has no such argument; `pdelsr list --help`"),
    ],
)
def test_arguments_that_are_not_known(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as info:
        main(arguments)
    assert info.value.code == 2
    assert message in capsys.readouterr().err


SOFT = {
    "kink": ("pl.Dirichlet(u, sp.Abs(x))", "dirichlet u is soft: its value Abs(x) is not smooth"),
    "part": ("pl.Dirichlet(u, 0, on='x=0')", "satisfied exactly by the form of the ansatz"),
    "neumann": ("pl.Neumann(u, 0, on='x=0'), pl.Dirichlet(u, 0, on='x=1')", "exactly.*: dirichl"),
}


@pytest.mark.parametrize("case", SOFT)
@pytest.mark.filterwarnings("ignore::pdelsr.ConditionWarning")
def test_show_says_why_a_condition_is_soft(
    case: str, rod: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    condition, message = SOFT[case]
    rod.write_text(FILE.replace("pl.Dirichlet(u, 0)", condition))
    assert main(["show", "rod.py"]) == 0
    out = capsys.readouterr().out
    assert re.search(message.replace("(x)", r"\(x\)"), out)
    assert "a refinement takes 2 times these points, an alignment step half of them" in out
    assert main(["show", "rod.py", "--method", "pinn"]) == 0
    assert "is soft" not in capsys.readouterr().out


def test_show_tells_how_few_of_many_points_an_alignment_step_takes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["show", "poisson_2d", "--hidden", "8,8", "--points", "100000"]) == 0
    parameters = 8 * 2 + 8 + 8 * 8 + 8 + 8 + 1
    share = f"an alignment step {8 * parameters / 100_000:.1%} of them"
    assert share in capsys.readouterr().out


def test_lsmr_by_name_is_a_solver() -> None:
    assert read_options("lsr", ["lstsq=lsmr"])["lstsq"] == LSMR().name


def test_a_new_problem_file_solves_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "my_rod"]) == 0
    assert "my_rod.py is written" in capsys.readouterr().out
    assert main(["solve", "my_rod.py", *SMALL, "--quiet", "--json", "a.json"]) == 0
    record = json.loads(Path("a.json").read_text())
    assert record["problem"] == "my_rod"
    assert record["unknowns"]["u"]["relative_l2"] < 1e-3
    text = Path("my_rod.py").read_text()
    assert main(["new", "my_rod.py"]) == 2
    assert "my_rod.py exists already" in capsys.readouterr().err
    assert Path("my_rod.py").read_text() == text
    assert main(["list", "."]) == 0
    assert "my_rod  Heat in a rod" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../rod", "expected a name of at most 60 letters"),
        ("", "expected a name of at most 60 letters"),
        ("2d", "expected a name of at most 60 letters"),
        ("a" * 61, "expected a name of at most 60 letters"),
        ("sympy", "would hide Python's own sympy"),
        ("random", "would hide Python's own random"),
        ("lambda", "take another name, such as my_lambda"),
    ],
)
def test_names_of_new_files_are_checked(
    name: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", name]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("pdelsr.files.atomic._flush", full)
        assert main(["new", "my_rod"]) == 2
    message = "new my_rod: my_rod.py cannot be written (No space left on device)"
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert main(["new", "my_rod"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["my_rod.py"]


def test_problems_of_the_package_are_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["list"]) == 0
    assert "poisson_2d" in capsys.readouterr().out
    assert main(["show", "poisson_2d"]) == 0
    (tmp_path / "problems").mkdir()
    (tmp_path / "problems" / "rod.py").write_text(FILE)
    capsys.readouterr()
    assert main(["list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["rod"]
    assert main(["show", "poisson_2d"]) == 0  # those of the user come first, but do not hide others


def test_a_mistake_that_ends_a_run_late_costs_no_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails_late(problem: pl.Problem, method: str, **_: object) -> pl.Solution:
        solution = pl.solve(problem, method, hidden=(8, 8), points=60, weight_scale=1)
        raise ProblemError("f(x) is nan at x = 0.5", solution)

    monkeypatch.setattr("pdelsr.cli.commands.solve", fails_late)
    file, saved = tmp_path / "rod.py", tmp_path / "rod.safetensors"
    file.write_text(FILE)
    assert main(["solve", str(file), "--method", "lsr", "--save", str(saved)]) == 2
    printed = capsys.readouterr()
    assert "f(x) is nan at x = 0.5" in printed.err
    assert "rod by lsr" in printed.out
    assert pl.load(saved, pl.load_problem(file)).predict(x=0.5) == pytest.approx(1)
