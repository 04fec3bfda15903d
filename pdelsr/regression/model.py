"""A torch module as a function of its trainable parameters: values, rows and columns of J."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import prod

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from pdelsr.errors import SettingsError
from pdelsr.linearize.random_positions import drawn
from pdelsr.networks.base import unflatten
from pdelsr.networks.copies import as_real, own_containers
from pdelsr.networks.forward_mode import jvp, plain_attention
from pdelsr.networks.generic import require_deterministic
from pdelsr.resources.pieces import in_pieces, is_out_of_memory

Inputs = tuple[Tensor, ...]
"""The arguments of a module, each with one row a sample."""


@contextmanager
def named_in_failure(name: str) -> Generator[None, None, None]:
    """Name what torch.func cannot differentiate for many samples or directions.

    Raises:
        SettingsError: the block failed, for lack of memory apart.
    """
    try:
        yield
    except (RuntimeError, NotImplementedError) as error:
        if is_out_of_memory(error):
            raise
        raise SettingsError(
            f"torch.func cannot differentiate {name}: replace the part that it cannot. It said: "
            f"{error}"
        ) from error


class Model:
    """q(inputs; θ) of a module, flattened to (n, k), and its derivatives with respect to θ.

    Frozen parameters and buffers are constants. A complex parameter is a pair of real ones, as
    `torch.view_as_real` gives them. The module must treat every sample on its own.

    Args:
        module: the map; not copied.
        share: of the entries of θ that may move, chosen at random.
        generator: of that choice.

    Raises:
        SettingsError: nothing is trainable, or batch norm or dropout are in training mode.
    """

    def __init__(self, module: nn.Module, share: int | float, generator: torch.Generator) -> None:
        require_deterministic(module)
        self.module = module
        self.names: tuple[str, ...] = tuple(
            n for n, p in module.named_parameters() if p.requires_grad
        )
        self.complex: frozenset[str] = frozenset(
            n for n, p in module.named_parameters() if p.requires_grad and p.is_complex()
        )
        self._aliases: dict[str, str] = _aliases(module)
        self.total: int = sum(p.numel() for p in self.parameters.values())
        if self.total == 0:
            raise SettingsError(
                f"{type(module).__name__} has no trainable parameter, so it has no tangent space: "
                "set requires_grad of the parameters that may move."
            )
        self._kept: dict[str, bool] = dict.fromkeys(
            ("rows", "all rows", "columns", "plain attention"), False
        )
        self.index: Int[Tensor, " m"] | None = None
        if share < 1:
            count = max(1, round(share * self.total))
            self.index = drawn(self.total, count, generator, self.like.device)

    @property
    def parameters(self) -> dict[str, Tensor]:
        """The parameters that were trainable at first, by name, detached; complex ones as pairs."""
        found = dict(self.module.named_parameters())
        return {name: as_real(found[name].detach()) for name in self.names}

    @property
    def like(self) -> Tensor:
        """A tensor of the dtype and device of θ."""
        return next(iter(self.parameters.values()))

    @property
    def size(self) -> int:
        """m, the number of parameters that may move."""
        return self.total if self.index is None else self.index.numel()

    def __call__(self, inputs: Inputs) -> Float[Tensor, "n k"]:
        with torch.no_grad():
            return self._flat(self.module(*inputs), inputs)

    def inside(self, module: nn.Module) -> Model:
        """The same parameters, by name, of another module."""
        other = copy.copy(self)
        other.module = module
        other._kept = dict(self._kept)
        return other

    def of(self, method: str) -> Model:
        """Another method of the module as a function of the same parameters."""
        other = copy.copy(self)
        other.module = _Method(self.module, method)
        other.names = tuple(f"module.{name}" for name in self.names)
        other.complex = frozenset(f"module.{name}" for name in self.complex)
        other._aliases = {f"module.{k}": f"module.{name}" for k, name in self._aliases.items()}
        other._kept = dict(self._kept)
        return other

    def raw(self, inputs: Inputs) -> Tensor:
        """The output, in the shape that the module gives it."""
        with torch.no_grad():
            return self.module(*inputs)

    def still(self, inputs: Inputs) -> Tensor:
        """The output in the module's shape; it has slopes in the inputs and none in θ."""
        return self._called(self.parameters, inputs, own_containers(self.module))

    def moved(self, inputs: Inputs, delta: Float[Tensor, " m"]) -> tuple[Tensor, Tensor]:
        """The output in the module's shape, and its derivative along δ, by forward mode.

        Fused attention has no forward mode. Where a module fails, its attention is computed by
        plain products from then on.
        """
        try:
            return self._moved(inputs, delta)
        except (RuntimeError, NotImplementedError) as error:
            if self._kept["plain attention"] or is_out_of_memory(error):
                raise
            self._kept["plain attention"] = True
            try:
                return self._moved(inputs, delta)
            except (RuntimeError, NotImplementedError):
                self._kept["plain attention"] = False
                raise error from None

    def _moved(self, inputs: Inputs, delta: Float[Tensor, " m"]) -> tuple[Tensor, Tensor]:
        module = own_containers(self.module)
        value, tangent = jvp(
            lambda p: self._called(p, inputs, module),
            (self.parameters,),
            (self.unflatten(delta),),
        )
        return value, tangent

    def columns(self, inputs: Inputs, V: Float[Tensor, "m r"]) -> Float[Tensor, "n k r"]:
        """J V by forward mode: all columns at once, or one by one where torch.func cannot."""

        def along(direction: Tensor) -> Tensor:
            tangents = self.unflatten(direction)
            return jvp(
                lambda p: self._flat(self._called(p, inputs), inputs),
                (self.parameters,),
                (tangents,),
            )[1]

        return self._at_once(
            "columns",
            lambda: torch.func.vmap(along, in_dims=1, out_dims=2)(V),
            lambda: torch.stack([along(direction) for direction in V.T], dim=2),
        )

    def rows(self, inputs: Inputs, seeds: Float[Tensor, "n k"]) -> Float[Tensor, "n m"]:
        """Row i: Σ_j seeds[i, j] ∂_θ q_j(inputs_i), by reverse mode, all at once if possible."""

        def seeded(parameters: dict[str, Tensor], sample: Inputs, seed: Tensor) -> Tensor:
            return (seed * self._single(parameters, sample)).sum()

        def at_once() -> Tensor:
            gradients = torch.func.vmap(torch.func.grad(seeded), in_dims=(None, 0, 0))
            return self._flat_rows(gradients(self.parameters, inputs, seeds), (len(seeds),))

        def one_by_one() -> Tensor:
            parts = (slice(i, i + 1) for i in range(len(seeds)))
            return torch.stack([self.pull(tuple(x[i] for x in inputs), seeds[i]) for i in parts])

        return self._at_once("rows", at_once, one_by_one)

    def pull(self, inputs: Inputs, seeds: Float[Tensor, "n k"]) -> Float[Tensor, " m"]:
        """Σ_i Σ_j seeds[i, j] ∂_θ q_j(inputs_i), by one reverse-mode pass."""

        def seeded(parameters: dict[str, Tensor]) -> Tensor:
            return (seeds * self._flat(self._called(parameters, inputs), inputs)).sum()

        with self._named():
            slopes = torch.func.grad(seeded)(self.parameters)
        found = torch.cat([slopes[name].reshape(-1) for name in self.parameters])
        return found if self.index is None else found[self.index]

    def all_rows(self, inputs: Inputs) -> Float[Tensor, "n k m"]:
        """J: every output of every sample, by reverse mode."""

        def of_sample(sample: Inputs) -> dict[str, Tensor]:
            return torch.func.jacrev(self._single)(self.parameters, sample)

        def at_once() -> Tensor:
            found = torch.func.vmap(of_sample)(inputs)
            n, k = next(iter(found.values())).shape[:2]
            return self._flat_rows(found, (n, k))

        def output_by_output() -> Tensor:
            seeds = torch.eye(self(tuple(x[:1] for x in inputs)).shape[1]).to(self.like)
            n = len(inputs[0])
            return torch.stack([self.rows(inputs, seed.expand(n, -1)) for seed in seeds], dim=1)

        return self._at_once("all rows", at_once, output_by_output)

    def unflatten(self, delta: Float[Tensor, " m"]) -> dict[str, Tensor]:
        """A direction in the moving parameters as one tensor a parameter."""
        if self.index is not None:
            delta = delta.new_zeros(self.total).index_copy(0, self.index, delta)
        parameters = self.parameters
        pieces = unflatten(delta, list(parameters.values()))
        return dict(zip(parameters, pieces, strict=True))

    def moving(self, chosen: Int[Tensor, " r"]) -> Model:
        """The same map with only some of the moving parameters, in that order."""
        other = copy.copy(self)
        other.index = chosen if self.index is None else self.index[chosen]
        return other

    def directions(self, name: str, V: Float[Tensor, "m r"] | None) -> Tensor | None:
        """The rows of V that belong to one parameter, in its shape; None if it is frozen.

        V=None means the identity: every parameter that may move is a direction.
        """
        if name not in self.names:
            return None
        parameters = self.parameters
        shape, size = parameters[name].shape, parameters[name].numel()
        start = sum(p.numel() for p in list(parameters.values())[: self.names.index(name)])
        if self.index is None and V is not None:
            return V[start : start + size].unflatten(0, shape)
        index = torch.arange(self.total, device=self.like.device)
        if self.index is not None:
            index = self.index
        columns = ((index >= start) & (index < start + size)).nonzero()[:, 0]
        places = index[columns] - start
        if V is not None:
            block = V.new_zeros(size, V.shape[1]).index_copy_(0, places, V[columns])
        else:
            block = self.like.new_zeros(size, self.size)
            block[places, columns] = 1.0
        return block.unflatten(0, shape)

    def _called(
        self, parameters: dict[str, Tensor], inputs: Inputs, module: nn.Module | None = None
    ) -> Tensor:
        """The module's output for other parameters."""
        given = {
            name: torch.complex(p[..., 0], p[..., 1]) if name in self.complex else p
            for name, p in parameters.items()
        }
        plain = self._kept["plain attention"]
        for other, name in self._aliases.items():
            if name in given:
                given[other] = given[name]
        with plain_attention() if plain else nullcontext():
            # tie_weights=True would leave other tensors in a part that stands in two places
            return torch.func.functional_call(
                module or self.module, given, inputs, tie_weights=False
            )

    def _at_once(
        self, what: str, at_once: Callable[[], Tensor], one_by_one: Callable[[], Tensor]
    ) -> Tensor:
        """Many rows or columns by vmap, or else by a loop, as in-place operations need it.

        Raises:
            SettingsError: torch cannot differentiate the module at all.
        """
        if not self._kept[what]:
            try:
                return at_once()
            except (RuntimeError, NotImplementedError) as error:
                if is_out_of_memory(error):
                    raise
        with self._named():
            found = one_by_one()
        self._kept[what] = True
        return found

    def _named(self) -> AbstractContextManager[None]:
        return named_in_failure(type(self.module).__name__)

    def _single(self, parameters: dict[str, Tensor], sample: Inputs) -> Float[Tensor, " k"]:
        one = tuple(x[None] for x in sample)
        return self._called(parameters, one).reshape(-1)

    def _flat(self, output: Tensor, inputs: Inputs) -> Tensor:
        return output.reshape(inputs[0].shape[0], -1)

    def _flat_rows(self, found: dict[str, Tensor], leading: tuple[int, ...]) -> Tensor:
        rows = torch.cat([found[name].reshape(*leading, -1) for name in self.parameters], dim=-1)
        return rows if self.index is None else rows[..., self.index]


