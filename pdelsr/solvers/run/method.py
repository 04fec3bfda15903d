"""The contract of methods: `init`, `step`, and the loop that a user could write."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from pdelsr.errors import SettingsError
from pdelsr.networks import Activation, activation_named
from pdelsr.networks.layers import require_initialization
from pdelsr.solvers.refinement.memory.estimate import PIECE, fits, gradient_bytes
from pdelsr.solvers.refinement.memory.refusal import memory_error
from pdelsr.solvers.refinement.report import RankReport
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.state.candidate import Candidate
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.solvers.state.settings import require_positive, require_whole
from pdelsr.solvers.state.status import Status


@dataclass(frozen=True)
class State:
    """Where a method stands.

    Args:
        iteration: completed outer iterations.
        candidate: found by the last iteration.
        train: norm of the stacked residual on the last training points.
        phase: name of what the last iteration did.
        report: of the last refinement.
        memory: the method's own data for its next step.
        finished: why the method itself wants to stop.
        next_seconds: least time of the next iteration, if the method can tell.
        whole: whether the iteration is complete; otherwise the next step continues it.
    """

    iteration: int
    candidate: Candidate
    train: float
    phase: str
    report: RankReport | None = None
    memory: Any = None
    finished: Status | None = None
    next_seconds: float = 0.0
    whole: bool = True

    @property
    def unfinished(self) -> State:
        """The same state, within a partly completed next iteration."""
        return replace(self, whole=False, finished=None)


@dataclass(frozen=True)
class Method(ABC):
    """Options and iteration of one method; the network options are shared by all.

    Args:
        hidden: widths of the hidden layers; None for the method's default.
        activation: of the default network; None for the method's choice.
        weight_scale: of the initial weights; None for the method's choice.
        first_inputs: features on which a neuron of the first layer depends at first; None for the
            method's choice.
        initialization: "torch", "xavier" or "he".
        harmonics: harmonics of periodic coordinates under hard conditions.
        suggested: run options that apply unless the call to `solve` gives them.

    Classes may set `uses_time`, if a time limit replaces the default number of iterations, and
    `memory_types`: the dataclasses in `State.memory`, whose fields a checkpoint then holds.
    """

    hidden: Sequence[int] | None = None
    activation: str | Activation | None = None
    weight_scale: int | float | None = None
    first_inputs: int | None = None
    initialization: str = "torch"
    harmonics: int = 1
    suggested: Mapping[str, Any] = field(default_factory=dict)

    name = ""
    default_hard = False
    default_balance = True
    default_iterations = 1
    tries_designs = False
    default_activation = "tanh"
    uses_time = False
    patience = 3
    memory_types: ClassVar[tuple[type, ...]] = ()
    history = 0  # pairs of vectors that L-BFGS keeps

    def __post_init__(self) -> None:
        if self.activation is not None:
            activation_named(self.activation)
        require_initialization(self.initialization)
        require_whole("harmonics", self.harmonics, 1)
        if self.weight_scale is not None:
            require_positive("weight_scale", self.weight_scale, finite=True)
        if self.first_inputs is not None:
            require_whole("first_inputs", self.first_inputs, 1)
        if self.hidden is not None:
            require_hidden(self.hidden)

    @abstractmethod
    def default_hidden(self, linear: bool) -> tuple[int, ...]:
        """Widths of the hidden layers."""

    @property
    def default_scale(self) -> float:
        """Scale of the initial weights, if no trial decides."""
        return 1.0

    @abstractmethod
    def default_points(self, parameters: int) -> int:
        """Rows of the equations for a network of this size."""

    def refinement_factor(self, linear: bool) -> int | float:
        """Factor on the planned points for a refinement."""
        return 1

    @property
    def sizes_open(self) -> bool:
        """Whether no option of the method fixes the sizes of network and points."""
        return self.hidden is None

    def bytes_needed(self, discretization: Discretization) -> int | float:
        """Memory of an iteration beyond that of Python and torch: here of gradients at all points.

        `pdelsr show` prints it.
        """
        return gradient_bytes(discretization, discretization.fresh_row_count, self.history)

    def least_bytes(self, discretization: Discretization) -> int | float:
        """Memory of an iteration in the smallest pieces that it may be halved into.

        Gradients are taken in pieces. A method with its own `bytes_needed` has none by default.
        """
        if type(self).bytes_needed is not Method.bytes_needed:
            return self.bytes_needed(discretization)
        return gradient_bytes(discretization, PIECE, self.history)

    def require_memory(self, discretization: Discretization) -> None:
        """Refuse a run that does not fit even in the smallest pieces, before any time is spent.

        Raises:
            MemoryLimitError: it does not.
        """
        least = self.least_bytes(discretization)
        if not fits(discretization, least):
            raise memory_error(discretization, least, [])

    @abstractmethod
    def init(self, context: Context) -> State:
        """The state before the first iteration."""

    @abstractmethod
    def step(self, context: Context, state: State) -> State:
        """One outer iteration, or a part of it, after which the state is not `whole`.

        Between two parts a checkpoint can be written, and the clock is read.
        """

    def iterate(self, context: Context, state: State) -> State:
        """One whole outer iteration, or the rest of it."""
        while True:
            state = self.step(context, state)
            if state.whole:
                return state

    def ended(self, context: Context, state: State) -> Status | None:
        """Why the method itself wants to stop, called after the state is assessed."""
        return state.finished

    def next_step(self, context: Context, state: State) -> str | None:
        """The step that the method would take after this state, and its time; None if unknown."""
        return None


def require_hidden(hidden: Any) -> None:
    """Refuse hidden layers that are not a list of positive widths."""
    if isinstance(hidden, int | str) or not len(hidden):
        raise SettingsError(f"hidden is {hidden!r}: give the widths of the layers, as in (64, 64).")
    for width in hidden:
        require_whole("a width in hidden", width, 1)
