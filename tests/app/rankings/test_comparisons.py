"""From a weak order to its comparisons, by hand and by chance."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Unprocessable
from app.rankings.comparisons import Pair, check_tiers, comparisons_of, ranks_of, tiers_of


def test_a_strict_order_of_three_has_three_decided_pairs() -> None:
    assert comparisons_of([[30], [10], [20]]) == [
        Pair(10, 20, tie=False),
        Pair(30, 10, tie=False),
        Pair(30, 20, tie=False),
    ]


def test_a_tie_is_a_pair_with_the_smaller_id_first() -> None:
    assert comparisons_of([[9, 4], [7]]) == [Pair(4, 7, tie=False), Pair(4, 9, tie=True), Pair(9, 7, tie=False)]


def test_an_all_tied_ranking_is_six_ties() -> None:
    pairs = comparisons_of([[4, 3, 2, 1]])
    assert len(pairs) == 6
    assert all(pair.tie and pair.preferred_id < pair.other_id for pair in pairs)


def test_ranks_number_the_tiers() -> None:
    assert ranks_of([[5], [6, 7], [8]]) == {5: 1, 6: 2, 7: 2, 8: 3}


@st.composite
def weak_orders(draw: st.DrawFn) -> list[list[int]]:
    ids = draw(st.lists(st.integers(1, 10**9), min_size=2, max_size=9, unique=True))
    cuts = draw(st.lists(st.booleans(), min_size=len(ids) - 1, max_size=len(ids) - 1))
    tiers = [[ids[0]]]
    for completion, cut in zip(ids[1:], cuts, strict=True):
        if cut:
            tiers.append([completion])
        else:
            tiers[-1].append(completion)
    return tiers


@given(weak_orders())
def test_every_pair_is_compared_once_and_as_the_ranks_say(tiers: list[list[int]]) -> None:
    ranks, pairs = ranks_of(tiers), comparisons_of(tiers)
    assert {frozenset((pair.preferred_id, pair.other_id)) for pair in pairs} == {
        frozenset(pair) for pair in combinations(ranks, 2)
    }
    assert len(pairs) == len(ranks) * (len(ranks) - 1) // 2
    for pair in pairs:
        if pair.tie:
            assert ranks[pair.preferred_id] == ranks[pair.other_id]
            assert pair.preferred_id < pair.other_id
        else:
            assert ranks[pair.preferred_id] < ranks[pair.other_id]


@given(weak_orders())
def test_ranks_and_tiers_are_the_same_thing(tiers: list[list[int]]) -> None:
    assert tiers_of(ranks_of(tiers)) == [sorted(tier) for tier in tiers]
    check_tiers(tiers, ranks_of(tiers).keys(), ties_allowed=True)


@given(weak_orders(), st.data())
def test_leaving_one_out_or_doubling_one_is_refused(tiers: list[list[int]], data: st.DataObject) -> None:
    ids = list(ranks_of(tiers))
    one = data.draw(st.sampled_from(ids))
    without = [kept for tier in tiers if (kept := [completion for completion in tier if completion != one])]
    for wrong in (without, [*tiers, [one]]):
        with pytest.raises(Unprocessable) as refusal:
            check_tiers(wrong, ids, ties_allowed=True)
        assert refusal.value.field == "tiers"


@pytest.mark.parametrize(
    ("tiers", "said"),
    [
        ([], "completion 1 is not placed"),
        ([[1], [], [2], [3]], "tier 2 is empty"),
        ([[1], [2], [3], [4]], "completion 4 is not part of this task"),
        ([[1], [2], [2], [3]], "completion 2 is placed more than once"),
        ([[1], [2]], "completion 3 is not placed"),
        ([[1], [2, 3]], "tier 2 holds a tie, and this project does not allow ties"),
    ],
)
def test_a_refusal_says_what_is_wrong(tiers: list[list[int]], said: str) -> None:
    with pytest.raises(Unprocessable) as refusal:
        check_tiers(tiers, [1, 2, 3], ties_allowed=False)
    assert refusal.value.detail == said
