"""Choosing a method by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pdelsr.errors import SettingsError, did_you_mean
from pdelsr.solvers.methods.ilsr import ILSR
from pdelsr.solvers.methods.lsr import LSR
from pdelsr.solvers.methods.pinn import PINN
from pdelsr.solvers.methods.tsonn import TSONN
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.state.settings import RunSettings, split_options

METHODS: dict[str, type[Method]] = {m.name: m for m in (PINN, TSONN, LSR, ILSR)}


def parse_options(method: str | Method, options: Mapping[str, Any]) -> tuple[Method, RunSettings]:
    """The method with its options, and the options that every method shares.

    Args:
        method: a name, or a method that already has its options.
        options: by name.

    Raises:
        SettingsError: the method or an option is unknown (the message suggests the nearest name),
            or a value is out of range.
    """
    if isinstance(method, Method):
        (shared,) = split_options(options, [RunSettings], method.name)
        return method, RunSettings(**{**method.suggested, **shared})
    cls = method_class(method)
    own, shared = split_options(options, [cls, RunSettings], method)
    chosen = cls(**own)
    return chosen, RunSettings(**{**chosen.suggested, **shared})


def method_class(name: str) -> type[Method]:
    """The class of a method.

    Raises:
        SettingsError: there is no method of this name.
    """
    if name not in METHODS:
        hint = did_you_mean(str(name).lower(), METHODS, f"choose one of {', '.join(METHODS)}.")
        raise SettingsError(f"method {name!r} is not known: {hint}")
    return METHODS[name]
