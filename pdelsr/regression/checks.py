"""Refuses options and objects that `refine` cannot take, with messages that say why."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from pdelsr.errors import SettingsError, did_you_mean
from pdelsr.solvers.state.settings import DTYPES, require_at_least, require_whole

MOST_SEEDS = 2**63


def require_known(misspelled: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse options that do not exist, with the nearest name."""
    for name in misspelled:
        hint = did_you_mean(name, known, f"it has {', '.join(known)}.")
        raise SettingsError(f"refine has no option {name!r}: {hint}")


def require_kinds(model: Any, inputs: Any, targets: Any, seed: Any) -> None:
    """Refuse anything but a module, data and a seed, before torch does with a traceback."""
    if not isinstance(model, nn.Module):
        raise SettingsError(
            f"the model is {model!r:.60}: give a torch.nn.Module (an object, not its class or "
            "its state)."
        )
    if isinstance(inputs, str | Mapping) or inputs is None:
        raise SettingsError(
            f"inputs are {type(inputs).__name__}: give a tensor, a tuple of tensors in the order "
            "of the module's arguments, or a loader of (inputs, targets)."
        )
    several = inputs if isinstance(inputs, list | tuple) else (inputs,)
    if targets is not None and not all(hasattr(x, "shape") for x in (*several, targets)):
        raise SettingsError(
            "with targets, inputs are a tensor or a tuple of tensors; a loader brings its targets "
            "itself, so leave targets out."
        )
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < MOST_SEEDS:
        raise SettingsError(f"seed is {seed!r}: give a whole number from 0 to 2⁶³ − 1.")
    if not all(hasattr(x, "shape") or is_iterable(x) for x in several):
        raise SettingsError(
            f"inputs are {type(inputs).__name__}: give a tensor, a tuple of tensors in the order "
            "of the module's arguments, or a loader of (inputs, targets)."
        )
    require_own_forward(model)


def is_iterable(given: Any) -> bool:
    """Whether a given object can be passed over."""
    return hasattr(given, "__iter__") or hasattr(given, "__getitem__")


def require_own_forward(model: nn.Module) -> None:
    """Refuse functions put in place of `forward` that hold modules or tensors of their own.

    A copy of the module would go on calling those of the original.
    """
    for name, part in model.named_modules():
        if any(isinstance(one, nn.Module | Tensor) for one in _held(vars(part).get("forward"))):
            raise SettingsError(
                f"{name or type(part).__name__}.forward is a function that holds the original "
                "module or its tensors, which a copy would go on using: write it as the forward "
                "of a class."
            )


def _held(function: Any) -> list[Any]:
    """What a function holds by closure, defaults or as a partial one; copies hold the same."""
    if isinstance(function, functools.partial):
        return [*_held(function.func), *_flat([*function.args, *function.keywords.values()])]
    function = getattr(function, "__func__", function)  # what it is bound to is copied
    if not inspect.isfunction(function):
        return []
    defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    cells = [cell.cell_contents for cell in function.__closure__ or () if _is_full(cell)]
    return _flat([*defaults, *cells])


def _flat(given: Any) -> list[Any]:
    """Objects in lists, tuples and dictionaries; of methods, what they belong to."""
    if isinstance(given, dict):
        given = list(given.values())
    if isinstance(given, list | tuple):
        return [one for part in given for one in _flat(part)]
    return [getattr(given, "__self__", given)]


def _is_full(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def require_options(
    rank: int | str,
    parameter_fraction: int | float,
    newton_steps: int,
    batch_size: int,
    dtype: str,
) -> None:
    """Refuse values out of range."""
    if isinstance(rank, str):
        if rank != "auto":
            raise SettingsError(f"rank is {rank!r}: give a whole number, or 'auto'.")
    else:
        require_whole("rank", rank, 1)
    require_at_least("parameter_fraction", parameter_fraction, 1e-12)
    if parameter_fraction > 1:
        raise SettingsError(f"parameter_fraction is {parameter_fraction}: give at most 1.")
    require_whole("newton_steps", newton_steps, 1)
    require_whole("batch_size", batch_size, 1)
    if dtype not in DTYPES:
        raise SettingsError(f"dtype is {dtype!r}: choose one of {', '.join(DTYPES)}.")
