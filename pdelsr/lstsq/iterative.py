"""Iterates of iterative solvers of a least-squares problem, to compare with a direct solve."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.processes import ALONE, Group

LEARNING_RATE = 1e-2  # of Adam, where σ_max(A) = ‖Aᵀb‖ = 1
SCALE = 1e8  # of L-BFGS
EVALUATIONS = 26  # of an iteration of L-BFGS, at most

Iterates = Callable[[Tensor, Tensor], Iterator[Tensor]]
"""Maps A and b to y after 1, 2, … iterations from y = 0; ends when nothing is left to do."""


def iterates(
    name: str, A: Float[Tensor, "n r"], b: Float[Tensor, " n"], counts: Sequence[int]
) -> Float[Tensor, "c r"]:
    """y of min ‖A y − b‖ after some numbers of iterations, from y = 0.

    The iterates of all solvers depend on AᵀA and Aᵀb only. If A = Q R and z = Qᵀb, then AᵀA = RᵀR
    and Aᵀb = Rᵀz: up to rounding, the iterates on the triangle, min ‖R y − z‖, are those on the
    matrix, and an iteration costs r² instead of n r.

    The problem is scaled to σ_max(A) = ‖Aᵀb‖ = 1, which matters only to Adam and L-BFGS.

    Args:
        name: one of `ITERATIVE`.
        A: dense.
        b: right-hand side.
        counts: in rising order, from 1 on.
    """
    largest, slope = torch.linalg.matrix_norm(A, 2).item(), torch.linalg.vector_norm(A.T @ b).item()
    found = b.new_zeros(len(counts), A.shape[1])
    if slope == 0:
        return found
    size = slope / largest
    y = found[0].clone()
    steps, done = ITERATIVE[name](A / largest, b / size), 0
    for i, count in enumerate(counts):
        for y in islice(steps, count - done):  # noqa: B007
            pass
        found[i], done = y, count
    return found * (size / largest)


def cgls(A: Float[Tensor, "n r"], b: Float[Tensor, " n"]) -> Iterator[Tensor]:
    """Conjugate gradients on AᵀA y = Aᵀb (Hestenes and Stiefel 1952), down to rounding.

    Beyond that the gradient is noise, and the directions would grow without bound.
    """
    rounding = torch.finfo(b.dtype).eps * max(A.shape) ** 0.5
    y, rest = b.new_zeros(A.shape[1]), b
    s = p = A.T @ rest
    size = s @ s
    while size > rounding**2 * (rest @ rest):  # σ_max = 1
        q = A @ p
        step = size / (q @ q)
        y, rest = y + step * p, rest - step * q
        s, before = A.T @ rest, size
        size = s @ s
        p = s + (size / before) * p
        yield y


def lsqr(A: Any, b: Float[Tensor, " n"], group: Group = ALONE) -> Iterator[Tensor]:
    """The iterates of CGLS by bidiagonalization (Paige and Saunders 1982).

    Args:
        A: a matrix, or anything with the products A @ y and A.T @ w.
        b: right-hand side.
        group: processes over which the rows of A and b are spread.
    """
    bidiagonal = bidiagonalize(A, b, group)
    phi_bar, rho_bar, v = next(bidiagonal)
    y, w = torch.zeros_like(v), v
    for beta, alpha, v in bidiagonal:
        rho = math.hypot(rho_bar, beta)
        if rho == 0:
            return
        c, s = rho_bar / rho, beta / rho
        y = y + (c * phi_bar / rho) * w
        w = v - (s * alpha / rho) * w
        rho_bar, phi_bar = -c * alpha, s * phi_bar
        yield y


def lsmr(A: Float[Tensor, "n r"], b: Float[Tensor, " n"]) -> Iterator[Tensor]:
    """The smallest ‖Aᵀ(b − A y)‖ by bidiagonalization (Fong and Saunders 2011)."""
    bidiagonal = bidiagonalize(A, b)
    beta, alpha_bar, v = next(bidiagonal)
    zeta_bar = alpha_bar * beta
    rho = rho_bar = c_bar = 1.0
    s_bar = 0.0
    y, h, h_bar = torch.zeros_like(v), v, torch.zeros_like(v)
    for beta, alpha, v in bidiagonal:
        before = rho * rho_bar
        rho = math.hypot(alpha_bar, beta)
        if rho == 0:
            return
        c, s = alpha_bar / rho, beta / rho
        theta, alpha_bar = s * alpha, c * alpha
        theta_bar = s_bar * rho
        rho_bar = math.hypot(c_bar * rho, theta)
        c_bar, s_bar = c_bar * rho / rho_bar, theta / rho_bar
        h_bar = h - (theta_bar * rho / before) * h_bar
        y = y + (c_bar * zeta_bar / (rho * rho_bar)) * h_bar
        h = v - (theta / rho) * h
        zeta_bar = -s_bar * zeta_bar
        yield y


def bidiagonalize(
    A: Any, b: Float[Tensor, " n"], group: Group = ALONE
) -> Iterator[tuple[float, float, Tensor]]:
    """β_k, α_k, v_k of Golub and Kahan: b = β₁ u₁, A v_k = α_k u_k + β_{k+1} u_{k+1}."""
    beta, u = _unit(b, group)
    alpha, v = _unit(A.T @ u)
    yield beta, alpha, v
    while alpha > 0:
        beta, u = _unit(A @ v - alpha * u, group)
        alpha, v = _unit(A.T @ u - beta * v)
        yield beta, alpha, v


def adam(A: Float[Tensor, "n r"], b: Float[Tensor, " n"]) -> Iterator[Tensor]:
    """Adam on ½ ‖A y − b‖² with a constant learning rate of 0.01."""
    y = b.new_zeros(A.shape[1]).requires_grad_()
    optimizer = torch.optim.Adam([y], lr=LEARNING_RATE)
    while True:
        y.grad = A.T @ (A @ y.detach() - b)
        optimizer.step()
        yield y.detach().clone()


def lbfgs(A: Float[Tensor, "n r"], b: Float[Tensor, " n"]) -> Iterator[Tensor]:
    """L-BFGS on ½ ‖A y − b‖² with 100 pairs and a strong Wolfe line search.

    The first trial step is 1/σ_max². The problem is scaled up, because torch ignores curvature
    below 1e-10 and steps below 1e-9.
    """
    target = SCALE * (A.T @ b)
    y = b.new_zeros(A.shape[1]).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [y],
        lr=max(1.0, target.abs().sum().item()),  # torch divides the first step by this
        max_iter=1,
        max_eval=EVALUATIONS,
        tolerance_grad=0.0,
        tolerance_change=0.0,
        history_size=100,
        line_search_fn="strong_wolfe",
    )

    def loss() -> float:
        """The loss less ½ ‖b‖², whose rounding would hide the gain of small steps."""
        y.grad = A.T @ (A @ y.detach()) - target
        return 0.5 * (y.detach() @ (y.grad - target)).item()

    while True:
        optimizer.step(loss)
        optimizer.param_groups[0]["lr"] = 1.0
        yield y.detach() / SCALE


def _unit(x: Tensor, group: Group = ALONE) -> tuple[float, Tensor]:
    """Length and direction; zero where there is none."""
    length = group.norm(x)
    return length, x / length if length > 0 else x


ITERATIVE: dict[str, Iterates] = {
    "adam": adam,
    "lbfgs": lbfgs,
    "cgls": cgls,
    "lsqr": lsqr,
    "lsmr": lsmr,
}
"""All iterative solvers by name."""