def _aliases(module: nn.Module) -> dict[str, str]:
    """Other names of tied parameters in parts of their own, and the first name of each."""
    first: dict[int, str] = {}
    aliases: dict[str, str] = {}
    for prefix, part in module.named_modules():  # each once, wherever else it stands
        for name, parameter in part.named_parameters(prefix, recurse=False, remove_duplicate=False):
            known = first.setdefault(id(parameter), name)
            if known != name:
                aliases[name] = known
    return aliases


class _Method(nn.Module):
    """A method of a module in place of its forward; the parameters keep their order."""

    def __init__(self, module: nn.Module, method: str) -> None:
        super().__init__()
        self.module, self.method = module, method

    def forward(self, *inputs: Tensor) -> Tensor:
        return getattr(self.module, self.method)(*inputs)


def require_forward_mode(model: Model, inputs: Inputs) -> None:
    """Refuse a module without the forward-mode derivatives that predictions need."""
    few = tuple(x[:1] for x in inputs)
    try:
        model.moved(few, torch.zeros(model.size).to(model.like))
    except (RuntimeError, NotImplementedError) as error:
        if is_out_of_memory(error):
            raise
        raise SettingsError(
            f"torch cannot differentiate {type(model.module).__name__} by forward mode, which a "
            f"refined module needs: replace that part. It said: {error}"
        ) from error


