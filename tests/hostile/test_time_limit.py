"""Endless loops in a problem file and in its reference end at the time limit."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from case import SMALL
from problem_texts import rod

from pdelsr.cli import limits, main
from pdelsr.cli.parser import build_parser
from pdelsr.errors import ProblemError
from pdelsr.problem_file import load_problem

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no alarm here")
ENDLESS = "def endless():\n    while True: pass\n"


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(limits, "LEAST", 0.5)


def solve(file: str, *arguments: str) -> int:
    Path("p.py").write_text(file)
    return main(["solve", "p.py", *SMALL, "--time-limit", "0.5", *arguments])


def test_a_file_that_never_ends_is_given_up(capsys: pytest.CaptureFixture[str]) -> None:
    start = time.perf_counter()
    assert solve(rod(f"{ENDLESS}endless()")) == 2
    assert time.perf_counter() - start < 5
    assert capsys.readouterr().err == (
        "pdelsr: error: p.py, line 12: the file was still running after 0.5 s; look for an "
        "endless loop there, or raise the time limit.\n"
    )


def test_careless_handlers_do_not_stop_the_alarm() -> None:
    loop = "while True:\n    try:\n        k = 1 / 0\n    except Exception:\n        pass\n"
    Path("p.py").write_text(rod(loop))
    with pytest.raises(ProblemError, match=r"p\.py, line 1\d: the file was still running"):
        load_problem("p.py", 0.3)


def test_a_reference_that_never_ends_costs_no_result(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LEAST", 3.0)  # the file itself is read within that
    body = "    return x if len(x) < 1000 else endless()"
    file = rod(f"{ENDLESS}def f(x):\n{body}", reference="f")
    assert solve(file, "--json", "a.json", "--save", "a", "--plot", "a.png") == 2
    assert capsys.readouterr().err.endswith(
        "pdelsr: error: reference of rod: its values were not there after 3 s, so errors are "
        "unknown; look for an endless loop in it, or raise --time-limit.\n"
    )
    assert '"relative_l2": null' in Path("a.json").read_text()
    assert Path("a").is_file()
    assert Path("a.png").is_file()


def test_a_limit_of_the_run_leaves_a_sound_file_ten_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    chosen = build_parser().parse_args(["solve", "p.py", "--time-limit", "2"])
    assert limits.patience(chosen.time_limit) == 10
    assert limits.patience(60.0) == 60
    assert limits.patience(None) == float("inf")
