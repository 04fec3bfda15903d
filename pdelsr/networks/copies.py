"""Copies of modules, those of other libraries among them, and their tensors in another dtype."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import chain
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)
USUAL = frozenset(nn.Module().__dict__)  # attributes of every module


def copied(module: M) -> M:
    """A copy of the module with tensors of its own.

    Attributes that Python cannot copy, such as a view of a dictionary, are shared. Tensors that
    were computed from parameters are copied as constants.
    """
    tensors = chain(module.buffers(), _attribute_tensors(module))
    computed = (t for t in tensors if not t.is_leaf)
    return _copied(module, {id(t): t.detach().clone() for t in computed})


def own_containers(module: M) -> M:
    """A copy of the module around the same parameters and buffers, for replacing them unseen.

    Modules and their attributes are copied, tensors are not; this takes about as long as one
    evaluation on few points.
    """
    tensors = chain(module.parameters(), module.buffers(), _attribute_tensors(module))
    return _copied(module, {id(tensor): tensor for tensor in tensors})


def in_dtype(module: M, dtype: torch.dtype) -> M:
    """The module itself, with its floating tensors in a dtype, complex ones as well.

    Tensors in attributes, and in lists, tuples and dictionaries there, are converted, too, which
    `Module.to` leaves as they are; it also drops the imaginary parts of complex ones. Slopes in
    `grad` are dropped.
    """
    for p in module.parameters():
        p.data, p.grad = converted(p.data, dtype), None
    for part in module.modules():
        for buffer in part.buffers(recurse=False):
            buffer.data = converted(buffer.data, dtype)
        for name, value in _attributes(part):
            changed = _with_tensors(value, lambda t: converted(t, dtype))
            if changed is not value:
                part.__dict__[name] = changed
    return module


def _copied(module: M, memo: dict[int, Any]) -> M:
    try:
        return copy.deepcopy(module, dict(memo))
    except (TypeError, RuntimeError, ValueError, AttributeError, NotImplementedError):
        return _copied_by_parts(module, memo)


def _copied_by_parts(module: M, memo: dict[int, Any]) -> M:
    """A copy whose attributes are copied one by one, and shared where that fails."""
    parts, kept = list(module.modules()), []
    for part in parts:
        memo[id(part)] = object.__new__(type(part))
    for part in parts:
        own = memo[id(part)].__dict__
        for name, value in part.__dict__.items():
            if name in ("_parameters", "_buffers", "_modules"):  # never shared
                own[name] = {key: copy.deepcopy(item, memo) for key, item in value.items()}
                continue
            tried = dict(memo)  # a failure leaves half a copy in it
            try:
                own[name] = copy.deepcopy(value, tried)
            except (TypeError, RuntimeError, ValueError, AttributeError, NotImplementedError):
                own[name] = value
            else:
                kept.append(tried.pop(id(tried), None))  # what it keeps alive, under its own number
                memo |= tried
    return memo[id(module)]


def _attributes(part: nn.Module) -> list[tuple[str, Any]]:
    """Attributes of one module besides its parameters, buffers, parts and hooks."""
    return [(name, value) for name, value in part.__dict__.items() if name not in USUAL]


def _attribute_tensors(module: nn.Module) -> list[Tensor]:
    found: list[Tensor] = []

    def noted(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    for part in module.modules():
        for _, value in _attributes(part):
            _with_tensors(value, noted)
    return found


def _with_tensors(value: Any, of: Callable[[Tensor], Tensor]) -> Any:
    """The value with `of` applied to the tensors in it; the value itself if none changes."""
    if isinstance(value, Tensor):
        return value if isinstance(value, nn.Parameter) else of(value)
    if isinstance(value, list | tuple):
        items = [_with_tensors(item, of) for item in value]
        if all(a is b for a, b in zip(items, value, strict=True)):
            return value
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, dict):
        pairs = {name: _with_tensors(item, of) for name, item in value.items()}
        if all(pairs[name] is value[name] for name in value):
            return value
        changed = copy.copy(value)
        changed.update(pairs)
        return changed
    return value


def converted(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """The tensor in a real dtype, or in the complex one of the same precision."""
    if tensor.is_complex():
        return tensor.to(torch.complex128 if dtype is torch.float64 else torch.complex64)
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def as_real(tensor: Tensor) -> Tensor:
    """A complex tensor as its real and imaginary parts, in a last dimension of two."""
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor
