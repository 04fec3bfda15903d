"""Scrambled Sobol points, equal to those of `scipy.stats.qmc`, which takes long to load.

The direction numbers are those of Joe and Kuo (SIAM J. Sci. Comput. 30, 2008), the scrambling is a
linear matrix scramble with a digital shift (Matoušek, J. Complexity 14, 1998).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import scipy
from jaxtyping import Float, UInt32

BITS = 30
JOE_KUO = (  # from the second coordinate on: coefficients of a polynomial over GF(2), m_1, m_2, …
    (3, 1),
    (7, 1, 3),
    (11, 1, 3, 1),
    (13, 1, 1, 1),
    (19, 1, 1, 3, 3),
    (25, 1, 3, 5, 13),
    (37, 1, 1, 5, 5, 17),
    (41, 1, 1, 5, 5, 5),
    (47, 1, 1, 7, 11, 19),
    (55, 1, 1, 5, 1, 1),
    (59, 1, 1, 1, 3, 11),
    (61, 1, 3, 5, 5, 31),
    (67, 1, 3, 3, 9, 7, 49),
    (91, 1, 1, 1, 15, 21, 21),
    (97, 1, 3, 1, 13, 27, 49),
    (103, 1, 1, 1, 15, 7, 5),
    (109, 1, 3, 1, 15, 13, 25),
    (115, 1, 1, 5, 5, 19, 61),
)
MOST = 1 + len(JOE_KUO)  # coordinates; scipy takes more


def sobol(n: int, dim: int, seed: int | np.random.Generator) -> Float[np.ndarray, "n {dim}"]:
    """The first n points of a scrambled Sobol sequence in the unit cube.

    Args:
        n: Number of points; a power of two fills the cube best.
        dim: Dimension of the cube.
        seed: A seed, or a generator, which spawns a child.
    """
    if dim > MOST:
        engine = scipy.stats.qmc.Sobol(dim, seed=seed)  # pyright: ignore
        return engine.random_base2((n - 1).bit_length())[:n]
    rng = seed.spawn(1)[0] if isinstance(seed, np.random.Generator) else np.random.default_rng(seed)
    shift = rng.integers(2, size=(dim, BITS), dtype=np.uint32) @ _powers()
    directions = _scrambled(_directions()[:dim], rng)
    points = shift[None]
    for k in range((n - 1).bit_length()):  # a reflected Gray code: one bit changes at a time
        points = np.concatenate([points, points[::-1] ^ directions[:, k]])
    return points[:n] * 2.0**-BITS


def _scrambled(
    directions: UInt32[np.ndarray, "d b"], rng: np.random.Generator
) -> UInt32[np.ndarray, "d b"]:
    """The digits of every direction number, times a random lower triangular matrix over GF(2)."""
    drawn = rng.integers(2, size=(len(directions), BITS, BITS), dtype=np.uint32)
    lower = np.tril(drawn, -1) + np.eye(BITS, dtype=np.uint32)
    digits = directions[:, None] >> np.arange(BITS, dtype=np.uint32)[::-1, None] & 1
    return _powers()[::-1] @ (lower @ digits % 2)


@cache
def _directions() -> UInt32[np.ndarray, "d b"]:
    """v_k = m_k 2^(b - k) of every coordinate; the first one has m_k = 1."""
    numbers = [[1] * BITS, *(_recurrence(p, list(m)) for p, *m in JOE_KUO)]
    return np.array(numbers, dtype=np.uint32) * _powers()[::-1]


def _recurrence(polynomial: int, m: list[int]) -> list[int]:
    """m_k = 2 a_1 m_{k-1} ⊕ 4 a_2 m_{k-2} ⊕ … ⊕ 2^s m_{k-s} ⊕ m_{k-s}, for a of degree s."""
    degree = len(m)
    for _ in range(degree, BITS):
        following = m[-degree]
        for i in range(1, degree + 1):
            if polynomial >> (degree - i) & 1:
                following ^= m[-i] << i
        m.append(following)
    return m


def _powers() -> UInt32[np.ndarray, " b"]:
    """1, 2, 4, …, one for each bit."""
    return 2 ** np.arange(BITS, dtype=np.uint32)
