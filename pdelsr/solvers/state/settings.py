"""Options that every method shares, and the parsing of options by name."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pdelsr.declare.reading import read_sampler
from pdelsr.errors import ProblemError, SettingsError, did_you_mean, quoted, said
from pdelsr.files.atomic import read_path
from pdelsr.sample import Sampler
from pdelsr.solvers.state.history import Record

SUGGESTED = "suggested"  # the field of published settings, not an option
ALSO_KNOWN_AS: dict[str, tuple[str, ...]] = {
    "lr": ("learning_rate",),
    "epochs": ("adam_steps", "max_iterations"),
    "iterations": ("max_iterations",),
    "layers": ("hidden",),
    "timeout": ("time_limit",),
    "tol": ("tolerance",),
}
"""Names that other libraries use."""
OF_SOLVE = ("start", "track_errors")  # arguments of `solve` itself
LARGEST_NUMBER = sys.float_info.max
LARGEST_SEED = 2**31 - 1
DTYPES = {"float64": torch.float64, "float32": torch.float32}


@dataclass(frozen=True)
class RunSettings:
    """The options of `solve` for any method.

    Args:
        network: the network to begin with, any torch module that maps (n, d) to (n, k); None for
            the method's default.
        grow: whether `ilsr`, in this run or in one that goes on from it, may take a wider network
            and more points during the run. None for yes, unless `network`, `hidden`, `points`,
            `rank` or `basis` chooses a size.
        points: points of each equation, or of each block by name; None for the method's default.
        sampler: for every block, or by block name; Sobol by default.
        weights: factors on the weights w_b of blocks, by name, above 0.
        balance: give the rows of every block the same mean length before `weights` apply; None
            for the method's default.
        hard: satisfy every condition that can be, exactly by the form of the ansatz; None for the
            method's default, or for False if `network` is given.
        tolerance: stop when the largest held-out root mean square of a block is below it.
        time_limit: seconds after which the run stops with the best state.
        max_iterations: of the outer loop; None for the method's default.
        seed: for weights, points and bases.
        dtype: "float64" or "float32", or the torch dtype.
        device: "cpu", "cuda", …; None for the CPU.
        callback: called with a `Record` after every iteration, and at intervals inside one.
            StopIteration ends the run with the best state; any other exception does too, and
            becomes a `CallbackError` that holds this state.
        verbose: show a progress display.
        refine: append a one-shot LSR to the result of the method.
        memory_budget: bytes that one chunk of Jacobian rows may take.
        checkpoint: file for checkpoints of the run. If it exists already, the run goes on from it,
            with the same result as without the break, to the bit on the CPU. `time_limit`,
            `max_iterations` and `tolerance` may have changed, other options not.
        checkpoint_every: seconds between two checkpoints, which are written between two steps of
            an optimizer, and before and after a refinement.

    Raises:
        SettingsError: a value out of range.
    """

    network: nn.Module | None = None
    grow: bool | None = None
    points: int | Mapping[str, int] | None = None
    sampler: Sampler | Mapping[str, Sampler] | None = None
    weights: Mapping[str, int | float] | None = None
    balance: bool | None = None
    hard: bool | None = None
    tolerance: int | float = 0.0
    time_limit: int | float = math.inf
    max_iterations: int | None = None
    seed: int = 0
    dtype: str | torch.dtype = torch.float64
    device: str | torch.device | None = None
    callback: Callable[[Record], None] | None = None
    verbose: bool = False
    refine: bool = False
    memory_budget: int | None = None
    checkpoint: str | Path | None = None
    checkpoint_every: int | float = 60.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", _dtype(self.dtype))
        object.__setattr__(self, "device", _device(self.device))
        _require_counts(self.points)
        _require_samplers(self.sampler)
        _require_weights(self.weights)
        for name in ("grow", "balance", "hard"):
            require_flag(name, getattr(self, name), open=True)
        for name in ("verbose", "refine"):
            require_flag(name, getattr(self, name))
        require_at_least("tolerance", self.tolerance, 0.0)
        require_positive("time_limit", self.time_limit)
        require_at_least("checkpoint_every", self.checkpoint_every, 0.0)
        if self.checkpoint is not None:
            object.__setattr__(self, "checkpoint", read_path(self.checkpoint, "checkpoint"))
        if self.max_iterations is not None:
            require_whole("max_iterations", self.max_iterations, 1)
        require_seed(self.seed)
        if self.memory_budget is not None:
            require_whole("memory_budget", self.memory_budget, 1)
        if self.callback is not None and not callable(self.callback):
            raise SettingsError(f"callback is {self.callback!r}: give a function of one Record.")
        if self.network is not None and not isinstance(self.network, nn.Module):
            raise SettingsError(
                f"network is {type(self.network).__name__}: give a torch.nn.Module that maps "
                "points (n, d) to values (n, k)."
            )

    @property
    def torch_dtype(self) -> torch.dtype:
        """The dtype of the run."""
        return _dtype(self.dtype)

    @property
    def torch_device(self) -> torch.device:
        """The device of the run."""
        return torch.device("cpu" if self.device is None else self.device)


def split_options(
    options: Mapping[str, Any], owners: Iterable[type], method: str
) -> list[dict[str, Any]]:
    """Split options among dataclasses, each to the one with a field of its name.

    Raises:
        SettingsError: no class has the option; the message suggests the nearest valid one.
    """
    owners = list(owners)
    names = [{f.name for f in fields(owner)} - {SUGGESTED} for owner in owners]
    for option in options:
        if not any(option in known for known in names):
            raise unknown_option(option, set().union(*names, OF_SOLVE), method)
    return [{k: v for k, v in options.items() if k in known} for known in names]


def unknown_option(option: str, known: Iterable[str], method: str) -> SettingsError:
    """The error for an option that does not exist."""
    names = sorted(known)
    meant = next((name for name in ALSO_KNOWN_AS.get(option, ()) if name in names), None)
    hint = did_you_mean(meant or option, names, f"it has {', '.join(names)}.")
    return SettingsError(f"method {method!r} has no option {option!r}: {hint}")


def require_positive(name: str, value: int | float, finite: bool = False) -> None:
    """Refuse anything but a number above zero; infinity is allowed unless `finite`."""
    if not _is_number(value) or not 0 < value <= (LARGEST_NUMBER if finite else math.inf):
        kind = "finite number" if finite else "number"
        raise SettingsError(f"{name} is {quoted(value)}: give a {kind} above 0.")


def require_at_least(name: str, value: int | float, least: int | float) -> None:
    """Refuse anything but a number of at least `least`."""
    if not _is_number(value) or not value >= least:
        raise SettingsError(f"{name} is {quoted(value)}: give a number from {least:g} on.")


def require_whole(name: str, value: int, least: int) -> None:
    """Refuse anything but a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise SettingsError(f"{name} is {quoted(value)}: give a whole number from {least} on.")


