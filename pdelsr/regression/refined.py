"""A refined module: q + J δ, as a torch module."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.errors import FileFormatError, SettingsError, quoted, said
from pdelsr.files.atomic import read_path
from pdelsr.files.container import Contents, Kind, read, write
from pdelsr.files.typed import built, trusted_by_none
from pdelsr.linearize import Directions
from pdelsr.lstsq import Spectrum
from pdelsr.networks.copies import as_real, converted, copied, in_dtype
from pdelsr.networks.mollified import mollified, mollified_widths
from pdelsr.regression.model import Model
from pdelsr.regression.smoothing import Smoothing, SmoothInputs
from pdelsr.regression.target import Residual
from pdelsr.solvers.refinement.newton import Leading
from pdelsr.solvers.state.settings import require_at_least, require_whole

KIND = "refinement"
REFINEMENT = Kind("a refinement saved by pdelsr", "RefinedModule.save", "refine again")
SMOOTHING = ("mean", "modes", "weights")  # tensors of a smoothing
MODULE, COMPLEX = "module.", "complex."  # prefixes of weights, and of pairs for complex ones


@dataclass(frozen=True)
class RankScore:
    """The quality of the refinement at one rank.

    Args:
        rank: k; 0 is the module as it was.
        damping: λ of min ‖A y − b‖² + (λ σ₁)² ‖y‖², relative to the largest singular value σ₁;
            0 for none.
        train: root mean square of the residual on the data of the fit.
        validation: the same on held-out data; NaN if there are none.
        delta_norm: ‖y‖ of the reduced unknowns.
    """

    rank: int
    train: float
    validation: float
    delta_norm: float
    damping: float = 0.0


@dataclass(frozen=True)
class SmallerRanks:
    """The refinements at all smaller ranks, in the leading columns of V.

    Args:
        V: directions among the parameters that may move.
        values: singular values of the drawn rows of J along V; None where they are unknown.
        leading: the solutions of the last linearization.
        residual: F.
        samples: n of the fit.
        given: the module as it was.
        fitted: the module in which the factors were made.
        smoothing: of the inputs.
    """

    V: Directions
    values: Float[Tensor, " r"] | None
    leading: Leading
    residual: Residual
    samples: int
    given: nn.Module
    fitted: nn.Module
    smoothing: Smoothing | None = None

    def delta(self, k: int, damping: float = 0.0) -> Float[Tensor, " m"]:
        """δ at rank k."""
        return self.V.lift(self.leading.at(k, damping))


class RefinedModule(nn.Module):
    """u(inputs) = q(inputs; θ) + J(inputs; θ) δ, by one forward-mode derivative.

    Where only some components M of the outputs were fitted, the prediction moves within these, by
    M Mᵀ J δ.

    The module that was refined is copied and stays as it was. This one is for predictions: they
    have slopes by the inputs, and none by parameters. Floating-point inputs are converted to the
    dtype of the refinement. `torch.export` takes it for the shapes of the example inputs
    only: torch's forward mode fixes the number of samples.

    Attributes:
        rank: r of the refinement; 0 where the module is better as it is.
        damping: λ of the refinement; 0 where it is not damped.
        history: the ranks and dampings that were tried, with their scores; the module as it was
            is the first.
        status: why this rank.
    """

    module: nn.Module
    delta: Tensor
    index: Tensor | None
    modes: Tensor | None
    rank: int
    damping: float
    status: str

    def __init__(
        self,
        model: Model,
        delta: Float[Tensor, " m"],
        rank: int,
        smaller: SmallerRanks | None,
        history: Sequence[RankScore],
        status: str,
        spectrum: Spectrum | None = None,
        damping: float = 0.0,
        smoothing: Smoothing | None = None,
        modes: Float[Tensor, "p j"] | None = None,
    ) -> None:
        super().__init__()
        self.module = model.module
        self.register_buffer("delta", delta)
        self.register_buffer("index", model.index)
        self.register_buffer("modes", modes)
        self.smooth: SmoothInputs | None = None if smoothing is None else SmoothInputs(smoothing)
        self._model = model
        self._smaller, self._measured = smaller, spectrum
        self.rank, self.damping, self.status = rank, damping, status
        self.history: tuple[RankScore, ...] = tuple(history)
        self._is_loaded = False

    @cached_property
    def _spectrum(self) -> Spectrum:
        """Computed at the first call, because the singular values take time at high ranks."""
        if self._smaller is None or not self.rank:
            nothing = Spectrum(self.delta.new_zeros(0), 0, float("nan"))
            return self._measured or nothing if self.rank else nothing
        return self._smaller.leading.nested.spectrum(self.rank)

    @property
    def singular_values(self) -> Float[Tensor, " r"]:
        """Singular values of the reduced system, in falling order; empty without factors."""
        return self._spectrum.singular_values

    @property
    def effective_rank(self) -> int | None:
        """Directions above rounding; None if the solver has not told it."""
        if self.rank and self._smaller is None and self._measured is None:
            return None
        return self._spectrum.effective_rank

    @property
    def condition(self) -> float:
        """Largest over smallest singular value."""
        return self._spectrum.condition

    def get_extra_state(self) -> dict[str, Any]:
        """What `state_dict` needs besides the tensors."""
        return {"rank": self.rank, "damping": self.damping, "training": _training(self.module)}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take over another refinement's rank, and drop the factors of the old one."""
        self._smaller, self._measured, self.history = None, None, ()
        self.rank, self.damping, self.status = state["rank"], state.get("damping", 0.0), "loaded"
        self._is_loaded = True
        _set_training(self.module, state.get("training"))
        self.__dict__.pop("_spectrum", None)

    @property
    def smoothing(self) -> Smoothing | None:
        """The smoothing of the inputs, if there is one; see `refine`."""
        return None if self.smooth is None else self.smooth.smoothing

    @property
    def delta_norm(self) -> float:
        """‖δ‖."""
        return torch.linalg.vector_norm(self.delta).item()

    def forward(self, *inputs: Tensor) -> Tensor:
        given = tuple(converted(x.to(self.delta.device), self.delta.dtype) for x in inputs)
        if not self.rank:
            return self._model.still(given)
        if self.smooth is not None:
            given = (self.smooth(*given),)
        self._model.index = self.index
        value, tangent = self._model.moved(given, self.delta)
        if self.modes is not None:
            flat = tangent.reshape(len(tangent), -1)
            tangent = ((flat @ self.modes) @ self.modes.T).view_as(tangent)
        return value + tangent

    def train(self, mode: bool = True) -> RefinedModule:
        """The module inside stays in the mode, training or not, in which it was refined."""
        self.training = mode
        return self

    def extra_repr(self) -> str:
        more = f", damping={self.damping:.1g}" if self.damping else ""
        more += "" if self.smoothing is None else f", smoothing={self.smoothing.level:g}"
        widths = mollified_widths(self.module)
        more += f", {len(widths)} mollified rectifiers" if widths else ""
        return f"rank={self.rank}{more}, delta_norm={self.delta_norm:.3g}, status={self.status!r}"

    def at_rank(self, k: int, damping: int | float = 0.0) -> RefinedModule:
        """The refinement in the k leading directions, from the stored factors.

        The factors belong to the last linearization, or to the first one if rank="auto".

        Args:
            k: rank.
            damping: λ, relative to the largest singular value, see `RankScore`.

        Raises:
            SettingsError: k is not between 0 and the rank of the factors, or the module was loaded
                from a file, which holds no factors.
        """
        if self._smaller is None:
            raise SettingsError(
                "this refinement holds no factors: at_rank needs the original one."
                if self._is_loaded
                else "this refinement holds no factors: refine by a solver that keeps all smaller "
                "ranks, as lstsq='streaming-qr' does, and kernel ridge regression does not."
            )
        most = self._smaller.leading.nested.rank
        require_whole("rank", k, 0)
        if not 0 <= k <= most:
            raise SettingsError(f"rank {k}: choose one between 0 and {most}.")
        require_at_least("damping", damping, 0)
        delta = self._smaller.delta(k, damping) if k else torch.zeros_like(self.delta)
        model = copy.copy(self._model)
        model.module = copied(self._smaller.fitted if k else self._smaller.given)
        return RefinedModule(
            model,
            delta,
            k,
            self._smaller,
            self.history,
            "chosen by at_rank",
            None,
            damping if k else 0.0,
            self._smaller.smoothing if k else None,
        )

    def save(self, path: str | Path) -> None:
        """Write the weights, δ and the chosen parameters to a safetensors file.

        What else a module keeps in its state, besides tensors, is that of the module given to
        `load`.

        The file is written beside its final place and then moved.

        Raises:
            SettingsError: the path is no path, or its folder does not exist.
            FileFormatError: the file cannot be written.
        """
        path = read_path(path)
        if not path.parent.is_dir():
            raise SettingsError(f"{path}: there is no folder {path.parent}. Make it first.")
        state = {k: t for k, t in self.module.state_dict().items() if isinstance(t, Tensor)}
        tensors = {
            f"{COMPLEX if t.is_complex() else MODULE}{k}": as_real(t) for k, t in state.items()
        }
        tensors["delta"] = self.delta
        if self._model.index is not None:
            tensors["index"] = self._model.index
        if self.modes is not None:
            tensors["components"] = self.modes
        level = None
        rectifiers = mollified_widths(self.module)
        if self.smoothing is not None:
            level = self.smoothing.level
            tensors |= {name: getattr(self.smoothing, name) for name in SMOOTHING}
        names = list(self._model.names)
        training = _training(self.module)
        document = asdict(
            _Document(KIND, self.rank, names, level, rectifiers, self.damping, training)
        )
        write(path, Contents(tensors, document))

    @classmethod
    def load(cls, path: str | Path, module: nn.Module) -> RefinedModule:
        """A refinement from a file, on a module of the same architecture, which is copied.

        Raises:
            SettingsError: the path is no path, or the module is no module.
            FileFormatError: the file was not written by `save`, or holds another architecture.
        """
        if not isinstance(module, nn.Module):
            raise SettingsError(
                f"module is {quoted(module)}: give the torch.nn.Module that was refined, or one of "
                "the same architecture."
            )
        saved = _read(path)
        smooth = mollified_widths(module)  # of a module that came from a refinement itself
        widths = {n: w for n, w in saved.document.rectifiers.items() if smooth.get(n) != w}
        try:
            if smooth.keys() - saved.document.rectifiers.keys():
                raise KeyError("the module has other smooth rectifiers")
            own = mollified(module, widths)
        except (KeyError, AttributeError) as error:
            raise FileFormatError(
                f"{path} holds another architecture: its rectifiers are "
                f"{', '.join(saved.document.rectifiers)}."
            ) from error
        own = in_dtype(own, saved.delta.dtype).to(saved.delta.device)
        state: dict[str, Any] = own.state_dict()
        other = {k: v for k, v in state.items() if not isinstance(v, Tensor)}
        try:
            own.load_state_dict({**other, **saved.weights})
        except RuntimeError as error:
            raise FileFormatError(f"{path} holds another architecture: {said(error)}") from error
        model = Model(own, 1.0, torch.Generator())
        model.index = saved.index
        if list(model.names) != saved.document.trainable:
            raise FileFormatError(
                f"{path} was made with other trainable parameters: freeze the same ones. It has "
                f"{', '.join(saved.document.trainable)}; the module has {', '.join(model.names)}."
            )
        most = -1 if saved.index is None else int(saved.index.max())
        if model.size != saved.delta.numel() or most >= model.total:
            raise FileFormatError(
                f"{path} moves {saved.delta.numel():,} parameters, and the module has "
                f"{model.total:,} that may move: use another copy."
            )
        rank, smoothing = saved.document.rank, saved.smoothing
        _set_training(own, saved.document.training)
        found = cls(
            model,
            saved.delta,
            rank,
            None,
            (),
            "loaded",
            damping=saved.document.damping,
            smoothing=smoothing,
            modes=saved.modes,
        )
        found._is_loaded = True
        return found


