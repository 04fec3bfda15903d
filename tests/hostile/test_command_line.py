"""Malformed input of the command line gives one paragraph: what, where, and how to mend it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from callable_cases import CALLABLES
from case import SMALL, Case, ids
from declaration_cases import DECLARATIONS
from file_cases import FILES
from option_cases import OPTIONS
from problem_texts import rod

import pdelsr as pl
from pdelsr.cli import main

CASES = [*FILES, *DECLARATIONS, *CALLABLES, *OPTIONS]
PREFIX = "pdelsr: error: "


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a sound problem file and a folder in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    write(rod())
    return tmp_path


def write(file: str | bytes | None) -> None:
    if file is not None:
        Path("p.py").write_bytes(file if isinstance(file, bytes) else file.encode())


def run(*arguments: str) -> int | str | None:
    """The exit code of the command line."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return ended.code


def paragraph(err: str) -> str:
    """The message of an output that holds one error, in one paragraph, and no traceback."""
    assert "Traceback" not in err
    (line,) = [line for line in err.splitlines() if not line.startswith("pdelsr: warning: ")]
    assert line.startswith(PREFIX)
    return line.removeprefix(PREFIX)


def test_there_are_enough_cases() -> None:
    assert len({case.name for case in CASES}) == len(CASES) > 75


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_malformed_input_gives_one_paragraph(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    write(case.file)
    small = SMALL if case.command == "solve" else SMALL[:-1]
    assert run(case.command, "p.py", *small, *case.arguments) == 2
    message = paragraph(capsys.readouterr().err)
    for pattern in (case.what, case.where, case.how):
        assert re.search(pattern, message), f"{pattern!r} is not in {message!r}"


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    write(rod("k = 1 / 0"))
    assert run("show", "p.py", "--debug") == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "ZeroDivisionError" in err
    assert err.splitlines()[-1].startswith(PREFIX)


def test_what_nobody_foresaw_is_called_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise LookupError("two\nlines")

    monkeypatch.setattr("pdelsr.cli.commands.show_text", fail)
    assert run("show", "p.py") == 3
    message = paragraph(capsys.readouterr().err)
    assert message.startswith("unforeseen LookupError: two lines in ")
    assert "--debug shows its traceback" in message
    assert run("show", "p.py", "--debug") == 3
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "its traceback is above" in err


def test_a_file_that_may_not_be_read_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, **_: object) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("pdelsr.problem_file.runpy.run_path", refuse)
    assert run("show", "p.py") == 2
    message = paragraph(capsys.readouterr().err)
    assert message == "p.py cannot be read: Permission denied; give a file that you may read."


