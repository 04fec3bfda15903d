"""J V for batches, by reverse-mode rows or forward-mode columns, whichever is faster."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from pdelsr.errors import SettingsError
from pdelsr.linearize import Dense, Directions
from pdelsr.linearize.directions import as_directions
from pdelsr.regression.model import Inputs, Model
from pdelsr.resources.memory import chunk_bytes
from pdelsr.resources.pieces import in_pieces

PROBE_SAMPLES, PROBE_COLUMNS = 4, 16  # on which the two ways are timed
LARGEST_CHUNK = 512 * 2**20  # bytes; passes of few directions or samples waste time
LARGEST_ROWS = 64 * 2**20  # of rows on a CPU: larger arrays get fresh pages, for half of the time
COPIES = 3  # numbers held at once for each number in a chunk of columns or rows


class JacobianTimes:
    """J V for the samples of a batch, in chunks within a memory budget.

    Args:
        model: the map whose Jacobian is J.
        V: directions among the parameters that may move.
        way: "rows" or "columns"; "auto" for the faster one on a few samples.
        probe: samples for this measurement.
        budget: bytes of one chunk; None for a share of what is free.
    """

    model: Model
    V: Directions
    budget: int
    outputs: int
    way: str

    def __init__(
        self,
        model: Model,
        V: Directions | Float[Tensor, "m r"],
        way: str,
        probe: Inputs,
        budget: int | None = None,
    ) -> None:
        self.model, self.V = model, as_directions(V)
        self._is_open = budget is None
        self.budget = chunk_bytes(model.like.device, LARGEST_CHUNK) if budget is None else budget
        self.outputs = model(tuple(x[:1] for x in probe)).shape[1]
        self.way = way
        if way == "auto":
            self.way = self._faster(probe)

    def narrowed(self, k: int) -> JacobianTimes:
        """The same product for the k leading directions."""
        other = copy.copy(self)
        other.V = Dense(self.V.columns(slice(k), self.model.like))
        return other

    @property
    def samples(self) -> int:
        """The largest number of samples in one call."""
        return self._count(self.outputs * self.rank, self.way == "rows")

    @property
    def rank(self) -> int:
        """r."""
        return self.V.rank

    def samples_of(self, entries: int) -> int:
        """The largest number of samples for `seeded`, with so many seeds a sample."""
        return self._count(entries * self.model.total, of_rows=True)

    def seeded(self, inputs: Inputs, seeds: Float[Tensor, "n k"]) -> Float[Tensor, "n r"]:
        """Row i: seeds_i · J_i V, by reverse mode."""
        rows = self.model.rows(inputs, seeds)
        return self.V.project(rows if self.V.only is None else rows[:, self.V.only])

    def kernel(self, modes: Float[Tensor, "k j"] | None) -> Callable[[Tensor], Tensor] | None:
        """J Jᵀ of all pairs of samples and modes, where the module knows it without J."""
        return None

    def __call__(self, inputs: Inputs) -> Float[Tensor, "n k r"]:
        if self.way == "rows":
            return self._by_rows(inputs)
        return self._by_columns(
            inputs, lambda part: self.V.columns(part, self.model.like), self.rank
        )

    def along(self, inputs: Inputs, Y: Float[Tensor, "r c"]) -> Float[Tensor, "n k c"]:
        """J V Y for few columns: by forward mode along V Y, without J V."""
        if Y.shape[1] >= self.rank:
            return self(inputs) @ Y
        moved = self.V.lift_columns(Y)
        return self._by_columns(inputs, lambda part: moved[:, part], Y.shape[1])

    def transposed(self, inputs: Inputs, seeds: Float[Tensor, "n k"]) -> Float[Tensor, " r"]:
        """(J V)ᵀ seeds, by one reverse-mode pass."""
        return self.V.restrict(self.model.pull(inputs, seeds))

    def _by_rows(self, inputs: Inputs) -> Tensor:
        out = self.model.like.new_empty(inputs[0].shape[0], self.outputs, self.rank)
        step = self._count(self.outputs * self.model.total, of_rows=True)

        def rows(part: slice) -> Tensor:
            found = self.model.all_rows(tuple(x[part] for x in inputs)).flatten(0, 1)
            moved = found if self.V.only is None else found[:, self.V.only]
            return self.V.project(moved).unflatten(0, (-1, self.outputs))

        for part, found in in_pieces(len(out), step, rows):
            out[part] = found
        return out

    def _by_columns(
        self, inputs: Inputs, columns: Callable[[slice], Float[Tensor, "m c"]], count: int
    ) -> Tensor:
        """J times that many columns, which are formed a few at a time."""
        n = inputs[0].shape[0]
        out = self.model.like.new_empty(n, self.outputs, count)
        # A tangent holds the parameters and the outputs of all layers on the batch.
        step = self._count(self.model.total + 8 * (inputs[0].numel() + n * self.outputs))
        for part, found in in_pieces(
            count, step, lambda part: self.model.columns(inputs, columns(part))
        ):
            out[..., part] = found
        return out

    def _count(self, numbers: int, of_rows: bool = False) -> int:
        """How many arrays of that many numbers fit into the budget, at least one."""
        like = self.model.like
        few = of_rows and self._is_open and like.device.type == "cpu"
        budget = min(self.budget, LARGEST_ROWS) if few else self.budget
        return max(1, budget // (COPIES * numbers * like.element_size()))

    def _faster(self, probe: Inputs) -> str:
        """The way that takes less time for all columns of a few samples, of those that work."""
        few = tuple(x[:PROBE_SAMPLES] for x in probe)
        narrow = self.V.columns(slice(PROBE_COLUMNS), self.model.like)
        rows, trouble = _seconds(lambda: self._by_rows(few))
        forward, other = _seconds(
            lambda: self._by_columns(few, lambda part: narrow[:, part], narrow.shape[1])
        )
        if trouble and other:
            raise SettingsError(
                f"torch differentiates {type(self.model.module).__name__} neither by reverse mode "
                f"({trouble}) nor by forward mode ({other})."
            )
        return "rows" if rows <= forward * self.rank / narrow.shape[1] else "columns"


def _seconds(function: Callable[[], Tensor]) -> tuple[float, str]:
    """Seconds of the second call; infinite, with torch's message, if the call fails."""
    try:
        function()
        begin = time.perf_counter()
        function()
        return time.perf_counter() - begin, ""
    except SettingsError as error:
        return float("inf"), str(error.__cause__ or error)
