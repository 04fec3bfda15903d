"""The intermediate values of a callable: the arguments of torch functions in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch.overrides import TorchFunctionMode

LARGEST = ("exp", "exp2", "expm1")
ZERO = ("tanh", "sigmoid", "erf", "erfc", "sinh", "cosh", "atan", "arctan", "softplus", "sinc")
SHARP = ("abs", "absolute", "sign", "relu", "round", "floor", "ceil", "heaviside")
ROOTS = ("sqrt", "rsqrt", "reciprocal", "log", "log1p")
COMPARED = ("gt", "lt", "ge", "le", "greater", "less")


class Call(NamedTuple):
    """One call of a torch function.

    Attributes:
        kind: "largest", "zero", "sharp" or "relative": which values of the argument matter, as in
            `atoms.Atom`.
        argument: its values, (n,).
    """

    kind: str
    argument: Float[np.ndarray, " n"]


def recorded(function: Callable[..., Any], arguments: list[torch.Tensor]) -> list[Call]:
    """The calls of torch functions that a callable makes, in order; none if it fails."""
    with Recorder() as recorder:
        try:
            function(*arguments)
        except (Exception, SystemExit):  # anything a user's function raises
            return []
    n = len(arguments[0])
    return [c for c in recorder.calls if c.argument.shape == (n,)]


class Recorder(TorchFunctionMode):
    """Records the arguments of functions that may be narrow."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = str(getattr(func, "__name__", "")).strip("_")
        values = [a.detach() if isinstance(a, torch.Tensor) else a for a in args]
        found = func(*args, **(kwargs or {}))
        call = _read(name, values)
        if call is not None:
            kind, argument = call
            self.calls.append(Call(kind, argument.detach().cpu().double().numpy().copy()))
        return found


def _read(name: str, values: list[Any]) -> tuple[str, torch.Tensor] | None:
    """The kind and the argument of a call that may be narrow; None for others."""
    first = values[0] if values else None
    second = values[1] if len(values) > 1 else None
    if name in COMPARED and second is not None:
        return "sharp", torch.as_tensor(first - second)
    if not isinstance(first, torch.Tensor):
        return None
    if name in ("div", "truediv", "true_divide", "divide") and isinstance(second, torch.Tensor):
        return "relative", second
    if name in ("rdiv", "rtruediv", *ROOTS):
        return "relative", first
    if name == "pow" and isinstance(second, int | float) and (second < 0 or second % 1):
        return "relative", first
    for kind, names in (("largest", LARGEST), ("zero", ZERO), ("sharp", SHARP)):
        if name in names:
            return kind, first
    return None
