"""The progress display."""

from __future__ import annotations

import io
import logging

import pytest
from rich.console import Console

from pdelsr.cli.log import shown_log
from pdelsr.progress import PassDisplay
from pdelsr.results.progress_display import Display
from pdelsr.solvers.state.history import Record

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
            console.print(display._drawn())
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


def drawn(kept: bool = False) -> str:
    """What a terminal gets of a pass over two parts, one of which was done before."""
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with PassDisplay(True, console, kept) as display:
        assert list(display.over("parts", ["ab"], total=3, done=1)) == ["ab"]
    return console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]


def test_a_bar_begins_at_what_is_done_and_stays_where_it_is_kept() -> None:
    assert "1/3" in drawn()
    assert "3/3" not in drawn()
    assert "3/3" in drawn(kept=True)


def test_one_display_moves_at_a_time() -> None:
    with PassDisplay(True, Console(file=io.StringIO(), force_terminal=True)):
        assert drawn(kept=True) == ""
    assert drawn(kept=True) != ""


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("stream", [Full(), None], ids=["full", "closed"])
def test_a_stream_that_takes_nothing_costs_no_run(
    stream: io.StringIO | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", stream)
    with Display("heat by lsr") as display, PassDisplay(shown=True) as passes:
        display(OUTER)
        assert list(passes.over("pass", ["one"])) == ["one"]
    logging.getLogger("pdelsr").warning("nobody hears this")
    with shown_log(0):
        logging.getLogger("pdelsr").warning("nor this")


def test_messages_go_to_standard_error_as_it_is_at_each_call(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Display("heat by lsr") as display:
        display(OUTER)
    assert capsys.readouterr().err.startswith("heat by lsr: iteration   1")
