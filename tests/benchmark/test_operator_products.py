"""J V of an operator, three ways, at small size."""

from __future__ import annotations

import pytest
from rich.console import Console

from pdelsr.benchmark.products import ProductSettings, measure_products, product_table

SMALL = ProductSettings(6, 7, (8, 8), rank=5, functions=12, few=4, batch=5)


def test_all_ways_give_the_same_product() -> None:
    found = measure_products(SMALL, apply=lambda function, *arguments: function(*arguments))
    assert [f.way for f in found] == ["rows", "columns", "separable"]
    assert [f.functions for f in found] == [4, 4, 12]
    assert found[0].size == pytest.approx(found[2].size, rel=1e-12)
    assert found[1].size == pytest.approx(found[2].size, rel=1e-12)
    assert found[0].seconds_for(12) == pytest.approx(found[0].setup + 3 * found[0].seconds)
    console = Console(width=120)
    with console.capture() as capture:
        console.print(product_table(found, SMALL))
    assert "12 × 7 pairs" in capture.get()
