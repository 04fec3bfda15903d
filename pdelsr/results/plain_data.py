"""Methods, settings and samplers as plain data for files, and back: no code is ever stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch

from pdelsr.errors import FileFormatError, SettingsError
from pdelsr.files.typed import built, shown
from pdelsr.lstsq import SOLVERS
from pdelsr.sample import SAMPLERS, Points
from pdelsr.solvers.methods.registry import METHODS
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.state.settings import RunSettings
from pdelsr.subspace import BASES


def known_classes() -> dict[str, type]:
    """The only classes that a file can name: registered ones, samplers, settings."""
    return {
        cls.__name__: cls
        for cls in (
            *METHODS.values(),
            *(type(basis) for basis in BASES.values()),
            *(type(solver) for solver in SOLVERS.values()),
            *(type(sampler) for sampler in SAMPLERS.values()),
            Points,
            RunSettings,
        )
    }


class _Code:
    """Stands for a value that is code and therefore not stored."""


def is_code(plain: Any) -> bool:
    """Whether `to_plain` found code, which files do not hold."""
    return isinstance(plain, _Code)


def to_plain(value: Any) -> Any:
    """Numbers, strings, lists and dictionaries; fields that hold code are left out.

    A dataclass of `known_classes` becomes {"class": name, field: value, …}.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    if isinstance(value, torch.device):
        return str(value)
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple):
        items = [to_plain(item) for item in value]
        return _Code() if any(is_code(item) for item in items) else items
    if isinstance(value, Mapping):
        found = {str(key): to_plain(item) for key, item in value.items()}
        return _Code() if any(is_code(item) for item in found.values()) else found
    if is_dataclass(value) and known_classes().get(type(value).__name__) is type(value):
        items = {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
        kept = {k: v for k, v in items.items() if not is_code(v)}
        return {"class": type(value).__name__, **kept}
    return _Code()


def method_to_plain(method: Method) -> Any:
    """A method as plain data.

    Raises:
        SettingsError: its class is not registered.
    """
    plain = to_plain(method)
    if is_code(plain):
        name = type(method).__name__
        raise SettingsError(
            f"a solution by {name} cannot be saved, because load would not know that class: "
            f'register it first, pdelsr.solvers.methods.registry.METHODS["{method.name}"] = {name}.'
        )
    for option in ("basis", "lstsq"):
        given = getattr(method, option, None)
        if given is not None and option not in plain:
            raise SettingsError(
                f"a solution with {option}={type(given).__name__}() cannot be saved, because load "
                "would not know that class: only the built-in ones can be written."
            )
    return plain


def from_plain(plain: Any) -> Any:
    """The value that `to_plain` was given; fields that were left out get their defaults.

    Raises:
        FileFormatError: this version does not have the class, or the class not the fields.
    """
    if isinstance(plain, list):
        return tuple(from_plain(item) for item in plain)
    if not isinstance(plain, dict):
        return plain
    items = {key: from_plain(item) for key, item in plain.items() if key != "class"}
    if "class" not in plain:
        return items
    classes, name = known_classes(), str(plain["class"])
    if name not in classes:
        raise FileFormatError(
            f"the file names {shown(name)}, which this version of pdelsr does not have: "
            "install the version that wrote it, or solve again."
        )
    return built(classes[name], items, name)