def _training(module: nn.Module) -> list[str]:
    """The names of the parts in training mode."""
    return [name for name, part in module.named_modules() if part.training]


def _set_training(module: nn.Module, names: list[str] | None) -> None:
    """Put parts of these names into training mode, and the others into eval mode."""
    if names is not None:
        for name, part in module.named_modules():
            part.training = name in names


@dataclass(frozen=True)
class _Document:
    """What a file holds besides tensors.

    Args:
        kind: of the file.
        rank: of the refinement.
        trainable: names of the parameters.
        smoothing: τ of the smoothing of inputs; None for none.
        rectifiers: widths of those that are mollified, by name.
        damping: λ of the refinement.
        training: names of the parts in training mode; None where they were not written.
    """

    kind: str
    rank: int
    trainable: list[str]
    smoothing: float | None = None
    rectifiers: dict[str, float] = field(default_factory=dict)
    damping: float = 0.0
    training: list[str] | None = None


@dataclass(frozen=True)
class _Saved:
    """The contents of a file.

    Args:
        weights: of the module, by name.
        delta: δ.
        index: which of the trainable parameters δ moves; None for all of them.
        document: rank and names.
        smoothing: of the inputs.
        modes: components of the output within which the refinement moves it; None for all.
    """

    weights: Mapping[str, Tensor]
    delta: Tensor
    index: Tensor | None
    document: _Document
    smoothing: Smoothing | None
    modes: Tensor | None


