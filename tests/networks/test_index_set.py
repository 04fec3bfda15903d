"""Combinatorial tables of Taylor algebra against brute force."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from math import comb, prod

import pytest

from pdelsr.networks.index_set import Index, closure

REQUESTS: dict[str, tuple[Index, ...]] = {
    "value": ((0, 0),),
    "one dimension": ((4,),),
    "heat": ((2, 0), (0, 1)),
    "biharmonic": ((4, 0), (2, 2), (0, 4)),
    "mixed": ((1, 1, 2), (0, 3, 0)),
    "five dimensions": ((2, 0, 0, 0, 0), (0, 0, 1, 0, 1), (0, 0, 0, 0, 2)),
}
SETS = [pytest.param(closure(request), id=name) for name, request in REQUESTS.items()]


def set_partitions(items: list[int]) -> Iterator[list[list[int]]]:
    """All ways to split a list into unordered blocks."""
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for size in range(len(rest) + 1):
        for others in itertools.combinations(range(len(rest)), size):
            block = [first, *(rest[i] for i in others)]
            remaining = [rest[i] for i in range(len(rest)) if i not in others]
            for partition in set_partitions(remaining):
                yield [block, *partition]


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_closure_is_the_smallest_downward_closed_set(request_: tuple[Index, ...]) -> None:
    top = max(max(index) for index in request_)
    every = itertools.product(range(top + 1), repeat=len(request_[0]))
    expected = {
        b for b in every if any(all(i <= j for i, j in zip(b, a, strict=True)) for a in request_)
    }
    found = closure(request_)
    assert set(found.indices) == expected
    assert len(found) == len(expected)
    assert sum(found.indices[0]) == 0
    assert [sum(index) for index in found.indices] == sorted(sum(i) for i in found.indices)


@pytest.mark.parametrize("indices", SETS)
def test_leibniz_is_the_product_rule(indices) -> None:
    for index, terms in zip(indices.indices, indices.leibniz, strict=True):
        found = {(indices.indices[t.left], indices.indices[t.right]): t.coefficient for t in terms}
        assert len(found) == len(terms) == prod(k + 1 for k in index)
        for (left, right), coefficient in found.items():
            assert tuple(a + b for a, b in zip(left, right, strict=True)) == index
            assert coefficient == prod(comb(k, j) for k, j in zip(index, left, strict=True))


@pytest.mark.parametrize("indices", SETS)
def test_faa_di_bruno_counts_set_partitions(indices) -> None:
    for index, monomials in zip(indices.indices, indices.faa_di_bruno, strict=True):
        axes = [axis for axis, order in enumerate(index) for _ in range(order)]
        expected: Counter[tuple[Index, ...]] = Counter()
        for partition in set_partitions(axes):
            parts = [tuple(block.count(axis) for axis in range(len(index))) for block in partition]
            expected[tuple(sorted(parts))] += 1
        found = {
            tuple(sorted(indices.indices[p] for p in m.positions)): m.coefficient for m in monomials
        }
        assert found == dict(expected)
        assert [m.order for m in monomials] == sorted(len(m.positions) for m in monomials)


def test_equal_requests_share_their_tables() -> None:
    assert closure(((2, 0), (0, 1))) is closure(((0, 1), (2, 0), (0, 1)))
