"""G V by rows or by columns: the memory budget decides, and the result does not depend on it."""

from __future__ import annotations

import pytest
from residual_cases import assert_close, build, coefficients, normal

from pdelsr.linearize import Dense, Identity, products, reduced_matrix


@pytest.mark.parametrize("budget", [1, 10**6], ids=["a row does not fit", "rows fit"])
def test_budget_chooses_the_form(budget: int, monkeypatch: pytest.MonkeyPatch) -> None:
    residual = build("burgers", budget=budget)
    V, c = normal(residual.network.parameter_count, 3), coefficients(residual)
    expected = residual.times(V, c)
    by_columns = []
    original = products.times_by_jvp

    def spied(*arguments: object) -> object:
        by_columns.append(arguments)
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(products, "times_by_jvp", spied)
    assert_close(reduced_matrix(residual, Dense(V), c), expected)
    assert bool(by_columns) == (budget == 1)


def test_the_whole_space_is_always_rows() -> None:
    residual = build("burgers", budget=1)
    c = coefficients(residual)
    found = reduced_matrix(residual, Identity(residual.network.parameter_count), c)
    assert_close(found, residual.matrix(c))
