"""The modules that draw pictures, loaded on demand because matplotlib is slow to load."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from pdelsr.errors import SettingsError, said


def solution_pictures() -> Any:
    """The module that draws solutions.

    Raises:
        SettingsError: matplotlib cannot be loaded.
    """
    with _explained("--plot and --animate"):
        return import_module("pdelsr.results.plot")


def benchmark_pictures() -> Any:
    """The module that draws measurements.

    Raises:
        SettingsError: matplotlib cannot be loaded.
    """
    with _explained("--plot"):
        return import_module("pdelsr.benchmark.pictures")


@contextmanager
def _explained(arguments: str) -> Generator[None, None, None]:
    """Turn the failure to load matplotlib into an error message."""
    try:
        yield
    except (ImportError, ValueError) as error:  # such as an unknown MPLBACKEND
        raise SettingsError(
            f"matplotlib cannot be loaded ({said(error)}): mend that, or leave {arguments} out."
        ) from error
