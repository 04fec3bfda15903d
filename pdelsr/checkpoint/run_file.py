"""The checkpoint file of a run: written atomically now and then, and read to go on."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from torch import Tensor

from pdelsr.checkpoint.fingerprint import (
    fingerprint,
    other_run,
    require_same_run,
    values_digest,
)
from pdelsr.checkpoint.freeze import Freezer, Thawer, tensor_on
from pdelsr.checkpoint.run_state import RunState
from pdelsr.declare import Problem
from pdelsr.errors import FileFormatError
from pdelsr.files.container import Contents, read, write
from pdelsr.files.typed import trusted_by_none
from pdelsr.files.whole import remove_leftovers
from pdelsr.networks import MLP, Network
from pdelsr.networks.design import Design
from pdelsr.results import Solution
from pdelsr.results.document import NetworkDocument
from pdelsr.results.stored_network import (
    inner_network,
    network_document,
    network_tensors,
    stored_network,
)
from pdelsr.solvers.design.plan import point_plan
from pdelsr.solvers.design.trial import Designer
from pdelsr.solvers.growth.designed_networks import DesignedNetworks
from pdelsr.solvers.prepare import Start, prepare
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.loop import Standing
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.solvers.state.interruption import CUT_SHORT
from pdelsr.solvers.state.settings import RunSettings
from pdelsr.solvers.state.status import Status

logger = logging.getLogger(__name__)

KIND = "run"


@dataclass(frozen=True)
class Resumed:
    """A run that goes on.

    Args:
        context: with its clock, networks, points and random streams as they were.
        standing: where the method stood.
    """

    context: Context
    standing: Standing


@dataclass(eq=False)
class RunFile:
    """Where a run keeps what it needs to go on after it was killed.

    Args:
        path: of the file.
        every: seconds between two checkpoints.
        problem: that is solved.
        method: with its options.
        settings: of the run.
        start: solution that the run started from, if any.
    """

    path: Path
    every: int | float
    problem: Problem
    method: Method
    settings: RunSettings
    start: Solution | None = None
    _written: float = -math.inf
    _last: Contents | None = None
    _identity: dict[str, Any] = field(default_factory=dict)
    _values: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._identity = fingerprint(self.problem, self.method, self.settings, self.start)

    def keep(self, context: Context, standing: Standing) -> None:
        """Write a checkpoint, if the last one is old enough or the run has ended.

        Between two of them, every whole iteration is remembered for `finish`. A step that was cut
        short is not written: the run goes on from the one before it.

        Raises:
            SettingsError: the method keeps something that a file cannot hold.
            FileFormatError: the file cannot be written.
        """
        now = context.clock.seconds
        if standing.state.finished in CUT_SHORT:
            return
        due = standing.ended is not None or now - self._written >= self.every
        if not (due or standing.state.whole):
            return
        self._last = contents = self._contents(context, standing)
        if due:
            self._write(contents, now)

    def finish(self, status: Status, seconds: float) -> None:
        """Write the last whole iteration of a run that was cut short, and the time that it took.

        Args:
            status: how the run ended.
            seconds: on its clock.
        """
        if status in CUT_SHORT and self._last is not None:
            document = {**self._last.document, "seconds": seconds}
            self._write(Contents(self._last.tensors, document), seconds)

    def _write(self, contents: Contents, now: float) -> None:
        try:
            write(self.path, contents)
        except FileFormatError as error:
            if self._written < 0:  # the first one: nothing is lost yet
                raise
            logger.warning("%s The run goes on without a new checkpoint.", error)
        self._written = now

    def _contents(self, context: Context, standing: Standing) -> Contents:
        discretization, maker = context.discretization, context.maker
        freezer = Freezer(self.method, discretization.compiled.blocks)
        document = {
            "kind": KIND,
            "run": self._identity,
            "values": self._digest(discretization),
            "seconds": context.clock.seconds,
            "first_plan": freezer.freeze(discretization.first_plan),
            "design": freezer.freeze(context.design),
            "grown": freezer.freeze(maker.design if isinstance(maker, DesignedNetworks) else None),
            "network": freezer.freeze(context.network),
            "generator": freezer.freeze(discretization.generator.get_state()),
            "state": freezer.freeze(RunState.of(context, standing)),
        }
        # The table is complete only now.
        document["networks"] = [_described(n) for n in freezer.networks]
        for i, network in enumerate(freezer.networks):
            tensors = network_tensors(network)
            freezer.tensors |= {f"network.{i}.{name}": t for name, t in tensors.items()}
        return Contents(freezer.tensors, document)

    def _digest(self, discretization: Discretization) -> dict[str, str]:
        """What the functions of the problem give, which no step of a run changes."""
        if not self._values:
            compiled, plan = discretization.compiled, discretization.first_plan
            self._values = values_digest(compiled, plan, self.method)
        return self._values

    def resume(self) -> Resumed | None:
        """The run of the file; None where there is no file yet.

        Raises:
            FileFormatError: the file is damaged or foreign, or belongs to another run.
        """
        remove_leftovers(self.path)
        if not self.path.exists():
            return None
        contents = read(self.path, "a run with a checkpoint")
        document = contents.document
        if document.get("kind") != KIND:
            raise FileFormatError(
                f"{self.path} is no checkpoint of a run: give another path, or remove the file."
            )
        if "state" not in document:
            raise FileFormatError(
                f"{self.path} is the checkpoint of an earlier version of pdelsr, which this one "
                "cannot go on from: give another path, or remove the file."
            )
        device = self.settings.torch_device
        tensors = {name: tensor_on(t, device) for name, t in contents.tensors.items()}
        with trusted_by_none(self.path):
            require_same_run(self.path, document["run"], self._identity)
            found = self._rebuilt(document, tensors)
            now = self._digest(found.context.discretization)
            differ = [name for name, value in now.items() if document["values"].get(name) != value]
        if differ:
            raise other_run(self.path, [f"the values of {name!r}" for name in differ])
        iteration, seconds = found.standing.state.iteration, document["seconds"]
        logger.info("going on from %s: iteration %d, %.0f s", self.path, iteration, seconds)
        return found

    def _rebuilt(self, document: Mapping[str, Any], tensors: dict[str, Tensor]) -> Resumed:
        thawer = Thawer(self.method, (), tensors, ())

        def start(designer: Designer) -> Start:
            thawer.blocks = designer.compiled.blocks
            design = thawer.thaw(document["design"])
            thawer.networks = [
                self._network(i, described, tensors, designer, design)
                for i, described in enumerate(document["networks"])
            ]
            network = thawer.thaw(document["network"])
            thawer.plan = point_plan(
                self.problem, designer.compiled, self.method, self.settings, network.parameter_count
            )
            return Start(design, network, thawer.thaw(document["first_plan"]))

        thawer.memory_budget = document["state"]["fields"]["memory_budget"]
        settings = replace(self.settings, memory_budget=thawer.memory_budget)
        context = prepare(self.problem, self.method, settings, start, spent=document["seconds"])
        state: RunState = thawer.thaw(document["state"])
        require_sound(state, document["seconds"])
        state.put_into(context)
        context.discretization.generator.set_state(thawer.thaw(document["generator"]))
        if isinstance(context.maker, DesignedNetworks):
            context.maker.design = thawer.thaw(document["grown"])
        self._written = document["seconds"]
        return Resumed(context, state.standing)

    def _network(
        self,
        number: int,
        described: dict[str, Any],
        tensors: dict[str, Tensor],
        designer: Designer,
        design: Any,
    ) -> Network:
        prefix = f"network.{number}."
        own = {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
        # A network that grew has other sizes than the one that was given, and tells them.
        grew = self.settings.grow and described["settings"] is not None
        given = None if grew else self.settings.network
        if given is None and described["settings"] is None:  # an activation of the user
            require_small(described["design"], own["theta"].numel())
            plain = described["design"]
            sized = Design(
                tuple(plain["hidden"]),
                design.activation,
                float(plain["weight_scale"]),
                plain["first_inputs"],
            )
            given = inner_network(designer.build(sized))
        document = NetworkDocument(described["settings"], described["own"])
        return stored_network(self.path, document, own, designer.compiled, self.settings, given)


def kept_form(path: Path) -> bool | None:
    """Whether the conditions of a run that is kept there are hard; None where none is.

    Raises:
        FileFormatError: the file is damaged.
    """
    if not path.is_file():
        return None
    found: Any = read(path, "a run with a checkpoint").document
    for name in ("run", "options", "hard"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, bool) else None


def _described(network: Network) -> dict[str, Any]:
    """The settings of a network; of one with an activation of the user, its design."""
    inner = inner_network(network)
    design = None
    if isinstance(inner, MLP):
        given = inner.settings()
        design = {name: given[name] for name in ("hidden", "weight_scale", "first_inputs")}
    return {**network_document(network), "design": design}


def require_small(design: Mapping[str, Any], count: int) -> None:
    """Refuse widths that so many weights cannot belong to, before a network is built.

    Raises:
        FileFormatError: they do not fit.
    """
    widths = [1, *design["hidden"]]
    if any(a * b > count for a, b in pairwise(widths)):
        raise FileFormatError(f"its network has the widths {widths[1:]} and {count} weights")


def require_sound(state: RunState, seconds: float) -> None:
    """Refuse the state of a run that would fail later.

    Raises:
        FileFormatError: nothing was assessed, or the clock is none.
    """
    if state.selection.best is None:
        raise FileFormatError("it has no best state")
    if not math.isfinite(seconds):
        raise FileFormatError("its seconds are not finite")