def require_samplewise(model: Model, inputs: Inputs) -> Tensor:
    """Refuse a module that fails on its inputs or mixes samples; return its output."""
    name = type(model.module).__name__
    shapes = ", ".join(str(tuple(x.shape)) for x in inputs)
    few = tuple(x[:2] for x in inputs)
    try:
        found = in_pieces(
            inputs[0].shape[0],
            inputs[0].shape[0],
            lambda part: model.raw(tuple(x[part] for x in inputs)),
        )
        parts = [part for _, part in found]
        output = parts[0] if len(parts) == 1 else torch.cat(parts)
        together, apart = (
            model.raw(few),
            torch.cat([model.raw(tuple(x[i : i + 1] for x in few)) for i in range(len(few[0]))]),
        )
    except (RuntimeError, IndexError, TypeError, ValueError, AttributeError) as error:
        if is_out_of_memory(error):
            raise
        raise SettingsError(
            f"{name} fails on inputs of shape {shapes}: give what its forward takes, one sample a "
            f"row. It said: {error}"
        ) from error
    if not isinstance(output, Tensor) or output.ndim == 0 or output.shape[0] != inputs[0].shape[0]:
        found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise SettingsError(
            f"{name} maps inputs of shape {shapes} to {found}: it must give one tensor with one "
            "row a sample."
        )
    if output.is_complex():
        raise SettingsError(
            f"{name} gives complex output: let it return torch.view_as_real of that, and give "
            "targets of the same shape."
        )
    if prod(together.shape) and not torch.allclose(
        together, apart, rtol=1e-4, atol=1e-6, equal_nan=True
    ):
        raise SettingsError(
            f"{name} mixes samples: its output changes when another sample is evaluated with it. "
            "Refine a module that treats every sample on its own."
        )
    return output
