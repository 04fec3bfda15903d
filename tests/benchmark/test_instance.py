"""A refinement for one instance against columns, at small size."""

from __future__ import annotations

import pytest
from rich.console import Console

from pdelsr.benchmark.instance import InstanceSettings, instance_table, measure_instance

SMALL = InstanceSettings(sensors=6, hidden=(8, 8, 8), rank=20, points=60, few=4)


def test_columns_and_rows_give_the_same_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pdelsr.resources.memory.ON_CPU", 25)  # several pieces a block
    found = measure_instance(SMALL, apply=lambda function, *arguments: function(*arguments))
    columns, rows, refinement = found
    assert columns.product_sum == pytest.approx(rows.product_sum, rel=1e-10)
    assert [f.directions for f in found] == [4, 20, 20]
    assert rows.rows == 60 + 3 * 12
    assert columns.seconds_for(20) == pytest.approx(5 * columns.product + columns.rest)
    assert refinement.seconds_for(20) == refinement.rest > 0
    console = Console(width=120)
    with console.capture() as capture:
        console.print(instance_table(found, SMALL))
    assert "columns / this" in capture.get()