def require_flag(name: str, value: object, open: bool = False) -> None:
    """Refuse anything but True, False and, if `open`, None."""
    if not isinstance(value, bool) and not (open and value is None):
        raise SettingsError(f"{name} is {quoted(value)}: give True or False.")


def require_writable(path: Path, called: str) -> None:
    """Refuse a folder, a read-only file, and a file in a read-only or missing folder.

    Files are first written beside the path and then moved; devices and pipes are written directly.

    Args:
        path: of a file to write.
        called: its name in messages.
    """
    parent = path.absolute().parent
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except (OSError, ValueError) as error:  # the name is too long, or has a null byte
        raise SettingsError(f"{called:.200} cannot be a file ({said(error):.60}).") from error
    if is_folder or not parent.is_dir():
        why = "is a folder" if is_folder else "lies in a folder that does not exist"
        raise SettingsError(f"{called} {why}: give the path of a file in an existing folder.")
    if exists and not path.is_file():
        places = [path]
    else:
        places = [*([path] if exists else []), Path(os.path.realpath(path)).parent]
    if not all(os.access(place, os.W_OK) for place in places):
        raise SettingsError(f"{called} cannot be written: give a path where you may write.")


def require_seed(seed: int) -> None:
    """Refuse anything but a seed for all generators, of torch, numpy and scipy."""
    require_whole("seed", seed, 0)
    if seed > LARGEST_SEED:
        raise SettingsError(f"seed is {quoted(seed)}: give a whole number up to {LARGEST_SEED}.")


def require_choice(name: str, value: str, choices: Iterable[str]) -> None:
    """Refuse a value that is not among the choices."""
    if value not in choices:
        raise SettingsError(f"{name} is {value!r}: choose one of {', '.join(choices)}.")


def _require_samplers(given: Any) -> None:
    """Refuse anything but a sampler or samplers by block."""
    if given is None:
        return
    by_block = isinstance(given, Mapping)
    called = {f"sampler of {k!r}": v for k, v in given.items()} if by_block else {"sampler": given}
    for what, sampler in called.items():
        try:
            read_sampler(sampler, what)
        except ProblemError as error:
            raise SettingsError(str(error)) from None


def _require_counts(points: Any) -> None:
    if isinstance(points, Mapping):
        for name, count in points.items():
            require_whole(f"points of {name!r}", count, 1)
    elif points is not None:
        require_whole("points", points, 1)


def _require_weights(weights: Any) -> None:
    if weights is None:
        return
    if not isinstance(weights, Mapping):
        raise SettingsError(f"weights is {quoted(weights)}: give a factor for each block by name.")
    for name, factor in weights.items():
        require_positive(f"the weight of {name!r}", factor, finite=True)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _dtype(given: str | torch.dtype) -> torch.dtype:
    if given in DTYPES.values():
        return given  # type: ignore[return-value]
    if given not in DTYPES:
        raise SettingsError(f"dtype is {given!r}: choose one of {', '.join(DTYPES)}.")
    return DTYPES[given]  # type: ignore[index]


def _device(given: str | torch.device | None) -> torch.device:
    try:
        device = torch.device("cpu" if given is None else given)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = said(error).split(". ")[0].rstrip(".")
        reason = "no such kind of device" if "Expected one of" in reason else reason
        reason = "torch has no such device here" if "Could not run" in reason else reason
        raise SettingsError(
            f"device {given!r} cannot be used here ({reason}): give 'cuda' for a GPU, or leave it "
            "out for the CPU."
        ) from None
    return device
