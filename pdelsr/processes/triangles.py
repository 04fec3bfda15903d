"""Triangles and symmetric matrices of several processes: half of the numbers travel."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.processes.group import Group


def pairs(size: int) -> list[tuple[int, int]]:
    """Who sends its triangle to whom, in order: a binary tree with process 0 at its end."""
    found, step = [], 1
    while step < size:
        found += [(k + step, k) for k in range(0, size - step, 2 * step)]
        step *= 2
    return found


def send_triangle(R: Float[Tensor, "r r"], to: int, group: Group) -> None:
    """Send the upper triangle, r (r + 1) / 2 numbers."""
    group.send(packed(R), to)


def receive_triangle(like: Float[Tensor, "r r"], source: int, group: Group) -> Tensor:
    """An upper triangle of the same size from another process."""
    numbers = like.new_empty(len(like) * (len(like) + 1) // 2)
    group.receive(numbers, source)
    return unpacked(numbers, len(like))


def agreed_triangle(R: Float[Tensor, "r r"], group: Group) -> Float[Tensor, "r r"]:
    """The triangle of the first process."""
    return R if group.size == 1 else unpacked(group.agreed(packed(R)), len(R))


def packed(R: Float[Tensor, "r r"]) -> Float[Tensor, " t"]:
    """The upper triangle row by row."""
    return torch.cat([row[i:] for i, row in enumerate(R)])


def unpacked(numbers: Float[Tensor, " t"], size: int) -> Float[Tensor, "r r"]:
    """The matrix of an upper triangle."""
    R = numbers.new_zeros(size, size)
    for i, part in enumerate(numbers.split([size - i for i in range(size)])):
        R[i, i:] = part
    return R


def symmetric_sum(matrix: Float[Tensor, "m m"], group: Group) -> Float[Tensor, "m m"]:
    """The sum of symmetric matrices over the processes."""
    if group.size == 1:
        return matrix
    upper = unpacked(group.sum(packed(matrix)), len(matrix))
    return upper + upper.triu(1).T
