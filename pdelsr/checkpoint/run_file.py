"""The checkpoint file of a run: written atomically at intervals, and read to go on."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from pdelsr.checkpoint.fingerprint import (
    fingerprint,
    other_run,
    require_same_run,
    values_digest,
)
from pdelsr.checkpoint.freeze import Freezer, Thawer, tensor_on
from pdelsr.checkpoint.run_state import RunState
from pdelsr.errors import FileFormatError, PdelsrError, SettingsError
from pdelsr.files.atomic import remove_leftovers
from pdelsr.files.container import Contents, Kind, read, write
from pdelsr.files.typed import shown, trusted_by_none
from pdelsr.linearize.points import PointPlan
from pdelsr.networks import MLP, Network
from pdelsr.networks.design import Design
from pdelsr.networks.hard import inner_network
from pdelsr.processes import current
from pdelsr.resources.clock import Clock
from pdelsr.results.document import NetworkDocument
from pdelsr.results.stored_network import network_document, network_tensors, stored_network
from pdelsr.solvers.design.plan import point_plan
from pdelsr.solvers.design.trial import Designer
from pdelsr.solvers.growth.designed_networks import DesignedNetworks
from pdelsr.solvers.prepare import Setup, context_of, warn_of_data
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.job import Job
from pdelsr.solvers.run.loop import Standing
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.solvers.state.interruption import CUT_SHORT
from pdelsr.solvers.state.settings import require_whole
from pdelsr.solvers.state.status import Status

logger = logging.getLogger(__name__)
T = TypeVar("T")

KIND = "run"
RUN = Kind("a checkpoint of a run", "a run with a checkpoint", "start anew")
LAYOUT = 2  # of the document; the first layout had no number


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
    """The file from which a run can go on after it was killed.

    Args:
        job: its settings name the file.
    """

    job: Job
    _written: float = -math.inf
    _last: Contents | None = None
    _identity: dict[str, Any] = field(default_factory=dict)
    _values: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._identity = fingerprint(self.job)

    @classmethod
    def of(cls, job: Job) -> RunFile | None:
        """The file of a job; None if the job asks for none."""
        return None if job.settings.checkpoint is None else cls(job)

    @property
    def path(self) -> Path:
        """Path of the file."""
        assert self.job.settings.checkpoint is not None
        return Path(self.job.settings.checkpoint)

    def keep(self, context: Context, standing: Standing) -> None:
        """Write a checkpoint, if the last one is old enough or the run has ended.

        Between two checkpoints, every whole iteration is kept for `finish`. A step that was cut
        short is not written: the run goes on from the step before it.

        Raises:
            SettingsError: the method keeps something that a file cannot hold.
            FileFormatError: the file cannot be written.

        Both are raised at the first checkpoint; later ones are left out with a warning, since the
        run has something to lose.
        """
        now = context.clock.seconds
        if standing.state.finished in CUT_SHORT:
            return
        due = (
            standing.ended is not None or now - self._written >= self.job.settings.checkpoint_every
        )
        if not (due or standing.state.whole):
            return
        try:
            contents = self._contents(context, standing)
            # of several processes the first one writes, and needs what the file holds
            self._last = contents if current().is_first else Contents({}, {})
            if due:
                self._write(contents)
        except (SettingsError, FileFormatError) as error:
            self._raise_at_first(error)
        if due:
            self._written = now

    def finish(self, status: Status, seconds: float) -> None:
        """Write the last whole iteration of a run that was cut short, and its time.

        Args:
            status: how the run ended.
            seconds: on its clock.
        """
        if status in CUT_SHORT and self._last is not None:
            document = {**self._last.document, "seconds": seconds}
            try:
                self._write(Contents(self._last.tensors, document))
            except FileFormatError as error:
                self._raise_at_first(error)

    def _write(self, contents: Contents) -> None:
        """Write the file, by the first process."""
        current().on_first(lambda: write(self.path, contents))

    def _read(self) -> Contents | None:
        """What the file holds, read by the first process; None if there is no file yet."""

        def contents() -> Contents | None:
            remove_leftovers(self.path)
            return read(self.path, RUN) if self.path.exists() else None

        return current().on_first(contents)

    def _raise_at_first(self, error: PdelsrError) -> None:
        """Raise the error of the first checkpoint, when nothing is lost; else warn, and go on."""
        if self._written < 0:
            raise error
        logger.warning("%s The run goes on without a new checkpoint.", error)

    def _contents(self, context: Context, standing: Standing) -> Contents:
        discretization, maker = context.discretization, context.maker
        freezer = Freezer(self.job.method, discretization.compiled.blocks)
        document = {
            "kind": KIND,
            "layout": LAYOUT,
            "run": self._identity,
            "values": self._digest(discretization),
            "seconds": context.clock.seconds,
            "first_plan": freezer.freeze(discretization.first_plan),
            "design": freezer.freeze(context.design),
            "grown": freezer.freeze(maker.design if isinstance(maker, DesignedNetworks) else None),
            "network": freezer.freeze(context.network),
            "state": freezer.freeze(RunState.of(context, standing)),
        }
        # The table of networks is complete only now.
        document["networks"] = [_described(n) for n in freezer.networks]
        for i, network in enumerate(freezer.networks):
            tensors = network_tensors(network)
            freezer.tensors |= {f"network.{i}.{name}": t for name, t in tensors.items()}
        return Contents(freezer.tensors, document)

    def _digest(self, discretization: Discretization) -> dict[str, str]:
        """Digests of the problem's functions, which no step of a run changes."""
        if not self._values:
            self._values = values_digest(self.job, discretization.first_plan)
        return self._values

    def resume(self) -> Resumed | None:
        """The run in the file; None if there is no file yet.

        Raises:
            FileFormatError: the file is damaged or foreign, or belongs to another run.
        """
        contents = self._read()
        if contents is None:
            return None
        document = contents.document
        if document.get("kind") != KIND:
            raise FileFormatError(
                f"{self.path} is no checkpoint of a run: give another path, or remove the file."
            )
        if document.get("layout") != LAYOUT:
            raise FileFormatError(
                f"{self.path} is the checkpoint of an earlier version of pdelsr, which this one "
                "cannot go on from: give another path, or remove the file."
            )
        device = self.job.settings.torch_device
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
        budget, seconds = document["state"]["fields"]["memory_budget"], document["seconds"]
        require_whole("memory_budget", budget, 1)
        designer = Designer(replace(self.job, memory_budget=budget))
        thawer = Thawer(
            *(self.job.method, self.job.compiled.blocks, tensors, ()),
            memory_budget=budget,
            group=current(),
        )
        setup = self._setup(document, designer, thawer)
        state: RunState = thawer.thaw(document["state"])
        require_sound(state, seconds)
        warn_of_data(self.job)
        clock = Clock.after(seconds, self.job.settings.time_limit)
        context = context_of(designer, setup, clock)
        state.restore(context)
        self._written = seconds
        return Resumed(context, state.standing)

    def _setup(self, document: Mapping[str, Any], designer: Designer, thawer: Thawer) -> Setup:
        """Design, networks and first plan; from here on the thawer knows networks and plan."""
        design = _of_type(Design, thawer.thaw(document["design"]), "design")
        thawer.networks = [
            self._network(i, described, thawer.tensors, designer, design)
            for i, described in enumerate(document["networks"])
        ]
        network = _of_type(Network, thawer.thaw(document["network"]), "network")
        thawer.plan = point_plan(self.job, network.parameter_count)
        plan = _of_type(PointPlan, thawer.thaw(document["first_plan"]), "first_plan")
        grown = thawer.thaw(document["grown"])
        return Setup(design, network, plan, grown and _of_type(Design, grown, "grown"))

    def _network(
        self,
        number: int,
        described: dict[str, Any],
        tensors: Mapping[str, Tensor],
        designer: Designer,
        design: Any,
    ) -> Network:
        prefix = f"network.{number}."
        own = {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
        # A network that grew has other sizes than the given one, and the file has them.
        grew = self.job.grow and described["settings"] is not None
        given = None if grew else self.job.settings.network
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
        stored = NetworkDocument(described["settings"], described["own"])
        compiled, settings = self.job.compiled, self.job.settings
        return stored_network(self.path, stored, own, compiled, settings, given)


def kept_form(path: str | Path | None) -> bool | None:
    """Whether the run in a file has hard conditions; None if there is no file.

    Raises:
        FileFormatError: the file is damaged.
    """
    if path is None or not Path(path).is_file():
        return None
    found: Any = read(path, RUN).document
    for name in ("run", "options", "hard"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, bool) else None


def _of_type(kind: type[T], found: Any, name: str) -> T:
    if not isinstance(found, kind):
        raise FileFormatError(f"its {name} is {shown(found)}, which is no {kind.__name__}")
    return found


def _described(network: Network) -> dict[str, Any]:
    """The settings of a network, or its design if the activation is user-defined."""
    inner = inner_network(network)
    design = None
    if isinstance(inner, MLP):
        given = inner.settings()
        design = {name: given[name] for name in ("hidden", "weight_scale", "first_inputs")}
    return {**network_document(network), "design": design}


def require_small(design: Mapping[str, Any], count: int) -> None:
    """Refuse widths that do not fit the number of weights, before a network is built.

    Raises:
        FileFormatError: they do not fit.
    """
    widths = [1, *design["hidden"]]
    if any(a * b > count for a, b in pairwise(widths)):
        raise FileFormatError(f"its network has the widths {widths[1:]} and {count} weights")


def require_sound(state: RunState, seconds: float) -> None:
    """Refuse the state of a run that would fail later.

    Raises:
        FileFormatError: nothing was assessed, or the seconds are no time.
    """
    if state.selection.best is None:
        raise FileFormatError("it has no best state")
    if not math.isfinite(seconds):
        raise FileFormatError("its seconds are not finite")
