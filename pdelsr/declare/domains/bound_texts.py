"""The two bounds of a coordinate as text, for names and messages."""

from __future__ import annotations


def bound_texts(low: float, high: float) -> tuple[str, str]:
    """Both bounds to six digits, or to as many as tell them apart."""
    texts = ("", "")
    for digits in range(6, 18):
        texts = f"{low:.{digits}g}", f"{high:.{digits}g}"
        if texts[0] != texts[1]:
            break
    return texts


def range_text(low: float, high: float) -> str:
    """The interval as text: [0, 1]."""
    return "[{}, {}]".format(*bound_texts(low, high))
