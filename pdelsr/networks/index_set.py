"""Multi-indices of partial derivatives, and the tables of truncated Taylor algebra."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache, cached_property
from math import factorial, prod

Index = tuple[int, ...]


@dataclass(frozen=True)
class Monomial:
    """One term of Faà di Bruno's formula: coefficient · σ^(order)(z₀) · Π z_β over `positions`."""

    coefficient: int
    order: int
    positions: tuple[int, ...]


@dataclass(frozen=True)
class LeibnizTerm:
    """One term of the product rule: coefficient · a_left · b_right."""

    coefficient: int
    left: int
    right: int


@dataclass(frozen=True)
class IndexSet:
    """A downward-closed, ordered set of multi-indices; the value (0, …, 0) comes first.

    Build it with `closure`, which adds the lower derivatives that Taylor propagation needs.
    """

    indices: tuple[Index, ...]

    def __len__(self) -> int:
        return len(self.indices)

    @cached_property
    def dim(self) -> int:
        """Number of coordinates."""
        return len(self.indices[0])

    @cached_property
    def order(self) -> int:
        """Highest total order in the set."""
        return max(sum(index) for index in self.indices)

    @cached_property
    def positions(self) -> dict[Index, int]:
        """The position of each multi-index in the set."""
        return {index: i for i, index in enumerate(self.indices)}

    @cached_property
    def along(self) -> IndexSet:
        """The set, followed by the same set with one derivative along an additional coordinate."""
        return IndexSet(tuple((*index, order) for order in (0, 1) for index in self.indices))

    @cached_property
    def leibniz(self) -> tuple[tuple[LeibnizTerm, ...], ...]:
        """For each α the terms C(α, β) a_β b_{α−β} of (a b)_α."""
        return tuple(
            tuple(
                LeibnizTerm(_binomial(a, b), self.positions[b], self.positions[_minus(a, b)])
                for b in _below(a)
            )
            for a in self.indices
        )

    @cached_property
    def faa_di_bruno(self) -> tuple[tuple[Monomial, ...], ...]:
        """For each α the monomials of σ(z)_α, sorted by the order of σ's derivative."""
        return tuple(
            tuple(
                Monomial(_count(a, parts), len(parts), tuple(self.positions[p] for p in parts))
                for parts in sorted(_decompositions(a), key=len)
            )
            for a in self.indices
        )


def closure(indices: tuple[Index, ...]) -> IndexSet:
    """The smallest downward-closed set with these `indices`, sorted by total order."""
    return _closure(tuple(sorted(set(indices))))


@cache
def _closure(indices: tuple[Index, ...]) -> IndexSet:
    zero = (0,) * len(indices[0])
    lower = {zero}.union(*(_below(index) for index in indices))
    return IndexSet(tuple(sorted(lower, key=lambda a: (sum(a), tuple(-k for k in a)))))


def _below(index: Index) -> list[Index]:
    return list(itertools.product(*(range(k + 1) for k in index)))


def _minus(a: Index, b: Index) -> Index:
    return tuple(i - j for i, j in zip(a, b, strict=True))


def _binomial(a: Index, b: Index) -> int:
    return prod(
        factorial(i) // (factorial(j) * factorial(i - j)) for i, j in zip(a, b, strict=True)
    )


@cache
def _decompositions(index: Index) -> tuple[tuple[Index, ...], ...]:
    """All multisets of nonzero multi-indices that sum to `index`, each sorted."""
    if not any(index):
        return ((),)
    found = {
        tuple(sorted((*rest, first)))
        for first in _below(index)
        if any(first)
        for rest in _decompositions(_minus(index, first))
    }
    return tuple(found)


def _count(index: Index, parts: tuple[Index, ...]) -> int:
    """α! / (Π_j β_j! · Π multiplicities!): how often a monomial occurs."""
    multiplicity = prod(factorial(parts.count(p)) for p in set(parts))
    return _factorial(index) // (prod(_factorial(p) for p in parts) * multiplicity)


def _factorial(index: Index) -> int:
    return prod(factorial(k) for k in index)
