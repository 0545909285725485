"""Agreement between weak orders, against the definition written out."""

from itertools import combinations, product

import pytest

from app.rankings.agreement import agreement


def test_equal_orders_agree_and_opposite_ones_do_not():
    assert agreement({1: 1, 2: 2, 3: 3}, {3: 3, 2: 2, 1: 1}) == 1
    assert agreement({1: 1, 2: 2, 3: 3}, {1: 3, 2: 2, 3: 1}) == 0


def test_only_the_order_counts_and_not_the_numbers():
    assert agreement({1: 1, 2: 5, 3: 9}, {1: 1, 2: 2, 3: 3}) == 1


def test_a_tie_agrees_with_a_tie_alone():
    assert agreement({1: 1, 2: 1}, {1: 1, 2: 1}) == 1
    assert agreement({1: 1, 2: 1}, {1: 1, 2: 2}) == 0
    assert agreement({1: 1, 2: 1, 3: 2}, {1: 1, 2: 2, 3: 3}) == pytest.approx(2 / 3)


def test_it_is_symmetric_and_is_kendalls_tau_without_ties():
    orders = [dict(zip((1, 2, 3), ranks, strict=True)) for ranks in product((1, 2, 3), repeat=3)]
    for first, second in product(orders, repeat=2):
        assert agreement(first, second) == agreement(second, first)
        if len(set(first.values())) == len(set(second.values())) == 3:
            signs = [(first[a] - first[b]) * (second[a] - second[b]) > 0 for a, b in combinations((1, 2, 3), 2)]
            tau = (2 * sum(signs) - len(signs)) / len(signs)
            assert agreement(first, second) == pytest.approx((1 + tau) / 2)


@pytest.mark.parametrize("ranks", [({1: 1}, {1: 1}), ({1: 1, 2: 2}, {1: 1, 3: 2}), ({}, {})])
def test_orders_of_other_things_are_no_pair(ranks):
    with pytest.raises(ValueError, match="same completions"):
        agreement(*ranks)
