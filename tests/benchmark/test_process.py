"""A process of its own for a measurement."""

from __future__ import annotations

import os

import pytest

import pdelsr as pl
from pdelsr.benchmark.process import in_fresh_process


def test_the_function_runs_elsewhere() -> None:
    assert in_fresh_process(os.getpid) != os.getpid()


def test_a_process_that_dies_is_an_error_in_words() -> None:
    with pytest.raises(pl.MemoryLimitError, match="ended without an answer, most likely for want"):
        in_fresh_process(os._exit, 3)
