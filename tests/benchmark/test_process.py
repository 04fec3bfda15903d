"""A process of its own for a measurement."""

from __future__ import annotations

import os
from concurrent.futures.process import BrokenProcessPool

import pytest

from pdelsr.benchmark.process import in_fresh_process


def test_the_function_runs_elsewhere() -> None:
    assert in_fresh_process(os.getpid) != os.getpid()


def test_a_process_that_dies_is_an_error() -> None:
    with pytest.raises(BrokenProcessPool):
        in_fresh_process(os._exit, 3)
