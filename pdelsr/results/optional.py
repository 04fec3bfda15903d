"""Packages that only some outputs need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pdelsr.errors import MissingPackageError


def optional_package(name: str, purpose: str, extra: str = "io") -> Any:
    """The package of this name, which an extra installs.

    Raises:
        MissingPackageError: it is not installed; the message names the extra that installs it.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingPackageError(
            f'{purpose} needs {name}, which is not installed: pip install "pdelsr[{extra}]".'
        ) from error