@pytest.mark.parametrize("option", ["--json", "--save", "--plot"])
def test_a_read_only_folder_is_refused_before_any_time_is_spent(
    option: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write all
    monkeypatch.setattr("pdelsr.cli.commands.solve", lambda *_, **__: pytest.fail("solved"))
    assert run("solve", "p.py", option, "folder/x.png") == 2
    message = paragraph(capsys.readouterr().err)
    assert message == "folder/x.png cannot be written: give a path where you may write."


def test_a_full_disk_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def full(temporary: Path, target: Path) -> None:
        if target.name == "a.json":
            raise OSError(28, "No space left on device")
        replace(temporary, target)

    monkeypatch.setattr(os, "replace", full)
    assert run("solve", "p.py", *SMALL, "--save", "a", "--json", "a.json") == 2
    message = paragraph(capsys.readouterr().err)
    assert message == "a.json cannot be written: No space left on device; give another path."
    assert Path("a").is_file()  # what could be written is there


def test_a_pipe_or_device_is_never_replaced(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(folder / "pipe")
    assert run("solve", "p.py", *SMALL, "--save", "pipe") == 2
    assert "pipe is a device or a pipe: give the path" in paragraph(capsys.readouterr().err)
    assert (folder / "pipe").is_fifo()
    assert run("show", "pipe") == 2
    assert "there is no file pipe" in paragraph(capsys.readouterr().err)


def test_interrupting_a_file_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    write(rod("raise KeyboardInterrupt"))
    assert run("show", "p.py") == 130
    assert capsys.readouterr().err == "pdelsr: interrupted\n"


def test_a_failing_reference_costs_no_result(capsys: pytest.CaptureFixture[str]) -> None:
    write(rod("def f(x):\n    return x if len(x) < 1000 else 1 / 0", reference="f"))
    files = ("--json", "a.json", "--save", "a", "--plot", "a.png")
    assert run("solve", "p.py", *SMALL[:-1], *files) == 2
    captured = capsys.readouterr()
    assert "rod by lsr" in captured.out
    assert '"relative_l2": null' in Path("a.json").read_text()
    assert Path("a").is_file()
    assert Path("a.png").is_file()
    assert captured.err.splitlines()[-1].startswith(f"{PREFIX}reference: the function fails")


SINGULAR = rod(reference="exact + x * sp.log(x) / 10**20")  # which numpy cannot evaluate at x = 0


def test_a_reference_with_a_gap_on_the_mesh_costs_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(SINGULAR)
    assert run("solve", "p.py", *SMALL[:-1], "--json", "-", "--plot", "a.png") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["unknowns"]["u"]["relative_l2"] < 1e-6
    assert "relative L2 error" in captured.err
    (warning,) = [line for line in captured.err.splitlines() if "reference" in line]
    assert re.match(r"pdelsr: warning: the reference of rod is left out at 1 of 801 ", warning)
    assert Path("a.png").is_file()


FILES_THAT_FAIL = {
    "plot": (("--plot", "a.png"), "plot", pl.SettingsError("a.png cannot be written"), 2),
    "animate": (("--animate", "a.gif"), "animate", pl.SettingsError("no frames"), 2),
    "save": (("--save", "a"), "save", pl.FileFormatError("a cannot be written"), 2),
    "system": (("--plot", "a.png"), "plot", OSError(28, "No space left on device"), 2),
    "unforeseen": (("--plot", "a.png"), "plot", ZeroDivisionError("division by zero"), 3),
}


@pytest.mark.parametrize("case", FILES_THAT_FAIL)
def test_a_file_that_fails_costs_neither_summary_nor_record(
    case: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    option, method, error, code = FILES_THAT_FAIL[case]

    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(pl.Solution, method, fails)
    monkeypatch.setattr("pdelsr.cli.commands.require_pictures", lambda *_: None)
    assert run("solve", "p.py", *SMALL[:-1], "--json", "-", *option) == code
    captured = capsys.readouterr()
    assert json.loads(captured.out)["problem"] == "rod"
    assert "rod by lsr: " in captured.err
    last = captured.err.splitlines()[-1]
    assert last.startswith(PREFIX)
    assert (error.args[-1] if code == 2 else "ZeroDivisionError") in last
    assert run("solve", "p.py", *SMALL[:-1], "--json", "a.json", *option) == code
    assert "rod by lsr: " in capsys.readouterr().out
    assert Path("a.json").is_file()


def test_every_file_that_fails_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: pl.Solution, path: Path, **_: object) -> None:
        raise pl.SettingsError(f"{path} cannot be written")

    for method in ("plot", "save"):
        monkeypatch.setattr(pl.Solution, method, fails)
    assert run("solve", "p.py", *SMALL, "--save", "a", "--plot", "a.png", "--json", "a.json") == 2
    err = capsys.readouterr().err
    assert paragraph(err) == "a cannot be written"
    assert "pdelsr: warning: SettingsError: a.png cannot be written" in err
    assert Path("a.json").is_file()


def test_the_summary_comes_before_a_picture_that_never_ends(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pl.Solution, "plot", never)
    assert run("solve", "p.py", *SMALL[:-1], "--plot", "a.png") == 130
    assert "rod by lsr: " in capsys.readouterr().out


def test_an_unforeseen_error_of_a_reference_costs_no_result(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(pl.Problem, "reference_values", fails)
    assert run("solve", "p.py", *SMALL[:-1], "--json", "a.json") == 2
    captured = capsys.readouterr()
    assert "rod by lsr: " in captured.out
    assert '"relative_l2": null' in Path("a.json").read_text()


def test_a_process_of_its_own_says_the_same() -> None:
    write(rod(conditions="[pl.Dirichlet(u, 'zero')]"))
    command = [sys.executable, "-m", "pdelsr", "solve", "p.py"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert "expected a number" in paragraph(found.stderr)
    assert found.stdout == ""


PROBLEM = Path(__file__).parents[2] / "problems" / "poisson_2d.py"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--method=--"],
        ["--json=--"],
        ["--points", "9" * 400],
        ["--seed", "-" + "9" * 400],
        ["--hidden", "9" * 400],
        ["--option", f"points={'9' * 400}"],
    ],
    ids=lambda arguments: arguments[-1][:16],
)
def test_values_that_nobody_means(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(["solve", str(PROBLEM), "--quiet", *arguments])
    except SystemExit as ended:
        code = ended.code
    said = capsys.readouterr().err
    assert code == 2
    assert said.startswith("pdelsr: error: ")
    assert said.count("\n") == 1
    assert len(said) < 600


def test_nobody_reads_what_is_printed_and_every_file_is_written(tmp_path: Path) -> None:
    small = ["--method", "lsr", "--hidden", "8,8", "--points", "60", "--option", "weight_scale=1"]
    files = {"--json": "a.json", "--plot": "a.png", "--save": "a.safetensors"}
    given = [text for option, name in files.items() for text in (option, str(tmp_path / name))]
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "pdelsr", "solve", str(PROBLEM), *small, *given]
    try:
        ended = subprocess.run(command, stdout=writer, stderr=writer, check=False)
    finally:
        os.close(writer)
    assert ended.returncode == 0
    assert {p.name for p in tmp_path.iterdir()} >= set(files.values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("solve", ""), "the problem file is '': give its path"),
        (("solve", "p.py", "--json", ""), "--json: expected the path of a file, got ''"),
    ],
    ids=["problem", "json"],
)
def test_an_empty_path_is_named(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    assert message in capsys.readouterr().err
