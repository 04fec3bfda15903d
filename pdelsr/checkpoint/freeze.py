"""The state of a run as plain data, tensors and networks, and back: no code is ever stored.

A method's state is a graph of a few known dataclasses. Each is written once, and later occurrences
refer to it. Blocks are known by their position in the problem, networks by their position in a
table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Protocol, get_type_hints, runtime_checkable

import torch
from torch import Tensor

from pdelsr.checkpoint.run_state import RunState
from pdelsr.compile import Block
from pdelsr.errors import FileFormatError, SettingsError
from pdelsr.files.typed import is_of, shown
from pdelsr.linearize import Columns, Dense, Directions, Groups, Identity, StackedResidual
from pdelsr.linearize.bound_block import BoundBlock
from pdelsr.linearize.points import PointPlan
from pdelsr.networks import Activation, Network, activation_named
from pdelsr.networks.design import Design
from pdelsr.processes import ALONE, Group
from pdelsr.solvers.refinement.report import RankReport
from pdelsr.solvers.refinement.sensitivity import Sensitivity
from pdelsr.solvers.refinement.waves import Leftover
from pdelsr.solvers.run.assessed import Assessed
from pdelsr.solvers.run.context import Earlier
from pdelsr.solvers.run.loop import Standing
from pdelsr.solvers.run.method import Method, State
from pdelsr.solvers.run.selection import Selection
from pdelsr.solvers.state.candidate import Candidate
from pdelsr.solvers.state.history import Record
from pdelsr.solvers.state.status import Status

MOST = 2**40  # points of a block, far above what any memory holds
KEPT_TYPES = (
    *(RunState, Standing, State, RankReport, Sensitivity, Leftover),
    *(Candidate, Assessed, Selection),
    *(Record, Design, Earlier),
    *(Identity, Columns, Groups, Dense, StackedResidual, BoundBlock),
)


@runtime_checkable
class Dealt(Protocol):
    """What may have its points in several processes."""

    def dealt(self, group: Group) -> Any:
        """The same with the points of this process."""

    def dealt_back(self) -> Any:
        """The same with the points of all processes."""


def known_types(method: Method) -> dict[str, type]:
    """The dataclasses that a checkpoint of a method can hold, by name."""
    return {cls.__name__: cls for cls in (*KEPT_TYPES, *type(method).memory_types)}


@dataclass(eq=False)
class Freezer:
    """Turns the state of a run into plain data.

    Args:
        method: whose state it is.
        blocks: of the compiled problem.
        tensors: to which the data refer, by name; each tensor once.
        networks: to which the data refer, in order.
    """

    method: Method
    blocks: Sequence[Block]
    tensors: dict[str, Tensor] = field(default_factory=dict)
    networks: list[Network] = field(default_factory=list)
    _seen: dict[int, tuple[int, Any]] = field(default_factory=dict)
    _dealt: dict[int, tuple[Dealt, Any]] = field(default_factory=dict)
    _changing: bool = False

    def freeze(self, value: Any) -> Any:
        """Plain data for a value.

        Raises:
            SettingsError: the method keeps something that a checkpoint cannot hold.
        """
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, list | tuple):
            kind = "list" if isinstance(value, list) else "tuple"
            return {kind: [self.freeze(item) for item in value]}
        if isinstance(value, Mapping):
            return {"dict": [[self.freeze(k), self.freeze(v)] for k, v in value.items()]}
        if isinstance(value, Tensor):
            return {"tensor": self._place(value, self._add_tensor)}
        if isinstance(value, Network):
            return {"network": self._place(value, self._add_network)}
        if isinstance(value, Block):
            return {"block": self.blocks.index(value)}
        if isinstance(value, Status):
            return {"status": value.value}
        if isinstance(value, Activation):
            return {"activation": value.name}
        if isinstance(value, PointPlan):
            return {"plan": [dict(value.counts), dict(value.weights)]}
        return self._freeze_part(value)

    def _freeze_part(self, value: Any) -> Any:
        name = type(value).__name__
        if isinstance(value, Directions) and type(value) not in KEPT_TYPES:
            return None  # a user's class, which the rest of the run does not need
        if isinstance(value, Dealt):
            value = self._whole(value)
        if not is_dataclass(value) or known_types(self.method).get(name) is not type(value):
            raise SettingsError(
                f"the method {self.method.name!r} keeps a {name}, which a checkpoint cannot hold: "
                "leave checkpoint out, or, if it is a dataclass, name it in the method's "
                "memory_types."
            )
        if id(value) in self._seen:
            return {"same": self._seen[id(value)][0]}
        number = len(self._seen)
        self._seen[id(value)] = number, value
        kept = (f for f in fields(value) if not f.metadata.get("transient"))
        before, self._changing = self._changing, isinstance(value, self.method.memory_types)
        items = {f.name: self.freeze(getattr(value, f.name)) for f in kept}
        self._changing = before
        return {"part": name, "number": number, "fields": items}

    def _whole(self, value: Dealt) -> Any:
        """The same with the points of all processes, so that any number of them can go on."""
        if id(value) not in self._dealt:
            self._dealt[id(value)] = value, value.dealt_back()
        return self._dealt[id(value)][1]

    def _place(self, value: Any, add: Any) -> Any:
        """The position of a value, which is added when it is new, and kept alive meanwhile."""
        if id(value) not in self._seen:
            self._seen[id(value)] = add(value), value
        return self._seen[id(value)][0]

    def _add_tensor(self, tensor: Tensor) -> Any:
        name = f"state.{len(self.tensors)}"
        # The next steps of an optimizer change its tensors in place; no others ever change.
        self.tensors[name] = tensor.detach().clone() if self._changing else tensor.detach()
        return name

    def _add_network(self, network: Network) -> Any:
        self.networks.append(network)
        return len(self.networks) - 1


@dataclass(eq=False)
class Thawer:
    """Turns plain data back into the state of a run.

    Args:
        method: whose state it is.
        blocks: of the compiled problem.
        tensors: of the file, on the device of the run.
        networks: of the file.
        plan: of the run, with its counts and weights.
        memory_budget: of the run.
        group: to which the points of residuals are dealt out.
    """

    method: Method
    blocks: Sequence[Block]
    tensors: Mapping[str, Tensor]
    networks: Sequence[Network]
    plan: PointPlan | None = None
    memory_budget: int | None = None
    group: Group = ALONE
    _seen: dict[int, Any] = field(default_factory=dict)

    def thaw(self, plain: Any) -> Any:
        """The value that `Freezer.freeze` was given.

        Raises:
            FileFormatError: the data belong to another version or method.
        """
        if not isinstance(plain, dict):
            return plain
        kind = next(iter(plain))
        content = plain[kind]
        if kind in ("list", "tuple"):
            items = [self.thaw(item) for item in content]
            return items if kind == "list" else tuple(items)
        if kind == "dict":
            return {self.thaw(key): self.thaw(value) for key, value in content}
        if kind == "part":
            return self._thaw_part(plain)
        if kind == "same":
            return self._seen[content]
        if kind == "activation":
            return self._activation(content)
        if kind == "plan":
            assert self.plan is not None
            counts, weights = content
            good = is_of(counts, dict[str, int]) and is_of(weights, dict[str, float])
            good = good and all(0 <= n < MOST for n in counts.values())
            if not good or not all(0 <= w < math.inf for w in weights.values()):
                raise FileFormatError(f"its points and weights are {shown(content)}")
            numbers = {name: float(w) for name, w in weights.items()}
            return replace(self.plan, counts=counts, weights=numbers)
        if kind == "status":
            return Status(content)
        places = {"tensor": self.tensors, "network": self.networks, "block": self.blocks}
        if kind not in places:
            raise FileFormatError(f"the checkpoint holds a {kind!r}, which is not known here.")
        return places[kind][content]

    def _thaw_part(self, plain: Mapping[str, Any]) -> Any:
        cls = known_types(self.method).get(plain["part"])
        if cls is None:
            raise FileFormatError(
                f"the checkpoint holds a {plain['part']}, which method {self.method.name!r} does "
                "not know: give another path, or remove the file."
            )
        items = {name: self.thaw(value) for name, value in plain["fields"].items()}
        if cls is StackedResidual:
            items["memory_budget"] = self.memory_budget
        require_types(cls, items)
        found = cls(**items)
        if isinstance(found, Dealt):
            found = found.dealt(self.group)
        self._seen[plain["number"]] = found
        return found

    def _activation(self, name: str) -> Activation:
        given = self.method.activation
        return given if isinstance(given, Activation) else activation_named(name)


def require_types(cls: type, items: Mapping[str, Any]) -> None:
    """Refuse fields of a dataclass that are not of their declared type.

    Raises:
        FileFormatError: the message names the first.
    """
    hints = get_type_hints(cls)
    for name, value in items.items():
        if name in hints and not is_of(value, hints[name]):
            raise FileFormatError(
                f"its {cls.__name__} has {name} = {shown(value)}, which is of a wrong type"
            )


def tensor_on(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on the device of a run; states of generators stay on the CPU."""
    return tensor if tensor.dtype is torch.uint8 else tensor.to(device)
