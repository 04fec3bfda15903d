"""The versions that processes must share which work on the same problem."""

from __future__ import annotations

import platform

import torch

from pdelsr.version import __version__


def versions() -> dict[str, str]:
    """Of pdelsr, Python and torch, as far as they decide what one process can read of another."""
    return {
        "pdelsr": __version__,
        "python": ".".join(platform.python_version_tuple()[:2]),
        "torch": ".".join(torch.__version__.split(".")[:2]),
    }
