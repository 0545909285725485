"""How much two weak orders over the same completions say the same. Pure: no database, no clock.

The measure is the share of the C(K,2) pairs on which both orders say the same of `better`, `worse` and `tie`: 1 for
equal orders, 0 when no pair agrees. A tie agrees with a tie and with nothing else, so that calling everything a tie is
no way to be right. With no ties it is `(1 + Kendall's τ) / 2`.
"""

from collections.abc import Mapping
from itertools import combinations


def agreement(ranks: Mapping[int, int], other: Mapping[int, int]) -> float:
    """The share of pairs, 0 to 1, on which two weak orders agree; 1 is the best rank, equal ranks tie.

    Raises:
        ValueError: the orders are not over the same two or more completions.
    """
    if set(ranks) != set(other) or len(ranks) < 2:
        raise ValueError("agreement is between two orders of the same completions, at least two")
    pairs = list(combinations(ranks, 2))
    same = sum(_sign(ranks, first, second) == _sign(other, first, second) for first, second in pairs)
    return same / len(pairs)


def _sign(ranks: Mapping[int, int], first: int, second: int) -> int:
    return (ranks[first] > ranks[second]) - (ranks[first] < ranks[second])
