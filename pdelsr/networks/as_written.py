"""Whether a call of a module does what its class says."""

from __future__ import annotations

from torch import nn


def is_as_written(module: nn.Module, *classes: type[nn.Module]) -> bool:
    """Whether a module is of one of these classes, no subclass, and called as the class says."""
    return type(module) in classes and has_plain_call(module)


def has_plain_call(module: nn.Module) -> bool:
    """Whether no hook, and no function in place of `forward`, stands between call and class."""
    hooks = module._forward_hooks or module._forward_pre_hooks
    return not hooks and "forward" not in vars(module)
