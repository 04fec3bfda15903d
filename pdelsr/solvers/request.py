"""The request of a user, and the job made from it: every choice is made here, once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from pdelsr.compile import compile_problem
from pdelsr.declare import Problem
from pdelsr.errors import SettingsError
from pdelsr.networks.copies import copied
from pdelsr.networks.hard import inner_network
from pdelsr.networks.registry import can_widen
from pdelsr.resources.memory import chunk_bytes
from pdelsr.solvers.design.form import in_better_form
from pdelsr.solvers.design.plan import require_points
from pdelsr.solvers.methods.registry import parse_options
from pdelsr.solvers.run.job import Job
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.run.predecessor import Predecessor
from pdelsr.solvers.state.settings import RunSettings

NETWORK_OPTIONS = (
    "network",
    "hidden",
    "activation",
    "weight_scale",
    "first_inputs",
    "initialization",
    "harmonics",
)
BY_BLOCK = ("points", "sampler", "weights")


@dataclass(frozen=True, eq=False)
class Request:
    """A problem with options, which may leave choices open; `job` makes them.

    Args:
        problem: the declaration.
        method: with its options.
        settings: as given, with those taken over from the start.
        given: the options of the call by name.
        start: the solution that the run goes on from, if any.
    """

    problem: Problem
    method: Method
    settings: RunSettings
    given: Mapping[str, Any] = field(default_factory=dict)
    start: Predecessor | None = None

    @classmethod
    def of(
        cls,
        problem: Problem,
        method: str | Method,
        options: Mapping[str, Any],
        start: Predecessor | None = None,
    ) -> Request:
        """Read the options of a call.

        Raises:
            SettingsError: the method or an option is unknown, a value is out of range, or an option
                contradicts the start.
        """
        given = options if start is None else started_options(method, start, options)
        chosen, settings = parse_options(method, given)
        if start is not None:
            settings = with_weights_of(start, problem, chosen, settings, given)
        return cls(problem, chosen, settings, given, start)

    def job(self, left: float = math.inf, kept_form: bool | None = None) -> Job:
        """The job, with every choice made.

        Args:
            left: seconds until the time limit; a trial of hard conditions takes a share of them.
            kept_form: whether conditions are hard in the checkpoint that the run goes on from.

        Raises:
            SettingsError: growth is not possible, or an option names a block without points.
            ProblemError: a hard condition is not possible.
        """
        known = self.settings.hard if self.settings.hard is not None else kept_form
        hard = self._default_form if known is None else known
        network = self.settings.network
        settings = replace(
            self.settings,
            hard=hard,
            grow=self._grows,
            network=None if network is None else copied(network),
        )
        compiled = compile_problem(self.problem, hard)
        job = Job(self.problem, self.method, settings, compiled, self._chunk, self.start)
        if job.grow:
            require_growth(job)
        if known is None:
            job = in_better_form(job, left)
        self._require_own_blocks(job)
        return job

    @property
    def _default_form(self) -> bool:
        """The method's choice of hard conditions; a given network keeps its meaning."""
        return self.method.default_hard and self.settings.network is None

    @property
    def _grows(self) -> bool:
        """Whether the run may grow: not if the user chose network or points, unless `grow` says so.

        A choice that the method made in the run of the start still counts as the method's.
        """
        if self.settings.grow is not None:
            return self.settings.grow
        chosen = self.settings.points is not None or self.problem.points is not None
        if not self.method.sizes_open or chosen:
            return False
        if self.start is None:
            return self.settings.network is None
        return can_widen(self.settings.network) and bool(self.start.settings.grow)

    @property
    def _chunk(self) -> int:
        """Bytes of a chunk: the user's choice, else what the free memory now allows."""
        given = self.settings.memory_budget
        return chunk_bytes(self.settings.torch_device) if given is None else given

    def _require_own_blocks(self, job: Job) -> None:
        """Refuse options of the call for blocks without points.

        A problem or a method may name them, because it does not know which conditions will be
        exact.
        """
        for name in BY_BLOCK:
            found = self.given.get(name)
            if isinstance(found, Mapping):
                require_points(name, found, job.compiled.exact)


def started_options(
    method: str | Method, start: Predecessor, options: Mapping[str, Any]
) -> dict[str, Any]:
    """The options of a run that goes on from a solution.

    Raises:
        SettingsError: an option would build another network than the start's.
    """
    for name in NETWORK_OPTIONS:
        if options.get(name) is not None or _asks_for(name, method, start.method):
            raise SettingsError(
                f"{name} cannot be combined with start: the network of the start goes on. Leave "
                "one of the two out."
            )
    given = {name: value for name, value in options.items() if value is not None}
    if given.get("hard", start.settings.hard) != start.settings.hard:
        raise SettingsError(
            f"hard={given['hard']} does not fit the start, which has "
            f"hard={start.settings.hard}: its network would mean another function. Leave it out."
        )
    taken = {
        "network": inner_network(start.network),
        "hard": start.settings.hard,
        "dtype": start.settings.dtype,
        "device": start.settings.device,
        "seed": start.settings.seed,
    }
    return {**taken, **{k: v for k, v in given.items() if k not in NETWORK_OPTIONS}}


def _asks_for(name: str, method: str | Method, before: Method) -> bool:
    """Whether a method instance sets a network option that the run of the start did not."""
    if not isinstance(method, Method) or not hasattr(method, name):
        return False
    default = next(f.default for f in fields(method) if f.name == name)
    return getattr(method, name) not in (default, getattr(before, name))


def with_weights_of(
    start: Predecessor,
    problem: Problem,
    method: Method,
    settings: RunSettings,
    given: Mapping[str, Any],
) -> RunSettings:
    """The settings with the start's weights, if method and blocks are the same."""
    known = {s.name for s in problem.statements}
    if type(method) is not type(start.method) or not known.issuperset(start.weights):
        return settings
    if given.get("weights") is not None or given.get("balance") is not None:
        return settings
    return replace(settings, balance=False, weights=dict(start.weights))


def require_growth(job: Job) -> None:
    """Refuse `grow=True` where nothing can grow.

    Raises:
        SettingsError: the message says why.
    """
    method, network = job.method, job.settings.network
    if method.hidden is None and not method.sizes_open:
        raise SettingsError("grow=True takes the whole tangent space: leave basis and rank out.")
    if job.points is not None:
        raise SettingsError("grow=True needs more points as it goes: leave points out.")
    if network is not None and not can_widen(network):
        raise SettingsError(
            f"grow=True cannot widen this {type(network).__name__}: give a pl.MLP with a "
            "built-in activation and without Fourier features, or leave grow out."
        )
