"""QR and triangles of rows that are spread over processes."""

from __future__ import annotations

import pytest
import torch
from thread_group import Threads, in_threads
from torch import Tensor

from pdelsr.lstsq import LSQR, QR, Cholesky, LeastSquares, StreamingQR, System, TruncatedSVD
from pdelsr.lstsq.system import MatrixSystem, NotFiniteError, require_finite
from pdelsr.lstsq.tree_qr import tree_factored
from pdelsr.lstsq.triangle import Triangle
from pdelsr.processes import ALONE, Group
from pdelsr.processes.triangles import packed, pairs, unpacked


class SpreadSystem(MatrixSystem):
    """The rows of one thread."""

    def __init__(self, A: Tensor, b: Tensor, group: Group) -> None:
        super().__init__(A, b)
        object.__setattr__(self, "of", group)

    @property
    def group(self) -> Group:
        return self.of

    def chunks(self):
        for rows, b in super().chunks():
            require_finite(rows, b)
            yield rows, b

    def transpose_times(self, w: Tensor) -> Tensor:
        return self.of.sum(super().transpose_times(w))


def problem(n: int, r: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(n)
    A = torch.randn(n, r, dtype=torch.float64, generator=generator)
    A *= torch.logspace(0, -6, r, dtype=torch.float64)
    return A, torch.randn(n, dtype=torch.float64, generator=generator)


def part(values: Tensor, group: Group) -> Tensor:
    return values[group.rank :: group.size].clone()


def test_the_tree_ends_at_the_first_process_and_meets_every_other_once() -> None:
    for size in range(1, 18):
        sources = [source for source, _ in pairs(size)]
        assert sorted(sources) == list(range(1, size))
        gone: set[int] = set()
        for source, target in pairs(size):
            assert not {source, target} & gone
            gone.add(source)


def test_a_triangle_is_packed_into_half_of_its_numbers() -> None:
    R = torch.randn(5, 5, dtype=torch.float64).triu()
    assert packed(R).numel() == 15
    assert torch.equal(unpacked(packed(R), 5), R)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
def test_factors_of_several_processes_are_those_of_all_rows(size: int) -> None:
    A, b = problem(211, 20)

    def work(group: Threads) -> tuple[Tensor, Tensor, float, int]:
        own = A.new_zeros(max(20, len(part(A, group))), 20)
        own[: len(part(A, group))] = part(A, group)
        found = tree_factored(own, group)
        z, rest = found.rotated(part(b, group))
        return found.R, z, rest, group.sent

    Q, R = torch.linalg.qr(A)
    results = in_threads(size, work)
    for found, z, rest, _ in results:
        assert torch.equal(found, results[0][0])
        assert torch.allclose(found.abs(), R.abs(), rtol=1e-10, atol=1e-15)
        y = torch.linalg.solve_triangular(found, z[:, None], upper=True)
        expected = torch.linalg.lstsq(A, b[:, None]).solution
        assert torch.allclose(y, expected, rtol=1e-7)
        assert rest == pytest.approx(torch.linalg.vector_norm(b - Q @ (Q.T @ b)).item(), rel=1e-12)


@pytest.mark.parametrize("n", [100, 4000])
def test_a_merge_moves_half_a_square_of_numbers_whatever_the_number_of_rows_is(n: int) -> None:
    r, size = 30, 4
    A, b = problem(n, r)

    def factored(group: Threads) -> int:
        own = A.new_zeros(max(r, len(part(A, group))), r)
        own[: len(part(A, group))] = part(A, group)
        tree_factored(own, group)
        return group.sent

    def streamed(group: Threads) -> int:
        triangle = Triangle(r, A)
        triangle.update(part(A, group), part(b, group))
        triangle.merge(group)
        return group.sent

    assert in_threads(size, factored) == [0, *[r * (r + 1) // 2] * (size - 1)]
    assert in_threads(size, streamed) == [0, *[(r + 1) * (r + 2) // 2] * (size - 1)]


SOLVERS = [QR(), StreamingQR(), TruncatedSVD(), Cholesky(), LSQR()]


@pytest.mark.filterwarnings("ignore::pdelsr.lstsq.NormalEquationsWarning")
@pytest.mark.parametrize("solver", SOLVERS, ids=lambda s: s.name)
@pytest.mark.parametrize("size", [2, 5])
def test_a_solver_gives_the_same_for_rows_of_several_processes(
    solver: LeastSquares, size: int
) -> None:
    A, b = problem(97, 12)
    other = torch.sin(torch.arange(97, dtype=torch.float64))

    def work(group: Group) -> list[Tensor | float | None]:
        system: System = SpreadSystem(part(A, group), part(b, group), group)
        state = solver.init(system)
        found: list[Tensor | float | None] = [solver.compute(state).solution]
        found.append(solver.compute(state, part(other, group)).solution)
        found += [solver.left_over(state), solver.in_part(state)]
        spectrum = solver.spectrum(state)
        found.append(None if spectrum is None else spectrum.singular_values)
        found.append(solver.root_covariance(state, A[:3]))
        return found

    expected = work(ALONE)
    for results in in_threads(size, work):
        for value, right in zip(results, expected, strict=True):
            if isinstance(right, Tensor):
                assert isinstance(value, Tensor)
                if right.ndim == 2:  # a root is known up to a rotation
                    value, right = value @ value.T, right @ right.T
                assert torch.allclose(value, right, rtol=1e-5, atol=1e-12 * right.abs().max())
            elif right is None:
                assert value is None
            else:
                assert value == pytest.approx(right, rel=1e-10)


def test_processes_with_fewer_rows_than_columns_take_part() -> None:
    A, b = problem(10, 6)

    def work(group: Group) -> Tensor:
        state = QR().init(SpreadSystem(part(A, group), part(b, group), group))
        return QR().compute(state).solution

    expected = torch.linalg.lstsq(A, b[:, None]).solution[:, 0]
    for found in in_threads(5, work):
        assert torch.allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("solver", [QR(), StreamingQR()], ids=lambda s: s.name)
def test_a_row_of_one_process_that_is_not_finite_is_refused_by_all(solver: LeastSquares) -> None:
    A, b = problem(40, 4)
    A[1, 2] = torch.nan

    def work(group: Group) -> str:
        with pytest.raises(NotFiniteError):
            solver.init(SpreadSystem(part(A, group), part(b, group), group))
        return "refused"

    assert in_threads(3, work) == ["refused"] * 3