def _read(path: str | Path) -> _Saved:
    """The contents of a file, with their types checked."""
    contents = read(path, REFINEMENT)
    if contents.document.get("kind") != KIND:
        raise FileFormatError(f"{path} is not {REFINEMENT.what}: give another file.")
    with trusted_by_none(path):
        document = built(_Document, contents.document, "its document")
        tensors = contents.tensors
        weights = {k.removeprefix(MODULE): v for k, v in tensors.items() if k.startswith(MODULE)}
        for name, pair in tensors.items():
            if name.startswith(COMPLEX):
                weights[name.removeprefix(COMPLEX)] = torch.view_as_complex(pair)
        delta, index = tensors.get("delta"), tensors.get("index")
        if delta is None or not _fit(delta, index):
            raise FileFormatError("δ is no finite vector of the chosen parameters")
        if not 0 <= document.rank <= len(delta):
            raise FileFormatError(f"its rank is {document.rank}, with {len(delta)} entries of δ")
        smoothing = None
        if document.smoothing is not None:
            mean, modes, weights_of_modes = (tensors[name].to(delta) for name in SMOOTHING)
            smoothing = Smoothing(mean, modes, weights_of_modes, document.smoothing)
        modes = tensors.get("components")
        if modes is not None and not _are_components(modes, delta):
            raise FileFormatError("its components are no finite columns of outputs")
        return _Saved(weights, delta, index, document, smoothing, modes)


def _are_components(modes: Tensor, like: Tensor) -> bool:
    """Whether these are columns, at most as many as there are outputs."""
    shaped = modes.ndim == 2 and 0 < modes.shape[1] <= modes.shape[0]
    return shaped and modes.dtype == like.dtype and bool(torch.isfinite(modes).all())


def _fit(delta: Tensor, index: Tensor | None) -> bool:
    """Whether δ is a finite vector, and the index names one parameter for each of its entries."""
    if delta.ndim != 1 or not delta.numel() or not delta.is_floating_point():
        return False
    if not torch.isfinite(delta).all():
        return False
    if index is None:
        return True
    return index.dtype == torch.int64 and index.shape == delta.shape and bool((index >= 0).all())
