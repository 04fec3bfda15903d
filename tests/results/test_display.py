"""The progress display."""

from __future__ import annotations

import io

from rich.console import Console

from pdelsr.results.display import Display
from pdelsr.solvers.history import Record

INNER = Record(1, "align", 0.5, 2.0)
OUTER = Record(
    1, "refine", 1.0, 1e-3, heldout=2e-3, best=2e-3, rank=50, effective_rank=40, condition=1e4
)


def shown(terminal: bool, *records: Record, time_limit: float = float("inf")) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=200, highlight=False)
    with Display("heat by lsr", time_limit, console) as display:
        for record in records:
            display(record)
        if terminal:
            console.print(display._line())
    return console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]


def test_outside_a_terminal_it_prints_one_line_an_iteration() -> None:
    text = shown(False, INNER, OUTER)
    assert text.splitlines() == [
        "heat by lsr: iteration   1, refine    training 1.0e-03  held-out 2.0e-03  "
        "effective rank 40 of 50  1.0 s"
    ]


def test_in_a_terminal_it_shows_phase_residuals_and_time() -> None:
    text = shown(True, OUTER, INNER, time_limit=60.0)
    for words in ("iteration 1, align", "train 2.0e+00", "held-out 2.0e-03", "of 60 s"):
        assert words in text


def test_before_the_first_record_it_says_so() -> None:
    assert "heat by lsr: preparing" in shown(True)
